"""One opening of a stream that FFmpeg reads by its address, and what it shares with the one before.

A server that is asked again may send anew what was read already (a playlist's window, a broadcast
with a buffer). The packets are known again by their track, time and content, so nothing is read
twice; and nothing is thrown away because two streams happen to show the same times.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any, TypeAlias

_REMEMBERED = 4096  # packets, of about a minute
_BACK = 30
_TRIED = 8  # so many packets of which none is known: it is a stream of its own

Mark: TypeAlias = tuple[int, int, int]


class Leg:
    """A container, demuxed once; else like the one it wraps.

    `finished` says whether the server ended it, and it did not break off.
    """

    def __init__(self, container: Any, before: Leg | None = None) -> None:
        self._container = container
        self._early: deque[Any] = deque()
        self._recent: deque[Mark] = deque(before._recent if before else (), _REMEMBERED)
        self._last: dict[int, Fraction] = {}
        self.finished = False
        self.start_time: int | None = container.start_time
        length = container.duration if container.format.name == "hls" else None
        self.ends: int | None = length and (container.start_time or 0) + length
        """Where a playlist ends that was complete when it was opened, in µs of its own clock."""
        self.continues = before is not None and self._passes_over(before)
        self.missing: float | None = None
        """Seconds between the leg before and this one, where they are of one clock."""
        first = [at for at in map(_shown, self._early) if at is not None]
        if before is not None and self.continues and first:
            self.start_time = round(min(first) * 1_000_000)  # not where it is sent once more
            self.missing = max(0.0, float(min(first) - before.reached))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    @property
    def empty(self) -> bool:
        """Whether nothing came that is new; known of those that follow another leg."""
        return not self._early

    @property
    def reached(self) -> Fraction:
        """The latest decoding time that came, on the stream's own clock."""
        return max(self._last.values(), default=Fraction(0))

    def demux(self, streams: Any = None) -> Iterator[Any]:
        """Yield the packets, ending where the connection is lost or keeps silent."""
        wanted = None if streams is None else {stream.index for stream in streams}
        while self._early:
            packet = self._early.popleft()
            if wanted is None or packet.stream.index in wanted:
                yield packet
        for packet in self._packets(streams):
            self._keep(packet)
            yield packet

    def _packets(self, streams: Any = None) -> Iterator[Any]:
        import av

        try:
            yield from self._container.demux(*([] if streams is None else [streams]))
            self.finished = True
        except (av.error.EOFError, IndexError):  # see `read_packets`
            self.finished = True
        except av.error.InvalidDataError:
            raise  # one damaged packet: whoever reads goes on after it
        except (av.error.FFmpegError, OSError):
            return

    def _keep(self, packet: Any) -> None:
        self._recent.append(_mark(packet))
        if (at := _time(packet)) is not None:
            self._last[packet.stream.index] = at

    def _passes_over(self, before: Leg) -> bool:
        """Read up to what the leg before has not had; whether they are one stream."""
        known = set(before._recent)
        tried: list[Any] = []
        again = False
        if self.ends:
            self._near(before.reached)
        for packet in self._packets():
            again = again or _mark(packet) in known
            if again and self._is_new(packet, before):
                self._early.append(packet)
                if not self._waits():
                    break
            elif not again and packet.size and not self.ends:
                tried.append(packet)
                if len(tried) == _TRIED:
                    break
        self._early.extend([] if again else tried)
        if again:
            self._last.update(before._last)
        for packet in self._early:
            self._keep(packet)
        return again

    def _is_new(self, packet: Any, before: Leg) -> bool:
        """Whether a packet comes after those known, and its picture needs none of them."""
        at, last = _time(packet), before._last.get(packet.stream.index)
        if not packet.size or at is None or (last is not None and at <= last):
            return False
        return packet.stream.type != "video" or packet.is_keyframe or not self._waits()

    def _waits(self) -> bool:
        """Whether a keyframe is still to come."""
        has = any(packet.stream.type == "video" for packet in self._early)
        return not has and any(stream.type == "video" for stream in self._container.streams)

    def _near(self, reached: Fraction) -> None:
        """Jump to somewhat before what was reached; where that cannot be, all is read through."""
        import av

        place = int((reached - _BACK) * 1_000_000)
        if place > (self.start_time or 0):
            with suppress(av.error.FFmpegError, OSError):
                self._container.seek(place, backward=True)


def _mark(packet: Any) -> Mark:
    return packet.stream.index, packet.dts or 0, zlib.crc32(packet) if packet.size else 0


def _shown(packet: Any) -> Fraction | None:
    return packet.pts * packet.time_base if packet.pts is not None else _time(packet)


def _time(packet: Any) -> Fraction | None:
    stamp = packet.dts if packet.dts is not None else packet.pts
    return None if stamp is None or not packet.time_base else stamp * packet.time_base
