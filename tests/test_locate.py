"""Where a description fits: curves and spans over streams of vectors with planted events."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longtake.memory.locate import FLOOR, locate, spans_of, suppress
from longtake.memory.moments import Curve
from longtake.memory.recall import Recall
from longtake.storage.records import Video
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.fakes import FakeImageEncoder, FakeTagger
from tests.memory_world import Encoder, Script, open_store, remember

DIM = 256
EVENTS = {
    "tractor": [(40.0, 58.0)],
    "giraffe": [(100.0, 112.0), (400.0, 425.0)],
    "bagpipe": [(200.0, 260.0)],
    "canoe": [(300.0, 306.0)],
    "falcon": [(500.0, 540.0)],
}
ABSENT = ("submarine", "hockey", "volcano")


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Video, Recall]]:
    """Ten minutes at 1 fps: slowly changing places, planted events, noise."""
    script = Script(600.0, sight_noise=0.04)
    script.seen = [(60.0 * i, 60.0 * i + 60, f"place{i // 2} wall") for i in range(10)]
    script.seen += [(*span, word) for word, spans in EVENTS.items() for span in spans]
    from longtake.memory.writer import MemoryWriter
    from tests.memory_world import add_video, chunks

    encoder = Encoder(DIM)
    with open_store(tmp_path_factory.mktemp("locate")) as store:
        video = add_video(store, "stream.mp4", script.duration)
        for chunk in chunks(video, script, dim=DIM):
            MemoryWriter(store, video, encoder).write(chunk)
        yield store, video, Recall(store, encoder, FakeImageEncoder(FakeTagger(encoder)))


def test_planted_events_are_located(stream: tuple[Store, Video, Recall]) -> None:
    _, video, recall = stream
    overlaps, firsts = [], []
    for word, truths in EVENTS.items():
        found = locate(recall, f"a {word}", video.id)
        firsts.append(max(found.spans[0][0].iou(Span(*truth)) for truth in truths) >= 0.5)
        for truth in truths:
            overlaps.append(max(span.iou(Span(*truth)) for span, _ in found.spans))
        scores = np.array(found.curve.scores)
        inside = np.zeros(len(scores), bool)
        for start, end in truths:
            inside[int(start) : int(end)] = True
        assert scores[inside].mean() > scores[~inside].mean() + 0.1
    assert np.mean(overlaps) >= 0.7
    assert np.mean(firsts) >= 0.9


def test_what_is_absent_has_no_span(stream: tuple[Store, Video, Recall]) -> None:
    _, video, recall = stream
    for word in ABSENT:
        assert locate(recall, word, video.id).spans == []


def test_without_pictures_nothing_is_located(stream: tuple[Store, Video, Recall]) -> None:
    store, video, recall = stream
    blind = Recall(store, recall.encoders.text, None)
    assert locate(blind, "a tractor", video.id).spans == []
    assert locate(recall, "a tractor", video.id, within=["speech"]).spans == []


def test_spans_and_curve_end_where_things_were_known(
    stream: tuple[Store, Video, Recall],
) -> None:
    _, video, recall = stream
    found = locate(recall, "a giraffe", video.id, as_of=200.0)
    assert len(found.curve.times) == 200
    assert [span for span, _ in found.spans if span.end > 200] == []
    assert found.spans[0][0].iou(Span(100, 112)) >= 0.5
    later = locate(recall, "a giraffe", video.id, span=Span(300, 600))
    assert later.curve.times[0] == 300
    assert later.spans[0][0].iou(Span(400, 425)) >= 0.5


def test_speech_is_located_by_its_words(tmp_path_factory: pytest.TempPathFactory) -> None:
    script = Script(300.0, frames=False)
    for n in range(0, 300, 10):
        script.said.append((n, n + 8.0, "we just go on and on like this"))
    script.said[12] = (120.0, 128.0, "the exam takes place on the ninth of June")
    with open_store(tmp_path_factory.mktemp("speech")) as store:
        video = remember(store, "course.mp4", script)
        recall = Recall(store, Encoder(), None)
        found = locate(recall, "when does the exam take place?", video.id)
        assert found.spans[0][0].iou(Span(120, 128)) >= 0.7
        assert locate(recall, "giraffe", video.id).spans == []


def test_a_dip_of_two_seconds_does_not_divide_and_one_of_three_does() -> None:
    base = [0.0] * 5 + [0.9] * 6
    for gap, count in ((2, 1), (3, 2)):
        scores = [*base, *[0.0] * gap, *[0.9] * 6, *[0.0] * 5]
        curve = Curve([float(i) for i in range(len(scores))], scores)
        assert len(spans_of(curve)) == count


def test_hysteresis_keeps_the_shoulders_but_starts_no_span_on_them() -> None:
    scores = [0.0, 0.5, 0.5, 0.9, 0.5, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0]
    found = spans_of(Curve([float(i) for i in range(len(scores))], scores))
    assert [span for span, _ in found] == [Span(1, 5)]


def test_spans_that_say_the_same_are_suppressed() -> None:
    rows = [(Span(0, 10), 0.9), (Span(0, 9), 0.8), (Span(5, 15), 0.7)]
    assert suppress(rows) == [rows[0], rows[2]]


@given(st.lists(st.floats(0, 1), max_size=80))
def test_spans_of_any_curve_are_apart_and_inside(scores: list[float]) -> None:
    curve = Curve([float(i) for i in range(len(scores))], scores)
    found = spans_of(curve)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    if max(scores, default=0.0) < FLOOR:
        assert found == []
    for i, (span, p) in enumerate(found):
        assert 0 <= span.start < span.end <= len(scores)
        assert 0 <= p <= 1
        assert all(span.overlap(other) == 0 for other, _ in found[:i])
