"""Row 49: opening the most promising span of the time tree first, against breadth first.

Once over made-up trees with noisy likenesses and decoys, once in the agent on a film whose labels
only a second look can read.
"""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np

from bench.rows.common import (
    Bench,
    Place,
    Row,
    asked,
    looked,
    nodes_opened,
    share,
)  # fmt: skip
from bench.rows.details import film_place
from bench.worlds.scripted_film import nowhere

WANTED = ("opened best-first <= 25 % of breadth-first at noise 0.15 and 0.3; false accepts <= 5 %; "
          "the agent opens fewer spans")  # fmt: skip
FAN, DEPTH = 8, 4
LEAVES = FAN**DEPTH
TRIALS, DECOYS = 60, 5
NOISES = (0.15, 0.3)
ACCEPTS = 0.75
"""How sure reflection must be that a leaf is the one."""
SURE = {"gold": 0.9, "decoy": 0.5, "other": 0.1}
DOUBT = 0.1


class NoisyTree:
    """Four hours as a tree of eights down to leaves of 4 s; one leaf is wanted, some resemble it.

    `sim` is how promising a span looks before it is opened, and noisy; `judged` is how sure
    reflection is once a leaf was looked at.
    """

    def __init__(self, noise: float, seed: int) -> None:
        chance = np.random.default_rng([round(1000 * noise), seed])
        self.gold, *decoys = (int(n) for n in chance.permutation(LEAVES)[: 1 + DECOYS])
        self.decoys = set(decoys)
        self.false = 0
        self._sims = [self._likeness(depth, noise, chance) for depth in range(DEPTH + 1)]
        self._doubts = chance.normal(0.0, DOUBT, LEAVES)

    def _likeness(self, depth: int, noise: float, chance: np.random.Generator) -> list[float]:
        """How promising each span of a depth looks."""
        true = np.full(FAN**depth, 0.3)
        if depth == DEPTH:
            true[list(self.decoys)] = 0.7
        true[self.gold // FAN ** (DEPTH - depth)] = 0.8
        seen = (true + chance.normal(0.0, noise, len(true))).clip(0.0, 1.0)
        return [float(x) for x in seen]

    def node(self, depth: int, n: int) -> dict[str, Any]:
        """The n-th span of a depth."""
        from longtake.agent.looking.frontier import priority

        width = FAN ** (DEPTH - depth)
        sim = self._sims[depth][n]
        score = priority(sim, sim, beside=False, cost=width / LEAVES if depth < DEPTH else 0.0)
        return {"id": f"{depth}:{n:05d}", "depth_n": [depth, n], "start": 4.0 * n * width,
                "score": score}  # fmt: skip

    def children(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        """The eight spans inside one."""
        depth, n = node["depth_n"]
        return [] if depth == DEPTH else [self.node(depth + 1, FAN * n + k) for k in range(FAN)]

    def wanted(self, node: dict[str, Any]) -> bool:
        """Whether reflection accepts a leaf that was looked at."""
        n = node["depth_n"][1]
        kind = "gold" if n == self.gold else "decoy" if n in self.decoys else "other"
        accepted = bool(SURE[kind] + self._doubts[n] >= ACCEPTS)
        self.false += accepted and kind != "gold"
        return accepted


def trees(*, best_first: bool, trials: int = TRIALS) -> dict[str, Any]:
    """Search every tree until a leaf is accepted or all is opened."""
    from longtake.agent.looking.frontier import walk

    row: dict[str, Any] = {}
    for noise in NOISES:
        opened, false, found = [], 0, 0
        for seed in range(trials):
            tree = NoisyTree(noise, seed)
            made = walk([tree.node(0, 0)], tree.children, tree.wanted, budget=2 * LEAVES,
                        best_first=best_first)  # fmt: skip
            opened.append(len(made.opened))
            false += tree.false > 0
            found += bool(made.leaves) and made.leaves[-1]["depth_n"][1] == tree.gold
        row[f"noise_{noise:g}"] = {"opened": median(opened), "found": round(found / trials, 4),
                                   "false_accepts": round(false / trials, 4)}  # fmt: skip
    return row


def run(bench: Bench) -> Row:
    """Search trees, then ask the agent for labels, both ways."""
    place, film = film_place(bench, drawn=False)
    short = [d.question for d in film.details if d.lasted < 1]
    gone = nowhere(film)
    on, off = ({"trees": trees(best_first=best, trials=bench.trials)} for best in (True, False))
    for mode, row in (("on", on), ("off", off)):
        with bench.copied(place, f"walk-{mode}") as own:
            row["agent"] = _agent(bench, own, mode, short, gone)
    met = all(
        on["trees"][key]["opened"] <= 0.25 * off["trees"][key]["opened"]
        and on["trees"][key]["false_accepts"] <= 0.05
        for key in on["trees"]
    )
    fewer = on["agent"]["opened"] < off["agent"]["opened"]
    better = on["agent"]["right"] >= max(off["agent"]["right"], 0.01)
    honest = on["agent"]["false_accepts"] <= 0.05
    return Row("best_first", on, off, WANTED, met and fewer and better and honest)


def _agent(bench: Bench, place: Place, mode: str, short: Any, gone: Any) -> dict[str, Any]:
    best = mode == "on"
    rows = asked(bench, "best_first", mode, place, short, best_first=best)
    none = asked(bench, "best_first_none", mode, place, gone, best_first=best)
    answered = [(a, right) for _, a, right in [*rows, *none] if a.status == "answered"]
    return {
        "questions": len(rows),
        "right": share([right for _, _, right in rows]),
        "opened": sum(nodes_opened(a) for _, a, _ in rows),
        "looks": sum(len(looked(a)) for _, a, _ in rows),
        "false_accepts": share([not right for _, right in answered]),
    }
