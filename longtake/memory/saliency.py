"""What a relevance curve tells besides windows: anchors spread over time, and a saliency list.

The best frames of a long video mostly lie in one long event. Anchors are local maxima spread over
time by clustering, the best of each cluster, each grown to a clip (after "From Frames to Clips",
F2C), so that short events are seen beside a long one. The saliency list has one number for every
two seconds, the shape in which highlight detection is scored (QVHighlights).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longtake.memory.moments import Curve
from longtake.timecode import Seconds, Span

STEP: Seconds = 2.0
"""Length of a saliency clip."""
GROW = 0.5
"""Share of its own height down to which an anchor grows."""
RISES = 3.0
"""Robust deviations over the curve's middle that make a local maximum one of something."""
LEAST = 0.1
ROUNDS = 20


def saliency(curve: Curve, step: Seconds = STEP) -> list[float]:
    """Return the mean relevance of every `step` seconds.

    >>> saliency(Curve([0.0, 1.0, 2.0], [0.2, 0.4, 0.9]))
    [0.3, 0.9]
    """
    if not curve.times:
        return []
    first = curve.times[0]
    bins: dict[int, list[float]] = {}
    for time, score in zip(curve.times, curve.scores, strict=True):
        bins.setdefault(int((time - first) // step), []).append(score)
    return [round(sum(bins[n]) / len(bins[n]), 4) for n in sorted(bins)]


def anchors(curve: Curve, n: int = 8) -> list[tuple[Span, float]]:
    """Return at most `n` clips around maxima that are spread over time, in order of time."""
    tops = maxima(curve)
    if not tops or n < 1:
        return []
    chosen = sorted(_spread(curve, tops, n))
    found: list[tuple[Span, float]] = []
    for place, top in enumerate(chosen):
        low = (chosen[place - 1] + top) // 2 + 1 if place else 0
        high = (top + chosen[place + 1]) // 2 + 1 if place + 1 < len(chosen) else len(curve.times)
        found.append((_grown(curve, top, low, high), curve.scores[top]))
    return found


def maxima(curve: Curve) -> list[int]:
    """Return the places of local maxima that stand out of the curve; a plateau has one."""
    scores = np.asarray(curve.scores, np.float64)
    if not len(scores):
        return []
    middle = float(np.median(scores))
    rise = middle + RISES * 1.4826 * float(np.median(np.abs(scores - middle)))
    found: list[int] = []
    start = 0
    for i in range(1, len(scores) + 1):
        if i < len(scores) and scores[i] == scores[start]:
            continue
        over = start == 0 or scores[start - 1] < scores[start]
        under = i == len(scores) or scores[i] < scores[start]
        if over and under and scores[start] >= max(rise, LEAST):
            found.append((start + i - 1) // 2)
        start = i
    return found


def _spread(curve: Curve, tops: Sequence[int], n: int) -> list[int]:
    """The best maximum of each of `n` clusters in time (k-means, begun at the farthest points)."""
    if len(tops) <= n:
        return list(tops)
    times = np.asarray([curve.times[top] for top in tops], np.float64)
    heights = np.asarray([curve.scores[top] for top in tops], np.float64)
    centres = [float(times[int(np.argmax(heights))])]
    while len(centres) < n:
        away = np.abs(times[:, None] - np.asarray(centres)[None]).min(1)
        centres.append(float(times[int(np.argmax(away))]))
    rows = np.asarray(sorted(centres))
    for _ in range(ROUNDS):
        owner = np.abs(times[:, None] - rows[None]).argmin(1)
        moved = np.asarray(
            [times[owner == c].mean() if (owner == c).any() else rows[c] for c in range(n)]
        )
        if np.array_equal(moved, rows):
            break
        rows = moved
    owner = np.abs(times[:, None] - rows[None]).argmin(1)
    best = []
    for c in range(n):
        inside = [i for i in range(len(tops)) if owner[i] == c]
        if inside:
            best.append(tops[max(inside, key=lambda i: (heights[i], -times[i]))])
    return best


def _grown(curve: Curve, top: int, low: int, high: int) -> Span:
    least = GROW * curve.scores[top]
    first = last = top
    while first > low and curve.scores[first - 1] >= least:
        first -= 1
    while last + 1 < high and curve.scores[last + 1] >= least:
        last += 1
    return Span(curve.times[first], curve.times[last] + 1.0)
