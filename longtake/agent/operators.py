"""Arithmetic over intervals: first, last, nth, count, duration, before, after, order.

Times and counts are computed here and never written by a model (the operators of temporal
question answering, Allen's "Maintaining knowledge about temporal intervals" for the relations).
Inputs are spans in any order; outputs are in order of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from longtake.timecode import Seconds, Span

T = TypeVar("T")


def merge(spans: Sequence[Span], gap: Seconds = 0.0) -> list[Span]:
    """Join spans that overlap or lie at most `gap` apart.

    >>> merge([Span(5, 7), Span(0, 2), Span(2, 3)])
    [Span(start=0, end=3), Span(start=5, end=7)]
    """
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start - out[-1].end <= gap:
            out[-1] = out[-1].cover(span)
        else:
            out.append(span)
    return out


def duration(spans: Sequence[Span], gap: Seconds = 0.0) -> Seconds:
    """Seconds that the union of the spans covers.

    >>> duration([Span(0, 2), Span(1, 3), Span(10, 11)])
    4.0
    """
    return float(sum(span.duration for span in merge(spans, gap)))


def nth(items: Sequence[T], pick: str | int) -> T | None:
    """The first, the last or the nth of things that are in order of time; None if there is none.

    >>> nth("abc", "first"), nth("abc", "last"), nth("abc", 2), nth("abc", 4)
    ('a', 'c', 'b', None)
    """
    if not items:
        return None
    if pick == "last":
        return items[-1]
    n = pick if isinstance(pick, int) else 1
    return items[n - 1] if 1 <= n <= len(items) else None


def after(spans: Sequence[Span], anchor: Span) -> list[Span]:
    """Spans that begin when the anchor has ended, or later.

    >>> after([Span(0, 1), Span(4, 6), Span(5, 7)], Span(2, 5))
    [Span(start=5, end=7)]
    """
    return sorted(span for span in spans if span.start >= anchor.end)


def before(spans: Sequence[Span], anchor: Span) -> list[Span]:
    """Spans that have ended when the anchor begins.

    >>> before([Span(0, 1), Span(1, 3)], Span(2, 5))
    [Span(start=0, end=1)]
    """
    return sorted(span for span in spans if span.end <= anchor.start)


def order(first: Sequence[Span], second: Sequence[Span]) -> int:
    """Which set begins earlier: -1 the first, 1 the second, 0 when equal or one is empty.

    >>> order([Span(5, 6)], [Span(1, 2)]), order([], [Span(1, 2)])
    (1, 0)
    """
    if not first or not second:
        return 0
    a, b = min(first).start, min(second).start
    return (a > b) - (a < b)
