"""Perception and consolidation meet only in the store: each waits its turn and can be killed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from longtake.errors import Locked
from longtake.storage.lock import WriterLock
from longtake.storage.store import Store


def test_a_writer_waits_its_turn_and_then_gives_up(tmp_path: Path) -> None:
    path = tmp_path / "l.longtake"
    held = Store.open(path, write=True, create=True)
    with pytest.raises(Locked, match="this process is writing"):
        Store.open(path, write=True)
    with pytest.raises(Locked):
        Store.open(path, write=True, wait=0.2)
    timer = threading.Timer(0.3, held.close)
    timer.start()
    with Store.open(path, write=True, wait=60.0) as store:
        assert store.writable
    timer.join()


def test_those_who_wait_together_all_get_their_turn(tmp_path: Path) -> None:
    turns: list[int] = []

    def take(number: int) -> None:
        lock = WriterLock.take(tmp_path / "writer.lock", wait=60.0)
        turns.append(number)
        lock.release()

    first = WriterLock.take(tmp_path / "writer.lock")
    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    assert turns == []
    first.release()
    for thread in threads:
        thread.join()
    assert sorted(turns) == [0, 1, 2, 3, 4]
