"""Draw slides and simple pictures with Pillow and the font that Pillow carries.

The embedded font makes every machine draw the same slide. Slides show their bullets one by one;
a picture may stand beside them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Painter = Callable[[ImageDraw.ImageDraw, tuple[int, int, int, int]], None]


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a deck."""

    paper: Colour = (250, 249, 246)
    ink: Colour = (28, 33, 40)
    accent: Colour = (0, 98, 155)
    soft: Colour = (120, 128, 138)


THEMES = (
    Theme(),
    Theme(paper=(255, 255, 255), accent=(170, 60, 30)),
    Theme(paper=(24, 32, 44), ink=(238, 240, 244), accent=(250, 190, 80), soft=(150, 160, 175)),
    Theme(paper=(243, 247, 241), accent=(40, 120, 70)),
)


@dataclass(frozen=True, slots=True)
class Slide:
    """A slide: a title, bullets that appear in turn, a small line at the foot, a picture."""

    title: str
    bullets: tuple[str, ...] = ()
    foot: str = ""
    subtitle: str = ""
    painter: Painter | None = field(default=None, compare=False)


def font(size: float) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font at `size` pixels."""
    chosen = ImageFont.load_default(size)
    if not isinstance(chosen, ImageFont.FreeTypeFont):  # Pillow built without FreeType
        raise TypeError("this Pillow cannot draw text at a given size")
    return chosen


def draw_slide(
    slide: Slide, size: tuple[int, int], theme: Theme = THEMES[0], shown: int | None = None
) -> Image.Image:
    """Draw `slide` with its first `shown` bullets (all if None)."""
    if slide.subtitle:
        return _title_slide(slide, size, theme)
    width, height = size
    image = Image.new("RGB", size, theme.paper)
    pen = ImageDraw.Draw(image)
    unit = height / 720
    pen.rectangle((0, 0, round(14 * unit), height), fill=theme.accent)
    write(pen, (70 * unit, 48 * unit), slide.title, 50 * unit, theme.ink, bold=True)
    pen.rectangle((70 * unit, 122 * unit, 230 * unit, 127 * unit), fill=theme.accent)
    columns = 62 if slide.painter is None else 30
    top = 170 * unit
    for bullet in slide.bullets[:shown]:
        pen.ellipse((74 * unit, top + 14 * unit, 88 * unit, top + 28 * unit), fill=theme.accent)
        for row in textwrap.wrap(bullet, columns):
            write(pen, (112 * unit, top), row, 34 * unit, theme.ink)
            top += 48 * unit
        top += 30 * unit
    if slide.painter is not None:
        box = (round(width * 0.55), round(150 * unit), width - round(60 * unit), round(620 * unit))
        slide.painter(pen, box)
    if slide.foot:
        write(pen, (70 * unit, 664 * unit), slide.foot, 22 * unit, theme.soft)
    return image


def _title_slide(slide: Slide, size: tuple[int, int], theme: Theme) -> Image.Image:
    width, height = size
    unit = height / 720
    image = Image.new("RGB", size, theme.accent)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, round(450 * unit), width, height), fill=theme.paper)
    write(pen, (90 * unit, 250 * unit), slide.title, 68 * unit, (255, 255, 255), bold=True)
    write(pen, (90 * unit, 490 * unit), slide.subtitle, 38 * unit, theme.ink)
    if slide.foot:
        write(pen, (90 * unit, 570 * unit), slide.foot, 26 * unit, theme.soft)
    return image


def write(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: float,
    colour: Colour,
    *,
    bold: bool = False,
    centre: bool = False,
) -> None:
    """Write one line of text; bold is a thin stroke, the embedded font has one weight."""
    stroke = max(1, round(size / 55)) if bold else 0
    pen.text(
        at, text, font=font(size), fill=colour, stroke_width=stroke, stroke_fill=colour,
        anchor="mm" if centre else "la",
    )  # fmt: skip


def boxes(
    pen: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    fills: Sequence[Colour],
    labels: Sequence[str],
) -> None:
    """Draw a row of filled cells with labels, as a cache is drawn on a blackboard."""
    x0, y0, x1, y1 = box
    step = (x1 - x0) / len(fills)
    for index, (fill, label) in enumerate(zip(fills, labels, strict=True)):
        left = x0 + index * step
        pen.rounded_rectangle((left + 3, y0, left + step - 3, y1), radius=8, fill=fill)
        write(pen, (left + step / 2, (y0 + y1) / 2), label, min(26, step * 0.4),
              (255, 255, 255), centre=True)  # fmt: skip
