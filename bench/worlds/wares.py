"""Drawn wares of an auction: household things whose colour is seen and never spoken of."""

from __future__ import annotations

import math
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

from bench.worlds.draw import Colour

SIZE = (1280, 720)
_WALL: Colour = (196, 188, 176)
_TABLE: Colour = (104, 74, 50)


def _room() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return a wall behind a table."""
    image = Image.new("RGB", SIZE, _WALL)
    pen = ImageDraw.Draw(image)
    for x in range(0, SIZE[0], 160):
        pen.rectangle((x, 0, x + 80, 560), fill=(202, 194, 182))
    pen.rectangle((0, 560, *SIZE), fill=_TABLE)
    pen.rectangle((0, 560, SIZE[0], 574), fill=(130, 96, 66))
    return image, pen


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: Colour) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _teapot() -> Image.Image:
    image, pen = _room()
    blue, deep = (40, 90, 200), (24, 56, 140)
    pen.arc((770, 270, 980, 520), 270, 90, fill=deep, width=34)
    pen.polygon([(440, 470), (290, 300), (330, 280), (480, 390)], fill=deep)
    pen.ellipse((410, 230, 870, 590), fill=blue)
    pen.ellipse((520, 205, 760, 275), fill=deep)
    _disc(pen, 640, 190, 28, blue)
    pen.ellipse((470, 570, 810, 606), fill=deep)
    for x, y in ((540, 340), (640, 310), (740, 340), (590, 430), (690, 430), (640, 510)):
        _disc(pen, x, y, 20, (240, 244, 250))
    return image.filter(ImageFilter.GaussianBlur(2))


def _vase() -> Image.Image:
    image, pen = _room()
    green, dark = (50, 140, 70), (30, 96, 46)
    pen.polygon([(580, 110), (700, 110), (690, 230), (800, 380), (740, 600), (540, 600),
                 (480, 380), (590, 230)], fill=green)  # fmt: skip
    pen.ellipse((565, 90, 715, 132), fill=dark)
    for y in (300, 360, 420, 480):
        pen.line((510, y, 770, y), fill=dark, width=10)
    return image.filter(ImageFilter.GaussianBlur(2))


def _guitar() -> Image.Image:
    image, pen = _room()
    wood, edge = (206, 140, 66), (90, 50, 22)
    for box in ((330, 250, 700, 650), (560, 290, 850, 610)):
        pen.ellipse(box, fill=wood, outline=edge, width=8)
    pen.ellipse((560, 330, 700, 590), fill=wood)
    _disc(pen, 690, 450, 66, (30, 20, 14))
    pen.rectangle((690, 424, 1120, 476), fill=edge)
    pen.rectangle((1110, 404, 1220, 496), fill=(60, 34, 18))
    pen.rectangle((440, 390, 470, 510), fill=edge)
    for number in range(6):
        y = 430 + 8 * number
        pen.line((455, y, 1200, y), fill=(226, 222, 210), width=2)
        _disc(pen, 1125 + 16 * number, 396 if number % 2 else 504, 9, (220, 214, 200))
    return image.filter(ImageFilter.GaussianBlur(1.2))


def _bicycle() -> Image.Image:
    image, pen = _room()
    red, rubber = (204, 30, 36), (28, 28, 30)
    for x in (400, 880):
        pen.ellipse((x - 165, 335, x + 165, 665), outline=rubber, width=18)
        for spoke in range(12):
            angle = spoke * math.pi / 6
            end = (x + 155 * math.cos(angle), 500 + 155 * math.sin(angle))
            pen.line((x, 500, *end), fill=(150, 150, 154), width=2)
    joints = ((400, 500), (560, 270), (800, 270), (610, 510))
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 0), (1, 3)):
        pen.line((*joints[a], *joints[b]), fill=red, width=20)
    pen.line((800, 270, 880, 500), fill=red, width=20)
    pen.line((800, 270, 782, 190), fill=red, width=16)
    pen.line((720, 180, 850, 190), fill=rubber, width=14)
    pen.line((560, 270, 548, 215), fill=rubber, width=14)
    pen.ellipse((480, 188, 620, 226), fill=rubber)
    _disc(pen, 610, 510, 38, (90, 90, 94))
    return image.filter(ImageFilter.GaussianBlur(1.2))


def _lamp() -> Image.Image:
    image, pen = _room()
    pink, brass = (240, 120, 170), (176, 140, 60)
    pen.rectangle((626, 330, 654, 590), fill=brass)
    pen.ellipse((530, 560, 750, 620), fill=brass)
    pen.polygon([(540, 120), (740, 120), (850, 360), (430, 360)], fill=pink)
    for x in range(-4, 5):
        pen.line((640 + 24 * x, 120, 640 + 50 * x, 360), fill=(220, 96, 148), width=4)
    pen.line((720, 360, 720, 450), fill=brass, width=4)
    _disc(pen, 720, 456, 10, brass)
    return image.filter(ImageFilter.GaussianBlur(2))


def _hourglass() -> Image.Image:
    image, pen = _room()
    wood, glass, sand = (110, 62, 30), (214, 228, 232), (226, 190, 110)
    pen.polygon([(500, 150), (780, 150), (660, 360), (780, 570), (500, 570), (620, 360)],
                fill=glass)  # fmt: skip
    pen.polygon([(556, 250), (724, 250), (655, 362), (625, 362)], fill=sand)
    pen.polygon([(640, 470), (770, 570), (510, 570)], fill=sand)
    pen.line((640, 360, 640, 480), fill=sand, width=6)
    for y in (110, 566):
        pen.rounded_rectangle((450, y, 830, y + 46), radius=14, fill=wood)
    for x in (476, 786):
        pen.rectangle((x, 150, x + 20, 570), fill=wood)
    return image.filter(ImageFilter.GaussianBlur(1.5))


DRAWN: dict[str, Callable[[], Image.Image]] = {
    "teapot": _teapot,
    "vase": _vase,
    "guitar": _guitar,
    "bicycle": _bicycle,
    "table lamp": _lamp,
    "hourglass": _hourglass,
}
