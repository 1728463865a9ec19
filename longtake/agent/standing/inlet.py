"""From a stream's items to the watch: decoding runs ahead in a thread of its own, and not too far.

A stream that is watched from now on must not fall behind: when more than `MOST` seconds wait, all
but the newest `LEFT` are let go, and what was skipped is told. One that is watched from its start
is read as fast as the watch takes it, and nothing is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from longtake.perception.feed import Feed
from longtake.perception.items import Picture, Sound
from longtake.timecode import Seconds

Item: TypeAlias = Picture | Sound
MOST: Seconds = 8.0
"""Seconds of the stream that may wait."""
LEFT: Seconds = 2.0
"""Seconds that are left of them when that is too much."""


class Inlet(Feed[Item]):
    """Iterate over it once; `close` ends the thread and a live source, `halt` does not wait for it.

    Args:
        decoder: what is read.
        skips: called with the start and end of what is let go; None waits instead.
    """

    def __init__(
        self, decoder: Iterable[Item], skips: Callable[[Seconds, Seconds], None] | None = None
    ) -> None:
        self._skips = skips
        self._skipped: tuple[Seconds, Seconds] | None = None
        self.newest: Seconds = 0.0
        super().__init__(decoder, lambda item: 0)

    def __iter__(self) -> Iterator[Item]:
        """Yield items in order until the source ends."""
        for item in super().__iter__():
            skipped, self._skipped = self._skipped, None
            if skipped is not None and self._skips is not None:
                self._skips(*skipped)
            yield item

    def _put(self, item: Item) -> bool:
        put = super()._put(item)
        self.newest = max(self.newest, _time(item)) if put else self.newest
        return put

    def _pop(self) -> Item:
        """Drop what is too old, and note the stretch."""
        first, last = _time(self._items[0]), self.newest
        if self._skips is not None and last - first > MOST:
            while len(self._items) > 1 and _time(self._items[0]) < last - LEFT:
                self._items.popleft()
            self._skipped = first, _time(self._items[0])
        return super()._pop()

    def _full(self, item: Item) -> bool:
        """Whether as much waits as may be held; from now on, twice as much before it is let go."""
        if not self._items:
            return False
        room = MOST if self._skips is None else 2 * MOST
        return _time(item) - _time(self._items[0]) > room


def _time(item: Item) -> Seconds:
    return item.time if isinstance(item, Picture) else item.start
