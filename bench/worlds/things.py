"""More drawn things for camera scenes, shaded a little so that they look filmed.

Each is a class that ImageNet-1k names.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

SIZE = (1280, 720)


def _ground(low: Colour, high: Colour) -> Image.Image:
    """Return an upright blend of two colours."""
    share = np.linspace(0, 1, SIZE[1])[:, None, None]
    column = np.asarray(low) * share + np.asarray(high) * (1 - share)
    return Image.fromarray(np.repeat(column, SIZE[0], axis=1).astype(np.uint8))


def _speckled(colour: Colour, spread: float, seed: int) -> Image.Image:
    """Return a rough surface: grass, wood, cloth."""
    noise = np.random.default_rng(seed).normal(0, spread, (SIZE[1], SIZE[0], 1))
    rough = np.asarray(colour) + noise * np.asarray([1.0, 1.1, 0.8])
    blur = Image.fromarray(rough.clip(0, 255).astype(np.uint8))
    return blur.filter(ImageFilter.GaussianBlur(0.8))


def _shade(image: Image.Image, centre: tuple[float, float], radius: float) -> Image.Image:
    """Darken a round thing away from the light at its upper left."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    inside = np.hypot(x - centre[0], y - centre[1]) <= radius
    far = np.hypot(x - centre[0] + radius * 0.35, y - centre[1] + radius * 0.4) / radius
    light = np.where(inside, (1.1 - 0.45 * far**1.6).clip(0.35, 1.1), 1.0)[..., None]
    return Image.fromarray((np.asarray(image) * light).clip(0, 255).astype(np.uint8))


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: Colour) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _lighthouse() -> Image.Image:
    image = _ground((200, 220, 240), (80, 140, 215))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 560, 1280, 720), fill=(35, 90, 130))
    pen.polygon([(330, 720), (470, 590), (620, 560), (820, 585), (980, 720)], fill=(90, 80, 70))
    pen.polygon([(560, 600), (590, 200), (690, 200), (720, 600)], fill=(240, 240, 238))
    for top in (270, 420):
        a, b = (top - 200) * 0.075, (top - 130) * 0.075
        pen.polygon([(590 - a, top), (690 + a, top), (690 + b, top + 70), (590 - b, top + 70)],
                    fill=(190, 35, 35))  # fmt: skip
    pen.rectangle((572, 186, 708, 204), fill=(40, 40, 44))
    pen.rectangle((604, 120, 676, 188), fill=(250, 230, 150))
    for x in (604, 628, 652, 676):
        pen.line((x, 120, x, 188), fill=(40, 40, 44), width=4)
    pen.polygon([(594, 120), (640, 66), (686, 120)], fill=(150, 30, 30))
    pen.rectangle((620, 520, 660, 590), fill=(70, 50, 40))
    pen.rectangle((630, 360, 650, 390), fill=(60, 60, 66))
    return image


def _pizza() -> Image.Image:
    image = _speckled((120, 82, 52), 7, 1)
    pen = ImageDraw.Draw(image)
    _disc(pen, 640, 360, 316, (196, 138, 70))
    _disc(pen, 640, 360, 262, (200, 70, 35))
    chance = np.random.default_rng(5)
    for angle, far in zip(chance.uniform(0, 6.28, 260), chance.uniform(0, 1, 260), strict=True):
        x, y = 640 + 235 * far**0.5 * math.cos(angle), 360 + 235 * far**0.5 * math.sin(angle)
        _disc(pen, x, y, chance.uniform(10, 26), (245, 205, 110))
    for number in range(13):
        angle, far = number * 2.4, 225 * ((number + 0.5) / 13) ** 0.5
        x, y = 640 + far * math.cos(angle), 360 + far * math.sin(angle)
        _disc(pen, x, y, 36, (150, 35, 25))
        _disc(pen, x - 2, y - 2, 31, (192, 52, 38))
    for number in range(9):
        angle, far = number * 2.1 + 1, 70 + 19 * number
        x, y = 640 + far * math.cos(angle), 360 + far * math.sin(angle)
        pen.ellipse((x - 20, y - 10, x + 20, y + 10), fill=(50, 110, 40))
    return image.filter(ImageFilter.GaussianBlur(2))


def _football() -> Image.Image:
    """Draw the seams of a truncated icosahedron: dark patches round the twelve corners."""
    image = _speckled((62, 130, 50), 26, 2)
    radius, cx, cy = 245.0, 640.0, 370.0
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float64)
    u, v = (x - cx) / radius, (y - cy) / radius
    flat = 1 - u**2 - v**2
    points = np.stack([u, v, np.sqrt(flat.clip(0))], axis=-1)
    golden = (1 + 5**0.5) / 2
    corners = np.array([c for a in (-1, 1) for b in (-golden, golden)
                        for c in ((0, a, b), (a, b, 0), (b, 0, a))])  # fmt: skip
    corners /= np.linalg.norm(corners, axis=1)[:, None]
    tilt = np.array([[0.9, 0.1, 0.42], [-0.2, 0.96, 0.2], [-0.39, -0.26, 0.88]])
    near = np.sort(points @ (corners @ np.linalg.qr(tilt)[0]).T, axis=-1)
    ball = np.full((*u.shape, 3), 238.0)
    seam = (near[..., -1] - near[..., -2] < 0.02) & (near[..., -1] < 0.93)
    ball[seam] = 150
    ball[near[..., -1] > 0.93] = 28
    pixels = np.where((flat > 0)[..., None], ball, np.asarray(image)).astype(np.uint8)
    return _shade(Image.fromarray(pixels), (cx, cy), radius)


def _school_bus() -> Image.Image:
    image = _ground((205, 215, 225), (130, 175, 225))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 545, 1280, 720), fill=(88, 88, 92))
    pen.rectangle((0, 500, 1280, 545), fill=(80, 130, 60))
    yellow, dark = (246, 178, 20), (30, 30, 32)
    pen.rounded_rectangle((130, 170, 950, 560), radius=34, fill=yellow)
    pen.rounded_rectangle((900, 360, 1150, 560), radius=30, fill=yellow)
    pen.polygon([(930, 210), (985, 365), (930, 365)], fill=(170, 200, 215))
    for x in range(165, 830, 112):
        pen.rounded_rectangle((x, 215, x + 92, 330), radius=8, fill=dark)
        pen.rectangle((x + 6, 222, x + 86, 270), fill=(120, 150, 165))
    pen.rounded_rectangle((842, 215, 922, 540), radius=8, fill=dark)
    pen.rectangle((850, 225, 914, 380), fill=(120, 150, 165))
    for y in (352, 410, 468):
        pen.rectangle((130, y, 840, y + 9), fill=dark)
    pen.rectangle((1120, 420, 1150, 455), fill=(250, 245, 220))
    pen.rectangle((1128, 520, 1168, 556), fill=dark)
    for x in (310, 1020):
        _disc(pen, x, 560, 74, (20, 20, 22))
        _disc(pen, x, 560, 38, (170, 170, 172))
        _disc(pen, x, 560, 14, (60, 60, 62))
    return image


def _candle() -> Image.Image:
    image = _ground((38, 22, 14), (16, 10, 10))
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    glow = np.exp(-np.hypot(x - 640, (y - 210) * 0.9) / 170)[..., None]
    lit = np.asarray(image) + glow * np.asarray([255, 150, 50])
    image = Image.fromarray(lit.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.rectangle((560, 330, 720, 720), fill=(222, 196, 150))
    pen.ellipse((560, 300, 720, 360), fill=(250, 222, 165))
    pen.ellipse((590, 312, 690, 350), fill=(255, 236, 180))
    pen.line((640, 330, 642, 275), fill=(30, 20, 16), width=6)
    pen.polygon([(640, 105), (605, 235), (612, 268), (640, 290), (668, 268), (675, 235)],
                fill=(255, 190, 60))  # fmt: skip
    pen.ellipse((604, 200, 676, 292), fill=(255, 200, 70))
    pen.ellipse((622, 200, 658, 280), fill=(255, 248, 215))
    return image.filter(ImageFilter.GaussianBlur(3))


def _pumpkin() -> Image.Image:
    """Draw a carved pumpkin with a light inside."""
    image = _ground((30, 22, 26), (12, 10, 18))
    pen = ImageDraw.Draw(image)
    for half, shade in ((330, 0.72), (262, 0.84), (180, 0.93), (90, 1.0)):
        fill = (round(232 * shade), round(112 * shade), round(20 * shade))
        pen.ellipse((640 - half, 150, 640 + half, 650), fill=fill,
                    outline=(150, 66, 10), width=4)  # fmt: skip
    pen.polygon([(612, 165), (606, 80), (650, 66), (668, 165)], fill=(80, 100, 40))
    light = (255, 226, 110)
    for x in (500, 780):
        pen.polygon([(x - 62, 350), (x, 250), (x + 62, 350)], fill=light)
    pen.polygon([(612, 420), (640, 370), (668, 420)], fill=light)
    pen.polygon([(430, 450), (510, 475), (540, 505), (575, 485), (620, 500), (645, 525), (670, 500),
                 (720, 485), (745, 505), (775, 475), (850, 450), (790, 550), (740, 575), (705, 560),
                 (670, 590), (600, 590), (565, 560), (530, 572), (480, 540)],
                fill=light)  # fmt: skip
    return image.filter(ImageFilter.GaussianBlur(2))


def _ladybird() -> Image.Image:
    image = _speckled((70, 140, 45), 8, 4)
    pen = ImageDraw.Draw(image)
    for offset in range(-400, 1700, 150):
        pen.line((offset, 720, offset + 260, 0), fill=(92, 165, 62), width=7)
    for x, y in ((380, 250), (350, 400), (400, 540)):
        pen.line((520, 380, x, y), fill=(15, 15, 15), width=16)
        pen.line((760, 380, 1280 - x, y), fill=(15, 15, 15), width=16)
    pen.ellipse((540, 70, 740, 230), fill=(18, 18, 18))
    for x in (570, 710):
        _disc(pen, x, 130, 22, (240, 240, 235))
        pen.line((x, 95, x + (x - 640) * 0.7, 40), fill=(18, 18, 18), width=8)
    pen.ellipse((430, 150, 850, 640), fill=(205, 28, 22))
    pen.chord((430, 150, 850, 640), 236, 304, fill=(18, 18, 18))
    pen.line((640, 180, 640, 640), fill=(18, 18, 18), width=8)
    for x, y in ((535, 290), (510, 420), (570, 540), (590, 370)):
        _disc(pen, x, y, 38, (18, 18, 18))
        _disc(pen, 1280 - x, y, 38, (18, 18, 18))
    shaded = _shade(image, (640, 395), 250)
    return shaded.filter(ImageFilter.GaussianBlur(2))


def _parachute() -> Image.Image:
    image = _ground((185, 215, 245), (70, 135, 220))
    pen = ImageDraw.Draw(image)
    colours = ((225, 60, 40), (250, 250, 245), (35, 80, 170), (250, 250, 245), (225, 60, 40))
    for number, fill in enumerate(colours):
        half = 330 - 66 * number
        pen.pieslice((640 - half, 70, 640 + half, 530), 180, 360, fill=fill)
    for x in range(-290, 291, 145):
        pen.ellipse((640 + x - 72, 276, 640 + x + 72, 324), fill=(128, 176, 232))
    for x in range(-320, 321, 80):
        pen.line((640 + x, 290, 640, 560), fill=(40, 40, 50), width=3)
    _disc(pen, 640, 560, 18, (60, 45, 40))
    pen.rounded_rectangle((620, 572, 660, 640), radius=12, fill=(40, 60, 50))
    for side in (-1, 1):
        pen.line((640 + 14 * side, 585, 640 + 44 * side, 540), fill=(40, 60, 50), width=11)
        pen.line((640 + 8 * side, 636, 640 + 16 * side, 690), fill=(30, 34, 50), width=13)
    return image


def _piano() -> Image.Image:
    image = _ground((60, 34, 20), (30, 18, 12))
    pen = ImageDraw.Draw(image)
    pen.polygon([(0, 200), (1280, 200), (1280, 640), (0, 640)], fill=(22, 18, 18))
    for number, x in enumerate(range(-10, 1290, 80)):
        pen.rectangle((x, 210, x + 76, 620), fill=(246, 244, 236))
        pen.rectangle((x, 606, x + 76, 620), fill=(200, 196, 184))
        if number % 7 not in (2, 6):
            pen.rectangle((x + 56, 210, x + 100, 460), fill=(20, 20, 22))
            pen.rectangle((x + 62, 210, x + 92, 440), fill=(52, 52, 56))
    for number, x in enumerate(range(-10, 1290, 80)):
        if number % 7 not in (2, 6):
            pen.rectangle((x + 54, 205, x + 102, 460), fill=(18, 18, 20))
            pen.rectangle((x + 62, 205, x + 92, 442), fill=(50, 50, 54))
    return ImageChops.multiply(image, _ground((255, 255, 255), (215, 210, 205)))


DRAWN: dict[str, Callable[[], Image.Image]] = {
    "lighthouse": _lighthouse,
    "pizza": _pizza,
    "football": _football,
    "school bus": _school_bus,
    "candle": _candle,
    "pumpkin": _pumpkin,
    "ladybird": _ladybird,
    "parachute": _parachute,
    "piano": _piano,
}
