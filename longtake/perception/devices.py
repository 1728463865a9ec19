"""Live sources of this machine: standard input and cameras. What they give can be had once only."""

from __future__ import annotations

import hashlib
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from longtake.errors import Unreadable
from longtake.perception.media import quiet_logs
from longtake.perception.sources import POLL, Bytes, Live, wall_clock
from longtake.timecode import Seconds

STDIN = "-"
CAMERA = "camera:"


class _Once(Live):
    """A source that is another thing each time."""

    rewinds = False

    def __init__(self, path: str, name: str, idle: Seconds) -> None:
        super().__init__(path, name, idle)
        self._began = wall_clock()

    def key(self) -> str:
        """The source, when it was opened, and by which process."""
        told = f"longtake-live:{self.path}\0{self._began}\0{os.getpid()}"
        return hashlib.sha256(told.encode()).hexdigest()


class StandardInput(_Once):
    """What another program writes to ours: MPEG-TS, Matroska or fragmented MP4."""

    def __init__(self, idle: Seconds) -> None:
        super().__init__(STDIN, "standard input", idle)

    def stream(self) -> Bytes:
        """Read from where it is."""
        return _Input(self)

    def unreadable(self, head: bytes) -> Unreadable:
        """The error of bytes that are not media."""
        return Unreadable(
            "standard input sends no media that can be read as it comes",
            fix="send MPEG-TS: ffmpeg -i … -c copy -f mpegts - | longtake ingest --follow -",
        )


class _Input:
    """The bytes of standard input; none at its end, or when none came for so long."""

    def __init__(self, source: StandardInput) -> None:
        self._source = source

    def read(self, n: int) -> bytes:
        since = time.monotonic()
        while not self._source.stopped and time.monotonic() - since < self._source.idle:
            # Windows cannot wait for a pipe with a time limit: there a read lasts until it ends.
            if sys.platform == "win32" or select.select([0], [], [], POLL)[0]:
                return os.read(0, n)
        return b""

    def close(self) -> None:
        """Standard input stays open: it is not ours."""


class Camera(_Once):
    """A camera, opened by FFmpeg's own way on this system; `file` and `kind` are its words."""

    def __init__(self, path: str, file: str, kind: str, idle: Seconds) -> None:
        super().__init__(path, path, idle)
        self.file, self.kind = file, kind

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the camera, or say in one sentence that it cannot be."""
        import av

        quiet_logs()
        try:
            container = av.open(self.file, format=self.kind, timeout=(self.idle, self.idle))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise Unreadable(
                f"the camera {self.path!r} cannot be opened ({why})",
                fix="check its name and that no other program uses it, or pipe it: "
                f"ffmpeg -f {self.kind} -i {self.file!r} -f mpegts - | longtake ingest --follow -",
            ) from error
        try:
            yield container
        finally:
            container.close()

    def legs(self) -> Any:
        """One leg: a camera that stops has ended."""
        with self.opened() as container:
            yield container


def open_device(name: str, idle: Seconds) -> Live | None:
    """The device that a name means: ``-``, ``camera:0``, ``camera:NAME``, ``/dev/video0``."""
    if name == STDIN:
        return StandardInput(idle)
    if sys.platform.startswith("linux") and name.startswith("/dev/video"):
        return Camera(name, name, "v4l2", idle)
    if not name.startswith(CAMERA):
        return None
    which = name.removeprefix(CAMERA)
    if sys.platform == "darwin":
        return Camera(name, which, "avfoundation", idle)
    if sys.platform == "win32":
        return Camera(name, f"video={which}", "dshow", idle)
    return Camera(name, f"/dev/video{which}" if which.isdecimal() else which, "v4l2", idle)
