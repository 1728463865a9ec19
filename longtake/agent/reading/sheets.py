"""Pages by their headings: what has a page of its own, and from when to when it is dealt with.

A page headed "Raffle" is up while the raffle is held, however many lines it has; pages headed
"Item 4 / Umbrella", "Item 5 / Records" are a series, whose members can be counted, put in order and
stepped along. A sheet is the stretch in which one heading is up, with the pictures that interrupt
it. Everything is read off the pages that were remembered; nothing is known of what a series is of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from longtake.agent.desk import Desk, candidate, row
from longtake.agent.findings import Candidate
from longtake.storage.records import Record
from longtake.timecode import Seconds, Span
from longtake.tools.topic import FUNCTION
from longtake.tools.words import stem, tokens

LEAST = 3
"""So many numbered headings with one label are a series."""
FIXED = 0.34
"""Share of the pages from which on a line belongs to all of them."""
RETURNS: Seconds = 60.0
"""A heading that comes back within this time was only interrupted."""
NEAREST, BEYOND = 0.6, 0.12
"""Least cosine of a name in other words, and how far it must lie above the next member's."""
TURNED = 0.45
"""Least cosine of a word with the line that a page turned to."""
TOLD = 2
"""Least mentions of a thing while a member is up, to say that the member is that thing."""
_NUMBERED = re.compile(
    r"^([^\W\d]+(?: [^\W\d]+)?)(?: no\.?| number)? ?#?(\d{1,3})(?:\s*[:.–-]\s*(.+))?$"
)
_NO_NAME = frozenset(stem(word) for word in ("break", "pause", "page", "part", "time"))


@dataclass(slots=True)
class Sheet:
    """The stretch in which one heading is up."""

    name: str
    label: str
    """"item" of "Item 4", or nothing where the heading has no number."""
    number: int
    pages: list[Record] = field(default_factory=list)

    @property
    def span(self) -> Span:
        """From its first page to the end of its last."""
        return Span(self.pages[0].span.start, max(page.span.end for page in self.pages))

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes two pages pages of one sheet."""
        return (self.name.lower(), self.label, self.number)


def sheets(desk: Desk, video: str) -> list[Sheet]:
    """The sheets of a video in order; one that was only interrupted goes on."""
    return desk.once(("sheets", video), lambda: _sheets(desk, video))


def _sheets(desk: Desk, video: str) -> list[Sheet]:
    pages = [(page, [line.strip() for line in page.text.splitlines() if line.strip()])
             for page in desk.toolbox.pages(video, as_of=desk.as_of)]  # fmt: skip
    often = Counter(line.lower() for _, lines in pages for line in set(lines))
    made: list[Sheet] = []
    for page, lines in pages:
        # the name of the evening on every page heads none of them
        own = [line for line in lines if often[line.lower()] < max(LEAST, FIXED * len(pages))]
        if own:
            _put(made, _headed(own), page)
    return made


def _headed(lines: Sequence[str]) -> Sheet:
    match = _NUMBERED.match(lines[0])
    name = (match.group(3) or (lines[1] if len(lines) > 1 else "")) if match else ""
    if match is None or not name:
        return Sheet(lines[0], "", 0)
    return Sheet(name, match.group(1).lower(), int(match.group(2)))


def _put(made: list[Sheet], sheet: Sheet, page: Record) -> None:
    """Add a page to the sheet that it goes on with, or as a new one."""
    for known in reversed(made):
        gap = page.span.start - known.span.end
        if known.key == sheet.key and (sheet.label or gap <= RETURNS or known is made[-1]):
            known.pages.append(page)
            return
        if known.label == sheet.label if sheet.label else gap > RETURNS:
            break
    sheet.pages.append(page)
    made.append(sheet)


def series(desk: Desk, video: str) -> list[Sheet]:
    """The members of the longest series of numbered headings, in order of time; or none."""
    numbered: dict[str, list[Sheet]] = {}
    for sheet in sheets(desk, video):
        if sheet.label:
            numbered.setdefault(sheet.label, []).append(sheet)
    longest = max(numbered.values(), key=len, default=[])
    return longest if len({one.number for one in longest}) >= LEAST else []


def member_of(desk: Desk, video: str, words: Sequence[str]) -> int | None:
    """Which member of the series a thing is: by its name, by what is said of it, or by its like."""
    members = series(desk, video)
    asked = [w for w in words if stem(w) not in _NO_NAME and w not in FUNCTION]
    if not members or not asked:
        return None
    held = [_share(asked, one.name) for one in members]
    if max(held) > 0:
        return held.index(max(held))
    return _mentioned(desk, video, members, asked) if len(asked) == 1 else None


def _share(asked: Sequence[str], name: str) -> float:
    """How well a name fits, if all of it is asked for or it holds all that is asked for."""
    named = [w for w in tokens(name) if w not in FUNCTION]
    if not named:
        return 0.0
    both = [w for w in asked if any(_same(w, other) for other in named)]
    whole = all(any(_same(w, other) for w in asked) for other in named)
    if not both or not (whole or len(both) == len(asked)):
        return 0.0
    return len(both) / max(len(named), len(asked))


def _same(asked: str, named: str) -> bool:
    """One word, or the last part of one that is written together ("pot" in "flowerpot")."""
    return stem(asked) == stem(named) or (len(asked) >= 4 and named.endswith(asked))


def _mentioned(
    desk: Desk, video: str, members: Sequence[Sheet], asked: Sequence[str]
) -> int | None:
    """The member during which the thing is spoken of most, else the one of like meaning."""
    terms = desk.terms(asked)
    said = [u.record for u in desk.corpus.holding(terms)
            if u.source == "speech" and u.record.video == video]  # fmt: skip
    counts = [sum(one.span.contains(r.span.start) for r in said) for one in members]
    top = max(counts)
    if top >= TOLD and counts.count(top) == 1:
        return counts.index(top)
    rows = np.asarray(desk.toolbox.embed([" ".join(asked), *(m.name for m in members)]), np.float32)
    near = rows[1:] @ rows[0]
    line = np.argsort(-near, kind="stable")
    other = next((n for n in line if members[n].key != members[line[0]].key), line[0])
    sure = near[line[0]] >= NEAREST and near[line[0]] - near[other] >= BEYOND
    return int(line[0]) if sure else None


def sheet_of(desk: Desk, video: str, words: Sequence[str]) -> Sheet | None:
    """The first sheet whose whole heading is among the words, or the member of the series."""
    asked = {stem(w) for w in words}
    for sheet in sheets(desk, video):
        named = {stem(w) for w in tokens(sheet.name) if w not in FUNCTION} - _NO_NAME
        if not sheet.label and named and named <= asked:
            return sheet
    n = member_of(desk, video, words)
    return series(desk, video)[n] if n is not None else None


def evidence_of(desk: Desk, sheet: Sheet, words: str | None = None) -> Candidate:
    """A sheet as a piece of evidence with its whole span; it quotes the line that names it."""
    page = sheet.pages[0]
    lines = desk.lane(page.video, "screen").at(page.span)
    wanted = (words or sheet.name).lower()
    line = next((u for u in lines if u.record.text.strip().lower() == wanted), None)
    made = candidate(line, 0.85, lex=1.0) if line else row(page, "screen", 0.85, lex=1.0)
    return made | {"start": sheet.span.start, "end": sheet.span.end}


def state_lines(sheet: Sheet) -> dict[str, Record]:
    """Short lines without numbers that a sheet has only since it came, each with its first page."""
    first = set(sheet.pages[0].text.splitlines())
    return {
        line: page
        for page in reversed(sheet.pages)
        for line in page.text.splitlines()
        if line not in first and not re.search(r"\d", line) and len(line.split()) <= LEAST
    }


def state_line(desk: Desk, sheet: Sheet, words: str) -> Candidate | None:
    """When a sheet turns to what some words mean: "the sale" is when its page says "Sold"."""
    new = state_lines(sheet)
    if not new:
        return None
    rows = np.asarray(desk.toolbox.embed([words, *new]), np.float32)
    near = rows[1:] @ rows[0]
    best = int(np.argmax(near))
    if near[best] < TURNED:
        return None
    line, page = list(new.items())[best]
    turned = Sheet(sheet.name, sheet.label, sheet.number, [page])
    return evidence_of(desk, turned, line)
