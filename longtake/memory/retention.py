"""What may be forgotten of a video, and in which order: pictures first, text last.

`forget` gives up the finest detail of a video, before a time or all of it: thumbnails, then the
vectors of frames and clips; without `keep_text` also the records themselves. `within` goes through
`ORDER`, oldest first, until a video takes no more than a budget of bytes; it reads the oldest from
indexes and the bytes from running sums, so its work is that of what goes. What stays and has lost
detail says ``data["detail"] = "gone"``, so whoever reads it knows that there is no finer look left
in the library. What a person marked is spared. The library stays sound (`longtake db check`).

Key–value memories lie in files of their own and are dropped by `Library.kv_drop`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from longtake.memory.marks import marked, touches
from longtake.storage.records import Record
from longtake.storage.sizes import Held, Kind, Losing
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.store import Store

__all__ = ["ORDER", "Forgotten", "Held", "forget", "held", "reduce", "within"]

_BATCH = 50
"""Records given up between two looks at the budget."""
_FINE = ("frame", "clip")
_EVERY: Kind = ("", "")

FRAMES: Kind = ("frame", "sight")
CLIPS: Kind = ("clip", "caption")
SCENES: Kind = ("scene", "caption")
CHAPTERS: Kind = ("chapter", "caption")
SYNOPSES: Kind = ("video", "caption")
WORDS: tuple[Kind, ...] = (
    ("moment", "caption"), ("moment", "entity"), ("moment", "speech"), ("moment", "screen"),
    ("frame", "screen"),
)  # fmt: skip
"""What was said and shown as text, and what later passes told of it."""
ORDER: tuple[tuple[Losing, tuple[Kind, ...]], ...] = (
    ("picture", (_EVERY,)),
    ("vector", (FRAMES, CLIPS)),
    ("record", (FRAMES, CLIPS)),
    ("record", (SCENES,)),
    ("vector", WORDS),
    ("record", WORDS),
    ("record", (CHAPTERS, SYNOPSES)),
)
"""What goes, in this order: outlines of chapters take next to nothing, and are text of all of it."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was given up, with the bytes before and after; with `dry_run` what would be.

    `recording` are bytes of a live source's recording, which are not among the others.
    """

    before: Held
    after: Held
    pictures: int
    vectors: int
    records: int
    recording: int = 0


def held(store: Store, video: str) -> Held:
    """Return how many bytes a video takes; a picture that two videos share counts for both."""
    return store.sizes.of(video)


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
        pictures = _drop_pictures(store, video, old)
        fine = [one for one in _fresh(store, old) if one.level in _FINE]
        vectors = _drop_vectors(store, video, fine)
        records = 0 if keep_text else _drop_records(store, video, old)
        return pictures, vectors, records

    return _told(store, video, work, dry_run)


def within(store: Store, video: str, budget: int, *, dry_run: bool = False) -> Forgotten:
    """Give up detail in `ORDER`, oldest first, until a video takes at most `budget` bytes."""
    return _told(store, video, lambda: reduce(store, video, budget), dry_run)


def reduce(
    store: Store,
    video: str,
    budget: int,
    until: Callable[[Kind], Seconds] = lambda kind: math.inf,
) -> tuple[int, int, int]:
    """Give up as much; return how many pictures, vectors and records went.

    To be called inside a transaction. Of each kind, only what ended by `until` may go. There may
    not be enough of it.
    """
    gone = {"picture": 0, "vector": 0, "record": 0}
    ordinal, spared = store.video(video).ordinal, marked(store, video)
    for losing, kinds in ORDER:
        limits = {kind: until(kind) for kind in kinds}
        while store.sizes.of(video).total > budget:
            names = store.sizes.oldest(ordinal, losing, limits, spared=spared, limit=_BATCH)
            if not names:
                break
            gone[losing] += _LOSE[losing](store, video, store.records(ids=names))
    return gone["picture"], gone["vector"], gone["record"]


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
    found, spared = store.records(video=video), marked(store, video)
    return [
        one
        for one in found
        if (before is None or one.span.end <= before + 1e-6) and not touches(one, spared)
    ]


def _fresh(store: Store, records: Sequence[Record]) -> list[Record]:
    return store.records(ids=[one.id for one in records])


def _drop_pictures(store: Store, video: str, records: Sequence[Record]) -> int:
    pictured = [one for one in records if one.data.get("thumb")]
    store.put_records(_without(one, thumb=None) for one in pictured)
    return len(pictured)


def _drop_vectors(store: Store, video: str, records: Sequence[Record]) -> int:
    # Words without their vector are still all that was said; they lost no detail.
    store.put_records(_without(one) for one in records if one.level in _FINE)
    return store.delete_vectors([one.id for one in records])


def _drop_records(store: Store, video: str, records: Sequence[Record]) -> int:
    gone = {one.id for one in records}
    if not gone:
        return 0
    # What was made from a record overlaps it.
    around = Span(min(one.span.start for one in records), max(one.span.end for one in records))
    made = store.children(video, sorted(gone), span=around.widen(0.001))
    store.put_records(
        _without(replace(one, parents=tuple(p for p in one.parents if p not in gone)))
        for one in made
        if one.id not in gone
    )
    return store.delete_records(video, ids=sorted(gone))


_LOSE: dict[Losing, Callable[[Store, str, Sequence[Record]], int]] = {
    "picture": _drop_pictures,
    "vector": _drop_vectors,
    "record": _drop_records,
}


def _without(record: Record, **changed: None) -> Record:
    return replace(record, data={**record.data, **changed, "detail": "gone"})
