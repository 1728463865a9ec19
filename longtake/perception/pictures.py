"""From video packets to pictures on a grid of instants, decoding no more than those need.

The picture at instant k/fine_fps is the frame on display then: the last one whose presentation
time is not after it. A frame that no other frame refers to (most B-frames) and that is on display
at no instant of the grid is not decoded at all. That is decided packet by packet, looking a few
packets ahead for when the next frame replaces it, so the pictures are exactly those of decoding
everything; only the work is less.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterator
from typing import Any

from longtake.perception.convert import Converter
from longtake.perception.items import Image, Picture
from longtake.perception.media import decoded
from longtake.timecode import Seconds

LOOKAHEAD = 20  # packets; H.264 and HEVC reorder by at most 16
LOOKAHEAD_SECONDS = 1.5
NEAR = 5e-4  # containers round timestamps to the millisecond
OPENING = 1.0  # a first frame that comes no later than this is on display from the beginning on


class Grid:
    """The instants k/fine, of which those that begin a new 1/coarse are coarse ones."""

    def __init__(self, fine: float, coarse: float) -> None:
        self.fine = fine
        self.coarse = coarse

    def index(self, time: Seconds) -> int:
        """Index of the first instant at or after `time`."""
        return max(0, math.ceil((time - NEAR) * self.fine))

    def time(self, index: int) -> Seconds:
        """The instant with this index."""
        return index / self.fine

    def is_coarse(self, index: int) -> bool:
        """Whether a full picture is due at this instant."""
        share = self.coarse / self.fine
        return math.floor(index * share + 1e-9) > math.floor((index - 1) * share + 1e-9)

    def meets(self, start: Seconds, end: Seconds) -> bool:
        """Whether an instant lies in [start, end)."""
        return self.time(self.index(start)) < end - NEAR


class PictureFlow:
    """Takes the packets of one video stream in decoding order and yields its pictures in order."""

    def __init__(
        self, stream: Any, grid: Grid, *, start: Seconds, small: tuple[int, int], max_side: int,
        skip: bool = True, opens: Seconds = 0.0,
    ) -> None:  # fmt: skip
        self._stream = stream
        self._context = stream.codec_context
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        self._step = 1 / rate if 0.01 < rate <= 240 else 0.04
        # Frame threads hold frames back; with few frames a second that would be many seconds.
        self._context.thread_type = "AUTO" if rate >= 5 else "SLICE"
        self._grid = grid
        self._opens = opens
        self._skip = skip
        self._next = grid.index(start)
        self._small = Converter(size=small)
        self._full = Converter(max_side=max_side)
        self._waiting: deque[tuple[Any, Seconds | None]] = deque()
        self._known: list[Seconds] = []
        self._ahead = 1
        self._held: Any = None
        self._held_from: Seconds = 0.0
        self._images: tuple[Image | None, Image | None] = (None, None)
        self._base = stream.time_base
        self._drained = False
        self._ended = False
        self.failures = 0
        self.frames = 0
        self.end: Seconds = 0.0

    @property
    def mark(self) -> Seconds:
        """All pictures before this time have been yielded."""
        return math.inf if self._ended else self._grid.time(self._next)

    def push(self, packet: Any) -> Iterator[Picture]:
        """Take one packet; yield what can be shown now."""
        time = None if packet.pts is None else float(packet.pts * packet.time_base)
        if time is not None:
            insort(self._known, time)
            del self._known[: -4 * LOOKAHEAD]
        self._waiting.append((packet, time))
        newest = self._known[-1] if self._known else 0.0
        # Without B-frames packets come in order, and the next one tells until when this one is on
        # display: a live source with few frames a second is not held back for seconds.
        self._ahead = 1 if self._ahead == 1 and packet.pts == packet.dts else LOOKAHEAD
        while self._waiting and (
            len(self._waiting) > self._ahead
            or newest - (self._waiting[0][1] or newest) > LOOKAHEAD_SECONDS
        ):
            yield from self._send(*self._waiting.popleft())

    def catch_up(self, time: Seconds) -> Iterator[Picture]:
        """The file has been read up to `time`; if the video track is over, go on showing its end."""
        length = self._stream.duration
        stop = float(length * self._base) + self._opens if length else None
        if stop is None or time < stop + 5.0:
            return
        yield from self.drain()
        yield from self._show(time - 1.0)

    def drain(self) -> Iterator[Picture]:
        """Decode what is waiting; no packets come after this."""
        if self._drained:
            return
        while self._waiting:
            yield from self._send(*self._waiting.popleft())
        yield from self._take(self._decode(None))
        self._drained = True
        if self._held is not None:
            self.end = max(self.end, self._held_from + self._step)

    def finish(self, end: Seconds, follows: Seconds = math.inf) -> Iterator[Picture]:
        """Show the last frame until `end`, or until its own time is over if that is later.

        How long that is is a guess: where other pictures follow soon after, it stands until then.
        """
        yield from self.drain()
        stop = max(end, self.end)
        yield from self._show(max(stop, follows) if follows - stop < 1.0 else stop)
        self._ended = True

    def _send(self, packet: Any, time: Seconds | None) -> Iterator[Picture]:
        if self._skip:
            self._context.skip_frame = "DEFAULT" if self._needed(time) else "NONREF"
        yield from self._take(self._decode(packet))

    def _needed(self, time: Seconds | None) -> bool:
        """Whether the frame is on display at an instant that is still to be shown."""
        if time is None:
            return True
        after = bisect_right(self._known, time + NEAR)
        until = self._known[after] if after < len(self._known) else math.inf
        if until <= self._grid.time(self._next) - NEAR:
            return False
        return time <= self._opens + OPENING or self._grid.meets(time, until)

    def _decode(self, packet: Any) -> list[Any]:
        frames = decoded(self._context, packet)
        if frames is None:
            self.failures += 1
        return frames or []

    def _take(self, frames: list[Any]) -> Iterator[Picture]:
        for frame in frames:
            time = self._time_of(frame)
            if self._held is None and time <= self._opens + OPENING:
                time = min(time, self._opens)
            if self._held is not None:
                yield from self._show(time)
            else:
                self._next = max(self._next, self._grid.index(time))
            self._held, self._held_from, self._images = frame, time, (None, None)
            self.frames += 1
            self.end = max(self.end, time + self._step)

    def _time_of(self, frame: Any) -> Seconds:
        stamp = frame.pts if frame.pts is not None else frame.dts
        base = frame.time_base or self._base
        after = self._held_from + (self._step if self._held is not None else 0.0)
        time = after if stamp is None else float(stamp * base)
        return max(time, self._held_from)

    def _show(self, until: Seconds) -> Iterator[Picture]:
        """Yield the held frame at all instants before `until`."""
        while self._held is not None and self._grid.time(self._next) < until - NEAR:
            index = self._next
            small, full = self._images
            if small is None:
                small = self._small.image(self._held)
            if full is None and self._grid.is_coarse(index):
                full = self._full.image(self._held)
            self._images = (small, full)
            self._next += 1
            yield Picture(
                self._grid.time(index), small, full if self._grid.is_coarse(index) else None
            )
