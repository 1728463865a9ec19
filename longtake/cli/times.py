"""Times and spans on the command line, in and out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from longtake.errors import NoSuchMoment, UsageError
from longtake.timecode import Seconds, Span, format_time, parse_time

if TYPE_CHECKING:
    from longtake.storage.records import Video

# A hyphen or an en dash, as the program itself prints spans.
_DASH = re.compile(r"\s*[-–]\s*")


class TimeType(click.ParamType[float]):
    """A time as people write it: `1:02:03.5`, `62m`, `3723.5`."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the time, or fail as click does."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_time(value)
        except UsageError as error:
            self.fail(f"{error.message}; {error.fix}", param, ctx)


TIME = TimeType()


def parse_span(text: str) -> Span:
    """Read `START-END`.

    >>> parse_span("1:00-62s")
    Span(start=60.0, end=62.0)

    Raises:
        UsageError: it is no span, or ends before it starts.
    """
    parts = _DASH.split(text.strip())
    if len(parts) != 2:
        raise UsageError(f"{text!r} is not a span", fix="write START-END, as in 1:02:03-1:02:20")
    return ordered(parse_time(parts[0]), parse_time(parts[1]))


def ordered(start: Seconds, end: Seconds) -> Span:
    """Make a span of some length.

    Raises:
        UsageError: the end is not after the start.
    """
    if end <= start:
        raise UsageError(
            f"the span ends at {format_time(end)}, not after {format_time(start)}",
            fix="name the earlier time first",
        )
    return Span(start, end)


def check_order(start: Seconds | None, end: Seconds | None) -> None:
    """Refuse `--from` at or after `--to`."""
    if start is not None and end is not None:
        ordered(start, end)


def window(start: Seconds | None, end: Seconds | None, video: Video) -> Span | None:
    """Return the part of a video that `--from` and `--to` leave; None for all of it.

    Raises:
        UsageError: `--from` is not before `--to`.
        NoSuchMoment: `--from` lies beyond the end.
    """
    check_order(start, end)
    if start is None and end is None:
        return None
    begin = start or 0.0
    if begin >= video.duration:
        raise NoSuchMoment(
            f"{format_time(begin)} lies beyond the end of {video.name} "
            f"({format_time(video.duration)})",
            fix=f"longtake timeline {video.id}",
        )
    return ordered(begin, video.duration if end is None else end)


def clock(seconds: Seconds) -> str:
    """`HH:MM:SS`, for lists."""
    return format_time(seconds, millis=False)


def stretch(start: Seconds, end: Seconds) -> str:
    """`HH:MM:SS.mmm–HH:MM:SS.mmm`, as evidence is printed."""
    return f"{format_time(start)}–{format_time(end)}"
