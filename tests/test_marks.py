"""What a person marked is never merged or forgotten, can be found, listed and removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from longtake.config import load_settings
from longtake.errors import NoSuchMoment, UsageError
from longtake.library import Library
from longtake.memory.marks import mark, marks, unmark
from longtake.memory.retention import forget
from longtake.memory.writer import MemoryWriter
from longtake.storage.check import check
from longtake.storage.records import Level, Record, Video
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.fakes import fake_models
from tests.memory_world import Encoder, add_video, chunks, lecture, open_store, remember

CAPACITY = 128
EARLY, LATE = Span(200.0, 230.0), Span(700.0, 730.0)


def watched(store: Store, *, marked: bool) -> Video:
    """25 minutes of slides within a capacity; EARLY is marked before it comes, LATE after."""
    script = replace(lecture(6.25), sight_noise=0.05)
    video = add_video(store, "talk.mp4", script.duration)
    writer = MemoryWriter(store, video, Encoder(), capacity=CAPACITY)
    for chunk in chunks(video, script):
        if marked and chunk.span.start == 120.0:
            mark(store, video, EARLY, "the part to keep")
        writer.write(chunk)
        if marked and chunk.span.end == 720.0:
            mark(store, video, LATE)
    return video


def inside(store: Store, video: Video, span: Span, level: Level) -> list[Record]:
    channel = "sight" if level == "frame" else "caption"
    return store.records(video=video.id, level=level, channel=channel, span=span)


def test_what_is_marked_is_not_merged_and_without_marks_it_is(tmp_path: Path) -> None:
    for on in (True, False):
        with open_store(tmp_path / str(on)) as store:
            video = watched(store, marked=on)
            for span in (EARLY, LATE):
                frames = inside(store, video, span, "frame")
                clips = inside(store, video, span, "clip")
                whole = len(frames) == 30 and sum(c.span.overlap(span) for c in clips) >= 29.9
                assert whole == on
                if on:
                    assert not any("mass" in one.data for one in [*frames, *clips])
            rest = store.count(video=video.id, level="frame", channel="sight")
            assert CAPACITY * 15 // 16 <= rest - 60 * on <= CAPACITY
            assert check(store.path) == []


def test_forgetting_spares_marks_until_they_are_removed(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = watched(store, marked=True)
        forget(store, video.id)
        left = {one.level for one in store.records(video=video.id, span=EARLY)}
        assert {"frame", "clip", "scene", "moment"} <= left
        assert not inside(store, video, Span(300.0, 500.0), "frame")
        assert not inside(store, video, Span(300.0, 500.0), "clip")
        assert [one.text for one in unmark(store, video, 210.0)] == ["Marked: the part to keep"]
        forget(store, video.id)
        assert not inside(store, video, EARLY, "frame")
        assert [one.span for one in marks(store, video.id)] == [LATE]
        with pytest.raises(NoSuchMoment, match="nothing is marked"):
            unmark(store, video, 210.0)


def test_a_mark_is_one_record_and_must_lie_in_the_video(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = add_video(store, "talk.mp4", 60.0)
        one = mark(store, video, Span(3.0, 13.0), "  a  note ")
        assert mark(store, video, Span(3.0, 13.0), "a note") == one
        other = mark(store, video, Span(3.0, 20.0))
        assert [m.id for m in marks(store, video.id)] == sorted([one.id, other.id])
        assert one.known_at == 60.0
        assert marks(store, video.id, as_of=59.0) == []
        with pytest.raises(UsageError, match="beyond the end"):
            mark(store, video, Span(60.0, 70.0))
        with pytest.raises(UsageError, match="some length"):
            mark(store, video, Span(1.0, 1.0))
        with pytest.raises(UsageError, match="too long"):
            mark(store, video, Span(1.0, 2.0), "x" * 501)
        live = store.update_video(video.id, media={"live": {"ended": None}})
        assert mark(store, live, Span(70.0, 80.0)).span.start == 70.0
        assert check(store.path) == []


def test_what_was_marked_can_be_asked_for(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        remember(store, "talk.mp4", lecture(1.0))
    settings = load_settings(library=tmp_path / "test.longtake", profile="offline")
    with Library(settings, models=fake_models(text_encoder=Encoder())) as library:
        before = library.ask("what did I mark?", "talk").evidence
        assert not any("Marked" in one.quote for one in before)
        library.mark("talk", 100.0, note="the heron on the roof")
        answer = library.ask("what did I mark?", "talk")
        assert answer.text == "At 00:01:40 you noted: “Marked: the heron on the roof”."
        assert [(one.start, one.quote) for one in answer.evidence] == [
            (100.0, "Marked: the heron on the roof")
        ]
        assert library.search("the heron").moments[0].text == "Marked: the heron on the roof"
