"""Where a followed stream is read from: what cannot be read twice is recorded first.

A growing file and a folder of segments are their own recording. An address, standard input and a
camera are recorded by a process of its own (`longtake.perception.recorder`) into the library's
folder of recordings, and read from there: however slow reading is, nothing waits for it. A reader
that was killed finds the recorder that is still at work; a recorder that was killed is begun again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from longtake.errors import Interrupted, LongtakeError
from longtake.perception.recorder import Recording
from longtake.perception.segments import SegmentFolder, parts, recording
from longtake.perception.sources import GrowingFile, Live, open_live
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.settings import LiveSettings

STDIN = "-"
SLACK: Seconds = 30.0
"""A reader waits so much longer than the recorder does, which may have to be begun again."""
LOOK: Seconds = 2.0


@contextmanager
def intake(
    src: str | Path, raw: Path, idle: Seconds, keep: LiveSettings, say: Callable[[str], None]
) -> Iterator[Live]:
    """Open what a person names to be followed, recorded first where it must be.

    On the way out the recording ends, unless somebody else reads it, too, or an error is to blame:
    then it goes on for a while, for whoever takes the reading up.

    Args:
        src: a file, a folder of segments, an address, ``-`` or a camera.
        raw: the library's folder of recordings.
        idle: what sends nothing for so long has ended.
        keep: how much a recording may take, and for how long it goes on unread.
        say: told when the recorder had to be begun again.

    Raises:
        MediaError, UsageError: there is nothing to follow.
    """
    live = open_live(src, idle)
    if isinstance(live, GrowingFile | SegmentFolder):
        try:
            yield live
        finally:
            live.stop()
        return
    start = partial(
        Recording.start, str(src), raw, idle=idle, keep_bytes=keep.keep_bytes, leash=keep.leash
    )
    try:
        recorded = start()
    except LongtakeError:
        _tidy(raw)
        raise
    folder = SegmentFolder(recorded.folder, idle + SLACK)
    keeper = _Keeper(recorded, folder, None if str(src) == STDIN else start, idle, say)
    with recorded.attended():
        keeper.start()
        try:
            yield folder
        except (KeyboardInterrupt, Interrupted):
            _stop(recorded)
            raise
        else:
            _stop(recorded)
        finally:
            folder.stop()
            keeper.join()


def _stop(recorded: Recording) -> None:
    if recorded.alive() and not recorded.shared():
        recorded.stop()


def _tidy(raw: Path) -> None:
    """Leave nothing behind of a library that was not to be."""
    if (raw.parent / "library.sqlite").exists():
        return
    for path in raw.glob("*.lock"):
        path.unlink(missing_ok=True)
    for folder in (raw, raw.parent):
        with suppress(OSError):  # something else lies there
            folder.rmdir()


class _Keeper(threading.Thread):
    """Sees that a recorder is at work as long as its recording has not ended and is read."""

    def __init__(
        self,
        recorded: Recording,
        folder: SegmentFolder,
        start: Callable[[], Recording] | None,
        idle: Seconds,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(name="longtake-keeper", daemon=True)
        self._recorded, self._folder = recorded, folder
        self._start, self._idle, self._say = start, idle, say

    def run(self) -> None:
        lost: float | None = None
        while not self._folder.halt.wait(min(LOOK, self._idle)):
            about = recording(self._recorded.folder)
            if about and about.ended:
                if about.error:
                    self._say(f"the recording was ended: {about.error}")
                return
            if self._recorded.alive():
                lost = None
                continue
            lost = lost or time.monotonic()
            if self._again():
                self._say("the recorder had ended without a word and was begun again")
            elif time.monotonic() - lost > self._idle:
                self._folder.stop()  # nothing more will come

    def _again(self) -> bool:
        """Begin the recorder again; what it misses meanwhile is a break."""
        if self._start is None or _ended(self._recorded.folder):
            return False
        try:
            return self._start().folder == self._recorded.folder
        except LongtakeError:
            return False


def _ended(folder: Path) -> bool:
    about = recording(folder)
    return about is not None and about.ended is not None


def waiting(live: Live, done: Seconds, keep_bytes: int) -> float:
    """Return which share of a recording's room waits to be read; 0 where nothing is deleted."""
    if not isinstance(live, SegmentFolder) or recording(live.folder) is None or keep_bytes <= 0:
        return 0.0
    sizes = 0
    for part in parts(live.folder):
        if part.end is None or part.end > done:
            with suppress(OSError):  # deleted in this instant
                sizes += part.path.stat().st_size
    return sizes / keep_bytes


def comes(live: Live) -> bool:
    """Whether more may come: what has ended can be read at leisure."""
    return not (isinstance(live, SegmentFolder) and _ended(live.folder))
