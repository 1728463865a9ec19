"""Reading text in a part of a picture."""

from __future__ import annotations

from dataclasses import replace

from longtake.models.protocols import Image, Known, Rereader, TextLine, TextReader
from longtake.perception.edges import WHOLE, Box

EDGE = 3  # pixels: a line nearer to a cut border may be cut in two


def crop(image: Image, box: Box) -> tuple[Image, Box]:
    """Cut `box` out of a picture; return it with the box that whole pixels really give."""
    height, width = image.shape[:2]
    x0, y0 = int(box[0] * width), int(box[1] * height)
    x1, y1 = min(width, -int(-box[2] * width // 1)), min(height, -int(-box[3] * height // 1))
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    return image[y0:y1, x0:x1], (x0 / width, y0 / height, x1 / width, y1 / height)


def placed(line: TextLine, box: Box) -> TextLine:
    """Move a line read in a crop to its place in the whole picture."""
    wide, high = box[2] - box[0], box[3] - box[1]
    x0, y0, x1, y1 = line.box
    moved = (box[0] + x0 * wide, box[1] + y0 * high, box[0] + x1 * wide, box[1] + y1 * high)
    return replace(line, box=moved)


def is_torn(line: TextLine, part: Image, box: Box) -> bool:
    """Whether a line read in a crop touches a border that is not the picture's own."""
    height, width = part.shape[:2]
    x0, y0, x1, y1 = line.box
    return (
        (x0 * width < EDGE and box[0] > 0)
        or (y0 * height < 1 and box[1] > 0)
        or ((1 - x1) * width < EDGE and box[2] < 1)
        or ((1 - y1) * height < 1 and box[3] < 1)
    )


def read_box(
    reader: TextReader, image: Image, box: Box, known: Known | None = None
) -> tuple[list[TextLine], Box, int]:
    """Read `box`, or the whole picture when a line reaches out of the box.

    `known` answers for boxes of the whole picture that need not be read again. Returns the
    lines placed in the whole picture, the box that was read, and how many readings of a whole
    picture and of parts it took (parts count by their share of the area, in 1/100).
    """
    if box == WHOLE:
        return _read(reader, image, known), WHOLE, 100
    part, exact = crop(image, box)

    def inside(at: Box) -> tuple[str, float] | None:
        return known(placed(TextLine("", 0.0, at), exact).box) if known else None

    lines = _read(reader, part, inside)
    cost = round(100 * (exact[2] - exact[0]) * (exact[3] - exact[1]))
    if any(is_torn(line, part, exact) for line in lines):
        return _read(reader, image, known), WHOLE, 100 + cost
    return [placed(line, exact) for line in lines], exact, cost


def _read(reader: TextReader, image: Image, known: Known | None) -> list[TextLine]:
    """Read a picture, sparing what is known where the reader can."""
    if known is not None and isinstance(reader, Rereader):
        return reader.reread(image, known)
    return reader.read([image])[0]
