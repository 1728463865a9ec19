"""Perception and consolidation meet only in the store: each waits its turn and can be killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import kills
from longtake import consolidate, follow
from longtake.config import load_settings
from longtake.consolidate import Beside
from longtake.errors import Locked
from longtake.follow import Follow
from longtake.memory.consolidation import Consolidator, due
from longtake.memory.writer import MemoryWriter
from longtake.settings import LiveSettings
from longtake.storage.lock import WriterLock
from longtake.storage.records import Progress, Record
from longtake.storage.store import Store
from tests.memory_world import Encoder, add_video, chunks, lecture, open_store
from tests.test_live_file import Killed, draw, kept, library


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
    assert len(frames) <= 128 < came
    assert sum(int(one.data.get("mass", 1)) for one in frames) == came


@pytest.mark.parametrize(
    ("endless", "settings", "most"),
    [(True, LiveSettings(capacity=128), 128), (True, LiveSettings(capacity=0), 9999),
     (False, LiveSettings(capacity=128), 9999)],
    ids=["a folder of segments", "without", "a file"],
)  # fmt: skip
def test_what_may_not_end_has_a_capacity(
    endless: bool, settings: LiveSettings, most: int, tmp_path: Path
) -> None:
    script = lecture(6.0)
    with open_store(tmp_path) as store:
        video = store.add_video(
            fingerprint="0" * 64, path=str(tmp_path if endless else tmp_path / "a.ts"),
            name="a", duration=script.duration, media={"live": {"ended": None, "breaks": []}},
        )  # fmt: skip
        writer = MemoryWriter(store, video, Encoder(), consolidate=False)
        for chunk in chunks(video, script, size=60.0):
            writer.write(chunk)
        before = store.count(video=video.id, level="frame", channel="sight")
    assert 128 < before < 9999
    chosen = replace(load_settings(library=store.path), live=settings)
    consolidate.step(chosen, video.id, Encoder())
    with Store.open(store.path) as store:
        after = store.count(video=video.id, level="frame", channel="sight")
    assert after == before if most > before else after <= most


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


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("live") / "live.ts")


def test_other_writers_come_in_between_and_a_long_one_is_waited_for(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "TURN", 0.1)
    warned: list[str] = []
    lags: list[float] = []
    other: list[Store] = []

    with library(tmp_path) as lib:

        def tell(event: dict[str, Any]) -> None:
            warned.extend(event["warnings"])
            lags.append(event["lag"])
            if not other:  # between two chunks another may write, and hold the library for long
                other.append(Store.open(lib.path, write=True))
            elif any("is writing" in one for one in event["warnings"]):
                threading.Timer(0.5, other[0].close).start()  # some turns later

        video = lib.ingest(film, follow=0.2, on_progress=tell)
        assert video.duration == pytest.approx(60.0, abs=0.3)
        assert len([one for one in warned if "is writing" in one]) == 1
        assert lags[-1] == 0 < max(lags)
        assert lib.status(video)["live"]["lag"] == 0


def test_killed_after_its_last_chunk_it_has_ended(film: Path, tmp_path: Path) -> None:
    with library(tmp_path) as lib:

        def tell(event: dict[str, Any]) -> None:
            if event["done"] > 59:
                raise Killed

        with pytest.raises(Killed):
            lib.ingest(film, follow=0.2, on_progress=tell)
        lib.close()
        first = lib.videos()[0]
        assert first.media["live"]["ended"]
        assert first.media["live"]["content"]
        with Store.open(lib.path, write=True) as store:  # and the one that consolidates, too
            store.set_progress(first.id, "levels", Progress(40.0, False, b""))
        lib.close()
        assert lib.ingest(film, follow=0.2).id == first.id
        lib.close()
        levels = lib.store.progress(first.id, "levels")
        assert levels is not None
        assert levels.finished


def test_what_was_left_out_is_listed_with_the_video(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Follow, "_thrift", lambda self, end: 2 if 20 < end < 50 else 0)
    with library(tmp_path) as lib:
        video = lib.ingest(film, follow=0.2)
        lost = [one for one in kept(lib, video.id).values() if one.data.get("left_out")]
        clips = sorted(one.span.start for one in lost if one.level == "clip")
        ((start, end, what),) = lib.status(video)["live"]["left_out"]
        assert (start, what) == (clips[0], "sight")
        assert start < 30 < end < 60


def test_a_consolidator_that_dies_is_begun_again_until_it_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consolidate, "COMMAND", (sys.executable, "-c", "exit('no room')"))
    now = [0.0]
    beside = Beside(load_settings(library=tmp_path), "v1", now=lambda: now[0])
    said: list[str] = []
    while not beside.gave_up:
        said += beside.look()
        if beside.process is None:
            now[0] += 0.5
            continue
        beside.process.wait()
    assert len(said) == consolidate.RESTARTS + 1
    assert all("no room" in one for one in said)
    assert "with each chunk from now on" in said[-1]
    assert now[0] - 0.5 == sum(2**n for n in range(consolidate.RESTARTS))
    assert beside.look() == []
    assert beside.process is None


@pytest.mark.parametrize("part", ["perception", "consolidation", "reasoning"])
def test_killed_at_random_instants_it_remembers_what_an_undisturbed_run_does(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consolidate, "COMMAND", consolidate.COMMAND)  # the bench sets its own
    if part == "perception":
        found = kills.perception(tmp_path, 1, 3, 40)
    else:
        found = kills.PARTS[part](tmp_path, 1, 3)
    assert found["wrong"] == []
    assert found["as_undisturbed"] == 1
    assert found["kills"] >= 1
