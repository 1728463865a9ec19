"""Ctrl-C while something runs: the first ends it in good order, the second leaves."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from longtake.cli.output import talk


@contextmanager
def stoppable(
    said: str = "stopping; the best answer so far follows; Ctrl-C again leaves",
    then: Callable[[], None] | None = None,
) -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether Ctrl-C was pressed; a second one is a `KeyboardInterrupt`.

    `then` is called at the first, in the main thread, wherever that is: it must be quick.
    Outside the main thread, where no signal arrives, it never turns true.
    """
    pressed = threading.Event()

    def once(signum: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()
        talk(said)
        if then is not None:
            then()

    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, once)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
