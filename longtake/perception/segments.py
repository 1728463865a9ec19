"""A folder of segments as one stream: a recording of our own, or what other programs write.

A recording (`about.json` and ``%012d.mkv``) names each segment by its start in milliseconds of
stream time. Of any other folder the numbered media files are the segments, in natural order, one
after another (see `segment_times`); all else in it is left alone. `SegmentFolder` reads them as
one live source: segment by segment, each from a fresh decoder, so that resolution, codec and sample
rate may change between them; the newest as it grows. A segment is finished when a later one exists,
when `about.json` says that the recording ended, or when nothing came for `idle` seconds; those
whose index may come last (``.mp4``, ``.mov``) are read when finished.

What is missing or cannot be read is a `Break`, and the stream goes on. With `idle` 0 the folder is
read as it stands: that is how `Decoder` reads a path that is a folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from bisect import bisect_right
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from longtake.errors import EmptyMedia, MediaError, NoSuchFile, Unreadable
from longtake.perception.media import MediaInfo, choose_streams, described, open_media, zero_of
from longtake.perception.segment_list import (
    HOLE,
    OWN,
    About,
    Part,
    check_kept,
    edge,
    files,
    is_folder,
    own_start,
    parts,
    recording,
)
from longtake.perception.segment_names import (
    LATE,
    SUFFIXES,
    missing,
    natural,
    number_of,
    size_of,
)
from longtake.perception.segment_times import Times
from longtake.perception.sources import HEAD, IDLE, Bytes, Live, live_key
from longtake.timecode import Seconds

__all__ = ["About", "Part", "SegmentFolder", "edge", "is_folder", "parts", "recording"]

ROLLED = "not watched: recorded faster than read"
"""Why a segment is missing that the recorder deleted to make room."""
AHEAD: Seconds = 1.0
"""Sound is wanted from so long before the start that is asked for."""
_SETTLED = 2_000_000_000
"""Nanoseconds after which a folder's time of change tells of all that is in it."""


def described_folder(folder: Path) -> MediaInfo:
    """What a folder of segments holds as it stands; `probe` asks this.

    Raises:
        MediaError: it holds no segment that can be read.
    """
    info = SegmentFolder(folder, idle=0.0).probe()
    size = sum(max(0, size_of(path)) for path in files(folder))
    return replace(info, duration=edge(folder), size=size)


class SegmentFolder(Live):
    """A folder to which others add segments; `idle` 0 reads what is there."""

    varies = True

    def __init__(self, folder: Path | str, idle: Seconds = IDLE) -> None:
        self.folder = Path(folder)
        about = recording(self.folder)
        super().__init__(str(self.folder), about.name if about else self.folder.name, idle)
        self.standing = idle <= 0
        self._times = Times(self.folder)
        self._from: Seconds = 0.0
        self._until: Seconds = math.inf
        self._part: Part | None = None
        self._next: Part | None = None
        self._trouble = ""
        self._idled = False
        self._listed: tuple[int, list[Path]] = (-1, [])

    # -- identity --------------------------------------------------------------------------

    def place(self) -> str:
        """The whole path of the folder."""
        return str(self.folder.resolve())

    def key(self) -> str:
        """A recording: its source and when it began; else the path and the first segment's head."""
        about = recording(self.folder)
        if about:
            return live_key(self.place(), f"{about.source}\0{about.began}".encode())
        return self._times.key(self._files(), self._head)

    def _head(self) -> str:
        first = self._following(None)
        if first is None:
            raise self._nothing()
        with first.path.open("rb") as file:
            return live_key(self.place(), file.read(HEAD))

    def content(self) -> str | None:
        """What identifies all that is there: the names and sizes of the segments."""
        listing = [f"{path.name}:{size_of(path)}" for path in files(self.folder)]
        told = "\n".join(["longtake-segments", *listing])
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()

    def began(self) -> str | None:
        """As the recorder says."""
        about = recording(self.folder)
        return about.began if about else None

    def probe(self) -> MediaInfo:
        """Describe the first segment that can be read; picture or sound may come in a later one.

        Raises:
            MediaError: there is no folder, no segment in it, or none that can be read.
        """
        if self._info is None:
            first = SegmentFolder(self.folder, self.idle)
            first.halt = self.halt
            with contextlib.closing(first.legs()) as legs:
                container = next(legs, None)
                if container is None:
                    raise self._nothing()
                self._info = described(container, self.name)
        return self._info

    def _nothing(self) -> MediaError:
        if not self.folder.is_dir():
            return NoSuchFile(f"there is no folder {self.path!r}", fix="check the path")
        if files(self.folder):
            return EmptyMedia(f"no segment in {self.path!r} can be read", fix="check its recorder")
        return Unreadable(
            f"{self.path!r} is a folder that holds no segments",
            fix=f"segments are files with a number in the name: {', '.join(sorted(SUFFIXES))}",
        )

    # -- reading ---------------------------------------------------------------------------

    def begin_at(self, start: Seconds, until: Seconds = math.inf) -> None:
        """Start at the segment that holds a time, with the sound before it.

        Raises:
            SourceGone: the folder is read as it stands, and that segment is no longer there.
        """
        self._from, self._until = max(0.0, start - AHEAD), until
        if self.standing and files(self.folder):
            check_kept(self.folder, self.name, start, start + 1e-3)

    def legs(self) -> Generator[Any, None, None]:
        """Open one segment after another, and wait for the next."""
        self._part, self._trouble = None, ""
        part = self._following(None)
        while part is not None and part.start < self._until:
            with ExitStack() as stack:
                try:
                    container = self._open(part, stack)
                except MediaError as error:
                    self.spoilt(error)
                else:
                    self._note_what_broke(part, container)
                    self._part, self.begins, self.again = part, part.start, part.path
                    yield container
            part = self._following(part.path)
        if part is None:
            if self._part is None and not self.stopped:
                raise self._nothing()
            self._forward(math.inf)
            if self._trouble:
                self.note(self._trouble)

    def leg_ends(self) -> Seconds:
        """Where the segment that is read ends, once it is finished: there the next begins."""
        found = self._files()
        if self._part is None or self._part.path not in found[:-1]:
            return math.inf
        return self._start(found, found[found.index(self._part.path) + 1])

    def spoilt(self, error: MediaError) -> bool:
        """A segment that cannot be read does not end the stream."""
        if self._next is not None:
            self._trouble = f"segment {number_of(self._next.path.name)} cannot be read"
        return True

    def finished(self, path: Path) -> bool:
        """Whether nothing more is written to a segment."""
        found = self._files()
        return not found or found[-1] != path or self._closed()

    def behind(self) -> Seconds:
        """What the recorder has written and was not decoded yet."""
        about = recording(self.folder)
        return max(0.0, about.edge - self.now) if about else 0.0

    def idled(self) -> None:
        """The newest segment stands still: nothing is waited for after it."""
        self._idled = True

    def stream(self) -> Bytes:
        """Open the next segment, to be read while it grows."""
        assert self._next is not None
        return _SegmentBytes(self, self._next.path)

    def _open(self, part: Part, stack: ExitStack) -> Any:
        self._next = part
        late = part.path.suffix.lower() in LATE
        opened = open_media(part.path) if self.standing or late else self.opened()
        container = stack.enter_context(opened)
        choose_streams(container, part.path.name)
        self.whole = self.standing
        return container

    def _closed(self) -> bool:
        """Whether nothing is added to the folder."""
        if self.standing or self._idled:
            return True
        about = recording(self.folder)
        return about is not None and about.ended is not None

    def _files(self) -> list[Path]:
        """The segments; the folder is listed again when it has changed."""
        try:
            changed = self.folder.stat().st_mtime_ns
        except OSError:
            return []
        if changed != self._listed[0]:
            found = files(self.folder)
            settled = time.time_ns() - changed > _SETTLED  # else more may come at the same instant
            self._listed = (changed if settled else -1, found)
        return self._listed[1]

    def _following(self, last: Path | None) -> Part | None:
        """The segment after `last`, waited for; None when there is no other."""
        since, seen = time.monotonic(), (-1, "")
        while True:
            closed = self._closed()
            found = self._files()
            part = self._ready(found, last, closed)
            if part is not None or closed:
                return part
            newest = (size_of(found[-1]), found[-1].name) if found else seen
            if newest != seen:
                since, seen = time.monotonic(), newest
            if not self.wait(since):
                if self.stopped:
                    return None
                self._idled = True

    def _ready(self, found: list[Path], last: Path | None, closed: bool) -> Part | None:
        if last is None:
            left = self._from_start(found)
        else:
            mine = natural(last.name)
            left = [path for path in found if natural(path.name) > mine]
        for n, path in enumerate(left):
            finished = closed or n + 1 < len(left)
            late = path.suffix.lower() in LATE
            if size_of(path) > 0 and (finished or not late):
                return Part(path, self._start(found, path), None)
            if not finished:
                return None
            self._trouble = f"segment {number_of(path.name)} is empty"
        return None

    def _from_start(self, found: list[Path]) -> list[Path]:
        """The segments from that on in which the start lies."""
        if self._from <= 0:
            return found
        if recording(self.folder):
            starts = [own_start(path) for path in found]
            return found[max(0, bisect_right(starts, self._from + 1e-6) - 1) :]
        for row in self._times.each(found[:-1]):
            if row.end > self._from:
                return [path for path in found if natural(path.name) >= natural(row.name)]
        return found[-1:]

    def _start(self, found: Sequence[Path], path: Path) -> Seconds:
        if OWN.fullmatch(path.name) and recording(self.folder):
            return own_start(path)
        return self._times.start(found[: found.index(path)], path)

    # -- what broke ------------------------------------------------------------------------

    def _note_what_broke(self, part: Part, container: Any) -> None:
        """Note what lies between the last segment that was read and this one."""
        self._forward(part.start)
        own, since = recording(self.folder) is not None, 0.0
        if own:
            since = self.now if self._part else (self._from + AHEAD if self._from else 0.0)
            gap: Seconds | None = part.start - since
            gone = ROLLED if part.path in self._files()[:1] else "segment missing"
            why = gone if gap and gap > HOLE else ""
        else:
            gap, why = self._gap(part, float(zero_of(container)))
        if self._trouble or why:
            known = round(gap, 3) if gap and gap > 0 else None
            self.note(self._trouble or why, known, at=since if own else None)
        self._trouble = ""

    def _gap(self, part: Part, zero: Seconds) -> tuple[Seconds | None, str]:
        """Between segments of others: the hole that their clocks show, and which are missing."""
        if self._part is None:
            return None, ""
        found = self._files()
        before = self._times.known(self._part.path.name)
        gap = 0.0
        if before and before.last is not None:
            gap = max(zero - before.last, part.start - before.end)
        hole = gap if gap > HOLE else None
        told = missing(self._part.path.name, part.path.name, [path.name for path in found])
        return hole, told or ("a hole in time" if hole else "")

    def _forward(self, until: Seconds) -> None:
        """Hand on the breaks that the recorder noted."""
        about = recording(self.folder)
        for one in about.breaks if about else ():
            if self._from <= one.at <= until and one not in self.breaks:
                self.breaks.append(one)


class _SegmentBytes:
    """Reads a segment, and waits at its end while it is the newest."""

    def __init__(self, source: SegmentFolder, path: Path) -> None:
        self._source, self._path = source, path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise NoSuchFile(f"{path.name} is no longer there", fix="check its folder") from error

    def read(self, n: int) -> bytes:
        """Return what there is, waiting for it; nothing at the end of the segment."""
        since = time.monotonic()
        while True:
            over = self._source.finished(self._path)  # asked first: what came before it is read
            if (data := self._file.read(n)) or over:
                return data
            if not self._source.wait(since):
                self._source.idled()
                return b""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
