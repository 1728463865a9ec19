"""`longtake clip`: cut a span out of a video into a file of its own."""

from __future__ import annotations

import re
from pathlib import Path

import click

from longtake.cli.output import check_output, clean, emit
from longtake.cli.session import Session, common, complete_video, current
from longtake.cli.target import find_target
from longtake.cli.times import clock, stretch
from longtake.errors import UsageError
from longtake.storage.records import Video
from longtake.timecode import Span


@click.command("clip")
@click.argument(
    "words",
    nargs=-1,
    required=True,
    metavar="VIDEO START-END | RECORD | N",
    shell_complete=complete_video,
)
@click.option("-o", "out", type=click.Path(path_type=Path), help="The file to write.")
@click.option("--exact", is_flag=True, help="Cut at the exact times; encodes again.")
@click.option(
    "--pad", type=click.FloatRange(0, 600), default=0.0, help="Seconds more on each side."
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@common()
def clip_command(
    words: tuple[str, ...], out: Path | None, exact: bool, pad: float, force: bool
) -> None:
    """Cut a span or a piece of evidence into a file.

    N is the number of a piece of the last answer's evidence. Without --exact nothing is encoded
    again, and the cut begins at the keyframe before START.
    """
    session = current()
    video, where, _ = find_target(session, words)
    if not isinstance(where, Span):
        raise UsageError(
            "a clip needs a start and an end", fix=f"longtake clip {words[0]} 1:00-1:20"
        )
    span = where.widen(pad, Span(0.0, video.duration))
    path = cut(session, video, span, out, exact=exact, force=force)
    data = {"video": video.id, "start": span.start, "end": span.end, "path": str(path)}
    emit(data, lambda: str(path))


def cut(
    session: Session, video: Video, span: Span, out: Path | None, *, exact: bool, force: bool
) -> Path:
    """Cut a span; without `out` the file is named after the video and the times."""
    target = out or Path(clip_name(video, span))
    check_output(target, overwrite=force or out is None)
    if span.duration <= 0:
        raise UsageError(f"the span {stretch(span.start, span.end)} holds nothing")
    return session.looker().clip(video, span, target, exact=exact)


def clip_name(video: Video, span: Span) -> str:
    """Name a clip: `lecture_00.12.31-00.12.36.mp4`; no character is left that means something."""
    stem = re.sub(r"[^\w.-]+", "_", clean(Path(video.name).stem)).lstrip("-.") or video.id
    times = "-".join(clock(time).replace(":", ".") for time in (span.start, span.end))
    path = Path(video.path)
    suffix = ".mkv" if path.is_dir() else path.suffix or ".mp4"
    return f"{stem}_{times}{suffix}"
