"""Perception and consolidation meet only in the store: each waits its turn and can be killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from longtake.errors import Locked
from longtake.memory.consolidation import Consolidator, due
from longtake.memory.writer import MemoryWriter
from longtake.storage.lock import WriterLock
from longtake.storage.records import Record
from longtake.storage.store import Store
from tests.memory_world import Encoder, add_video, chunks, lecture, open_store


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


def consolidated(
    folder: Path, apart: bool, late: Callable[[int], bool], size: float = 20.0, capacity: int = 0
) -> list[Record]:
    """Write a lecture, and consolidate it apart from writing, after some of its chunks."""
    folder.mkdir()
    script = lecture(6.0)
    with open_store(folder) as store:
        video = add_video(store, "talk.mp4", script.duration)
        writer = MemoryWriter(store, video, Encoder(), capacity=capacity, consolidate=not apart)
        levels = Consolidator(store, video, Encoder(), capacity=capacity)
        for number, chunk in enumerate(chunks(video, script, size=size)):
            writer.write(chunk)
            assert due(store, video.id) == apart
            if apart and (chunk.last or not late(number)):
                assert levels.step()
                assert not levels.step()
                counts = [
                    store.count(video=video.id, level="frame", channel="sight"),
                    store.count(video=video.id, level="clip", channel="caption"),
                ]
                assert not capacity or max(counts) <= capacity
        return store.records(video=video.id)


def test_levels_made_apart_and_late_are_those_of_a_plain_watch(tmp_path: Path) -> None:
    plain = consolidated(tmp_path / "plain", False, lambda number: False, size=60.0)
    assert sum(one.level == "video" for one in plain) > 1
    assert consolidated(tmp_path / "at once", True, lambda number: False) == plain
    assert consolidated(tmp_path / "at the end", True, lambda number: True) == plain
    draw = random.Random(7)
    assert (
        consolidated(tmp_path / "now and then", True, lambda number: draw.random() < 0.8) == plain
    )


def test_a_capacity_holds_at_each_step_apart(tmp_path: Path) -> None:
    kept = consolidated(tmp_path / "apart", True, lambda number: number % 4 > 0, capacity=128)
    frames = [one for one in kept if (one.level, one.channel) == ("frame", "sight")]
    whole = consolidated(tmp_path / "plain", False, lambda number: False)
    came = sum((one.level, one.channel) == ("frame", "sight") for one in whole)
    assert len(frames) == 128 < came
    assert sum(int(one.data.get("mass", 1)) for one in frames) == came


ANOTHER_WRITER = """
import sys
from longtake.storage.store import Store
with Store.open(sys.argv[1], write=True, wait=60.0) as store:
    store.update_video(store.videos()[0].id, duration=2.0)
"""


def test_a_log_in_use_is_not_deleted_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "l.longtake"
    with Store.open(path, write=True, create=True) as store:
        add_video(store, "talk.mp4", 1.0)
    log = path / "library.sqlite-wal"
    with Store.open(path) as reader:
        with Store.open(path, write=True) as store:  # opening again must not let go of locks
            store.update_video(store.videos()[0].id, duration=1.5)
        before = log.stat().st_ino
        subprocess.run([sys.executable, "-c", ANOTHER_WRITER, str(path)], check=True)
        assert log.stat().st_ino == before
        assert reader.videos()[0].duration == 2.0
