"""The baselines do what they are named for, and fail where their papers' successors say so."""

from __future__ import annotations

import pytest
import torch

from longtake.errors import UsageError
from longtake.memory.kv.baselines import BASELINES, Newest, baseline
from longtake.memory.kv.mass import Hit, Ranker
from longtake.storage.kv.block import Block
from tests.kv_planted import DIM, HEADS, KV_HEADS, LAYERS, SIZE, Planted, planted, rotated


def filled(name: str, made: Planted, *, turned: bool = False) -> Ranker:
    ranker = baseline(name, layers=LAYERS, window=8 * SIZE)
    for block in made.blocks():
        ranker.add(rotated(block) if turned else block)
    return ranker


def recall(ranker: Ranker, made: Planted, k: int = 16) -> float:
    got = [gold in [hit.block for hit in ranker.search(made.query(gold, 1), k)]
           for gold in made.golds]  # fmt: skip
    return sum(got) / len(got)


class OneWord(Planted):
    """Questions of one word, which looks for the needle: a mean of queries takes nothing away."""

    def query(self, gold: int, tokens: int = 1) -> dict[int, torch.Tensor]:
        maker = torch.Generator().manual_seed(50_000 + gold)
        made = {n: torch.randn(HEADS, 1, DIM, generator=maker) for n in range(LAYERS)}
        for layer, head in ((0, 0), (0, 1), (2, 2), (2, 3)):
            made[layer][head, 0] = self.mark(gold) * 20
        return made


def of(needles: int, count: int = 2000) -> OneWord:
    made = planted(count, needles=needles)
    return OneWord(made.count, made.golds, needles, made.strength)


def test_a_mean_key_finds_what_fills_a_block_and_not_what_is_one_token_of_it() -> None:
    weak = OneWord(2000, of(1).golds, 1, 3.0)
    whole = OneWord(2000, of(1).golds, SIZE, 3.0)
    assert recall(filled("rekv_mean", whole), whole) == 1.0
    assert recall(filled("rekv_mean", weak), weak) <= 0.5


def test_four_representatives_find_one_token_that_drowns_in_the_mean() -> None:
    one = OneWord(2000, of(1).golds, 1, 10.0, topic=1.0)
    assert recall(filled("infllm_repr4", one), one) == 1.0
    assert recall(filled("rekv_mean", one), one) <= 0.3


def test_mean_keys_that_were_rotated_find_little_of_what_unrotated_ones_find() -> None:
    whole = of(SIZE)
    assert recall(filled("rekv_mean", whole), whole) == 1.0
    assert recall(filled("rekv_mean", whole, turned=True), whole) <= 0.2


def test_a_box_bounds_every_dot_product_in_it() -> None:
    made = of(1, 40)
    ranker = filled("quest", made)
    asked = made.query(made.golds[0])
    bounds = {hit.block: hit.score for hit in ranker.search(asked, 40)}
    for block in made.blocks():
        true = sum(
            float(
                (block.keys[layer, head] @ asked[layer][2 * head : 2 * head + 2, 0].mean(0)).max()
            )
            for layer in range(LAYERS)
            for head in range(KV_HEADS)
        )
        assert bounds[block.id] >= true - 1e-4


def test_the_newest_do_not_depend_on_the_question() -> None:
    made = planted(40)
    stream, full = filled("streamingllm", made), filled("full", made)
    assert [hit.block for hit in stream.search({}, 1)] == list(range(39, 31, -1))
    assert [hit.block for hit in stream.search({}, 1, spans=[(0.0, 3.0)])] == [2, 1, 0]
    assert len(full.search({}, 1)) == 40
    window = baseline("window", layers=LAYERS)
    assert isinstance(window, Newest)
    assert not window.sink
    assert isinstance(stream, Newest)
    assert stream.sink


@pytest.mark.parametrize("name", ["rekv_mean", "infllm_repr4", "quest"])
def test_every_baseline_takes_ragged_blocks_spans_and_ties(name: str) -> None:
    ranker = baseline(name, layers=LAYERS)
    for n, size in ((4, 2), (1, 3), (2, 3)):
        keys = torch.ones(LAYERS, KV_HEADS, size, DIM)
        ranker.add(Block(n, n, n + 1.0, keys, keys, torch.zeros(1, size), torch.zeros(size)))
    asked = {layer: torch.ones(HEADS, 2, DIM) for layer in range(LAYERS)}
    found = ranker.search(asked, 5)
    assert [hit.block for hit in found] == [1, 2, 4]
    assert all(isinstance(hit, Hit) for hit in found)
    assert [hit.block for hit in ranker.search(asked, 5, spans=[(3.5, 9.0)])] == [4]
    assert ranker.search(asked, 5, spans=[(100.0, 101.0)]) == []


def test_a_baseline_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="no baseline"):
        baseline("nothing", layers=1)
    assert set(BASELINES) == {
        "rekv_mean",
        "infllm_repr4",
        "quest",
        "streamingllm",
        "window",
        "full",
    }
