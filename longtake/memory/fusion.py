"""Fuse ranked lists of records and put what lies together into one group.

Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): each list gives a record 1 / (60 +
rank), whatever its scores mean, so lists need no common scale. Records of the moment, frame and
clip levels are then put together by the clip they lie in; each list counts once for a group.

>>> rank_worth(1) > rank_worth(2) > 0
True
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from longtake.storage.records import Level, Record
from longtake.timecode import Seconds

K = 60
"""The constant of reciprocal rank fusion."""
CELL: Seconds = 10.0
"""Grain of groups where no clip was found."""
_LONG: Seconds = 20.0
"""A line that stands longer is filed where it first appears."""

_FINE = ("moment", "frame", "clip")


def grain(record: Record) -> Level:
    """Return the level a record stands for: a model's caption of a scene stands for the scene."""
    whole = record.level == "moment" and record.data.get("of") == "scene"
    return "scene" if whole else record.level


def rank_worth(rank: int) -> float:
    """Return what a place in one list is worth, counted from 1."""
    return 1.0 / (K + rank)


@dataclass(slots=True)
class Found:
    """A record with its place and raw score in each list that holds it."""

    record: Record
    places: dict[str, tuple[int, float]] = field(default_factory=dict)


@dataclass(slots=True)
class Group:
    """Records that stand for one place: a clip's, or one scene, chapter or video."""

    key: tuple[str, str, float]
    found: list[Found] = field(default_factory=list)

    @property
    def fused(self) -> float:
        """The sum over lists of the best place any of the records has there."""
        best: dict[str, int] = {}
        for one in self.found:
            for name, (rank, _) in one.places.items():
                best[name] = min(rank, best.get(name, rank))
        return sum(rank_worth(rank) for rank in best.values())


def gather(
    lists: Mapping[str, Sequence[tuple[str, float]]], records: Mapping[str, Record]
) -> list[Found]:
    """Turn ranked lists of (record id, score) into records with their places."""
    found: dict[str, Found] = {}
    for name, ranked in lists.items():
        for rank, (record, score) in enumerate(ranked, 1):
            if record in records:
                one = found.setdefault(record, Found(records[record]))
                one.places[name] = (rank, score)
    return [found[name] for name in sorted(found)]


def group(found: Sequence[Found]) -> list[Group]:
    """Put records of one clip together; coarser records stand alone."""
    clips: dict[str, list[Record]] = {}
    for one in found:
        if one.record.level == "clip":
            clips.setdefault(one.record.video, []).append(one.record)
    starts = {video: [clip.span.start for clip in row] for video, row in clips.items()}
    groups: dict[tuple[str, str, float], Group] = {}
    for one in found:
        key = _key(one.record, clips, starts)
        groups.setdefault(key, Group(key)).found.append(one)
    return [groups[key] for key in sorted(groups)]


def _key(
    record: Record, clips: Mapping[str, list[Record]], starts: Mapping[str, list[Seconds]]
) -> tuple[str, str, float]:
    if grain(record) not in _FINE:
        return record.video, record.id, record.span.start
    span = record.span
    at = span.middle if span.duration <= _LONG else min(span.start + CELL / 2, span.middle)
    i = bisect_right(starts.get(record.video, []), at) - 1
    if i >= 0 and clips[record.video][i].span.contains(at):
        return record.video, "clip", clips[record.video][i].span.start
    return record.video, "cell", CELL * (at // CELL)
