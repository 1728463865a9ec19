"""Let a model weigh whether the best moments answer, where it was measured to have a say.

Nearness finds the moment that speaks of a thing; whether it tells what was asked is a judgement
("where was the piano made" is near to where it stands). A model that can weigh labels is asked
"does this passage answer the question?" for the best candidates, against its blind guess and in
both orders (VideoMind's verifier; agentic search's reflection, S49). Its say is a signal among
others: `longtake.agent.surety.calibration` holds the weight that was measured for this very model, and
a model whose judgement was worth nothing is not asked at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate
from longtake.agent.state import Part

KINDS = ("fact", "said", "shown", "when", "exists")
MOST = 2
"""Candidates that are judged."""
LEAD = 1.0
"""By how many nats of lift a later candidate must be ahead to be taken first."""


def judged(
    desk: Desk, part: Part, found: Sequence[Candidate]
) -> tuple[list[Candidate], dict[str, Any]]:
    """Return the candidates, perhaps with another one first, and the judgement of the first.

    The judgement is ``{"judge": lift, "judge_robust": 0 or 1}``, empty when no model was asked.
    """
    if not _asks(desk, part) or not found:
        return list(found), {}
    lifts: list[tuple[float, bool, Candidate]] = []
    for one in _apart(found):
        made = desk.reasoner.judge(part["text"], one["quote"], fallback=0.5)
        if made.by == "rules":
            break
        lifts.append((made.lift, made.robust, one))
    if not lifts:
        return list(found), {}
    lift, robust, best = lifts[0]
    for other in lifts[1:]:
        if other[0] > lift + LEAD and other[1]:
            lift, robust, best = other
    order = [best, *(c for c in found if c is not best)]
    return order, {"judge": round(float(lift), 4), "judge_robust": float(robust)}


def _asks(desk: Desk, part: Part) -> bool:
    heeded = desk.calibration is None or desk.calibration.heeds_judge
    # An endpoint is only probed for log-probabilities when its judgement is wanted.
    return bool(desk.switches.judge and heeded and part["kind"] in KINDS and desk.reasoner.writes)


def _apart(found: Sequence[Candidate], gap: float = 15.0) -> list[Candidate]:
    """The best candidates that are not the same moment."""
    chosen: list[Candidate] = []
    for one in found:
        if all(one["video"] != c["video"] or abs(one["start"] - c["start"]) > gap for c in chosen):
            chosen.append(one)
        if len(chosen) == MOST:
            break
    return chosen
