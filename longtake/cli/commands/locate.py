"""`longtake locate`: where in a video something is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from longtake.cli.answers import shorten
from longtake.cli.commands.search import read_channels
from longtake.cli.output import dim, emit, style, warn
from longtake.cli.session import common, complete_video, current
from longtake.cli.times import TIME, stretch, window
from longtake.errors import UsageError


@click.command("locate")
@click.argument("video", shell_complete=complete_video)
@click.argument("description")
@click.option(
    "-k", type=click.IntRange(1, 10), default=10, show_default=True, help="How many windows."
)
@click.option("--in", "within", multiple=True, metavar="CHANNELS", help="As for search.")
@click.option("--from", "start", type=TIME, metavar="TIME", help="Not before this time.")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Not after this time.")
@click.option("--at", type=TIME, metavar="TIME", help="Only what was known at this time.")
@click.option("--fine", is_flag=True, help="Find edges of what is seen frame by frame in the file.")
@click.option("--saliency", is_flag=True, help="Also how well every two seconds fit.")
@common()
def locate_command(
    video: str,
    description: str,
    k: int,
    within: tuple[str, ...],
    start: float | None,
    end: float | None,
    at: float | None,
    fine: bool,
    saliency: bool,
) -> None:
    """Find the windows of a video that a description fits.

    Each window has the times of what is said, shown or seen there, and how sure it is, 0 to 1.
    """
    session = current()
    if not description.strip():
        raise UsageError("the description is empty", fix="say what to look for")
    channels = read_channels(within)
    library = session.open()
    known = library.video(video)
    span = window(start, end, known)
    box = library.toolbox
    if fine and not box.looker.has_source(known):
        warn(f"the file of {known.name} is gone, so edges are those that are remembered")
    found = box.locate(
        description, video=known.id, span=span, within=channels or None, k=k, as_of=at, fine=fine
    )
    data: dict[str, Any] = {
        "video": known.id,
        "duration": round(known.duration, 3),
        "windows": [
            {
                "start": round(one.span.start, 3),
                "end": round(one.span.end, 3),
                "p": round(one.p, 4),
                "source": one.source,
                "text": one.text,
                "record": one.record,
            }
            for one in found.windows
        ],
    }
    if saliency:
        data["saliency"] = {"start": span.start if span else 0.0, "step": 2.0,
                            "scores": found.saliency()}  # fmt: skip
    emit(data, lambda: _text(data), count=len(found.windows))


def _text(data: Mapping[str, Any]) -> str:
    lines = []
    for number, one in enumerate(data["windows"], 1):
        quote = f"  “{shorten(one['text'], 100)}”" if one["text"] else ""
        lines.append(
            f"{style(f'{number:>3}', fg='cyan')}  {stretch(one['start'], one['end'])}"
            f"  {dim(format(one['p'], '.2f'))}  {one['source']:<7}{quote}"
        )
    if not lines:
        lines.append("Nothing fits; `longtake search` shows the nearest there is.")
    if "saliency" in data:
        lines += ["", *_bars(data["saliency"])]
    return "\n".join(lines)


def _bars(saliency: Mapping[str, Any], width: int = 72) -> list[str]:
    """The list as one line of blocks, each the best of its share."""
    scores = list(saliency["scores"])
    if not scores:
        return []
    step = max(1, -(-len(scores) // width))
    tops = [max(scores[n : n + step]) for n in range(0, len(scores), step)]
    marks = " ▁▂▃▄▅▆▇█"
    return ["".join(marks[min(8, round(8 * top))] for top in tops)]
