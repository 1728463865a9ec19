"""The ledger: debited before the work, never overdrawn, whoever spends at the same time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from longtake.agent.ledger import BUDGETS, CHAT, THOROUGH, TINY, Budget, Ledger

SMALL = Budget(llm=2, scored=10, inspections=1, frames=8, rewrites=1, wall=5.0)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_spent_is_gone_and_a_refusal_costs_nothing() -> None:
    ledger = Ledger(SMALL)
    assert ledger.spend("frames", 5)
    assert not ledger.spend("frames", 4)
    assert ledger.left("frames") == 3
    assert ledger.spend("frames", 3)
    assert ledger.spent["frames"] == 8
    assert ledger.exhausted == ["frames"]
    assert ledger.left("llm") == 2


def test_a_kind_that_ran_out_is_named_once() -> None:
    ledger = Ledger(SMALL)
    for _ in range(5):
        ledger.spend("inspections")
        ledger.spend("rewrites")
    assert ledger.exhausted == ["inspections", "rewrites"]


def test_an_unknown_kind_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Ledger(SMALL).spend("coffee")


@pytest.mark.parametrize("n", [0, -3])
def test_nothing_is_given_back_by_spending_less_than_nothing(n: int) -> None:
    ledger = Ledger(SMALL)
    assert ledger.spend("scored", 10)
    with pytest.raises(ValueError, match="scored"):
        ledger.spend("scored", n)
    assert ledger.left("scored") == 0


def test_the_wall_time_ends_by_the_clock_given() -> None:
    clock = Clock()
    ledger = Ledger(SMALL, clock)
    clock.now += 4.9
    assert not ledger.out_of_time()
    assert ledger.exhausted == []
    clock.now += 0.1
    assert ledger.out_of_time()
    assert ledger.exhausted == ["wall"]


def test_parts_that_spend_at_the_same_time_never_overdraw() -> None:
    budget = Budget(llm=1, scored=1000, inspections=1, frames=777, rewrites=1, wall=60.0)
    ledger, start = Ledger(budget), Barrier(8)

    def work(_: int) -> tuple[int, int]:
        start.wait()
        return (
            sum(ledger.spend("scored") for _ in range(400)),
            sum(3 * ledger.spend("frames", 3) for _ in range(400)),
        )

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(work, range(8)))
    assert sum(scored for scored, _ in made) == ledger.spent["scored"] == 1000
    assert sum(frames for _, frames in made) == ledger.spent["frames"] == 777


def test_what_was_spent_is_json_without_times() -> None:
    ledger = Ledger(SMALL)
    ledger.spend("llm")
    told = json.loads(json.dumps(ledger.spent))
    assert told == {"llm": 1, "scored": 0, "inspections": 0, "frames": 0, "rewrites": 0}
    told["llm"] = 9
    ledger.spent["llm"] = 9
    assert ledger.spent["llm"] == 1


def test_a_larger_budget_is_larger_in_everything() -> None:
    assert BUDGETS == {"tiny": TINY, "chat": CHAT, "thorough": THOROUGH}
    for small, large in ((TINY, CHAT), (CHAT, THOROUGH)):
        for kind in ("llm", "scored", "inspections", "frames", "rewrites", "wall"):
            assert getattr(small, kind) < getattr(large, kind), kind
