"""When the place that was asked about is another than the one an answer was found at.

"The permit on the stairs of the quarry": there is a page of the quarry's stairs, and a permit on a
page of the vineyard's. Likeness cannot tell which of the words is the place; the question's own
grammar can. A page that holds all words of the place is looked at before an answer from elsewhere
is believed, and when it was gone through in vain, the answer from elsewhere is none. This is the
check of a locating sub-goal before an answer (VideoLucy, S51).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.looking.places import pages
from longtake.agent.state import Finding, Part
from longtake.timecode import Span
from longtake.tools.corpus import Term, coverage

LEAST = 2
"""Words that a place is named by; one alone may be said in many ways."""
SEEN = 0.8
"""Share of a page that a look must have gone through."""
_ON = re.compile(
    r"\b(in|on|at|inside|of|beside|behind|under|above|outside)\s+(?:the|an?|this)\b", re.IGNORECASE
)
_DONE = re.compile(r"\b(?:written|read|seen|shown|printed|painted|displayed|visible|stands?)\s+$")
_ASKED = re.compile(r"\b(?:number|name|colou?r|title|text|label|sign|words?|value)\s+$")
"""After these a preposition leads to the thing itself: "read on the key", "the number of the key"."""


def place_words(text: str) -> str:
    """The words that say where: what follows the thing that is asked for.

    >>> place_words("What number can be read on the key in the attic of the theatre")
    'attic of the theatre'
    >>> place_words("What is the number of the bus")
    ''
    """
    for n, found in enumerate(_ON.finditer(text)):
        before = text[: found.start()]
        word = found.group(1).lower()
        of_it = (n == 0 and word == "of") or (word in ("of", "on") and _ASKED.search(before))
        if not of_it and not _DONE.search(before):
            return text[found.end() :].strip(" ?.")
    return ""


def elsewhere(desk: Desk, part: Part, terms: Sequence[Term], made: Finding) -> list[dict[str, Any]]:
    """Pages that hold all words of the place asked about, when the evidence's own page does not."""
    if not desk.switches.place or part["kind"] not in ("shown", "fact"):
        return []
    low = place_words(part["text"]).lower()
    asked = [t for t in terms if re.search(rf"\b{re.escape(t.text.lower())}\b", low)]
    if len(asked) < LEAST or any(t.absent for t in asked):
        return []
    if made["status"] != "found" or not made["evidence"]:
        return []
    first = made["evidence"][0]
    if first["source"] not in ("screen", "sight"):
        return []  # what is said of a place need not be said while it is shown
    if _holds(desk, asked, first["video"], Span(first["start"], first["end"])):
        return []
    return [p for p in pages(desk, part, asked)
            if _holds(desk, asked, p["video"], Span(p["start"], p["end"]))]  # fmt: skip


def _holds(desk: Desk, terms: Sequence[Term], video: str, span: Span) -> bool:
    """Whether all the words are said or shown there."""
    units = [u for s in ("speech", "screen", "sight") for u in desk.lane(video, s).at(span)]
    return coverage(terms, units) >= 1.0 - 1e-6


def believed(
    desk: Desk, part: Part, terms: Sequence[Term], made: Finding, steps: Sequence[Mapping[str, Any]]
) -> Finding:
    """The finding; a weak one when the place asked about was gone through, and does not show it."""
    if not _gone_through(elsewhere(desk, part, terms, made), steps):
        return made
    first = made["evidence"][0]
    dropped: Finding = {"value": None, "sentences": [], "evidence": [], "spans": [], "choice": None}
    sure = round(max(0.5, 1.0 - float(made["confidence"])), 3)
    return made | dropped | {"status": "weak", "nearest": first, "confidence": sure,
                             "elsewhere": True}  # fmt: skip


def _gone_through(places: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]) -> bool:
    return bool(places) and all(
        any(
            step["video"] == place["video"]
            and step.get("rung") in ("R4", "R4s")
            and _share(place, step) >= SEEN
            for step in steps
        )
        for place in places
    )


def _share(place: Mapping[str, Any], step: Mapping[str, Any]) -> float:
    whole = Span(float(place["start"]), float(place["end"]))
    seen = Span(float(step["start"]), float(step["end"]))
    return whole.overlap(seen) / max(whole.duration, 1e-6)
