"""Draw sheets that are no plain slides: tables, code and posters; lists are drawn as slides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw

from bench.worlds.draw import Colour, Slide, Theme, draw_slide, write

Layout = Literal["list", "table", "code", "poster"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A title, lines laid out in some way, and a small line at the foot."""

    title: str
    lines: tuple[str, ...]
    layout: Layout = "list"
    foot: str = ""


def draw_sheet(sheet: Sheet, size: tuple[int, int], theme: Theme) -> Image.Image:
    """Draw `sheet`."""
    if sheet.layout == "list":
        return draw_slide(Slide(sheet.title, sheet.lines, foot=sheet.foot), size, theme)
    unit = size[1] / 720
    paper = (22, 27, 34) if sheet.layout == "code" else theme.paper
    image = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(image)
    body = {"table": _table, "code": _code, "poster": _poster}[sheet.layout]
    body(pen, sheet, size, theme)
    write(pen, (70 * unit, 664 * unit), sheet.foot, 22 * unit, theme.soft)
    return image


def _on_accent(theme: Theme) -> Colour:
    """Return a colour that can be read on the theme's accent."""
    return (255, 255, 255) if sum(theme.accent) < 400 else (24, 32, 44)


def _table(pen: ImageDraw.ImageDraw, sheet: Sheet, size: tuple[int, int], theme: Theme) -> None:
    """Draw rows under a header, with lines between them."""
    width, height = size
    unit = height / 720
    write(pen, (70 * unit, 48 * unit), sheet.title, 50 * unit, theme.ink, bold=True)
    left, right, top = 70 * unit, width - 70 * unit, 150 * unit
    for number, row in enumerate(sheet.lines):
        cells = [cell.strip() for cell in row.split("|")]
        if number == 0:
            pen.rectangle((left, top, right, top + 66 * unit), fill=theme.accent)
        ink = _on_accent(theme) if number == 0 else theme.ink
        step = (right - left) / len(cells)
        for place, cell in enumerate(cells):
            at = (left + step * place + 22 * unit, top + 12 * unit)
            write(pen, at, cell, 34 * unit, ink, bold=number == 0)
        top += 84 * unit
        pen.line((left, top - 9 * unit, right, top - 9 * unit), fill=theme.soft, width=1)


def _code(pen: ImageDraw.ImageDraw, sheet: Sheet, size: tuple[int, int], theme: Theme) -> None:
    """Draw numbered lines, light on dark, under a tab with the file's name."""
    unit = size[1] / 720
    pen.rectangle((0, 0, size[0], 84 * unit), fill=(48, 54, 61))
    write(pen, (70 * unit, 20 * unit), sheet.title, 36 * unit, (240, 246, 252))
    for number, line in enumerate(sheet.lines, 1):
        top = 60 * unit + 74 * unit * number
        write(pen, (70 * unit, top), line, 36 * unit, (165, 214, 255))


def _poster(pen: ImageDraw.ImageDraw, sheet: Sheet, size: tuple[int, int], theme: Theme) -> None:
    """Draw centred lines, as on a wall."""
    width, height = size
    unit = height / 720
    pen.rectangle((0, 0, width, 190 * unit), fill=theme.accent)
    write(pen, (width / 2, 96 * unit), sheet.title, 66 * unit, _on_accent(theme), bold=True,
          centre=True)  # fmt: skip
    for number, line in enumerate(sheet.lines):
        write(pen, (width / 2, (290 + 110 * number) * unit), line, 50 * unit, theme.ink,
              centre=True)  # fmt: skip
