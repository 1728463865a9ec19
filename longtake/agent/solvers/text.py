"""Answers that are words: what was said, what the screen showed, a fact, what is at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import (
    Candidate,
    at,
    clock,
    finding,
    page_of,
    quoted,
    sentence,
    stop,
)
from longtake.agent.reading.evidence import confidence, enough
from longtake.agent.reading.extract import PART, fits, of_kind, phrase_with, short_answer
from longtake.agent.reading.kinds import TRIED, Sought, heads, of_kind_first
from longtake.agent.reading.pages import (
    SHORT_LINE,
    page_lines,
    place_of,
    readable,
    span_of,
    top,
    trimmed,
)
from longtake.agent.reading.sorts import MEASURES, holds, sort_of
from longtake.agent.solvers.said_by import asks_voice, solve_said_by
from longtake.agent.solvers.when import absent, preferred, unseen
from longtake.agent.state import Finding, Part
from longtake.timecode import Span
from longtake.tools.corpus import Term, Unit, coverage, is_described
from longtake.tools.words import number_of

SOON = 8.0
"""Seconds after a sentence in which its measure may be told."""
SORTED = 0.6
"""What holds the sort of thing asked for may be this much less near than the best moment."""
FINAL = re.compile(
    r"\b(?:final(?:ly)?|really|actually|now|current(?:ly)?|latest|newest|in the end|eventually|"
    r"updated?|corrected|correct|after the (?:change|correction|update)s?)\b"
)
MENDED = re.compile(
    r"\b(?:correct(?:ion|ed|ing)?|no longer|instead|changed?|moved to|now|postponed|no wait|"
    r"actually|in fact|make that|rather|mistake|sorry|updated?|new (?:date|time|price|place))\b"
)
CLOSE = 0.8
"""A second quotation must be this share as good as the best one."""


def solve_said(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Quote the best sentence, and up to two more that are nearly as good, in order of time."""
    found = preferred(part, terms, found)
    best = found[0] if found else None
    if best is None or not enough(best, terms):
        return unseen(part, found)
    found = of_sort(desk, part, terms, as_it_stands(part, terms, found))
    if not found:
        return absent([best]) | {"status": "weak", "nearest": best}
    best, chosen = found[0], [found[0]]
    elsewhere = next((c for c in found if c["source"] != best["source"]), None)
    if part["even"] and elsewhere and enough(elsewhere, terms):
        chosen.append(elsewhere)  # a fact may be said or shown; both are quoted
    for other in found[1:12]:
        if len(chosen) == 3 or other["score"] < CLOSE * best["score"]:
            break
        if (
            enough(other, terms)
            and (part["even"] or other["source"] == best["source"])
            and not _repeats(other, chosen)
        ):
            chosen.append(other)
    sentences, evidence = _tell(desk, part, chosen)
    sure = confidence(best, found, all(t.exact for t in terms))
    made = finding("found", sentences, evidence, confidence=sure)
    return _with_kind(desk, part, best, made)


def _with_kind(desk: Desk, part: Part, best: Candidate, made: Finding) -> Finding:
    """The one thing of the kind asked for, in front: "a diver" where who is asked."""
    places = [n for n, one in enumerate(made["evidence"]) if one["id"] == best["id"]]
    if part["kind"] != "fact" or not places or not desk.switches.sort:
        return made
    words = Sought(desk, part["text"], sort_of(part["text"])).words(best["quote"])
    things = heads(best["quote"], words)
    if len(things) != 1:
        return made  # of two persons the quotation tells which
    short = phrase_with(best["quote"], things[0])
    if short[:1].isupper() and not best["quote"].startswith(short):
        return made  # a name means little to the encoder
    front = sentence(f"{short[0].upper()}{short[1:]}.", places[0])
    return made | {"sentences": [front, *made["sentences"]], "short": short}


def as_it_stands(part: Part, terms: Sequence[Term], found: Sequence[Candidate]) -> list[Candidate]:
    """What holds in the end goes first where that is asked: corrections, the latest of them.

    "What is the final date?" is answered by "no, it is the fourteenth now" and not by the date
    that was told first and more plainly.
    """
    if not FINAL.search(part["text"].lower()):
        return list(found)
    good = [c for c in found if enough(c, terms) and c["score"] >= SORTED * found[0]["score"]]
    mended = [c for c in good if MENDED.search(c["quote"].lower())]
    mended.sort(key=lambda c: (-c["start"], c["id"]))
    return [*mended, *(c for c in found if c not in mended)]


def of_sort(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> list[Candidate]:
    """The candidates with those first that hold the sort of thing asked for; none if none does."""
    sort = sort_of(part["text"])
    if not desk.switches.sort:
        return list(found)
    sought = Sought(desk, part["text"], sort)
    near = [c for c in found if enough(c, terms) and c["score"] >= SORTED * found[0]["score"]]
    if sort is None:
        return of_kind_first(sought, [c for c in found if c in near or c["lex"] > 0], found)
    good = [c for c in near if _holds(desk, sort, part, c)]
    if not good:
        # no list has the word: ask what it means
        good = [c for c in near[:TRIED] if sought.words(c["quote"])]
    own = [c for c in good if holds(sort, part["text"], c["quote"])]
    good = [*own, *(c for c in good if c not in own)] if _near(own, good) else good
    return [*good, *(c for c in found if c not in good)] if good else []


def _near(own: Sequence[Candidate], good: Sequence[Candidate]) -> bool:
    """Whether what holds it in its own words is about as good as a heading beside it."""
    return bool(own and good and own[0]["score"] >= 0.75 * good[0]["score"])


def _heading(desk: Desk, quote: str) -> bool:
    """Whether a bare line of capitalised words names no one: one of them is an ordinary word."""
    words = re.findall(r"[^\W\d_]+", quote)
    bare = len(words) <= SHORT_LINE and all(w[:1].isupper() for w in words if len(w) > 3)
    return bare and sum(w.lower() in desk.small_words for w in words) * 2 >= len(words)


def _holds(desk: Desk, sort: str, part: Part, one: Candidate) -> bool:
    """Whether a candidate holds it: its own words, a number under a head, or the cell beside it."""
    if sort == "person" and one["source"] == "screen" and _heading(desk, one["quote"]):
        return False
    if holds(sort, part["text"], one["quote"]):
        return True
    if one["source"] != "screen" or len(one["quote"].split()) > SHORT_LINE:
        return False
    place = place_of(desk, one)
    if place.cell:
        named = sort in ("person", "name") and one["quote"][:1].isupper()
        return named or (sort in MEASURES and number_of(one["quote"]) is not None)
    return any(holds(sort, part["text"], line["quote"]) for line in page_lines(desk, one)[1:])


def _repeats(one: Candidate, others: Sequence[Candidate]) -> bool:
    return any(one["quote"].lower() == other["quote"].lower() for other in others)


def _tell(
    desk: Desk, part: Part, chosen: Sequence[Candidate]
) -> tuple[list[dict[str, object]], list[Candidate]]:
    """Sentences for quotations: the best first, so that it is read first."""
    evidence: list[Candidate] = []
    sentences = []
    for one in chosen:
        place = len(evidence)
        if one["source"] == "screen":
            lines = page_lines(desk, one)
            if desk.switches.trim:
                lines = trimmed(desk, part, lines)
            if any(line["id"] in {e["id"] for e in evidence} for line in lines):
                continue
            evidence += lines
            sentences.append(_page_sentence(lines, place))
        else:
            evidence.append(one)
            sentences.append(sentence(at(one), place))
    return sentences, evidence


def _page_sentence(lines: Sequence[Candidate], place: int = 0) -> dict[str, object]:
    text = stop(f"At {clock(lines[0]['start'])} the screen shows: {page_of(lines)}")
    return sentence(text, *range(place, place + min(6, len(lines))))


def solve_fact(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Give the sentence that holds the answer and, where its sort is known, the short answer."""
    best = found[0] if found else None
    if best is None or not enough(best, terms):
        return absent(found)
    if part["wants"] is None:
        return solve_said(desk, part, terms, found)
    if asks_voice(part) and (made := solve_said_by(desk, part, terms, found)) is not None:
        return made
    found = of_sort(desk, part, terms, as_it_stands(part, terms, found))
    if not found:
        return absent([best]) | {"status": "weak", "nearest": best}
    best = found[0]
    good = [c for c in found[:12] if c["score"] >= SORTED * best["score"] and enough(c, terms)]
    for one in good:
        lines = _with_page(desk, part, one)
        for line in lines:
            short = short_answer(line["quote"], part["wants"], part["words"])
            if short is not None and _fits(desk, part, terms, short, line):
                return _fact(part, short, line, lines, found, terms)
    told = _told_next(desk, part, terms, found, good)
    if told is not None:
        return told
    if part["wants"] == "clock":
        return absent(found) | {"status": "weak", "nearest": best}
    if part["wants"] == "number" and not desk.switches.fit:
        made = absent(found)
        return made | {"status": "weak", "nearest": best}
    return _unshortened(desk, part, terms, found)


def _told_next(
    desk: Desk,
    part: Part,
    terms: Sequence[Term],
    found: Sequence[Candidate],
    good: Sequence[Candidate],
) -> Finding | None:
    """The measure may come a sentence later: "the risk is increased. It is about 60 percent"."""
    text = part["text"].lower()
    sort = sort_of(text)
    share = "by how much" in text
    if part["wants"] != "number" or not (share or sort in MEASURES - {"number"}):
        return None
    for one in [c for c in good if c["source"] == "speech"][:2]:
        for unit in desk.lane(one["video"], "speech").after(one["end"], 2):
            line = candidate(unit, one["score"]) | {"read": one.get("read", 0.0)}
            near = line["start"] - one["end"] <= SOON
            held = PART.search(line["quote"]) if share else holds(str(sort), text, line["quote"])
            short = short_answer(line["quote"], "number", part["words"])
            if near and held and short is not None:
                return _fact(part, short, line, [line, one], found, terms)
    return None


def _with_page(desk: Desk, part: Part, one: Candidate) -> list[Candidate]:
    """A line with the lines of its page; of a table only what belongs to the cell."""
    if one["source"] != "screen":
        return [one]
    lines = page_lines(desk, one)
    return trimmed(desk, part, lines) if place_of(desk, one).cell else lines


def _unshortened(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """No short answer fits: the sentence alone, and for a number only one that has a number."""
    if part["wants"] != "number":
        return solve_said(desk, part, terms, found)
    numbered = [
        c
        for c in found
        if enough(c, terms)
        and number_of(c["quote"]) is not None
        and of_kind(part["text"], c["quote"])
    ]
    if not numbered or numbered[0]["score"] < 0.6 * found[0]["score"]:
        return absent(found) | {"status": "weak", "nearest": found[0]}
    made = solve_said(desk, part | {"even": False}, terms, numbered)
    return made | {"confidence": min(made["confidence"], 0.5)}


def _fits(desk: Desk, part: Part, terms: Sequence[Term], short: str, line: Candidate) -> bool:
    """Whether a short answer's own line or sentence is about what was asked.

    A line of a page is read with the lines beside it, because a table says "Ratio" and "1.6" apart.
    """
    if not desk.switches.fit:
        return True
    if line["source"] == "screen" and not (readable(line["quote"]) or place_of(desk, line).cell):
        return False  # a bare number beside a figure
    lane = desk.lane(line["video"], line["source"])
    unit = lane.get(line["id"])
    own = [unit] if unit is not None else []
    near = lane.beside(unit, 2.0) if unit is not None and line["source"] == "speech" else []
    page = lane.at(span_of(line)) if line["source"] == "screen" else []
    held = coverage(terms, own) if own else line["lex"]
    around = max(coverage(terms, [*own, *near]), coverage(terms, [*own, *page]))
    if line["source"] == "screen" and not held and len(line["quote"].split()) > SHORT_LINE:
        return False  # a long line that shares no word is about something else
    return fits(part["text"], short, line["quote"], max(held, 0.85 * around))


def _fact(
    part: Part,
    short: str,
    line: Candidate,
    lines: Sequence[Candidate],
    found: Sequence[Candidate],
    terms: Sequence[Term],
) -> Finding:
    evidence = [line, *(other for other in lines if other is not line)]
    evidence[0] = line | {"score": max(c["score"] for c in evidence)}
    said = at(line) if line["source"] != "screen" else str(_page_sentence(evidence)["text"])
    cites = range(len(evidence[:6]))
    sure = confidence(lines[0], found, all(t.exact for t in terms))
    value = number_of(short) if part["wants"] == "number" else None
    return finding(
        "found",
        [sentence(f"{short[0].upper()}{short[1:]}.", 0), sentence(said, *cites)],
        evidence,
        confidence=sure,
        value=value,
        short=short,
    )


def solve_at(desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]) -> Finding:
    """Say what is said and shown at a time or during a span, whatever it is about."""
    low, high = part["window"]
    span = Span(low, max(high, low + 0.001))
    names = [part["anchored"]] if part.get("anchored") else desk.ids
    sentences: list[dict[str, object]] = []
    evidence: list[Candidate] = []
    alone = part["strict"] or part.get("only")
    wanted = part["sources"][:1] if alone else ["speech", "screen", "caption"]
    for video in names:
        for source in wanted:
            units = _around(desk, part, video, source, span)
            if not units:
                continue
            place = len(evidence)
            score = 0.9 if source == part["sources"][0] else 0.7
            shown = [candidate(u, score, lex=1.0) for u in units]
            evidence += shown
            sentences.append(_moment_sentence(source, shown, place))
    looks = [c for c in found if c["id"].startswith("look:") and c["source"] in wanted]
    if not evidence and looks:
        evidence = looks[:6]
        sentences = [_page_sentence(evidence)]
    if not evidence:
        return absent([])
    return finding("found", sentences, evidence, confidence=0.9)


def _moment_sentence(source: str, shown: Sequence[Candidate], place: int) -> dict[str, object]:
    if source == "screen":
        return _page_sentence(shown, place)
    text = " ".join(c["quote"] for c in shown)
    joined = dict(shown[0]) | {"quote": text}
    what = quoted(joined)
    other = "the model's caption says" if source == "caption" else "the picture shows"
    verb = "the speaker says" if source == "speech" else other
    where = stop(f"At {clock(shown[0]['start'])} {verb}: {what}")
    return sentence(where, *range(place, place + len(shown)))


def _around(desk: Desk, part: Part, video: str, source: str, span: Span) -> list[Unit]:
    """Units at a span: all lines of the page, or the utterances, at most six."""
    lane = desk.lane(video, source)
    units = lane.at(span)
    if source == "screen" and units:
        middle = span.middle if part.get("point") is None else part["point"]
        now = [u for u in units if u.record.span.contains(middle)] or units
        now = [u for u in now if not desk.switches.trim or readable(u.record.text)] or now
        return sorted(now, key=lambda u: (top(u), u.record.span.start, u.record.id))[:6]
    if source == "caption":
        point = part.get("point")
        units = [u for u in units if is_described(u.record)]
        units = [u for u in units if point is not None and u.record.span.contains(point)] or units
    if source == "speech" and not units:
        units = [u for u in lane.at(span.widen(5.0))]
    return units[:6]
