"""One monotonic clock from the timestamps of a file, however they jump.

Timestamps count from the container's first one. Two kinds of break are taken out, and reported:
the clock falls back (files glued byte by byte, recorders restarted), or leaps ahead by more than
`LEAP` seconds to beyond what the file can last. Both tracks of a file share the correction, so
that sound and picture stay together; each track adopts it when its own packets reach the break.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from longtake.timecode import Seconds, format_time

LEAP = 600.0
FALL = 1.0
_TOGETHER = 5.0  # tracks reach a break within so many seconds of each other


@dataclass(slots=True)
class _Track:
    offset: Fraction = Fraction(0)
    expected: float | None = None


@dataclass(slots=True)
class Clock:
    """Rewrites the timestamps of packets in place; `limit` is the longest credible duration."""

    zero: Fraction
    limit: Seconds
    warnings: list[str]
    broken: Callable[[str], None] | None = None
    """Told of each break, for those who keep them."""
    broke: Seconds = 0.0
    """Where the last break was, on this clock."""
    _shared: Fraction = Fraction(0)
    _tracks: dict[int, _Track] = field(default_factory=dict)

    def set(self, packet: Any) -> Seconds | None:
        """Move the packet onto the clock (0 = start) and return its decoding time, if it has one."""
        base = packet.time_base
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None or not base:
            return None
        track = self._tracks.setdefault(packet.stream.index, _Track(self._shared))
        raw = stamp * base - self.zero
        if track.expected is not None:
            self._mend(track, raw)
        shift = round((track.offset - self.zero) / base)
        if packet.pts is not None:
            packet.pts += shift
        if packet.dts is not None:
            packet.dts += shift
        time = float(raw + track.offset)
        track.expected = time + float((packet.duration or 0) * base)
        return time

    def _mend(self, track: _Track, raw: Fraction) -> None:
        """Give the track a new offset where its timestamps break."""
        assert track.expected is not None
        time = float(raw + track.offset)
        leaps = time > track.expected + LEAP and time > self.limit
        if not leaps and time > track.expected - FALL:
            return
        adopted = float(raw + self._shared) - track.expected
        if self._shared == track.offset or abs(adopted) > _TOGETHER:
            self._shared = Fraction(track.expected).limit_denominator(1_000_000) - raw
            said = f"clock jumps from {format_time(track.expected)} to {format_time(time)}"
            self.broke = track.expected
            self.warnings.append(f"the file's {said}; the jump is taken out")
            if self.broken:
                self.broken(said)
        track.offset = self._shared
