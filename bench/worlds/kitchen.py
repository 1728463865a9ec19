"""The kitchen world: a fourth held-out film, a cooking day whose dishes come back in turn.

    python -m bench.worlds.kitchen FOLDER --minutes 37 [--seed 1] [--voice flite]

Writes ``kitchen.mp4`` and, for the scorer only, ``truth.json``. Content comes from
`kitchen_script`, time from `outing`, questions from `kitchen_questions`. About 37 minutes is its
natural length.
"""

from __future__ import annotations

from bench.worlds import kitchen_questions
from bench.worlds.evening import bell
from bench.worlds.film import Format
from bench.worlds.kitchen_script import CHAT, GUESTS, PARTS, PEOPLE, RING, RUNG, SUBTITLE, TITLE
from bench.worlds.make import Recipe, main
from bench.worlds.outing import Outing, Signal, lay_out
from bench.worlds.timetable import Timetable
from bench.worlds.truth import Question

SCRIPT = Outing(TITLE, SUBTITLE, PEOPLE, PARTS, CHAT, Signal(bell, RUNG, RING), GUESTS)


def _plan(
    minutes: float, seed: int, voice: str, form: Format
) -> tuple[Timetable, tuple[Question, ...]]:
    day = lay_out(SCRIPT, minutes, seed, voice, form)
    return day, kitchen_questions.ask_about(day)


KITCHEN = Recipe("kitchen", _plan)

if __name__ == "__main__":
    main(KITCHEN, __doc__.splitlines()[0])
