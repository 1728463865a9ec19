"""The lecture world: hours of slides, speech, camera scenes and breaks, with questions to ask.

    python -m bench.worlds.lecture FOLDER [--minutes 120] [--seed 1] [--voice flite]

Writes ``lecture.mp4`` and, for the scorer only, ``truth.json``. Content comes from
`lecture_script`, time from `timetable`, questions from `questions`.
"""

from __future__ import annotations

from bench.worlds import questions
from bench.worlds.film import Format
from bench.worlds.make import Recipe, main
from bench.worlds.timetable import Timetable, lay_out
from bench.worlds.truth import Question


def _plan(
    minutes: float, seed: int, voice: str, form: Format
) -> tuple[Timetable, tuple[Question, ...]]:
    table = lay_out(minutes, seed, voice, form)
    return table, questions.ask_about(table, seed)


LECTURE = Recipe("lecture", _plan, film=2, questions=2)

if __name__ == "__main__":
    main(LECTURE, __doc__.splitlines()[0])
