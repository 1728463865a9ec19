"""The seminar world: the held-out film, on whose questions nothing is tuned.

    python -m bench.worlds.seminar FOLDER [--minutes 120] [--seed 1] [--voice flite]

Writes ``seminar.mp4`` and, for the scorer only, ``truth.json``. Content comes from
`seminar_script`, time from `programme`, questions from `seminar_questions`.
"""

from __future__ import annotations

from bench.worlds import seminar_questions
from bench.worlds.film import Format
from bench.worlds.make import Recipe, main
from bench.worlds.programme import lay_out
from bench.worlds.seminar_script import SEMINAR as SCRIPT
from bench.worlds.timetable import Timetable
from bench.worlds.truth import Question


def _plan(
    minutes: float, seed: int, voice: str, form: Format
) -> tuple[Timetable, tuple[Question, ...]]:
    day = lay_out(SCRIPT, minutes, seed, voice, form)
    return day, seminar_questions.ask_about(day)


SEMINAR = Recipe("seminar", _plan)

if __name__ == "__main__":
    main(SEMINAR, __doc__.splitlines()[0])
