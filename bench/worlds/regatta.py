"""The regatta world: a third held-out film, an open day of a sailing club with one camera.

    python -m bench.worlds.regatta FOLDER [--minutes 60] [--seed 1] [--voice flite]

Writes ``regatta.mp4`` and, for the scorer only, ``truth.json``. Content comes from
`regatta_script`, time from `outing`, questions from `regatta_questions`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.worlds import regatta_questions
from bench.worlds.film import Format
from bench.worlds.make import Recipe, main
from bench.worlds.outing import Outing, Signal, lay_out
from bench.worlds.regatta_script import BLOW, CHAT, HORN, PARTS, PEOPLE, SUBTITLE, TITLE
from bench.worlds.timetable import Timetable
from bench.worlds.truth import Question


def horn(rate: int) -> NDArray[np.float32]:
    """Return one blow of a ship's horn."""
    time = np.arange(round(1.7 * rate)) / rate
    tones = sum(np.sin(2 * np.pi * pitch * time) / n
                for n, pitch in enumerate((196.0, 247.0, 392.0, 494.0), 1))  # fmt: skip
    swell = np.minimum(1.0, np.minimum(time / 0.08, (1.7 - time) / 0.25))
    return (0.22 * tones * swell).astype(np.float32)


SCRIPT = Outing(TITLE, SUBTITLE, PEOPLE, PARTS, CHAT, Signal(horn, HORN, BLOW))


def _plan(
    minutes: float, seed: int, voice: str, form: Format
) -> tuple[Timetable, tuple[Question, ...]]:
    day = lay_out(SCRIPT, minutes, seed, voice, form)
    return day, regatta_questions.ask_about(day)


REGATTA = Recipe("regatta", _plan)

if __name__ == "__main__":
    main(REGATTA, __doc__.splitlines()[0])
