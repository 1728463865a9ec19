"""Clips: the unit of work and of memory, about ten seconds, ending at a cut where there is one.

A clip that begins at `a` ends at the strongest cut in `[a + 0.8 L, a + 1.2 L]`, else at `a + L`,
for a clip length of `L`. The last clip of a video is what is left.
"""

from __future__ import annotations

from collections.abc import Sequence

from longtake.timecode import Seconds

SNAP = 0.2
LOOKAHEAD = 2.0


def decided_at(start: Seconds, length: Seconds) -> Seconds:
    """Return the stream time by which the end of a clip that begins at `start` is known."""
    return start + length * (1 + SNAP) + LOOKAHEAD


def window(start: Seconds, length: Seconds) -> tuple[Seconds, Seconds]:
    """Return where a clip that begins at `start` may end."""
    return start + length * (1 - SNAP), start + length * (1 + SNAP)


def clip_end(start: Seconds, cuts: Sequence[tuple[Seconds, float]], length: Seconds) -> Seconds:
    """Choose the end: the strongest cut in reach (the earliest of equals), else `length` on."""
    low, high = window(start, length)
    inside = [cut for cut in cuts if low - 1e-6 <= cut[0] <= high + 1e-6]
    if not inside:
        return round(start + length, 6)
    return max(inside, key=lambda cut: (cut[1], -cut[0]))[0]


def rest_end(start: Seconds, end: Seconds, length: Seconds) -> Seconds:
    """Return where a clip ends when the stream ends at `end`: no stump shorter than a quarter."""
    if end - start <= length * (1 + SNAP):
        return end
    return round(start + length, 6)
