"""Where a description fits: curves and spans over streams of vectors with planted events."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.moments import average_precision, figures
from longtake.errors import SourceGone
from longtake.memory.locate import FLOOR, locate, spans_of, suppress
from longtake.memory.moments import Curve
from longtake.memory.occasions import occasions, spread_over
from longtake.memory.recall import Recall
from longtake.memory.saliency import anchors
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


# -- windows with the times of what is said, seen and shown ------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Video, Recall]]:
    """Ten minutes of small talk with two sentences about the exam, three minutes apart."""
    script = Script(600.0, frames=False)
    script.said = [(n, n + 4.0, "we just go on and on like this") for n in range(0, 600, 10)]
    script.said[12] = (121.2, 125.6, "the exam takes place on the ninth of June")
    script.said[30] = (301.4, 304.9, "bring a pencil for the exam in June")
    with open_store(tmp_path_factory.mktemp("course")) as store:
        video = remember(store, "course.mp4", script)
        yield store, video, Recall(store, Encoder(), None)


def test_windows_have_the_times_of_the_sentences_and_parts_stay_apart(
    course: tuple[Store, Video, Recall],
) -> None:
    _, video, recall = course
    found = locate(recall, "the exam in June", video.id)
    spans = sorted(span for span, _ in found.spans[:2])
    assert spans == [Span(121.2, 125.6), Span(301.4, 304.9)]
    assert {one.source for one in found.windows[:2]} == {"speech"}
    assert "exam" in found.windows[0].text
    # OFF: from the curve alone a window is as wide as the clips that glow.
    plain = locate(recall, "the exam in June", video.id, closely=False)
    assert max(span.iou(Span(121.2, 125.6)) for span, _ in plain.spans) < 0.7


def test_a_judge_reads_around_the_window_and_may_drop_it(
    course: tuple[Store, Video, Recall],
) -> None:
    _, video, recall = course
    seen: list[tuple[Span, str]] = []

    def verify(span: Span, text: str) -> float:
        seen.append((span, text))
        return 1.0 if "pencil" in text else 0.0

    found = locate(recall, "the exam in June", video.id, verify=verify)
    assert found.judged == len(seen) <= 5
    assert found.windows[0].span == Span(301.4, 304.9)
    assert found.windows[0].verified == 1.0
    assert all("speech: " in text for _, text in seen)
    # OFF: without a judge the other sentence, which holds as much, is not put behind it.
    free = {one.span: one.p for one in locate(recall, "the exam in June", video.id).windows}
    assert free[Span(121.2, 125.6)] > 0.35
    assert all(one.span != Span(121.2, 125.6) or one.p < 0.45 for one in found.windows)


def test_a_judge_that_answers_nonsense_is_kept_inside_bounds(
    course: tuple[Store, Video, Recall],
) -> None:
    _, video, recall = course
    found = locate(recall, "the exam in June", video.id, verify=lambda span, text: 17.0)
    assert all(0.0 <= one.p <= 1.0 for one in found.windows)


def test_edges_of_what_is_seen_are_bisected_in_the_source(
    stream: tuple[Store, Video, Recall],
) -> None:
    _, video, recall = stream
    true = Span(40.6, 57.3)
    rates: list[float] = []

    def look(span: Span, fps: float) -> dict[str, object]:
        rates.append(fps)
        times = np.arange(span.start, span.end, 1 / fps)
        shown = [float(t) for t in times if true.contains(float(t))]
        return {"lines": [], "tags": [{"label": "tractor", "time": t, "p": 0.9} for t in shown]}

    found = locate(recall, "a tractor", video.id, look=look)
    span = found.windows[0].span
    assert abs(span.start - true.start) <= 0.25
    assert abs(span.end - true.end) <= 0.3
    assert set(rates) == {4.0, 8.0}
    rough = locate(recall, "a tractor", video.id).windows[0].span
    assert abs(rough.start - true.start) > 0.3  # OFF: whole seconds


def test_a_source_that_fails_leaves_the_edges(stream: tuple[Store, Video, Recall]) -> None:
    _, video, recall = stream

    def look(span: Span, fps: float) -> dict[str, object]:
        raise SourceGone("it is gone")

    assert locate(recall, "a tractor", video.id, look=look) == locate(recall, "a tractor", video.id)


def test_there_are_no_more_windows_than_asked_for(stream: tuple[Store, Video, Recall]) -> None:
    _, video, recall = stream
    assert len(locate(recall, "a giraffe", video.id, limit=1).windows) == 1


# -- anchors and saliency ------------------------------------------------------------------------


def dominant() -> tuple[Curve, list[Span]]:
    """One long event with many maxima, and two short ones that are a little weaker."""
    rng = np.random.default_rng(3)
    scores = 0.05 + 0.02 * rng.random(900)
    events = [Span(300, 500), Span(60, 66), Span(780, 786)]
    scores[300:500] = 0.8 + 0.15 * rng.random(200)
    scores[60:66] = [0.5, 0.6, 0.7, 0.72, 0.65, 0.5]
    scores[780:786] = [0.5, 0.6, 0.71, 0.7, 0.6, 0.5]
    return Curve([float(i) for i in range(900)], [float(s) for s in scores]), events


def test_anchors_are_spread_over_events_where_the_best_frames_lie_in_one() -> None:
    curve, events = dominant()
    best = sorted(range(900), key=lambda i: -curve.scores[i])[:8]
    assert sum(any(event.contains(t) for t in best) for event in events) == 1
    found = anchors(curve, 8)
    assert len(found) <= 8
    assert all(any(span.overlap(event) > 0 for span, _ in found) for event in events)
    assert [span for span, _ in found] == sorted(span for span, _ in found)
    short = [span for span, _ in found if span.overlap(events[1]) > 0]
    assert short[0].iou(events[1]) >= 0.8


def test_a_flat_curve_has_no_anchors() -> None:
    assert anchors(Curve([], []), 4) == []
    assert anchors(Curve([float(i) for i in range(50)], [0.02] * 50), 4) == []
    assert anchors(dominant()[0], 0) == []


@given(st.lists(st.floats(0, 1), max_size=120), st.integers(1, 9))
def test_anchors_of_any_curve_are_apart_and_inside(scores: list[float], n: int) -> None:
    curve = Curve([float(i) for i in range(len(scores))], scores)
    found = anchors(curve, n)
    assert len(found) <= n
    for (one, _), (other, _) in pairwise(found):
        assert one.end <= other.start
    assert all(0 <= span.start < span.end <= len(scores) for span, _ in found)


def test_saliency_has_a_number_for_every_two_seconds(stream: tuple[Store, Video, Recall]) -> None:
    _, video, recall = stream
    rows = locate(recall, "a tractor", video.id).saliency()
    assert len(rows) == 300
    assert int(np.argmax(rows)) in range(20, 29)


# -- the bench's measures ------------------------------------------------------------------------


def test_average_precision_counts_each_gold_span_once() -> None:
    golds = [Span(0, 10), Span(50, 60)]
    rows = [(Span(0, 10), 0.9), (Span(0, 10), 0.8), (Span(50, 60), 0.7)]
    assert average_precision(rows, golds, 0.5) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert average_precision([], golds, 0.5) == 0.0
    perfect = figures([([(Span(0, 10), 0.9), (Span(50, 60), 0.8)], golds)])
    assert perfect == {"queries": 1, "R1@0.5": 1.0, "R1@0.7": 1.0, "mIoU": 1.0, "mAP": 1.0}
    wide = figures([([(Span(0, 30), 0.9)], [Span(0, 10)])])
    assert wide["R1@0.5"] == 0.0
    assert wide["mAP"] == 0.0


# -- separate occasions ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Video, Recall]]:
    """Forty minutes: a long talk of the harvest, and two passing words about it elsewhere."""
    script = Script(2400.0, frames=False)
    script.said = [(n, n + 4.0, "we just go on and on like this") for n in range(0, 2400, 10)]
    for n in range(120, 144):
        told = f"the harvest of barley in {('June', 'July')[n % 2]} and what the harvest weighs"
        script.said[n] = (10.0 * n, 10.0 * n + 8.5, told)
    script.said[31] = (310.0, 314.0, "the harvest is what the song is about they say")
    script.said[207] = (2070.0, 2074.0, "my aunt is away for the harvest as always")
    with open_store(tmp_path_factory.mktemp("farm")) as store:
        video = remember(store, "farm.mp4", script)
        yield store, video, Recall(store, Encoder(), None)


LONG_TALK, PASSING = Span(1200.0, 1440.0), (Span(310.0, 314.0), Span(2070.0, 2074.0))


@pytest.mark.parametrize(
    "query",
    [
        "talking about the harvest",
        "the harvest",
        "when is the harvest mentioned",
        "what is said of the harvest",
        "harvest of something",
    ],
)
def test_a_long_event_leaves_places_for_the_short_ones(
    farm: tuple[Store, Video, Recall], query: str
) -> None:
    _, video, recall = farm
    found = [span for span, _ in locate(recall, query, video.id).spans]
    for event in (LONG_TALK, *PASSING):
        assert any(event.overlap(span) > 0 for span in found), event
    surest = locate(recall, query, video.id, spread=False)
    assert found[0] == surest.spans[0][0]  # what is surest stays first


def test_without_spreading_the_long_event_takes_every_place(
    farm: tuple[Store, Video, Recall],
) -> None:
    _, video, recall = farm
    query = "the harvest of barley in June"
    short = locate(recall, query, video.id, limit=3, spread=False)
    assert all(LONG_TALK.overlap(span) > 0 for span, _ in short.spans)
    spread = locate(recall, "talking about the harvest", video.id, limit=3).spans
    assert sum(any(e.overlap(s) > 0 for s, _ in spread) for e in (LONG_TALK, *PASSING)) == 3


def test_a_judge_hears_of_separate_occasions(farm: tuple[Store, Video, Recall]) -> None:
    _, video, recall = farm
    seen: list[Span] = []

    def verify(span: Span, text: str) -> float:
        seen.append(span)
        return 0.9

    locate(recall, "talking about the harvest", video.id, verify=verify)
    assert all(any(event.overlap(span) > 0 for span in seen) for event in PASSING)


def test_occasions_are_parted_at_the_widest_gaps() -> None:
    spans = [Span(300, 305), Span(0, 5), Span(4, 9), Span(20, 25)]
    assert occasions(spans, 9) == [2, 0, 0, 1]
    assert occasions(spans, 2) == [1, 0, 0, 0]
    assert occasions(spans, 1) == [0, 0, 0, 0]
    assert occasions([], 3) == []


def test_a_far_but_weak_window_takes_no_place_of_a_sure_one() -> None:
    ranked = [(Span(0, 5), 0.9), (Span(60, 65), 0.88), (Span(900, 905), 0.4)]
    kept = spread_over(ranked, 2, span=lambda o: o[0], p=lambda o: o[1])
    assert kept == ranked[:2]
    nearly = [*ranked[:2], (Span(900, 905), 0.7)]
    kept = spread_over(nearly, 2, span=lambda o: o[0], p=lambda o: o[1])
    assert kept == [nearly[0], nearly[2]]
