"""Pictures of things for camera scenes: drawn ones, and two photographs that scikit-learn carries.

scikit-learn comes with sentence-transformers; without it those two scenes are left out
(`available`). A camera pans slowly over a picture that is larger than the frame and has grain,
so its frames all differ, as a real camera's do, without a change of content.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from bench.worlds import afloat, cookery, things, wares

_BASE = (1280, 720)
_MIDDLE = 20


def _sky(low: tuple[int, int, int], high: tuple[int, int, int]) -> Image.Image:
    share = np.linspace(0, 1, _BASE[1])[:, None, None]
    column = np.asarray(low) * share + np.asarray(high) * (1 - share)
    return Image.fromarray(np.repeat(column, _BASE[0], axis=1).astype(np.uint8))


def _balloon() -> Image.Image:
    image = _sky((200, 225, 245), (70, 130, 210))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 620, 1280, 720), fill=(70, 140, 60))
    pen.ellipse((460, 60, 820, 420), fill=(205, 35, 40))
    pen.polygon([(478, 310), (802, 310), (690, 480), (590, 480)], fill=(205, 35, 40))
    for left, right in ((520, 580), (610, 670), (700, 760)):
        pen.chord((left, 62, right, 440), 0, 360, fill=(235, 190, 50))
    pen.line((600, 480, 612, 540), fill=(50, 40, 30), width=4)
    pen.line((680, 480, 668, 540), fill=(50, 40, 30), width=4)
    pen.rectangle((606, 538, 674, 590), fill=(120, 80, 40))
    return image


def _traffic_light() -> Image.Image:
    image = _sky((190, 195, 200), (140, 160, 185))
    pen = ImageDraw.Draw(image)
    pen.rectangle((622, 520, 658, 720), fill=(60, 60, 62))
    pen.rounded_rectangle((540, 90, 740, 540), radius=30, fill=(34, 36, 38))
    for y, colour in ((115, (235, 40, 35)), (255, (90, 70, 20)), (395, (20, 80, 40))):
        pen.ellipse((575, y, 705, y + 130), fill=colour)
    return image


def _sailing_boat() -> Image.Image:
    image = _sky((215, 230, 240), (95, 155, 220))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 460, 1280, 720), fill=(25, 85, 135))
    pen.polygon([(420, 520), (860, 520), (790, 600), (490, 600)], fill=(240, 240, 235))
    pen.polygon([(630, 500), (630, 70), (840, 500)], fill=(250, 250, 248))
    pen.polygon([(610, 500), (610, 130), (440, 500)], fill=(235, 235, 230))
    pen.rectangle((616, 60, 624, 520), fill=(80, 60, 40))
    for x in range(0, 1280, 90):
        pen.line((x, 640 + (x // 90) % 3 * 20, x + 50, 640 + (x // 90) % 3 * 20),
                 fill=(70, 130, 170), width=5)  # fmt: skip
    return image


def _wall_clock() -> Image.Image:
    image = Image.new("RGB", _BASE, (196, 178, 150))
    pen = ImageDraw.Draw(image)
    pen.ellipse((380, 100, 900, 620), fill=(50, 35, 25))
    pen.ellipse((410, 130, 870, 590), fill=(248, 246, 238))
    for hour in range(12):
        angle = math.radians(hour * 30)
        x, y = 640 + 195 * math.sin(angle), 360 - 195 * math.cos(angle)
        pen.ellipse((x - 10, y - 10, x + 10, y + 10), fill=(20, 20, 20))
    pen.line((640, 360, 560, 270), fill=(15, 15, 15), width=16)
    pen.line((640, 360, 760, 250), fill=(15, 15, 15), width=10)
    return image


def _umbrella() -> Image.Image:
    image = _sky((150, 160, 170), (110, 120, 135))
    pen = ImageDraw.Draw(image)
    pen.pieslice((340, 110, 940, 710), 180, 360, fill=(120, 40, 150))
    for x in (340, 490, 640, 790):
        pen.ellipse((x, 375, x + 150, 445), fill=(130, 140, 152))
    pen.rectangle((633, 110, 647, 610), fill=(40, 30, 30))
    pen.arc((560, 560, 647, 660), 0, 180, fill=(40, 30, 30), width=14)
    return image


def _green_field() -> Image.Image:
    image = _sky((190, 225, 250), (90, 160, 235))
    pen = ImageDraw.Draw(image)
    pen.polygon([(0, 330), (400, 250), (900, 320), (1280, 240), (1280, 720), (0, 720)],
                fill=(60, 150, 50))  # fmt: skip
    chance = np.random.default_rng(3)
    for x, y in zip(chance.integers(0, 1280, 900), chance.integers(340, 720, 900), strict=True):
        pen.line((x, y, x + 3, y - 12), fill=(40, 120, 40), width=2)
    return image


def _photo(name: str) -> Image.Image:
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image(name)).resize(_BASE)


_DRAWN: dict[str, Callable[[], Image.Image]] = {
    "balloon": _balloon,
    "traffic light": _traffic_light,
    "sailing boat": _sailing_boat,
    "wall clock": _wall_clock,
    "umbrella": _umbrella,
    "green field": _green_field,
    "flower": lambda: _photo("flower.jpg"),
    "temple": lambda: _photo("china.jpg"),
}


def available() -> tuple[str, ...]:
    """Return the names of this module's pictures that can be made here."""
    from importlib.util import find_spec

    photos = ("flower", "temple") if find_spec("sklearn") else ()
    return (*(name for name in _DRAWN if name not in ("flower", "temple")), *photos)


@lru_cache(maxsize=16)
def picture(name: str, size: tuple[int, int]) -> Image.Image:
    """Return the picture `name`, softened as a lens does."""
    others = {**things.DRAWN, **wares.DRAWN, **afloat.DRAWN, **cookery.DRAWN}
    drawn = _DRAWN.get(name) or others[name]
    return drawn().filter(ImageFilter.GaussianBlur(1.2)).resize(size)


@lru_cache(maxsize=4)
def _grain(size: tuple[int, int]) -> Image.Image:
    """Return grain around the value `_MIDDLE`, larger than a frame so that it can be shifted."""
    shape = (size[1] + 64, size[0] + 64)
    noise = np.random.default_rng(11).normal(_MIDDLE, 5, shape).round().clip(0, 2 * _MIDDLE)
    return Image.fromarray(noise.astype(np.uint8)).convert("RGB")


def camera(name: str, size: tuple[int, int], time: float) -> Image.Image:
    """Return what a slowly panning camera sees of the picture after `time` seconds."""
    wide = (size[0] * 9 // 8, size[1] * 9 // 8)
    x = round((wide[0] - size[0]) * (0.5 + 0.5 * math.sin(time / 9)))
    y = round((wide[1] - size[1]) * (0.5 + 0.5 * math.cos(time / 13)))
    seen = picture(name, wide).crop((x, y, x + size[0], y + size[1]))
    step = round(time * 1000)
    dx, dy = step * 7 % 61, step * 13 % 59
    noise = _grain(size).crop((dx, dy, dx + size[0], dy + size[1]))
    return ImageChops.add(seen, noise, 1, -_MIDDLE)
