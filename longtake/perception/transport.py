"""Where an MPEG-TS becomes another one: the bytes are parted there, each part demuxed by itself.

A demuxer that is open keeps the tracks it found first. When a recorder is restarted with another
codec, or sound is added, or another programme begins on the same connection, it would go on to
give the packets of the new to the decoder of the old. The tables of the stream (PAT and PMT,
ISO/IEC 13818-1, 2.4.4) say what it carries; where that changes, a new part begins.

Bytes of any other format pass through untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from longtake.perception.sources import Bytes

PACKET = 188
_SYNC = 0x47
_ENOUGH = 5 * PACKET  # to tell by
_PRIVATE = 6  # a stream type that only its descriptors tell apart
_PAT, _PMT = 0, 2

Table: TypeAlias = tuple[Any, ...]


class Parts:
    """Reads `reader`, ending where another stream begins; `more` goes over to that."""

    def __init__(self, reader: Bytes) -> None:
        self._reader = reader
        self._begin(b"")

    def _begin(self, raw: bytes) -> None:
        self.head = b""
        self._out = b""
        self._raw = raw  # what has not been looked at
        self._transport: bool | None = None
        self._pat = b""
        self._tables: dict[int, Table] = {}
        self._known: dict[int, bytes] = {}
        self._over = False
        self._why = ""

    def read(self, n: int) -> bytes:
        """Return at least one byte, or none at the end of this part."""
        while not self._out and not self._over:
            self._fill(n)
        data, self._out = self._out[:n], self._out[n:]
        self.head = self.head or data[:PACKET]
        return data

    def more(self) -> str:
        """Go over to the next part; return why it is another, nothing if there is none."""
        if why := self._why:
            self._begin(self._raw)
            return why
        go_over = getattr(self._reader, "more", None)
        if go_over is not None and (why := go_over()):
            self._begin(b"")
            return str(why)
        return ""

    def close(self) -> None:
        """Let go of the file or connection."""
        self._reader.close()

    def _fill(self, n: int) -> None:
        """Put into `_out` what belongs to this part."""
        data = b"" if len(self._raw) >= _ENOUGH else self._reader.read(n)
        if not data and len(self._raw) < _ENOUGH:
            self._out, self._raw, self._over = self._raw, b"", True
            return
        self._raw += data
        if self._transport is None and len(self._raw) >= _ENOUGH:
            self._transport = _aligned(self._raw) is not None
        if self._transport is False:
            self._out, self._raw = self._raw, b""
        elif self._transport:
            self._pass()

    def _pass(self) -> None:
        """Pass on whole packets, as far as they are of this part."""
        if len(self._raw) < 3 * PACKET:
            return
        begin = _aligned(self._raw)
        if begin is None:  # damaged: it will be found again
            keep = len(self._raw) - 2 * PACKET
            self._out, self._raw = self._raw[:keep], self._raw[keep:]
            return
        count = (len(self._raw) - begin) // PACKET
        rows = np.frombuffer(self._raw, np.uint8, count * PACKET, begin).reshape(-1, PACKET)
        bad = np.flatnonzero(rows[:, 0] != _SYNC)
        rows = rows[: bad[0]] if len(bad) else rows
        pids = ((rows[:, 1].astype(np.int32) & 0x1F) << 8) | rows[:, 2]
        if not self._pat:
            for index in np.flatnonzero(pids == _PAT)[:1]:  # it tells where the others are
                self._is_other(_PAT, rows[index].tobytes())
        for index in np.flatnonzero(np.isin(pids, [_PAT, *self._tables])):
            if self._is_other(int(pids[index]), rows[index].tobytes()):
                end = begin + int(index) * PACKET
                self._out, rest = self._raw[:end], self._raw[end:]
                self._raw = rest if pids[index] == _PAT else self._pat + rest
                self._over, self._why = True, "the tracks change"
                return
        end = begin + len(rows) * PACKET
        self._out, self._raw = self._raw[:end], self._raw[end:]

    def _is_other(self, pid: int, packet: bytes) -> bool:
        """Whether a table tells of other tracks than it did before."""
        if self._known.get(pid) == packet[4:]:  # as last time, but for its counter
            return False
        found = section(packet)
        if found is None or found[0] != (_PAT if pid == _PAT else _PMT):
            return False
        table = programmes(found) if pid == _PAT else tracks(found)
        before = self._tables.get(pid)
        if before and before != table:
            return True
        self._tables[pid], self._known[pid] = table, packet[4:]
        if pid == _PAT:
            self._pat = packet
            self._tables |= {one: self._tables.get(one, ()) for one in table}
        return False


def _aligned(data: bytes) -> int | None:
    """Where the first of three whole packets begins."""
    for begin in range(min(PACKET, len(data) - 2 * PACKET)):
        if all(data[begin + at] == _SYNC for at in (0, PACKET, 2 * PACKET)):
            return begin
    return None


def section(packet: bytes) -> bytes | None:
    """The table that begins in a packet; None unless it is whole, valid now, and undamaged."""
    if packet[1] & 0x80 or not packet[1] & 0x40 or not packet[3] & 0x10:
        return None
    at = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    if at >= PACKET:
        return None
    at += 1 + packet[at]
    length = 3 + (int.from_bytes(packet[at + 1 : at + 3], "big") & 0xFFF)
    found = packet[at : at + length]
    if len(found) < max(length, 12) or not found[5] & 1 or crc(found):
        return None
    return found


def programmes(found: bytes) -> Table:
    """The packet ids of the tables of all programmes."""
    body = found[8:-4]
    pairs = [(body[at : at + 2], body[at + 2 : at + 4]) for at in range(0, len(body) - 3, 4)]
    ids = {int.from_bytes(pid, "big") & 0x1FFF for number, pid in pairs if any(number)}
    return tuple(sorted(ids))


def tracks(found: bytes) -> Table:
    """Kind and packet id of each track of a programme."""
    at = 12 + (int.from_bytes(found[10:12], "big") & 0xFFF)
    listed = []
    while at + 5 <= len(found) - 4:
        kind, pid = found[at], int.from_bytes(found[at + 1 : at + 3], "big") & 0x1FFF
        length = int.from_bytes(found[at + 3 : at + 5], "big") & 0xFFF
        told = found[at + 5 : at + 5 + length] if kind == _PRIVATE else b""
        listed.append((kind, pid, told))
        at += 5 + length
    return tuple(sorted(listed))


def crc(data: bytes) -> int:
    """CRC-32/MPEG-2; 0 over a whole table with its own."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value
