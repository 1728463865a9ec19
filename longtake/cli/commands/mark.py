"""`longtake mark`: mark moments of a video that are to be kept for good, list and unmark them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from longtake.cli.answers import shorten
from longtake.cli.output import clean, emit, talk
from longtake.cli.session import common, complete_video, current
from longtake.cli.times import TIME, check_order, stretch
from longtake.errors import UsageError

if TYPE_CHECKING:
    from longtake.storage.records import Record


@click.command("mark")
@click.argument("video", shell_complete=complete_video)
@click.argument("time", type=TIME, required=False)
@click.argument("note", required=False, default="")
@click.option("--end", type=TIME, metavar="TIME", help="Where it ends; default: 10 s later.")
@click.option("--remove", is_flag=True, help="Take away the marks that TIME lies in.")
@common()
def mark_command(
    video: str, time: float | None, note: str, end: float | None, remove: bool
) -> None:
    """Mark a moment to be kept for good; list or remove marks.

    What lies in a mark is never merged or forgotten, also when the video is still being followed
    and it is recorded only later. The note can be searched and asked for. Without TIME the marks
    are listed.
    """
    library = current().open()
    known = library.video(video)
    if time is None:
        if remove or end is not None:
            raise UsageError("no time was given", fix="longtake mark VIDEO TIME")
        found: Sequence[Record] = library.marks(known)
        if not found:
            talk(f"nothing of {clean(known.name)} is marked")
    elif remove:
        found = library.unmark(known, time)
        talk(f"removed {len(found)} mark{'' if len(found) == 1 else 's'}")
    else:
        check_order(time, end)
        found = [library.mark(known, time, end, note)]
    rows = [_row(one) for one in found]
    data: dict[str, Any] = {"video": known.id, "marks": rows}
    emit(data, lambda: "\n".join(_line(row) for row in rows) or None, count=len(rows))


def _row(one: Record) -> dict[str, Any]:
    return {"id": one.id, "start": one.span.start, "end": one.span.end, "note": one.data["note"]}


def _line(row: dict[str, Any]) -> str:
    return f"{stretch(row['start'], row['end'])}  {shorten(clean(row['note']), 80)}".rstrip()
