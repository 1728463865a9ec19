"""Decoding ahead in a thread of its own, while models work on what came before.

The queue is bounded by bytes of pictures, so memory stays flat whatever the video's length.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD_BYTES = 160 * 2**20


class Feed(Generic[T]):
    """Iterates `source` in a thread; `size` tells the bytes of an item.

    An error of the source is raised to the reader in its place. `close` ends the thread, also
    in the middle of the source; it is safe to call twice.
    """

    def __init__(
        self, source: Iterable[T], size: Callable[[T], int], *, ahead: int = AHEAD_BYTES
    ) -> None:
        self._source, self._size, self._ahead = source, size, ahead
        self._items: deque[T] = deque()
        self._bytes = 0
        self._ended = self._closed = False
        self._error: BaseException | None = None
        self._turn = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="longtake-decode", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        items = iter(self._source)
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

    def _put(self, item: T) -> bool:
        with self._turn:
            while not self._closed and self._full(item):
                self._turn.wait()
            if self._closed:
                return False
            self._items.append(item)
            self._bytes += self._size(item)
            self._turn.notify_all()
            return True

    def _full(self, item: T) -> bool:
        """Whether there is no room for the next item now; called with the turn held."""
        return self._bytes > self._ahead

    def _pop(self) -> T:
        """Take the next item; called with the turn held, when there is one."""
        item = self._items.popleft()
        self._bytes -= self._size(item)
        return item

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._turn:
                while not self._items and not self._ended:
                    self._turn.wait()
                if not self._items:
                    break
                item = self._pop()
                self._turn.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def halt(self) -> None:
        """Stop decoding, and let go of what waits; the reader comes to the end. From any thread."""
        with self._turn:
            self._closed = True
            self._items.clear()
            self._turn.notify_all()
        stop = getattr(self._source, "stop", None)
        if stop is not None:  # What waits for a live source would not look up before it comes.
            stop()

    def close(self, wait: float | None = None) -> None:
        """Stop decoding and wait for the thread, `wait` seconds at most."""
        self.halt()
        self._thread.join(wait)
