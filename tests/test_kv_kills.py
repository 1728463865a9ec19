"""A build that is killed at any instant leaves good blocks, and the next one makes the rest."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from longtake.errors import KVMissing
from longtake.memory.kv import checkpoint as noted
from longtake.memory.kv.build import Built, build
from longtake.memory.kv.heads import fallback
from longtake.models.kv.streamer import Streamer
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv import segments
from longtake.storage.kv.files import raw_bytes
from longtake.storage.kv.segments import Segments
from tests.kv_library import lines, tiny_streamer
from tests.kv_world import digest

FIRST, ALL = lines(20), lines(46)
SCHEMES = ("k8v4", "ghost")


@pytest.fixture(scope="module")
def streamer(tmp_path_factory: pytest.TempPathFactory) -> Streamer:
    return tiny_streamer(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def tap(streamer: Streamer) -> Iterator[RopeTap]:
    torch.set_num_threads(1)  # A forked child has no other threads.
    with streamer.tap() as made:
        yield made


class Builds:
    """The same build again and again, from nothing or behind a finished one, in children."""

    def __init__(self, streamer: Streamer, tap: RopeTap, root: Path) -> None:
        self.streamer, self.tap, self.root = streamer, tap, root
        self.whole: dict[tuple[str, bool], tuple[Any, float]] = {}
        for scheme in SCHEMES:
            self.build(self.begun(scheme, later=True), scheme, FIRST)
            for later in (False, True):
                place = self.started(scheme, later)
                began = time.monotonic()
                self.build(place, scheme)
                self.whole[scheme, later] = told(place), time.monotonic() - began

    def begun(self, scheme: str, *, later: bool) -> Path:
        return self.root / f"{scheme}-{later}"

    def started(self, scheme: str, later: bool) -> Path:
        place = self.root / "now"
        shutil.rmtree(place, ignore_errors=True)
        if later:
            shutil.copytree(self.begun(scheme, later=True), place)
        return place

    def build(self, place: Path, scheme: str, given: Any = ALL) -> Built:
        return build(place, given, self.streamer, self.tap, weights="w", scheme=scheme,
                     heads=fallback(self.tap).keys, every=5)  # fmt: skip

    def killed(self, place: Path, scheme: str, seconds: float) -> bool:
        """Build in a child and kill it after so long; False when it was done before."""
        child = os.fork()
        if child == 0:
            try:
                self.build(place, scheme)
                os._exit(0)
            finally:
                os._exit(1)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert status in (0, signal.SIGKILL), "it did not fail by itself"
        return os.WIFSIGNALED(status)


def told(place: Path) -> list[Any]:
    """All that is kept: rows, tensors, tokens, and the index keys of ghosts, too."""
    with Segments(place, None) as memory:
        rows = memory.rows()
        live = [row.id for row in rows if not row.ghost]
        index = hashlib.sha256()
        for part in memory.index_rows():
            index.update(raw_bytes(part.keys) + raw_bytes(part.blocks))
        tokens = memory.tokens([row.id for row in rows])
        return [
            [(r.id, r.start, r.end, r.refs, r.ghost, said.tolist())
             for r, said in zip(rows, tokens, strict=True)],
            [digest(one) for one in memory.get(live, verify=True)], index.hexdigest(),
        ]  # fmt: skip


def survive(builds: Builds, rounds: int, seed: int) -> None:
    chance, midway = random.Random(seed), 0
    for n in range(rounds):
        scheme, later = SCHEMES[n % 2], n // 2 % 2 == 1
        whole, took = builds.whole[scheme, later]
        place = builds.started(scheme, later)
        midway += builds.killed(place, scheme, chance.uniform(0, took))
        try:
            with Segments(place, None) as memory:
                assert [f for f in memory.verify().faults if f.kind != "orphan"] == []
                rows = memory.rows()
                assert [row.id for row in rows] == list(range(len(rows))), "a prefix"
                there = [row.id for row in rows if not row.ghost]
                assert all(one.n for one in memory.get(there, verify=True))
        except KVMissing:
            assert not later, "killed before there was anything"
        builds.build(place, scheme)
        assert told(place) == whole, f"round {n}"
    assert midway > rounds // 3


@pytest.fixture(scope="module")
def builds(
    streamer: Streamer, tap: RopeTap, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Builds]:
    with pytest.MonkeyPatch.context() as patch:
        # Blocks come on disk between notes, too.
        patch.setattr(segments, "SEGMENT_BLOCKS", 3)
        yield Builds(streamer, tap, tmp_path_factory.mktemp("builds"))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_kill_between_blocks_and_the_note_of_them(
    builds: Builds, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a finished build: blocks that no note names are made again, not twice."""
    place = builds.started(scheme, later=True)

    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(noted, "save", dies)
    with pytest.raises(RuntimeError):
        builds.build(place, scheme)
    monkeypatch.undo()
    with Segments(place, None) as memory:
        note = noted.load(place)
        assert note is not None
        assert note.finished
        assert memory.next_id > note.blocks
    builds.build(place, scheme)
    assert told(place) == builds.whole[scheme, True][0]


def test_kills_during_a_build_change_nothing(builds: Builds) -> None:
    survive(builds, 6, seed=1)


@pytest.mark.slow
def test_fifty_kills_during_a_build_change_nothing(builds: Builds) -> None:
    survive(builds, 50, seed=2)
