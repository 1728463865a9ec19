"""The budget bench: its planted world tells strategies apart, and nothing fits by accident."""

from __future__ import annotations

import argparse

from bench.kv_budget import measure
from longtake.memory.kv.compress import NAMES


def test_planted_answers_fall_with_the_budget() -> None:
    asked = argparse.Namespace(planted_only=True, shares="0.5,0.25,0.05", threads=1)
    found = measure(asked)
    right = {(row["strategy"], row["share"]): row["right"] for row in found["planted"]}
    assert {name for name, _ in right} == {*NAMES, "thinned"}
    assert right["none", 1.0] == 1.0
    assert right["merge", 0.25] == 1.0
    assert right["merge", 0.25] > right["pooled", 0.25] > right["carrier", 1 / 64]
    for name in ("value_norm", "peak_end", "bucketed", "pooled", "merge", "thinned"):
        assert right[name, 0.5] > right[name, 0.25] - 0.01 > right[name, 0.05]
