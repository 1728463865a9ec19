"""Token-level mass: one token finds a block, streamed softmax is the dense one, no drift."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from longtake.errors import KVDamaged, KVError
from longtake.memory.kv.heads import (
    Profile,
    block_mass,
    choose,
    fallback,
    fingerprint,
    load,
    profile_of,
    save,
)
from longtake.memory.kv.mass import MassIndex, drift, masses
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block
from longtake.storage.kv.manifest import Fingerprint
from longtake.storage.kv.segments import Segments
from longtake.storage.kv.shelf import KeyRows
from tests.kv_planted import DIM, HEADS, KV_HEADS, LAYERS, PROFILE, Planted, planted, rotated
from tests.kv_tiny import tiny


def chunks(keys: Tensor, sizes: list[int], at: int) -> Iterator[KeyRows]:
    """Cut keys [M, n, D] of blocks of these sizes into chunks of `at` blocks."""
    done = 0
    for first in range(0, len(sizes), at):
        few = sizes[first : first + at]
        ids = torch.arange(first, first + len(few)).repeat_interleave(torch.tensor(few))
        yield KeyRows(keys[:, done : done + sum(few)], ids)
        done += sum(few)


@pytest.mark.parametrize("at", [1, 3, 40])
def test_streaming_softmax_is_the_dense_one(at: int) -> None:
    maker = torch.Generator().manual_seed(4)
    sizes = [3 + n % 5 for n in range(40)]
    keys = torch.randn(2, sum(sizes), DIM, generator=maker, dtype=torch.float64) * 6
    query = torch.randn(2, 5, DIM, generator=maker, dtype=torch.float64) * 3
    ids, found = masses(query, chunks(keys, sizes, at))
    dense = (query @ keys.transpose(1, 2) * DIM**-0.5).softmax(-1)
    owner = torch.arange(40).repeat_interleave(torch.tensor(sizes))
    wanted = torch.zeros(2, 5, 40, dtype=torch.float64).index_add_(2, owner, dense)
    assert ids == list(range(40))
    assert float((found - wanted).abs().max()) <= 1e-12
    assert torch.allclose(found.sum(-1), torch.ones(2, 5, dtype=torch.float64), atol=1e-12)
    assert torch.equal(block_mass(query, keys, owner, 40).argmax(1), found.amax(1).argmax(1))


def test_a_maximum_of_each_chunk_alone_is_not_the_softmax() -> None:
    """The control: normalised chunk by chunk, a block of a dull chunk looks like a find."""
    keys = torch.zeros(1, 4, DIM, dtype=torch.float64)
    keys[0, 0, 0], keys[0, 3, 0] = 40.0, 4.0
    query = torch.ones(1, 1, DIM, dtype=torch.float64)
    rows = list(chunks(keys, [1, 1, 1, 1], 2))
    whole = masses(query, rows)[1][0, 0]
    apart = torch.cat([masses(query, [one])[1][0, 0] for one in rows])
    assert whole[0] > 0.95
    assert whole[3] < 0.05
    assert apart[3] > 0.5


def recall(index: Any, made: Planted, k: int) -> float:
    found = [
        gold in [hit.block for hit in index.search(made.query(gold), k)] for gold in made.golds
    ]
    return sum(found) / len(found)


def test_one_token_of_a_block_is_found_among_two_thousand_blocks() -> None:
    made = planted(2000)
    index = MassIndex(PROFILE)
    for block in made.blocks():
        index.add(block)
    assert recall(index, made, 16) == 1.0
    assert recall(index, made, 1) == 1.0
    assert index.bytes() < 2000 * 16 * DIM * len(PROFILE.keys) * 2


def test_keys_that_were_rotated_are_not_found() -> None:
    """The control: keys kept at the places they had in the stream."""
    made = planted(2000)
    index = MassIndex(PROFILE)
    for block in made.blocks():
        index.add(rotated(block))
    assert recall(index, made, 16) < 0.3


def test_heads_that_carry_nothing_find_nothing() -> None:
    """The control of the profile: the heads beside the chosen ones look at chance."""
    made = planted(500)
    index = MassIndex(Profile("p", "p", ((1, 2),), HEADS // KV_HEADS))
    for block in made.blocks():
        index.add(block)
    assert recall(index, made, 16) < 0.3


def test_what_is_found_does_not_depend_on_the_order_of_blocks_and_none_comes_twice() -> None:
    made = planted(60)
    blocks = list(made.blocks())
    forth, back = MassIndex(PROFILE), MassIndex(PROFILE, chunk=50)
    for one, two in zip(blocks, reversed(blocks), strict=True):
        forth.add(one)
        back.add(two)
    query = made.query(made.golds[0])
    one, two = forth.search(query, 60), back.search(query, 60)
    assert [hit.block for hit in one] == [hit.block for hit in two]
    assert all(abs(a.score - b.score) < 1e-5 for a, b in zip(one, two, strict=True))
    with pytest.raises(KVError, match="already"):
        forth.add(blocks[3])


def test_equal_blocks_are_ordered_by_time() -> None:
    keys = torch.ones(LAYERS, KV_HEADS, 4, DIM)
    index = MassIndex(PROFILE)
    for n in (5, 1, 3):
        index.add(Block(n, n, n + 1.0, keys, keys, torch.zeros(1, 4), torch.zeros(4)))
    query = {layer: torch.ones(HEADS, 2, DIM) for layer in range(LAYERS)}
    assert [hit.block for hit in index.search(query, 3)] == [1, 3, 5]
    assert index.search(query, 3)[0].p == pytest.approx(1 / 3, abs=1e-5)


def test_spans_and_candidates_restrict_what_is_scanned() -> None:
    made = planted(100)
    index = MassIndex(PROFILE, coarse_from=10)
    for block in made.blocks():
        index.add(block)
    gold = made.golds[0]
    query = made.query(gold)
    time = (float(gold), gold + 1.0)
    assert index.search(query, 1)[0].block == gold
    others = [(0.0, time[0]), (time[1], 1e9)]
    assert gold not in [hit.block for hit in index.search(query, 100, spans=others)]
    assert index.scanned == 99
    assert index.search(query, 4, candidates=[(time[0] - 2, time[1] + 2)])[0].block == gold
    assert index.scanned == 5
    assert index.search(query, 1, spans=[(1e6, 1e7)]) == []
    short = MassIndex(PROFILE)
    for block in made.blocks():
        short.add(block)
    short.search(query, 1, candidates=[time])
    assert short.scanned == 100


def test_keys_on_disk_give_what_keys_in_memory_give(tmp_path: Path) -> None:
    made = planted(70)
    index = MassIndex(PROFILE)
    print = Fingerprint("p", "w", "float32", "t", "x", LAYERS, KV_HEADS, DIM)
    with Segments(tmp_path, print, write=True, heads=PROFILE.keys) as memory:
        for block in made.blocks():
            index.add(block)
            memory.append(block, "q8")
        memory.flush()
        stored = MassIndex.over(memory, PROFILE)
        for gold in made.golds[:4]:
            one, two = (i.search(made.query(gold), 5) for i in (index, stored))
            assert [hit.block for hit in one] == [hit.block for hit in two]
            assert all(abs(a.score - b.score) < 1e-4 for a, b in zip(one, two, strict=True))
        memory.demote(range(70), "ghost")
        ghosts = MassIndex.over(memory, PROFILE).search(made.query(made.golds[0]), 1)
        assert ghosts[0].block == made.golds[0]


def test_scores_do_not_drift_on_a_neutral_stream() -> None:
    maker = torch.Generator().manual_seed(9)
    index, worse = MassIndex(PROFILE), MassIndex(PROFILE)
    aim = torch.ones(DIM)
    for n in range(400):
        keys = torch.randn(LAYERS, KV_HEADS, 16, DIM, generator=maker)
        for made, shift in ((index, 0.0), (worse, 0.01 * n)):
            own = keys + shift * aim
            made.add(Block(n, n, n + 1.0, own, own, torch.zeros(1, 16), torch.zeros(16)))
    query = {
        layer: torch.randn(HEADS, 6, DIM, generator=maker) * 0.3 + 0.3 for layer in range(LAYERS)
    }
    assert abs(drift(index.scores(query)[1])) <= 0.15
    assert drift(worse.scores(query)[1]) > 0.15


def test_calibration_finds_the_planted_heads_and_no_more() -> None:
    made = planted(120)
    blocks = list(made.blocks())
    asked = [made.query(gold) for gold in made.golds]
    model = tiny("llama")
    told = SimpleNamespace(heads=HEADS, kv_heads=KV_HEADS, layers=LAYERS, model=model)
    found = choose(told, blocks, asked, made.golds)  # type: ignore[arg-type]
    assert set(found.heads) <= set(PROFILE.heads)
    assert found.measured
    assert found.found is not None
    assert found.found["recall_at_4"] == 1.0
    with pytest.raises(KVError, match="fewer than four"):
        choose(told, blocks, asked[:3], made.golds[:3])  # type: ignore[arg-type]


def test_a_profile_belongs_to_its_weights_and_others_fall_back(tmp_path: Path) -> None:
    one = tiny("llama")
    assert fingerprint(one) == fingerprint(tiny("llama", torch.float32))
    two = tiny("llama")
    with torch.no_grad():
        two.get_decoder().layers[0].self_attn.q_proj.weight.mul_(1.5)
    assert fingerprint(one) != fingerprint(two)
    with RopeTap(one) as tap:
        unknown = profile_of(tap, tmp_path)
        assert not unknown.measured
        assert unknown.heads == fallback(tap).heads
        assert {layer for layer, _ in unknown.heads} == {1}
        own = Profile("tiny", fingerprint(one), ((2, 3), (0, 1)), 2, True, (-1.0, 3.0, 2.0, -1.0),
                      {"x": 1.0})  # fmt: skip
        path = save(own, tmp_path)
        assert profile_of(tap, tmp_path) == own
        assert own.keys == ((0, 0), (2, 1))
        assert own.layers == (0, 2)
    with pytest.raises(KVDamaged, match="cannot be read"):
        load(path.read_text()[:-20])


def test_what_any_question_attends_to_is_taken_off() -> None:
    """A first block that catches the attention of common words hides an answer it stands beside."""
    made = planted(400)
    blocks = list(made.blocks())
    common = torch.randn(DIM, generator=torch.Generator().manual_seed(77))
    for layer, head in PROFILE.keys:
        blocks[0].keys[layer, head, 0] = common

    def asked(gold: int | None) -> dict[int, Tensor]:
        query = made.query(gold) if gold is not None else made.query(0)
        for layer, head in PROFILE.heads:
            query[layer][head, 0] = common * 2
            if gold is None:
                query[layer][head, 2] = 0.0
            else:
                query[layer][head, 2] *= 0.45
        return query

    with_it, without = MassIndex(PROFILE, neutral=asked(None)), MassIndex(PROFILE)
    for block in blocks:
        with_it.add(block)
        without.add(block)
    assert recall_of(without, asked, made) < 0.5
    assert recall_of(with_it, asked, made) == 1.0


def recall_of(index: MassIndex, asked: Callable[[int], dict[int, Tensor]], made: Planted) -> float:
    found = [index.search(asked(gold), 1)[0].block == gold for gold in made.golds]
    return sum(found) / len(found)
