"""The object table: which things were in the picture, where, from when to when.

Made of the records of the later pass `objects`, one a track (see `longtake.perception.objects`), and
asked in code: where a thing was at a time, when it was first and last seen, what is inside a box,
how many there were at once. Boxes are (x0, y0, x1, y1) as shares of the picture.

Frames were sampled, about one a second where something moved. A place between two sightings is
interpolated, and says so; up to `NEAR` seconds beyond a track's ends the nearest sighting is given,
and says so; further off the thing was not seen. Words are compared by their stems, so that "dogs"
finds the label "dog" and "people" finds "person".
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from longtake.memory.terms import stem, words_of
from longtake.storage.records import Record
from longtake.timecode import Seconds, Span

Box: TypeAlias = tuple[float, float, float, float]
How: TypeAlias = Literal["seen", "between", "near"]

NEAR = 1.0
"""Seconds beyond its first and last sighting for which a thing's place still stands."""
INSIDE = 0.5
"""Least share of a thing, or of the box asked about, that both cover."""
_PLURALS = {
    "people": "person", "persons": "person", "men": "man", "women": "woman", "children": "child",
    "mice": "mouse", "geese": "goose", "feet": "foot", "knives": "knife", "loaves": "loaf",
    "leaves": "leaf", "bike": "bicycle", "bikes": "bicycle", "motorbike": "motorcycle",
    "motorbikes": "motorcycle", "tv": "television", "tvs": "television", "phone": "telephone",
    "phones": "telephone", "airplane": "aeroplane", "airplanes": "aeroplane", "plane": "aeroplane",
    "planes": "aeroplane", "couch": "sofa", "couches": "sofa",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """One track: a thing from when it came into view to when it went.

    `boxes` are rows (time, x0, y0, x1, y1, p) in order; `thing` is the number of the first track
    of the same thing, its own where it was not seen before.
    """

    record: Record
    n: int
    thing: int
    label: str
    p: float
    boxes: tuple[tuple[float, ...], ...]

    @property
    def span(self) -> Span:
        """First to last sighting."""
        return self.record.span

    def at(self, time: Seconds) -> Place | None:
        """Where it was at a time; None where it was not in view."""
        start, end = self.boxes[0][0], self.boxes[-1][0]
        if time < start - NEAR or time > end + NEAR:
            return None
        if not start <= time <= end:
            row = self.boxes[0] if time < start else self.boxes[-1]
            return Place(self, time, _box(row), "near", (row[0], row[0]))
        n = bisect_right(self.boxes, time, key=lambda row: row[0])
        before, after = self.boxes[n - 1], self.boxes[min(n, len(self.boxes) - 1)]
        if before[0] == time or after[0] <= before[0]:
            return Place(self, time, _box(before), "seen", (before[0], before[0]))
        share = (time - before[0]) / (after[0] - before[0])
        box = [a + (b - a) * share for a, b in zip(before[1:5], after[1:5], strict=True)]
        return Place(self, time, _box((time, *box)), "between", (before[0], after[0]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing was at a time.

    `how`: it was seen then, the box lies between two sightings, or near the first or last one;
    `sighted` are the times of those.
    """

    seen: Seen
    time: Seconds
    box: Box
    how: How
    sighted: tuple[Seconds, Seconds]

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, slots=True)
class Most:
    """The most of a label that were in view at once, and the first stretch in which they were."""

    count: int
    span: Span


class ObjectTable:
    """The tracks of one video, in order of time.

    `whole`: all of the video was looked at and may be known. A track is known when it has ended, so
    that in a table that is not whole things in view may be missing at any time.
    """

    def __init__(self, records: Iterable[Record], *, whole: bool = True) -> None:
        self.whole = whole
        found = [_seen(one) for one in records if one.data.get("kind") == "object"]
        self.tracks = sorted((t for t in found if t.boxes), key=lambda t: (t.span.start, t.n))

    def __bool__(self) -> bool:
        return bool(self.tracks)

    def labels(self) -> dict[str, int]:
        """Each label with how many things have it, most of them first."""
        things = {(track.label, track.thing) for track in self.tracks}
        counts = Counter(label for label, _ in things)
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))

    def fitting(self, words: str) -> list[str]:
        """The labels that some words name: those all of whose own words are among them.

        Of "traffic light" and "light" the longer is meant where both fit.
        """
        asked = roots(words)
        fits = [label for label in self.labels() if set(roots(label)) <= set(asked)]
        whole = [x for x in fits if not any(set(roots(x)) < set(roots(y)) for y in fits)]
        return sorted(whole)

    def of(self, labels: Sequence[str] | None = None, span: Span | None = None) -> list[Seen]:
        """Return the tracks of some labels, all if None, that reach into a span."""
        return [
            track
            for track in self.tracks
            if (labels is None or track.label in labels)
            and (span is None or (track.span.start < span.end and track.span.end >= span.start))
        ]

    def at(self, time: Seconds, labels: Sequence[str] | None = None) -> list[Place]:
        """Where things were at a time, surest first."""
        places = [place for track in self.of(labels) if (place := track.at(time)) is not None]
        return sorted(_one_each(places), key=lambda one: (-one.seen.p, one.seen.n))

    def inside(self, box: Box, time: Seconds) -> list[tuple[Place, float]]:
        """What was inside a box at a time, with the share that both cover, best first."""
        found = [(place, _share(place.box, box)) for place in self.at(time)]
        kept = [(place, share) for place, share in found if share >= INSIDE]
        return sorted(kept, key=lambda one: (-_both(one[0].box, box), one[0].seen.n))

    def first(self, labels: Sequence[str]) -> Seen | None:
        """The track in which such a thing was first seen."""
        return min(self.of(labels), key=lambda t: (t.span.start, t.n), default=None)

    def last(self, labels: Sequence[str]) -> Seen | None:
        """The track in which such a thing was last seen."""
        return max(self.of(labels), key=lambda t: (t.span.end, -t.n), default=None)

    def nearest(self, labels: Sequence[str], time: Seconds) -> Seen | None:
        """The track of such a thing that is least far from a time."""

        def away(track: Seen) -> float:
            return max(track.span.start - time, time - track.span.end, 0.0)

        return min(self.of(labels), key=lambda t: (away(t), t.n), default=None)

    def things(self, labels: Sequence[str]) -> int:
        """How many such things there were in all: one that came back counts once."""
        return len({track.thing for track in self.of(labels)})

    def most(self, labels: Sequence[str]) -> Most | None:
        """The most of them that were in view at once; ends of tracks count as in view."""
        tracks = self.of(labels)
        edges = sorted({t for track in tracks for t in (track.span.start, track.span.end)})
        best: Most | None = None
        for n, time in enumerate(edges):
            here = [track for track in tracks if track.span.start <= time <= track.span.end]
            count = len({track.thing for track in here})
            if best is None or count > best.count:
                later = edges[n + 1] if n + 1 < len(edges) else time
                end = min([later, *(track.span.end for track in here)])
                best = Most(count, Span(time, max(time, end)))
        return best


def roots(text: str) -> list[str]:
    """The stems of a text's words, plurals and everyday doubles brought to one.

    >>> roots("two bikes and people") == roots("two bicycle and person")
    True
    """
    return [stem(_PLURALS.get(word, word)) for word in words_of(text)]


def where(box: Box) -> str:
    """Say in words where in the picture a box is: by thirds.

    >>> where((0.0, 0.1, 0.2, 0.3)), where((0.4, 0.4, 0.6, 0.6)), where((0.7, 0.4, 0.9, 0.6))
    ('at the top left', 'in the middle', 'on the right')
    """
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    across = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    down = "top" if y < 1 / 3 else "bottom" if y > 2 / 3 else ""
    if across and down:
        return f"at the {down} {across}"
    if down:
        return f"at the {down}"
    return f"on the {across}" if across else "in the middle"


def _seen(record: Record) -> Seen:
    data = record.data
    n = int(data.get("track", 0))
    rows = tuple(tuple(float(v) for v in row) for row in data.get("boxes", ()))
    thing = int(data.get("same_as_track", n))
    return Seen(
        record, n, thing, str(data.get("label", record.text)), float(data.get("p", 0)), rows
    )


def _one_each(places: Iterable[Place]) -> list[Place]:
    """One place of each thing: where a track was continued by another, both are near."""
    best: dict[tuple[str, int], Place] = {}
    for place in places:
        key = (place.seen.label, place.seen.thing)
        known = best.get(key)
        if known is None or (known.how == "near" and place.how != "near"):
            best[key] = place
    return list(best.values())


def _both(a: Box, b: Box) -> float:
    """Intersection over union."""
    inner = _inner(a, b)
    return inner / (_area(a) + _area(b) - inner) if inner else 0.0


def _share(a: Box, b: Box) -> float:
    """Share of the smaller of two boxes that lies in the other."""
    return _inner(a, b) / max(1e-12, min(_area(a), _area(b)))


def _inner(a: Box, b: Box) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _box(row: Sequence[float]) -> Box:
    return (round(row[1], 4), round(row[2], 4), round(row[3], 4), round(row[4], 4))
