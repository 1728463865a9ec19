"""Budgets of bytes: kept at each step for ever, text last, marks and the newest spared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longtake.memory.budgets import shares
from longtake.memory.marks import mark
from longtake.memory.retention import held
from longtake.memory.writer import MemoryWriter
from longtake.settings import BudgetSettings
from longtake.storage import schema
from longtake.storage.check import check
from longtake.storage.records import Chunk, Thumb, Video
from longtake.storage.schema import HELD_SUMS
from longtake.storage.store import Store
from longtake.timecode import Span
from longtake.tools.reading import Reader
from tests.memory_world import Encoder, Script, add_video, chunks, lecture, open_store

BUDGET = 1_300_000
HOURS = 0.5


def pictured(chunk: Chunk) -> Chunk:
    """The chunk with a picture of every fifth frame."""
    thumbs, records = [], []
    for one in chunk.records:
        if one.level == "frame" and one.channel == "sight" and one.span.start % 5 == 0:
            jpeg = hashlib.sha256(one.id.encode()).digest() * 60
            thumbs.append(Thumb(hashlib.sha256(jpeg).hexdigest(), jpeg))
            one = replace(one, data={"thumb": thumbs[-1].name})
        records.append(one)
    return replace(chunk, records=tuple(records), thumbs=tuple(thumbs))


def stream(
    store: Store, budget: BudgetSettings, hours: float = HOURS, name: str = "stream.mp4"
) -> Iterator[tuple[Video, Chunk]]:
    """Write a talk as a stream within a budget; yield after each step."""
    script: Script = lecture(hours * 15)
    video = add_video(store, name, script.duration)
    writer = MemoryWriter(store, video, Encoder(), budget=budget)
    for chunk in chunks(video, script):
        writer.write(pictured(chunk))
        yield video, chunk


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Video, list[Any]]]:
    """A stream within a budget, and what it took after each step."""
    with open_store(tmp_path_factory.mktemp("budget")) as store:
        steps = []
        for video, chunk in stream(store, BudgetSettings(video_bytes=BUDGET)):
            first = store.records(video=video.id, level="moment", channel="speech", limit=1)
            steps.append((chunk.span.end, held(store, video.id), first[0].span.start))
        yield store, video, steps


def test_a_stream_stays_under_its_budget_at_each_step(kept: Any, tmp_path: Path) -> None:
    _, _, steps = kept
    assert max(one.total for _, one, _ in steps) <= BUDGET
    assert steps[-1][1].total > BUDGET * 0.9
    with open_store(tmp_path) as store:
        grown = [held(store, v.id).total for v, _ in stream(store, BudgetSettings())]
    assert grown == sorted(grown)
    assert grown[-1] > 2 * BUDGET


def test_text_goes_last_and_the_newest_is_whole(kept: Any) -> None:
    store, video, steps = kept
    end = steps[-1][0]
    first_loss = next(i for i, one in enumerate(steps) if one[1].total > BUDGET * 0.9)
    assert steps[first_loss + 1][2] == steps[0][2]  # pictures went, and no word
    newest = Span(end - 55.0, end)
    for level, channel in (("frame", "sight"), ("clip", "caption"), ("moment", "speech")):
        count = {"frame": 55, "clip": 6, "moment": 11}[level]
        found = store.records(video=video.id, level=level, channel=channel, span=newest)
        assert len(found) == count
        assert not any(one.data.get("detail") for one in found)
    ids, _, _ = store.vectors("frame", "sight", video=video.id)
    frames = store.records(video=video.id, level="frame", channel="sight")
    assert {one.id for one in frames if one.id not in ids} == {
        one.id for one in frames if one.data.get("detail") == "gone"
    }
    assert store.count(video=video.id, level="moment", channel="speech") > 11
    assert check(store.path) == []


def test_words_go_when_nothing_else_is_left(tmp_path: Path) -> None:
    little = 220_000
    with open_store(tmp_path) as store:
        for video, chunk in stream(store, BudgetSettings(video_bytes=little)):
            if chunk.span.end > 600:
                assert held(store, video.id).total <= little
        said = store.records(video=video.id, level="moment", channel="speech")
        assert said[0].span.start > 60
        assert said[-1].span.end == pytest.approx(chunk.span.end, abs=1)
        assert store.records(video=video.id, level="chapter")
        assert check(store.path) == []


def test_what_is_marked_is_spared_whenever_it_was_marked(tmp_path: Path) -> None:
    early, late = Span(100.0, 120.0), Span(300.0, 320.0)

    def left(store: Store, video: Video, span: Span) -> tuple[int, int]:
        frames = store.records(video=video.id, level="frame", channel="sight", span=span)
        return len(frames), sum(bool(one.data.get("thumb")) for one in frames)

    def run(place: Path, marks: bool) -> list[tuple[int, int]]:
        with open_store(place) as store:
            for video, chunk in stream(store, BudgetSettings(video_bytes=220_000)):
                if marks and chunk.span.end == 60.0:
                    mark(store, video, early, "before it was there")
                if marks and chunk.span.end == 360.0:
                    mark(store, video, late)
            return [left(store, video, one) for one in (early, late)]

    assert run(tmp_path / "on", True) == [(20, 4), (20, 4)]
    assert run(tmp_path / "off", False) == [(0, 0), (0, 0)]


def test_the_library_takes_from_the_largest_and_leaves_a_floor(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        old = [v for v, _ in stream(store, BudgetSettings(), 0.4, "large.mp4")][-1]
        small = [v for v, _ in stream(store, BudgetSettings(), 0.05, "small.mp4")][-1]
        was, kept_small = held(store, old.id).total, held(store, small.id)
        limit = (was + kept_small.total) * 3 // 4
        for video, _ in stream(store, BudgetSettings(library_bytes=limit), 0.1, "new.mp4"):  # noqa: B007
            sizes = store.sizes.all()
            assert sum(one.total for one in sizes.values()) <= limit
        assert sizes[old.id].total < was
        assert sizes[small.id] == kept_small
        assert sizes[video.id].pictures > 0  # it is below its share: nothing was taken from it
        assert check(store.path) == []


def test_shares_level_the_largest() -> None:
    assert shares({"a": 90, "b": 60, "c": 10}, 100, "c") == {"a": 45, "b": 45}
    assert shares({"a": 90, "new": 60}, 100, "new") == {"a": 50, "new": 50}
    assert shares({"a": 10, "b": 10, "new": 90}, 24, "new") == {"a": 8, "b": 8, "new": 8}
    assert shares({"a": 9, "b": 9, "c": 9, "new": 9}, 16, "new") == dict.fromkeys(
        ("a", "b", "c", "new"), 4
    )
    assert shares(dict.fromkeys("abcdefgh", 9) | {"new": 9}, 16, "new")["new"] == 4  # not 16 / 9


def test_running_sums_are_the_sums(kept: Any) -> None:
    store = kept[0]
    assert store.database.rows("SELECT * FROM held ORDER BY ordinal") == store.database.rows(
        HELD_SUMS
    )


def test_a_library_from_before_learns_its_sums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", schema.STEPS[:1])
        patch.setattr(schema, "VERSION", 1)
        with open_store(tmp_path) as store:
            script = lecture(0.5)
            video = add_video(store, "old.mp4", script.duration)
            writer = MemoryWriter(store, video, Encoder())
            for chunk in chunks(video, script):
                writer.write(pictured(chunk))
            path = store.path
    with Store.open(path) as store:
        assert held(store, video.id).total > 100_000
        assert held(store, video.id).pictures > 0
    assert check(path) == []


def test_wrong_sums_are_found_and_mended(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = [v for v, _ in stream(store, BudgetSettings(), 0.05)][-1]
        right = held(store, video.id)
        store.database.run("UPDATE held SET text = text + 5")
        path = store.path
    assert [one.kind for one in check(path)] == ["bytes"]
    assert check(path, repair=True)[0].repaired
    with Store.open(path) as store:
        assert held(store, video.id) == right


def test_status_tells_the_bytes(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = [v for v, _ in stream(store, BudgetSettings(), 0.05)][-1]
        told = Reader(store, None).status(video.id)["bytes"]
        assert sum(told.values()) == held(store, video.id).total > told["pictures"] > 0
