"""The newest seconds of a file that is still being written, however long it has become.

`newest(path, seconds)` returns a `Newest`, a source that `Decoder`, `frames_in` and `look` take in a
file's place. It holds the bytes that were there when it was made and no others, so all that is read
from it belongs together. Only the end of the file is read, and its head where a decoder needs one:

* MPEG-TS is taken up at any packet; its timestamps, which begin anew every 26.5 h, are put behind
  what is `known` already;
* Matroska: the head, then the clusters from the first that begins in the last bytes;
* fragmented MP4: the head, then the fragments likewise, each at its place in the file.

The number of bytes is doubled until they hold a keyframe before the time wanted, up to `MOST`.
Seconds are those of the stream, from 0 with its first packet; jumps of the clock that lie before
what is read are given as `jumps`. A recording that is a folder of segments gives its last ones.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from longtake.errors import EmptyMedia, MediaError, Unreadable
from longtake.perception.clock import Clock
from longtake.perception.media import (
    check_file,
    choose_streams,
    open_media,
    quiet_logs,
    read_packets,
    zero_of,
)
from longtake.perception.sources import Live
from longtake.timecode import Seconds, parse_time

LEAST, MOST = 1 << 20, 256 << 20
"""Bytes that are read from the end of a file, at least and at most."""
HEAD_MOST = 8 << 20
WRAP: Seconds = 2.0**33 / 90_000
SILENT: Seconds = 5.0
"""Pictures that stopped so long before the sound are no longer what is now."""
_TS = 188
_CLUSTER = re.compile(rb"\x1f\x43\xb6\x75(?:\x01.{7}|[\x08-\x0f].{4}|[\x10-\x1f].{3}|"
                      rb"[\x20-\x3f].{2}|[\x40-\x7f].|[\x80-\xff])(?:\xbf\x84.{4})?\xe7", re.DOTALL)  # fmt: skip
"""A cluster's id and length, a checksum that may follow, and the id of its timestamp."""
_JUMP = re.compile(r"^clock jumps from ([\d:.]+) to ([\d:.]+)$")
"""What `longtake.perception.clock` says of a jump."""
_FRAGMENT = re.compile(rb"(?=.{4}moof\x00\x00\x00\x10mfhd)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a file that can be opened by itself, and when it begins in stream time.

    `key` is the time of its first keyframe, `edge` how far its pictures (or sound) are whole.
    """

    path: Path
    head: int
    low: int
    high: int
    begins: Seconds = 0.0
    key: Seconds = 0.0
    edge: Seconds = 0.0


class Newest(Live):
    """What was newest when this was made; see `newest`. `edge`: its end, in stream time."""

    def __init__(self, path: Path, pieces: Sequence[Piece]) -> None:
        super().__init__(str(path), path.name)
        self.pieces = tuple(pieces)
        self.edge = max(piece.edge for piece in pieces)

    @property
    def since(self) -> Seconds:
        """The first time at which there is a picture."""
        return min(piece.key for piece in self.pieces)

    def legs(self) -> Generator[Any, None, None]:
        """Open each piece in turn."""
        for piece in self.pieces:
            with _opened(piece) as container:
                self.begins = piece.begins
                yield container


Jumps = Sequence[tuple[Seconds, Seconds]]
"""Where the clock jumped, in stream time, and what to add to the file's own times from there on."""


def jumps_of(breaks: Sequence[dict[str, Any]]) -> list[tuple[Seconds, Seconds]]:
    """Read the jumps of the clock out of a stream's breaks, as the entry of a video keeps them."""
    found = []
    for one in breaks:
        if told := _JUMP.search(one["why"]):
            before, after = (parse_time(told.group(n)) for n in (1, 2))
            found.append((before, before - after))
    return found


def newest(path: Path, seconds: Seconds, *, known: Seconds = 0.0, jumps: Jumps = ()) -> Newest:
    """Return what holds the last seconds of a growing file.

    Args:
        path: the file.
        seconds: how many are wanted; fewer where there are no more.
        known: how far the stream is known to reach.
        jumps: jumps of the clock that are known.

    Raises:
        NoSuchFile, EmptyMedia, Unreadable: nothing is there, or nothing that can be read.
    """
    if path.is_dir():
        return _of_folder(path, seconds)
    path = check_file(path)
    size, kind = path.stat().st_size, _kind(path)
    want = LEAST
    while True:
        piece = _cut(path, kind, size, want)
        made = _measured(piece, kind, known, jumps) if piece else None
        whole = kind == "other" or want >= min(size, MOST)
        if made is not None and (whole or made.key <= made.edge - seconds):
            return Newest(path, [made])
        if whole:
            raise EmptyMedia(
                f"nothing in the last {min(size, MOST) >> 10} KiB of {path.name!r} can be decoded",
                fix="wait until more of it is written",
            )
        want *= 2


def _of_folder(folder: Path, seconds: Seconds) -> Newest:
    """The last segments of a folder; what cannot be read yet, or at all, is passed over."""
    from longtake.perception.segments import parts

    found: list[Piece] = []
    for part in reversed(parts(folder)):
        try:
            made = newest(part.path, seconds).pieces[0]
        except MediaError:
            continue
        begins, key, edge = (time + part.start for time in (made.begins, made.key, made.edge))
        found.insert(0, replace(made, begins=begins, key=key, edge=edge))
        if key <= found[-1].edge - seconds:
            break
    if not found:
        raise EmptyMedia(f"{folder.name!r} holds no segment that can be read", fix="wait for one")
    return Newest(folder, found)


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4 * _TS)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[4:8] == b"ftyp":
        return "mp4"
    if all(head[n : n + 1] == b"G" for n in (0, _TS, 2 * _TS)):
        return "ts"
    return "other"


def _cut(path: Path, kind: str, size: int, want: int) -> Piece | None:
    """The last bytes from a place where a demuxer can begin; None where there is no such place."""
    if kind == "other" or want >= size:
        return Piece(path, 0, 0, size)
    low = size - want
    if kind == "ts":
        return Piece(path, 0, low - low % _TS, size)
    pattern = _CLUSTER if kind == "matroska" else _FRAGMENT
    with path.open("rb") as file:
        first = pattern.search(file.read(min(HEAD_MOST, size)))
        file.seek(low)
        later = pattern.search(file.read(want))
    if first is None or later is None:
        return None
    return Piece(path, first.start(), low + later.start(), size)


def _measured(piece: Piece, kind: str, known: Seconds, jumps: Jumps) -> Piece | None:
    """The piece with its times; None when it holds no packet that can be placed."""
    try:
        begins = _begins(piece, kind, jumps) if piece.low else 0.0
        key, edge = _times(piece, begins)
    except (EmptyMedia, Unreadable):
        if piece.low:
            return None
        raise
    if edge is None:
        return None
    turns = max(0, round((known - edge) / WRAP)) if kind == "ts" and piece.low else 0
    begins, key, edge = (time + turns * WRAP for time in (begins, key, edge))
    return replace(piece, begins=begins, key=key, edge=edge)


def _begins(piece: Piece, kind: str, jumps: Jumps) -> Seconds:
    """The stream time of the first packet, by the clock as it runs there."""
    with open_media(piece.path) as container:
        zero = zero_of(container)
    with _opened(piece) as container:
        own = float(zero_of(container) - zero)
    if kind == "ts":
        own %= WRAP
    for n in range(len(jumps), 0, -1):
        time = own + sum(by for _, by in jumps[:n])
        if time >= jumps[n - 1][0] - 1.0:
            return time
    return own


def _times(piece: Piece, begins: Seconds) -> tuple[Seconds, Seconds | None]:
    """When the first keyframe comes, and how far the piece is whole; None without any packet.

    The last picture may be half written: the piece is whole up to where that one begins.
    """
    key = seen = heard = None
    with _opened(piece) as container:
        streams = choose_streams(container, piece.path.name)
        chosen = [s for s in (streams.video, streams.audio) if s is not None]
        zero = zero_of(container) - Fraction(begins).limit_denominator(1_000_000)
        clock = Clock(zero, 0.0, [])
        for packet in read_packets(container, chosen):
            if clock.set(packet) is None or packet.pts is None:
                continue
            time = float(packet.pts * packet.time_base)
            if packet.stream.type == "audio":
                heard = max(heard or 0.0, time)
            else:
                key = time if key is None and packet.is_keyframe else key
                seen = max(seen or 0.0, time)
    if key is None or seen is None or (heard is not None and heard > seen + SILENT):
        return (begins if key is None else key), heard
    return key, seen


@contextmanager
def _opened(piece: Piece) -> Iterator[Any]:
    """Open a piece with PyAV."""
    import av

    quiet_logs()
    reader = (_Seekable if _kind(piece.path) == "mp4" else _Spliced)(piece)
    try:
        try:
            container = av.open(reader, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            raise Unreadable(
                f"the newest part of {piece.path.name!r} cannot be read",
                fix="record MPEG-TS, Matroska or fragmented MP4, or wait until more is written",
            ) from error
        try:
            yield container
        finally:
            container.close()
    finally:
        reader.close()


class _Spliced:
    """Reads the head of a file and then its end, as if nothing lay between."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._file = piece.path.open("rb")
        self._at = 0

    def read(self, n: int) -> bytes:
        """Return up to `n` bytes; none at the end of the piece."""
        one = self._piece
        low, high = (0, one.head) if self._at < one.head else (one.low - one.head, one.high)
        self._file.seek(low + self._at)
        data = self._file.read(max(0, min(n, high - low - self._at)))
        self._at += len(data)
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class _Seekable(_Spliced):
    """Reads head and end at their own places; between them lies one box that is to be skipped.

    Fragments may name their samples by place in the file.
    """

    def __init__(self, piece: Piece) -> None:
        super().__init__(piece)
        gap = piece.low - piece.head
        self._box = b"\0\0\0\1free" + gap.to_bytes(8, "big") if gap else b""

    def read(self, n: int) -> bytes:
        """Return up to `n` bytes; zeros from inside of the box."""
        one, at = self._piece, self._at
        if one.head <= at < one.low:
            inside = at - one.head
            data = self._box[inside : inside + n] or bytes(min(n, one.low - at))
        else:
            self._file.seek(at)
            data = self._file.read(max(0, min(n, (one.head if at < one.head else one.high) - at)))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._at = offset + (0, self._at, self._piece.high)[whence]
        return self._at

    def tell(self) -> int:
        """The place."""
        return self._at
