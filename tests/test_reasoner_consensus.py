"""Consensus: a second round where voters are at odds helps, costs little, and ends at the budget."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from longtake.agent.ledger import Budget, Ledger
from longtake.agent.surety.consensus import SENSORS, Decision, Vote, consensus, weigh

RIGHT, WRONG, OTHER = "right", "wrong", "other"


def ledger(scored: int = 1000) -> Ledger:
    return Ledger(Budget(llm=0, scored=scored, inspections=0, frames=0, rewrites=0, wall=60.0))


class Question:
    """A question whose first votes and whose votes after a closer look are scripted."""

    def __init__(self, first: Sequence[Vote], second: Sequence[Vote]) -> None:
        self.first, self.second, self.asked = first, second, 0

    def more(self, candidates: list[str]) -> Sequence[Vote]:
        self.asked += 1
        return self.second

    def decide(self, account: Ledger, rounds: int = 2) -> Decision:
        made = consensus(self.first, self.more, account, rounds=rounds)
        assert made is not None
        return made


def hundred() -> list[Question]:
    """60 stably right (half of them at odds), 30 unstably wrong, 10 stably wrong."""
    chance = random.Random(13)

    def vote(answer: str, p: float, evidence: float, rank: int) -> Vote:
        return Vote(answer, p + chance.uniform(-0.05, 0.05), 0.3, evidence, rank)

    made = []
    for n in range(100):
        if n < 30:  # unstably wrong: two weak votes for the wrong answer, the right one behind
            first = [vote(WRONG, 0.4, 0.3, 4), vote(RIGHT, 0.45, 0.3, 5), vote(WRONG, 0.4, 0.2, 6)]
            second = [vote(RIGHT, 0.8, 0.8, 1), vote(RIGHT, 0.8, 0.9, 1), vote(WRONG, 0.4, 0.2, 4)]
        elif n < 60:  # right, with one voter against; a closer look is not always of one mind
            first = [vote(RIGHT, 0.5, 0.5, 2), vote(WRONG, 0.45, 0.2, 5), vote(RIGHT, 0.5, 0.5, 3)]
            second = [vote(RIGHT, 0.6, 0.6, 1), vote(WRONG, 0.5, 0.3, 3), vote(RIGHT, 0.6, 0.6, 2)]
        else:
            answer = RIGHT if n < 90 else WRONG
            first, second = [vote(answer, 0.7, 0.7, 1)] * 3, [vote(WRONG, 0.9, 0.9, 1)] * 3
        made.append(Question(first, second))
    return made


def test_a_second_round_helps_where_voters_are_at_odds_and_hardly_ever_harms() -> None:
    alone, both = hundred(), hundred()
    account = ledger()
    before = [q.decide(ledger(), rounds=1).answer for q in alone]
    after = [q.decide(account).answer for q in both]
    assert before.count(RIGHT) == 60
    assert after.count(RIGHT) == 90
    lost = sum(b == RIGHT != a for b, a in zip(before, after, strict=True))
    assert lost <= 1
    assert sum(q.asked for q in both[60:]) == 0, "nobody is asked again when all agree"
    assert account.spent["scored"] == sum(q.asked for q in both) <= 60
    assert sum(q.asked for q in alone) == 0


def test_it_stops_at_the_budget_with_the_best_so_far() -> None:
    questions, account = hundred()[:30], ledger(scored=7)
    made = [q.decide(account) for q in questions]
    assert sum(q.asked for q in questions) == account.spent["scored"] == 7
    assert [one.answer for one in made] == [RIGHT] * 7 + [WRONG] * 23
    assert all(one.sure for one in made[:7])
    assert not any(one.sure for one in made[7:])
    assert account.exhausted == ["scored"]


PLANTED = {
    "probability": [Vote("y", 0.55, 0.25, 0.5, 2), Vote("x", 0.9, 0.62, 0.5, 2)],
    "lift": [Vote("x", 0.7, 0.1, 0.5, 2), Vote("y", 0.8, 0.7, 0.5, 2)],
    "agreement": [*[Vote("x", 0.5, 0.4, 0.5, 2)] * 2, Vote("y", 0.6, 0.5, 0.5, 2)],
    "evidence": [Vote("x", 0.5, 0.4, 0.9, 2), Vote("y", 0.6, 0.4, 0.4, 2)],
    "rank": [Vote("x", 0.5, 0.4, 0.5, 1), Vote("y", 0.6, 0.4, 0.5, 3)],
}


@pytest.mark.parametrize("name", SENSORS)
def test_each_sensor_decides_a_case_that_goes_the_other_way_without_it(name: str) -> None:
    less = {key: sensor for key, sensor in SENSORS.items() if key != name}
    assert next(iter(weigh(PLANTED[name]))) == "x"
    assert next(iter(weigh(PLANTED[name], less))) == "y"


def test_a_new_answer_is_refused_once_three_have_voted() -> None:
    first = [Vote("x", 0.3), Vote("y", 0.3), Vote("y", 0.2)]
    late = [Vote(OTHER, 1.0, 0.0, 1.0, 1)]
    made = consensus(first, lambda _: late, ledger())
    assert made is not None
    assert (made.answer, made.refused, made.sure) == ("y", (OTHER,), False)
    early = consensus(first[:2], lambda _: late, ledger())
    assert early is not None
    assert (early.answer, early.refused) == (OTHER, ())


def test_candidates_are_handed_on_best_first_and_ties_go_to_the_first_vote() -> None:
    seen: list[list[str]] = []

    def more(candidates: list[str]) -> Sequence[Vote]:
        seen.append(candidates)
        return []

    votes = [Vote("b", 0.3, 0, 0, 9), Vote("a", 0.3, 0, 0, 9), Vote("c", 0.4, 0, 0, 9)]
    made = consensus(votes, more, ledger())
    assert made is not None
    assert seen == [["c", "b", "a"]]
    assert (made.answer, made.rounds, made.sure) == ("c", 2, False)


def test_nobody_voted() -> None:
    assert consensus([], lambda _: [], ledger()) is None
