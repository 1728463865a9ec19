"""Event changes from a stream of vectors: SceneTilling (VideoLLaMB, S31) made online.

The similarity of neighbouring vectors is a curve; a place is a valley as deep as the peaks on
both sides stand above it (its depth score). Where the depth exceeds mean + α·std of the recent
depths there is a change. Peaks are looked for at most `reach` back and `lag` ahead, so a
decision comes `lag` vectors late, at bounded cost; the number of changes is not capped (the
released code keeps 15, which is useless over hours).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from longtake.perception.carry import Arrays
from longtake.storage.records import Floats
from longtake.timecode import Seconds

Boundary = tuple[Seconds, float]


class Tiling:
    """Finds changes `lag` vectors after they happen.

    Args:
        alpha: how many standard deviations above the mean depth a change stands.
        lag: vectors to wait for the peak on the right.
        reach: vectors to look back for the peak on the left.
        memory: depths that the running mean and deviation are taken over.
        least: a depth below this is no change, however still the rest is.
        cap: keep only so many changes, the deepest (the control in tests; None = no cap).
    """

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        lag: int = 8,
        reach: int = 56,
        memory: int = 400,
        least: float = 0.05,
        cap: int | None = None,
    ) -> None:
        self.alpha, self.lag, self.reach, self.memory = alpha, lag, reach, memory
        self.least, self.cap = least, cap
        self._last: Floats | None = None
        self._times: list[Seconds] = []
        self._curve: list[float] = []
        self._depths: list[float] = []
        self._next = 0
        self._found: list[Boundary] = []

    def add(self, time: Seconds, vector: Floats) -> list[Boundary]:
        """Take the next vector; return the (time, strength) of changes that became certain."""
        if self._last is not None:
            self._times.append(time)
            self._curve.append(float(np.dot(self._last, vector)))
        self._last = vector
        found: list[Boundary] = []
        while self._next + self.lag < len(self._curve):
            found += self._decide(self._next)
        self._trim()
        return self._capped(found)

    def flush(self) -> list[Boundary]:
        """Decide what is left when the stream ends."""
        found: list[Boundary] = []
        while self._next < len(self._curve):
            found += self._decide(self._next)
        return self._capped(found)

    def _decide(self, i: int) -> list[Boundary]:
        self._next = i + 1
        depth = self._depth(i)
        self._depths = [*self._depths, depth][-self.memory :]
        if depth < self.least or not self._is_valley(i):
            return []
        n = len(self._depths)
        mean = sum(self._depths) / n
        deviation = math.sqrt(sum((d - mean) ** 2 for d in self._depths) / n)
        if n >= 3 and depth <= mean + self.alpha * deviation:
            return []
        return [(self._times[i], round(min(1.0, depth / 2), 4))]

    def _depth(self, i: int) -> float:
        here = self._curve[i]
        left = right = here
        for j in range(i - 1, max(-1, i - 1 - self.reach), -1):
            if self._curve[j] < left:
                break
            left = self._curve[j]
        for j in range(i + 1, min(len(self._curve), i + 1 + self.lag)):
            if self._curve[j] < right:
                break
            right = self._curve[j]
        return (left - here) + (right - here)

    def _is_valley(self, i: int) -> bool:
        here = self._curve[i]
        before = self._curve[i - 1] if i > 0 else math.inf
        after = self._curve[i + 1] if i + 1 < len(self._curve) else math.inf
        return here < before and here <= after

    def _trim(self) -> None:
        extra = self._next - self.reach - 1
        if extra > 0:
            del self._times[:extra], self._curve[:extra]
            self._next -= extra

    def _capped(self, found: list[Boundary]) -> list[Boundary]:
        if self.cap is None:
            return found
        room = max(0, self.cap - len(self._found))
        kept = found[:room]
        self._found += kept
        return kept

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return what `restore` needs to go on exactly."""
        arrays: Arrays = {} if self._last is None else {"last": self._last}
        return arrays, {
            "times": self._times,
            "curve": self._curve,
            "depths": self._depths,
            "next": self._next,
        }

    def restore(self, arrays: Arrays, facts: dict[str, Any]) -> None:
        """Go on from a state."""
        self._last = arrays.get("last")
        self._times, self._curve = list(facts["times"]), list(facts["curve"])
        self._depths, self._next = list(facts["depths"]), int(facts["next"])
