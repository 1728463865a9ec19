"""`longtake why`: how a past answer of a thread came about."""

from __future__ import annotations

import click

from longtake.agent.turns import Kept, Turns
from longtake.cli.output import clean, emit
from longtake.cli.session import common, current
from longtake.cli.walk import why_lines
from longtake.errors import NoSuchMoment


@click.command("why")
@click.argument("thread", required=False)
@click.argument("turn", required=False, type=click.IntRange(min=1))
@common()
def why_command(thread: str | None, turn: int | None) -> None:
    """Explain a past answer: what was searched, opened and found, and how sure.

    THREAD is the name that a chat or `ask --json` gave; the last one spoken in by default. TURN
    counts its questions from 1; the last one by default.
    """
    session = current()
    library = session.open()
    kept = find(Turns(library.path), thread, turn)
    names = {video.id: video.name for video in library.videos()}
    data = {**kept.answer, "thread": kept.thread, "turn": kept.turn, "question": kept.question}
    emit(data, lambda: "\n".join(why_lines(kept.question, kept.answer, names)), count=1)


def find(turns: Turns, thread: str | None, turn: int | None) -> Kept:
    """Find a kept turn.

    Raises:
        NoSuchMoment: there is no such thread or turn; those that are there are named.
    """
    name = thread or turns.latest()
    if name is None:
        raise NoSuchMoment("no answer is kept in this library yet", fix="longtake ask QUESTION")
    kept = turns.of(name)
    if not kept:
        known = ", ".join(clean(row[0]) for row in turns.threads()[-6:])
        fix = f"threads: {known}" if known else "longtake ask QUESTION"
        raise NoSuchMoment(f"no answer of a thread {clean(name)} is kept", fix=fix)
    found = kept[-1] if turn is None else next((one for one in kept if one.turn == turn), None)
    if found is None:
        raise NoSuchMoment(
            f"thread {clean(name)} has {len(kept)} answers, not {turn}",
            fix=f"longtake why {clean(name)} {kept[-1].turn}",
        )
    return found
