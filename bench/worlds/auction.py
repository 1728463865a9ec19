"""The auction world: a second held-out film, of bids, sums and events.

    python -m bench.worlds.auction FOLDER [--minutes 60] [--seed 1] [--voice flite]

Writes ``auction.mp4`` and, for the scorer only, ``truth.json`` with questions and threads of
questions. Content comes from `auction_script`, time from `evening`, questions from
`auction_questions` and `auction_threads`. About an hour is its natural length.
"""

from __future__ import annotations

from bench.worlds import auction_questions, auction_threads
from bench.worlds.auction_script import AUCTION as SCRIPT
from bench.worlds.evening import lay_out
from bench.worlds.film import Format
from bench.worlds.make import Recipe, main
from bench.worlds.timetable import Timetable
from bench.worlds.truth import Question


def _plan(
    minutes: float, seed: int, voice: str, form: Format
) -> tuple[Timetable, tuple[Question, ...]]:
    evening = lay_out(SCRIPT, minutes, seed, voice, form)
    return evening, auction_questions.ask_about(evening)


AUCTION = Recipe("auction", _plan, threads=auction_threads.talk_about)

if __name__ == "__main__":
    main(AUCTION, __doc__.splitlines()[0])
