"""`longtake timeline`: the chapters, scenes or clips of a video in order, and what is covered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import click

from longtake.cli.answers import shorten
from longtake.cli.commands.ingest import coverage
from longtake.cli.output import clean, dim, emit, style
from longtake.cli.session import common, complete_video, current
from longtake.cli.times import TIME, clock, window

BAR = 60


@click.command("timeline")
@click.argument("video", shell_complete=complete_video)
@click.option(
    "--zoom",
    type=click.Choice(["video", "chapter", "scene", "clip"]),
    default="chapter",
    show_default=True,
    help="How fine.",
)
@click.option("--from", "start", type=TIME, metavar="TIME", help="Not before this time.")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Not after this time.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@common()
def timeline_command(
    video: str, zoom: str, start: float | None, end: float | None, form: str
) -> None:
    """List chapters, scenes or clips."""
    from longtake.storage.records import Level
    from longtake.tools.jsonable import record_row

    session = current()
    session.json = session.json or form == "json"
    known = session.open().video(video)
    reader = session.reader()
    span = window(start, end, known)
    records = reader.timeline(known.id, zoom=cast(Level, zoom), span=span)
    status = reader.status(known.id)
    parts = [
        record_row(one) | {"keywords": list(one.data.get("keywords", ())), **_same(one.data)}
        for one in records
    ]
    data = {
        "video": known.id,
        "name": known.name,
        "duration": round(known.duration, 3),
        "zoom": zoom,
        "covered": status["covered"],
        "passes": status["passes"],
        "parts": parts,
    }
    emit(data, lambda: _text(data), count=len(parts))


def _same(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"same_as": data["same_as"]} if data.get("same_as") else {}


def _text(data: Mapping[str, Any]) -> str:
    head = f"{style(clean(data['name']), bold=True)}  {clock(data['duration'])}"
    lines = [head, bar(data["covered"], data["duration"]), dim(coverage(data)), ""]
    for part in data["parts"]:
        title = clean(part.get("title") or "")
        text = clean(part["text"]) or ("nothing new" if part.get("same_as") else "")
        when = style(f"{clock(part['start'])}–{clock(part['end'])}", fg="cyan")
        lines.append(f"{when}  {title or shorten(text, 100)}")
        if title and text and text != title:
            rest = text.removeprefix(title).lstrip(" .—:") or text
            lines.append(f"{'':19}{shorten(rest, 160)}")
        if part["keywords"] and data["zoom"] != "clip":
            lines.append(f"{'':19}{dim(', '.join(clean(word) for word in part['keywords'][:8]))}")
    if not data["parts"]:
        lines.append(f"no {data['zoom']} yet; a finer --zoom may show more")
    return "\n".join(lines)


def bar(covered: list[Mapping[str, Any]], duration: float) -> str:
    """Draw what is covered: `█` read deeply, `▒` skimmed, `·` not yet."""
    marks = {"deep": "█", "quick": "▒"}
    cells = ["·"] * BAR
    for part in covered:
        if duration > 0:
            first = int(part["start"] / duration * BAR)
            last = max(first + 1, round(part["end"] / duration * BAR))
            cells[first:last] = [marks[part["pass"]]] * (min(last, BAR) - first)
    return "".join(cells)
