"""Crops of a frame at full resolution, enlarged until small print can be read.

A text reader looks for lines in a picture of bounded size, so print of six pixels in a large frame
is lost to it. Here the frame is cut into overlapping cells, those whose fine edges promise text are
read first, each enlarged to about the reader's own size: IVA's spatial zoom (S30) without its
training. The same edges say where text stands that was not read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longtake.models.protocols import Image, TextLine, TextReader
from longtake.perception.edges import STRONG, Box
from longtake.perception.lines import overlap, readable
from longtake.perception.reading import crop, is_torn, placed

SIDE = 1280
"""Pixels of the longer side to which a cell is enlarged: what readers look at."""
CELL = 320
LEAST_CELLS = (3, 2)
MOST_TIMES = 6
MOST_CELLS = 12
LAP = 0.15
"""Share by which neighbouring cells overlap."""
PATCH = 12
"""Pixels: small print fills such a patch with edges, a wall or a sky does not."""
INK = 0.25
"""Least share of a patch's pixels at strong edges for it to promise text."""
MOST_INK = 0.69
"""Weight of edges alone; lines that were read unsurely weigh more."""
SURE = 0.8
"""Lines read less surely than this count as unread."""


def enlarged(image: Image, times: int = 2) -> Image:
    """Return the picture that many times as large."""
    import cv2

    height, width = image.shape[:2]
    size = (width * times, height * times)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def cells(width: int, height: int) -> list[Box]:
    """Cut a frame into overlapping cells of about `CELL` pixels, row by row."""
    columns = max(LEAST_CELLS[0], -(-width // CELL))
    rows = max(LEAST_CELLS[1], -(-height // CELL))
    lap_x, lap_y = LAP / columns, LAP / rows
    return [
        (
            max(0.0, x / columns - lap_x), max(0.0, y / rows - lap_y),
            min(1.0, (x + 1) / columns + lap_x), min(1.0, (y + 1) / rows + lap_y),
        )
        for y in range(rows)
        for x in range(columns)
    ]  # fmt: skip


def ink(image: Image) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Where fine, strong edges are, at full resolution."""
    import cv2

    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    slope = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = np.asarray(slope) >= STRONG
    return found


def promising(image: Image, lines: Sequence[TextLine] = ()) -> list[tuple[Box, float]]:
    """Return the cells that hold fine edges outside of surely read lines, most of it first."""
    height, width = image.shape[:2]
    marks = ink(image)
    for line in lines:
        if line.score >= SURE:
            x0, y0, x1, y1 = line.box
            top, left = max(0, int(y0 * height) - 2), max(0, int(x0 * width) - 2)
            marks[top : int(y1 * height) + 3, left : int(x1 * width) + 3] = False
    found = []
    for box in cells(width, height):
        x0, y0, x1, y1 = box
        part = marks[int(y0 * height) : int(y1 * height), int(x0 * width) : int(x1 * width)]
        share = _densest(part)
        if share >= INK:
            found.append((box, round(min(MOST_INK, share), 4)))
    return sorted(found, key=lambda one: (-one[1], one[0]))


def _densest(marks: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> float:
    """Share of edges in the two densest patches of a cell."""
    rows, columns = marks.shape[0] // PATCH, marks.shape[1] // PATCH
    if rows * columns < 2:
        return float(marks.mean()) if marks.size else 0.0
    whole = marks[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
    return float(np.sort(whole.mean(axis=(1, 3)).ravel())[-2:].mean())


def unread_parts(image: Image, lines: Sequence[TextLine], most: int = 6) -> list[tuple[Box, float]]:
    """Return the regions that may hold text which was not read, best first.

    A line that was read unsurely is one itself; it weighs more than edges alone.
    """
    unsure = [(_room(line.box), round(1.5 - line.score, 4)) for line in lines if line.score < SURE]
    return sorted([*unsure, *promising(image, lines)], key=lambda one: (-one[1], one[0]))[:most]


def read_grid(
    reader: TextReader, image: Image, boxes: Sequence[Box] = (), most: int = MOST_CELLS
) -> tuple[list[TextLine], int]:
    """Read parts of a frame, enlarged; without `boxes` the cells that promise text.

    A line that is cut by the border of its cell is read again in a wider one.
    """
    chosen = list(boxes) or [box for box, _ in promising(image)]
    chosen = chosen or cells(image.shape[1], image.shape[0])
    lines: list[TextLine] = []
    count = 0
    for box in chosen[:most]:
        found, torn = _read(reader, image, box)
        count += 1
        if torn:
            wide = (max(0.0, box[0] - (box[2] - box[0]) / 2), box[1],
                    min(1.0, box[2] + (box[2] - box[0]) / 2), box[3])  # fmt: skip
            found += _read(reader, image, wide)[0]
            count += 1
        for line in found:
            lines = better(lines, line)
    return sorted(lines, key=lambda one: (round(one.box[1], 2), one.box[0], one.text)), count


def _read(reader: TextReader, image: Image, box: Box) -> tuple[list[TextLine], bool]:
    """Return the whole lines of one cell, in the frame's own terms, and whether some are cut."""
    part, exact = crop(image, box)
    times = max(1, min(MOST_TIMES, SIDE // max(part.shape[:2])))
    found = readable(reader.read([enlarged(part, times)])[0])
    whole = [line for line in found if not is_torn(line, part, exact)]
    return [placed(line, exact) for line in whole], len(whole) < len(found)


def better(lines: list[TextLine], new: TextLine) -> list[TextLine]:
    """Add a line read in a crop, in place of worse readings of the same text."""
    same = [line for line in lines if overlap(line.box, new.box) > 0.5]
    if not same:
        return [*lines, new]
    width = new.box[2] - new.box[0]
    shorter = width < 0.9 * max(line.box[2] - line.box[0] for line in same)
    if shorter or max(line.score for line in same) >= new.score:
        return lines
    return [*[line for line in lines if line not in same], new]


def _room(box: Box) -> Box:
    """A box with some room around it."""
    wide, high = 0.25 * (box[2] - box[0]), 0.75 * (box[3] - box[1])
    return (
        round(max(0.0, box[0] - wide), 4), round(max(0.0, box[1] - high), 4),
        round(min(1.0, box[2] + wide), 4), round(min(1.0, box[3] + high), 4),
    )  # fmt: skip
