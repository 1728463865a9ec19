"""Forgetting: pictures first, text last, within budgets, and a library that stays sound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longtake.memory.retention import Held, forget, held, within
from longtake.memory.writer import MemoryWriter
from longtake.storage.check import check
from longtake.storage.records import Thumb
from longtake.storage.store import Store
from tests.memory_world import Encoder, Script, add_video, chunks, lecture, open_store
from tests.storage_world import dump


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Store, str]]:
    """Two minutes of slides with a picture of every tenth frame."""
    script: Script = lecture(0.5)
    with open_store(tmp_path) as store:
        video = add_video(store, "slides.mp4", script.duration)
        writer = MemoryWriter(store, video, Encoder())
        for chunk in chunks(video, script):
            thumbs, records = [], []
            for one in chunk.records:
                if one.level == "frame" and one.channel == "sight" and one.span.start % 10 == 0:
                    jpeg = one.id.encode() * 20
                    thumbs.append(Thumb(hashlib.sha256(jpeg).hexdigest(), jpeg))
                    one = replace(one, data={"thumb": thumbs[-1].name})
                records.append(one)
            writer.write(replace(chunk, records=tuple(records), thumbs=tuple(thumbs)))
        yield store, video.id


def words(store: Store, video: str) -> list[Any]:
    return [(one.id, one.text) for one in store.records(video=video)]


def test_with_text_kept_only_pictures_and_fine_vectors_go(kept: tuple[Store, str]) -> None:
    store, video = kept
    before, said = held(store, video), words(store, video)
    made = forget(store, video, keep_text=True)
    assert made.before == before
    assert made.after == held(store, video)
    assert (made.pictures, made.records, made.after.pictures) == (12, 0, 0)
    assert 0 < made.after.vectors < before.vectors
    assert words(store, video) == said
    assert not list((store.path / "thumbs").glob("*/*.jpg"))
    assert all(one.data["detail"] == "gone" for one in store.records(video=video, level="clip"))
    assert not store.vectors("clip", "text", video=video)[0]
    assert store.vectors("moment", "text", video=video)[0]
    assert check(store.path) == []


def test_what_ends_later_stays_as_it_was(kept: tuple[Store, str]) -> None:
    store, video = kept
    late = [one for one in store.records(video=video) if one.span.start >= 55.0]
    made = forget(store, video, before=55.0)
    left = store.records(video=video)
    assert made.records > 0
    assert [one for one in left if one.span.start >= 55.0] == late
    assert all(one.span.end > 55.0 for one in left)
    broad = [one for one in left if one.level == "scene" and one.span.start < 55.0]
    assert broad
    assert all(one.data["detail"] == "gone" for one in broad)
    assert check(store.path) == []


def test_a_dry_run_tells_the_same_and_changes_nothing(kept: tuple[Store, str]) -> None:
    store, video = kept
    was = dump(store)
    told = forget(store, video, before=60.0, dry_run=True)
    assert dump(store) == was
    assert check(store.path) == []
    assert told == forget(store, video, before=60.0)


def test_a_budget_takes_pictures_then_vectors_then_text(kept: tuple[Store, str]) -> None:
    store, video = kept
    full = held(store, video)
    nothing = within(store, video, full.total)
    assert (nothing.after, nothing.pictures) == (full, 0)
    some = within(store, video, full.total - full.pictures + 200)
    assert some.after.pictures == 0
    assert some.after.vectors == full.vectors
    fewer = within(store, video, full.text + full.vectors - 4 * 64 * 50)
    assert fewer.after.vectors < full.vectors
    assert fewer.records == 0
    least = within(store, video, 2000)
    assert least.after.total <= 2000
    assert least.records > 0
    assert {one.level for one in store.records(video=video)} <= {"moment"}
    assert check(store.path) == []


def test_a_video_without_records_takes_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = add_video(store, "a.mp4", 60.0)
        assert held(store, video.id) == Held(0, 0, 0)
        assert forget(store, video.id).records == 0
