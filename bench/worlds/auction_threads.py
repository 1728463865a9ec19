"""Talks about the auction world: two or three questions each, the later ones full of pronouns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bench.worlds.auction_questions import (
    ask,
    cards,
    colour,
    end,
    gap,
    number,
    said,
    shown,
    view,
)
from bench.worlds.auction_script import VAN
from bench.worlds.evening import Evening
from bench.worlds.timetable import Timetable
from bench.worlds.truth import Question, Thread, lasting

Turn = tuple[str, Question]
"""A question's kind and the question."""


def talk_about(table: Timetable) -> tuple[Thread, ...]:
    """Return the threads of an evening."""
    if not isinstance(table, Evening):
        raise TypeError("only an evening has these threads")
    return tuple(
        Thread(name, tuple(replace(question, id=f"{name}.{number}", kind=kind)
                           for number, (kind, question) in enumerate(turns, 1)))
        for name, turns in ((f"thread-{n}", turns) for n, turns in enumerate(_threads(table), 1))
    )  # fmt: skip


def _threads(evening: Evening) -> Iterator[tuple[Turn, ...]]:
    yield _clock(evening)
    yield _lights(evening)
    yield _vase(evening)
    yield _guitar(evening)
    yield _tea(evening)
    yield _pumpkin(evening)
    yield _dinner(evening)
    yield _painting(evening)
    yield _fund(evening)
    yield _van(evening)


def _clock(evening: Evening) -> tuple[Turn, ...]:
    after = evening.lots["umbrella"].span
    return (
        ("speech", ask("What did Walter say about how well the clock keeps time?",
                       said(evening, "It loses four minutes"), (r"\bfour min", r"\b4 min"))),
        ("screen", ask("And what did it go for?", end(evening, "clock"), number(95),
                       number(50, 60, 70, 75, 80))),
        ("order", ask("What came up right after it?", (after,), (r"\bumbrella",),
                      (r"\brecord", r"\bteapot"))),
    )  # fmt: skip


def _lights(evening: Evening) -> tuple[Turn, ...]:
    cause = said(evening, "waffle iron")
    return (
        ("speech", ask("Why did the lights go out?", cause, (r"\bwaffle",))),
        ("screen", ask("Who said that?", cause, (r"\bolga", r"\bbrandt"),
                       (r"\bhenry", r"\bnora"))),
        ("how_long", lasting("How long did it stay like that?", evening.dark)),
    )  # fmt: skip


def _vase(evening: Evening) -> tuple[Turn, ...]:
    lot = evening.lots["vase"]
    right = (r"\bpieces", r"\bbr[oe]ke?", r"\bslipped", r"\bshatter", r"\bsmash")
    return (
        ("speech", ask("What went wrong with the tall vase?", (lot.end,), right)),
        ("screen", ask("Who had given it?", cards(evening, "vase"), (r"\bpaula", r"\bquist"))),
        ("sight", ask("And what colour was it?", view(evening, "vase"), *colour("green"))),
    )


def _guitar(evening: Evening) -> tuple[Turn, ...]:
    return (
        ("screen", ask("What was the guitar thought to be worth?", cards(evening, "guitar"),
                       (r"120 (to|-|–|and) 150",))),
        ("screen", ask("And how much did they get for it?", end(evening, "guitar"), number(160),
                       number(130, 140))),
        ("two_hop", ask("Who has it now?", shown(evening, "Paddles, page 1"), (r"\bschool",),
                        (r"\bcaller", r"\bhotel"))),
    )  # fmt: skip


def _tea(evening: Evening) -> tuple[Turn, ...]:
    sheet = shown(evening, "Tea break")
    return (
        ("speech", ask("When does Henry send everybody off to drink something?",
                       (*said(evening, "We have earned"), evening.parts["tea"]))),
        ("screen", ask("What does a piece of pie cost there?", sheet, number(5), number(2, 4))),
        ("screen", ask("And a cup of tea?", sheet, number(2), number(4, 5))),
    )  # fmt: skip


def _pumpkin(evening: Evening) -> tuple[Turn, ...]:
    return (
        ("sight", ask("When is something with a carved face on the screen?",
                      view(evening, "pumpkin"))),
        ("speech", ask("How much does it weigh?", said(evening, "It weighs nineteen"),
                       number(19))),
        ("screen", ask("Who gave it?", cards(evening, "pumpkin"), (r"\bschool",))),
    )  # fmt: skip


def _dinner(evening: Evening) -> tuple[Turn, ...]:
    menu = shown(evening, "The menu")
    return (
        ("screen", ask("What is the main course of the dinner for six?", menu, (r"\btrout",),
                       (r"\bplum", r"\bbeetroot"))),
        ("screen", ask("And what do they begin with?", menu, (r"\bbeet",), (r"\bplum",))),
    )  # fmt: skip


def _painting(evening: Evening) -> tuple[Turn, ...]:
    return (
        ("speech", ask("What is on the back of the painting, since there is no name?",
                       said(evening, "On its back"), (r"\bthumb",))),
        ("screen", ask("When was it painted?", cards(evening, "painting"), number(1958))),
        ("sight", ask("And what colour is its card?", cards(evening, "painting"),
                      *colour("blue"))),
    )  # fmt: skip


def _fund(evening: Evening) -> tuple[Turn, ...]:
    boards = evening.boards
    (first, first_span), (last, last_span) = boards[0], boards[-1]
    others = tuple(number(*(sum_ for sum_, _ in boards if sum_ != one), 3000)
                   for one in (first, last))  # fmt: skip
    return (
        ("state", ask("How much money did they start the evening with?", (first_span,),
                      number(first), others[0])),
        ("speech", ask("Where had it come from?", said(evening, "from the cake sale"),
                       (r"\bcake",))),
        ("state", ask("And how much was it by the end?", (last_span,), number(last), others[1])),
    )  # fmt: skip


def _van(evening: Evening) -> tuple[Turn, ...]:
    first = said(evening, VAN[0][1])
    second = said(evening, VAN[1][1])
    return (
        ("speech", ask("Where did the grey van stand in the way?", first, (r"\bside gate",))),
        ("screen", ask("And what is on the screen at that moment?",
                       first, (r"\btea.?pot", r"\blot 2\b"))),
        ("between", gap("How long did it take until somebody asked about it again?", first[0],
                        second[0])),
    )  # fmt: skip
