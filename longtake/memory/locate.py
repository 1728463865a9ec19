"""From a curve of relevance to spans: hysteresis, merging, non-maximum suppression.

A span begins where the curve rises above the high mark and reaches out as long as it stays above
the low one; spans at most two seconds apart are one. The marks follow the curve's peak, but never
lie under a floor, so that something absent gives no span at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from longtake.memory.curve import seconds_of
from longtake.memory.moments import Curve
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


@dataclass(frozen=True, slots=True)
class Located:
    """Where a description fits: spans with confidence 0..1, surest first, and the curve."""

    spans: list[tuple[Span, float]]
    curve: Curve


def locate(
    recall: Recall,
    query: str,
    video: str,
    *,
    span: Span | None = None,
    within: Sequence[str] | None = None,
    as_of: Seconds | None = None,
    limit: int = MOST,
) -> Located:
    """Return the spans of a video that a description fits; none when it is not there."""
    drawn = recall.curve(query, video, span=span, within=within, as_of=as_of)
    found = spans_of(drawn)[:limit]
    return Located(found, drawn)


def spans_of(curve: Curve) -> list[tuple[Span, float]]:
    """Read spans from a curve, surest first.

    >>> spans_of(Curve([0.0, 1.0, 2.0, 3.0], [0.1, 0.9, 0.8, 0.1]))
    [(Span(start=1.0, end=3.0), 0.9)]
    """
    peak = max(curve.scores, default=0.0)
    if peak < FLOOR:
        return []
    found = _hysteresis(curve, max(FLOOR, HIGH * peak), max(0.6 * FLOOR, LOW * peak))
    merged = _merge(found)
    scored = [(span, _confidence(curve, span)) for span in merged]
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
