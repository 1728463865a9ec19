"""Read the best candidates again, word by word: does each word of the question find its like?

One vector for a question and one for a line blur what is asked: "Which metal turns glass blue?" is
nearer to any talk of glass than to the line "Cobalt gives blue". Late interaction compares the
vectors of single words in context and lets each word of the question look for its best partner
(Khattab & Zaharia, "ColBERT", SIGIR 2020); here with the sentence encoder's own hidden states,
which were not trained for it and do well enough: on the scripted lecture the line that holds the
answer came first for 15 of 18 questions about slides, against 8 of 18 before.

A passage is what a person would read around a candidate: a line with the title of its page, a
sentence with the ones before and after it. The lines of pages that were on screen during the best
candidates are read too, because the sentence spoken over a slide is often found first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate
from longtake.agent.reading.evidence import weighed
from longtake.agent.reading.pages import place_of, readable, span_of
from longtake.agent.reading.wanted import compound, counts, holds_wanted, spoken_over
from longtake.agent.state import Part
from longtake.models.protocols import WordVectors
from longtake.storage.records import Floats
from longtake.tools.corpus import Term

READ, PAGES = 20, 6
"""How many candidates are read again, and beside how many of them the page."""
OWN = {"speech": 0.7, "screen": 0.4, "caption": 1.0}
"""What a candidate's own words count; the rest is the whole passage's, neighbours or title."""
ALIKE = 0.85
"""What a word counts that is held as it is written: about the cosine of a word with itself."""
HELD = 0.1
"""What a line's own words count that holds the number or date asked for: the page tells of what."""
NAMES = 0.9
"""What a line counts that only names what is asked for."""
HOLDS = 0.95
"""What the reading of a line counts by itself that holds what is asked for."""
LOW, HIGH = 0.2, 0.8
"""The useful range of `likeness`."""
SPOKEN = 150
"""Characters of the sentence spoken over a page."""
LONGEST = 400
"""Characters of a passage."""


def read_closely(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> list[Candidate]:
    """Return the candidates with `read`, 0 to 1, in their scores; the best first.

    Pictures and candidates beyond the first `READ` keep their score but for the part that reading
    would have added, so they fall behind those that were read.
    """
    words = [c for c in found if c["source"] in OWN]
    chosen = words[:READ]
    chosen += _shown_beside(desk, part, terms, chosen[:PAGES], words)
    if not chosen or not part["words"]:
        return list(found)
    question = _asked(desk, part, terms)
    alone = not counts(part)
    holding = [_holding(desk, part, one) for one in chosen]
    over = [
        spoken_over(one, words) if held else None for one, held in zip(chosen, holding, strict=True)
    ]
    passages = [_passage(desk, one, said) for one, said in zip(chosen, over, strict=True)]
    rows = desk.toolbox.words_of([text for text, _ in passages])
    read = {
        one["id"]: one
        | _scored(
            one,
            likeness(
                question,
                row,
                own,
                _spelled(desk, one, question),
                HELD if held and alone else OWN[one["source"]],
            ),
            _share(desk, part, one),
            held and alone,
        )
        for one, held, (_, own), row in zip(chosen, holding, passages, rows, strict=True)
    }
    rest = [_unread(c) if c["source"] in OWN else c for c in found
            if c["id"] not in read]  # fmt: skip
    return sorted([*read.values(), *rest], key=lambda c: (-c["score"], c["start"], c["id"]))


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of a question that tell: vectors [n, dim], weights [n], and the term of each."""

    vectors: Floats
    weights: Floats
    terms: tuple[Term | None, ...]


def likeness(
    question: Asked,
    passage: WordVectors,
    own: tuple[int, int],
    spelled: Sequence[float],
    share: float = OWN["speech"],
) -> float:
    """Weighted mean of each question word's best cosine, in the own words and in the passage.

    Args:
        question: the words asked for.
        passage: the passage's words.
        own: where in the passage the candidate itself stands.
        spelled: how well the candidate holds each word by its letters or sound alone, 0 to 1; a
            word that was misheard or mistyped means nothing to the encoder.
        share: what the own words count.
    """
    if not len(question.vectors) or not len(passage.spans):
        return 0.0
    near = question.vectors @ passage.vectors.T
    inside = [own[0] <= start < own[1] for start, _ in passage.spans]
    best = near.max(1)
    if any(inside):
        best = share * near[:, inside].max(1) + (1 - share) * best
    best = np.maximum(best, ALIKE * np.asarray(spelled, np.float32))
    return float((best * question.weights).sum() / max(float(question.weights.sum()), 1e-9))


def _spelled(desk: Desk, one: Candidate, question: Asked) -> list[float]:
    unit = desk.lane(one["video"], one["source"]).get(one["id"])
    around = place_of(desk, one).around() if one["source"] == "screen" else []
    held = [u for u in (unit, *around) if u is not None]
    terms = [term for term in question.terms if term is not None]
    return [
        0.0 if term is None else 1.0 if compound(term, terms, held)
        else max((term.match(u) for u in held), default=0.0)
        for term in question.terms
    ]  # fmt: skip


def _holding(desk: Desk, part: Part, one: Candidate) -> bool:
    """Whether a line that is no title or label holds the sort of thing asked for."""
    if not desk.switches.sort or one["source"] != "screen" or place_of(desk, one).names:
        return False
    return holds_wanted(part, one["quote"])


def _scored(one: Candidate, like: float, share: float = 1.0, held: bool = False) -> Candidate:
    read = min(1.0, max(0.0, (like - LOW) / (HIGH - LOW)))
    if held:  # what was near by its words alone is no measure of a line that holds the answer
        return {
            "read": round(read, 4),
            "score": round(max(read * 0.5 + 0.5 * one["score"], HOLDS * read), 4),
        }
    return {"read": round(read, 4), "score": round(share * 0.5 * (one["score"] + read), 4)}


def _share(desk: Desk, part: Part, one: Candidate) -> float:
    """A title, a label or a head counts less where what it names is asked for."""
    names = one["source"] == "screen" and place_of(desk, one).names
    return NAMES if names and part["kind"] in ("fact", "said") else 1.0


def _unread(one: Candidate) -> Candidate:
    return one | {"read": 0.0, "score": round(0.5 * one["score"], 4)}


def _shown_beside(
    desk: Desk,
    part: Part,
    terms: Sequence[Term],
    best: Sequence[Candidate],
    words: Sequence[Candidate],
) -> list[Candidate]:
    """The lines of the pages on screen during the best candidates."""
    if "screen" not in part["sources"] or (part["strict"] and part["sources"][0] != "screen"):
        return []
    known = {c["id"]: c for c in words}
    chosen = {c["id"] for c in words[:READ]}
    found: dict[str, Candidate] = {}
    for one in best:
        for unit in desk.lane(one["video"], "screen").at(span_of(one)):
            name = unit.record.id
            idle = name in desk.corpus.furniture and desk.switches.furniture
            if name not in chosen and not idle and desk.in_scope(part, unit.record):
                found[name] = known.get(name) or weighed(desk, part, terms, unit, 0.0)
    return list(found.values())


def _asked(desk: Desk, part: Part, terms: Sequence[Term]) -> Asked:
    """The question's content words; all its words if there are none."""
    whole = desk.toolbox.words_of([part["text"]])[0]
    text = part["text"].lower()
    held: list[Term | None] = [None] * len(whole.spans)
    for term in terms:
        at = text.find(term.text)
        while at >= 0:
            for n, (start, end) in enumerate(whole.spans):
                known = held[n]
                inside = start < at + len(term.text) and end > at
                if inside and (known is None or known.weight < term.weight):
                    held[n] = term
            at = text.find(term.text, at + 1)
    kept = [n for n, term in enumerate(held) if term is not None] or list(range(len(held)))
    found = [held[n] for n in kept]
    weights = np.array([1.0 if term is None else term.weight for term in found], np.float32)
    return Asked(whole.vectors[kept], weights, tuple(found))


def _passage(desk: Desk, one: Candidate, said: str | None = None) -> tuple[str, tuple[int, int]]:
    """The text to read, and where the candidate stands in it."""
    quote = one["quote"][:LONGEST]
    if one["source"] == "screen":
        return _line_passage(desk, one, quote, said)
    lane = desk.lane(one["video"], one["source"])
    unit = lane.get(one["id"]) if one["source"] == "speech" else None
    beside = lane.beside(unit) if unit is not None else []
    before = " ".join(u.record.text for u in beside if u.record.span.start < one["start"])[-150:]
    after = " ".join(u.record.text for u in beside if u.record.span.start > one["start"])[:150]
    head = f"{before} " if before else ""
    return f"{head}{quote} {after}".rstrip(), (len(head), len(head) + len(quote))


def _line_passage(
    desk: Desk, one: Candidate, quote: str, said: str | None
) -> tuple[str, tuple[int, int]]:
    """A line under its title, a cell with its head and row; what holds the answer with more.

    Args:
        desk: where the page is looked up.
        one: the line.
        quote: its text.
        said: None, or what was spoken over a line that holds what is asked for: its page is read
            down to it, because the thing may be named in any line above.
    """
    place = place_of(desk, one)
    row = [unit.record.text.strip() for unit in (place.head, place.label) if unit is not None]
    own = " / ".join(dict.fromkeys([*row, quote]))
    before = [place.title] if place.title is not None else []
    if said is not None:
        before += [u for u in place.above if u is not place.title and readable(u.record.text)]
        before += [u for u in place.row if u.record.text.strip() not in (*row, quote)]
    told = [said[:SPOKEN]] if said else []
    head = "".join(f"{text} / " for text in [*told, *(u.record.text.strip() for u in before)])
    head = head[:LONGEST]
    return head + own, (len(head), len(head) + len(own))
