"""Arithmetic over intervals: the operators of questions about time.

Times and counts are computed here and never written by a model. The relations are those of Allen,
"Maintaining knowledge about temporal intervals" (1983); the operators (before, after, between,
during, first, last, nth, count, duration, gap, frequency, overlap, order, state at a time,
changes) are those that benchmarks of temporal questions ask for. Inputs come in any order;
outputs are in order of time. Everything here is pure: spans, events with a probability and
readings of a value go in, numbers and spans come out.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from longtake.timecode import Seconds, Span

T = TypeVar("T")
Relation = Literal[
    "before", "meets", "overlaps", "starts", "during", "finishes", "equals", "finished_by",
    "contains", "started_by", "overlapped_by", "met_by", "after",
]  # fmt: skip
INVERSE: dict[Relation, Relation] = {
    "before": "after", "meets": "met_by", "overlaps": "overlapped_by", "starts": "started_by",
    "during": "contains", "finishes": "finished_by", "equals": "equals", "after": "before",
    "met_by": "meets", "overlapped_by": "overlaps", "started_by": "starts", "contains": "during",
    "finished_by": "finishes",
}  # fmt: skip
SURE, LIKELY, POSSIBLE = 0.8, 0.5, 0.2
"""Least probabilities of an event to be counted as surely, likely or possibly there."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and how probable it is that it did."""

    span: Span
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are: at least surely, most likely, at most."""

    low: int
    likely: int
    high: int


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often something comes: how many times, seconds from one to the next, and per hour."""

    count: int
    every: Seconds | None
    per_hour: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The value that something was seen to have at a time."""

    time: Seconds
    value: str


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

    A negative number counts from the end: -2 is the second to last.

    >>> nth("abc", "first"), nth("abc", "last"), nth("abc", 2), nth("abc", -2), nth("abc", 4)
    ('a', 'c', 'b', 'b', None)
    """
    n = {"first": 1, "last": -1}.get(pick, 1) if isinstance(pick, str) else pick
    if n == 0 or abs(n) > len(items):
        return None
    return items[n - 1] if n > 0 else items[n]


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


def gap_of(one: Span, other: Span) -> Span | None:
    """The stretch from the end of the earlier to the start of the later; None if they overlap.

    >>> gap_of(Span(8, 9), Span(0, 2)), gap_of(Span(0, 5), Span(4, 6))
    (Span(start=2, end=8), None)
    """
    first, second = sorted((one, other))
    return Span(first.end, second.start) if second.start >= first.end else None


def between(spans: Sequence[Span], one: Span, other: Span) -> list[Span]:
    """Spans that lie wholly in the gap of two others, whichever of them comes first.

    >>> between([Span(0, 1), Span(3, 4), Span(7, 9)], Span(8, 9), Span(1, 2))
    [Span(start=3, end=4)]
    """
    gap = gap_of(one, other)
    if gap is None:
        return []
    return sorted(s for s in spans if s.start >= gap.start and s.end <= gap.end)


def during(spans: Sequence[Span], whole: Span, share: float = 0.5) -> list[Span]:
    """Spans of which at least a share lies in another; of an instant, the instant itself.

    >>> during([Span(0, 4), Span(3, 5), Span(9, 9)], Span(3, 10))
    [Span(start=3, end=5), Span(start=9, end=9)]
    """
    return sorted(
        s
        for s in spans
        if (s.overlap(whole) >= share * s.duration if s.duration > 0 else whole.contains(s.start))
    )


def count(events: Sequence[Event], gap: Seconds = 0.0, least: Seconds = 0.0) -> Count:
    """Occasions, where events at most `gap` apart are one and shorter ones than `least` none.

    The likely number is that of the runs of likely events; of these the sure ones are the least
    there can be, and runs of possible events that touch none of them may come on top.

    >>> count([Event(Span(0, 1)), Event(Span(2, 3), 0.6), Event(Span(60, 61), 0.3)], gap=5)
    Count(low=1, likely=1, high=2)
    """
    likely = runs(events, gap, least)
    sure = [r for r in likely if any(e.p >= SURE and _touch(e.span, r, 0.0) for e in events)]
    maybe = [e.span for e in events if POSSIBLE <= e.p < LIKELY]
    more = [r for r in merge(maybe, gap) if r.duration >= least]
    more = [r for r in more if not any(_touch(r, one, gap) for one in likely)]
    return Count(len(sure), len(likely), len(likely) + len(more))


def runs(events: Sequence[Event], gap: Seconds = 0.0, least: Seconds = 0.0) -> list[Span]:
    """The occasions on which something was likely there."""
    spans = merge([e.span for e in events if e.p >= LIKELY], gap)
    return [span for span in spans if span.duration >= least]


def _touch(one: Span, other: Span, gap: Seconds) -> bool:
    return one.start - other.end <= gap and other.start - one.end <= gap


def gaps(spans: Sequence[Span], join: Seconds = 0.0) -> list[Span]:
    """What lies between consecutive occasions.

    >>> gaps([Span(0, 1), Span(4, 5), Span(1, 2)])
    [Span(start=2, end=4)]
    """
    whole = merge(spans, join)
    return [Span(a.end, b.start) for a, b in itertools.pairwise(whole)]


def largest_gap(spans: Sequence[Span], join: Seconds = 0.0) -> Span | None:
    """The longest pause between two occasions, the earlier of equals; None with fewer than two."""
    return max(gaps(spans, join), key=lambda g: (g.duration, -g.start), default=None)


def total_gap(spans: Sequence[Span], join: Seconds = 0.0) -> Seconds:
    """Seconds of all pauses between the first occasion and the last."""
    return float(sum(gap.duration for gap in gaps(spans, join)))


def frequency(spans: Sequence[Span], within: Span, join: Seconds = 0.0) -> Frequency:
    """How often something comes within a stretch of time.

    `every` is the mean time from one start to the next, None with fewer than two.

    >>> frequency([Span(0, 1), Span(600, 601), Span(1200, 1201)], Span(0, 3600))
    Frequency(count=3, every=600.0, per_hour=3.0)
    """
    whole = merge(spans, join)
    every = (whole[-1].start - whole[0].start) / (len(whole) - 1) if len(whole) > 1 else None
    per_hour = 3600.0 * len(whole) / within.duration if within.duration > 0 else 0.0
    return Frequency(len(whole), every, per_hour)


def overlap(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """The stretches during which both are there.

    >>> overlap([Span(0, 4), Span(8, 9)], [Span(3, 10)])
    [Span(start=3, end=4), Span(start=8, end=9)]
    """
    found = [
        Span(max(a.start, b.start), min(a.end, b.end))
        for a in merge(one)
        for b in merge(other)
        if a.overlap(b) > 0
    ]
    return sorted(found)


def allen(one: Span, other: Span) -> Relation:
    """Which of Allen's thirteen relations the first span has to the second.

    >>> allen(Span(0, 2), Span(2, 5)), allen(Span(0, 9), Span(2, 5)), allen(Span(1, 2), Span(1, 4))
    ('meets', 'contains', 'starts')
    """
    if (one.start, one.end) == (other.start, other.end):
        return "equals"
    if (one.start, one.end) > (other.start, other.end):
        return INVERSE[allen(other, one)]
    if one.start == other.start:
        return "starts"
    if one.end <= other.start:
        return "meets" if one.end == other.start else "before"
    if one.end < other.end:
        return "overlaps"
    return "finished_by" if one.end == other.end else "contains"


def order(first: Sequence[Span], second: Sequence[Span]) -> int:
    """Which set begins earlier: -1 the first, 1 the second, 0 when equal or one is empty.

    >>> order([Span(5, 6)], [Span(1, 2)]), order([], [Span(1, 2)])
    (1, 0)
    """
    if not first or not second:
        return 0
    a, b = min(first).start, min(second).start
    return (a > b) - (a < b)


def ranked(sets: Sequence[Sequence[Span]]) -> list[int]:
    """Which of several sets begins first, second, … ; empty sets are left out.

    >>> ranked([[Span(5, 6)], [], [Span(9, 10), Span(1, 2)]])
    [2, 0]
    """
    there = [n for n, spans in enumerate(sets) if spans]
    return sorted(there, key=lambda n: (min(sets[n]).start, n))


def state_at(readings: Sequence[Reading], time: Seconds) -> Reading | None:
    """What a value was at a time: as it was read last before, or at, that time.

    >>> state_at([Reading(30, "2:1"), Reading(10, "1:0")], 29.9)
    Reading(time=10, value='1:0')
    """
    known = sorted(readings, key=lambda r: r.time)
    at = bisect_right([r.time for r in known], time)
    return known[at - 1] if at else None


def changes(readings: Sequence[Reading]) -> list[Reading]:
    """The readings that differ from the one before; the first of all is the first value.

    >>> [r.value for r in changes([Reading(1, "a"), Reading(2, "a"), Reading(3, "b")])]
    ['a', 'b']
    """
    out: list[Reading] = []
    for one in sorted(readings, key=lambda r: r.time):
        if not out or one.value != out[-1].value:
            out.append(one)
    return out
