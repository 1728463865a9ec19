"""`longtake status`: how far a video has been watched, and how much is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from longtake.cli.commands.ingest import coverage
from longtake.cli.commands.timeline import bar
from longtake.cli.output import clean, dim, emit, style, table
from longtake.cli.session import common, complete_video, current
from longtake.cli.times import clock


@click.command("status")
@click.argument("video", required=False, shell_complete=complete_video)
@common()
def status_command(video: str | None) -> None:
    """Show how far a video has been watched.

    Without VIDEO, every video of the library.
    """
    session = current()
    library = session.open()
    chosen = [library.video(video)] if video is not None else library.videos()
    reader = session.reader() if chosen else None
    rows = [reader.status(one.id) for one in chosen] if reader else []
    data = rows[0] if video is not None else {"videos": rows}
    emit(data, lambda: "\n\n".join(map(_text, rows)) or "no video yet", count=len(rows))


def _text(status: Mapping[str, Any]) -> str:
    head = f"{style(clean(status['name']), bold=True)}  {status['video']}"
    lines = [f"{head}  {clock(status['duration'])}", bar(status["covered"], status["duration"])]
    lines.append(coverage(status))
    lines += _live(status.get("live"))
    size = status["bytes"]
    lines.append(f"{sum(size.values()):,} bytes, {size['text']:,} of them text")
    counts = [(str(number), kind.replace(".", " ")) for kind, number in status["levels"].items()]
    return "\n".join([*lines, dim(table(counts, right=(0,)))])


def _live(live: Mapping[str, Any] | None) -> list[str]:
    """What there is to tell of a video that was followed."""
    if live is None:
        return []
    what = "ended" if live["ended"] else f"followed, lag {live['lag']:.0f} s"
    from_ = f" from {clean(live['source'])}" if live["source"] else ""
    lines = [f"{what}{from_}"]
    lost = sum(end - start for start, end, _ in live["left_out"])
    if lost:
        lines.append(f"came faster than it was read: {lost:.0f} s were seen in part only")
    return lines
