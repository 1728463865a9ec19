"""`longtake highlights`: the moments that stand out, as a list, cues or a cut list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from longtake.cli.cuts import concat, edl
from longtake.cli.output import clean, dim, emit, save, style, talk
from longtake.cli.session import common, complete_video, current
from longtake.cli.subtitles import vtt
from longtake.cli.times import TIME, stretch, window
from longtake.errors import UsageError


@click.command("highlights")
@click.argument("video", shell_complete=complete_video)
@click.option("-n", type=click.IntRange(1, 100), default=5, show_default=True, help="How many.")
@click.option("--about", default="", metavar="QUERY", help="Only moments that bear on this.")
@click.option("--min-gap", type=click.FloatRange(0), default=30.0, show_default=True,
              help="Seconds between two of them.")  # fmt: skip
@click.option("--length", type=click.FloatRange(1), help="Seconds of all of them together.")
@click.option("--from", "start", type=TIME, metavar="TIME", help="Not before this time.")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Not after this time.")
@click.option("--at", type=TIME, metavar="TIME", help="Only what was known at this time.")
@click.option("--vtt", "form", flag_value="vtt", help="Write WebVTT cues.")
@click.option("--edl", "form", flag_value="edl", help="Write an edit list (CMX 3600).")
@click.option("--ffmpeg", "form", flag_value="ffmpeg", help="Write a list for ffmpeg -f concat.")
@click.option("-o", "out", type=click.Path(path_type=Path), help="The file; default: stdout.")
@common()
def highlights_command(
    video: str,
    n: int,
    about: str,
    min_gap: float,
    length: float | None,
    start: float | None,
    end: float | None,
    at: float | None,
    form: str | None,
    out: Path | None,
) -> None:
    """Pick the moments that stand out; cut lists too.

    Why a moment stands out is told with it: rare words, figures and names, a new subject, the
    pace of speech, a change of screen. `ffmpeg -f concat -safe 0 -i LIST -c copy REEL.mp4` joins
    what --ffmpeg lists.
    """
    session = current()
    library = session.open()
    known = library.video(video)
    found = library.toolbox.highlights(
        known.id, n=n, about=about, min_gap=min_gap, length=length,
        span=window(start, end, known), as_of=at,
    )  # fmt: skip
    rows = [one.to_json() for one in found]
    data = {"video": known.id, "name": known.name, "about": about or None,
            "path": str(out) if out else None, "highlights": rows}  # fmt: skip
    if form == "vtt":
        text = vtt([row | {"name": row["title"]} for row in rows])
    elif form == "edl":
        text = edl(known.name, rows, float(known.media.get("fps") or 25.0))
    elif form == "ffmpeg":
        if Path(known.path).is_dir():
            raise UsageError(
                f"{known.name} is a folder of segments, not one file to cut from",
                fix="longtake clip VIDEO START-END cuts from it",
            )
        text = concat(known.path, rows)
    else:
        text = _text(data) + "\n"
    if out is not None:
        save(out, text)
        talk(f"wrote {out}: {len(rows)} moments")
    emit(data, lambda: None if out else text.rstrip("\n"), count=len(rows))


def _text(data: Mapping[str, Any]) -> str:
    lines = []
    for number, one in enumerate(data["highlights"], 1):
        title = style(clean(one["title"]), bold=True)
        lines.append(
            f"{style(f'{number:>3}', fg='cyan')}  {stretch(one['start'], one['end'])}  {title}"
        )
        lines.append(f"     “{clean(one['text'])}”")
        if one["why"]:
            lines.append(f"     {dim(', '.join(clean(why) for why in one['why']))}")
    return "\n".join(lines) or "Nothing stands out there."
