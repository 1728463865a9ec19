"""A level of memory that never overflows: closest-pair merging with mass.

A `Bounded` level holds at most `capacity` entries. One entry too many, and the two nearest in
meaning become one: its vector is the direction of their mean weighted by mass, its spans those of
both, its mass their sum, so masses always add up to what was seen. A scene seen once stays as
long as two others are more alike (Flash-VStream keeps weighted centroids; measured there and here
against FIFO, uniform sampling and k-means: `bench/bounded.py`). Pairs that follow one another in
time count as a little nearer, so a scene that goes on is joined first. Pinned entries take part in
no merge.

Contract: vectors are of unit length, float32, shape (dim,). The outcome depends on what was added
in which order and on nothing else (ties by start, then id), also when a level is made anew from
its `entries`. An insertion compares the new entry with at most `capacity` others, and repairs the
nearest-neighbour notes that the merge made void; state is bounded by `capacity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from longtake.errors import UsageError
from longtake.storage.records import Floats
from longtake.timecode import Seconds, Span

Pin: TypeAlias = Literal["", "peak", "first", "mark"]

SPANS = 8
"""Spans an entry may list; beyond that those with the smallest gap are joined."""
NEAR = 0.8
"""The distance of entries that follow one another in time is multiplied by this."""
_TOUCH: Seconds = 1.0
"""Spans at most so far apart follow one another."""
_RELEASED: tuple[Pin, ...] = ("peak", "first")
"""Pins that are given up, in this order, oldest first, when pins fill half of a level."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a level keeps: a direction of meaning, where it was, and how much of it was seen.

    `mass` counts frames or clips; `pinned` says why the entry may not be merged: a `peak` of
    change, a `first` of its kind, a `mark` a person set.
    """

    id: str
    vector: Floats
    spans: tuple[Span, ...]
    mass: int = 1
    pinned: Pin = ""

    @property
    def order(self) -> tuple[Seconds, str]:
        """By which ties are broken."""
        return self.spans[0].start, self.id


@dataclass(frozen=True, slots=True)
class Merge:
    """The entry `kept` took in the one called `gone`."""

    kept: Entry
    gone: str


class Bounded:
    """A level of at most `capacity` entries; see the module.

    Raises:
        UsageError: the capacity is below 2.
    """

    def __init__(self, capacity: int, entries: Iterable[Entry] = ()) -> None:
        if capacity < 2:
            raise UsageError(
                f"a level of memory cannot have a capacity of {capacity}", fix="give 2 or more"
            )
        self.capacity = capacity
        self.compared = 0
        """Pairs of vectors compared so far."""
        size = capacity + 1
        self._slots: list[Entry | None] = [None] * size
        self._count = 0
        self._pinned: set[int] = set()
        self._rows: NDArray[np.float32] = np.zeros((size, 0), np.float32)
        self._first = np.zeros(size)
        self._last = np.zeros(size)
        self._free = np.zeros(size, bool)  # here, and may be merged
        self._cost = np.full(size, np.inf)  # to the nearest; a lower bound where stale
        self._nearest = np.full(size, -1)
        self._stale = np.zeros(size, bool)
        for entry in entries:
            self.add(entry)

    def __len__(self) -> int:
        return self._count

    @property
    def entries(self) -> list[Entry]:
        """What is kept, by start and id."""
        return sorted((one for one in self._slots if one is not None), key=lambda e: e.order)

    @property
    def mass(self) -> int:
        """How much was seen in all."""
        return sum(one.mass for one in self._slots if one is not None)

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept: arrays, spans at 16 bytes each, and ids."""
        arrays = (self._rows, self._first, self._last, self._free, self._cost, self._nearest)
        held = [one for one in self._slots if one is not None]
        told = sum(16 * len(one.spans) + len(one.id) + 8 for one in held)
        return sum(one.nbytes for one in arrays) + self._stale.nbytes + told

    def add(self, entry: Entry) -> list[Merge]:
        """Take an entry in; return what was merged to make room.

        Raises:
            UsageError: it is a mark, and marks fill half of the level already.
        """
        if entry.pinned == "mark":
            self._room_for_mark()
        self._put(self._slots.index(None), entry)
        self._release()
        return [self._merge()] if len(self) > self.capacity else []

    def shrink(self, capacity: int) -> list[Merge]:
        """Lower the capacity, and merge until it holds."""
        self.capacity = max(2, capacity)
        self._release()
        merges: list[Merge] = []
        while len(self) > self.capacity and int(self._free.sum()) > 1:
            merges.append(self._merge())
        return merges

    def mark(self, name: str) -> None:
        """Pin an entry because a person wants it kept.

        Raises:
            UsageError: there is no such entry, or marks fill half of the level already.
        """
        slot = next((n for n, e in enumerate(self._slots) if e is not None and e.id == name), None)
        found = None if slot is None else self._slots[slot]
        if slot is None or found is None:
            raise UsageError(f"this level holds no entry {name!r}", fix="take ids from `entries`")
        if found.pinned != "mark":
            self._room_for_mark()
            self._put(slot, replace(found, pinned="mark"))
            self._release()

    # -- pins ------------------------------------------------------------------------------

    def _pins(self, *kinds: Pin) -> list[int]:
        return [n for n in sorted(self._pinned) if self._at(n).pinned in kinds]

    def _room_for_mark(self) -> None:
        if len(self._pins("mark")) >= self.capacity // 2:
            raise UsageError(
                f"half of the {self.capacity} entries of this level are marked already",
                fix="raise the capacity",
            )

    def _release(self) -> None:
        """Give up the oldest of the least pins while pins fill more than half of the level."""
        while len(self._pinned) > self.capacity // 2:
            slots = next((found for kind in _RELEASED if (found := self._pins(kind))), [])
            if not slots:
                return
            oldest = min(slots, key=self._order)
            self._put(oldest, replace(self._at(oldest), pinned=""))

    # -- nearest neighbours ----------------------------------------------------------------

    def _at(self, slot: int) -> Entry:
        entry = self._slots[slot]
        assert entry is not None
        return entry

    def _order(self, slot: int) -> tuple[Seconds, str]:
        return self._at(slot).order

    def _put(self, slot: int, entry: Entry) -> None:
        """Set a slot, and note for it and the others who is nearest."""
        if not self._rows.shape[1]:
            self._rows = np.zeros((len(self._slots), len(entry.vector)), np.float32)
        self._drop(slot)
        self._slots[slot] = entry
        self._count += 1
        if entry.pinned:
            self._pinned.add(slot)
        self._rows[slot] = entry.vector
        self._first[slot], self._last[slot] = entry.spans[0].start, entry.spans[-1].end
        if entry.pinned:
            return
        self._free[slot] = True
        costs = self._look(slot)
        nearer = self._free & (costs <= self._cost)
        self._cost[nearer], self._nearest[nearer], self._stale[nearer] = costs[nearer], slot, False

    def _drop(self, slot: int) -> None:
        """Empty a slot; entries nearest to it must look again before they are merged."""
        self._count -= self._slots[slot] is not None
        self._slots[slot] = None
        self._pinned.discard(slot)
        self._free[slot] = False
        self._cost[slot], self._nearest[slot], self._stale[slot] = np.inf, -1, False
        self._stale |= self._nearest == slot

    def _costs(self, slot: int) -> NDArray[np.float64]:
        """Return how far a free entry is from every other that is free, infinite for the rest."""
        # Row by row, not one product of matrices: the sum of a row is the same bit for bit
        # wherever it lies, so a level made anew from its entries decides alike.
        alike = np.sum(self._rows * self._rows[slot], axis=1)
        costs: NDArray[np.float64] = np.round(np.maximum(0.0, 1.0 - alike.astype(np.float64)), 6)
        follow = np.abs(self._first - self._last[slot]) <= _TOUCH
        follow |= np.abs(self._last - self._first[slot]) <= _TOUCH
        costs[follow] *= NEAR
        costs[~self._free] = np.inf
        costs[slot] = np.inf
        self.compared += int(self._free.sum()) - 1
        return costs

    def _look(self, slot: int) -> NDArray[np.float64]:
        """Note a slot's nearest; return its distances."""
        costs = self._costs(slot)
        nearest = int(np.argmin(costs))
        self._cost[slot], self._nearest[slot] = costs[nearest], nearest
        self._stale[slot] = False
        return costs

    def _closest(self) -> tuple[int, int]:
        """Return the two slots nearest to one another; ties by start and id."""
        while True:
            least = np.flatnonzero(self._cost == self._cost.min())
            again = least[self._stale[least]]
            if not len(again):
                break
            for slot in again:
                self._look(int(slot))
        one = min((int(slot) for slot in least), key=self._order)
        costs = self._costs(one)
        other = min((int(s) for s in np.flatnonzero(costs == costs.min())), key=self._order)
        return one, other

    def _merge(self) -> Merge:
        one, other = self._closest()
        if (-self._at(other).mass, self._order(other)) < (-self._at(one).mass, self._order(one)):
            one, other = other, one
        kept, gone = self._at(one), self._at(other)
        joined = replace(
            kept,
            vector=_mean(kept, gone),
            spans=join([*kept.spans, *gone.spans]),
            mass=kept.mass + gone.mass,
        )
        self._drop(other)
        self._put(one, joined)
        return Merge(joined, gone.id)


def join(spans: Sequence[Span], most: int = SPANS) -> tuple[Span, ...]:
    """Return spans in order, those that touch as one, and at most `most` of them.

    >>> [str(span.start) for span in join([Span(8, 9), Span(0, 2), Span(3, 4)], most=1)]
    ['0']
    """
    rows: list[list[Any]] = []
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        if rows and span.start - rows[-1][1] <= _TOUCH:
            rows[-1][1] = max(rows[-1][1], span.end)
        else:
            rows.append([span.start, span.end])
    while len(rows) > most:
        gap = min(range(1, len(rows)), key=lambda n: (rows[n][0] - rows[n - 1][1], n))
        rows[gap - 1][1] = max(rows[gap - 1][1], rows[gap][1])
        del rows[gap]
    return tuple(Span(start, end) for start, end in rows)


def _mean(one: Entry, other: Entry) -> Floats:
    """Return the direction of the mean by mass; the heavier's where the two cancel out."""
    total = one.vector.astype(np.float64) * one.mass + other.vector.astype(np.float64) * other.mass
    length = float(np.linalg.norm(total))
    return np.asarray(total / length, np.float32) if length > 1e-9 else one.vector
