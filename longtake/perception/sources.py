"""Live sources: media that is still being made while it is read.

A source gives one container that may be demuxed from its first byte, whose reading waits for what
is not there yet, and that ends when nothing came for `idle` seconds:

>>> with GrowingFile("screen.ts", idle=10).opened() as container: ...     # doctest: +SKIP

`Decoder` and `perceive` take a source where they take a path. Time starts at 0 with the first
packet. What breaks the stream (a lost connection, a clock that jumps, a missing segment) is kept in
`breaks`: the stream time, the wall clock, and why.

What is read must be whole from its head on: MPEG-TS, Matroska, fragmented MP4. An MP4 whose index
is written when the recording ends cannot be read before that; it is refused in one sentence.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from longtake.errors import EmptyMedia, MediaError, Unreadable
from longtake.perception.media import MediaInfo, check_file, described, fingerprint, quiet_logs
from longtake.perception.transport import Parts
from longtake.timecode import Seconds

IDLE: Seconds = 30.0
"""A source from which nothing came for so long has ended."""
POLL = 0.2
HEAD = 1 << 16
"""Bytes that identify a live file, with its path."""
PATIENCE = {"analyzeduration": "20000000", "probesize": "20000000"}
"""Joined anywhere, a stream is read for so many µs or bytes until its first keyframe tells all."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where a stream broke: `at` in stream time, `wall` when, `seconds` how long, if known."""

    at: Seconds
    wall: str
    seconds: Seconds | None
    why: str


class Bytes(Protocol):
    """What PyAV reads from; without `seek`, so that no demuxer tries to look ahead."""

    def read(self, n: int) -> bytes:
        """Return at least one byte, or none at the end."""

    def close(self) -> None:
        """Let go of the file or connection."""


class Live:
    """A source that grows. `path` is its file or address, `name` what people call it."""

    rewinds = True
    """Whether it can be read again from its first byte."""
    varies = False
    """Whether picture or sound may come later though the first leg has none."""
    whole = False
    """Whether what `legs` opened last is a finished file, in which one may jump."""

    def __init__(self, path: str, name: str, idle: Seconds = IDLE) -> None:
        self.path, self.name, self.idle = path, name, idle
        self.breaks: list[Break] = []
        self.now: Seconds = 0.0
        self.begins: Seconds = 0.0
        """The stream time of the first packet of what `legs` opened last."""
        self.again: Path | None = None
        """A file that can be opened anew to read what `legs` opened last from its start."""
        self._told = 0
        self.halt = threading.Event()
        self._info: MediaInfo | None = None

    def stop(self) -> None:
        """End the stream where it is; a read that waits returns at once. From any thread."""
        self.halt.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self.halt.is_set()

    def key(self) -> str:
        """Identify the source while its whole content cannot be known (64 hex digits)."""
        raise NotImplementedError

    def stream(self) -> Bytes:
        """Open the source at its first byte."""
        raise NotImplementedError

    def probe(self) -> MediaInfo:
        """Say what the stream holds; its duration is 0, as none is known.

        Raises:
            MediaError: there is nothing, or nothing that can be read.
        """
        if self._info is None:
            with self.opened() as container:
                self._info = described(container, self.name)
        return self._info

    def note(self, why: str, seconds: Seconds | None = None, *, at: Seconds | None = None) -> None:
        """Record a break at a stream time, the present one if none is said."""
        place = self.now if at is None else at
        self.breaks.append(Break(round(place, 3), wall_clock(), seconds, why))

    def taken(self) -> list[Break]:
        """Hand over the breaks noted since this was last asked."""
        new = self.breaks[self._told :]
        self._told += len(new)
        return new

    def place(self) -> str:
        """What the library writes down as where the source is."""
        return self.path

    def content(self) -> str | None:
        """The fingerprint of all that is there now; None where nothing stays."""
        return None

    def began(self) -> str | None:
        """The wall clock of stream time 0, where the source knows."""
        return None

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the stream with PyAV from its first byte, and close it in the end."""
        with closing(Parts(self.stream())) as reader, self._demuxed(reader) as container:
            yield container

    @contextmanager
    def _demuxed(self, reader: Parts) -> Iterator[Any]:
        """Open what a reader gives; no demuxer may open anything else."""
        import av

        quiet_logs()
        try:
            options = PATIENCE | {"protocol_whitelist": "none"}
            container = av.open(reader, metadata_errors="replace", options=options)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self.unreadable(reader.head) from error
        try:
            yield container
        finally:
            container.close()

    def unreadable(self, head: bytes) -> Unreadable:
        """The error of bytes that are not media, from how they begin."""
        return Unreadable(
            f"{self.name!r} is not media that can be read while it grows",
            fix="record MPEG-TS, Matroska or fragmented MP4, or wait until it is finished",
        )

    def legs(self) -> Generator[Any, None, None]:
        """Open the stream, and anew where another begins, with a break there."""
        with closing(Parts(self.stream())) as reader:
            while True:
                with self._demuxed(reader) as container:
                    yield container
                if not (why := reader.more()):
                    return
                self.note(why)
                self.begins, self.again = self.now, None

    def begin_at(self, start: Seconds, until: Seconds = math.inf) -> None:
        """Be told what is wanted: those that can begin there do."""

    def leg_ends(self) -> Seconds:
        """The stream time at which another leg follows what `legs` opened last, where known."""
        return math.inf

    def spoilt(self, error: MediaError) -> bool:
        """Hear that a leg cannot be decoded; True when the stream goes on without it."""
        return False

    def behind(self) -> Seconds:
        """Seconds that have come and are not decoded yet, as far as that can be told."""
        return 0.0

    def wait(self, since: float) -> bool:
        """Pause before another look; False when nothing came for `idle` since then, or stopped."""
        if time.monotonic() - since >= self.idle:
            return False
        return not self.halt.wait(min(POLL, self.idle))


class GrowingFile(Live):
    """A file to which others append; it has ended when it did not grow for `idle` seconds."""

    varies = True

    def __init__(self, path: Path | str, idle: Seconds = IDLE) -> None:
        self.file = Path(path)
        self.taken_bytes = 0
        super().__init__(str(self.file), self.file.name, idle)
        self.again = self.file

    def key(self) -> str:
        """The path and the first bytes: they stay the same while the file grows."""
        reader = self.stream()
        try:
            head = b""
            while len(head) < HEAD and (more := reader.read(HEAD - len(head))):
                head += more
        finally:
            reader.close()
        return live_key(str(self.file.resolve()), head)

    def content(self) -> str | None:
        """As of a file that is finished."""
        return fingerprint(self.file) if self.file.is_file() else None

    def place(self) -> str:
        """The whole path of the file."""
        return str(self.file.resolve())

    def behind(self) -> Seconds:
        """The bytes that were not read yet, at as many a second as those read so far."""
        if not self.taken_bytes or not self.file.is_file():
            return 0.0
        unread = max(0, self.file.stat().st_size - self.taken_bytes)
        return unread / self.taken_bytes * self.now

    def stream(self) -> Bytes:
        """Open the file; one that is not there or empty yet is waited for."""
        began = time.monotonic()
        while not (self.file.is_file() and self.file.stat().st_size) and self.wait(began):
            pass
        check_file(self.file)
        _refuse_late_index(self.file)
        return _Follow(self)


class _Follow:
    """Reads a growing file; at its end it waits. Of one that is written anew it tells `more`."""

    def __init__(self, source: GrowingFile) -> None:
        self._source = source
        self._open()

    def _open(self) -> None:
        self._file = self._source.file.open("rb")
        self._source.taken_bytes = 0

    def read(self, n: int) -> bytes:
        since = time.monotonic()
        while not (data := self._file.read(n)):
            if self._is_new() or not self._source.wait(since):
                break
        self._source.taken_bytes += len(data)
        return data

    def _is_new(self) -> bool:
        """Whether another file has its name, or it was cut off and begun anew."""
        try:
            named = self._source.file.stat()
        except OSError:
            return False
        mine = os.fstat(self._file.fileno())
        other = (named.st_dev, named.st_ino) != (mine.st_dev, mine.st_ino)
        return named.st_size > 0 and (other or named.st_size < self._file.tell())

    def more(self) -> str:
        """Go over to the file that has the name by now."""
        if self._source.stopped or not self._is_new():
            return ""
        self._file.close()
        self._open()
        return "the file is begun anew"

    def close(self) -> None:
        self._file.close()


def live_key(path: str, head: bytes) -> str:
    """Identify a live file: SHA-256 of its path and its first `HEAD` bytes."""
    digest = hashlib.sha256(b"longtake-live:" + path.encode("utf-8", "surrogateescape") + b"\0")
    digest.update(head[:HEAD])
    return digest.hexdigest()


def key_of_file(path: Path) -> str:
    """The key that following this file gave it, whatever has been appended since."""
    with check_file(path).open("rb") as file:
        return live_key(str(path.resolve()), file.read(HEAD))


def wall_clock() -> str:
    """The time now, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _refuse_late_index(path: Path) -> None:
    """Refuse an MP4 whose pictures come before its index: nothing can be read until the end."""
    with path.open("rb") as file:
        at = 0
        for _ in range(8):
            file.seek(at)
            head = file.read(16)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if (at == 0 and kind != b"ftyp") or kind == b"moov" or len(head) < 8:
                return
            if kind == b"mdat":
                raise Unreadable(
                    f"{path.name!r} is an MP4 whose index comes last, so it cannot be read before "
                    "its recording ends",
                    fix="record MPEG-TS, Matroska or fragmented MP4, or ingest it when finished",
                )
            at += int.from_bytes(head[8:16], "big") if size == 1 else max(size, 8)


def open_live(name: str | Path, idle: Seconds = IDLE) -> Live:
    """Return the live source that a name means.

    Raises:
        EmptyMedia: no idle time is left to wait for it.
        UsageError: it is an address that may not be opened.
    """
    if idle <= 0:
        raise EmptyMedia("a stream cannot be followed for 0 s", fix="wait longer: --idle 30")
    if "://" in str(name):
        from longtake.perception.addresses import open_address

        return open_address(str(name), idle)
    from longtake.perception.devices import open_device

    if device := open_device(str(name), idle):
        return device
    path = Path(name).expanduser()
    if path.is_dir():
        from longtake.perception.segments import SegmentFolder

        return SegmentFolder(path, idle)
    return GrowingFile(path, idle)
