"""A writer with a capacity: every level stays within it, masses add up, rare things are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longtake.errors import UsageError
from longtake.memory.writer import MemoryWriter
from longtake.storage.check import check
from longtake.storage.records import Level
from longtake.storage.store import Store
from tests.memory_world import Encoder, Script, add_video, chunks, lecture, open_store

CAPACITY = 128
RARE = "a heron lands on the roof"
LEVELS: tuple[tuple[Level, str], ...] = (
    ("frame", "sight"), ("clip", "caption"), ("scene", "caption"), ("chapter", "caption"),
)  # fmt: skip


def script() -> Script:
    """25 minutes of slides; for six seconds of them there is a bird."""
    made = lecture(6.25)
    made.seen = [one for one in made.seen if one[0] != 375.0]
    made.seen += [(375.0, 401.0, "Rotary positions"), (401.0, 407.0, RARE)]
    made.seen += [(407.0, 750.0, "Rotary positions")]
    return replace(made, sight_noise=0.05)


def write(store: Store, name: str, capacity: int, *, anew: bool = False) -> Iterator[Any]:
    """Write the lecture, by one writer or a new one for each chunk; yield after each."""
    one = script()
    video = add_video(store, name, one.duration)
    writer = MemoryWriter(store, video, Encoder(), capacity=capacity)
    for chunk in chunks(video, one):
        writer.write(chunk)
        if anew:
            writer = MemoryWriter(store, video, Encoder(), capacity=capacity)
        yield video, chunk


def rows(store: Store, video: Any) -> list[Any]:
    return [
        (one.id.split("-", 1)[1], one.known_at, one.text, one.data, one.span)
        for one in store.records(video=video.id)
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Any, list[Any]]]:
    """The lecture within a capacity, and how each level was after each chunk."""
    with open_store(tmp_path_factory.mktemp("bounded")) as store:
        steps, given = [], 0
        for video, chunk in write(store, "kept.mp4", CAPACITY):
            given += sum(r.level == "frame" and r.channel == "sight" for r in chunk.records)
            held = {
                level: store.records(video=video.id, level=level, channel=channel)
                for level, channel in LEVELS
            }
            steps.append((given, held))
        yield store, video, steps


def test_every_level_is_within_capacity_after_every_chunk(written: Any) -> None:
    _, _, steps = written
    for _, held in steps:
        assert all(len(records) <= CAPACITY for records in held.values())
    full = {level for level, records in steps[-1][1].items() if len(records) >= CAPACITY * 15 // 16}
    assert full == {"frame", "clip"}


def test_masses_add_up_to_the_frames_that_came(written: Any) -> None:
    _, _, steps = written
    for given, held in steps:
        assert sum(one.data.get("mass", 1) for one in held["frame"]) == given
    assert sum(one.data.get("mass", 1) for one in steps[-1][1]["clip"]) == 150
    assert steps[-1][0] > 1300


def test_what_was_there_for_six_seconds_is_found_at_the_end(written: Any) -> None:
    store, video, _ = written
    query = Encoder().encode([RARE])[0]
    (best, score), *_ = store.search_vectors("frame", "sight", query, k=1, video=video.id)
    assert score > 0.8
    assert 401 <= store.record(best).span.start < 407
    # Frames of the same number, taken at equal distances, hold none of it.
    assert not any(401 <= 1500 * n / CAPACITY < 407 for n in range(CAPACITY))


def test_what_takes_others_in_is_known_from_then_on_only(written: Any) -> None:
    store, video, _ = written
    merged = [one for one in store.records(video=video.id) if "mass" in one.data]
    assert merged
    for one in merged:
        assert one.known_at >= max(end for _, end in one.data["spans"])


def test_words_stay_and_the_library_is_sound(written: Any, tmp_path: Path) -> None:
    store, video, _ = written
    assert store.count(video=video.id, level="moment", channel="speech") == len(script().said)
    assert check(store.path) == []
    scenes = store.records(video=video.id, level="scene")
    assert any(one.data.get("detail") == "gone" for one in scenes)


def test_a_new_writer_after_every_chunk_writes_the_same(written: Any, tmp_path: Path) -> None:
    store, video, _ = written
    with open_store(tmp_path) as other:
        again = [video for video, _ in write(other, "kept.mp4", CAPACITY, anew=True)][-1]
        assert rows(other, again) == rows(store, video)
        for level, facet in (("frame", "sight"), ("clip", "text")):
            one, two = (
                s.vectors(level, facet, video=v.id)  # type: ignore[arg-type]
                for s, v in ((store, video), (other, again))
            )
            assert one[0] == two[0]
            assert one[2].tobytes() == two[2].tobytes()


def test_without_a_capacity_everything_is_kept(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = [video for video, _ in write(store, "kept.mp4", 0)][-1]
        assert store.count(video=video.id, level="clip") == 150
        assert store.count(video=video.id, level="frame", channel="sight") > 1300
        assert not any("mass" in one.data for one in store.records(video=video.id))


def test_a_capacity_too_small_for_an_open_chapter_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = add_video(store, "a.mp4", 60.0)
        with pytest.raises(UsageError, match="capacity of 10 records"):
            MemoryWriter(store, video, Encoder(), capacity=10)
