"""From a stream's items to the watch: decoding runs ahead in a thread of its own, and not too far.

A stream that is watched from now on must not fall behind: when more than `MOST` seconds wait, all
but the newest `LEFT` are let go, and what was skipped is told. One that is watched from its start
is read as fast as the watch takes it, and nothing is skipped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeAlias

from longtake.perception.decode import Decoder
from longtake.perception.items import Picture, Sound
from longtake.timecode import Seconds

Item: TypeAlias = Picture | Sound
MOST: Seconds = 8.0
"""Seconds of the stream that may wait."""
LEFT: Seconds = 2.0
"""Seconds that are left of them when that is too much."""


class Inlet:
    """Iterate over it once; `close` ends the thread and a live source,
    `halt` does not wait for that.

    Args:
        decoder: what is read.
        skips: called with the start and end of what is let go; None waits instead.
    """

    def __init__(
        self, decoder: Decoder, skips: Callable[[Seconds, Seconds], None] | None = None
    ) -> None:
        self._decoder, self._skips = decoder, skips
        self._items: deque[Item] = deque()
        self._turn = threading.Condition()
        self._ended = self._closed = False
        self._error: BaseException | None = None
        self.newest: Seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="longtake-watch", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        """Yield items in order until the source ends."""
        while True:
            with self._turn:
                while not self._items and not self._ended and not self._closed:
                    self._turn.wait()
                if not self._items:
                    break
                skipped = self._let_go()
                item = self._items.popleft()
                self._turn.notify_all()
            if skipped is not None and self._skips is not None:
                self._skips(*skipped)
            yield item
        if self._error is not None:
            raise self._error

    def halt(self) -> None:
        """Stop decoding; what waits is let go."""
        with self._turn:
            self._closed = True
            self._items.clear()
            self._turn.notify_all()
        self._decoder.stop()

    def close(self) -> None:
        """Stop decoding and wait for the thread."""
        self.halt()
        self._thread.join(timeout=30.0)

    def _let_go(self) -> tuple[Seconds, Seconds] | None:
        """Drop what is too old; return the stretch."""
        first, last = _time(self._items[0]), self.newest
        if self._skips is None or last - first <= MOST:
            return None
        while len(self._items) > 1 and _time(self._items[0]) < last - LEFT:
            self._items.popleft()
        return first, _time(self._items[0])

    def _run(self) -> None:
        items = iter(self._decoder)
        try:
            for item in items:
                if not self._put(item):
                    break
        except Exception as error:  # noqa: BLE001 - an edge: raised again where items are read
            self._error = error
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
            with self._turn:
                self._ended = True
                self._turn.notify_all()

    def _put(self, item: Item) -> bool:
        with self._turn:
            while not self._closed and self._full(_time(item)):
                self._turn.wait()
            if self._closed:
                return False
            self._items.append(item)
            self.newest = max(self.newest, _time(item))
            self._turn.notify_all()
            return True

    def _full(self, time: Seconds) -> bool:
        """Whether as much waits as may be held; from now on, twice as much before it is let go."""
        if not self._items:
            return False
        room = MOST if self._skips is None else 2 * MOST
        return time - _time(self._items[0]) > room


def _time(item: Item) -> Seconds:
    return item.time if isinstance(item, Picture) else item.start
