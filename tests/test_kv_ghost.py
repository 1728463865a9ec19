"""Ghosts: made again after all that came before them they are what was given up, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from longtake.memory.kv.ghost import Ghosts
from longtake.memory.kv.tiers import Tiers
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block
from longtake.storage.kv.segments import Segments
from tests.kv_tiny import tiny, words
from tests.kv_world import made_by

FAMILIES = ("llama", "qwen2_5_vl")  # One axis of position, and three.
LINE, LINES = 7, 18


@pytest.fixture(scope="module", params=FAMILIES)
def tap(request: pytest.FixtureRequest) -> Iterator[RopeTap]:
    with RopeTap(tiny(request.param)) as made:
        yield made


class Given:
    """A stream of a tiny model with all of its blocks on disk, raw; every line is a block."""

    def __init__(self, tap: RopeTap, place: Path, window: int) -> None:
        self.encoder = StreamEncoder(tap, words(5, seed=1)[0], window=window, chunk=16, block=8)
        assert self.encoder.sink is not None
        self.sink, self.tap = self.encoder.sink, tap
        self.blocks: list[Block] = []
        told: Any = words(LINE * LINES)[0]
        for n, ids in enumerate(told.split(LINE)):
            self.blocks += self.encoder.feed(Unit(n, n + 1.0, ids=ids, refs=(f"r{n}",)))
        self.blocks += self.encoder.close()
        print = made_by(layers=tap.layers, kv_heads=tap.kv_heads, head_dim=tap.head_dim,
                        dtype="float64")  # fmt: skip
        self.memory = Segments(place / "s", print, write=True, heads=((0, 0),))
        for block in self.blocks:
            self.memory.append(block)
        self.memory.flush()

    def off(self, one: int, context: int) -> float:
        """How far a block that is made again is from what the encoder made."""
        (row,) = self.memory.rows([one])
        made = Ghosts(self.tap, self.sink, self.memory, context=context)(row)
        true = self.blocks[one]
        assert (made.id, made.n, made.refs) == (true.id, true.n, true.refs)
        assert torch.equal(made.tokens, true.tokens)
        assert torch.equal(made.places, true.places)
        return max(float((a - b).abs().max())
                   for a, b in ((made.keys, true.keys), (made.values, true.values)))  # fmt: skip


@pytest.fixture
def whole(tap: RopeTap, tmp_path: Path) -> Iterator[Given]:
    """Nothing ever leaves the window."""
    made = Given(tap, tmp_path, window=1000)
    with made.memory:
        yield made


def test_after_all_that_came_before_it_is_what_was_given_up(whole: Given) -> None:
    """OFF: without context it is another block; with half of it, too."""
    last = len(whole.blocks) - 2
    whole.memory.demote(range(last + 1), "ghost")
    for one in (0, 1, 5, last):
        assert whole.off(one, 1000) <= 1e-9
    assert whole.off(last, 0) > 1e-3
    assert whole.off(last, LINE * 3) > 1e-3
    assert whole.off(0, 0) <= 1e-9, "before the first there is nothing"


def test_among_stored_blocks_only_the_ghost_is_read(
    whole: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a damaged block is: its context is held as stored, and costs no pass."""
    whole.memory.demote([9], "ghost")
    read: list[int] = []
    true = whole.tap.run

    def run(ids: Any, **more: Any) -> Any:
        read.append(len(ids))
        return true(ids, **more)

    monkeypatch.setattr(whole.tap, "run", run)
    assert whole.off(9, 1000) <= 1e-9
    assert whole.off(9, 2 * LINE) > 1e-3
    assert read == [LINE, LINE]


def test_beyond_the_window_more_context_is_nearer(tap: RopeTap, tmp_path: Path) -> None:
    given = Given(tap, tmp_path, window=4 * LINE)
    with given.memory:
        last = len(given.blocks) - 1
        given.memory.demote(range(last + 1), "ghost")
        none, near = given.off(last, 0), given.off(last, 4 * LINE)
        assert 1e-9 < near < none / 2


def test_what_is_made_does_not_depend_on_what_was_asked_before(whole: Given) -> None:
    whole.memory.demote(range(12), "ghost")
    rebuild = Ghosts(whole.tap, whole.sink, whole.memory, context=3 * LINE)
    alone = Tiers(whole.memory, rebuild=rebuild).get([8])[0]
    tiers = Tiers(whole.memory, rebuild=rebuild)
    later = tiers.get([5, 6, 7, 8])[3]
    assert torch.equal(alone.keys, later.keys)
    assert torch.equal(alone.values, later.values)
    assert tiers.reads.rebuilt == 4
