"""Lines that hold what a question asks for, on pages that name what it is about.

A card says "Copper lamp / Lot 3 / Made in 1921": the year is asked for together with the lamp, and
the line that holds it shares no word with the question. Such a line is read as the page it stands
on, with the sentence that was spoken over it: the page must be about the question, the line must
hold the sort of thing (Li and Roth's answer types, COLING 2002). No more is asked of the line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.findings import Candidate
from longtake.agent.reading.extract import NUMBER, short_answer
from longtake.agent.reading.pages import readable
from longtake.agent.reading.sorts import holds, sort_of
from longtake.agent.state import Part
from longtake.tools.corpus import Term, Unit

_COUNTED = re.compile(r"\bhow (?:much|many)\b")
_AMOUNT = re.compile(rf"(?:{NUMBER.pattern})\s?[^\W\d_]{{2,}}", re.IGNORECASE)
_LINES = ("number", "date", "length", "weight", "temperature", "speed", "money")
"""Sorts that a line of a page holds without a word of the question; how long something lasts is
told by the film's own times, and seldom by a line."""
LEAST_LETTERS = 3


def holds_wanted(part: Part, quote: str) -> bool:
    """Whether a line holds the number, date, clock time or measure that is asked for.

    >>> holds_wanted({"text": "How much water fits into it?", "wants": "number"}, "3 litres")
    True
    >>> holds_wanted({"text": "How much water fits into it?", "wants": "number"}, "Lot 3")
    False
    >>> holds_wanted({"text": "When is the next walk?", "wants": None}, "Next walk: 4 March")
    True
    """
    text = part["text"].lower()
    sort = sort_of(text)
    if sort is not None and sort not in (*_LINES, "phone", "email"):
        return False
    if sort == "number" or (sort is None and _COUNTED.search(text)):
        return bool(_AMOUNT.search(quote))
    if sort is not None:
        return holds(sort, text, quote)
    if part.get("wants") == "date" or re.match(r"\W*(?:and |so |but )?when\b", text):
        dated = short_answer(quote, "date", []) or short_answer(quote, "clock", [])
        return dated is not None
    return part.get("wants") == "clock" and short_answer(quote, "clock", []) is not None


def counts(part: Part) -> bool:
    """Whether things are counted: then the line must name them, for any page has some number."""
    return "how many" in part["text"].lower() or sort_of(part["text"]) == "number"


def compound(term: Term, terms: Sequence[Term], units: Sequence[Unit]) -> bool:
    """Whether a unit holds two words of the question written as one: "teapot" for tea and pot."""
    if len(term.stem) < LEAST_LETTERS:
        return False
    pairs = {a.stem + b.stem for a in terms for b in terms if a is not b and term in (a, b)}
    return any(pairs & unit.bag for unit in units)


def spoken_over(one: Candidate, found: Sequence[Candidate]) -> str:
    """The likeliest sentence that was spoken while a line was on screen; "" where none was."""
    over = (
        c["quote"]
        for c in found
        if c["source"] == "speech" and c["video"] == one["video"]
        and one["start"] - 1.0 <= c["start"] < one["end"] and readable(c["quote"])
    )  # fmt: skip
    return str(next(over, ""))
