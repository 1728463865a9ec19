"""Tiers: what is read is the same whatever was evicted, within the caps (S21)."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from longtake.errors import KVDamaged, KVMissing
from longtake.memory.kv.tiers import ByteLru, Tiers
from longtake.storage.kv.block import Block
from longtake.storage.kv.manifest import BlockRow
from longtake.storage.kv.segments import Segments
from tests.kv_world import INDEXED, block, digest, made_by, same

BLOCKS = 200


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tiers") / "s"
    with Segments(place, made_by(), write=True, heads=INDEXED) as memory:
        for number in range(BLOCKS):
            memory.append(block(number, 8), "k8v4")
    return place


def packed_size(memory: Segments) -> int:
    (one,) = memory.packed([1])
    return one.bytes


def zipf(count: int) -> list[int]:
    """Return questions: a few blocks are asked again and again, most never; not by their order."""
    chance = np.random.default_rng(7)
    weights = 1 / np.arange(1, BLOCKS + 1) ** 1.2
    places = chance.permutation(BLOCKS)
    return [int(places[i]) for i in chance.choice(BLOCKS, size=count, p=weights / weights.sum())]


@pytest.mark.parametrize("hot_share", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("warm_share", [0.0, 0.1, 2.0])
def test_what_is_read_does_not_depend_on_what_was_evicted(
    stored: Path, hot_share: float, warm_share: float
) -> None:
    with Segments(stored, None) as memory:
        true = {one.id: digest(one) for one in memory.get(range(BLOCKS))}
        whole = packed_size(memory) * BLOCKS
        tiers = Tiers(memory, hot_bytes=int(4 * whole * hot_share),
                      warm_bytes=int(whole * warm_share))  # fmt: skip
        for one in zipf(200):
            assert digest(tiers.get([one])[0]) == true[one]
        held = tiers.residents()
        assert held["hot_peak"] <= 4 * whole * hot_share
        assert held["warm_peak"] <= whole * warm_share
        assert held["hot"] + held["warm"] > 0 or hot_share + warm_share == 0


def test_hit_rate_on_zipf_questions_and_without_memory(stored: Path) -> None:
    with Segments(stored, None) as memory:
        cap = packed_size(memory) * BLOCKS // 3
        tiers = Tiers(memory, hot_bytes=0, warm_bytes=cap)
        tiers.get(zipf(200))
        before = tiers.reads
        tiers.get(zipf(1500))
        after = tiers.reads
        served = after.warm + after.hot - before.warm - before.hot
        assert served / 1500 >= 0.8
        assert tiers.residents()["warm_peak"] <= cap
        none = Tiers(memory, hot_bytes=0, warm_bytes=0)
        none.get(zipf(300))
        assert (none.reads.rate, none.reads.cold) == (0.0, 300), "OFF: every read is one of disk"


def test_the_least_recently_used_leaves_first() -> None:
    kept: ByteLru[str, int] = ByteLru(3)
    for name in "abc":
        kept.put(name, 1, 1)
    kept.get("a")
    kept.put("d", 1, 2)
    assert ("a" in kept, "b" in kept, "c" in kept, "d" in kept) == (True, False, False, True)
    kept.put("huge", 1, 4)
    assert "huge" not in kept
    assert (len(kept), kept.held, kept.peak) == (2, 3, 3)
    kept.put("a", 2, 3)
    assert (kept.get("a"), kept.held) == (2, 3)


@pytest.mark.parametrize("scheme", ["raw", "q8", "k4v4"])
def test_a_hot_block_is_what_the_disk_would_give(tmp_path: Path, scheme: str) -> None:
    with Segments(tmp_path, made_by(), write=True) as memory:
        tiers = Tiers(memory)
        for number in range(5):
            tiers.append(block(number), scheme)
        hot = [digest(one) for one in tiers.get(range(5))]
        assert tiers.where(4) == "hot"
        assert (tiers.reads.hot, tiers.reads.cold) == (5, 0)
        tiers.clear()
        assert tiers.where(4) == "cold"
        assert [digest(one) for one in tiers.get(range(5))] == hot
        memory.flush()
        tiers.clear()
        assert [digest(one) for one in tiers.get([3, 1])] == [hot[3], hot[1]]
        assert (hot[3] == digest(block(3))) == (scheme == "raw")


def test_newest_blocks_are_hot_and_older_ones_warm(tmp_path: Path) -> None:
    size = sum(t.numel() * t.element_size() for t in (block(0, 8).keys, block(0, 8).values))
    with Segments(tmp_path, made_by(), write=True) as memory:
        tiers = Tiers(memory, hot_bytes=int(size * 3.5), warm_bytes=size * 3)
        for number in range(40):
            tiers.append(block(number, 8), "k8v4")
        where = [tiers.where(number) for number in range(40)]
        assert where[-3:] == ["hot"] * 3
        assert where[-4] == "warm"
        assert where[0] == "cold"
        assert sorted(where, key=["cold", "warm", "hot"].index) == where


# -- ghosts --------------------------------------------------------------------------------


def test_ghosts_are_rebuilt_once_while_they_are_warm(tmp_path: Path) -> None:
    asked: list[BlockRow] = []

    def rebuild(row: BlockRow) -> Block:
        asked.append(row)
        return block(row.id)

    with Segments(tmp_path, made_by(), write=True, heads=INDEXED) as memory:
        tiers = Tiers(memory, hot_bytes=0, rebuild=rebuild)
        for number in range(6):
            tiers.append(block(number), "k8v4")
        stored = [digest(one) for one in tiers.get(range(6))]
        assert tiers.demote([2, 3], "ghost") == 2
        assert tiers.where(2) == "ghost"
        first = tiers.get([2, 3, 2])
        assert [digest(one) for one in first] == [stored[2], stored[3], stored[2]]
        assert [(row.id, row.refs) for row in asked] == [(2, ("v1:clip:2",)), (3, ("v1:clip:3",))]
        assert tiers.where(2) == "warm"
        tiers.clear()
        assert digest(tiers.get([2])[0]) == stored[2], "made again, and the same"
        assert (len(asked), tiers.reads.rebuilt) == (3, 3)
        assert [row.ghost for row in memory.rows([2, 3])] == [True, True], "the disk is as it was"


def test_a_ghost_that_nothing_rebuilds_or_rebuilds_wrongly(tmp_path: Path) -> None:
    with Segments(tmp_path, made_by(), write=True) as memory:
        for number in range(3):
            memory.append(block(number))
        memory.demote([1], "ghost")
        with pytest.raises(KVMissing, match="ghost"):
            Tiers(memory).get([0, 1])
        other = Tiers(memory, rebuild=lambda row: replace(block(2), id=row.id))
        with pytest.raises(KVDamaged, match="its source has changed"):
            other.get([1])
        assert same(other.get([0])[0], block(0)), "the others are read"
        for tiers in (other, Tiers(memory)):
            with pytest.raises(KVMissing, match="no block 9"):
                tiers.get([9])
            with pytest.raises(KVMissing, match="no block 9"):
                tiers.where(9)


def test_what_is_demoted_is_not_read_from_memory_any_more(tmp_path: Path) -> None:
    with Segments(tmp_path, made_by(), write=True) as memory:
        tiers = Tiers(memory)
        tiers.append(block(0), "raw")
        exact = tiers.get([0])[0]
        tiers.demote([0], "k4v4")
        coarse = tiers.get([0])[0]
        assert same(exact, block(0))
        assert not same(coarse, exact)
        assert same(coarse, memory.get([0])[0])


def test_threads_read_the_same(stored: Path) -> None:
    with Segments(stored, None) as memory:
        true = {one.id: digest(one) for one in memory.get(range(BLOCKS))}
        tiers = Tiers(memory, hot_bytes=40_000, warm_bytes=packed_size(memory) * 30)
        wrong: list[int] = []

        def ask(seed: int) -> None:
            for one in np.random.default_rng(seed).integers(0, BLOCKS, 60).tolist():
                if digest(tiers.get([one])[0]) != true[one]:
                    wrong.append(one)

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert tiers.residents()["warm_peak"] <= packed_size(memory) * 30
