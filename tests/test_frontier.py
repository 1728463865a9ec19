"""Best-first search over the time tree (S49): few spans opened, none twice, noise withstood."""

from __future__ import annotations

import random
from statistics import median
from typing import Any

import pytest

from longtake.agent.looking.frontier import priority, walk

LEAVES, FAN = 1440, (6, 6, 40)


class Tree:
    """Four hours as 6 parts of 6 scenes of 40 clips, with a noisy likeness for every span."""

    def __init__(self, gold: int, noise: float, seed: int, decoys: int = 5) -> None:
        rng = random.Random(seed)
        self.gold = gold
        self.noise = noise
        self.rng = rng
        self.decoys = set(rng.sample([n for n in range(LEAVES) if n != gold], decoys))
        self.judged = 0

    def node(self, depth: int, n: int) -> dict[str, Any]:
        width = (LEAVES, LEAVES // FAN[0], LEAVES // FAN[0] // FAN[1], 1)[depth]
        held = range(n * width, (n + 1) * width)
        true = 0.8 if self.gold in held else 0.3
        if depth == 3 and n in self.decoys:
            true = 0.7
        rng = random.Random(f"{self.gold}:{self.noise}:{depth}:{n}")
        sim = min(1.0, max(0.0, true + rng.gauss(0.0, self.noise)))
        return {"id": f"{depth}:{n:05d}", "at": (depth, n), "start": 10.0 * n * width,
                "score": priority(sim, sim, beside=False, cost=width / LEAVES)}  # fmt: skip

    def children(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        depth, n = node["at"]
        if depth == 3:
            return []
        fan = FAN[depth]
        return [self.node(depth + 1, n * fan + k) for k in range(fan)]

    def wanted(self, node: dict[str, Any]) -> bool:
        return bool(node["at"] == (3, self.gold))


def opened(noise: float, *, best_first: bool) -> list[int]:
    counts = []
    for seed in range(20):
        tree = Tree(gold=(seed * 67 + 11) % LEAVES, noise=noise, seed=seed)
        found = walk([tree.node(0, 0)], tree.children, tree.wanted, budget=5000,
                     best_first=best_first)  # fmt: skip
        assert tree.wanted(found.leaves[-1])
        assert len(found.opened) == len(set(found.opened))
        counts.append(len(found.opened))
    return counts


@pytest.mark.parametrize("noise", [0.05, 0.15])
def test_best_first_opens_a_quarter_of_breadth_first(noise: float) -> None:
    best, broad = opened(noise, best_first=True), opened(noise, best_first=False)
    assert median(best) <= 0.25 * median(broad), (median(best), median(broad))


def test_the_budget_ends_the_walk_and_the_rest_is_kept() -> None:
    tree = Tree(gold=1200, noise=0.15, seed=3)
    first = walk([tree.node(0, 0)], tree.children, tree.wanted, budget=3)
    assert len(first.opened) == 3
    then = walk(first.rest, tree.children, tree.wanted, budget=5000, seen=first.opened)
    assert tree.wanted(then.leaves[-1])
    assert not set(first.opened) & set(then.opened)


def test_what_was_opened_before_is_not_opened_again() -> None:
    tree = Tree(gold=10, noise=0.05, seed=1)
    root = tree.node(0, 0)
    assert walk([root, root], tree.children, tree.wanted, budget=100).opened.count(root["id"]) == 1
    assert walk([root], tree.children, tree.wanted, budget=100, seen=[root["id"]]).opened == []


def test_several_leaves_may_be_wanted() -> None:
    tree = Tree(gold=10, noise=0.05, seed=1)
    found = walk([tree.node(0, 0)], tree.children, lambda _: True, budget=100, leaves=3)
    assert len(found.leaves) == 3


def test_a_span_beside_a_hit_goes_first_and_a_wide_one_last() -> None:
    assert priority(0.5, 0.5, beside=True, cost=0.0) > priority(0.5, 0.5, beside=False, cost=0.0)
    assert priority(0.5, 0.5, beside=False, cost=1.0) < priority(0.5, 0.5, beside=False, cost=0.0)
