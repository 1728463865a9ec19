"""Times and spans on the command line, in and out."""

from __future__ import annotations

import re
from typing import Any

import click

from longtake.errors import UsageError
from longtake.timecode import Seconds, Span, format_time, parse_time

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
        raise UsageError(f"the span ends at {format_time(end)}, not after {format_time(start)}")
    return Span(start, end)


def check_order(start: Seconds | None, end: Seconds | None) -> None:
    """Refuse `--from` at or after `--to`."""
    if start is not None and end is not None:
        ordered(start, end)


def clock(seconds: Seconds) -> str:
    """`HH:MM:SS`, for lists."""
    return format_time(seconds, millis=False)


def stretch(start: Seconds, end: Seconds) -> str:
    """`HH:MM:SS.mmm–HH:MM:SS.mmm`, as evidence is printed."""
    return f"{format_time(start)}–{format_time(end)}"
