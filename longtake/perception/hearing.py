"""From audio packets to blocks of sound, placed by their timestamps.

Blocks that follow each other within `JITTER` of their timestamps are joined without a seam;
farther off, the timestamp is right and the block moves there. Nothing is ever placed by counting
samples from the start of the file.

Decoders carry state (overlap, bit reservoir, the seed of substituted noise), and a decoder that
was started late never becomes exactly the one that was not. So the decoder is started anew at
each multiple of `PERIOD`, warmed up on `PREROLL` of packets before it. Whoever resumes at any
time starts at the last multiple and hears bit for bit what an undisturbed run hears.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from longtake.perception.items import Samples, Sound
from longtake.perception.media import choose_streams, decoded, open_media
from longtake.timecode import Seconds

JITTER = 0.015
PERIOD = 60.0
PREROLL = 1.5
LEAD = 1.0  # sound is yielded from this long before the start asked for


def first_needed(start: Seconds) -> Seconds:
    """The earliest sound packet that matters for a run from `start`."""
    segment = int(max(0.0, start - LEAD) // PERIOD)
    return segment * PERIOD - PREROLL if segment else -1.0


def mono(frame: Any) -> Samples:
    """The mean of the frame's channels as float32 in [-1, 1]."""
    data = frame.to_ndarray()
    channels = max(1, len(frame.layout.channels))
    if not frame.format.is_planar:
        data = data.reshape(-1, channels).T
    if data.dtype == np.uint8:
        floats = (data.astype(np.float32) - 128) / 128
    elif data.dtype.kind == "i":
        floats = data.astype(np.float32) / np.float32(2.0 ** (data.dtype.itemsize * 8 - 1))
    else:
        floats = np.nan_to_num(data.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    samples: Samples = np.clip(floats.mean(axis=0, dtype=np.float32), -1.0, 1.0)
    return samples


class SoundFlow:
    """Takes the packets of one audio stream in order and yields its sound in order.

    Without a `path` to open again, as with what is sent only once, one decoder goes on.
    """

    def __init__(self, path: Path | None, stream: Any, *, start: Seconds) -> None:
        self._path = path
        self._index = stream.index
        self._base = stream.time_base
        self._context = stream.codec_context
        self._stateless = self._context.name.startswith("pcm_")
        self._stack = ExitStack()
        self._from = start - LEAD
        self._needed = first_needed(start)
        self._segment = int(max(0.0, start - LEAD) // PERIOD)
        self._recent: deque[tuple[Seconds, Any]] = deque()
        self._fresh = True
        self._place: tuple[int, int] | None = None
        self.failures = 0
        self.end: Seconds = 0.0
        self.ended = False

    @property
    def mark(self) -> Seconds:
        """All sound before this time has been yielded."""
        return float("inf") if self.ended else self.end

    def push(self, packet: Any) -> Iterator[Sound]:
        """Take one packet; yield what it holds."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        time = self.end if stamp is None else float(stamp * packet.time_base)
        if self._path is not None and time < self._needed:
            return  # else the decoder would not be as it is in an undisturbed run
        if self._path is not None and time >= (self._segment + 1) * PERIOD:
            yield from self._turn(int(time // PERIOD))
        yield from self._blocks(self._decode(packet))
        self._recent.append((time, packet))
        while self._recent[0][0] < time - PREROLL - 1:
            self._recent.popleft()

    def drain(self) -> Iterator[Sound]:
        """Yield what the decoder still holds; no packets come after this."""
        if not self.ended:
            yield from self._blocks(self._decode(None))
        self.ended = True

    def close(self) -> None:
        """Close the extra handles on the file."""
        self._stack.close()

    def _turn(self, segment: int) -> Iterator[Sound]:
        """Go over to a decoder started anew for `segment`, so that what follows is exact."""
        begin = segment * PERIOD
        if not self._stateless:
            yield from self._blocks(self._decode(None))
            self._context = self._new_context()
        self._segment, self._place = segment, None
        for time, packet in self._recent:
            if time >= begin - PREROLL:
                for _ in self._blocks(self._decode(packet)):
                    pass

    def _new_context(self) -> Any:
        assert self._path is not None  # else no turn is taken
        self._stack.close()
        container = self._stack.enter_context(open_media(self._path))
        choose_streams(container, self._path.name)
        return container.streams[self._index].codec_context

    def _decode(self, packet: Any) -> list[Any]:
        frames = decoded(self._context, packet)
        if frames is None:
            self.failures += 1
        return frames or []

    def _blocks(self, frames: list[Any]) -> Iterator[Sound]:
        low = self._segment * PERIOD if self._segment else -1.0
        for frame in frames:
            rate = frame.sample_rate
            if not frame.samples or not rate:
                continue
            start = self._place_of(frame, rate)
            self._place = (start + frame.samples, rate)
            time = start / rate
            end = time + frame.samples / rate
            if end <= max(self._from, low):
                continue
            self.end = max(self.end, end)
            yield Sound(time, mono(frame), rate)

    def _place_of(self, frame: Any, rate: int) -> int:
        """The index, on a line of samples from time 0, of the frame's first sample."""
        base = frame.time_base or self._base
        expected = None
        if self._place is not None:
            at, old = self._place
            expected = at if old == rate else round(at * rate / old)
        if frame.pts is None:
            return expected if expected is not None else round(self.end * rate)
        stamped = round(float(frame.pts * base) * rate)
        if expected is not None and abs(stamped - expected) <= JITTER * rate:
            return expected
        return stamped
