"""Words to utterances, windows for Whisper, and what is thrown away as made up."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from longtake.models.protocols import SAMPLE_RATE, Word
from longtake.models.utterances import credible, unlooped, utterances
from longtake.models.whisper import Whisper, pack
from longtake.timecode import Span


def words(text: str, start: float = 0.0, step: float = 0.4) -> list[Word]:
    return [
        Word(start + i * step, start + (i + 1) * step, f" {part}", 0.9)
        for i, part in enumerate(text.split())
    ]


def test_sentences_and_pauses_part_utterances() -> None:
    said = utterances([*words("It is late. We go home"), *words("now", start=5)])
    assert [u.text for u in said] == ["It is late.", "We go home", "now"]
    assert said[0].span == Span(0, said[0].words[-1].end)
    assert [w.text for w in said[1].words] == ["We", "go", "home"]
    assert said[0].confidence == 0.9


def test_titles_do_not_end_a_sentence() -> None:
    assert [u.text for u in utterances(words("I met Dr. Who today."))] == ["I met Dr. Who today."]


def test_long_speech_is_cut_at_its_best_place_and_leaves_no_orphan() -> None:
    text = " ".join([*(f"w{i}" for i in range(17)), "here,", *(f"x{i}" for i in range(15))])
    said = utterances(words(text))
    assert [len(u.words) for u in said] == [18, 15]
    assert all(u.span.duration <= 12 for u in said)
    endless = utterances(words(" ".join(f"w{i}" for i in range(240)), step=0.3))
    assert all(2 <= u.span.duration <= 12 for u in endless)


def test_loops_are_cut_to_one_turn_and_short_repeats_stay() -> None:
    loop = words("thank you " * 9 + "bye")
    assert "".join(w.text for w in unlooped(loop)) == " thank you bye"
    assert len(unlooped(words("no no no"))) == 3


@pytest.mark.parametrize(
    ("text", "log_probability", "no_speech", "good"),
    [
        ("the exam is in June", -0.3, 0.1, True),
        ("the exam is in June", -1.5, 0.1, False),
        ("you", -0.9, 0.8, False),
        ("you", -0.2, 0.8, True),
        ("la la la la " * 30, -0.1, 0.0, False),
        ("  ", 0.0, 0.0, False),
    ],
)
def test_what_was_hardly_said_is_not_credible(
    text: str, log_probability: float, no_speech: float, good: bool
) -> None:
    assert credible(text, log_probability, no_speech) is good


def test_neighbours_share_a_window_and_far_spans_are_brought_near() -> None:
    samples = np.zeros(200 * SAMPLE_RATE, np.float32)
    near = pack(samples, [Span(1, 4), Span(4.5, 8)])
    assert [[p.span for p in window] for window in near] == [[Span(1, 8)]]
    far = pack(samples, [Span(1, 4), Span(100, 110)])
    assert [[(p.span, p.at) for p in w] for w in far] == [
        [(Span(1, 4), 0.0), (Span(100, 110), 3.5)]
    ]
    full = pack(samples, [Span(0, 20), Span(20.2, 40)])
    assert [[p.span for p in w] for w in full] == [[Span(0, 20)], [Span(20.2, 40)]]
    assert pack(samples, [Span(199, 300), Span(500, 600)]) == pack(samples, [Span(199, 200)])


def test_a_long_span_is_cut_where_it_is_quiet() -> None:
    rng = np.random.default_rng(1)
    samples = rng.uniform(-0.3, 0.3, 60 * SAMPLE_RATE).astype(np.float32)
    samples[round(24.9 * SAMPLE_RATE) : round(25.3 * SAMPLE_RATE)] = 0
    spans = [p.span for window in pack(samples, [Span(0, 60)]) for p in window]
    assert spans[0].end == pytest.approx(25.1, abs=0.2)
    assert spans[-1].end == 60
    assert all(a.end == b.start for a, b in itertools.pairwise(spans))
    assert all(span.duration <= 28 for span in spans)


class _Heard:
    """Stands for the pipeline: hears one word in the middle of every piece of loud sound."""

    sure = 0.9

    def transcribe(self, sound: Any, *, clip_timestamps: Any, **asked: Any) -> Any:
        assert asked["temperature"] == 0.0
        assert asked["condition_on_previous_text"] is False
        segments = []
        for clip in clip_timestamps:
            first, last = (round(clip[key] * SAMPLE_RATE) for key in ("start", "end"))
            assert last - first <= 28 * SAMPLE_RATE
            for i in range(first, last, SAMPLE_RATE):
                if (level := round(float(sound[i : i + SAMPLE_RATE].max()), 2)) > 0:
                    at = i / SAMPLE_RATE
                    word = SimpleNamespace(
                        start=at + 0.25, end=at + 0.75, word=f" {level}", probability=0.9
                    )
                    segments.append(
                        SimpleNamespace(
                            start=at,
                            end=at + 1,
                            text=word.word,
                            words=[word],
                            avg_logprob=-0.1,
                            no_speech_prob=0.0,
                        )
                    )
        self.asked = asked
        return segments, SimpleNamespace(language="de", language_probability=self.sure)


def test_times_come_back_to_the_samples_through_cut_silences() -> None:
    """Each second holds its own level, so a word tells which second it was heard in."""
    samples = np.zeros(120 * SAMPLE_RATE, np.float32)
    loud = [2, 3, 10, 40, 41, 90, 110]
    for n, second in enumerate(loud):
        samples[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE] = (n + 1) / 10
    model = Whisper.__new__(Whisper)
    model._pipeline, model._language, model._batch = _Heard(), "en", 1
    model._detects = False
    spans = [Span(2, 4), Span(10, 11), Span(40, 42), Span(90, 91), Span(110, 111)]
    # Whole-second gaps between pieces keep the stand-in's seconds aligned with ours.
    from unittest.mock import patch

    with patch("longtake.models.whisper._CUT_GAP", 1.0):
        said = model.transcribe(samples, spans)
    heard = {word.text: word for u in said for word in u.words}
    for n, second in enumerate(loud):
        word = heard[str((n + 1) / 10)]
        assert (word.start, word.end) == (second + 0.25, second + 0.75)


@pytest.mark.parametrize(
    ("detects", "sure", "told"), [(True, 0.9, "de"), (True, 0.3, None), (False, 0.9, None)]
)
def test_the_language_is_told_where_it_was_detected_and_is_sure(
    detects: bool, sure: float, told: str | None
) -> None:
    samples = np.zeros(4 * SAMPLE_RATE, np.float32)
    samples[SAMPLE_RATE : 2 * SAMPLE_RATE] = 0.5
    heard = _Heard()
    heard.sure = sure
    model = Whisper.__new__(Whisper)
    model._pipeline, model._language, model._batch, model._detects = heard, None, 1, detects
    said = model.transcribe(samples, [Span(0, 3)])
    assert [one.language for one in said] == [told]
    assert heard.asked["multilingual"] is detects


class _Stops(_Heard):
    """Ends each window after its first word, as greedy decoding may; what is heard alone is `sure`."""

    def __init__(self, clear: float) -> None:
        self.clear = clear

    def transcribe(self, sound: Any, *, clip_timestamps: Any, **asked: Any) -> Any:
        segments, info = super().transcribe(sound, clip_timestamps=clip_timestamps, **asked)
        firsts = []
        for clip in clip_timestamps:
            inside = [one for one in segments if clip["start"] <= one.start < clip["end"]]
            firsts += inside[:1]
        for one in firsts:
            one.words[0].probability = self.clear
        return firsts, info


@pytest.mark.parametrize(
    ("clear", "alone", "heard"),
    [(0.9, True, [2, 10, 14]), (0.5, True, [2]), (0.9, False, [2])],
    ids=["heard once more", "not clear enough", "switched off"],
)
def test_a_span_without_a_word_is_heard_once_more_alone(
    clear: float, alone: bool, heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.zeros(30 * SAMPLE_RATE, np.float32)
    for second in (2, 10, 14):
        samples[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE] = 0.5
    model = Whisper.__new__(Whisper)
    model._pipeline, model._language, model._batch = _Stops(clear), "en", 1
    model._detects = False
    if not alone:
        monkeypatch.setattr("longtake.models.whisper.passed_over", lambda *_: [])
    said = model.transcribe(samples, [Span(2, 3), Span(10, 11), Span(14, 15), Span(20.0, 20.3)])
    assert [int(one.span.start) for one in said] == heard
