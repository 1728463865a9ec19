"""`longtake transcript`: the words of a video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from longtake.cli.output import emit, save, talk
from longtake.cli.session import Session, common, complete_video, current
from longtake.cli.subtitles import WRITERS, segments, whole
from longtake.cli.times import TIME, window

if TYPE_CHECKING:
    from longtake.storage.records import Record


@click.command("transcript")
@click.argument("video", shell_complete=complete_video)
@click.option(
    "--format", "form", type=click.Choice(list(WRITERS)), default="txt", show_default=True
)
@click.option("--from", "start", type=TIME, metavar="TIME", help="Not before this time.")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Not after this time.")
@click.option("-o", "out", type=click.Path(path_type=Path), help="Write to this file.")
@common()
def transcript_command(
    video: str, form: str, start: float | None, end: float | None, out: Path | None
) -> None:
    """Print the words: txt, srt, vtt or json.

    Speakers are told where the pass `speakers` has told voices apart. The json is whisper's own; `--json` puts it into the envelope.
    """

    session = current()
    known = session.open().video(video)
    span = window(start, end, known)
    found = segments(session.reader().transcript(known.id, span=span), _turns(session, known.id))
    if not found:
        sound = known.media.get("has_audio", True)
        talk("no speech was found there" if sound else "this video has no sound")
    if out is not None:
        save(out, WRITERS[form](found) + "\n")
        talk(f"wrote {out}")
    data = {"video": known.id, "path": None if out is None else str(out), **whole(found)}
    emit(data, lambda: None if out else WRITERS[form](found) or None, count=len(found))


def _turns(session: Session, video: str) -> list[Record]:
    """Who speaks when, as far as voices were told apart."""
    found = session.open().store.records(video=video, level="moment", channel="entity")
    return [one for one in found if one.data.get("kind") == "speaker"]
