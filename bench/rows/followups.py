"""Row 11: follow-ups that lean on the turn before, and talks that know nothing of each other."""

from __future__ import annotations

from typing import Any

from bench.rows.common import Bench, Place, Row, is_right, share
from bench.worlds.scripted_questions import FollowUp, follow_ups

WANTED = "follow-ups right with history and at most a third as often without; talks do not mix"


def run(bench: Bench) -> Row:
    """Ask each pair of questions with and without the turn before."""
    place = bench.afternoon()
    assert place.programme is not None
    pairs = bench.some(follow_ups(place.programme))
    on = talks(bench, place, pairs, history=True)
    off = talks(bench, place, pairs, history=False)
    on["talks_apart"] = apart(place, pairs)
    met = on["right"] >= 0.9 and off["right"] <= on["right"] / 3 and on["talks_apart"]
    return Row("follow_ups", on, off, WANTED, met)


def talks(bench: Bench, place: Place, pairs: list[FollowUp], *, history: bool) -> dict[str, Any]:
    """Hold each talk in a thread of its own."""
    agent = place.agent(history=history)
    flags = []
    for pair in pairs:
        thread = f"talk-{pair.then.id}"
        agent.ask(pair.first, videos=[place.video], thread=thread)
        answer = agent.ask(pair.then.text, videos=[place.video], thread=thread)
        flags.append(is_right(pair.then, answer))
        bench.note("follow_ups", "on" if history else "off", pair.then, answer, flags[-1])
    return {"questions": len(pairs), "right": share(flags)}


def apart(place: Place, pairs: list[FollowUp]) -> bool:
    """Whether a second talk about the same video answers as if the first were not there."""
    mixed, alone = place.agent(), place.agent()
    same = []
    for pair in pairs:
        mixed.ask(pair.first, videos=[place.video], thread="one")
        beside = mixed.ask(pair.then.text, videos=[place.video], thread=f"other-{pair.then.id}")
        single = alone.ask(pair.then.text, videos=[place.video], thread=f"other-{pair.then.id}")
        same.append(beside.to_dict() == single.to_dict())
    return all(same)
