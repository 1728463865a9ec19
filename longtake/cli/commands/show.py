"""`longtake show`: everything that is known of one moment, and its picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from longtake.cli.output import clean, dim, emit, save, style, talk
from longtake.cli.session import common, complete_video, current
from longtake.cli.target import find_target
from longtake.cli.times import clock, stretch

ORDER = ("chapter", "scene", "clip", "moment", "frame")


@click.command("show")
@click.argument(
    "words",
    nargs=-1,
    required=True,
    metavar="VIDEO TIME|SPAN | RECORD | N",
    shell_complete=complete_video,
)
@click.option("-o", "out", type=click.Path(path_type=Path), help="Save the frame here (JPEG).")
@common()
def show_command(words: tuple[str, ...], out: Path | None) -> None:
    """Show what is known of one moment; save its frame.

    Point at it by video and time or span, by a record's id, or by the number N of a piece of
    the last answer's evidence.
    """
    from longtake.timecode import Span

    session = current()
    video, where, record = find_target(session, words)
    # An instant is looked up as a sliver of time: spans are half-open.
    span = where if isinstance(where, Span) else Span(where, where + 1e-3)
    rows = [_row(one) for one in session.open().store.records(video=video.id, span=span)]
    rows.sort(key=lambda one: ORDER.index(one["level"]) if one["level"] in ORDER else -1)
    if out is not None:
        middle = span.start if isinstance(where, float) else span.middle
        save(out, session.looker().frame(video, middle))
        talk(f"wrote {out}")
    data = {
        "video": video.id,
        "name": video.name,
        "start": span.start,
        "end": span.end if isinstance(where, Span) else span.start,
        "record": record.id if record else None,
        "frame": str(out) if out else None,
        "records": rows,
    }
    emit(data, lambda: _text(data), count=len(rows))


def _row(record: Any) -> dict[str, Any]:
    from longtake.tools.jsonable import jsonable, record_row

    more = {key: record.data[key] for key in ("tags", "colours", "keywords") if key in record.data}
    origin = {"maker": record.maker, "parents": list(record.parents)}
    known_at = round(record.known_at, 3)
    row: dict[str, Any] = record_row(record) | {"known_at": known_at, **origin}
    return row | {key: jsonable(value) for key, value in more.items()}


def _text(data: Mapping[str, Any]) -> str:
    when = stretch(data["start"], data["end"])
    lines = [f"{style(clean(data['name']), bold=True)}  {when}", ""]
    for level in dict.fromkeys(row["level"] for row in data["records"]):
        rows = [row for row in data["records"] if row["level"] == level]
        lines.append(style(level, fg="cyan"))
        lines += [_record_line(row) for row in rows[:12]]
        if len(rows) > 12:
            lines.append(dim(f"  and {len(rows) - 12} more; --json lists them"))
    if not data["records"]:
        lines.append("nothing is known of this moment yet")
    return "\n".join(lines)


def _record_line(row: Mapping[str, Any]) -> str:
    text = clean(row.get("title") or "") or clean(row["text"])
    tags = ", ".join(f"{clean(str(label))} {p:.2f}" for label, p in row.get("tags", ())[:4])
    shown = text or tags or "nothing new"
    return f"  {clock(row['start'])}–{clock(row['end'])}  {row['source']:<7}  {shown}"
