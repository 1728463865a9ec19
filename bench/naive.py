"""The naive pipeline that ingest is compared with: read every picture, listen to everything.

Text is read on one frame a second, changed or not; Whisper hears every 30 s window, speech or
not. Same models, same file, no memory written. Decoding is one plain pass with PyAV.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from longtake.models.protocols import SAMPLE_RATE, Image, Samples
from longtake.timecode import Span

if TYPE_CHECKING:
    from longtake.models.profiles import Models

WINDOW = 30.0


@dataclass(frozen=True, slots=True)
class Naive:
    """What the naive pipeline found in the first `seconds` of the video, and what it cost."""

    seconds: float
    read_seconds: float
    heard_seconds: float
    frames: int
    lines: tuple[str, ...]
    utterances: int


def run_naive(video: Path, models: Models, until: float) -> Naive:
    """Run it over `[0, until)`."""
    started = time.monotonic()
    lines: list[str] = []
    frames = 0
    for picture in pictures(video, until):
        frames += 1
        lines += [line.text for line in models.text_reader.read([picture])[0]]
    read = time.monotonic() - started
    started = time.monotonic()
    samples = sound(video, until)
    utterances = 0
    length = len(samples) / SAMPLE_RATE
    for start in np.arange(0.0, length, WINDOW):
        window = Span(float(start), min(float(start) + WINDOW, length))
        utterances += len(models.transcriber.transcribe(samples, [window]))
    heard = time.monotonic() - started
    return Naive(min(until, length), read, heard, frames, tuple(lines), utterances)


def pictures(video: Path, until: float) -> Iterator[Image]:
    """Yield the frame shown at each whole second before `until`."""
    import av

    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        due, last = 0.0, None
        for frame in container.decode(stream):
            when = float(frame.time or 0.0)
            while due < when and due < until and last is not None:
                yield last.to_ndarray(format="rgb24")
                due += 1.0
            last = frame
            if due >= until:
                return
        if last is not None and due < until and due <= float(last.time or 0.0):
            yield last.to_ndarray(format="rgb24")


def sound(video: Path, until: float) -> Samples:
    """Return the sound of `[0, until)` at 16 kHz, mono, as plain joined samples."""
    import av

    parts: list[Samples] = []
    with av.open(str(video)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        for frame in container.decode(container.streams.audio[0]):
            if float(frame.time or 0.0) >= until:
                break
            parts += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        parts += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    return np.concatenate(parts)[: round(until * SAMPLE_RATE)].astype(np.float32)
