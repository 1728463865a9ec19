"""`longtake objects`: which things were in the picture, where and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from longtake.cli.output import dim, emit, style, warn
from longtake.cli.session import common, complete_video, current
from longtake.cli.times import TIME, stretch, window
from longtake.timecode import format_time

_HOW = {"seen": "", "between": "between two sightings", "near": "last seen near"}


class BoxType(click.ParamType[tuple[float, float, float, float]]):
    """A part of the picture, `0.1,0.2,0.5,0.6`: left, top, right, bottom as shares of it."""

    name = "box"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float, float]:
        """Read the four numbers, or fail as click does."""
        if isinstance(value, tuple):
            return value
        try:
            x0, y0, x1, y1 = (float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not left,top,right,bottom", param, ctx)
        if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
            self.fail(f"{value!r} is no part of a picture: write shares from 0 to 1", param, ctx)
        return x0, y0, x1, y1


@click.command("objects")
@click.argument("video", shell_complete=complete_video)
@click.argument("label", required=False)
@click.option("--at", type=TIME, metavar="TIME", help="Where things were at this time.")
@click.option("--box", type=BoxType(), metavar="X0,Y0,X1,Y1", help="What was in this part then.")
@click.option("--from", "start", type=TIME, metavar="TIME", help="Not before this time.")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Not after this time.")
@common()
def objects_command(
    video: str,
    label: str | None,
    at: float | None,
    box: tuple[float, float, float, float] | None,
    start: float | None,
    end: float | None,
) -> None:
    """List things in the picture: which, where, when.

    Without LABEL all things, with it those it names; --at tells where they were at a time. Boxes are
    shares of the picture's width and height, from its top left.
    """
    from longtake.tools.objects import look_up

    session = current()
    reader = session.reader()
    known = session.open().video(video)
    data = look_up(reader, known.id, label=label, at=at, inside=box, span=window(start, end, known))
    if not data["whole"]:
        warn("not all of it was looked at yet, so things may be missing")
    rows = data["tracks"] if at is None else data["places"]
    emit(data, lambda: _text(data, label), count=len(rows))


def _text(data: Mapping[str, Any], label: str | None) -> str:
    if not data["labels"]:
        return "Things were looked for, and none was found."
    if label and not data["label"]:
        return f"No {label!r} was found. Found were: {_names(data['labels'])}."
    lines = _places(data) if "at" in data else _tracks(data, label)
    return "\n".join(lines)


def _tracks(data: Mapping[str, Any], label: str | None) -> list[str]:
    lines = []
    for one in data["tracks"]:
        again = f"  (as track {one['same_as_track']})" if "same_as_track" in one else ""
        lines.append(
            f"{style(format(one['track'], '>4'), fg='cyan')}  {stretch(one['start'], one['end'])}"
            f"  {dim(format(one['p'], '.2f'))}  {one['label']}{dim(again)}"
        )
    if not label:
        return [*lines, "", f"Found: {_names(data['labels'])}."]
    if "most" in data:
        most = data["most"]
        first, last = _clock(data["first"]), _clock(data["last"])
        told = f"{data['count']} in all, at most {most['count']} at once ({_clock(most['start'])})"
        lines += ["", f"First seen at {first}, last at {last}; {told}."]
    return lines


def _places(data: Mapping[str, Any]) -> list[str]:
    lines = []
    for one in data["places"]:
        box = ",".join(format(v, ".3f") for v in one["box"])
        how = _HOW[one["how"]]
        told = " and ".join(_clock(t) for t in dict.fromkeys(one["sighted"]))
        lines.append(
            f"{style(format(one['track'], '>4'), fg='cyan')}  {one['label']}  {one['where']}"
            f"  {box}  {dim(format(one['p'], '.2f'))}" + (dim(f"  {how} {told}") if how else "")
        )
    if not lines:
        lines.append(f"Nothing of the kind was seen at {_clock(data['at'])}.")
        if near := data.get("nearest"):
            lines.append(f"The nearest: {near['label']}, {stretch(near['start'], near['end'])}.")
    return lines


def _names(labels: Mapping[str, int]) -> str:
    return ", ".join(f"{label} ({n})" for label, n in labels.items())


def _clock(time: float) -> str:
    return format_time(time, millis=False)
