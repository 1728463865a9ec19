"""Which solver answers which kind of question."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate
from longtake.agent.reading.evidence import ALL_WORDS, enough
from longtake.agent.solvers.choice import solve_choice
from longtake.agent.solvers.interval import solve_interval
from longtake.agent.solvers.number import solve_count, solve_duration, solve_lasting, solve_pages
from longtake.agent.solvers.order import solve_compare, solve_order
from longtake.agent.solvers.text import solve_at, solve_fact, solve_said
from longtake.agent.solvers.when import absent, solve_exists, solve_when
from longtake.agent.solvers.whole import solve_highlights, solve_summary
from longtake.agent.state import Finding, Part
from longtake.tools.corpus import Term

Solver = Callable[[Desk, Part, Sequence[Term], Sequence[Candidate]], Finding]

SOLVERS: dict[str, Solver] = {
    "when": solve_when,
    "said": solve_said,
    "shown": solve_said,
    "fact": solve_fact,
    "at_time": solve_at,
    "exists": solve_exists,
    "count": solve_count,
    "duration": solve_duration,
    "order": solve_order,
    "compare": solve_compare,
    "summary": solve_summary,
    "highlights": solve_highlights,
}


def solve(
    desk: Desk,
    part: Part,
    terms: Sequence[Term],
    found: Sequence[Candidate],
    options: Sequence[str] | None,
) -> Finding:
    """Answer one part from its candidates."""
    if part["kind"] == "choice":
        return solve_choice(desk, part, terms, options or [])
    if part.get("op") and (made := solve_interval(desk, part, terms, found)) is not None:
        return made
    if part.get("window"):
        return solve_at(desk, part, terms, found)
    if not desk.switches.finer:
        best = found[0] if found else None
        return solve_said(desk, part, terms, found) if enough(best, terms) else absent(found)
    if found and found[0]["id"].startswith("look:") and part["kind"] in ("shown", "said", "fact"):
        return solve_fact(desk, part, terms, found)
    made = SOLVERS[part["kind"]](desk, part, terms, found)
    if made["status"] == "found":
        return made
    return _otherwise(desk, part, terms, found) or made


def _otherwise(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding | None:
    """The other way in which a question may be meant; None where there is none, or it fails too."""
    text = part["text"].lower()
    literal = bool(found) and found[0]["lex"] >= ALL_WORDS
    made = None
    if part["kind"] == "fact" and re.search(r"\bhow (?:long|much time)\b", text):
        made = solve_lasting(desk, part, terms)
    elif part["kind"] == "fact" and re.search(
        r"\bhow many\b.*\b(?:are|were|is|was|do|does|did)\b", text
    ):
        made = solve_pages(desk, part, terms)
    elif (
        part["kind"] == "fact" and part["wants"] == "clock" and text.startswith("when") and literal
    ):
        made = solve_when(desk, part | {"kind": "when", "pick": "best"}, terms, found)
    elif part["kind"] == "order" and found and enough(found[0], terms):
        made = solve_fact(desk, part, terms, found)
    return made if made is not None and made["status"] == "found" else None
