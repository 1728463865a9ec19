"""A language model's word on a paraphrase, where it was found to be worth something.

"The exam is announced" is held by any sentence with "exam" in it; whether it is meant is a
judgement. The model is asked as for questions (`longtake.agent.reasoning.yes_no`), and its word
moves the log-odds by the line that was fitted for this very model. A model for which none was
fitted, or whose word was worth nothing, is not asked; phrases in quotes need no judgement.
"""

from __future__ import annotations

from typing import Any

from longtake.agent.ledger import TINY, Ledger
from longtake.agent.reasoning.reasoner import Reasoner
from longtake.agent.standing.closer import Judge
from longtake.agent.surety.calibration import Calibration
from longtake.agent.surety.correction import Correction
from longtake.models.protocols import ChatModel

ASKED = "Is it said or shown that {what}?"


def judge_of(models: Any, chat: ChatModel | None) -> Judge | None:
    """Return what weighs paraphrases by the profile's model; None where it has no say."""
    if chat is None:
        return None
    fitted = Calibration.load(models.names(), chat=chat.name).judge
    return None if fitted is None or not fitted.heeded else judged(chat, fitted)


def judged(chat: ChatModel, fitted: Correction) -> Judge:
    """Return what weighs paraphrases by a model, each with an account of its own."""

    def weigh(what: str, quote: str, value: float) -> float:
        reasoner = Reasoner(chat, None, Ledger(TINY))
        said = reasoner.judge(ASKED.format(what=what), quote, fallback=value, blind=False)
        return value if said.by == "rules" else fitted.applied(value, said.lift)

    return weigh
