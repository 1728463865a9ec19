"""Where the thing is that a question speaks of: a mention, a page, or a whole part of the day.

"After the slide about X" means the slide after it; "after the choir rehearsal" means when the
rehearsal is over. An anchor is therefore a span and what proves it: one place, or the stretch in
which a subject is dealt with, from its first place to the end of the chapters and scenes that are
about it. Counting from either end ("the second break") is done over everything that was
remembered, never over the top of a ranking.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from longtake.agent.desk import Desk, candidate, row
from longtake.agent.findings import Candidate, finding
from longtake.agent.question import patterns as p
from longtake.agent.reading.evidence import ALL_WORDS, collect, enough
from longtake.agent.reading.pages import page_lines
from longtake.agent.reading.sheets import evidence_of, member_of, series, sheet_of, state_line
from longtake.agent.reading.sight import sight_candidates
from longtake.agent.solvers.operators import nth
from longtake.agent.solvers.when import (
    absent,
    every_place,
    occasions,
    preferred,
    scan_places,
    sight_occasions,
)
from longtake.agent.state import Finding, Part
from longtake.storage.records import Record
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Term, Unit, coverage
from longtake.tools.topic import FUNCTION, content_words
from longtake.tools.words import stem, stems, tokens

STRETCH = 90.0
"""Places this near belong to one stretch of dealing with a subject."""
OCCASION = 60.0
"""Mentions this near speak of one occasion."""
OWN_PAGE = 0.5
"""Share of the topic that the title of a page of its own holds ("Lunch" for the break for lunch)."""
FEW_LINES = 3
"""Lines that such a page has at most."""
PAGE_GAP = 5.0
"""A page that is gone for so short a time has not ended."""
LEAST_SCENES = 8
"""With fewer scenes nothing is known of how near a scene usually is."""
ABOUT, ABOVE = 0.15, 0.35
"""Least cosine of a scene that is about a thing, and how far above the usual one it must be, as a
share of the way to the nearest tenth. On a filmed day of talks the scenes of a class or a rehearsal
lie between 0.20 and 0.41, the ones behind it at 0.10."""
_PAUSES = frozenset(stem(word) for word in ("break", "lunch", "pause", "intermission"))
_POINT = re.compile(rf"\b(?:{p.SAY}|slides?|screens?|pages?|cards?|signs?|line|sentence)\b")


def anchor_of(desk: Desk, part: Part, words: Sequence[str], sources: Sequence[str]) -> Finding:
    """Find what an order question is related to: its first place, by scan."""
    asked = dict(part) | {
        "words": list(words), "text": " ".join(words), "sources": list(sources), "strict": False,
        "pick": "first",
    }  # fmt: skip
    terms = desk.terms(words)
    found = collect(desk, asked, terms)
    best = found[0] if found else None
    if best is None or not enough(best, terms):
        return absent(found)
    places = every_place(desk, asked, terms, preferred(asked, terms, found)) or [best]
    if not re.search(r"\b(?:mention|say|said)", part["text"].lower()):
        places = main_stretch(places)
    return finding("found", evidence=places)


def main_stretch(places: Sequence[Candidate], gap: float = STRETCH) -> list[Candidate]:
    """Where a subject is dealt with, and not just touched: most places near each other."""
    groups: list[list[Candidate]] = []
    for one in places:
        last = groups[-1] if groups else None
        if last and last[-1]["video"] == one["video"] and one["start"] - last[-1]["end"] <= gap:
            last.append(one)
        else:
            groups.append([one])
    return max(groups, key=lambda group: (len(group), -group[0]["start"]))


def event(desk: Desk, part: Part, piece: str) -> Finding:
    """The place or stretch that a piece of a question names; its first evidence has the span.

    "she mentions tides" and "the slide about tides" are places, "the second break" is counted,
    and "the choir rehearsal" is a part of the day.
    """
    low = piece.lower()
    words = thing_words(piece)
    if not words:
        return absent([])
    which = which_of(low)
    terms = desk.terms(words)
    if any(term.absent and re.search(r"\d", term.text) for term in terms):
        return absent([])  # "gate Z9" is no other gate, however near in meaning
    if which is not None:
        one = counted_one(desk, part, words, low, which)
        return finding("found", evidence=[one]) if one else absent([])
    sources = ["screen", "speech"] if re.search(rf"\b{p.SCREEN}\b", low) else ["speech", "screen"]
    if re.search(rf"\b{p.EYES}\b", low):
        sources = ["sight", *sources]
    asked = dict(part) | {"text": piece, "scope": None, "kind": "when"}
    if not _POINT.search(low) and desk.switches.sections:
        member = _member(desk, words)
        if member is not None:
            return finding("found", evidence=[member])
        pages = own_pages(desk, asked, terms)
        if pages:
            return finding("found", evidence=pages[:1])
        sheet = next((s for v in desk.ids if (s := sheet_of(desk, v, words))), None)
        if sheet is not None:
            return finding("found", evidence=[evidence_of(desk, sheet)])
        part_of_day = section(desk, asked, words, piece)
        if part_of_day is not None:
            return finding("found", evidence=[part_of_day])
    known = anchor_of(desk, asked, words, [*sources, "sight"])
    if known["status"] != "found":
        return known
    places = known["evidence"]
    if _POINT.search(low) or places[0]["source"] == "sight":
        return known
    return finding("found", evidence=[_joined(places), *places[1:6]])


def _member(desk: Desk, words: Sequence[str]) -> Candidate | None:
    """The member of a series of numbered pages, or the time when its page turns to a word.

    "The lamp" is all of its pages, "the sale of the lamp" when they turn to "Sold".
    """
    for video in desk.ids:
        number = member_of(desk, video, words)
        if number is None:
            continue
        sheet = series(desk, video)[number]
        named = {stem(w) for w in tokens(sheet.name)}
        others = [w for w in words if stem(w) not in named]
        turned = state_line(desk, sheet, " ".join(others)) if others else None
        return turned or evidence_of(desk, sheet)
    return None


def thing_words(piece: str) -> list[str]:
    """What is counted or named, without "second" and "last"; of nothing else, any word told."""
    words = [w for w in content_words(piece) if w not in p.ORDINALS and w not in _NO_THING]
    named = [w for w in words if w not in _MEDIA]
    if named or words:
        return named or words
    return [w for w in tokens(piece) if w not in FUNCTION and w not in _COUNTERS]


_MEDIA = frozenset("card cards sign signs poster posters board".split())  # noqa: SIM905
"""What a thing stands on; no words of it: "the card BOX 3"."""
_COUNTERS = frozenset({*p.ORDINALS, "first", "last", "final"})
_NO_THING = frozenset(
    "began begun start started stop stopped finish finished finishes done over place take".split()  # noqa: SIM905
)


def which_of(low: str) -> str | int | None:
    """Which of several is meant: "the second break" is 2, "second to last" -2; None if not told."""
    for word, n in p.ORDINALS.items():
        if re.search(rf"\b{word}[ -](?:to|from)[ -](?:the )?last\b|\b{word}[ -]last\b", low):
            return -n
        if re.search(rf"\b(?:the |her |his |our |their )?{word}\b", low) and not re.search(
            rf"\b(?:a|one|every|per|\d+) {word}\b|\b{word} hand\b", low
        ):
            return n
    if re.search(r"\bpenultimate\b|\blast but one\b", low):
        return -2
    if re.search(r"\b(?:the |her |his )?(?:last|final)\b(?! name| week| year| month)", low):
        return "last"
    return "first" if re.search(r"\b(?:the|her|his) first\b", low) else None


def counted_one(
    desk: Desk, part: Part, words: Sequence[str], low: str, which: str | int
) -> Candidate | None:
    """The nth of its kind: as it is named ("our third example is …"), else by counting them."""
    named = _named_so(desk, part, words, low)
    if named is not None and which not in ("first", "last"):
        return named
    return nth(all_of(desk, part, words), which)


def _named_so(desk: Desk, part: Part, words: Sequence[str], low: str) -> Candidate | None:
    """The first place where the ordinal stands directly before the thing."""
    ordinal = next((w for w in tokens(low) if w in p.ORDINALS), None)
    if ordinal is None or not words or re.search(r"\blast\b", low):
        return None
    same = {stem(w) for w, n in p.ORDINALS.items() if n == p.ORDINALS[ordinal]}
    same |= {str(p.ORDINALS[ordinal])}
    head = stem(words[0])
    for unit in desk.corpus.holding(desk.terms(words)):
        here = list(stems(unit.record.text))
        pairs = pairwise(here)
        beside = any((a in same and b == head) or (a == head and b in same) for a, b in pairs)
        if beside and unit.source in ("speech", "screen") and desk.in_scope(part, unit.record):
            return candidate(unit, 0.85, lex=1.0)
    return None


def all_of(desk: Desk, part: Part, words: Sequence[str]) -> list[Candidate]:
    """Every occasion of a thing in order: its own pages, its pictures, or the talk of it."""
    terms = desk.terms(words)
    if pages := own_pages(desk, part, terms):
        return pages
    asked = dict(part) | {"words": list(words), "text": " ".join(words)}
    places = scan_places(desk, asked, terms, ["screen"]) or scan_places(
        desk, asked, terms, ["speech"]
    )
    if places:
        return occasions(places, OCCASION)
    seen = sight_candidates(desk, asked | {"sources": ["sight"]}, terms)
    return sight_occasions(seen)


def own_pages(desk: Desk, part: Part, terms: Sequence[Term]) -> list[Candidate]:
    """Each time that a page with little else than the topic is on screen, in order."""
    lines = [
        candidate(unit, 0.8, lex=1.0)
        for unit in desk.corpus.holding(terms)
        if unit.source == "screen"
        and len(unit.stems) <= len(terms) + 2
        and coverage(terms, [unit]) >= OWN_PAGE
        and desk.in_scope(part, unit.record)
    ]
    alone = [one for one in lines if len(page_lines(desk, one)) <= FEW_LINES]
    return occasions(alone, PAGE_GAP)


def section(
    desk: Desk, part: Part, words: Sequence[str], phrase: str | None = None
) -> Candidate | None:
    """The part of the day that is about something, as one place with its whole span.

    Chapters and scenes whose title or keywords hold the words, and the stretch with most mentions;
    where both are known and touch, together. `phrase` is the thing as it was named ("the first
    aid course", of which only "aid" is looked up). None when neither is known.
    """
    terms = desk.terms(words)
    asked = dict(part) | {"words": list(words)}
    places = scan_places(desk, asked, terms, ["speech", "screen"])
    stretch = _joined(main_stretch(places)) if places else None
    titled = _titled(desk, terms)
    if stretch is None:
        return titled[0] if titled else None
    span = Span(stretch["start"], stretch["end"])
    for one in titled:
        near = one["video"] == stretch["video"] and one["start"] - STRETCH <= span.end
        if near and span.start <= one["end"] + STRETCH:
            span = span.cover(Span(one["start"], one["end"]))
    span = _drawn_out(desk, phrase or " ".join(words), stretch["video"], span)
    return stretch | {"start": span.start, "end": span.end}


def _drawn_out(desk: Desk, phrase: str, video: str, span: Span) -> Span:
    """The stretch with the scenes before and after it that are still about the thing.

    A cooking class is named once, and then there is talk of onions: its scenes are nearer in
    meaning to "cooking class" than most scenes of the day, and the first one that is not ends it.
    So does a break, which is near to whatever it lies beside.
    """
    near = dict(desk.near(phrase, "scene"))
    worth = sorted(near.values())
    if len(worth) < LEAST_SCENES:
        return span
    usual, high = worth[len(worth) // 2], worth[int(0.9 * len(worth))]
    least = max(ABOUT, usual + ABOVE * (high - usual))
    asked = {stem(word) for word in tokens(phrase)}
    scenes = [u.record for u in desk.corpus.of("caption")
              if u.record.level == "scene" and u.record.video == video]  # fmt: skip

    def about(scene: Record) -> bool:
        paused = set(stems(str(scene.data.get("title") or ""))) & _PAUSES
        return near.get(scene.id, 0.0) >= least and (not paused or bool(paused & asked))

    for line, later in ((scenes, True), (scenes[::-1], False)):
        for scene in line:
            beyond = scene.span.end > span.end if later else scene.span.start < span.start
            touches = scene.span.start <= span.end + 1.0 and scene.span.end >= span.start - 1.0
            inside = scene.span.overlap(span) > 0
            if beyond and touches and (inside or about(scene)):
                span = span.cover(scene.span)
    return span


def _titled(desk: Desk, terms: Sequence[Term]) -> list[Candidate]:
    """Scenes and chapters whose title is the topic, joined where they follow one another.

    A chapter stands only where no scene of it is titled so: scenes end where the subject does.
    """
    found: list[Candidate] = []
    for level in ("scene", "chapter"):
        rows = [
            row(u.record, "caption", 0.7, lex=1.0)
            for u in desk.corpus.of("caption")
            if u.record.level == level and coverage(terms, [_title(u.record)]) >= ALL_WORDS
        ]
        if not found:
            found = occasions(rows, 1.0)
    return found


def _title(record: Record) -> Unit:
    """The title of a chapter or scene, as words to compare."""
    roots = tuple(stems(str(record.data.get("title") or "")))
    return Unit(record, "caption", roots, frozenset(roots), frozenset())


def _joined(places: Sequence[Candidate]) -> Candidate:
    """One place from the first to the last; it quotes the first."""
    return dict(places[0]) | {"end": max(c["end"] for c in places)}


def ends_at(desk: Desk, video: str, time: Seconds) -> Seconds:
    """A time, not beyond what may be known of the video."""
    return min(time, desk.limit(desk.video(video)))
