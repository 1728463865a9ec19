"""Draw what an auction shows: cards of lots with the bid of the moment, names of those who speak.

A card's colour is only seen; what is said never names it. The lowest fifth stays free for names.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from bench.worlds.draw import Colour, write

_WHITE: Colour = (255, 255, 255)
_BLACK: Colour = (20, 22, 26)
COLOURS: dict[str, tuple[Colour, Colour]] = {
    "red": ((176, 36, 34), _WHITE),
    "green": ((34, 112, 60), _WHITE),
    "yellow": ((244, 208, 62), _BLACK),
    "purple": ((98, 46, 140), _WHITE),
    "orange": ((236, 132, 38), _BLACK),
    "blue": ((28, 76, 164), _WHITE),
}
"""A colour's name, its paper and its ink."""


@dataclass(frozen=True, slots=True)
class LotCard:
    """A lot's card; `box` is what stands in its box for bids: a head, a large word, a foot."""

    title: str
    name: str
    lines: tuple[str, ...]
    colour: str
    box: tuple[str, str, str] = ("Bid", "-", "")


def draw_card(card: LotCard, size: tuple[int, int]) -> Image.Image:
    """Draw `card`."""
    paper, ink = COLOURS[card.colour]
    unit = size[1] / 720
    image = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(image)
    write(pen, (70 * unit, 50 * unit), card.title, 46 * unit, ink, bold=True)
    write(pen, (70 * unit, 120 * unit), card.name, 62 * unit, ink, bold=True)
    for number, line in enumerate(card.lines):
        write(pen, (70 * unit, (240 + 66 * number) * unit), line, 36 * unit, ink)
    left, right = size[0] - 420 * unit, size[0] - 60 * unit
    pen.rounded_rectangle((left, 230 * unit, right, 530 * unit), radius=round(18 * unit),
                          fill=_WHITE)  # fmt: skip
    middle = (left + right) / 2
    for text, y, large in zip(card.box, (275, 370, 475), (40, 100, 44), strict=True):
        write(pen, (middle, y * unit), text, large * unit, _BLACK, centre=True, bold=large > 50)
    return image


def draw_name(image: Image.Image, name: str, role: str) -> Image.Image:
    """Return the picture with a bar that tells who speaks."""
    named = image.copy()
    unit = image.height / 720
    pen = ImageDraw.Draw(named)
    pen.rectangle((50 * unit, 596 * unit, 640 * unit, 700 * unit), fill=(16, 24, 38))
    pen.rectangle((50 * unit, 596 * unit, 62 * unit, 700 * unit), fill=(250, 190, 80))
    write(pen, (84 * unit, 604 * unit), name, 40 * unit, _WHITE, bold=True)
    write(pen, (84 * unit, 654 * unit), role, 30 * unit, (210, 218, 230))
    return named


def draw_dark(size: tuple[int, int]) -> Image.Image:
    """Draw a hall without light: hardly more than the edge of the stage."""
    image = Image.new("RGB", size, (7, 7, 9))
    pen = ImageDraw.Draw(image)
    pen.polygon([(0, size[1]), (size[0] * 0.2, size[1] * 0.7), (size[0] * 0.8, size[1] * 0.7),
                 (size[0], size[1])], fill=(13, 12, 13))  # fmt: skip
    return image
