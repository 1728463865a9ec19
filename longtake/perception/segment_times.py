"""When the segments of somebody's folder begin, measured once and remembered.

Such segments do not tell their place in the stream: the timestamps inside may begin at 0 in each
file or go on. So each begins where the one before it ends, by the picture's own length (else the
sound's), which does not drift however many there are. What was measured is kept as one JSON line
for each segment in the program's state folder: the times stay when old segments are deleted, and
going on in hour 20 measures nothing again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from longtake.errors import MediaError
from longtake.perception.media import choose_streams, formats, open_media, read_packets
from longtake.perception.segment_names import natural, size_of
from longtake.storage.state import state_folder
from longtake.timecode import Seconds

SPARE = 1000
"""Rows of deleted segments that may stay, beside as many again as there were segments."""

ROUND: Seconds = 0.1
"""A segment may be so much longer than the room between its neighbours."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A finished segment: `start` in stream time, its `length`, and `first`, by its own clock.

    One that cannot be read has no `first` and lasts no time.
    """

    name: str
    size: int
    start: Seconds
    length: Seconds
    first: Seconds | None

    @property
    def end(self) -> Seconds:
        """Where the next begins."""
        return round(self.start + self.length, 6)

    @property
    def last(self) -> Seconds | None:
        """Its end by its own clock."""
        return None if self.first is None else self.first + self.length


class Times:
    """The times of one folder's segments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        named = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape"))
        self._file = state_folder() / "segments" / f"{named.hexdigest()[:16]}.jsonl"
        self._known: dict[str, Timed] | None = None
        self._last: Timed | None = None
        self._key = ""
        self._room = SPARE

    def key(self, present: Sequence[Path], make: Callable[[], str]) -> str:
        """What identifies the folder: made from its first segment, and kept when that is gone."""
        self._load(present)
        if not self._key:
            self._key = make()
            self._keep({"key": self._key})
        return self._key

    def each(self, finished: Sequence[Path]) -> Iterator[Timed]:
        """The times of finished segments, all there are from the first, in order."""
        known = self._load(finished)
        if len(known) > self._room:
            self._forget()
        before: Timed | None = None
        for path in finished:
            row = known.get(path.name) or self._measure(path, before)
            if row is not None:
                before = row
                yield row

    def _measure(self, path: Path, before: Timed | None) -> Timed | None:
        """Measure a segment; None when it came so late that no time is left for it."""
        assert self._known is not None
        first, length = measured(path)
        after = self._last if self._last and natural(path.name) < natural(self._last.name) else None
        if after is None:
            start = self._last.end if self._last else 0.0
        else:  # its row was lost
            mine = natural(path.name)
            later = (one.start for one in self._known.values() if natural(one.name) > mine)
            start = before.end if before else 0.0
            if start + length > min(later) + ROUND:
                return None
        row = self._known[path.name] = Timed(path.name, size_of(path), start, length, first)
        self._last = after or row
        self._keep(asdict(row))
        return row

    def known(self, name: str) -> Timed | None:
        """A segment that was measured."""
        return self._load([]).get(name)

    def start(self, before: Sequence[Path], path: Path) -> Seconds:
        """Where a segment begins, after all those before it."""
        for _ in self.each(before):
            pass
        row = self.known(path.name)
        return row.start if row else (self._last.end if self._last else 0.0)

    def _load(self, present: Sequence[Path]) -> dict[str, Timed]:
        if self._known is not None:
            return self._known
        self._known = {}
        for line in _lines(self._file):
            with contextlib.suppress(ValueError, TypeError):
                row = json.loads(line)
                if "key" in row:
                    self._key = self._key or str(row["key"])
                else:
                    self._known.setdefault(row["name"], Timed(**row))
        both = [path for path in present if path.name in self._known]
        if any(size_of(path) != self._known[path.name].size for path in (*both[:1], *both[-1:])):
            self._known, self._key = {}, ""  # another recording in the same place
            self._file.unlink(missing_ok=True)
        self._last = max(self._known.values(), key=lambda one: natural(one.name), default=None)
        return self._known

    def _forget(self) -> None:
        """Drop the rows of segments that were deleted, all but the last row."""
        assert self._known is not None
        here = set(os.listdir(self._folder)) if self._folder.is_dir() else set()
        if self._last is not None:
            here.add(self._last.name)
        for name in self._known.keys() - here:
            del self._known[name]
        self._room = 2 * len(self._known) + SPARE
        rows: list[dict[str, object]] = [{"key": self._key}] if self._key else []
        rows += [asdict(row) for row in self._known.values()]
        draft = self._file.with_suffix(f".{os.getpid()}.part")
        with contextlib.suppress(OSError):
            draft.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
            draft.replace(self._file)

    def _keep(self, row: dict[str, object]) -> None:
        """Add a line. That it cannot be kept is no reason to fail: then it is measured again."""
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps(row))  # what was cut off before spoils no other line


def measured(path: Path) -> tuple[Seconds | None, Seconds]:
    """The first timestamp of a file's picture (else its sound), and how long that lasts."""
    return _measured(path, "video") or _measured(path, "audio") or (None, 0.0)


def _measured(path: Path, kind: str) -> tuple[Seconds, Seconds] | None:
    try:
        with open_media(path) as container:
            stream: Any = getattr(choose_streams(container, path.name), kind)
            if stream is None:
                return None
            base = stream.time_base
            if "mov" in formats(container) and stream.duration:
                return float((stream.start_time or 0) * base), float(stream.duration * base)
            stamps = sorted(
                (packet.pts, packet.duration or 0)
                for packet in read_packets(container, [stream])
                if packet.pts is not None
            )
    except MediaError:
        return None
    if not stamps:
        return None
    (first, _), (last, shown) = stamps[0], stamps[-1]
    shown = shown or (last - stamps[-2][0] if len(stamps) > 1 else 0)
    return float(first * base), float((last + shown - first) * base)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
