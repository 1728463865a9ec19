"""Glimpses: what comes into the picture and is gone again within about a second.

The deep pass reads one frame a second, so a label that is up for half a second is in no record.
The fine grid has seen it, though: somewhere in the picture a block changed, and a moment later it
looked as before. Where and when that was is all that is kept, a few numbers for each clip; nothing
is read. A question that finds nothing in memory looks there first (the detail track of S22, which
is never read on a question that does not ask for it).

Only the last second of small pictures is held, and the pass begins two seconds before a border,
so a pass that is taken up again finds the same glimpses.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from longtake.models.protocols import Image
from longtake.perception.economy import largest
from longtake.timecode import Seconds

Blocks: TypeAlias = NDArray[np.float32]
COLUMNS, ROWS = 16, 9
REACH = 1.25
"""Seconds within which a block must look again as it did before."""
LEAST = 6.0
"""Grey levels by which a block must change, on the mean, for something to have come or gone."""
BACK = 0.35
"""Share of that change by which it may still differ from what it was before."""
RETURNS = 0.7
"""Least share of the blocks that changed which must be as before: in a moving picture few are."""
MOST = 6
"""Glimpses kept of one clip; where all is moving there would be no end of them."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """From `start` to `end` a part of the picture looked otherwise, by `levels` grey levels."""

    start: Seconds
    end: Seconds
    levels: float


class GlimpseTrack:
    """Takes the small pictures of the fine grid, and tells the glimpses among them."""

    def __init__(self, *, reach: Seconds = REACH) -> None:
        self.reach = reach
        self._seen: deque[tuple[Seconds, Image, Blocks | None]] = deque()
        self._found: list[Glimpse] = []

    def add(self, time: Seconds, small: Image) -> None:
        """Take the next small picture."""
        change: Blocks | None = None
        if self._seen and self._seen[-1][1] is not small:
            change = apart(self._seen[-1][1], small)
            if float(change.max()) < LEAST:
                change = None
        self._seen.append((time, small, change))
        while self._seen[0][0] < time - self.reach - 1e-6:
            self._seen.popleft()
        if change is not None:
            self._look_back(time, small, change)

    def _look_back(self, time: Seconds, small: Image, gone: Blocks) -> None:
        """Note the latest change that the newest picture takes back."""
        seen = list(self._seen)
        for n in range(len(seen) - 2, 0, -1):
            came = seen[n][2]
            if came is None:
                continue
            both = np.minimum(came, gone)
            both[apart(seen[n - 1][1], small) > BACK * both] = 0.0
            moved = int((np.maximum(came, gone) >= LEAST).sum())
            if int((both >= LEAST).sum()) >= max(1.0, RETURNS * moved):
                self._found.append(Glimpse(seen[n][0], time, round(float(both.max()), 1)))
                return

    def between(self, start: Seconds, end: Seconds) -> list[Glimpse]:
        """The glimpses that ended in ``[start, end)``, the plainest few, in order of time.

        Of those that overlap only the plainest is told.
        """
        mine = [one for one in self._found if start <= one.end < end]
        kept: list[Glimpse] = []
        for one in sorted(mine, key=lambda o: (-o.levels, o.start, o.end)):
            if all(one.end <= other.start or one.start >= other.end for other in kept):
                kept.append(one)
        return sorted(kept[:MOST], key=lambda o: o.start)

    def forget_before(self, time: Seconds) -> None:
        """Drop glimpses that ended before `time`."""
        self._found = [one for one in self._found if one.end >= time]


def apart(one: Image, other: Image) -> Blocks:
    """By how many grey levels each block of two small pictures differs, on the mean."""
    import cv2

    away = largest(np.asarray(cv2.absdiff(one, other), np.uint8)).astype(np.float32)
    return np.asarray(cv2.resize(away, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.float32)


def rows(found: list[Glimpse]) -> list[list[Any]]:
    """Glimpses as a clip's record keeps them: start, end and grey levels of each."""
    return [[round(one.start, 3), round(one.end, 3), one.levels] for one in found]
