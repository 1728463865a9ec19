"""Consolidation: what the deep pass has kept becomes scenes, chapters and a synopsis.

A `Consolidator` looks whether the deep pass is ahead of what it has consolidated (the progress of
pass ``levels``), and catches up in one transaction: scenes, chapters, the clips' context, the
synopsis, with a capacity the merging that keeps each level within it, and what a budget demands.
It remembers nothing between steps, so it may run with each chunk or in another process, be late,
or be killed: what it writes depends on what was kept alone. With a capacity or a budget it depends
also on when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from longtake.memory.bounding import Bounds
from longtake.memory.budgets import hold_budget
from longtake.memory.chapters import close_chapters, refresh_synopsis
from longtake.memory.context import write_context
from longtake.memory.levels import LEVELS, Memory
from longtake.memory.scenes import close_scenes
from longtake.models.protocols import TextEncoder
from longtake.storage.records import Progress, Video

if TYPE_CHECKING:
    from longtake.settings import BudgetSettings
    from longtake.storage.store import Store


class Consolidator:
    """Makes one video's levels; with a `capacity`, none holds more records than that.

    Raises:
        UsageError: the capacity is too small.
    """

    def __init__(
        self,
        store: Store,
        video: Video,
        encoder: TextEncoder,
        *,
        capacity: int = 0,
        budget: BudgetSettings | None = None,
    ) -> None:
        self.memory = Memory(store, video, encoder)
        self._budget = budget
        self._bounds = Bounds(self.memory, capacity) if capacity else None

    def step(self) -> bool:
        """Catch up with the deep pass in one transaction; False when there is nothing new."""
        store, video = self.memory.store, self.memory.video.id
        with store.transaction():
            deep = store.progress(video, "deep")
            if deep is None or not due(store, video):
                return False
            self.close(final=deep.finished)
            if self._bounds:
                self._bounds.hold(deep.done)
            if self._budget:
                hold_budget(store, video, self._budget)
            store.set_progress(video, LEVELS, Progress(deep.done, deep.finished, b""))
        return True

    def close(self, *, final: bool) -> None:
        """Close what can be closed by now, or all that is open."""
        with self.memory.store.transaction():
            scenes = close_scenes(self.memory, final=final)
            # Chapters are made of scenes: without a new one none can be closed.
            chapters = close_chapters(self.memory, final=final) if scenes or final else []
            write_context(self.memory, chapters)
            refresh_synopsis(self.memory, chapters, final=final)


def due(store: Store, video: str) -> bool:
    """Whether the deep pass is ahead of what is consolidated."""
    deep, levels = store.progress(video, "deep"), store.progress(video, LEVELS)
    if deep is None or levels is None:
        return deep is not None
    return deep.done > levels.done or deep.finished > levels.finished
