"""Packets into segments, undecoded: what `recorder.record` does with each leg of a live source.

A segment is cut at a keyframe of the picture once it lasts `LEAST` seconds (sound alone: at any
packet), and at once where the parameters of a track change, that its head fits what it holds. The
picture and the sound of a stream come interleaved with some delay: from a cut on, packets are held
until the other track has reached the cut too, for `MOST_HELD` seconds at most, so that a segment
holds all that belongs to its time. Timestamps are mended by `clock.Clock` as in decoding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from longtake.perception.addresses import Address
from longtake.perception.clock import Clock
from longtake.perception.media import choose_streams, read_packets, zero_of
from longtake.perception.muxer import Muxer
from longtake.perception.parameters import parameters
from longtake.perception.reencode import kept_as
from longtake.perception.ring import Ring
from longtake.perception.sources import Live
from longtake.timecode import Seconds

LEAST: Seconds = 10.0
LONGEST: Seconds = 300.0
"""A picture without keyframes for so long is cut anyway: else nothing old could be deleted."""
MOST_HELD: Seconds = 1.0
"""So long, by the clock on the wall, one track waits for the other at a cut."""
FARTHEST: Seconds = 10.0
"""So far, by their timestamps, they may lie apart in a file that comes in large pieces."""
SETTLED: Seconds = 0.5
MOST_EARLY = 2000
MOST_WAITED: Seconds = 30.0
"""So long, at most, what comes first may have waited in a buffer."""

Came: TypeAlias = tuple[float, Any, str]
"""The wall clock when a packet came, the packet, and what broke before it."""


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
        begins = self.ring.edge
        again = begins > 0 and self._reached is None and self._from_its_start()
        zero = zero_of(container)
        if not again:
            zero -= Fraction(begins).limit_denominator(1_000_000)
        self._gap = 0.0 if again else None
        if self._last is not None:
            told = [one.why for one in self.live.taken()]
            self._breaks.append(told[-1] if told else "the recorder was started again")
            if self._reached is not None and getattr(container, "continues", False):
                self._gap = max(0.0, float(zero) + begins - self._reached)
        leg = _Leg(self, container)
        clock = Clock(zero, 0.0, [], self._breaks.append)

        def stamped() -> Iterator[Came]:
            for packet in read_packets(container, leg.streams):
                if self.live.stopped:
                    return
                stamp(packet, clock, leg.ends)
                if again and packet.pts * packet.time_base < begins:
                    continue
                why, self._breaks = "; ".join(self._breaks), []
                clock.broken = self._breaks.append
                yield time.time(), packet, why

        try:
            for came in arrived(stamped()):
                self._take(leg, *came)
        finally:
            leg.close()
            self._reached = float(zero) + self.ring.edge

    def _from_its_start(self) -> bool:
        """Whether the source sends anew what was recorded before the recorder was killed.

        What FFmpeg opens by its address begins where its sender is now.
        """
        return self.live.rewinds and type(self.live) is not Address

    def _take(self, leg: _Leg, wall: float, packet: Any, why: str) -> None:
        """Write down what broke before this packet, and keep it."""
        at = shown(packet)
        if not self.on:
            self.on = True
            self.ring.begin(wall)
            for tell in self._begun:
                tell()
        if why and self._last:
            passed = (wall - self._last[0]) - max(0.0, at - self._last[1])
            missing = passed if self._gap is None else self._gap
            self.ring.note(self.ring.edge, max(0.0, missing), why)
            self._gap = None
        for one in self.live.taken():  # mended without a loss: stream time goes on by itself
            self.ring.note(self.ring.edge, 0.0, one.why)
        self._last = (wall, at)
        leg.take(packet)
        self.live.now = self.ring.edge
        self.ring.tell()


class _Leg:
    """The tracks of one open container, and the segment that is being written."""

    def __init__(self, tape: Tape, container: Any) -> None:
        self.ring, self.name = tape.ring, tape.live.name
        chosen = choose_streams(container, self.name)
        self.streams = [s for s in (chosen.video, chosen.audio) if s is not None]
        self.pictures = chosen.video is not None
        """Whether the first track is a picture; without one sound leads."""
        begins = Fraction(self.ring.edge).limit_denominator(1_000_000)
        self.ends = {stream.index: begins for stream in self.streams}
        """Where each track's last packet ended."""
        self._numbers = {stream.index: number for number, stream in enumerate(self.streams)}
        self._tracks = [kept_as(stream) for stream in self.streams]
        self._held: list[tuple[int, Any]] | None = []
        """What belongs to the next segment, while that waits for the other track."""
        self._since = 0.0
        self._cut: Seconds = -1.0
        self._began: Seconds = self.ring.edge
        self._segment: Muxer | None = None
        self._key_seen = not self.pictures
        self._known: dict[int, bytes] = {}

    def take(self, packet: Any) -> None:
        """Keep a packet whose timestamps are stream time."""
        number = self._numbers[packet.stream.index]
        changed = self._changed(number, packet)
        for one in self._tracks[number].packets(packet):
            self._push(number, one, changed)
            changed = False

    def _push(self, number: int, packet: Any, changed: bool) -> None:
        at = float(packet.pts * packet.time_base)
        if changed and self._segment:
            self._begin_anew(number, at)
        if number == 0:
            self._key_seen |= bool(packet.is_keyframe) or at - self._began > LONGEST
            if not self._key_seen:  # it needs earlier ones: in the segment before, or nowhere
                if self._held is not None and self._segment:
                    self._segment.mux(number, packet)
                return
            if self._held is None and self._due(packet, at):
                self._held, self._cut = [], at
        if self._held is None or (number and at < self._cut and self._segment):
            assert self._segment
            self._segment.mux(number, packet)
            return
        if not self._held:
            self._since = time.monotonic()
        self._held.append((number, packet))
        if self._ready(at):
            self._release()

    def _begin_anew(self, number: int, at: Seconds) -> None:
        """Cut where a track's parameters change; both often do so together."""
        if self._held is not None and number not in {track for track, _ in self._held}:
            self._cut = min(self._cut, at)
            return
        self._release()  # what was held has the old parameters
        self._held, self._cut = [], at
        self._key_seen = not self.pictures

    def _changed(self, number: int, packet: Any) -> bool:
        """Whether a track is another from this packet on, by what the packet says of itself."""
        said = parameters(self.streams[number].codec_context.name, packet)
        if not said or said == self._known.get(number):
            return False
        before, self._known[number] = number in self._known, said
        return before

    def _due(self, packet: Any, at: Seconds) -> bool:
        """Whether the next segment begins with this packet of the leading track."""
        lasted = at - self._began
        key = packet.is_keyframe or not self.pictures
        return (key and lasted > LEAST - 0.001) or lasted >= LONGEST

    def _ready(self, at: Seconds) -> bool:
        """Whether every track has reached the cut, or one has kept the others waiting."""
        assert self._held
        first = min(float(packet.pts * packet.time_base) for _, packet in self._held)
        here = {number for number, _ in self._held}
        apart = at - max(first, self._cut)
        late = time.monotonic() - self._since > MOST_HELD and apart > MOST_HELD
        return len(here) == len(self._tracks) or late or apart > FARTHEST

    def _release(self) -> None:
        """Open the next segment with all that was held."""
        held, self._held = self._held or [], None
        if not held:
            return
        if self._segment:
            self._segment.close()
        self._began = min(float(packet.pts * packet.time_base) for _, packet in held)
        templates = [track.template for track in self._tracks]
        self._segment = Muxer(self.ring, templates, self._began, self.name)
        for number, packet in held:
            self._segment.mux(number, packet)

    def close(self) -> None:
        """Write what is held and finish the segment."""
        try:
            for number, track in enumerate(self._tracks):
                for packet in track.rest():
                    self._push(number, packet, False)
            self._release()
        finally:
            if self._segment:
                self._segment.close()


def arrived(packets: Iterable[Came]) -> Iterator[Came]:
    """Tell when the first packets of a leg really came.

    While a stream is opened its first seconds wait in the demuxer, and then come at once: the one
    that waited least tells how stream time and the clock on the wall lie to each other.
    """
    early: list[Came] = []
    for came in packets:
        if early and came[0] - early[0][0] > SETTLED:
            yield from _backdated([*early, came])
            yield from packets
            return
        early.append(came)
        # More than can have waited: a source that pauses now is not waited for.
        much = shown(came[1]) - shown(early[0][1]) > MOST_WAITED
        if much or len(early) >= MOST_EARLY:
            yield from _backdated(early)
            yield from packets
            return
    yield from _backdated(early)


def _backdated(early: list[Came]) -> Iterator[Came]:
    if early:
        offsets = [wall - shown(packet) for wall, packet, _ in early]
        least = max(min(offsets), offsets[0] - MOST_WAITED)
        for wall, packet, why in early:
            yield min(wall, least + shown(packet)), packet, why


def shown(packet: Any) -> Seconds:
    """The stream time at which a packet is shown."""
    return float(packet.pts * packet.time_base)


def stamp(packet: Any, clock: Clock, ends: dict[int, Fraction]) -> None:
    """Put a packet on the clock; one without timestamps follows the one before in its track."""
    clock.set(packet)
    base, track = packet.time_base, packet.stream.index
    if packet.dts is None and packet.pts is None:
        packet.dts = round(ends[track] / base)
    packet.dts = packet.pts if packet.dts is None else packet.dts
    packet.pts = packet.dts if packet.pts is None else packet.pts
    lasts = packet.duration * base if packet.duration else _lasting(packet.stream)
    ends[track] = packet.pts * base + lasts


def _lasting(stream: Any) -> Fraction:
    """How long a packet lasts that does not tell: a picture's share of a second."""
    rate = stream.type == "video" and (stream.average_rate or stream.guessed_rate)
    return 1 / Fraction(rate) if rate else Fraction(0)
