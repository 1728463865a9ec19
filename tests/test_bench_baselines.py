"""The baselines: what a thin memory keeps, and that plain retrieval answers whatever is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.answers import Ask, marked, put_questions
from bench.baselines import PlainRag, answer_from, spread, thin_library
from bench.scoring import Prediction
from bench.worlds.truth import Question
from longtake.storage.records import Record, VectorRow, Video, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.fakes import FakeTextEncoder

LENGTH = 400.0


def record(level: Any, channel: Any, start: float, end: float, text: str) -> Record:
    name = record_id(1, start, level, channel)
    return Record(name, "", level, channel, Span(start, end), end, text, "test@1")


def fill(path: Path) -> Video:
    """Make a library of one video: a clip, a sentence and a vector each every ten seconds."""
    encoder = FakeTextEncoder()
    with Store.open(path, write=True, create=True) as store:
        video = store.add_video("ab" * 32, "/nowhere/talk.mp4", "talk.mp4", LENGTH, {})
        records = [record("chapter", "caption", 0.0, LENGTH, "All about numbers")]
        for start in range(0, int(LENGTH), 10):
            records.append(record("clip", "caption", start, start + 10, f"clip at {start}"))
            said = f"The number {start} is called pearl{start}."
            records.append(record("moment", "speech", start + 2, start + 6, said))
        own = [Record(r.id, video.id, *_rest(r)) for r in records]
        store.put_records(own)
        spoken = [r for r in own if r.channel == "speech"]
        vectors = encoder.encode([r.text for r in spoken])
        store.put_vectors(
            VectorRow(r.id, "text", vector, r.known_at)
            for r, vector in zip(spoken, vectors, strict=True)
        )
    return video


def _rest(r: Record) -> tuple[Any, ...]:
    return (r.level, r.channel, r.span, r.known_at, r.text, r.maker, r.parents, r.data)


def test_a_thin_library_keeps_only_spread_clips(tmp_path: Path) -> None:
    video = fill(tmp_path / "full.longtake")
    spans = thin_library(tmp_path / "full.longtake", tmp_path / "thin.longtake", video, clips=4)
    assert [span.start for span in spans] == [40.0, 140.0, 240.0, 340.0]
    with Store.open(tmp_path / "thin.longtake") as thin:
        kept = thin.records(video=video.id)
        assert {r.level for r in kept} == {"clip", "moment"}
        assert sorted(r.span.start for r in kept if r.level == "moment") == [42, 142, 242, 342]
        ids, _, _ = thin.vectors("moment", "text", video=video.id, channel="speech")
        assert ids == [r.id for r in kept if r.level == "moment"]
        assert not Path(thin.video(video.id).path).exists()
    with Store.open(tmp_path / "full.longtake") as full:
        assert full.count(video=video.id) == 81


def test_more_clips_than_there_are_means_all_of_them() -> None:
    clips = [record("clip", "caption", start, start + 10, "") for start in (0.0, 10.0, 20.0)]
    assert spread(clips, 30.0, 32) == [clip.span for clip in clips]


def test_plain_retrieval_finds_the_line_and_never_declines(tmp_path: Path) -> None:
    video = fill(tmp_path / "full.longtake")
    with Store.open(tmp_path / "full.longtake") as store:
        rag = PlainRag(store, video, FakeTextEncoder(), k=3)
        found = rag.ask("which number is called pearl70")
        nothing = rag.ask("who won the football match")
    assert "pearl70" in found.text
    assert found.spans[0] == (72.0, 76.0)
    assert (found.status, nothing.status) == ("answered", "answered")
    assert nothing.text


def test_the_short_answer_comes_first() -> None:
    text = "We met in Rome. The bridge carried 26 buses in the test."
    assert answer_from("How many buses were used?", text).startswith("26")


QUESTIONS = (
    Question("speech-1", "speech", "Which number is pearl20?", ((22.0, 26.0),), (r"\b20\b",)),
    Question("absent-1", "absent", "Who won the match?"),
)


@pytest.mark.parametrize(
    ("ask", "accuracy", "declined"),
    [
        (lambda text: Prediction("It is 20.", spans=((22.0, 26.0),)), 1.0, 0.0),
        (lambda text: Prediction("", "not_in_video"), 0.0, 1.0),
    ],
)
def test_figures_and_rows_of_a_system(ask: Ask, accuracy: float, declined: float) -> None:
    predictions, seconds = put_questions(ask, [question.text for question in QUESTIONS])
    figures, rows = marked("test", QUESTIONS, predictions)
    assert figures["answerable"]["accuracy"] == accuracy
    assert figures["kinds"]["absent"]["accuracy"] == declined
    assert seconds["p95"] >= seconds["p50"] >= 0
    assert [row["question"] for row in rows] == [question.text for question in QUESTIONS]
    json.dumps(rows)
