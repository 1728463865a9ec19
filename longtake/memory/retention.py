"""What may be forgotten of a video, and in which order: pictures first, text last.

`forget` gives up the finest detail of a video, before a time or all of it: thumbnails, then the
vectors of frames and clips; without `keep_text` also the records themselves. `within` goes through
the same order, oldest first, until a video takes no more than a budget of bytes. What stays and has
lost detail says ``data["detail"] = "gone"``, so whoever reads it knows that there is no finer look
left in the library. The library stays sound (`longtake db check`).

Key–value memories lie in files of their own and are dropped by `Library.kv_drop`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from longtake.storage.records import Record
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.storage.store import Store

_BATCH = 200
"""Records given up between two looks at the budget."""
_FINE = ("frame", "clip")


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes that a video takes: pictures, vectors, and words with all else of its records."""

    pictures: int
    vectors: int
    text: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.pictures + self.vectors + self.text


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was given up, with the bytes before and after; with `dry_run` what would be."""

    before: Held
    after: Held
    pictures: int
    vectors: int
    records: int


def held(store: Store, video: str) -> Held:
    """Return how many bytes a video takes; a picture that two videos share counts for both."""
    number = "(SELECT ordinal FROM videos WHERE id = ?)"
    sums = (
        (
            "SELECT ifnull(sum(size), 0) FROM thumbs WHERE name IN "
            f"(SELECT thumb FROM records WHERE ordinal = {number})"
        ),
        (
            "SELECT ifnull(sum(length(vector)), 0) FROM vectors WHERE n IN "
            f"(SELECT n FROM records WHERE ordinal = {number})"
        ),
        (
            "SELECT ifnull(sum(length(CAST(text AS BLOB)) + length(data) + length(parents) "
            f"+ length(id)), 0) FROM records WHERE ordinal = {number}"
        ),
    )
    pictures, vectors, text = (int((store.database.one(q, (video,)) or (0,))[0]) for q in sums)
    return Held(pictures, vectors, text)


class _Undo(Exception):
    """Takes back what a dry run did."""


def forget(
    store: Store,
    video: str,
    *,
    before: Seconds | None = None,
    keep_text: bool = False,
    dry_run: bool = False,
) -> Forgotten:
    """Give up what a video's records hold that ended before a time.

    Args:
        store: the library, open for writing.
        video: its id.
        before: records that end later stay as they are; None for all of them.
        keep_text: only pictures and fine vectors go.
        dry_run: nothing is changed; what would go is told.
    """

    def work() -> tuple[int, int, int]:
        old = _old(store, video, before)
        pictures = _drop_pictures(store, old)
        vectors = _drop_vectors(store, _fresh(store, old))
        records = 0 if keep_text else _drop_records(store, video, old)
        return pictures, vectors, records

    return _told(store, video, work, dry_run)


def within(store: Store, video: str, budget: int, *, dry_run: bool = False) -> Forgotten:
    """Give up detail, oldest first, until a video takes at most `budget` bytes.

    Pictures go first, then vectors of frames and clips, then records: frames, clips and what lies
    above them, and words last.
    """

    def work() -> tuple[int, int, int]:
        counts = [0, 0, 0]
        steps: tuple[Callable[[Sequence[Record]], int], ...] = (
            lambda some: _drop_pictures(store, some),
            lambda some: _drop_vectors(store, some),
            lambda some: _drop_records(store, video, some),
        )
        for n, step in enumerate(steps):
            old = _old(store, video, None)
            if n == 2:
                old = sorted(old, key=lambda one: one.level == "moment")
            for first in range(0, len(old), _BATCH):
                if held(store, video).total <= budget:
                    return counts[0], counts[1], counts[2]
                counts[n] += step(old[first : first + _BATCH])
        return counts[0], counts[1], counts[2]

    return _told(store, video, work, dry_run)


def _told(
    store: Store, video: str, work: Callable[[], tuple[int, int, int]], dry_run: bool
) -> Forgotten:
    before = held(store, video)
    made: list[Forgotten] = []
    try:
        with store.transaction():
            done = work()
            made.append(Forgotten(before, held(store, video), *done))
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    return made[0]


def _old(store: Store, video: str, before: Seconds | None) -> list[Record]:
    found = store.records(video=video)
    return [one for one in found if before is None or one.span.end <= before + 1e-6]


def _fresh(store: Store, records: Sequence[Record]) -> list[Record]:
    return store.records(ids=[one.id for one in records])


def _drop_pictures(store: Store, records: Sequence[Record]) -> int:
    pictured = [one for one in records if one.data.get("thumb")]
    store.put_records(_without(one, thumb=None) for one in pictured)
    return len(pictured)


def _drop_vectors(store: Store, records: Sequence[Record]) -> int:
    fine = [one for one in records if one.level in _FINE]
    count = store.delete_vectors([one.id for one in fine])
    store.put_records(_without(one) for one in _fresh(store, fine))
    return count


def _drop_records(store: Store, video: str, records: Sequence[Record]) -> int:
    gone = {one.id for one in records}
    left = [one for one in store.children(video, sorted(gone)) if one.id not in gone]
    store.put_records(
        _without(replace(one, parents=tuple(p for p in one.parents if p not in gone)))
        for one in left
    )
    return store.delete_records(video, ids=sorted(gone))


def _without(record: Record, **changed: None) -> Record:
    return replace(record, data={**record.data, **changed, "detail": "gone"})
