"""When and where to read screen text: new strong edges that stay.

Reading text is by far the dearest step, so it is asked for only where text may have appeared.
Text is made of strong edges that stand still: an edge is new when it stands in this frame and
in the frame before, but not in what was there at the last reading. Moving camera footage makes
edges that do not stay; slow fades, noise and recompression make weak ones; none of them asks.

* A small place (a mouse pointer) has to stay for `small_wait` frames.
* A place that was read without finding text waits twice as long the next time, up to
  `longest_wait` frames.
* A picture that never settles (scrolling, a walk through a street) is read as it is after
  `restless` frames; each such reading that finds no text doubles the pause, up to `longest_rest`.

The same edges tell without reading how long a line of text stays: see `Stencil`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from longtake.models.protocols import Image
from longtake.perception.carry import Arrays, from_bits, to_bits
from longtake.timecode import Seconds

Flags: TypeAlias = NDArray[np.bool_]
Box: TypeAlias = tuple[float, float, float, float]

WIDTH = 640
PATCH = 16
STRONG, WEAK = 32, 16
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class EdgeMap:
    """Where the picture has strong edges, and where it has edges at all."""

    strong: Flags
    weak: Flags

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.strong.shape[0], self.strong.shape[1]


@dataclass(frozen=True, slots=True)
class Stencil:
    """A line's own edges within its box, to see later whether it is still there."""

    top: int
    left: int
    marks: Flags

    def present(self, weak: Flags) -> float:
        """Return the share of the edges that are still in a (grown) weak map; 1 if it has none."""
        height, width = self.marks.shape
        count = int(self.marks.sum())
        if count == 0:
            return 1.0
        there = weak[self.top : self.top + height, self.left : self.left + width]
        return float((self.marks & there).sum()) / count


def edge_map(image: Image) -> EdgeMap:
    """Find the edges of a picture of any size, on a grid `WIDTH` wide."""
    import cv2

    height = max(PATCH, round(image.shape[0] * WIDTH / image.shape[1] / PATCH) * PATCH)
    how = cv2.INTER_AREA if image.shape[1] >= WIDTH else cv2.INTER_LINEAR
    small = cv2.resize(image, (WIDTH, height), interpolation=how)
    kernel = np.ones((3, 3), np.uint8)
    slope = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, kernel).max(axis=2)
    return EdgeMap(slope >= STRONG, slope >= WEAK)


def grow(flags: Flags) -> Flags:
    """Widen marks by one pixel: coding and shaking move edges a little."""
    import cv2

    wide = cv2.dilate(flags.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(wide > 0)


def stencil(edges: EdgeMap, box: Box) -> Stencil:
    """Cut a line's strong edges out of the map."""
    height, width = edges.shape
    x0, y0 = int(box[0] * width), int(box[1] * height)
    x1, y1 = max(x0 + 1, round(box[2] * width)), max(y0 + 1, round(box[3] * height))
    return Stencil(y0, x0, edges.strong[y0:y1, x0:x1].copy())


def per_patch(flags: Flags) -> NDArray[np.int64]:
    """Count the marks in each patch."""
    rows, columns = flags.shape[0] // PATCH, flags.shape[1] // PATCH
    blocks = flags[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
    return np.asarray(blocks.sum(axis=(1, 3)))


@dataclass(frozen=True, slots=True)
class Ask:
    """A wish to read. `box` is where; `settled` is False for a picture that does not stand."""

    box: Box
    settled: bool


class TextWatch:
    """Sees one frame per second and says when to read, and where.

    Args:
        economy: False asks for a full reading of every frame (the control in tests).
    """

    def __init__(
        self,
        *,
        economy: bool = True,
        least_marks: int = 8,
        small: int = 4,
        small_wait: int = 3,
        settle_wait: int = 3,
        longest_wait: int = 8,
        restless: int = 3,
        longest_rest: int = 30,
        busy_share: float = 0.02,
        crop_share: float = 0.4,
    ) -> None:
        self.economy = economy
        self.least_marks, self.small, self.small_wait = least_marks, small, small_wait
        self.settle_wait, self.longest_wait = settle_wait, longest_wait
        self.restless, self.longest_rest = restless, longest_rest
        self.busy_share, self.crop_share = busy_share, crop_share
        self.edges: EdgeMap | None = None
        self._read: Flags | None = None
        self._recent: list[tuple[Seconds, Flags]] = []
        self._age: NDArray[np.int64] | None = None
        self._patience: NDArray[np.int64] | None = None
        self._hot: Flags | None = None
        self._held = self._busy = 0
        self._rest = restless

    @property
    def weak(self) -> Flags:
        """The grown weak edges of the frame seen last."""
        return self._recent[-1][1]

    def step(self, time: Seconds, edges: EdgeMap, *, last_chance: bool = False) -> Ask | None:
        """See the next frame; `last_chance` says that the picture cuts before the next one."""
        if self.edges is None or self.edges.shape != edges.shape:
            self._begin(edges)
        assert self._read is not None
        before = self._recent[-1][1] if self._recent else np.zeros(edges.shape, np.bool_)
        weak = grow(edges.weak)
        self._recent = [*self._recent[-4:], (time, weak)]
        self.edges = edges
        unread = edges.strong & ~grow(self._read)
        self._read &= weak | before  # what has gone for two frames is new when it comes back
        stays = unread if last_chance else unread & before
        fresh = unread & ~before
        if not self.economy:
            return Ask(WHOLE, True)
        return self._judge(per_patch(stays), int(stays.sum()), int(fresh.sum()))

    def _begin(self, edges: EdgeMap) -> None:
        shape = per_patch(edges.strong).shape
        self._read = np.zeros(edges.shape, np.bool_)
        self._recent = []
        self._age = np.zeros(shape, np.int64)
        self._patience = np.ones(shape, np.int64)
        self._held = self._busy = 0

    def _judge(self, counts: NDArray[np.int64], stays: int, fresh: int) -> Ask | None:
        assert self._age is not None and self._patience is not None and self.edges is not None
        hot = counts >= self.least_marks
        self._hot = hot
        self._age = np.where(hot, self._age + 1, 0)
        is_busy = fresh >= self.busy_share * self.edges.strong.size
        self._busy = self._busy + 1 if is_busy else max(0, self._busy - 1)
        if self._busy >= self._rest:
            return Ask(WHOLE, False)
        wait = self.small_wait if 0 < hot.sum() <= self.small else 1
        ready = hot & (self._age >= np.maximum(self._patience, wait))
        if not ready.any():
            self._held = 0
            return None
        if fresh > max(64, stays // 4) and self._held < self.settle_wait:
            self._held += 1  # more is still arriving: read it all at once
            return None
        return Ask(self._region(hot), True)

    def _region(self, hot: Flags) -> Box:
        """Box the hot patches with a margin; the whole picture when that is much of it."""
        rows, columns = np.nonzero(hot)
        height, width = hot.shape
        box = (
            max(0, int(columns.min()) - 3) / width,
            max(0, int(rows.min()) - 2) / height,
            min(width, int(columns.max()) + 4) / width,
            min(height, int(rows.max()) + 3) / height,
        )
        return WHOLE if (box[2] - box[0]) * (box[3] - box[1]) > self.crop_share else box

    def note(self, ask: Ask, box: Box, found: list[Box], new: int) -> None:
        """Learn what a reading of `box` gave: the boxes of its lines, and how many were new."""
        assert self.edges is not None and self._read is not None
        assert self._patience is not None and self._age is not None
        self._held = self._busy = 0
        inside = _inside(self.edges.shape, box)
        self._read[inside] = self.edges.strong[inside] | self.edges.weak[inside]
        if not ask.settled:
            self._rest = self.restless if new else min(self.longest_rest, self._rest * 2)
        if self._hot is None:
            return
        texty = np.zeros(self._hot.shape, np.bool_)
        for one in found:
            texty[_inside((texty.shape[0], texty.shape[1]), one)] = True
        barren = self._hot & ~texty
        longer = np.minimum(self.longest_wait, self._patience * 2)
        self._patience = np.where(barren, longer, np.where(texty, 1, self._patience))
        self._age = np.zeros_like(self._age)

    def new_shot(self) -> None:
        """The picture cut: what was learnt about places holds no more than a little."""
        if self._patience is not None:
            self._patience = np.minimum(self._patience, 2)

    def first_seen(self, mark: Stencil, time: Seconds) -> Seconds:
        """Return since when a line read at `time` has been there, as far as is remembered."""
        since = time
        for at, weak in reversed(self._recent):
            if mark.present(weak) < 0.7:
                break
            since = at
        return since if mark.marks.any() else time

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return what `restore` needs to go on exactly."""
        facts: dict[str, Any] = {"held": self._held, "busy": self._busy, "rest": self._rest}
        if self.edges is None:
            return {}, facts
        assert self._read is not None and self._age is not None and self._patience is not None
        arrays: Arrays = {
            "strong": to_bits(self.edges.strong),
            "weak": to_bits(self.edges.weak),
            "read": to_bits(self._read),
            "age": self._age,
            "patience": self._patience,
        }
        for i, (_, flags) in enumerate(self._recent):
            arrays[f"recent{i}"] = to_bits(flags)
        facts |= {"shape": list(self.edges.shape), "times": [t for t, _ in self._recent]}
        return arrays, facts

    def restore(self, arrays: Arrays, facts: dict[str, Any]) -> None:
        """Go on from a state."""
        self._held, self._busy, self._rest = facts["held"], facts["busy"], facts["rest"]
        if "shape" not in facts:
            return
        shape = (int(facts["shape"][0]), int(facts["shape"][1]))
        strong, weak = from_bits(arrays["strong"], shape), from_bits(arrays["weak"], shape)
        self.edges = EdgeMap(strong, weak)
        self._read = from_bits(arrays["read"], shape)
        self._age, self._patience = arrays["age"], arrays["patience"]
        self._recent = [
            (time, from_bits(arrays[f"recent{i}"], shape)) for i, time in enumerate(facts["times"])
        ]


def _inside(shape: tuple[int, int], box: Box) -> tuple[slice, slice]:
    height, width = shape
    return (
        slice(int(box[1] * height), max(int(box[1] * height) + 1, round(box[3] * height))),
        slice(int(box[0] * width), max(int(box[0] * width) + 1, round(box[2] * width))),
    )
