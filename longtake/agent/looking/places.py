"""Where to look: the page that a moment lies on, pages that are named, and what flashed there.

A slide that stands for a minute is one place, though memory cuts it into clips of ten seconds: only
the clip in which it came up holds its words. `stretch` widens a clip to the page, `pages` finds
standing pages whose lines name some of what is asked, and `glimpses` tells where the deep pass saw
something for less than about a second, which nobody read. Together they put places in the order in
which a person would leaf through them (VideoLucy's backtracking, S51).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.state import Part
from longtake.storage.records import Record
from longtake.timecode import Span
from longtake.tools.corpus import Term, Unit, coverage

STANDS = 12.0
"""Seconds from which a line makes a page that stands."""
LONGEST = 300.0
"""A line that stands longer says nothing of the minute around a moment."""
NAMES = 0.3
"""Least share of the words that memory holds for a page of them to be a place to look at."""
KNOWN = 0.4
"""Least share of the words that memory must hold for pages to be named by the rest."""
MOST_PAGES = 4
LATE = 1.25
"""Seconds by which a glimpse may begin before the clip that notes it."""


def stretch(desk: Desk, video: str, span: Span) -> Span:
    """The whole of a page on which a span lies, or the clips in which nothing changed."""
    middle = Span(span.middle, span.middle)
    lines = [u.record for u in desk.lane(video, "screen").at(middle) if _page_line(desk, u.record)]
    if lines:
        page = _page(lines)
        return Span(min(span.start, page.start), max(span.end, page.end))
    return _unchanged(desk, video, span)


def _page(lines: Sequence[Record]) -> Span:
    """The time that most lines share: one may stand on the next page too, another come late."""
    times = [(round(line.span.start), round(line.span.end)) for line in lines]
    counts = Counter(times)
    best = max(
        lines,
        key=lambda r: (
            counts[(round(r.span.start), round(r.span.end))], r.span.duration, -r.span.start, r.id,
        ),
    )  # fmt: skip
    return best.span


def _page_line(desk: Desk, record: Record) -> bool:
    lasts = STANDS <= record.span.duration <= LONGEST
    return lasts and record.level == "moment" and record.id not in desk.corpus.furniture


def _unchanged(desk: Desk, video: str, span: Span) -> Span:
    """A clip with those after it that say no more than that nothing changed."""
    start, end = span.start, span.end
    for clip in _clips(desk, video, Span(end, max(end, start + LONGEST))):
        if not clip.data.get("same_as") or clip.span.start > end + 0.05:
            break
        end = max(end, clip.span.end)
    return Span(start, end)


def _clips(desk: Desk, video: str, span: Span) -> list[Record]:
    """The clips of a span, also those without words: nothing changed in them for a second."""
    found: list[Record] = desk.toolbox.store.records(
        video=video, level="clip", channel="caption", span=span, as_of=desk.as_of
    )
    return found


def stands(desk: Desk, video: str, span: Span) -> bool:
    """Whether a span lies on one page that stands, or where nothing changed."""
    return stretch(desk, video, span).duration >= STANDS


def pages(desk: Desk, part: Part, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Standing pages whose lines name some of what is asked, those that name most first."""
    words = [term for term in terms if not term.absent]  # what is nowhere is on no page either
    whole = sum(term.weight for term in terms)
    if not words or sum(term.weight for term in words) < KNOWN * whole:
        return []
    found: dict[tuple[str, float], tuple[float, float, dict[str, Any]]] = {}
    for unit in desk.corpus.holding(words):
        record = unit.record
        if unit.source != "screen" or not _page_line(desk, record):
            continue
        if record.id.startswith("obs:") or not desk.in_scope(part, record):
            continue
        fit = coverage(words, _together(desk, unit))
        key = (record.video, round(record.span.start))
        line = coverage(words, [unit])  # of two pages that hold as much, one line may hold it all
        if fit >= NAMES and (fit, line) > found.get(key, (0.0, 0.0, {}))[:2]:
            found[key] = (fit, line, _place(record, fit))
    best = sorted(found.values(), key=lambda f: (-f[0], -f[1], f[2]["start"], f[2]["id"]))
    return [place for _, _, place in best[:MOST_PAGES]]


def _together(desk: Desk, unit: Unit) -> list[Unit]:
    """The lines of the page that a line stands on."""
    at = Span(unit.record.span.middle, unit.record.span.middle)
    return [u for u in desk.lane(unit.record.video, "screen").at(at)
            if u.record.id not in desk.corpus.furniture]  # fmt: skip


def _place(record: Record, fit: float) -> dict[str, Any]:
    return {"id": f"page:{record.id}", "video": record.video, "start": float(record.span.start),
            "end": float(record.span.end), "level": "clip", "sim": round(fit, 4),
            "p": round(fit, 4), "score": round(fit, 4)}  # fmt: skip


def abreast(
    named: Sequence[dict[str, Any]], leaves: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Pages and leaves of the time tree by turns, each once."""
    turns = [one for pair in zip_longest(named, leaves) for one in pair if one is not None]
    return list({one["id"]: one for one in turns}.values())


def glimpses(desk: Desk, video: str, span: Span) -> list[tuple[Span, float]]:
    """What was there for a moment only inside a span, the plainest first."""
    found = []
    for clip in _clips(desk, video, Span(span.start, span.end + LATE)):
        found += _inside(clip.data.get("glimpses", ()), span)
    return sorted(found, key=lambda one: (-one[1], one[0].start))


def _inside(kept: Iterable[Sequence[float]], span: Span) -> list[tuple[Span, float]]:
    rows = [(Span(float(start), float(end)), float(levels)) for start, end, levels in kept]
    return [row for row in rows if row[0].overlap(span) > 0]
