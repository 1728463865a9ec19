"""Needles in long streams, with the real model: what is found, what is answered, and the controls."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from bench.kv_needles import Setting, answered, setting
from longtake.memory.kv.baselines import baseline
from longtake.memory.kv.mass import MassIndex, Ranker
from longtake.models.profiles import Models

pytestmark = pytest.mark.slow
ONE = ("needle", "fact", "paraphrase")
"""Kinds of questions whose answer is in one block."""


def stream(folder: Path, tokens: int) -> Namespace:
    return Namespace(tokens=tokens, folder=str(folder), model=None, profiles=None, chunk=256,
                     threads=2)  # fmt: skip


def found(made: Setting, index: Ranker, k: int) -> int:
    """How many questions have their block among the first k."""
    asks = [ask for ask in made.world.asks if ask.kind in ONE]
    hits = [index.search(made.session.queries(ask.text, index.layers), k) for ask in asks]
    return sum(
        bool(made.gold(ask.gold[0]) & {hit.block for hit in some})
        for ask, some in zip(asks, hits, strict=True)
    )


def by_mean(made: Setting) -> Ranker:
    index = baseline("rekv_mean", layers=made.tap.layers)
    for row in made.memory.rows():
        index.add(made.memory.get([row.id])[0])
    return index


def by_mass(made: Setting, *, neutral: bool = True) -> MassIndex:
    layers = made.profile.layers
    plain = made.session.neutral(layers) if neutral else None
    return MassIndex.over(made.memory, made.profile, neutral=plain)


def test_four_thousand_tokens(offline_models: Models, tmp_path: Path) -> None:
    with setting(stream(tmp_path, 4000)) as made:
        assert made.profile.measured
        assert found(made, by_mass(made), 1) >= 24
        assert found(made, by_mass(made, neutral=False), 1) < found(made, by_mass(made), 1)
        assert answered(made, "needle") >= 10
        # A quarter of so short a stream is in the window.
        assert answered(made, "needle", way="streamingllm") <= 2


def test_twenty_thousand_tokens(offline_models: Models, tmp_path: Path) -> None:
    with setting(stream(tmp_path, 20_000)) as made:
        index = by_mass(made)
        assert found(made, index, 4) == 25
        assert found(made, index, 1) >= 24
        assert found(made, by_mean(made), 4) <= 5
        assert answered(made, "needle") >= 10
