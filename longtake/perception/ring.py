"""The folder of a recording: a byte-capped ring of segments and the `about.json` that describes it.

``%012d.mkv`` is a segment; the number is its start in milliseconds of stream time, and its own
timestamps count from there. Only the newest grows. ``about.json`` is replaced at most once a
second::

    {"format": "longtake-recording@1", "source": …, "name": …, "began": …, "ended": …|null,
     "edge": seconds, "edge_wall": …, "bytes": n, "breaks": [{"at", "wall", "seconds", "why"}],
     "pid": n, "error": sentence|null}

The wall clock of stream time t is `began` + t + the `seconds` of all breaks before t. When the
segments take more than `keep_bytes`, or the disk is full, the oldest go, never the newest `NEWEST`
seconds. All here is the writer's side; it holds ``writer.lock``.
"""

from __future__ import annotations

import errno
import io
import json
import os
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from longtake.errors import DiskFull, StoreError
from longtake.timecode import Seconds

FORMAT = "longtake-recording@1"
NEWEST: Seconds = 60.0
"""So much of the newest is kept whatever it takes."""
ABOUT_EVERY: Seconds = 1.0
STEADY: Seconds = 10.0
"""A stream this near to `began` and its breaks runs in real time: they tell when its last moment was."""
MOST_BREAKS = 1000
"""Beyond it the oldest is forgotten and `began` moved by what it missed: `about.json` stays small
for weeks, and the wall clock of all that came later stays right."""
NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


@dataclass(slots=True)
class Kept:
    """One segment: its start in milliseconds, its file, its bytes."""

    start: int
    path: Path
    size: int


class Ring:
    """What one recorder writes into a folder. The newest of `segments` is the one that grows."""

    def __init__(self, folder: Path, source: str, name: str, keep_bytes: int) -> None:
        self.folder, self.keep_bytes = folder, keep_bytes
        self.segments: deque[Kept] = deque(_found(folder))
        self.edge: Seconds = 0.0
        self.about: dict[str, Any] = {
            "format": FORMAT, "source": source, "name": name, "began": None, "ended": None,
            "edge": 0.0, "edge_wall": None, "bytes": 0, "breaks": [], "pid": os.getpid(),
            "error": None,
        }  # fmt: skip
        self.left: float | None = None
        """Where an unfinished recording is taken up: the wall clock (s) of its last moment."""
        self._written = 0.0
        self._take_up()

    def _take_up(self) -> None:
        """Go on with what a killed recorder left: its files tell how far it came."""
        old = read_about(self.folder)
        if old is None or not old.get("began"):
            return
        self.about |= {name: old[name] for name in ("began", "breaks")}
        said = float(old["edge"])
        self.edge = end_of(self.segments) if self.segments else said
        wall = datetime.fromisoformat(old["edge_wall"] or old["began"]).timestamp()
        told = wall + min(0.0, self.edge - said)
        missed = sum(float(one["seconds"]) for one in old["breaks"])
        steady = datetime.fromisoformat(old["began"]).timestamp() + self.edge + missed
        # When it was told is off by what waited while the stream was opened, and each kill would add to it.
        self.left = steady if abs(steady - told) < STEADY else told

    @property
    def bytes(self) -> int:
        """What all segments take."""
        return sum(one.size for one in self.segments)

    def new(self, start: int) -> Segment:
        """Begin the next segment at so many milliseconds of stream time."""
        if self.segments:
            start = max(start, self.segments[-1].start + 1)
        kept = Kept(start, self.folder / f"{start:012d}.mkv", 0)
        self.segments.append(kept)
        return Segment(self, kept)

    def trim(self) -> None:
        """Delete the oldest while all take more than they may."""
        while self.bytes > self.keep_bytes and self.make_room():
            pass

    def make_room(self) -> bool:
        """Delete the oldest segment; False when there is only what must be kept."""
        if len(self.segments) < 2 or self.segments[1].start / 1000 > self.edge - NEWEST:
            return False
        with suppress(FileNotFoundError):
            self.segments[0].path.unlink()
        self.segments.popleft()
        return True

    def note(self, at: Seconds, seconds: Seconds, why: str) -> None:
        """Write down a break: so many seconds of wall clock are missing at this stream time."""
        breaks = self.about["breaks"]
        breaks.append(
            {"at": round(at, 3), "wall": now_utc(), "seconds": round(seconds, 1), "why": why}
        )
        if len(breaks) > MOST_BREAKS:
            began = datetime.fromisoformat(self.about["began"])
            moved = began + timedelta(seconds=breaks.pop(0)["seconds"])
            self.about["began"] = moved.isoformat(timespec="milliseconds")
        self._written = 0.0

    def tell(self, *, now: bool = False) -> None:
        """Replace `about.json`, at most once a second unless it must be `now`."""
        if not now and time.monotonic() - self._written < ABOUT_EVERY:
            return
        self._written = time.monotonic()
        self.about |= {"edge": round(self.edge, 3), "edge_wall": now_utc(), "bytes": self.bytes}
        _replace(self.folder / "about.json", json.dumps(self.about, ensure_ascii=False))

    def begin(self, wall: float) -> None:
        """Say that the recording is on; a new one counts its wall clock from here."""
        self.about["began"] = self.about["began"] or _utc(wall)
        self.tell(now=True)

    def end(self, error: str | None) -> None:
        """Say that nothing follows, and why when it is for a reason other than its end."""
        if self.about["began"]:
            self.about |= {"ended": now_utc(), "error": error}
            self.tell(now=True)


class Segment:
    """The file of one segment, as PyAV writes it.

    Nothing is on disk before `show`, so that no reader meets a head without its first packets.
    When the disk is full the oldest segments go; if none may, `DiskFull` is raised, the file stays
    as it was before, and whatever else the muxer writes is passed over.
    """

    def __init__(self, ring: Ring, kept: Kept) -> None:
        self._ring, self._kept = ring, kept
        self._early: io.BytesIO | None = io.BytesIO()
        self._file: Any = None
        self._dead = False

    @property
    def start(self) -> int:
        """Where it begins, in milliseconds of stream time."""
        return self._kept.start

    def drop(self) -> None:
        """Forget a segment that nothing was written to."""
        self._ring.segments.remove(self._kept)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return len(self._early.getbuffer()) if self._early else self._kept.size

    def show(self) -> None:
        """Put what was written until now on disk, and all that follows as it comes."""
        if self._early is None:
            return
        data, self._early = self._early.getvalue(), None
        path = self._kept.path
        # A reader that comes in this instant meets no empty file. An open one keeps its name there.
        first = path if os.name == "nt" else path.with_suffix(".part")
        self._file = _new_file(first)
        try:
            self.write(data)
        finally:
            with suppress(FileNotFoundError):  # the disk did not take it
                os.replace(first, path)

    def write(self, data: bytes) -> int:
        """Append, or overwrite where the muxer went back to."""
        if self._early is not None:
            return self._early.write(data)
        if self._dead or self._file is None:
            return len(data)
        done, begin = 0, self._file.tell()
        while done < len(data):
            try:
                done += self._file.write(data[done:])
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise StoreError(
                        f"{self._kept.path} cannot be written ({error.strerror})",
                        fix="check the disk of the library and its permissions",
                    ) from error
                if not self._ring.make_room():
                    self._give_up(begin)
        self._kept.size = max(self._kept.size, begin + done)
        self._ring.trim()
        return done

    def _give_up(self, size: int) -> None:
        self._dead = True
        if size >= self._kept.size:
            self._file.truncate(size)
        raise DiskFull(
            f"the disk of {self._ring.folder} is full; the recording ended at "
            f"{self._ring.edge:.0f} s and what was recorded stays",
            fix="make room, or let recordings take less: longtake config set live.keep_bytes N",
        )

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place in the file."""
        to: io.BytesIO | None = self._early or self._file
        return to.seek(offset, whence) if to is not None else 0

    def tell(self) -> int:
        """The place in the file."""
        to: io.BytesIO | None = self._early or self._file
        return to.tell() if to is not None else 0

    def finish(self) -> None:
        """Close the file (`close` would be called by PyAV in its own time)."""
        self.show()
        if self._file is not None:
            self._file.close()
            self._file = None


def now_utc() -> str:
    """The time now to the millisecond, ISO 8601 in UTC: what stream time is held against."""
    return _utc(time.time())


def _utc(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")


def read_about(folder: Path) -> dict[str, Any] | None:
    """What `about.json` says; None where there is none of this format."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and about.get("format") == FORMAT else None


def end_of(segments: deque[Kept]) -> Seconds:
    """Where the newest segment that can be read ends, in stream time; unreadable ones are deleted.

    A killed recorder may leave a last segment of which not even the head is whole.
    """
    from longtake.errors import MediaError
    from longtake.perception.media import open_media

    while segments:
        last = segments[-1]
        end = 0.0
        with suppress(MediaError), open_media(last.path) as container:
            for packet in _packets(container):
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if end > 0:
            return last.start / 1000 + end
        with suppress(OSError):
            last.path.unlink()
        segments.pop()
    return 0.0


def _packets(container: Any) -> Any:
    from longtake.perception.media import read_packets

    return read_packets(container, [s for s in container.streams if s.type in ("video", "audio")])


def _new_file(path: Path) -> Any:
    return path.open("w+b", buffering=0)


def _found(folder: Path) -> list[Kept]:
    """The segments in a folder, in order."""
    found = [path for path in folder.glob("*.mkv") if path.stem.isdecimal()]
    return [Kept(int(path.stem), path, path.stat().st_size) for path in sorted(found)]


def _replace(path: Path, text: str) -> None:
    """Replace a small file at once; on a full disk or one held open, overwrite it in place."""
    new = path.with_suffix(".new")
    try:
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        with suppress(OSError), path.open("r+", encoding="utf-8") as file:
            file.write(text)
            file.truncate()
