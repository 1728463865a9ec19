"""Separate occasions among windows, so that one long event does not take every place.

The surest windows of a long video mostly lie in one long event, and a list of them says nothing of
a short one elsewhere (the anchors of "From Frames to Clips", F2C, are spread over a curve for the
same reason; `longtake.memory.saliency`). Here the places of a list are spread: windows that lie
close together are one occasion, each occasion that bears the description nearly as well as the
best one has a place first, and what is left goes to the surest. How close is close adapts: there
are at most as many occasions as places, and the widest gaps part them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from longtake.timecode import Seconds, Span

APART: Seconds = 2.0
"""Least gap between two occasions."""
NEARLY = 0.6
"""Share of the best window's confidence that gives an occasion a place of its own."""

T = TypeVar("T")


def occasions(spans: Sequence[Span], most: int) -> list[int]:
    """Return for each span which occasion it belongs to, counted in order of time.

    >>> occasions([Span(0, 5), Span(4, 9), Span(20, 25), Span(300, 305)], 2)
    [0, 0, 0, 1]
    """
    line = sorted(range(len(spans)), key=lambda n: (spans[n], n))
    gaps: list[tuple[Seconds, int]] = []
    end = float("-inf")
    for place, n in enumerate(line):
        if place and spans[n].start - end > APART:
            gaps.append((spans[n].start - end, place))
        end = max(end, spans[n].end)
    widest = sorted(gaps, key=lambda gap: (-gap[0], gap[1]))[: max(0, most - 1)]
    borders = {place for _, place in widest}
    found, now = [0] * len(spans), 0
    for place, n in enumerate(line):
        now += place in borders
        found[n] = now
    return found


def spread_over(
    ranked: Sequence[T], most: int, *, span: Callable[[T], Span], p: Callable[[T], float]
) -> list[T]:
    """Return `most` of the ranked things, each occasion's best among them, in the same order."""
    if len(ranked) <= most or most < 1:
        return list(ranked[: max(0, most)])
    of = occasions([span(one) for one in ranked], most)
    firsts = [of.index(one) for one in dict.fromkeys(of)]  # the best of each, best first
    least = NEARLY * p(ranked[0])
    chosen = [n for n in firsts if p(ranked[n]) >= least][:most]
    others = [n for n in range(len(ranked)) if n not in chosen]
    kept = sorted([*chosen, *others[: most - len(chosen)]])
    return [ranked[n] for n in kept]


def in_turn(
    ranked: Sequence[T], most: int, *, span: Callable[[T], Span], p: Callable[[T], float]
) -> list[T]:
    """Return all of the ranked things, those first that `spread_over` would choose one of each."""
    of = occasions([span(one) for one in ranked], most)
    least = NEARLY * max((p(one) for one in ranked), default=0.0)
    firsts = [n for one in dict.fromkeys(of) if p(ranked[n := of.index(one)]) >= least]
    return [ranked[n] for n in [*firsts, *(n for n in range(len(ranked)) if n not in firsts)]]
