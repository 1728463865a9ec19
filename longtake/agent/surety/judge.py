"""Let a model weigh whether what was found answers, where it was measured to have a say.

Nearness finds the moment that speaks of a thing; whether it tells what was asked is a judgement
("where was the piano made" is near to where it stands). A model is asked "does this passage answer
the question?" of the answer's own evidence (VideoMind's verifier; agentic search's reflection,
S49), and its word moves the calibrated log-odds by the line that was fitted for this very model
(`longtake.agent.surety.correction`). It is asked only where that is open. Accepting and declining act on what comes out: a model can
decline a near miss, and rescue a right line that nearness alone would not have told. A model whose
word was worth nothing is not asked.
"""

from __future__ import annotations

from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.reading.pages import place_of
from longtake.agent.state import Finding, Part

GROUPS = ("words", "when", "guess")
"""Findings that rest on nearness; what was computed or seen is no matter of reading a passage."""
LOW, HIGH = 0.1, 0.9
"""A model is asked about answers whose probability lies between these; the others are sure enough."""
LINES = 3
"""Pieces of evidence that are shown."""
LONGEST = 400
"""Characters of each."""


def weighed(
    desk: Desk, part: Part, group: str, made: Finding, p: float
) -> tuple[float, dict[str, Any]]:
    """Return how sure a finding is after a model was heard, and what it said.

    That is ``{"asked": …, "passage": …, "lift": …, "before": p}``, empty when no model was asked
    or none answered.
    """
    if group not in GROUPS or not made["evidence"] or not _asks(desk, p):
        return p, {}
    # No blind guess is taken off: it halved what a small model knew (docs/measurements.md).
    asked, shown = as_question(part["text"]), passage(desk, made)
    said = desk.reasoner.judge(asked, shown, fallback=p, blind=False)
    if said.by == "rules":
        return p, {}
    judge = desk.calibration.judge
    sure = p if judge is None else judge.applied(p, said.lift)
    told = {
        "asked": asked,
        "passage": shown,
        "lift": round(float(said.lift), 4),
        "before": round(p, 3),
    }
    return sure, told


def as_question(question: str) -> str:
    """A part of a question as a question of its own: a part that was cut out has lost its mark."""
    text = question.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith(("?", "!", ".")) else text + "?"


def passage(desk: Desk, made: Finding) -> str:
    """What a finding shows: its evidence, that of a page with its title, head and label."""
    told: list[str] = []
    for n, one in enumerate(made["evidence"][:LINES]):
        if n == 0 and one["source"] == "screen":
            told += [unit.record.text.strip() for unit in place_of(desk, one).around()]
        told.append(" ".join(str(one["quote"]).split())[:LONGEST])
    return " / ".join(dict.fromkeys(told))


def _asks(desk: Desk, p: float) -> bool:
    # Heeding first: an endpoint is only probed when its judgement is wanted.
    if desk.calibration is None or not desk.calibration.heeds_judge or not desk.switches.judge:
        return False
    # Where nothing was fitted on purpose, `p` is the solver's own, and all are asked about.
    open_still = desk.calibration.judge is None or LOW <= p <= HIGH
    return bool(open_still and desk.reasoner is not None and desk.reasoner.writes)
