"""Drawn worlds of moving coloured boxes: what they are is known, and can be seen in the pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longtake.models.protocols import Detection, Image
from longtake.models.vision.boxes import Box, overlap
from longtake.timecode import Seconds
from tests.fakes import COLOURS

WIDTH, HEIGHT = 320, 180


@dataclass(frozen=True)
class Thing:
    """A box of one colour; `at` says where it is at a time, None where it is not in view."""

    label: str
    colour: str
    at: Callable[[Seconds], Box | None]


def box_at(x: float, y: float, size: float = 0.12) -> Box:
    """A square box (as seen) around a centre."""
    high = size * WIDTH / HEIGHT
    return (x - size / 2, y - high / 2, x + size / 2, y + high / 2)


def moving(
    start: tuple[float, float], pace: tuple[float, float], begin: Seconds, end: Seconds,
    size: float = 0.12,
) -> Callable[[Seconds], Box | None]:  # fmt: skip
    """A box that moves on a line from `start`, in view in [begin, end)."""

    def at(time: Seconds) -> Box | None:
        if not begin <= time < end:
            return None
        lapse = time - begin
        return box_at(start[0] + pace[0] * lapse, start[1] + pace[1] * lapse, size)

    return at


def in_turn(*paths: Callable[[Seconds], Box | None]) -> Callable[[Seconds], Box | None]:
    """Whichever of several paths has a box at a time."""
    return lambda time: next((box for path in paths if (box := path(time)) is not None), None)


def draw(things: Sequence[Thing], time: Seconds, ground: int = 128) -> Image:
    """The picture at a time; later things are in front."""
    image = np.full((HEIGHT, WIDTH, 3), ground, np.uint8)
    for thing in things:
        box = thing.at(time)
        if box is not None:
            x0, y0, x1, y1 = (max(0.0, min(1.0, v)) for v in box)
            rows = slice(round(y0 * HEIGHT), round(y1 * HEIGHT))
            image[rows, round(x0 * WIDTH) : round(x1 * WIDTH)] = COLOURS[thing.colour]
    return image


def told(
    things: Sequence[Thing], time: Seconds, seed: int = 0, jitter: float = 0.0
) -> list[tuple[Detection, int]]:
    """What a good detector says, with whose box it is: one that is hidden by half is not seen."""
    noise = np.random.default_rng([seed, round(time * 10)])
    found: list[tuple[Detection, int]] = []
    for n, thing in enumerate(things):
        box = thing.at(time)
        front = [b for other in things[n + 1 :] if (b := other.at(time)) is not None]
        if box is None or any(overlap(box, other) > 0.5 for other in front):
            continue
        off = noise.normal(0, jitter, 4) if jitter else np.zeros(4)
        x0, y0, x1, y1 = (float(min(1, max(0, v + d))) for v, d in zip(box, off, strict=True))
        if x1 > x0 and y1 > y0:
            found.append((Detection(thing.label, 0.9, (x0, y0, x1, y1)), n))
    noise.shuffle(found)  # type: ignore[arg-type]
    return found


class BlobDetector:
    """Finds drawn boxes by their colour in the pixels: connected regions, nothing else.

    `names` maps colours to labels. `seen` counts the frames it was shown.
    """

    def __init__(self, names: dict[str, str], name: str = "blobs@0") -> None:
        self.names, self.name = names, name
        self.seen = 0

    def detect(
        self, images: Sequence[Image], labels: Sequence[str] | None = None
    ) -> list[list[Detection]]:
        self.seen += len(images)
        return [self._one(image, labels) for image in images]

    def _one(self, image: Image, labels: Sequence[str] | None) -> list[Detection]:
        import cv2

        image = image[::2, ::2]
        height, width = image.shape[:2]
        palette = np.array(list(COLOURS.values()), np.float32)
        pixels = image.reshape(-1, 3).astype(np.float32)
        away = (palette**2).sum(1) - 2 * pixels @ palette.T  # the squared distance, less a constant
        nearest = away.argmin(1).reshape(height, width)
        found = []
        for colour, label in self.names.items():
            mask = (nearest == list(COLOURS).index(colour)).astype(np.uint8)
            count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
            for x, y, w, h, area in stats[1:count].tolist():
                # Where colours blur into each other there are thin lines of a third one.
                thin = area < 0.002 * width * height or area < 0.5 * w * h
                if not thin and (labels is None or label in labels):
                    box = (x / width, y / height, (x + w) / width, (y + h) / height)
                    found.append(Detection(label, round(min(1.0, area / (w * h)), 4), box))
        return sorted(found, key=lambda one: (-one.p, one.label, one.box))


def film(path: Path, scenes: Sequence[tuple[Sequence[Thing], Seconds, int]], fps: int = 5) -> Path:
    """Draw scenes one after another: (things, seconds, grey of the ground); times go on."""
    from tests.media import draw_frames

    frames: list[tuple[Seconds, Any]] = []
    begin = 0.0
    for things, seconds, ground in scenes:
        times = [begin + n / fps for n in range(round(seconds * fps))]
        frames += [(time, draw(things, time, ground)) for time in times]
        begin += seconds
    return draw_frames(path, frames, fps=fps, size=(WIDTH, HEIGHT))
