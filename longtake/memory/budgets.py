"""Budgets of bytes: a video's memory, and all of them together, stay below a number for ever.

`hold_budget` is called after each step of consolidation, inside its transaction. A video over its
budget gives up detail in the order of `longtake.memory.retention`. Where all videos together are
over theirs, the largest are brought down to one level; the one that is being written keeps at
least `FLOOR` of the whole. Sums are kept by the tables, so a step costs what it gives up and not
what is kept.

Never given up: what a person marked, the newest 60 s, and what is not consolidated yet (clips of
the open scene, scenes of the open chapter), from which the next levels are made. A budget smaller
than that cannot be kept.

Bytes are those of pictures, vectors and records with their indexes, as `Sizes` counts them.
Recordings of live sources and key–value memories have limits of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from longtake.memory.bounding import WHOLE
from longtake.memory.retention import CHAPTERS, CLIPS, SCENES, SYNOPSES, reduce
from longtake.storage.records import Level
from longtake.storage.sizes import Kind
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.settings import BudgetSettings
    from longtake.storage.store import Store

FLOOR = 0.25
"""Share of the library's budget that the video being written keeps at least."""


def hold_budget(store: Store, video: str, budget: BudgetSettings) -> int:
    """Bring a video, and the library, within their bytes; return how many records went.

    To be called inside a transaction. `video` is the one that is being written.
    """
    gone = 0
    if budget.video_bytes:
        gone += _hold(store, video, budget.video_bytes)
    if budget.library_bytes:
        sizes = {name: one.total for name, one in store.sizes.all().items()}
        for name, most in shares(sizes, budget.library_bytes, video).items():
            gone += _hold(store, name, most)
    return gone


def shares(sizes: Mapping[str, int], budget: int, writing: str) -> dict[str, int]:
    """Return the videos that must give something up, the largest first, and what each may keep.

    The largest come down to one level, at which all together fit.

    >>> shares({"a": 50, "b": 30, "c": 10}, 60, "c")
    {'a': 25, 'b': 25}
    >>> shares({"a": 50, "b": 30, "c": 10}, 90, "c")
    {}
    """
    least = {name: int(budget * FLOOR) if name == writing else 0 for name in sizes}
    over = [name for name in sizes if sizes[name] > least[name]]
    over.sort(key=lambda name: -sizes[name])  # Ties by arrival: the order of `sizes`.
    if sum(sizes.values()) <= budget:
        return {}
    low, high = 0, max(sizes.values())
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(size, max(middle, least[name])) for name, size in sizes.items()) <= budget:
            low = middle
        else:
            high = middle - 1
    return {name: max(low, least[name]) for name in over if sizes[name] > max(low, least[name])}


def _hold(store: Store, video: str, budget: int) -> int:
    if store.sizes.of(video).total <= budget:
        return 0
    return reduce(store, video, budget, _settled(store, video))[2]


def _settled(store: Store, video: str) -> Callable[[Kind], Seconds]:
    """Return until when what a video holds of a kind may go."""
    deep = store.progress(video, "deep")
    newest = (deep.done if deep else store.video(video).duration) - WHOLE
    scene, chapter = _last(store, video, "scene"), _last(store, video, "chapter")
    until = {
        CLIPS: scene.end if scene else 0.0,
        SCENES: chapter.end if chapter else 0.0,
        CHAPTERS: chapter.start if chapter else 0.0,
        SYNOPSES: chapter.start if chapter else 0.0,
    }
    return lambda kind: min(newest, until.get(kind, newest))


def _last(store: Store, video: str, level: Level) -> Span | None:
    """Return the span of the last closed segment of a level."""
    found = store.records(video=video, level=level, channel="caption", limit=1, newest_first=True)
    return found[0].span if found else None
