"""`longtake cost`: what the answers of a thread cost."""

from __future__ import annotations

import click

from longtake.agent.turns import Turns
from longtake.cli.commands.why import find
from longtake.cli.output import emit
from longtake.cli.session import common, current
from longtake.cli.walk import cost_table


@click.command("cost")
@click.argument("thread", required=False)
@common()
def cost_command(thread: str | None) -> None:
    """Show what each answer of a thread cost: searches, looks, frames, model calls.

    THREAD is the name that a chat or `ask --json` gave; the last one spoken in by default.
    """
    turns = Turns(current().open().path)
    name = find(turns, thread, None).thread
    rows = [(one.turn, one.question, one.answer["cost"]) for one in turns.of(name)]
    data = [{"turn": n, "question": question, "cost": cost} for n, question, cost in rows]
    emit({"thread": name, "turns": data}, lambda: cost_table(rows), count=len(rows))
