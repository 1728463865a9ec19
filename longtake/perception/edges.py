"""When and where to read screen text: new strong edges that stay.

Reading text is by far the dearest step, so it is asked for only where text may have appeared.
Text is made of strong edges that stand still: an edge is new when it stands in this frame as in
the frame before, but looks otherwise than at the last reading. Moving camera footage makes
edges that do not stay; noise and recompression make faint differences; neither asks.

* A small place (a mouse pointer) has to stay for `small_wait` frames.
* A place that was read without finding text waits twice as long the next time, up to
  `longest_wait` frames.
* A picture that never settles (scrolling, a walk through a street) is read as it is after
  `restless` frames; each such reading that finds no text doubles the pause, up to `longest_rest`.
* Before the picture changes, what has not settled yet is read too: a slide may go after a second.
  A moving picture (`MOVING`) changes all the time; where such readings find nothing, the pause
  between them doubles up to `longest_dry` seconds, until text is found or the picture cuts.

How long a line stays is told without reading, by its own looks: see `Stencil`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from longtake.models.protocols import Image
from longtake.perception.carry import Arrays, from_bits, to_bits
from longtake.perception.economy import largest, scaled
from longtake.timecode import Seconds

Flags: TypeAlias = NDArray[np.bool_]
Grey: TypeAlias = NDArray[np.uint8]
Box: TypeAlias = tuple[float, float, float, float]

WIDTH = 640
PATCH = 16
LEAST_MARKS = 8
"""Pixels of a patch that must look otherwise for something to be there."""
STRONG = 32
"""Grey levels that neighbouring pixels of an edge are apart."""
OTHER = 40
"""Grey levels by which a pixel looks otherwise than at the last reading."""
SAME = 20
"""Grey levels by which a pixel that stands still may flicker."""
MOVING = 0.1
"""Share of the strong edges that do not stand still in a moving picture."""
ALIKE = 12
"""Grey levels by which a pixel of a line may differ when the line need not be read again."""
ALTERED, STANDS = 0.9, 0.95
"""How alike a part of a line is at most that has another letter, and at least if it is the same."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class EdgeMap:
    """A picture in grey on the grid of the watch, and where it has strong edges."""

    grey: Grey
    strong: Flags

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.grey.shape[0], self.grey.shape[1]


@dataclass(frozen=True, slots=True)
class Stencil:
    """How a line of text looks in its box, to see later whether it is still there."""

    top: int
    left: int
    grey: Grey

    def same(self, now: Grey) -> bool:
        """Whether not even a letter looks otherwise."""
        height, width = self.grey.shape
        there = now[self.top : self.top + height, self.left : self.left + width]
        return int((apart(self.grey, there) > OTHER).sum()) < LEAST_MARKS

    def unchanged(self, now: Grey) -> bool:
        """Whether no pixel looks otherwise, so that reading it again can only repeat itself.

        Measured on dense screencasts: what compression changes stays within 12 grey levels in
        86 % of standing lines, while every real change of a letter or digit moved some pixel
        of the 640 wide grid by 21 or more, or by a fifth of the line's contrast.
        """
        height, width = self.grey.shape
        there = now[self.top : self.top + height, self.left : self.left + width]
        contrast = float(self.grey.max()) - float(self.grey.min())
        return float(apart(self.grey, there).max()) <= min(ALIKE, max(4.0, 0.15 * contrast))

    def present(self, now: Grey) -> float:
        """Return how alike the place looks in another picture, 0..1.

        It is the correlation of grey values, blind to brightness and contrast, so that a fading
        line is still the same; a place without contrast holds no text.
        """
        height, width = self.grey.shape
        there = now[self.top : self.top + height, self.left : self.left + width]
        a = self.grey.astype(np.float64) - self.grey.mean()
        b = there.astype(np.float64) - there.mean()
        own, other = float((a * a).sum()), float((b * b).sum())
        if own < a.size * 4.0:
            return 1.0 if other < b.size * 16.0 else 0.0
        if other < 0.04 * own:
            return 0.0
        return max(0.0, float((a * b).sum()) / float(np.sqrt(own * other)))

    def altered(self, now: Grey) -> bool:
        """Whether a letter or a digit became another one, while the others are what they were.

        Parts as wide as the line is high are compared: a counter that goes on changes one of
        them, a fading or moving line most of them.
        """
        tall, wide = self.grey.shape
        count = max(1, round(wide / max(1, tall)))
        cuts = [wide * n // count for n in range(count + 1)]
        parts = [
            Stencil(self.top, self.left + one, self.grey[:, one:other]).present(now)
            for one, other in pairwise(cuts)
        ]
        return min(parts) < ALTERED and sum(one >= STANDS for one in parts) * 2 >= count


def edge_map(image: Image) -> EdgeMap:
    """Bring a picture of any size to a grid `WIDTH` wide and find its edges."""
    import cv2

    height = max(PATCH, round(image.shape[0] * WIDTH / image.shape[1] / PATCH) * PATCH)
    small = scaled(image, WIDTH, height)
    kernel = np.ones((3, 3), np.uint8)
    slope = largest(np.asarray(cv2.morphologyEx(small, cv2.MORPH_GRADIENT, kernel), np.uint8))
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    return EdgeMap(grey, slope >= STRONG)


def apart(a: Grey, b: Grey) -> NDArray[np.uint8]:
    """Return the absolute difference of two grey pictures."""
    import cv2

    return np.asarray(cv2.absdiff(a, b), np.uint8)


def stencil(edges: EdgeMap, box: Box) -> Stencil:
    """Cut a line's looks out of the picture."""
    rows, columns = inside(edges.shape, box)
    return Stencil(rows.start, columns.start, edges.grey[rows, columns].copy())


def per_patch(flags: Flags) -> NDArray[np.int64]:
    """Count the marks in each patch."""
    import cv2

    rows, columns = flags.shape[0] // PATCH, flags.shape[1] // PATCH
    inside = flags[: rows * PATCH, : columns * PATCH].astype(np.float32)
    share = cv2.resize(inside, (columns, rows), interpolation=cv2.INTER_AREA)  # exact: 1/256ths
    return np.asarray(np.rint(share * PATCH**2), np.int64)


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
        least_marks: int = LEAST_MARKS,
        small: int = 4,
        small_wait: int = 3,
        settle_wait: int = 3,
        longest_wait: int = 8,
        restless: int = 3,
        longest_rest: int = 30,
        longest_dry: int = 8,
        busy_share: float = 0.02,
        crop_share: float = 0.4,
    ) -> None:
        self.economy = economy
        self.least_marks, self.small, self.small_wait = least_marks, small, small_wait
        self.settle_wait, self.longest_wait = settle_wait, longest_wait
        self.restless, self.longest_rest = restless, longest_rest
        self.longest_dry = longest_dry
        self.busy_share, self.crop_share = busy_share, crop_share
        self.edges: EdgeMap | None = None
        self._read: Grey | None = None
        self._known: Flags | None = None
        self._recent: list[tuple[Seconds, Grey]] = []
        self._age: NDArray[np.int64] | None = None
        self._patience: NDArray[np.int64] | None = None
        self._hot: Flags | None = None
        self._held = self._busy = 0
        self._rest = restless
        self._dry, self._dry_at = 0, 0.0

    @property
    def grey(self) -> Grey:
        """The frame seen last."""
        return self._recent[-1][1]

    def step(self, time: Seconds, edges: EdgeMap, *, last_chance: bool = False) -> Ask | None:
        """See the next frame; `last_chance` says that the picture cuts before the next one."""
        if self.edges is None or self.edges.shape != edges.shape:
            self._begin(edges)
        assert self._read is not None
        assert self._known is not None
        before = self._recent[-1][1] if self._recent else None
        self._recent = [*self._recent[-3:], (time, edges.grey)]
        self.edges = edges
        if not self.economy:
            return Ask(WHOLE, True)
        other = (apart(edges.grey, self._read) > OTHER) | ~self._known
        still = np.zeros(edges.shape, np.bool_)
        if before is not None:
            still = apart(edges.grey, before) <= SAME
        unread = edges.strong & other
        blank = other & still & ~edges.strong  # nothing to read here: it counts as read
        self._read = np.where(blank, edges.grey, self._read)
        self._known = self._known | blank
        if last_chance and self._dry > 1 and _moves(edges.strong, still):
            last_chance = time - self._dry_at >= min(self.longest_dry, 2 ** (self._dry - 1))
        stays = unread if last_chance else unread & still
        fresh = unread & ~still & (not last_chance)
        settled = per_patch(stays) * 3 >= per_patch(unread) * 2
        return self._judge(per_patch(stays) * settled, int(stays.sum()), int(fresh.sum()))

    def _begin(self, edges: EdgeMap) -> None:
        shape = per_patch(edges.strong).shape
        self._read = np.zeros(edges.shape, np.uint8)
        self._known = np.zeros(edges.shape, np.bool_)
        self._recent = []
        self._age = np.zeros(shape, np.int64)
        self._patience = np.ones(shape, np.int64)
        self._held = self._busy = 0

    def _judge(self, counts: NDArray[np.int64], stays: int, fresh: int) -> Ask | None:
        assert self._age is not None
        assert self._patience is not None
        assert self.edges is not None
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
        assert self.edges is not None
        assert self._read is not None
        assert self._known is not None
        assert self._patience is not None
        assert self._age is not None
        self._held = self._busy = 0
        place = inside(self.edges.shape, box)
        self._read, self._known = self._read.copy(), self._known.copy()
        self._read[place] = self.edges.grey[place]
        self._known[place] = True
        self._dry = 0 if found else self._dry + (box == WHOLE)
        self._dry_at = self._recent[-1][0]
        if not ask.settled:
            self._rest = self.restless if new else min(self.longest_rest, self._rest * 2)
        if self._hot is None:
            return
        texty = np.zeros(self._hot.shape, np.bool_)
        for one in found:
            rows, columns = inside(self._hot.shape, one)
            texty[rows, columns] = True
        barren = self._hot & ~texty
        longer = np.minimum(self.longest_wait, self._patience * 2)
        self._patience = np.where(barren, longer, np.where(texty, 1, self._patience))
        self._age = np.zeros_like(self._age)

    def new_shot(self) -> None:
        """The picture cut: what was learnt about places holds no more than a little."""
        self._dry = 0
        if self._patience is not None:
            self._patience = np.minimum(self._patience, 2)

    def first_seen(self, mark: Stencil, time: Seconds) -> Seconds:
        """Return since when a line read at `time` has been there, as far as is remembered."""
        since = time
        for at, grey in reversed(self._recent):
            if not mark.same(grey):
                break
            since = at
        return since

    def as_read(self, box: Box) -> bool:
        """Whether a place looks as it did when it was read last."""
        assert self.edges is not None
        assert self._read is not None
        rows, columns = inside(self.edges.shape, box)
        if not self._known_at(rows, columns):
            return False
        return Stencil(rows.start, columns.start, self._read[rows, columns]).unchanged(self.grey)

    def _known_at(self, rows: slice, columns: slice) -> bool:
        return self._known is not None and bool(self._known[rows, columns].all())

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return what `restore` needs to go on exactly."""
        facts: dict[str, Any] = {"held": self._held, "busy": self._busy, "rest": self._rest}
        facts |= {"dry": self._dry, "dry_at": self._dry_at}
        if self.edges is None:
            return {}, facts
        assert self._read is not None
        assert self._known is not None
        assert self._age is not None
        assert self._patience is not None
        arrays: Arrays = {
            "read": self._read,
            "known": to_bits(self._known),
            "strong": to_bits(self.edges.strong),
            "age": self._age,
            "patience": self._patience,
        }
        for i, (_, grey) in enumerate(self._recent):
            arrays[f"recent{i}"] = grey
        facts |= {"shape": list(self.edges.shape), "times": [t for t, _ in self._recent]}
        return arrays, facts

    def restore(self, arrays: Arrays, facts: dict[str, Any]) -> None:
        """Go on from a state."""
        self._held, self._busy, self._rest = facts["held"], facts["busy"], facts["rest"]
        self._dry, self._dry_at = facts.get("dry", 0), facts.get("dry_at", 0.0)
        if "shape" not in facts:
            return
        shape = (int(facts["shape"][0]), int(facts["shape"][1]))
        times = facts["times"]
        self._recent = [(time, arrays[f"recent{i}"]) for i, time in enumerate(times)]
        self.edges = EdgeMap(self._recent[-1][1], from_bits(arrays["strong"], shape))
        self._read, self._known = arrays["read"], from_bits(arrays["known"], shape)
        self._age, self._patience = arrays["age"], arrays["patience"]


def _moves(strong: Flags, still: Flags) -> bool:
    """Whether many of a picture's edges do not stand as they did a frame before."""
    edges = int(strong.sum())
    return edges > 0 and int((strong & ~still).sum()) > MOVING * edges


def inside(shape: tuple[int, int], box: Box) -> tuple[slice, slice]:
    """Return the rows and columns of a grid that a box covers."""
    height, width = shape
    return (
        slice(int(box[1] * height), max(int(box[1] * height) + 1, round(box[3] * height))),
        slice(int(box[0] * width), max(int(box[0] * width) + 1, round(box[2] * width))),
    )
