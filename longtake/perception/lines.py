"""Lines of screen text: what is one, when two readings are of one line, when it went on.

A line is known by its place, its text and its looks (`edges.Stencil`). A reader misreads, so texts
that are nearly alike are one line as long as it looks the same; a counter, a score or a clock
changes a letter or a digit in place, and is another line from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from longtake.models.protocols import TextLine
from longtake.perception.edges import Box, Stencil, TextWatch
from longtake.timecode import Seconds

LEAST_SCORE = 0.6
FIRM_SCORE = 0.8
SURE_NUMBER = 0.99
"""A number is believed to be another one, however little it changed, if both were read so well."""


@dataclass
class Line:
    """A line of text that is, or was a moment ago, on screen. `end` is exclusive."""

    id: str
    text: str
    score: float
    box: Box
    start: Seconds
    end: Seconds
    read_at: Seconds
    seen: bool = True
    readings: int = 1
    firm: bool = True
    mark: Stencil | None = field(default=None, repr=False)


def similarity(a: str, b: str) -> float:
    """Return how alike two readings are, 0..1, blind to case and blanks."""
    a, b = "".join(a.lower().split()), "".join(b.lower().split())
    return 1.0 if a == b else SequenceMatcher(None, a, b, autojunk=False).ratio()


def overlap(a: Box, b: Box) -> float:
    """Return the share of the smaller box that both cover."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return wide * high / smaller if smaller > 0 else 0.0


def readable(lines: list[TextLine]) -> list[TextLine]:
    """Drop what a reader sees in noise: low scores, no letter or digit, lone unsure characters."""
    kept = []
    for line in lines:
        solid = sum(c.isalnum() for c in line.text)
        if line.score >= LEAST_SCORE and (solid >= 2 or (solid == 1 and line.score >= 0.9)):
            kept.append(replace(line, text=" ".join(line.text.split())))
    return kept


def is_firm(text: str, score: float) -> bool:
    """Whether one reading is enough to believe a line.

    Camera pictures give lone glyphs of any script with any score, and longer nonsense with low
    scores; "42" and "Q&A" with a good score are a slide's number and a short title.
    """
    solid = sum(c.isalnum() for c in text)
    if solid >= 2:
        return score >= FIRM_SCORE
    return text.strip().isdigit() and text.isascii() and score >= 0.97


def went_on(line: Line, found: TextLine, watch: TextWatch) -> bool:
    """Whether a letter or digit of a line that stands was put in the place of another."""
    if line.mark is None:
        return False
    number = digits(line.text) != digits(found.text)
    sure = number and min(line.score, found.score) >= SURE_NUMBER
    if sure and not line.mark.unchanged(watch.grey):
        return True
    exchanged = number or len("".join(line.text.split())) == len("".join(found.text.split()))
    return exchanged and line.mark.altered(watch.grey)


def same_look(line: Line, found: TextLine, watch: TextWatch) -> bool:
    """Whether the picture at the line's place is as it was, so that only the reading differs."""
    if line.mark is None:
        return False
    wider = (found.box[2] - found.box[0]) > 1.1 * (line.box[2] - line.box[0])
    return line.mark.present(watch.grey) >= 0.9 and not wider


def as_it_was(line: Line, box: Box, watch: TextWatch) -> bool:
    """Whether a box found now is the line's place, and nothing there looks otherwise."""
    assert watch.edges is not None
    height, width = watch.edges.shape
    tall = max(box[3] - box[1], line.box[3] - line.box[1]) * height
    away = [abs(a - b) for a, b in zip(box, line.box, strict=True)]
    if (
        max(away[1], away[3]) * height > tall / 4 + 1
        or max(away[0], away[2]) * width > tall / 2 + 1
    ):
        return False
    if line.mark is None or not line.mark.unchanged(watch.grey):
        return False
    return watch.as_read(box)  # what lies beside the line's own box


def digits(text: str) -> str:
    """The digits of a text, in order."""
    return "".join(c for c in text if c.isdigit())
