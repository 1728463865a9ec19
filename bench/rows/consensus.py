"""Row 13: several voters, signals that add up, and a second round only where they do not.

A hundred scripted questions. On seventy most voters are right, on thirty the first look was bad:
most voters guess, and what speaks for them is little. A second round sees more evidence; now and
then it brings an answer that nobody had given, or a voter that is simply wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.rows.common import Bench, Row, share

WANTED = ("right rises by >= 0.15, right turned wrong <= 1 %; no round for who agrees; none beyond "
          "the budget; each sensor decides something")  # fmt: skip
QUESTIONS, UNSTABLE, UNANIMOUS = 100, 30, 45
COST, FEW = 2, 10
PLENTY = 10_000


class Case:
    """One question: what the voters say first, and what they say when asked again."""

    def __init__(self, n: int) -> None:
        from longtake.agent.surety.consensus import Vote

        chance = np.random.default_rng([13, n])
        self.right, self.asked = f"right {n}", 0

        def vote(answer: str, p: float, blind: float, held: float, rank: int) -> Vote:
            p, held = (float(np.clip(x + chance.normal(0, 0.05), 0, 1)) for x in (p, held))
            return Vote(answer, round(p, 3), blind, round(held, 3), rank)

        sure = [vote(self.right, 0.8, 0.25, 0.8, 1) for _ in range(3)]
        guess = [vote(f"guess {n}", 0.45, 0.4, 0.25, 3) for _ in range(2)]
        self.unanimous = n < UNANIMOUS
        self.unstable = n >= QUESTIONS - UNSTABLE
        if self.unanimous:
            self.first = sure
        elif self.unstable:
            self.first = [*guess, vote(self.right, 0.4, 0.3, 0.3, 4)]
        elif n % 5 == 0:  # nothing but the place of the evidence tells them apart
            self.first = [vote(f"other {n}", 0.7, 0.3, 0.5, 6), vote(self.right, 0.7, 0.3, 0.5, 1)]
        else:
            lead = chance.choice(3)  # one signal or another speaks against the majority
            other = vote(f"other {n}", 0.75 if lead == 0 else 0.4, 0.3, 0.8 if lead == 1 else 0.3,
                         1 if lead == 2 else 4)  # fmt: skip
            fair = [vote(self.right, 0.55, 0.35, 0.5, 2), vote(self.right, 0.5, 0.35, 0.4, 2)]
            self.first = [*(sure[:2] if n % 2 else fair), other]
        late = f"late {n}" if n % 9 == 0 else self.right
        wrong = f"guess {n}" if n % 15 == 14 else self.right
        self.then = [vote(self.right, 0.75, 0.25, 0.8, 1), vote(wrong, 0.7, 0.3, 0.6, 2),
                     vote(late, 0.7, 0.25, 0.7, 1)]  # fmt: skip

    def more(self, candidates: list[str]) -> Sequence[Any]:
        """The second round."""
        del candidates
        self.asked += 1
        return self.then


def run(bench: Bench) -> Row:
    """Decide with and without the second round, without each sensor, and on a small budget."""
    from longtake.agent.surety.consensus import SENSORS

    del bench
    on, chosen = decided(rounds=2)
    off, base = decided(rounds=1)
    on["right_turned_wrong"] = share([a and not b for a, b in _pairs(base, chosen)])
    on["small_budget_rounds"] = decided(rounds=2, most=FEW)[0]["asked_again"]
    answers = _answers()
    on["sensors_decide"] = {
        name: sum(a != b for a, b in _pairs(answers, _answers(without=name))) for name in SENSORS
    }
    met = on["right"] >= off["right"] + 0.15 and on["right_turned_wrong"] <= 0.01
    met = met and on["unanimous_asked_again"] == 0 and on["small_budget_rounds"] <= FEW // COST
    return Row("consensus", on, off, WANTED, met and min(on["sensors_decide"].values()) >= 1)


def _pairs(one: Sequence[Any], other: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(one, other, strict=True))


def _ledger(most: int) -> Any:
    from longtake.agent.ledger import Budget, Ledger

    return Ledger(Budget(llm=0, scored=most, inspections=0, frames=0, rewrites=0, wall=600.0))


def decided(*, rounds: int, most: int = PLENTY) -> tuple[dict[str, Any], list[bool]]:
    """How often the decision is right, and for each question whether it was."""
    from longtake.agent.surety.consensus import consensus

    ledger = _ledger(most)
    cases = [Case(n) for n in range(QUESTIONS)]
    made = [consensus(c.first, c.more, ledger, cost=COST, rounds=rounds) for c in cases]
    flags = [one is not None and one.answer == c.right for one, c in _pairs(made, cases)]
    sure = [one is not None and one.sure for one in made]
    return {
        "questions": QUESTIONS,
        "right": share(flags),
        "right_of_unstable": share([f for f, c in _pairs(flags, cases) if c.unstable]),
        "right_when_sure": share([f for f, s in _pairs(flags, sure) if s]),
        "sure": share(sure),
        "asked_again": sum(c.asked for c in cases),
        "unanimous_asked_again": sum(c.asked for c in cases if c.unanimous),
        "refused": sum(len(one.refused) for one in made if one is not None),
    }, flags


def _answers(without: str = "") -> list[tuple[str, bool, int]]:
    """What is decided when one of the sensors is missing."""
    from longtake.agent.surety.consensus import SENSORS, consensus

    sensors = {name: sensor for name, sensor in SENSORS.items() if name != without}
    found = []
    for n in range(QUESTIONS):
        case = Case(n)
        made = consensus(case.first, case.more, _ledger(PLENTY), cost=COST, sensors=sensors)
        assert made is not None
        found.append((made.answer, made.sure, made.rounds))
    return found
