"""A track of sound on the clock of the video: blocks go in, any span comes out at 16 kHz.

What `cut` returns depends on the samples and their places alone, not on the blocks they came in:
the span is laid out at the native rate with a fixed margin on both sides, silence where nothing
was heard, resampled in one go from an instant that both rates share, and trimmed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from longtake.models.protocols import SAMPLE_RATE
from longtake.perception.items import Samples, Sound
from longtake.timecode import Seconds

_MARGIN = 0.05  # seconds of context; the resampling filter reaches a few milliseconds
_PIECE = 120  # seconds resampled at a time


@dataclass(slots=True)
class _Run:
    """Samples without a gap, the first at index `start` of its rate's line from time 0."""

    start: int
    rate: int
    blocks: list[Samples]
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


class SoundTrack:
    """Holds sound until `drop_before` lets it go; gaps cost nothing."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self.end: Seconds = 0.0

    def add(self, sound: Sound) -> None:
        """Append a block; what overlaps earlier sound is trimmed away, the earlier one stays."""
        if not len(sound.samples):
            return
        start = round(sound.start * sound.rate)
        last = self._runs[-1] if self._runs else None
        heard = -(2**62)
        if last is not None:
            heard = last.end if last.rate == sound.rate else math.ceil(self.end * sound.rate)
        samples = sound.samples[max(0, heard - start) :]
        start = max(start, heard)
        if not len(samples):
            return
        if last is not None and last.rate == sound.rate and start == last.end:
            last.blocks.append(samples)
            last.length += len(samples)
        else:
            self._runs.append(_Run(start, sound.rate, [samples], len(samples)))
        self.end = max(self.end, (start + len(samples)) / sound.rate)

    def drop_before(self, time: Seconds) -> None:
        """Forget sound before `time`, less the margin that `cut` needs there."""
        keep = time - 2 * _MARGIN
        for run in self._runs:
            while run.blocks and (run.start + len(run.blocks[0])) / run.rate <= keep:
                first = run.blocks.pop(0)
                run.start += len(first)
                run.length -= len(first)
        self._runs = [run for run in self._runs if run.blocks]

    def heard(self, start: Seconds, end: Seconds) -> bool:
        """Whether any sound lies in [start, end)."""
        return any(run.start / run.rate < end and run.end / run.rate > start for run in self._runs)

    def cut(self, start: Seconds, end: Seconds) -> Samples:
        """Return [start, end) as mono float32 at 16 kHz: silence where there is no sound."""
        first, last = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
        out = np.zeros(max(0, last - first), np.float32)
        for at in range(first, last, _PIECE * SAMPLE_RATE):
            until = min(last, at + _PIECE * SAMPLE_RATE)
            for rate in sorted({run.rate for run in self._runs}):
                out[at - first : until - first] += self._piece(at, until, rate)
        np.clip(out, -1.0, 1.0, out=out)
        return out

    def _piece(self, first: int, last: int, rate: int) -> Samples:
        """Samples `first` to `last` of the 16 kHz line, from the runs of one rate."""
        if rate == SAMPLE_RATE:
            return self._line(first, last, rate)
        common = math.gcd(rate, SAMPLE_RATE)
        # Both lines have a sample at multiples of 1/common seconds: begin there, before the margin.
        begin = math.floor((first / SAMPLE_RATE - _MARGIN) * common)
        native = begin * (rate // common)
        stop = math.ceil((last / SAMPLE_RATE + _MARGIN) * rate)
        line = self._line(native, stop, rate)
        if not line.any():
            return np.zeros(last - first, np.float32)
        low = first - begin * (SAMPLE_RATE // common)
        return _resample(line, rate)[low : low + last - first]

    def _line(self, first: int, last: int, rate: int) -> Samples:
        line = np.zeros(last - first, np.float32)
        for run in self._runs:
            if run.rate != rate or run.end <= first or run.start >= last:
                continue
            at = run.start
            for block in run.blocks:
                low, high = max(at, first), min(at + len(block), last)
                if low < high:
                    line[low - first : high - first] = block[low - at : high - at]
                at += len(block)
        return line


def _resample(line: Samples, rate: int) -> Samples:
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    frame = av.AudioFrame.from_ndarray(line[np.newaxis, :], format="flt", layout="mono")
    frame.sample_rate = rate
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([part.to_ndarray()[0] for part in parts])
