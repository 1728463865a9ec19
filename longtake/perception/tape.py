"""Packets into segments, undecoded: what `recorder.record` does with each leg of a live source.

A segment is cut at a keyframe of the picture once it lasts `LEAST` seconds (sound alone: at any
packet). The picture and the sound of a stream come interleaved with some delay: from a cut on,
packets are held until the other track has reached the cut too, `MOST_HELD` seconds at most, so
that a segment holds all that belongs to its time. Timestamps are mended by `clock.Clock` as in
decoding. What Matroska cannot hold is encoded anew (`reencode`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from longtake.errors import DiskFull, Unreadable
from longtake.perception.addresses import Address
from longtake.perception.clock import Clock
from longtake.perception.media import choose_streams, read_packets, zero_of
from longtake.perception.ring import Ring, Segment
from longtake.perception.sources import Live
from longtake.timecode import Seconds

LEAST: Seconds = 10.0
LONGEST: Seconds = 300.0
"""A picture without keyframes for so long is cut anyway: else nothing old could be deleted."""
MOST_HELD: Seconds = 1.0
OPTIONS = {
    "cluster_time_limit": "400",  # ms; a cluster is on disk when the next one begins
    "flush_packets": "1",
    "max_interleave_delta": "400000",  # µs: one track does not wait longer for the other
    "avoid_negative_ts": "disabled",
}


class Tape:
    """Takes one leg after another; `ring.edge` tells how far it came."""

    def __init__(self, live: Live, ring: Ring, begun: Sequence[Callable[[], None]]) -> None:
        self.live, self.ring, self._begun = live, ring, begun
        self._last: tuple[float, Seconds] | None = None
        """Wall clock and stream time of the newest packet."""
        if ring.left is not None:
            self._last = (ring.left, ring.edge)
        self.on = False
        """Whether a packet came."""
        self._reached: Seconds | None = None
        """Where the last leg ended on the source's own clock."""
        self._gap: Seconds | None = None
        """What is missing before the next packet, where the source's clock tells."""
        self._breaks: list[str] = []
        """Why stream time was set anew at the packet that comes next."""

    def run(self, container: Any) -> None:
        """Record a leg to its end.

        Raises:
            EmptyMedia, Unreadable: it holds nothing that can be recorded.
            DiskFull: no room is left, and nothing may be deleted.
        """
        # What FFmpeg opens by its address begins where its sender is now.
        again = self.live.rewinds and type(self.live) is not Address and self.ring.edge > 0
        begins = 0.0 if again else self.ring.edge
        zero = zero_of(container) - Fraction(begins).limit_denominator(1_000_000)
        self._gap = 0.0 if again else None
        if self._last is not None:
            told = [one.why for one in self.live.taken()]
            self._breaks.append(told[-1] if told else "the recorder was started again")
            if self._reached is not None and getattr(container, "continues", False):
                self._gap = max(0.0, float(zero) + begins - self._reached)
        leg = _Leg(self, container)
        clock = Clock(zero, 0.0, [], self._breaks.append)
        try:
            for packet in read_packets(container, leg.streams):
                if self.live.stopped:
                    break
                stamp(packet, clock, leg.ends)
                if not (again and float(packet.pts * packet.time_base) < begins):
                    self._take(leg, packet)
        finally:
            leg.close()
            self._reached = float(zero) + self.ring.edge

    def _take(self, leg: _Leg, packet: Any) -> None:
        """Write down what broke before this packet, and keep it."""
        wall, at = time.time(), float(packet.pts * packet.time_base)
        if not self.on:
            self.on = True
            self.ring.begin()
            for tell in self._begun:
                tell()
        if self._breaks:
            if self._last:
                passed = (wall - self._last[0]) - max(0.0, at - self._last[1])
                missing = passed if self._gap is None else self._gap
                self.ring.note(self.ring.edge, max(0.0, missing), "; ".join(self._breaks))
                self._gap = None
            self._breaks.clear()
        for one in self.live.taken():  # mended without a loss: stream time goes on by itself
            self.ring.note(self.ring.edge, 0.0, one.why)
        self._last = (wall, at)
        leg.push(packet)
        self.live.now = self.ring.edge
        self.ring.tell()


class _Leg:
    """The streams of one open container, and the segment that is being written."""

    def __init__(self, tape: Tape, container: Any) -> None:
        self.ring, self.name = tape.ring, tape.live.name
        chosen = choose_streams(container, self.name)
        self.streams = [s for s in (chosen.video, chosen.audio) if s is not None]
        self.lead = self.streams[0]
        self.ends: dict[int, Fraction] = {}
        """Where each track's last packet ended."""
        self._held: list[Any] | None = []
        """What belongs to the next segment, while that waits for the other track."""
        self._cut: Seconds = -1.0
        self._began: Seconds = 0.0
        self._segment: _Muxer | None = None
        self._key_seen: bool = self.lead.type != "video"
        self._signs: dict[int, bytes] = {}

    def push(self, packet: Any) -> None:
        """Keep a packet whose timestamps are stream time."""
        at = float(packet.pts * packet.time_base)
        if packet.stream.index == self.lead.index:
            if not self._starts(packet, at):
                return  # a picture that needs earlier ones, which are not there
            if self._held is None and self._due(packet, at):
                self._held, self._cut = [], at
        elif self._held is not None and at < self._cut and self._segment:
            self._segment.mux(packet)
            return
        if self._held is None:
            assert self._segment
            self._segment.mux(packet)
            return
        self._held.append(packet)
        if self._ready(at):
            self._release()

    def _starts(self, packet: Any, at: Seconds) -> bool:
        self._key_seen |= bool(packet.is_keyframe) or at - self._began > LONGEST
        return self._key_seen

    def _due(self, packet: Any, at: Seconds) -> bool:
        """Whether the next segment begins with this packet of the leading track."""
        lasted = at - self._began
        key = packet.is_keyframe or self.lead.type != "video"
        return (key and lasted > LEAST - 0.001) or lasted >= LONGEST

    def _ready(self, at: Seconds) -> bool:
        """Whether every track has reached the cut, or one has kept the others waiting."""
        assert self._held
        first = min(float(p.pts * p.time_base) for p in self._held)
        here = {packet.stream.index for packet in self._held}
        return len(here) == len(self.streams) or at - max(first, self._cut) > MOST_HELD

    def _release(self) -> None:
        """Open the next segment with all that was held."""
        held, self._held = self._held or [], None
        if not held:
            return
        if self._segment:
            self._segment.close()
        self._began = min(float(p.pts * p.time_base) for p in held)
        self._segment = _Muxer(self.ring, self.streams, self._began, self.name)
        for packet in held:
            self._segment.mux(packet)

    def close(self) -> None:
        """Write what is held and finish the segment."""
        try:
            self._release()
        finally:
            if self._segment:
                self._segment.close()


class _Muxer:
    """One segment as Matroska; packets come with stream time and are moved to the file's own."""

    def __init__(self, ring: Ring, streams: list[Any], began: Seconds, name: str) -> None:
        import av

        start = max(0, int(began * 1000))
        self._ring = ring
        self._file: Segment = ring.new(start)
        self._origin = Fraction(self._file.start, 1000)
        self._last: dict[int, int] = {}
        self._out = av.open(self._file, "w", format="matroska", options=OPTIONS)
        try:
            self._to = {s.index: self._out.add_stream_from_template(s, True) for s in streams}
            self._out.start_encoding()
        except (av.error.FFmpegError, ValueError) as error:
            self._file.drop()
            raise Unreadable(
                f"what {name!r} sends cannot be kept ({error})",
                fix="let its sender use H.264 and AAC",
            ) from error
        self._head = self._file.size

    def mux(self, packet: Any) -> None:
        """Write a packet; one that the container refuses is left out."""
        import av

        to, base = self._to[packet.stream.index], packet.time_base
        end = float((packet.pts + (packet.duration or 0)) * base)
        shift = round(self._origin / base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.dts = max(packet.dts, self._last.get(to.index, packet.dts))
        packet.pts = max(packet.pts, packet.dts)
        self._last[to.index] = packet.dts
        packet.stream = to
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
            self._out.close()
        except (av.error.FFmpegError, DiskFull):
            pass
        finally:
            self._file.finish()


def stamp(packet: Any, clock: Clock, ends: dict[int, Fraction]) -> None:
    """Put a packet on the clock; one without timestamps follows the one before in its track."""
    clock.set(packet)
    base, track = packet.time_base, packet.stream.index
    if packet.dts is None and packet.pts is None:
        packet.dts = round(ends.get(track, Fraction(0)) / base)
    packet.dts = packet.pts if packet.dts is None else packet.dts
    packet.pts = packet.dts if packet.pts is None else packet.pts
    ends[track] = (packet.pts + (packet.duration or 0)) * base
