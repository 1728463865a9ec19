"""Pages of screen text as a reader sees them: a title, rows of cells, columns under their heads.

Screen text is remembered line by line, and a cell of a table ("4,980") says nothing alone. Where
lines stand beside one another, the cell at the left of the row and the head of the column belong
to each, and are read and quoted with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import Candidate
from longtake.agent.state import Part
from longtake.timecode import Span
from longtake.tools.corpus import Unit
from longtake.tools.words import stem, stems

SHORT_LINE = 3
"""Lines of at most so many words are headings or cells and need their neighbours."""
SAME_COLUMN = 0.08
"""How far, in widths of the picture, the left edges of one column may lie apart."""

SAME_EDGE = 0.03
"""How far the left edges of labels may lie apart."""


@dataclass(frozen=True, slots=True)
class Place:
    """What belongs to a line: the page's title, the label of its row, the head of its column."""

    title: Unit | None = None
    label: Unit | None = None
    head: Unit | None = None
    row: tuple[Unit, ...] = ()
    """The cells of its row, from left to right."""
    above: tuple[Unit, ...] = ()
    """The lines of the page above it, downwards; not those of a table."""
    names: bool = False
    """The line only names what others on the page say: a title, a label, a head."""

    @property
    def cell(self) -> bool:
        """Whether the line is a cell of a table, right of a label."""
        return self.label is not None

    def around(self) -> list[Unit]:
        """The lines that belong to it, from the widest to the nearest."""
        return [unit for unit in (self.title, self.head, self.label) if unit is not None]


def place_of(desk: Desk, one: Candidate) -> Place:
    """Where a candidate from the screen stands on its page."""
    known = desk.places.get(one["id"])
    if known is None:
        known = desk.places[one["id"]] = _placed(desk, one)
    return known


def _placed(desk: Desk, one: Candidate) -> Place:
    lane = desk.lane(one["video"], "screen")
    page = [u for u in lane.at(span_of(one)) if _with(u, one) and u.record.data.get("box")]
    page = [u for u in page if u.record.id not in desk.corpus.furniture or u.record.id == one["id"]]
    own = next((u for u in page if u.record.id == one["id"]), None)
    if own is None:
        return Place()
    rows = _rows(page)
    table = [row for row in rows if len(row) > 1]
    title = rows[0][0] if len(rows[0]) == 1 and rows[0][0] is not own else None
    row = next(r for r in rows if own in r)
    if len(row) < 2 or not _is_table(table):
        above = tuple(u for r in rows[: rows.index(row)] for u in r)
        return Place(title, above=above, names=own is rows[0][0] and len(page) > 1)
    if row is table[0] or row[0] is own:
        return Place(title, names=True)
    near = min(table[0], key=lambda u: (abs(_box(u)[0] - _box(own)[0]), u.record.id))
    head = near if abs(_box(near)[0] - _box(own)[0]) <= SAME_COLUMN else None
    return Place(title, row[0], head, tuple(row))


def _is_table(rows: Sequence[Sequence[Unit]]) -> bool:
    """Whether rows of several cells begin at one edge, as labels do; words beside a figure do not."""
    if len(rows) < 2:
        return False
    edges = sorted(_box(row[0])[0] for row in rows)
    middle = edges[len(edges) // 2]
    aligned = sum(abs(edge - middle) <= SAME_EDGE for edge in edges)
    return aligned >= max(2, 0.7 * len(rows))


def _rows(page: Sequence[Unit]) -> list[list[Unit]]:
    """Lines grouped by height, each row from left to right."""
    rows: list[list[Unit]] = []
    for unit in sorted(page, key=lambda u: (_middle(u), _box(u)[0], u.record.id)):
        high = _box(unit)[3] - _box(unit)[1]
        if rows and abs(_middle(rows[-1][0]) - _middle(unit)) <= 0.4 * max(high, 0.01):
            rows[-1].append(unit)
        else:
            rows.append([unit])
    return [sorted(row, key=lambda u: (_box(u)[0], u.record.id)) for row in rows]


def _box(unit: Unit) -> Sequence[float]:
    box: Sequence[float] = unit.record.data["box"]
    return box


def _middle(unit: Unit) -> float:
    return 0.5 * (_box(unit)[1] + _box(unit)[3])


def page_lines(desk: Desk, one: Candidate, most: int = 6) -> list[Candidate]:
    """The candidate's line first, what belongs to it, then the rest of its page downwards."""
    shared = desk.lane(one["video"], "screen").at(span_of(one))
    others = [u for u in shared if u.record.id != one["id"] and _with(u, one)]
    others.sort(key=lambda u: (top(u), u.record.span.start, u.record.id))
    belongs = _belonging(desk, one)
    others = [*belongs, *(u for u in others if u not in belongs)]
    return [one, *(candidate(u, 0.6 * one["score"]) for u in others[: most - 1])]


def _belonging(desk: Desk, one: Candidate) -> list[Unit]:
    place = place_of(desk, one)
    return [u for u in (place.label, place.head) if u is not None] if place.cell else []


def trimmed(desk: Desk, part: Part, lines: Sequence[Candidate]) -> list[Candidate]:
    """The lines of a page that bear on the question; the first is the best one.

    Asked what the page shows, all that can be read as text; asked for something special, a cell
    with its label and head, or the lines that share a word with the question, and what a short
    line (a heading) goes with.
    """
    best, others = lines[0], lines[1:]
    if re.search(r"\b(?:slide|screen|page|board)s?\b|\bwritten\b", part["text"].lower()):
        return [best, *(c for c in others if readable(c["quote"]))]
    names = {unit.record.id for unit in _belonging(desk, best)}
    if names:
        return [best, *(c for c in others if c["id"] in names)]
    roots = {stem(word) for word in part["words"]}
    kept = [c for c in others if roots & set(stems(c["quote"])) and readable(c["quote"])]
    if not kept and len(best["quote"].split()) <= SHORT_LINE:
        kept = [c for c in others if readable(c["quote"])][:2]
    return [best, *kept]


def readable(line: str) -> bool:
    """Whether a line says something: not only digits, a single letter or an axis' ticks.

    >>> [readable(x) for x in ("8", "x", "0.2 0.4 0.6", "Lab 3", "Office hours")]
    [False, False, False, True, True]
    """
    return bool(re.search(r"[^\W\d_]{2,}", line))


def same_page(one: Span, other: Span) -> bool:
    """Whether two lines are on screen together for most of the time that either is."""
    return one.overlap(other) >= 0.5 * min(one.duration, other.duration)


def _with(unit: Unit, one: Candidate) -> bool:
    return same_page(span_of(one), unit.record.span)


def top(unit: Unit) -> float:
    """Height of a line on its page, 0 at the top."""
    box = unit.record.data.get("box")
    return round(float(box[1]), 2) if box else 0.0


def span_of(one: Candidate) -> Span:
    """A candidate's span, never quite empty."""
    return Span(one["start"], max(one["end"], one["start"] + 1e-3))
