"""Utterances whole, once, and their words in the right clips."""

from __future__ import annotations

import json

import numpy as np

from longtake.models.protocols import SAMPLE_RATE, Utterance, Word
from longtake.perception.speech import LONGEST, Heard, Speech, cut_long, listen, quietest
from longtake.storage.records import Video
from longtake.timecode import Span
from tests.fakes import FakeTranscriber, FakeVoice, tone

VIDEO = Video("v0000000000", 1, "f", "v.mp4", "v", 600.0)
TONES = {400.0: "one two", 600.0: "three four", 800.0: "five six", 1000.0: "seven eight"}


def sound(parts: list[tuple[float, float, float]], seconds: float) -> np.ndarray:
    """Tones as (start, length, hertz) on silence."""
    out = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    for start, length, hertz in parts:
        piece = tone(hertz, length)
        at = round(start * SAMPLE_RATE)
        out[at : at + len(piece)] = piece
    return out


def models() -> tuple[FakeVoice, FakeTranscriber]:
    return FakeVoice(), FakeTranscriber(tones=TONES)


def heard_in_pieces(parts: list[tuple[float, float, float]], step: float) -> list[Utterance]:
    whole = sound(parts, 60.0)
    pending, said, border = 0.0, [], 0.0
    while border < 60.0:
        border = min(60.0, border + step)
        last = border == 60.0
        end = border if last else min(60.0, border + 1.0)
        if pending < end:
            samples = whole[round(pending * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            heard = listen(samples, pending, border, *models(), last=last)
            said += heard.utterances
            assert heard.clear <= border
            pending = heard.pending
    return said


def test_speech_is_the_same_however_it_is_cut() -> None:
    parts = [(1.0, 3.0, 400.0), (9.2, 1.6, 600.0), (18.0, 4.0, 800.0), (39.9, 2.0, 1000.0)]
    for step in (10.0, 20.0, 7.0, 60.0):
        said = heard_in_pieces(parts, step)
        assert [one.text for one in said] == list(TONES.values())
        for one, (start, length, _) in zip(said, parts, strict=True):
            assert abs(one.span.start - start) <= 0.1
            assert abs(one.span.end - start - length) <= 0.1


def test_speech_that_runs_on_is_left_for_later() -> None:
    samples = sound([(1.0, 2.0, 400.0), (9.0, 2.0, 600.0)], 11.0)[: 10 * SAMPLE_RATE]
    heard = listen(samples, 100.0, 109.5, *models())
    assert [one.text for one in heard.utterances] == ["one two"]
    assert 108.0 < heard.pending <= 109.0
    assert heard.clear <= heard.pending
    cut = listen(samples, 100.0, 109.5, *models(), last=True)
    assert len(cut.utterances) == 2  # without waiting, the second is cut in two


def test_speech_without_a_pause_is_cut_at_the_quietest_place() -> None:
    samples = sound([(0.0, 60.0, 400.0)], 60.0)
    samples[20 * SAMPLE_RATE : round(20.3 * SAMPLE_RATE)] *= 0.1
    parts = cut_long(samples, Span(0.0, 60.0))
    assert all(part.duration <= LONGEST for part in parts)
    assert abs(parts[0].end - 20.15) < 0.1
    assert abs(quietest(samples, 10.0, 30.0) - 20.15) < 0.1


def straddling() -> Utterance:
    words = tuple(Word(8.0 + i, 8.9 + i, f"w{i}", 0.9) for i in range(4))
    return Utterance(Span(8.0, 11.9), "w0 w1 w2 w3", words, 0.9)


def test_words_are_filed_by_their_middle() -> None:
    speech = Speech(VIDEO, "m", 0.0)
    speech.take(Heard([straddling()], 12.0, 12.0))
    clips = [Span(0.0, 10.0), Span(10.0, 20.0)]
    assert [[w.text for w in speech.words_in(clip)] for clip in clips] == [
        ["w0", "w1"], ["w2", "w3"],
    ]  # fmt: skip
    by_start = [len(straddling().words) if clip.contains(8.0) else 0 for clip in clips]
    assert by_start == [4, 0], "filed by the sentence's start, half the words are misplaced"


def test_an_utterance_waits_for_its_clips_and_is_stored_once() -> None:
    speech = Speech(VIDEO, "m", 0.0)
    speech.take(Heard([straddling()], 12.0, 12.0))
    first = Span(0.0, 10.0)
    assert [r.text for r in speech.records(first)] == ["w0 w1 w2 w3"]
    speech.forget(10.0)
    again = Speech(VIDEO, "m", 0.0)
    again.restore(speech.state())
    for one in (speech, again):
        second = Span(10.0, 20.0)
        assert one.records(second, last=True) == []
        assert [w.text for w in one.words_in(second)] == ["w2", "w3"]
        assert one.parents_in(second) == ["00001-00000008000-moment-speech-0"]
        one.forget(20.0)
        assert one.said == []


def test_a_word_heard_late_is_filed_in_the_first_open_clip() -> None:
    speech = Speech(VIDEO, "m", 0.0)
    speech.forget(10.0)
    speech.take(Heard([straddling()], 12.0, 12.0))
    assert [w.text for w in speech.words_in(Span(10.0, 20.0))] == ["w0", "w1", "w2", "w3"]
    assert len(speech.records(Span(10.0, 20.0))) == 1


def test_a_detected_language_is_kept_with_the_words_and_over_a_restart() -> None:
    heard = [
        Utterance(Span(1, 2), "guten Tag", (Word(1, 2, "guten Tag", 0.9),), 0.9, "de"),
        Utterance(Span(3, 4), "hello", (Word(3, 4, "hello", 0.9),), 0.9),
    ]
    speech = Speech(VIDEO, "asr", 0.0)
    speech.take(Heard(heard, 5.0, 5.0))
    again = Speech(VIDEO, "asr", 0.0)
    again.restore(json.loads(json.dumps(speech.state())))
    for one in (speech, again):
        german, unknown = one.records(Span(0, 10))
        assert german.data["language"] == "de"
        assert "language" not in unknown.data
    old = speech.state()
    old["said"] = [row[:6] for row in old["said"]]  # as it was kept before languages were
    again.restore(old)
    assert again.records(Span(0, 10))[0].text == "guten Tag"
