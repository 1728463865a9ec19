"""When a watch speaks: once for each event, and only of what came after its start."""

from __future__ import annotations

from dataclasses import replace

import pytest

from longtake.agent.standing.firing import Firing, Rule

RULE = Rule(high=0.7, low=0.4, rest=2.0)


def fired(
    values: list[float], rule: Rule = RULE, *, start: float = 0.0, fresh: bool = True
) -> list[int]:
    """The seconds at which a run of scores, one a second, fires."""
    firing = Firing(rule, start, fresh=fresh)
    began: float | None = None
    found = []
    for second, value in enumerate(values):
        began = (second if began is None else began) if value >= rule.low else None
        if firing.update(float(second), value, float(second if began is None else began)):
            found.append(second)
    return found


def test_what_stays_is_one_event() -> None:
    assert fired([0, 0, 1, 1, 1, 1, 0]) == [2]


def test_hysteresis_makes_flicker_one_event() -> None:
    flicker = [0, 0, 1, 0.5, 1, 0.5, 1, 0, 1, 0.6, 1, 0, 0]
    assert fired(flicker) == [2]
    assert len(fired(flicker, replace(RULE, hysteresis=False))) > 3


def test_it_fires_again_after_it_was_gone() -> None:
    assert fired([0, 1, 1, 0, 0, 0, 1, 1]) == [1, 6]


def test_what_was_there_before_the_start_must_go_first() -> None:
    values = [1.0, 1, 1, 1, 1, 0, 0, 0, 1, 1]
    assert fired(values, start=3.0) == [8]
    assert fired(values, start=0.0) == [0, 8]
    assert fired(values, start=0.0, fresh=False) == [8]


@pytest.mark.parametrize(("k", "n", "expected"), [(1, 1, [1]), (2, 3, [4]), (3, 3, [])])
def test_k_of_the_last_n_must_agree(k: int, n: int, expected: list[int]) -> None:
    values = [0.0, 1.0, 0.5, 0.5, 1.0, 1.0, 0.5]
    values[3] = 1.0
    values[2] = 0.5
    got = fired([0.0, 1.0, 0.5, 0.5, 1.0, 0.5, 0.5], replace(RULE, k=k, n=n))
    assert got == (expected if k == 1 else [])
    assert fired(values, replace(RULE, k=2, n=3)) == [3]


def test_a_state_must_last() -> None:
    assert fired([0, 1, 1, 0, 0, 0, 1, 1, 1, 1], replace(RULE, lasts=3.0)) == [9]
