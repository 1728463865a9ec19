"""How often something was heard: a bell, a dog, a whistle, where only words tell of it.

A memory of speech and text has no sounds, but people remark on them when they come: "and there goes
the bell", "hear the dog bark". Sentences that tell what is usual or to come ("whenever it is sold,
she rings the bell", "if the dog barks") are no such moment, and remarks next to each other are about
one. What nobody remarked on is not counted, so the answer is said to be at least so many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import finding, listing, sentence
from longtake.agent.solvers.when import occasions
from longtake.agent.state import Finding, Part
from longtake.tools.corpus import Term, coverage

TOGETHER = 12.0
"""Seconds between remarks on one sound."""
MOST = 30
_USUAL = re.compile(
    r"\b(?:when(?:ever)?|if|unless|until|always|usually|every (?:time|day|hour|morning|evening|week)|each "
    r"time|often|never|would|could|should|must|can|will|used to|going to|as soon as|wait(?:s|ing)? for|not|"
    r"please|silent|broken|was cast|made of|weighs?)\b|n['’]t\b",
    re.IGNORECASE,
)


def solve_heard(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """Count the moments at which somebody remarks on the sound; None where nobody does."""
    del terms
    thing = desk.terms(part["words"])
    found = [
        candidate(unit, 0.8, lex=1.0)
        for unit in desk.corpus.holding(thing)
        if unit.source == "speech"
        and desk.in_scope(part, unit.record)
        and coverage(thing, [unit]) >= 0.99
        and not _USUAL.search(unit.record.text)
    ]
    if not found or not desk.switches.scan:
        return None
    times = occasions(found, TOGETHER)
    n = len(times)
    said = f"{n} time{'s' if n != 1 else ''}, as far as it is remarked on: {listing(times, MOST)}."
    shown = [dict(one) for one in times[:MOST]]
    told = [sentence(said, *range(len(shown)), computed=float(n))]
    return finding("found", told, shown, confidence=0.7, value=float(n))
