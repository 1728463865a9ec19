"""How long ago a fact was told, and how much was told since, does not hide it (needle grid)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from longtake.memory.kv.mass import MassIndex
from longtake.storage.kv.block import Block
from tests.kv_planted import PROFILE, planted, rotated

DEPTHS, EACH = 5, 4
LENGTHS = {"10 min": 40, "1 h": 240, "2 h": 480, "4 h": 940}
"""Blocks of so much talk."""


def recalls(count: int, given: Callable[[Block], Block]) -> list[float]:
    """Share of facts that are found first, for each depth, the oldest first."""
    stream = planted(count, golds=DEPTHS * EACH)
    index = MassIndex(PROFILE)
    for block in stream.blocks():
        index.add(given(block))
    found = [index.search(stream.query(gold), 1)[0].block == gold for gold in stream.golds]
    return [sum(found[n * EACH : (n + 1) * EACH]) / EACH for n in range(DEPTHS)]


@pytest.mark.parametrize("length", LENGTHS)
def test_recall_is_the_same_at_every_depth(length: str) -> None:
    made = recalls(LENGTHS[length], lambda block: block)
    assert max(made) - min(made) <= 0.05
    assert min(made) >= 0.95


def test_keys_that_hold_their_place_are_lost_with_depth() -> None:
    """The control: keys kept rotated, as in a plain cache."""
    made = recalls(LENGTHS["1 h"], rotated)
    assert max(made) - min(made) > 0.05
