"""A drawn stream that never repeats, written to a pipe or file as MPEG-TS.

    python -m bench.streaming.drawn --hours 24 > day.ts

Scenes come in visits of 20 to 200 s. How often a scene is visited falls off by a power law, each is
there at least once; every hour has the same visit lengths in another order, so hours can be
compared. A scene is a mosaic of its own; in every other visit something wanders through it. Every
third visit shows a line of text for 15 s. The top strip has the frame's number. There is no sound.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.media import write_blocks, write_number

Pixels = NDArray[np.uint8]
WIDTH, HEIGHT = 192, 108
TOP, MIDDLE = HEIGHT // 10, HEIGHT * 12 // 30
"""The mosaic that tells a scene lies between these rows; text below."""
ACROSS, DOWN = 12, 4
HOUR = 3600
_SAID = (
    "amber basil cedar delta ember falcon garnet harbour indigo jasper kelp lantern maple nectar "
    "onyx pebble quartz raven saffron thistle umber violet willow yarrow zephyr"
)
WORDS = tuple(_SAID.split())
_LENGTHS = (20, 30, 40, 50, 60, 70, 80, 90, 120, 140, 200)
"""Seconds of visits; four of each make an hour."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay at a scene; `text` is shown for its first 15 s."""

    start: int
    end: int
    scene: int
    moving: bool
    text: str


def visits(hours: int, scenes: int, seed: int) -> list[Visit]:
    """Return what is to be seen, in order, without holes."""
    drawn = np.random.default_rng(seed)
    lengths: list[int] = []
    for _ in range(hours):
        lengths += [int(one) for one in drawn.permutation(np.repeat(_LENGTHS, 4))]
    weights = 1.0 / np.arange(1, scenes + 1) ** 1.6
    order = drawn.choice(scenes, len(lengths), p=weights / weights.sum())
    once = drawn.permutation(len(lengths))[:scenes]
    order[once] = np.arange(scenes)[: len(once)]
    found, start = [], 0
    for n, (length, scene) in enumerate(zip(lengths, order, strict=True)):
        pair = (WORDS[int(i)] for i in drawn.integers(0, len(WORDS), 2))
        text = f"notice {n:05d} {' '.join(pair)}" if n % 3 == 0 else ""
        found.append(Visit(start, start + length, int(scene), n % 2 == 0, text))
        start += length
    return found


def mosaic(scene: int) -> Pixels:
    """Return the picture of a scene, alike for ever."""
    tiles = np.random.default_rng(10_000 + scene).integers(20, 236, (9, ACROSS, 3), np.uint8)
    rows = np.linspace(0, 9, HEIGHT, endpoint=False).astype(int)
    columns = np.linspace(0, ACROSS, WIDTH, endpoint=False).astype(int)
    picture: Pixels = tiles[rows][:, columns].copy()
    told = np.random.default_rng(scene).integers(20, 236, (DOWN, ACROSS, 3), np.uint8)
    rows = np.linspace(0, DOWN, MIDDLE - TOP, endpoint=False).astype(int)
    picture[TOP:MIDDLE] = told[rows][:, columns]
    return picture


def frames(plan: list[Visit], fps: int, *, first: int = 0) -> Iterator[tuple[int, Pixels]]:
    """Yield (number, picture)."""
    number = first
    for visit in plan:
        ground = mosaic(visit.scene)
        shown = ground.copy()
        if visit.text:
            shown[MIDDLE:] = 0
            write_blocks(shown, visit.text)
        for n in range((visit.end - visit.start) * fps):
            image = (shown if n < 15 * fps else ground).copy()
            if visit.moving:
                left, top = (
                    7 * (n // fps) % (WIDTH - 24),
                    TOP + 3 * (n // fps) % (MIDDLE - TOP - 12),
                )
                image[top : top + 12, left : left + 24] = (n * 37 % 200, 255, 255 - n * 11 % 200)
            write_number(image, number)
            yield number, image
            number += 1


def write(out: Any, pictures: Iterator[tuple[int, Pixels]], fps: int, log: Path | None) -> None:
    """Encode pictures to a file object; with a log at the speed of real time, noting when each went."""
    import av

    began = time.time()
    notes = log.open("w") if log else None
    options = {"flush_packets": "1"}
    with av.open(out, "w", format="mpegts", options=options) as container:
        stream: Any = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(10 * fps)}
        stream.time_base = Fraction(1, fps)
        for number, image in pictures:
            if notes:
                time.sleep(max(0.0, began + number / fps - time.time()))
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
            if notes:
                notes.write(f"{number / fps:.3f} {time.time():.6f}\n")
                notes.flush()
        container.mux(stream.encode(None))


def main() -> None:
    """Write a stream."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=0, help="cut it there")
    parser.add_argument("--fps", type=int, default=2)
    parser.add_argument("--scenes", type=int, default=104)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a file; default: standard output")
    parser.add_argument("--log", type=Path, help="in real time: when each frame went out")
    given = parser.parse_args()
    pictures = frames(visits(given.hours, given.scenes, given.seed), given.fps)
    if given.seconds:
        pictures = (one for one, _ in zip(pictures, range(given.seconds * given.fps), strict=False))
    try:
        with given.out.open("wb", buffering=0) if given.out else sys.stdout.buffer as out:
            write(out, pictures, given.fps, given.log)
    except (BrokenPipeError, OSError) as error:
        if not isinstance(error, BrokenPipeError) and error.errno not in (32, None):
            raise


if __name__ == "__main__":
    main()
