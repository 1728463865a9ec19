"""One segment as Matroska, written so that it can be read while it grows."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Any

from longtake.errors import StoreError, Unreadable
from longtake.perception.ring import Ring, Segment
from longtake.timecode import Seconds

OPTIONS = {
    "cluster_time_limit": "400",  # ms; a cluster is on disk when the next one begins
    "flush_packets": "1",
    "max_interleave_delta": "400000",  # µs: one track does not wait longer for the other
    "avoid_negative_ts": "disabled",
}
_EARLY = 2  # seconds


class Muxer:
    """One segment; packets come with stream time and are moved to the file's own.

    Raises:
        Unreadable: the streams cannot be put into this container.
    """

    def __init__(self, ring: Ring, streams: list[Any], began: Seconds, name: str) -> None:
        import av

        self._ring = ring
        self._file: Segment = ring.new(max(0, int(began * 1000)))
        self._origin = Fraction(self._file.start, 1000)
        self._last: dict[int, Fraction] = {}
        self._out = av.open(self._file, "w", format="matroska", options=OPTIONS)
        try:
            self._to = [self._out.add_stream_from_template(stream, True) for stream in streams]
            self._out.start_encoding()
        except (av.error.FFmpegError, ValueError) as error:
            self._file.drop()
            raise Unreadable(
                f"what {name!r} sends cannot be kept: its head is not whole, or its codec unknown",
                fix="let its sender use H.264 and AAC",
            ) from error
        self._head = self._file.size

    def mux(self, track: int, packet: Any) -> None:
        """Write a packet of a track; one that the container refuses is left out."""
        import av

        base = packet.time_base
        end = float((packet.pts + (packet.duration or 0)) * base)
        packet.pts -= round(self._origin / base)
        # Matroska keeps no decoding times, but the muxer wants them to rise, and before the shown
        # ones; what demuxers give or guess is not always so. Early enough, they are.
        packet.dts -= round((self._origin + _EARLY) / base)
        if track in self._last:
            packet.dts = max(packet.dts, -int(-self._last[track] // base))
        packet.pts = max(packet.pts, packet.dts)
        self._last[track] = packet.dts * base
        packet.stream = self._to[track]
        try:
            self._out.mux(packet)
        except av.error.FFmpegError:
            return
        if self._file.size > self._head:
            self._file.show()
        self._ring.edge = max(self._ring.edge, end)

    def close(self) -> None:
        """Write the rest and finish the file."""
        import av

        try:
            with suppress(av.error.FFmpegError, StoreError):
                self._out.close()
        finally:
            self._file.finish()
