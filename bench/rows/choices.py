"""Scored choices: decisions of a model that leans to a place and to a letter, steadied and as they come.

A hundred scripted questions with four candidates. The model knows the right one; on thirty its
lean to the first place and to one letter is stronger than what it knows, so that a single reading
is unstable and mostly wrong. On: the prior is taken off and two orders are asked. Every decision
is debited, and at the end of the budget the caller's rule decides without a call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bench.rows.common import Bench, Row, share

WANTED = ("right rises by >= 0.1, right turned wrong <= 1 %; no call beyond the budget; the unstable "
          "are told by their orders disagreeing")  # fmt: skip
QUESTIONS, UNSTABLE, OPTIONS = 100, 30, 4
KNOWS = {"stable": 4.0, "unstable": 1.2}
FIRST, LETTER, LEANS_TO = 1.6, 1.4, "C"
FEW = 40
"""Scored prompts of the small budget."""
_LISTED = re.compile(r"^([A-D])\. (.+)$", re.MULTILINE)
_NUMBER = re.compile(r"Question (\d+)")


class LeaningModel:
    """Scores letters by what it knows, where an option stands, and which letter it has."""

    name = "leaning@0"
    scores = True

    def __init__(self) -> None:
        self.calls = 0

    def generate(self, messages: Any, *, max_tokens: int, stop: Sequence[str] = ()) -> str:
        """It never writes."""
        del messages, max_tokens, stop
        return ""

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """Log-probabilities of the letters, but for a constant."""
        self.calls += 1
        text = messages[-1][1]
        listed = {letter: option for letter, option in _LISTED.findall(text)}
        asked = _NUMBER.search(text)
        n = int(asked.group(1)) if asked else None
        told = []
        for place, letter in enumerate(labels):
            score = LETTER * (letter == LEANS_TO) - 3.0
            if n is not None:
                score += FIRST * (place == 0)
                score += KNOWS[kind(n)] * (listed.get(letter) == right(n))
            told.append(score)
        return told


def kind(n: int) -> str:
    """Whether what the model knows of a question outweighs how it leans."""
    return "unstable" if n % 10 < 10 * UNSTABLE // QUESTIONS else "stable"


def options(n: int) -> list[str]:
    """The candidates of a question."""
    return [f"candidate {n}-{k}" for k in range(OPTIONS)]


def right(n: int) -> str:
    """Which of them is right: each place in turn."""
    return options(n)[(n // 10 + n) % OPTIONS]


def run(bench: Bench) -> Row:
    """Decide all questions both ways, and once more on a budget that ends on the way."""
    del bench
    on, chosen = decided(steady=True)
    off, plain = decided(steady=False)
    lost = [a and not b for a, b in zip(plain, chosen, strict=True)]
    on["right_turned_wrong"] = share(lost)
    on["small_budget_calls"] = decided(steady=True, most=FEW)[0]["calls"]
    met = on["right"] >= off["right"] + 0.1 and on["right_turned_wrong"] <= 0.01
    met = met and on["small_budget_calls"] <= FEW
    told = on["unstable_told"] >= 0.9 and on["stable_told"] <= 0.1
    return Row("choices", on, off, WANTED, met and told)


def decided(*, steady: bool, most: int = 10_000) -> tuple[dict[str, Any], list[bool]]:
    """How often the choice is right, and for each question whether it was."""
    from longtake.agent.ledger import Budget, Ledger
    from longtake.agent.reasoning.reasoner import Reasoner

    model = LeaningModel()
    ledger = Ledger(Budget(llm=0, scored=most, inspections=0, frames=0, rewrites=0, wall=600.0))
    reasoner = Reasoner(model, None, ledger, prior=steady, swap=steady)
    flags, robust = [], []
    for n in range(QUESTIONS):
        given = options(n)
        made = reasoner.choose(f"Question {n}: which one?", given, fallback=[1.0] * OPTIONS)
        flags.append(given[made.best] == right(n))
        robust.append(made.robust)
    told = {sort: share([not r for n, r in enumerate(robust) if kind(n) == sort]) for sort in KNOWS}
    return {"questions": QUESTIONS, "right": share(flags), "calls": model.calls,
            "unstable_told": told["unstable"], "stable_told": told["stable"]}, flags  # fmt: skip
