"""Cut a growing row of units into segments where what they show or say changes.

SceneTilling (VideoLLaMB): a gap between two units is a valley when both sides are alike within
and unlike across; its depth is how far similarity falls below the peaks on either side, and a cut
is made where depth exceeds mean + alpha x std. Here online: statistics come from a bounded past,
a gap is judged once `lag` units follow it, there is no cap on the number of cuts, and segments
keep to a least and a most length. Pure functions of the units given: no state, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longtake.storage.records import Floats
from longtake.timecode import Seconds, Span

Depths = NDArray[np.float64]

_FLAT = 0.08
"""Depths vary at least so much before they count as variation: a static hour stays whole."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is put together: a clip for scenes, a scene for chapters.

    `vectors` are of unit length, one for each thing compared (text, sight); None where there is
    none. `cut` is the strength 0..1 of a change seen at its start.
    """

    span: Span
    vectors: tuple[Floats | None, ...]
    cut: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """How segments are cut.

    Args:
        least: shortest segment in seconds, where the video allows it.
        most: longest segment in seconds.
        aim: preferred length.
        pull: what a length that is off by the aim itself costs, in deviations.
        window: units averaged on each side of a gap.
        lag: units that must follow a gap before it is judged.
        alpha: standard deviations above the mean at which a gap is a cut at once.
        hole: seconds without units that always cut.
    """

    least: Seconds
    most: Seconds
    aim: Seconds
    pull: float = 0.3
    window: int = 2
    lag: int = 3
    alpha: float = 1.0
    hole: Seconds = 30.0


@dataclass(frozen=True, slots=True)
class Cut:
    """A segment ends before unit `index`; that could be known once unit `seen` was there."""

    index: int
    seen: int


def depths(units: Sequence[Unit], window: int) -> Depths:
    """Return how deep a valley each gap is, averaged over what is compared, in deviations.

    Entry i belongs to the gap before unit i; entry 0 is 0. Each kind of vector is scaled by the
    spread of its own depths, so that kinds with flat similarities are heard as well.
    """
    total = np.zeros(len(units))
    kinds = max((len(unit.vectors) for unit in units), default=0)
    heard = 0
    for kind in range(kinds):
        rows = _filled([unit.vectors[kind] for unit in units])
        if rows is None:
            continue
        depth = _valleys(_similarities(rows, window), window)
        spread = max(_FLAT, float(depth[1:].std())) if len(depth) > 1 else _FLAT
        total += (depth - (float(depth[1:].mean()) if len(depth) > 1 else 0.0)) / spread
        heard += 1
    total = total / max(1, heard)
    strong: Depths = np.array([0.5 * unit.cut for unit in units], np.float64)
    return np.asarray(total + strong, np.float64)


def _filled(vectors: Sequence[Floats | None]) -> Floats | None:
    """Stack vectors; a unit without one repeats the one before it: nothing changed."""
    known = [v for v in vectors if v is not None]
    if not known:
        return None
    rows, last = [], known[0]
    for vector in vectors:
        last = last if vector is None else vector
        rows.append(last)
    return np.stack(rows)


def _similarities(rows: Floats, window: int) -> Depths:
    """Cosine of the mean of `window` rows before each gap and that after it."""
    count = len(rows)
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    at = np.arange(count)
    left = sums[at] - sums[np.maximum(0, at - window)]
    right = sums[np.minimum(count, at + window)] - sums[at]
    scale = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    similar = np.where(scale > 1e-9, (left * right).sum(axis=1) / np.maximum(scale, 1e-9), 1.0)
    return np.asarray(similar, np.float64)


def _valleys(similar: Depths, window: int) -> Depths:
    """Depth of each gap below the highest similarity within `window` gaps on either side."""
    depth = np.zeros(len(similar))
    for i in range(1, len(similar)):
        left = float(similar[max(1, i - window) : i + 1].max())
        right = float(similar[i : i + window + 1].max())
        depth[i] = (left + right) / 2 - similar[i]
    return depth


def cuts(units: Sequence[Unit], first: int, rule: Rule, *, final: bool = False) -> list[Cut]:
    """Return where segments end, from the one that begins at unit `first`.

    Units before `first` are only looked back at. The result for the first n units never changes
    when more come, except that more cuts follow. With `final`, nothing more will come; the last
    segment is the rest.
    """
    found: list[Cut] = []
    start = first
    while (cut := _next(units, start, rule, final)) is not None:
        found.append(cut)
        start = cut.index
    return found


def _next(units: Sequence[Unit], start: int, rule: Rule, final: bool) -> Cut | None:
    best: tuple[float, int] | None = None
    known = start
    end = units[-1].span.end if units else 0.0
    for i in range(start + 1, len(units)):
        if units[i].span.start - units[i - 1].span.end > rule.hole:
            return Cut(i, i)
        length = units[i].span.start - units[start].span.start
        if length > rule.most and best is not None:
            return Cut(best[1], max(known, i))
        seen = _seen(units, i, rule, final)
        if seen is None:
            return None
        known = max(known, seen)
        if length < rule.least or end - units[i].span.start < rule.least:
            continue
        score, peak = _score(units, i, seen, rule)
        # The shoulder of a change is no change of its own: it may not win by the change's depth.
        pull = rule.pull * abs(length - rule.aim) / rule.aim
        pulled = (score if peak else min(score, 0.0)) - pull
        if length > rule.most or (peak and pulled >= rule.alpha):
            return Cut(i, seen)
        if best is None or pulled > best[0]:
            best = (pulled, i)
    return Cut(best[1], len(units) - 1) if final and best and _over(units, start, rule) else None


def _over(units: Sequence[Unit], start: int, rule: Rule) -> bool:
    """Whether what is left at the end is too long for one segment: nearer to two."""
    return units[-1].span.end - units[start].span.start > (rule.aim + rule.most) / 2


def _seen(units: Sequence[Unit], i: int, rule: Rule, final: bool) -> int | None:
    """Return the unit with which gap i can be judged: `lag` more, and `least` seconds, after it."""
    for j in range(i + rule.lag, len(units)):
        if units[j].span.end - units[i].span.start >= rule.least:
            return j
    return len(units) - 1 if final else None


_PAST = 60
"""Units whose gaps make the statistics."""


def _score(units: Sequence[Unit], i: int, seen: int, rule: Rule) -> tuple[float, bool]:
    """Return the depth of gap i, and whether it is the deepest of its neighbours."""
    low = max(0, i - _PAST)
    depth = depths(units[low : seen + 1], rule.window)
    near = depth[max(1, i - low - 1) : i - low + 2]
    return float(depth[i - low]), bool(depth[i - low] >= near.max())
