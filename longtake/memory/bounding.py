"""Keeping the levels of one video's memory within a capacity, for streams that do not end.

After each chunk every level above the words is brought down to its capacity by closest-pair
merging (`longtake.memory.capacity`). Of two records that become one, the heavier stays, with its
span and text; ``data["mass"]`` counts the records it stands for and ``data["spans"]`` lists where
they were. It is known from now on only: what it stands for now could not be known before. A
summary that was made from a record that is gone says ``data["detail"] = "gone"``.

Only what is settled is merged: frames older than a minute, clips of closed scenes, scenes of closed
chapters, all chapters but the last. Nothing is remembered between calls, so a rerun after a kill merges alike.
Words and lines of text (level ``moment``, pages) stay: text is the last thing dropped, and a budget
of bytes is what bounds it (`longtake.memory.budgets`). What a person marked is never merged, and
comes on top of the capacity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from longtake.errors import UsageError
from longtake.memory.capacity import Bounded, Entry, Merge, Pin
from longtake.memory.levels import FOREVER, Memory
from longtake.memory.marks import marked, touches
from longtake.storage.records import Channel, Facet, Floats, Level, Record, VectorRow, Video
from longtake.timecode import Seconds, Span

LEAST = 128
"""Smallest capacity: what is not settled yet must fit in it, with room to spare."""
ROOM = 16
"""A level that is full is brought below its capacity by this part of it."""
WHOLE: Seconds = 60.0
"""The newest frames are kept whole for so long."""
_BOUNDED: tuple[tuple[Level, Channel, Facet], ...] = (
    ("frame", "sight", "sight"),
    ("clip", "caption", "text"),
    ("scene", "caption", "text"),
    ("chapter", "caption", "text"),
)
"""Level, channel, and the vectors that are compared."""


def capacity_of(video: Video, given: int, endless: int) -> int:
    """The most records that a level of a video may hold; 0: any number.

    A file has an end, and so has what is remembered of it. What is recorded, or comes as a folder
    of segments, may have none: it has the capacity `endless` where none is `given`.
    """
    return given or (endless if "live" in video.media and Path(video.path).is_dir() else 0)


class Bounds:
    """Holds each level of a video's memory to `capacity` records.

    Raises:
        UsageError: the capacity is too small for what cannot be merged yet.
    """

    def __init__(self, memory: Memory, capacity: int) -> None:
        if capacity < LEAST:
            raise UsageError(
                f"a capacity of {capacity} records is too small", fix=f"give {LEAST} or more"
            )
        self._memory = memory
        self._capacity = capacity

    def hold(self, now: Seconds) -> int:
        """Merge what is beyond the capacity as of now; return how many records went.

        To be called inside a transaction.
        """
        return sum(self._hold(*one, now) for one in _BOUNDED)

    def _hold(self, level: Level, channel: Channel, facet: Facet, now: Seconds) -> int:
        memory, every = self._memory, Span(0.0, FOREVER)
        # Counted first: most chunks of a level that is not full need no more.
        if memory.store.count(video=memory.video.id, level=level, channel=channel) <= (
            self._capacity
        ):
            return 0
        spared = marked(memory.store, memory.video.id)
        records = memory.deep(level, channel, every, None)
        records = [one for one in records if not touches(one, spared)]
        settled = _settled(records, self._closed(level, now))
        if len(records) <= self._capacity:
            return 0
        # A little more than must go, so that not every chunk pays for comparing all with all.
        room = max(2, self._capacity - self._capacity // ROOM - (len(records) - len(settled)))
        if len(settled) <= room:
            return 0
        vectors = memory.vectors_of(level, facet, every)
        firsts = {str(one.data["same_as"]) for one in records if one.data.get("same_as")}
        entries = [_entry(one, vectors, firsts) for one in settled]
        merges = Bounded(len(entries), entries).shrink(room)
        self._write({one.id: one for one in settled}, merges, facet, now)
        return len(merges)

    def _closed(self, level: Level, now: Seconds) -> Seconds:
        """Return until when a level is settled."""
        if level == "frame":
            return now - WHOLE
        if level == "chapter":  # all but the last: where it ends, the next one begins
            found = self._memory.deep(level, "caption", Span(0.0, FOREVER), None)
            return found[-1].span.start if found else 0.0
        return self._memory.end_of("scene" if level == "clip" else "chapter")

    def _write(
        self, records: dict[str, Record], merges: Sequence[Merge], facet: Facet, now: Seconds
    ) -> None:
        store, video = self._memory.store, self._memory.video.id
        gone = {one.gone for one in merges}
        kept = {one.kept.id: one.kept for one in merges if one.kept.id not in gone}
        store.put_records(_merged(records[name], entry, now) for name, entry in kept.items())
        store.put_vectors(
            VectorRow(name, facet, entry.vector, max(now, records[name].known_at))
            for name, entry in kept.items()
            if entry.vector.any()
        )
        # Not of words: these are many, and were made from none of what is merged.
        orphans = store.children(video, sorted(gone), level=("clip", "scene", "chapter", "video"))
        store.put_records(
            replace(
                one,
                parents=tuple(name for name in one.parents if name not in gone),
                data={**one.data, "detail": "gone"},
            )
            for one in orphans
        )
        store.delete_records(video, ids=sorted(gone))


def _settled(records: Sequence[Record], closed: Seconds) -> list[Record]:
    """Return what may be merged."""
    return [one for one in records if one.span.end <= closed + 1e-6]


def _entry(record: Record, vectors: dict[str, Floats], firsts: set[str]) -> Entry:
    told = record.data.get("spans") or [[record.span.start, record.span.end]]
    width = len(next(iter(vectors.values()))) if vectors else 1
    # A still clip has no text of its own; what it repeats speaks for it.
    vector = vectors.get(record.id, vectors.get(str(record.data.get("same_as"))))
    return Entry(
        record.id,
        np.zeros(width, np.float32) if vector is None else vector,
        tuple(Span(float(start), float(end)) for start, end in told),
        int(record.data.get("mass", 1)),
        _pin(record, firsts),
    )


def _pin(record: Record, firsts: set[str]) -> Pin:
    """Pin what others repeat, and what holds something that was there for a moment only."""
    if record.id in firsts:
        return "first"
    return "peak" if record.data.get("glimpses") else ""


def _merged(record: Record, entry: Entry, now: Seconds) -> Record:
    data = {
        **record.data,
        "mass": entry.mass,
        "spans": [[span.start, span.end] for span in entry.spans],
    }
    return replace(record, data=data, known_at=max(now, record.known_at))
