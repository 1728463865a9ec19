"""From a description to the moments it fits: moment retrieval, end to end.

1. `recall.trace` draws relevance second by second (hybrid: cosines, words, pictures).
2. Proposals: where the curve rises over a high mark and stays over a low one, and clips around
   its maxima spread over time, so that one strong event does not hide the weaker ones.
3. Units: inside a proposal the utterances, lines, pages and frames that bear the description are
   read word by word; neighbours at most two seconds apart are one window, others are windows of
   their own: an answer in several parts stays several. Their own times are the window's edges.
4. Verification: the best five windows are judged with half their length of context on each side
   (after VideoMind), by a model where the caller has one; else by what the reading found.
5. Refinement: with `look`, edges of windows that rest on pictures are bisected at 4 and 8 frames
   a second in the source.
6. Non-maximum suppression; at most ten windows, surest first. Separate occasions have places
   among them before a second part of one that is there already (`longtake.memory.occasions`);
   the proposals that are read and the windows that are judged are chosen in the same way.

What is absent gives no window at all: the marks never lie under a floor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from longtake.memory.bearing import Bearing
from longtake.memory.curve import seconds_of
from longtake.memory.edges import Look, bisected
from longtake.memory.moments import Curve
from longtake.memory.occasions import in_turn, spread_over
from longtake.memory.saliency import anchors, saliency
from longtake.memory.windows import UNNAMED, Window, asked_for, context_of, windows_in
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.memory.recall import Recall

FLOOR = 0.35
"""Relevance under which nothing is there."""
HIGH, LOW = 0.7, 0.5
"""Shares of the peak at which a span begins and ends."""
GAP: Seconds = 2.0
NMS = 0.7
MOST = 10
SPREAD = 12
"""Anchors that are tried beside the proposals of the curve."""
VERIFIED = 5
"""Windows that are judged; a model costs a call for each."""
JUDGED = 0.6
"""What the judgement counts in the confidence of a window; the rest is the evidence."""
WIDER = 0.5
"""Share of its length by which a window is read wider on each side to be judged."""

Verify: TypeAlias = Callable[[Span, str], float]
"""(window, text in and around it) → probability that the window fits the description."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a description fits: windows with confidence 0..1, surest first, and the curve."""

    windows: list[Window]
    curve: Curve
    judged: int = field(default=0, compare=False)

    @property
    def spans(self) -> list[tuple[Span, float]]:
        """The windows as spans with their confidence."""
        return [(one.span, one.p) for one in self.windows]

    def saliency(self) -> list[float]:
        """Relevance of every two seconds, as highlight benchmarks count it."""
        return saliency(self.curve)


def locate(
    recall: Recall,
    query: str,
    video: str,
    *,
    span: Span | None = None,
    within: Sequence[str] | None = None,
    as_of: Seconds | None = None,
    limit: int = MOST,
    verify: Verify | None = None,
    look: Look | None = None,
    closely: bool = True,
    spread: bool = True,
) -> Located:
    """Return the windows of a video that a description fits; none when it is not there.

    Args:
        recall: search over the memory.
        query: what to find, in words.
        video: its id.
        span, within, as_of: only here, only in these channels, only what was known then.
        limit: how many windows at most; never more than ten.
        verify: judges the best five windows; without it what was read decides alone.
        look: decodes a span again at a frame rate, to bisect edges; None leaves them.
        closely: False takes windows from the curve alone (the control in tests and benches).
        spread: False takes the surest windows, though all may lie in one event (the control).
    """
    traced = recall.trace(query, video, span=span, within=within, as_of=as_of)
    if not closely:
        plain = [Window(one, p) for one, p in spans_of(traced.curve)[:limit]]
        return Located(plain, traced.curve)
    bearing = Bearing.of(recall, query, video, as_of)
    proposals = propose(traced.curve)
    if spread:
        proposals = in_turn(proposals, MOST, span=lambda one: one[0], p=lambda one: one[1])
    found = windows_in(recall.store, bearing, traced, proposals, as_of)
    seen = FLOOR * UNNAMED if asked_for(bearing.query.text) == "sight" else FLOOR
    found = distinct([w for w in found if w.p >= (seen if w.source == "sight" else FLOOR)])
    judged, most = 0, min(limit, MOST)
    if verify is not None:
        found, judged = _verified(recall, video, found, verify, as_of, spread)
    if look is not None:
        shown = _places(found, most, spread)
        rest = [one for one in found if one not in shown]
        known = recall.store.video(video, as_of=as_of)
        if as_of is not None:  # no frame beyond the time is looked at
            known = replace(known, duration=min(known.duration, as_of))
        edged = [bisected(one, bearing, look, known) for one in shown]
        found = distinct([*edged, *rest])
    return Located(_places(found, most, spread), traced.curve, judged)


def _places(found: Sequence[Window], most: int, spread: bool) -> list[Window]:
    """The windows that have a place in the list."""
    if not spread:
        return list(found[:most])
    return spread_over(found, most, span=lambda one: one.span, p=lambda one: one.p)


def propose(curve: Curve) -> list[tuple[Span, float]]:
    """Stretches that may hold the description: those of the curve, and clips around its maxima."""
    if max(curve.scores, default=0.0) < FLOOR:
        return []
    spread = [(span, _confidence(curve, span)) for span, p in anchors(curve, SPREAD) if p >= FLOOR]
    every = sorted([*spans_of(curve), *spread], key=lambda pair: (-pair[1], pair[0]))
    return suppress(every)


def _verified(
    recall: Recall,
    video: str,
    found: Sequence[Window],
    verify: Verify,
    as_of: Seconds | None,
    spread: bool,
) -> tuple[list[Window], int]:
    """Judge the best windows with what stands around them; a judgement may drop a window."""
    limit = Span(0.0, recall.store.video(video, as_of=as_of).duration)
    first = _places(found, VERIFIED, spread)
    rest = [one for one in found if one not in first]
    best: list[Window] = []
    for one in first:
        wide = one.span.widen(WIDER * one.span.duration, limit)
        text = context_of(recall.store, video, wide, as_of)
        said = min(1.0, max(0.0, float(verify(one.span, text))))
        p = round((1 - JUDGED) * one.p + JUDGED * said, 4)
        best.append(replace(one, p=p, verified=round(said, 4)))
    kept = [one for one in best if one.p >= FLOOR]
    return ranked([*kept, *rest]), len(best)


def ranked(found: Sequence[Window]) -> list[Window]:
    """Order windows: surest first, then by time."""
    return sorted(found, key=lambda one: (-one.p, one.span, one.record))


def distinct(found: Sequence[Window]) -> list[Window]:
    """Order windows and drop those that a surer one says already."""
    kept: list[Window] = []
    for one in ranked(found):
        if all(one.span.iou(other.span) <= NMS for other in kept):
            kept.append(one)
    return kept


def spans_of(curve: Curve) -> list[tuple[Span, float]]:
    """Read spans from a curve, surest first.

    >>> spans_of(Curve([0.0, 1.0, 2.0, 3.0], [0.1, 0.9, 0.8, 0.1]))
    [(Span(start=1.0, end=3.0), 0.9)]
    """
    peak = max(curve.scores, default=0.0)
    if peak < FLOOR:
        return []
    found = _hysteresis(curve, max(FLOOR, HIGH * peak), max(0.6 * FLOOR, LOW * peak))
    scored = [(span, _confidence(curve, span)) for span in _merge(found)]
    scored.sort(key=lambda pair: (-pair[1], pair[0]))
    return suppress(scored)


def _hysteresis(curve: Curve, high: float, low: float) -> list[Span]:
    found: list[Span] = []
    start: Seconds | None = None
    sure = False
    for time, score in zip(curve.times, curve.scores, strict=True):
        if score >= low:
            start = time if start is None else start
            sure = sure or score >= high
        elif start is not None:
            if sure:
                found.append(Span(start, time))
            start, sure = None, False
    if start is not None and sure:
        found.append(Span(start, curve.times[-1] + 1.0))
    return found


def _merge(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        if merged and span.start - merged[-1].end <= GAP:
            merged[-1] = merged[-1].cover(span)
        else:
            merged.append(span)
    return merged


def _confidence(curve: Curve, span: Span) -> float:
    scores = np.sort(np.array(curve.scores[seconds_of(curve.times, span)]))
    return round(float(scores[len(scores) // 2 :].mean()), 4) if len(scores) else 0.0


def suppress(scored: Sequence[tuple[Span, float]], most: float = NMS) -> list[tuple[Span, float]]:
    """Drop spans that overlap a surer one by more than `most` (intersection over union)."""
    kept: list[tuple[Span, float]] = []
    for span, p in scored:
        if all(span.iou(other) <= most for other, _ in kept):
            kept.append((span, p))
    return kept
