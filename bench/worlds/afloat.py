"""Drawn views of an open day by the water: boats under sail, fog, and things seen in passing.

A sail's colour and number are only seen in these views, as far as nobody says the number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bench.worlds.draw import Colour, write

SIZE = (1280, 720)
SAILS: dict[int, tuple[str, Colour]] = {
    12: ("yellow", (244, 206, 50)),
    27: ("red", (200, 32, 34)),
    35: ("green", (30, 130, 62)),
    48: ("blue", (30, 80, 180)),
    53: ("orange", (240, 130, 30)),
    61: ("purple", (112, 48, 150)),
}
"""Sail numbers, with the name of the sail's colour and the colour."""


def _water() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return sky, a far shore and waves."""
    share = np.linspace(0, 1, SIZE[1])[:, None, None]
    column = np.asarray((228, 236, 240)) * share + np.asarray((168, 192, 208)) * (1 - share)
    image = Image.fromarray(np.repeat(column, SIZE[0], axis=1).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 440, 1280, 470), fill=(96, 108, 96))
    pen.rectangle((0, 468, 1280, 720), fill=(66, 92, 104))
    for number, x in enumerate(range(-20, 1300, 70)):
        y = 500 + number * 37 % 200
        pen.arc((x, y, x + 80, y + 22), 200, 340, fill=(140, 164, 172), width=4)
    return image, pen


def _boat(number: int) -> Image.Image:
    _, sail = SAILS[number]
    image, pen = _water()
    ink = (24, 24, 28) if sum(sail) > 360 else (255, 255, 255)
    pen.polygon([(360, 560), (940, 560), (860, 640), (450, 640)], fill=(238, 236, 228))
    pen.line((360, 560, 940, 560), fill=(90, 60, 40), width=10)
    pen.rectangle((630, 40, 642, 560), fill=(90, 62, 40))
    pen.polygon([(650, 50), (930, 530), (650, 530)], fill=sail)
    pen.polygon([(620, 90), (620, 530), (430, 530)], fill=(244, 242, 234))
    pen.line((650, 300, 796, 300), fill=ink, width=3)
    write(pen, (730, 430), str(number), 120, ink, bold=True, centre=True)
    for x in (500, 580):
        pen.ellipse((x - 20, 478, x + 20, 518), fill=(214, 172, 140))
        pen.rounded_rectangle((x - 30, 516, x + 30, 566), radius=14, fill=(70, 74, 80))
    return image.filter(ImageFilter.GaussianBlur(1.2))


def _fog() -> Image.Image:
    image = Image.new("RGB", SIZE, (206, 208, 208))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 500, *SIZE), fill=(198, 201, 202))
    return image.filter(ImageFilter.GaussianBlur(60))


def _starfish() -> Image.Image:
    noise = np.random.default_rng(9).normal(0, 12, (SIZE[1], SIZE[0], 1))
    sand = (np.asarray((214, 192, 150)) + noise).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(sand).filter(ImageFilter.GaussianBlur(1.0))
    pen = ImageDraw.Draw(image)
    for size, fill in ((1.0, (150, 60, 26)), (0.93, (216, 98, 44))):
        points = []
        for corner in range(50):
            angle = math.tau * corner / 50
            wave = (0.5 + 0.5 * math.cos(5 * angle)) ** 1.6
            far = size * (105 + 210 * wave)
            points.append((640 + far * math.sin(angle), 370 - far * math.cos(angle)))
        pen.polygon(points, fill=fill)
    for arm in range(5):
        for step in range(9):
            far = 28 * step + 12
            x = 640 + far * math.sin(arm * math.tau / 5)
            y = 370 - far * math.cos(arm * math.tau / 5)
            pen.ellipse((x - 8, y - 8, x + 8, y + 8), fill=(244, 178, 120))
            for side in (-1, 1):
                if step < 7:
                    u = x + side * (26 - 3 * step) * math.cos(arm * math.tau / 5)
                    v = y + side * (26 - 3 * step) * math.sin(arm * math.tau / 5)
                    pen.ellipse((u - 5, v - 5, u + 5, v + 5), fill=(236, 150, 90))
    return image.filter(ImageFilter.GaussianBlur(2))


def _strawberry() -> Image.Image:
    image = Image.new("RGB", SIZE, (236, 232, 224))
    pen = ImageDraw.Draw(image)
    pen.ellipse((140, 470, 1140, 700), fill=(206, 208, 210))
    pen.ellipse((200, 480, 1080, 670), fill=(248, 248, 246))
    for x, y, size in ((430, 390, 0.72), (850, 400, 0.72), (640, 350, 1.0)):
        _berry(pen, x, y, size)
    return image.filter(ImageFilter.GaussianBlur(1.6))


def _berry(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    outline = []
    for step in range(60):
        angle = math.tau * step / 60
        wide = 190 * math.sin(angle) * (0.78 + 0.22 * math.cos(angle))
        outline.append((x + size * wide, y - size * 230 * math.cos(angle) * 0.95))
    pen.polygon(outline, fill=(206, 24, 34))
    chance = np.random.default_rng(round(x))
    for u, v in zip(chance.uniform(-0.7, 0.7, 46), chance.uniform(-0.62, 0.75, 46), strict=True):
        if abs(u) < 0.85 - 0.55 * max(0.0, v):
            a, b = x + size * 170 * u, y + size * 210 * v
            pen.ellipse((a - 5, b - 8, a + 5, b + 8), fill=(246, 208, 110))
    top = y - size * 205
    for leaf in range(-3, 4):
        tip = (x + size * 62 * leaf, top + size * (70 - 12 * abs(leaf)))
        pen.polygon([(x - 26 * size, top - 10), (x + 26 * size, top - 10), tip],
                    fill=(52, 132, 48))  # fmt: skip
    pen.line((x, top, x + 16 * size, top - 70 * size), fill=(70, 140, 56), width=round(14 * size))


def _bucket() -> Image.Image:
    image = Image.new("RGB", SIZE, (206, 200, 188))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 580, *SIZE), fill=(112, 84, 58))
    pink, deep = (240, 120, 170), (196, 82, 130)
    pen.arc((410, 40, 870, 460), 180, 360, fill=(120, 120, 124), width=14)
    pen.polygon([(400, 240), (880, 240), (800, 630), (480, 630)], fill=pink)
    pen.ellipse((480, 600, 800, 660), fill=pink)
    pen.ellipse((400, 195, 880, 285), fill=deep)
    pen.ellipse((424, 207, 856, 273), fill=(110, 46, 76))
    for top in (330, 560):
        shift = (top - 240) * 80 / 390
        pen.line((400 + shift, top, 880 - shift, top), fill=deep, width=12)
    for x in (408, 872):
        pen.ellipse((x - 18, 232, x + 18, 268), fill=(120, 120, 124))
    return image.filter(ImageFilter.GaussianBlur(1.8))


DRAWN: dict[str, Callable[[], Image.Image]] = {
    **{f"boat {number}": partial(_boat, number) for number in SAILS},
    "fog": _fog,
    "starfish": _starfish,
    "strawberry": _strawberry,
    "bucket": _bucket,
}
