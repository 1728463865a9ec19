"""Write a film: shots and spoken lines on one clock, to an mp4 (H.264 + AAC) with PyAV.

Pictures are drawn only when they change: a still shot is drawn and converted once and its frame
is encoded again with new timestamps. Sound is placed by time; gaps hold faint room noise when
asked. Frames and sound are interleaved second by second, so memory does not grow with length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = Image.Image


@dataclass(frozen=True, slots=True)
class Shot:
    """What is seen in `[start, end)`: `draw(seconds since start)`; drawn once unless `moving`."""

    start: float
    end: float
    draw: Callable[[float], Picture]
    moving: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One spoken line and the time at which it starts."""

    start: float
    samples: NDArray[np.float32]
    text: str = ""

    def end(self, rate: int) -> float:
        """Return the time at which the last sample ends."""
        return self.start + len(self.samples) / rate


@dataclass(frozen=True, slots=True)
class Format:
    """How a film is encoded."""

    size: tuple[int, int] = (1280, 720)
    fps: int = 10
    crf: int = 30
    preset: str = "veryfast"
    key_seconds: float = 5.0
    sound_rate: int = 16_000
    sound_bits: int = 32_000
    room_noise: float = 0.0


def write_film(
    path: Path,
    shots: Sequence[Shot],
    lines: Sequence[Line],
    form: Format,
    *,
    on_progress: Callable[[float, float], None] | None = None,
) -> float:
    """Encode to `path`; return the duration. Shots must follow each other without gaps."""
    import av

    duration = shots[-1].end
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = _video_stream(container, form)
        sound = container.add_stream("aac", rate=form.sound_rate, layout="mono")
        sound.bit_rate = form.sound_bits
        frames = _frames(shots, form)
        pending = next(frames, None)
        for second, block in enumerate(_sound_blocks(lines, duration, form)):
            while pending is not None and float(pending.pts) / form.fps < second + 1:
                container.mux(video.encode(pending))
                pending = next(frames, None)
            container.mux(sound.encode(_sound_frame(block, second, form)))
            if on_progress and second % 10 == 0:
                on_progress(float(second), duration)
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return duration


def _video_stream(container: Any, form: Format) -> Any:
    stream = container.add_stream("libx264", rate=form.fps)
    stream.width, stream.height = form.size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, form.fps)
    stream.codec_context.gop_size = max(1, round(form.key_seconds * form.fps))
    stream.codec_context.thread_count = 2  # a fixed count: the bytes depend on it
    stream.options = {"crf": str(form.crf), "preset": form.preset}
    return stream


def _frames(shots: Sequence[Shot], form: Format) -> Iterator[Any]:
    """Yield every frame in order; a still shot's frame is converted once."""
    import av

    count = 0
    for shot in shots:
        still: Any = None
        last = math.ceil(shot.end * form.fps - 1e-6)
        for index in range(count, last):
            if still is None or shot.moving:
                picture = shot.draw(index / form.fps - shot.start)
                rgb = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
                still = rgb.reformat(format="yuv420p")
            still.pts = index
            still.time_base = Fraction(1, form.fps)
            yield still
        count = max(count, last)


def _sound_blocks(
    lines: Sequence[Line], duration: float, form: Format
) -> Iterator[NDArray[np.float32]]:
    """Yield one second of sound at a time: the lines that touch it over room noise."""
    rate = form.sound_rate
    ordered = sorted(lines, key=lambda line: line.start)
    noise = np.random.default_rng(7).standard_normal(rate).astype(np.float32) * form.room_noise
    first = 0
    for second in range(math.ceil(duration)):
        low, high = second * rate, (second + 1) * rate
        block = noise.copy()
        while first < len(ordered) and ordered[first].end(rate) <= second:
            first += 1
        for line in ordered[first:]:
            begin = round(line.start * rate)
            if begin >= high:
                break
            a, b = max(low, begin), min(high, begin + len(line.samples))
            if b > a:
                block[a - low : b - low] += line.samples[a - begin : b - begin]
        yield block[: max(1, min(rate, round(duration * rate) - low))]


def _sound_frame(block: NDArray[np.float32], second: int, form: Format) -> Any:
    import av

    frame = av.AudioFrame.from_ndarray(block[None, :], format="fltp", layout="mono")
    frame.sample_rate = form.sound_rate
    frame.pts = second * form.sound_rate
    frame.time_base = Fraction(1, form.sound_rate)
    return frame
