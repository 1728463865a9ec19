"""Boxes in pictures: (x0, y0, x1, y1) as shares of width and height, and what detectors say."""

from __future__ import annotations

from typing import TypeAlias

from longtake.models.protocols import Detection

Box: TypeAlias = tuple[float, float, float, float]
Found: TypeAlias = list[tuple[str, float, Box]]
"""Label, score and box of each thing as a model gave them: unordered, unclipped."""

SAME_THING = 0.7
MOST = 100
"""Detections kept of one image, the surest."""


def cleaned(found: Found) -> list[Detection]:
    """Clip boxes to the picture, drop empty ones and repeated ones; surest first."""
    rows = []
    for label, p, box in found:
        x0, y0, x1, y1 = (round(min(1.0, max(0.0, v)), 4) for v in box)
        if x1 > x0 and y1 > y0:
            rows.append(Detection(label, round(min(1.0, p), 4), (x0, y0, x1, y1)))
    rows.sort(key=lambda one: (-one.p, one.label, one.box))
    kept: list[Detection] = []
    for one in rows:
        if len(kept) == MOST:
            break
        same = (other.box for other in kept if other.label == one.label)
        if all(overlap(one.box, box) <= SAME_THING for box in same):
            kept.append(one)
    return kept


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - wide * high
    return wide * high / both
