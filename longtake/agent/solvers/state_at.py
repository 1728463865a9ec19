"""What a value was at a time, what it is now, and how it changed: the last writer wins.

Every place that tells the thing together with a value is a reading: "the score is two to one", a
line "Score 2:1", or a cell beside its label. Readings come from a scan of everything, so that a
value that was told once, an hour before, still holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import Candidate, at, clock, finding, sentence
from longtake.agent.reading.extract import short_answer
from longtake.agent.reading.pages import page_lines
from longtake.agent.reading.sorts import holds, sort_of
from longtake.agent.solvers.operators import Reading, changes, state_at
from longtake.agent.solvers.when import absent
from longtake.agent.state import Finding, Part
from longtake.timecode import Seconds
from longtake.tools.corpus import Term, Unit, coverage
from longtake.tools.topic import FUNCTION
from longtake.tools.words import number_of, stem, with_digits

HELD = 0.7
"""Share of the thing's words that a reading holds."""
CELL = 4
"""A value beside its label has at most so many words."""
_SCORE = re.compile(r"\b(\d{1,3}) ?(?:(?::|-|–|to) ?(\d{1,3})\b|all\b)")
_TWO_SIDED = frozenset(stem(word) for word in ("score", "result", "standing", "goals"))
_LABELLED = re.compile(r"\s*[^\W\d][^:]*: ?\d")
_PIECE = re.compile(r"\d+|[^\W\d]+|[:–-]")
_SAID = {"one": "1", "nil": "0", "nought": "0", "love": "0"}
ATTRIBUTES = frozenset(
    [
        "price",
        "cost",
        "value",
        "amount",
        "number",
        "temperature",
        "level",
        "age",
        "sum",
        "money",
        "stand",
        "stood",
        "reach",
        "reached",
    ]
)
"""Need not be said where the thing is told with such a value: "a pie costs six crowns"."""
Read = tuple[Reading, Candidate]


def solve_state(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """The value at a time, at the end, or None when nothing tells it."""
    read = readings(desk, part, terms)
    if not read:
        return None
    time = part.get("point")
    if time is None:
        time = max(desk.limit(desk.video(name)) for name in {c["video"] for _, c in read})
    now = state_at([one for one, _ in read], time)
    if now is None:
        first = read[0][1]
        note = f"By then it had not been told; it is first told at {clock(first['start'])}."
        return absent([]) | {"nearest": first, "note": note}
    proof = next(c for one, c in read if one == now)
    later = next((c for one, c in read if one.time > time and one.value != now.value), None)
    parts = [sentence(f"{now.value[:1].upper()}{now.value[1:]}.", 0), sentence(at(proof), 0)]
    shown = [proof]
    if later is not None:
        shown.append(later)
        parts.append(sentence(f"It changes at {clock(later['start'])}.", 1))
    return finding("found", parts, shown, confidence=0.75, value=_number(now.value),
                   short=now.value)  # fmt: skip


def solve_changes(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """How often a value changed, and to what; the first time it is told is no change."""
    read = readings(desk, part, terms)
    turns = changes([one for one, _ in read])
    if not turns:
        return None
    shown = [next(c for one, c in read if one == turn) for turn in turns]
    n = len(turns) - 1
    line = ", ".join(f"{turn.value} at {clock(one['start'])}"
                     for turn, one in zip(turns, shown, strict=True))  # fmt: skip
    lead = "It does not change" if n == 0 else f"It changes {n} time{'s' if n > 1 else ''}"
    text = f"{lead}: {line}."
    value = _number(turns[-1].value) if part.get("asks") == "value" else float(n)
    parts = [sentence(text, *range(len(shown)), computed=float(n))]
    parts.append(sentence(f"The last value: {at(shown[-1])}", len(shown) - 1))
    return finding("found", parts, shown, confidence=0.75, value=value, short=turns[-1].value)


def readings(desk: Desk, part: Part, terms: Sequence[Term]) -> list[Read]:
    """Every place that tells the value, in order of time; of one page the line itself."""
    thing = [term for term in terms if term.text not in ATTRIBUTES] or list(terms)
    sort = sort_of(part["text"]) if len(thing) < len(terms) else None
    if not thing or all(term.absent for term in thing):
        return []
    found: dict[tuple[str, Seconds], Read] = {}
    for unit in desk.corpus.holding(thing):
        if unit.source not in ("speech", "screen") or coverage(thing, [unit]) < HELD:
            continue
        if sort is not None and not holds(sort, part["text"], unit.record.text):
            continue
        made = _reading(desk, part, unit)
        if made is not None:
            found.setdefault((made[1]["video"], made[0].time), made)
    read = sorted(found.values(), key=lambda one: (one[0].time, one[1]["id"]))
    first = read[0][1]["video"] if read else ""
    return [one for one in read if one[1]["video"] == first]


def _reading(desk: Desk, part: Part, unit: Unit) -> Read | None:
    one = candidate(unit, 0.8, lex=1.0)
    value = value_in(one["quote"], part)
    if value is None and unit.source == "screen":
        for line in page_lines(desk, one)[1:]:
            other = _LABELLED.match(line["quote"])  # "Goal: 3,000" is the value of something else
            short = len(line["quote"].split()) <= CELL and other is None
            told = value_in(line["quote"], part) if short else None
            if told is not None:
                # the label may stay while the cell beside it changes
                when = max(line["start"], one["start"])
                return Reading(when, told), line | {"score": one["score"]}
    return (Reading(one["start"], value), one) if value is not None else None


def value_in(text: str, part: Part) -> str | None:
    """The value that a text tells, written in one way: a score, a number, a person, a day, a place.

    >>> value_in("It is two to one for the home side.", {"words": ["score"], "wants": "number"})
    '2:1'
    >>> value_in("Now a bag costs forty two crowns.", {"words": ["bag"], "wants": "number"})
    '42 crowns'
    """
    words, wants = part["words"], part["wants"] or "number"
    if wants != "number":
        return short_answer(text, wants, words)
    if {stem(word) for word in words} & _TWO_SIDED:
        plain = " ".join(_SAID.get(w, w) for w in with_digits(_PIECE.findall(text.lower())))
        if score := _SCORE.search(plain):
            return f"{score.group(1)}:{score.group(2) or score.group(1)}"
    short = short_answer(text, "number", words)
    if short is None:
        return None
    return with_unit(text, short)


def with_unit(text: str, short: str) -> str:
    """A number in digits with the word behind it: "forty two" in "forty two crowns a bag".

    >>> with_unit("Forty two crowns a bag", "Forty two"), with_unit("Score 3 in all", "3")
    ('42 crowns', '3')
    """
    unit = re.match(r"\s+([a-z]+)", text[text.find(short) + len(short) :] if short in text else "")
    told = " ".join(with_digits(short.lower().split()))
    named = unit is not None and unit.group(1) not in FUNCTION and " " not in told
    return f"{told} {unit.group(1)}" if unit is not None and named else told


def _number(value: str) -> float | None:
    return None if _SCORE.fullmatch(value) else number_of(value)
