"""What a person marks of watched videos: `Library` is built on this, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.records import Record, Video
    from longtake.storage.store import Store

T = TypeVar("T")
TURN: Seconds = 60.0
"""How long to wait for other writers before saying that there is one."""


class Marking:
    """Marks: set, listed, removed. See `longtake.memory.marks`."""

    if TYPE_CHECKING:
        path: Path

        @property
        def store(self) -> Store:
            """The library on disk, opened for reading."""

        def video(self, name: str | Path | Video) -> Video:
            """Find a video."""

        def close(self) -> None:
            """Close what is open."""

    def mark(
        self, video: Video | str, start: Seconds, end: Seconds | None = None, note: str = ""
    ) -> Record:
        """Mark a span of a video, by default 10 s of it: what lies there is kept for good.

        It is never merged or forgotten, also where it is recorded only later.

        Raises:
            UsageError: the span is empty or begins beyond the video's end.
        """
        from longtake.memory.marks import LENGTH, mark

        span = Span(start, start + LENGTH if end is None else end)
        return self._marking(video, lambda store, known: mark(store, known, span, note))

    def unmark(self, video: Video | str, at: Seconds) -> list[Record]:
        """Remove the marks that a time lies in, and return them.

        Raises:
            NoSuchMoment: nothing is marked there.
        """
        from longtake.memory.marks import unmark

        return self._marking(video, lambda store, known: unmark(store, known, at))

    def marks(self, video: Video | str) -> list[Record]:
        """Return what was marked of a video, in order of time."""
        from longtake.memory.marks import marks

        return marks(self.store, self.video(video).id)

    def _marking(self, video: Video | str, work: Callable[[Store, Video], T]) -> T:
        """Write in turns with others: a stream that is followed leaves room."""
        from longtake.storage.store import Store

        known = self.video(video)
        self.close()
        with Store.open(self.path, write=True, wait=TURN) as store:
            return work(store, store.video(known.id))
