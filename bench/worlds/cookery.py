"""Drawn views of a cooking day: cooks in their aprons, and things seen in passing.

An apron's colour is only seen in these views; `LABEL` can only be read on the jar.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bench.worlds.draw import Colour, write

SIZE = (1280, 720)
APRONS: dict[int, tuple[str, Colour]] = {
    1: ("red", (196, 30, 36)),
    2: ("green", (28, 128, 60)),
    3: ("yellow", (246, 208, 48)),
    4: ("blue", (32, 78, 176)),
    5: ("purple", (110, 46, 150)),
}
"""Table numbers, with the name of the apron's colour and the colour."""
LABEL = ("PLUM JAM", "1998")
_HAIR: tuple[Colour, ...] = (
    (70, 44, 26),
    (30, 26, 24),
    (20, 18, 20),
    (60, 40, 30),
    (206, 206, 204),
)


def _blend(low: Colour, high: Colour) -> Image.Image:
    share = np.linspace(0, 1, SIZE[1])[:, None, None]
    column = np.asarray(low) * share + np.asarray(high) * (1 - share)
    return Image.fromarray(np.repeat(column, SIZE[0], axis=1).astype(np.uint8))


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: Colour) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _kitchen() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return tiles, a shelf with pots and a work table."""
    image = Image.new("RGB", SIZE, (226, 226, 220))
    pen = ImageDraw.Draw(image)
    for x in range(0, 1280, 80):
        pen.line((x, 0, x, 560), fill=(208, 210, 204), width=3)
    for y in range(0, 560, 80):
        pen.line((0, y, 1280, y), fill=(208, 210, 204), width=3)
    pen.rectangle((40, 210, 400, 226), fill=(120, 92, 64))
    for x, high in ((80, 70), (190, 100), (300, 60)):
        pen.rounded_rectangle((x, 210 - high, x + 80, 210), radius=8, fill=(150, 152, 156))
        pen.rectangle((x - 8, 204 - high, x + 88, 216 - high), fill=(110, 112, 116))
    pen.rectangle((0, 560, *SIZE), fill=(158, 122, 84))
    pen.rectangle((0, 560, 1280, 576), fill=(184, 146, 104))
    return image, pen


def _cook(table: int) -> Image.Image:
    """Draw a cook behind a table, in an apron, with the table's number on a card."""
    apron = APRONS[table][1]
    image, pen = _kitchen()
    pen.polygon([(480, 330), (800, 330), (860, 570), (420, 570)], fill=(244, 242, 236))
    pen.polygon([(560, 320), (720, 320), (770, 420), (790, 570), (490, 570), (510, 420)],
                fill=apron)  # fmt: skip
    for side in (-1, 1):
        pen.line((640 + 74 * side, 330, 640 + 50 * side, 262), fill=apron, width=18)
        pen.line((640 + 190 * side, 430, 640 + 130 * side, 590), fill=(224, 180, 150), width=46)
    pen.rectangle((572, 480, 708, 486), fill=tuple(part * 2 // 3 for part in apron))
    _disc(pen, 640, 176, 96, _HAIR[table - 1])
    _disc(pen, 640, 190, 82, (226, 184, 154))
    for x in (610, 670):
        _disc(pen, x, 184, 8, (40, 34, 32))
    pen.arc((606, 190, 674, 240), 20, 160, fill=(150, 70, 60), width=6)
    pen.rounded_rectangle((560, 60, 720, 116), radius=24, fill=(250, 250, 248))
    pen.ellipse((544, 8, 736, 90), fill=(250, 250, 248))
    pen.ellipse((400, 560, 880, 690), fill=(214, 214, 210))
    pen.ellipse((440, 572, 840, 664), fill=(240, 232, 206))
    pen.polygon([(960, 450), (1150, 450), (1170, 590), (940, 590)], fill=(252, 252, 250))
    write(pen, (1054, 518), str(table), 116, (24, 24, 28), bold=True, centre=True)
    return image.filter(ImageFilter.GaussianBlur(1.4))


def _smoke() -> Image.Image:
    image, pen = _kitchen()
    pen.rectangle((520, 470, 760, 566), fill=(70, 72, 76))
    noise = np.random.default_rng(21).normal(0, 1, (9, 16))
    cloud = Image.fromarray(((noise - noise.min()) * 60).clip(0, 255).astype(np.uint8))
    mask = cloud.resize(SIZE, Image.Resampling.BICUBIC).point(lambda value: 130 + value * 2 // 5)
    image.paste(Image.new("RGB", SIZE, (120, 120, 122)), mask=mask)
    return image.filter(ImageFilter.GaussianBlur(6))


def _snowman() -> Image.Image:
    image = _blend((214, 224, 236), (150, 174, 204))
    pen = ImageDraw.Draw(image)
    for x, high in ((120, 330), (300, 260), (1010, 300), (1180, 380)):
        for step in range(3):
            top = 520 - high + step * high // 4
            wide = 50 + 28 * step
            pen.polygon([(x, top), (x - wide, top + high // 2), (x + wide, top + high // 2)],
                        fill=(44, 78, 62))  # fmt: skip
    pen.polygon([(0, 520), (500, 480), (1280, 530), (1280, 720), (0, 720)], fill=(240, 244, 250))
    for y, radius in ((580, 136), (392, 104), (240, 78)):
        _disc(pen, 640, y, radius + 4, (196, 208, 224))
        _disc(pen, 634, y - 5, radius - 2, (252, 253, 255))
    for x in (612, 664):
        _disc(pen, x, 222, 10, (26, 26, 30))
    pen.polygon([(636, 244), (760, 262), (636, 272)], fill=(240, 130, 36))
    for step, x in enumerate((602, 620, 640, 660, 678)):
        _disc(pen, x, 288 - abs(step - 2) * 6, 5, (26, 26, 30))
    for y in (360, 400, 440):
        _disc(pen, 636, y, 11, (26, 26, 30))
    pen.rectangle((566, 150, 712, 170), fill=(30, 30, 34))
    pen.rectangle((588, 68, 690, 156), fill=(30, 30, 34))
    for side in (-1, 1):
        tip = (640 + 230 * side, 290)
        pen.line((640 + 96 * side, 380, *tip), fill=(84, 58, 38), width=12)
        pen.line((640 + 190 * side, 316, 640 + 236 * side, 340), fill=(84, 58, 38), width=8)
    return image.filter(ImageFilter.GaussianBlur(1.6))


def _pretzel() -> Image.Image:
    image = Image.new("RGB", SIZE, (232, 226, 214))
    pen = ImageDraw.Draw(image)
    pen.ellipse((170, 60, 1110, 690), fill=(250, 250, 248), outline=(206, 208, 212), width=10)
    loop = [(980, 330), (985, 230), (890, 165), (770, 190), (690, 280), (640, 360), (560, 450),
            (470, 530), (430, 560)]  # fmt: skip
    mirror = [(1280 - x, y) for x, y in loop]
    base = [(980, 330), (950, 450), (850, 550), (700, 590), (580, 590), (430, 550), (330, 450),
            (300, 330)]  # fmt: skip
    for wide, fill in ((86, (110, 54, 18)), (70, (170, 90, 34)), (30, (196, 118, 54))):
        for line in (base, loop, mirror):
            smooth = _smooth(line)
            pen.line(smooth, fill=fill, width=wide, joint="curve")
            for x, y in smooth:
                _disc(pen, x, y, wide / 2, fill)
    chance = np.random.default_rng(4)
    for x, y in _smooth(base)[8::3]:
        u, v = chance.uniform(-22, 22, 2)
        pen.rectangle((x + u - 6, y + v - 5, x + u + 6, y + v + 5), fill=(252, 250, 244))
    return image.filter(ImageFilter.GaussianBlur(1.8))


def _smooth(points: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Return the points of a curve through `points` (Catmull-Rom)."""
    padded = np.asarray([points[0], *points, points[-1]], float)
    curve = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for t in np.linspace(0, 1, 12):
            x, y = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                          + (3 * b - a - 3 * c + d) * t**3)  # fmt: skip
            curve.append((float(x), float(y)))
    return curve


def _mushroom() -> Image.Image:
    noise = np.random.default_rng(6).normal(0, 14, (SIZE[1], SIZE[0], 1))
    moss = (np.asarray((66, 104, 48)) + noise).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(moss).filter(ImageFilter.GaussianBlur(1.2))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 1280, 300), fill=(36, 58, 36))
    for x in range(40, 1280, 170):
        pen.rectangle((x, 0, x + 46, 310), fill=(64, 48, 36))
    image = image.filter(ImageFilter.GaussianBlur(5))
    pen = ImageDraw.Draw(image)
    pen.polygon([(580, 340), (700, 340), (730, 650), (550, 650)], fill=(240, 234, 216))
    pen.ellipse((530, 600, 750, 690), fill=(232, 224, 204))
    pen.polygon([(540, 420), (740, 420), (770, 470), (510, 470)], fill=(250, 246, 232))
    pen.ellipse((330, 310, 950, 430), fill=(238, 226, 200))
    pen.pieslice((320, 90, 960, 640), 180, 360, fill=(202, 28, 26))
    pen.ellipse((320, 330, 960, 410), fill=(186, 22, 22))
    for x, y, radius in ((480, 260, 34), (600, 180, 40), (740, 220, 36), (650, 290, 30),
                         (850, 300, 26), (400, 330, 22), (550, 340, 24), (770, 340, 28)):  # fmt: skip
        pen.ellipse((x - radius, y - radius * 0.8, x + radius, y + radius * 0.8),
                    fill=(250, 246, 238))  # fmt: skip
    return image.filter(ImageFilter.GaussianBlur(1.8))


def _pineapple() -> Image.Image:
    image = _blend((214, 206, 190), (236, 232, 224))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 610, *SIZE), fill=(150, 112, 76))
    for ring in range(5):
        for leaf in range(-3, 4):
            tip = (640 + leaf * (58 - ring * 7), 20 + abs(leaf) * 26 + ring * 24)
            shade = (40 + 14 * ring, 116 + 12 * ring, 52)
            base = 270
            pen.polygon([(640 + leaf * 16 - 20, base), (640 + leaf * 16 + 20, base), tip],
                        fill=shade)  # fmt: skip
    body = Image.new("L", SIZE, 0)
    ImageDraw.Draw(body).ellipse((480, 232, 800, 660), fill=255)
    skin = Image.new("RGB", SIZE, (212, 150, 40))
    ink = ImageDraw.Draw(skin)
    for offset in range(-900, 1300, 52):
        ink.line((offset, 720, offset + 620, 200), fill=(140, 88, 24), width=7)
        ink.line((offset + 620, 720, offset, 200), fill=(140, 88, 24), width=7)
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    light = (1.15 - np.hypot(x - 590, y - 400) / 420).clip(0.45, 1.15)[..., None]
    skin = Image.fromarray((np.asarray(skin) * light).clip(0, 255).astype(np.uint8))
    image.paste(skin, mask=body)
    return image.filter(ImageFilter.GaussianBlur(1.8))


def _jar() -> Image.Image:
    image, pen = _kitchen()
    pen.rounded_rectangle((400, 170, 880, 660), radius=60, fill=(92, 24, 50))
    pen.rounded_rectangle((430, 190, 470, 620), radius=18, fill=(142, 70, 96))
    pen.rounded_rectangle((424, 96, 856, 186), radius=16, fill=(190, 192, 196))
    for x in range(436, 850, 26):
        pen.line((x, 104, x, 180), fill=(160, 162, 166), width=4)
    pen.rounded_rectangle((450, 300, 830, 560), radius=14, fill=(250, 246, 232))
    for line, y in zip(LABEL, (376, 480), strict=True):
        write(pen, (640, y), line, 66 if y < 400 else 104, (30, 28, 26), bold=True, centre=True)
    return image.filter(ImageFilter.GaussianBlur(1.2))


def _pot() -> Image.Image:
    image, pen = _kitchen()
    body, deep = (240, 124, 24), (190, 90, 12)
    for side in (-1, 1):
        pen.arc((640 + 270 * side - 70, 350, 640 + 270 * side + 70, 450), 0, 360, fill=deep,
                width=28)  # fmt: skip
    pen.rounded_rectangle((360, 300, 920, 630), radius=60, fill=body)
    pen.rounded_rectangle((340, 276, 940, 326), radius=20, fill=deep)
    pen.pieslice((350, 130, 930, 430), 180, 360, fill=body)
    pen.rectangle((350, 276, 930, 284), fill=deep)
    pen.rounded_rectangle((596, 96, 684, 144), radius=20, fill=(44, 44, 48))
    pen.rounded_rectangle((410, 350, 440, 570), radius=14, fill=(250, 170, 96))
    return image.filter(ImageFilter.GaussianBlur(1.8))


DRAWN: dict[str, Callable[[], Image.Image]] = {
    **{f"table {number}": partial(_cook, number) for number in APRONS},
    "smoke": _smoke,
    "snowman": _snowman,
    "pretzel": _pretzel,
    "mushroom": _mushroom,
    "pineapple": _pineapple,
    "jar": _jar,
    "iron pot": _pot,
}
