"""Layers of a broadcast picture: things that come nearer, pan in, flash or dissolve, signs, tickers.

A layer paints over what lies beneath it while it is there; times are seconds of the stream, sizes
are pixels of `FORM`. Where photographs stand for drawings, `Source` finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.worlds.draw import font, write
from bench.worlds.pictures import camera

SIZE = (960, 540)
Frame = Image.Image
Paint = Callable[[Frame, float], Frame]
BAR, INK, PAPER = (14, 26, 48), (246, 246, 240), (250, 248, 238)
TICKER, SPEED = 26, 140.0
"""Letters of the ticker, in pixels, and how fast they move, in pixels a second."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Paints from `start` to `end`; `paint` is given the seconds since its start."""

    start: float
    end: float
    paint: Paint


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures come from: a folder of photographs, or drawings."""

    photos: Path | None = None

    def view(self, name: str, time: float) -> Frame:
        """Return what a slowly panning camera sees of a drawn thing or of a photograph `*…*`."""
        if self.photos is None:
            return camera(name, SIZE, time)
        return panned(_photo(self.photos, name), SIZE, time)


@lru_cache(maxsize=16)
def _photo(folder: Path, pattern: str) -> Frame:
    found = sorted(folder.glob(pattern))
    if not found:
        raise FileNotFoundError(f"no photograph {pattern} in {folder}")
    return Image.open(found[0]).convert("RGB")


def panned(photo: Frame, size: tuple[int, int], time: float) -> Frame:
    """Return what a slowly panning camera sees of a photograph, which fills the frame."""
    scale = 1.1 * max(size[0] / photo.width, size[1] / photo.height)
    wide, high = round(photo.width * scale), round(photo.height * scale)
    x = (wide - size[0]) * (0.5 + 0.45 * np.sin(time / 7))
    y = (high - size[1]) * (0.5 + 0.45 * np.cos(time / 9))
    zoom = (photo.width / wide, photo.height / high)
    box = (x * zoom[0], y * zoom[1], (x + size[0]) * zoom[0], (y + size[1]) * zoom[1])
    return photo.resize(size, Image.Resampling.BILINEAR, box=box)


def whole(source: Source, thing: str, start: float, end: float) -> Layer:
    """A picture that fills the frame at once."""
    return Layer(start, end, lambda under, t: source.view(thing, t))


def nearer(source: Source, thing: str, start: float, end: float, seconds: float) -> Layer:
    """A picture that grows out of the middle until it fills the frame."""

    def paint(under: Frame, t: float) -> Frame:
        share = min(1.0, 0.1 + 0.9 * t / seconds)
        part = (round(SIZE[0] * share), round(SIZE[1] * share))
        made = under.copy()
        small = source.view(thing, t).resize(part)
        made.paste(small, ((SIZE[0] - part[0]) // 2, (SIZE[1] - part[1]) // 2))
        return made

    return Layer(start, end, paint)


def panning(source: Source, thing: str, start: float, end: float, seconds: float) -> Layer:
    """The camera turns to the right: what was seen leaves at the left, the thing comes in."""

    def paint(under: Frame, t: float) -> Frame:
        gone = round(SIZE[0] * min(1.0, t / seconds))
        made = Image.new("RGB", SIZE)
        made.paste(under, (-gone, 0))
        made.paste(source.view(thing, t), (SIZE[0] - gone, 0))
        return made

    return Layer(start, end, paint)


def hidden(source: Source, thing: str, start: float, end: float, share: float) -> Layer:
    """A picture of which a fence hides the right part."""

    def paint(under: Frame, t: float) -> Frame:
        made = source.view(thing, t).copy()
        pen = ImageDraw.Draw(made)
        for n, x in enumerate(range(round(SIZE[0] * (1 - share)), SIZE[0], 60)):
            pen.rectangle((x, 0, x + 60, SIZE[1]), fill=(96 + n % 2 * 10, 84, 70))
        return made

    return Layer(start, end, paint)


def coming(
    source: Source, thing: str, start: float, end: float, on: float, off: float
) -> Layer:  # fmt: skip
    """A picture that comes and goes."""

    def paint(under: Frame, t: float) -> Frame:
        return source.view(thing, t) if t % (on + off) < on else under

    return Layer(start, end, paint)


def dissolve(source: Source, one: str, other: str, start: float, end: float) -> Layer:
    """A picture, and another into which it dissolves in the middle third."""

    def paint(under: Frame, t: float) -> Frame:
        share = min(1.0, max(0.0, 3 * t / (end - start) - 1))
        return Image.blend(source.view(one, t), source.view(other, t), share)

    return Layer(start, end, paint)


def sign(
    text: str, start: float, end: float, *, size: int = 44, on: float = 1.0, off: float = 0.0
) -> Layer:
    """A card with one line of text, or one that blinks."""

    def paint(under: Frame, t: float) -> Frame:
        if t % (on + off) >= on:
            return under
        made = under.copy()
        pen = ImageDraw.Draw(made)
        wide = font(size).getlength(text) + 2 * size
        pen.rectangle((60, 150, 60 + wide, 150 + 2 * size), fill=PAPER, outline=BAR, width=3)
        write(pen, (60 + size, 150 + 0.4 * size), text, size, BAR)
        return made

    return Layer(start, end, paint)


def table(rows: tuple[str, ...], start: float, end: float, size: int) -> Layer:
    """Small lines at the lower left."""

    def paint(under: Frame, t: float) -> Frame:
        made = under.copy()
        pen = ImageDraw.Draw(made)
        top = SIZE[1] - 70 - 2 * size * len(rows)
        pen.rectangle((40, top - size, 300, SIZE[1] - 66), fill=(196, 204, 208))
        for n, row in enumerate(rows):
            write(pen, (52, top + 2 * size * n), row, size, (84, 92, 104))
        return made

    return Layer(start, end, paint)


def ticker(text: str, start: float) -> Layer:
    """A line that runs through a bar at the foot from right to left."""
    end = start + (SIZE[0] + font(TICKER).getlength(text)) / SPEED

    def paint(under: Frame, t: float) -> Frame:
        made = under.copy()
        pen = ImageDraw.Draw(made)
        pen.rectangle((0, SIZE[1] - 48, SIZE[0], SIZE[1]), fill=BAR)
        write(pen, (SIZE[0] - SPEED * t, SIZE[1] - 40), text, TICKER, INK)
        return made

    return Layer(start, end, paint)


def whole_at(text: str, phrase: str) -> tuple[float, float]:
    """Seconds after a ticker's start between which a phrase of it is whole in the frame."""
    before, _, _ = text.partition(phrase)
    left, right = (font(TICKER).getlength(part) for part in (before, before + phrase))
    return right / SPEED, (SIZE[0] + left) / SPEED


def score(under: Frame, text: str) -> Frame:
    """The score that stands at the upper right all the time."""
    made = under.copy()
    pen = ImageDraw.Draw(made)
    wide = font(24).getlength(text)
    pen.rectangle((SIZE[0] - wide - 56, 24, SIZE[0] - 24, 66), fill=BAR)
    write(pen, (SIZE[0] - wide - 40, 30), text, 24, INK)
    return made
