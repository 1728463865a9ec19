"""Things followed from frame to frame: detections of one label joined into tracks.

A `Tracker` is given the detections of one frame after another (frames may be seconds apart) and
gives back tracks as they end. A detection goes on with the track that fits it best: where the
track would be by its motion, and what it looks like. The assignment is the best one for all of a
frame's detections together. A track lives through `Rules.gap` seconds in which it was looked for
and not seen; at a shot cut all end. A track that begins later and looks like an ended one of its
label is told to be the same thing (`Track.same`): by looks alone, and never as one that was in view
at the same time.

What is held is bounded: boxes that lie on the line between two others are dropped, a track is
continued by another after `MOST_BOXES`, and only the last `MOST_ENDED` are known again. `state` and
`restore` are JSON values; a tracker restored goes on exactly.

Boxes are (x0, y0, x1, y1) as shares of the picture, times seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from longtake.models.protocols import Detection, Image, Vectors
from longtake.models.vision.boxes import Box, overlap
from longtake.timecode import Seconds

Sighting: TypeAlias = list[float]
"""[time, x0, y0, x1, y1, p]"""
Appearance: TypeAlias = Callable[[Image, Sequence[Box]], Vectors]
"""Unit vectors [len(boxes), dim] of what crops look like, comparable within a video."""

MOST_BOXES = 400
MOST_OPEN = 100
MOST_ENDED = 128
MOST_HELD = 60
"""Sightings held to see whether they lie on one line."""
STRAY = 0.01
"""Share of the picture by which a dropped box may lie off the line between its neighbours."""
HIDDEN = 0.3
"""From this overlap on another box hides so much that a crop says little of its own looks."""
_HUES, _GREYS = 12, 5


@dataclass(frozen=True, slots=True)
class Rules:
    """When a detection goes on with a track.

    `gap` is how long a thing may be out of sight, `least` the least of nearness (-1..1) plus twice
    the likeness of looks (0..1), `same` the least likeness of one thing seen again later, `sure`
    the score from which one sighting is enough. `looks` and `motion` off are controls: by overlap
    alone.
    """

    gap: Seconds = 3.0
    least: float = 1.4
    same: float = 0.92
    sure: float = 0.7
    looks: bool = True
    motion: bool = True


RULES = Rules()
UNKNOWN_LOOKS = 0.75
"""Likeness that is taken for granted where looks do not count or are hidden."""


@dataclass(slots=True)
class Track:
    """One thing while it is in view; `nth` counts the tracks that began at the same time.

    `boxes` are the sightings that were kept, `held` those since; between neighbours of both the
    thing moves on a line. `same` is the number of the first track of the same thing.
    """

    n: int
    nth: int
    label: str
    boxes: list[Sighting]
    look: list[float]
    held: list[Sighting] = field(default_factory=list)
    pace: list[float] = field(default_factory=list)
    seen: int = 1
    total: float = 0.0
    best: float = 0.0
    same: int | None = None

    @property
    def last(self) -> Sighting:
        """Where it was last seen."""
        return self.held[-1] if self.held else self.boxes[-1]

    @property
    def p(self) -> float:
        """Mean score of its sightings."""
        return round(self.total / self.seen, 4)

    def expected(self, time: Seconds, motion: bool) -> Box:
        """Where it would be at a time if it moved on as it did."""
        t, *box, _ = self.last
        if not (motion and self.pace):
            return _box(box)
        dx, dy = (v * (time - t) for v in self.pace)
        return (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)

    def add(self, row: Sighting, look: Sequence[float] | None) -> None:
        """Note a sighting; `look` is None where something hid it."""
        before = self.last
        lapse = row[0] - before[0]
        moved = [(_centre(row)[k] - _centre(before)[k]) / lapse for k in (0, 1)]
        was = self.pace or moved
        self.pace = [round(0.4 * was[k] + 0.6 * moved[k], 6) for k in (0, 1)]
        if look is not None:
            self.look = _mixed(self.look, look, 0.2)
        self.seen += 1
        self.total += row[5]
        self.best = max(self.best, row[5])
        if len(self.held) == MOST_HELD or not _on_line(self.boxes[-1], self.held, row):
            self.boxes.append(self.held[-1])
            self.held = []
        self.held.append(row)

    def closed(self) -> list[Sighting]:
        """All sightings that tell its way, in order of time."""
        return [*self.boxes, *self.held[-1:]]


class Tracker:
    """Joins the detections of frames, given in order of time, into tracks."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.open: list[Track] = []
        self._ended: list[dict[str, Any]] = []
        self._next = 1

    def see(self, time: Seconds, found: Sequence[Detection], looks: Vectors) -> list[Track]:
        """Take one frame's detections and their looks [n, dim]; return the tracks that ended."""
        ended: list[Track] = []
        hidden = [any(a is not b and overlap(a.box, b.box) > HIDDEN for b in found) for a in found]
        pairs = self._pairs(time, found, looks, hidden)
        for row, column in pairs.items():
            track, one = self.open[row], found[column]
            look = None if hidden[column] else _listed(looks[column])
            track.add(_sighting(time, one), look)
        lost = [t for n, t in enumerate(self.open)
                if n not in pairs and time - t.last[0] > self.rules.gap]  # fmt: skip
        full = [t for t in self.open if len(t.boxes) >= MOST_BOXES]
        ended += self._end([*lost, *full])
        self.open += [self._going_on(track) for track in full]
        self._begin(time, found, looks, set(pairs.values()))
        return ended

    def end(self) -> list[Track]:
        """End all tracks: the picture cuts, or the video is over; return them."""
        return self._end(list(self.open))

    def state(self) -> dict[str, Any]:
        """Return JSON values from which `restore` goes on."""
        return {"open": [asdict(t) for t in self.open], "ended": self._ended, "next": self._next}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.open = [Track(**one) for one in state["open"]]
        self._ended, self._next = list(state["ended"]), int(state["next"])

    # -- joining ---------------------------------------------------------------------------

    def _pairs(
        self, time: Seconds, found: Sequence[Detection], looks: Vectors, hidden: Sequence[bool]
    ) -> dict[int, int]:
        """Which open track goes on with which detection: the best assignment of all."""
        from scipy.optimize import linear_sum_assignment

        if not self.open or not found:
            return {}
        fits = np.zeros((len(self.open), len(found)))
        for row, track in enumerate(self.open):
            for column, one in enumerate(found):
                if track.label == one.label:
                    fits[row, column] = self._fit(track, time, one, looks[column], hidden[column])
        rows, columns = linear_sum_assignment(-fits)
        return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if fits[r, c] > 0}

    def _fit(self, track: Track, time: Seconds, one: Detection, look: Any, hidden: bool) -> float:
        """How far a detection exceeds what is asked of one that goes on with a track, or 0."""
        near = nearness(track.expected(time, self.rules.motion), one.box)
        if self.rules.motion:  # It may have stopped.
            near = max(near, nearness(track.expected(time, False), one.box) - 0.3)
        like = float(np.dot(track.look, look)) if self.rules.looks else UNKNOWN_LOOKS
        if hidden:  # What can be seen of it may be another's colours.
            like = max(like, UNKNOWN_LOOKS)
        return max(0.0, near + 2 * like - self.rules.least)

    def _begin(
        self, time: Seconds, found: Sequence[Detection], looks: Vectors, taken: set[int]
    ) -> None:
        room = MOST_OPEN - len(self.open)
        new = [n for n in range(len(found)) if n not in taken][: max(0, room)]
        for nth, n in enumerate(new):
            row = _sighting(time, found[n])
            self.open.append(
                Track(self._next, nth, found[n].label, [row], _listed(looks[n]),
                      total=row[5], best=row[5])
            )  # fmt: skip
            self._next += 1

    def _going_on(self, track: Track) -> Track:
        """The track that continues one with too many boxes."""
        last, first = track.last, track.same or track.n
        made = Track(self._next, MOST_OPEN + track.nth, track.label, [last], track.look,
                     pace=track.pace, total=last[5], best=last[5], same=first)  # fmt: skip
        self._next += 1
        return made

    # -- ending ----------------------------------------------------------------------------

    def _end(self, tracks: list[Track]) -> list[Track]:
        gone = {track.n for track in tracks}
        self.open = [track for track in self.open if track.n not in gone]
        kept = [t for t in tracks if t.seen > 1 or t.best >= self.rules.sure or t.same]
        self._know_again(kept)
        for track in kept:
            ended = {"n": track.same or track.n, "label": track.label, "look": track.look,
                     "start": track.boxes[0][0], "end": track.last[0]}  # fmt: skip
            self._ended.append(ended)
        del self._ended[:-MOST_ENDED]
        return kept

    def _know_again(self, tracks: Sequence[Track]) -> None:
        """Say of ended tracks which are things that were seen before, the likest first."""
        if not self.rules.looks:
            return
        likes = []
        for track in tracks:
            for old in self._ended:
                if old["label"] == track.label and old["end"] < track.boxes[0][0]:
                    like = round(float(np.dot(old["look"], track.look)), 6)
                    if like >= self.rules.same:
                        likes.append((-like, -old["end"], track.n, old["n"]))
        by_number = {track.n: track for track in tracks}
        for _, _, n, thing in sorted(likes):
            track = by_number[n]
            if track.same is None and not self._in_view(thing, track, tracks):
                track.same = thing

    def _in_view(self, thing: int, track: Track, others: Sequence[Track]) -> bool:
        """Whether a thing was in view elsewhere during a track."""
        start, end = track.boxes[0][0], track.last[0]
        times = [(o["start"], o["end"]) for o in self._ended if o["n"] == thing]
        times += [(o.boxes[0][0], o.last[0]) for o in others if o is not track and o.same == thing]
        return any(a <= end and b >= start for a, b in times)


def nearness(a: Box, b: Box) -> float:
    """How near two boxes are: overlap from 0 to 1, below 0 by the empty room between them.

    The generalised intersection over union (arXiv 1902.09630).

    >>> round(nearness((0, 0, 1, 1), (0, 0, 1, 1)), 2), round(nearness((0, 0, 1, 1), (2, 0, 3, 1)), 2)
    (1.0, -0.33)
    """
    whole = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    if whole <= 0:
        return 0.0
    share = overlap(a, b)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return share - (whole - areas / (1 + share)) / whole


def colour_looks(image: Image, boxes: Sequence[Box]) -> Vectors:
    """What crops look like by their colours: hues by how colourful, greys by how bright.

    Bins are soft, so that noise at the border of two does not matter; the vectors are square
    roots of shares, so that their product is the Bhattacharyya coefficient.
    """
    import cv2

    rows = np.zeros((len(boxes), _HUES + _GREYS), np.float32)
    for row, box in zip(rows, boxes, strict=True):
        crop = cv2.resize(_inside(image, box), (24, 24), interpolation=cv2.INTER_AREA)
        hsv = cv2.cvtColor(crop, cv2.COLOR_RGB2HSV).reshape(-1, 3).astype(np.float64)
        colourful = np.minimum(1.0, 1.5 * hsv[:, 1] * hsv[:, 2] / 255**2)
        _spread(row[:_HUES], hsv[:, 0] * _HUES / 180, colourful, round_=True)
        _spread(row[_HUES:], hsv[:, 2] * (_GREYS - 1) / 255, 1 - colourful, round_=False)
    shares = np.sqrt(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-9))
    return np.asarray(shares, np.float32)


def _spread(bins: NDArray[np.float32], at: Any, weight: Any, *, round_: bool) -> None:
    """Add weights to the two bins next to each place."""
    low = np.floor(at).astype(int)
    share = at - low
    n = len(bins)
    high = (low + 1) % n if round_ else np.minimum(low + 1, n - 1)
    bins += np.bincount(low % n, weight * (1 - share), n)[:n].astype(np.float32)
    bins += np.bincount(high, weight * share, n)[:n].astype(np.float32)


def _inside(image: Image, box: Box) -> Image:
    """The middle of a box, where there is more of the thing than of what is behind it."""
    height, width = image.shape[:2]
    dx, dy = 0.1 * (box[2] - box[0]), 0.1 * (box[3] - box[1])
    x0, y0 = int((box[0] + dx) * width), int((box[1] + dy) * height)
    x1, y1 = int(np.ceil((box[2] - dx) * width)), int(np.ceil((box[3] - dy) * height))
    x0, y0 = min(max(0, x0), width - 1), min(max(0, y0), height - 1)
    return image[y0 : max(y0 + 1, y1), x0 : max(x0 + 1, x1)]


def _on_line(first: Sighting, held: Sequence[Sighting], row: Sighting) -> bool:
    """Whether all that is held lies on the way from the first to a new sighting."""
    return all(
        max(abs(a - b) for a, b in zip(between(first, row, one[0]), one[1:5], strict=True)) <= STRAY
        for one in held
    )


def between(a: Sighting, b: Sighting, time: Seconds) -> Box:
    """The box at a time between two sightings."""
    share = (time - a[0]) / (b[0] - a[0]) if b[0] > a[0] else 0.0
    return _box([u + (v - u) * share for u, v in zip(a[1:5], b[1:5], strict=True)])


def _box(values: Sequence[float]) -> Box:
    return (values[0], values[1], values[2], values[3])


def _centre(row: Sighting) -> tuple[float, float]:
    return (row[1] + row[3]) / 2, (row[2] + row[4]) / 2


def _sighting(time: Seconds, one: Detection) -> Sighting:
    return [round(float(v), 4) for v in (time, *one.box, one.p)]


def _listed(look: Any) -> list[float]:
    return [round(float(v), 5) for v in look]


def _mixed(old: Sequence[float], new: Sequence[float], share: float) -> list[float]:
    row = np.asarray(old) * (1 - share) + np.asarray(new) * share
    return _listed(row / max(float(np.linalg.norm(row)), 1e-9))
