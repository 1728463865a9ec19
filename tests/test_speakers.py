"""Who speaks when: turns from voices that a scripted model tells apart by their pitch."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from longtake.cli.subtitles import WRITERS, segments
from longtake.errors import BackendError
from longtake.models.protocols import SAMPLE_RATE, Diarizer, Samples, Vectors
from longtake.models.speakers import Voices
from longtake.perception.later import LaterPass, Portion
from longtake.perception.turns import Known, Speakers, assign, join, sound_of, stretches
from longtake.storage.records import Record, Video
from longtake.timecode import Span

PITCHES = (220.0, 440.0, 880.0)
VIDEO = Video("v1", 1, "f", "talk.wav", "talk.wav", 130.0)


@pytest.fixture(autouse=True)
def minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of a minute, so that little sound has several."""
    monkeypatch.setattr("longtake.perception.turns.PORTION", 60.0)


class ByPitch:
    """Knows a voice by its loudest frequency; a little of the neighbours is mixed in."""

    name = "pitch@1"
    same = 0.7

    def voices(self, samples: Samples, spans: Sequence[Span]) -> Vectors:
        rows = np.full((len(spans), len(PITCHES)), 0.1, np.float32)
        for n, span in enumerate(spans):
            cut = samples[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)]
            power = np.abs(np.fft.rfft(cut))
            heard = power.argmax() * SAMPLE_RATE / len(cut)
            rows[n, int(np.argmin([abs(heard - pitch) for pitch in PITCHES]))] = 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def said(n: int, start: float, end: float, words: Sequence[tuple[float, float]] = ()) -> Record:
    rows = [[a, b, f"w{i}", 0.9] for i, (a, b) in enumerate(words)]
    return Record(
        f"u{n}", "v1", "moment", "speech", Span(start, end), end, "words", "asr", (),
        {"words": rows},
    )  # fmt: skip


# Who really speaks: (start, end, voice). The third utterance passes from one voice to another.
TRUTH = [
    (10.0, 14.0, 0), (15.0, 18.0, 1), (19.0, 21.0, 0), (21.5, 24.0, 2), (24.2, 27.0, 2),
    (50.0, 54.0, 1), (61.0, 65.0, 2), (90.0, 94.0, 0), (125.0, 128.0, 1),
]  # fmt: skip
SAID = [
    said(0, 10.0, 14.0), said(1, 15.0, 18.0),
    said(2, 19.0, 24.0, [(19.0, 20.0), (20.1, 21.0), (21.5, 22.9), (23.0, 24.0)]),
    said(3, 24.2, 27.0), said(4, 50.0, 54.0), said(5, 61.0, 65.0), said(6, 90.0, 94.0),
    said(7, 125.0, 128.0),
]  # fmt: skip


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    sound = np.zeros(130 * SAMPLE_RATE, np.float32)
    for start, end, voice in TRUTH:
        first, last = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
        sound[first:last] = 0.3 * np.sin(
            2 * np.pi * PITCHES[voice] * np.arange(last - first) / SAMPLE_RATE
        )
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def speakers(talk: Path, model: Diarizer, until: float = 130.0) -> Speakers:
    return Speakers(VIDEO, talk, SAID, model, until)


def turns(portions: Sequence[Portion]) -> list[tuple[float, float, int]]:
    return [(one.span.start, one.span.end, one.data["n"]) for p in portions for one in p.records]


def test_every_turn_has_its_voice_also_across_portions(talk: Path) -> None:
    one = speakers(talk, ByPitch())
    checked: LaterPass = one
    portions = list(checked.portions(0.0, b""))
    assert [p.until for p in portions] == [60.0, 120.0, 130.0]
    assert turns(portions) == [
        (10.0, 14.0, 1), (15.0, 18.0, 2), (19.0, 21.0, 1), (21.5, 27.0, 3), (50.0, 54.0, 2),
        (61.0, 65.0, 3), (90.0, 94.0, 1), (125.0, 128.0, 2),
    ]  # fmt: skip
    records = [record for p in portions for record in p.records]
    assert {r.maker for r in records} == {one.maker} == {"speakers:pitch@1"}
    assert {(r.level, r.channel) for r in records} == {("moment", "entity")}
    assert len({r.id for r in records}) == len(records)
    assert records[3].text == "speaker 3"
    assert records[3].parents == ("u2", "u3")
    assert all(r.known_at == p.until for p in portions for r in p.records)


@pytest.mark.parametrize(("same", "voices"), [(1.1, 9), (-1.1, 1)])
def test_without_joining_voices_every_stretch_or_all_are_one(
    talk: Path, same: float, voices: int
) -> None:
    model = ByPitch()
    model.same = same
    found = turns(list(speakers(talk, model).portions(0.0, b"")))
    assert len({n for _, _, n in found}) == voices


def test_going_on_after_any_portion_gives_the_same_rows(talk: Path) -> None:
    whole = list(speakers(talk, ByPitch()).portions(0.0, b""))
    for n, stored in enumerate(whole[:-1], 1):
        rest = list(speakers(talk, ByPitch()).portions(stored.until, stored.carry))
        assert rest == whole[n:]


def test_what_is_watched_later_is_heard_later_and_voices_keep_their_numbers(talk: Path) -> None:
    first = list(speakers(talk, ByPitch(), until=48.0).portions(0.0, b""))
    assert first[-1].until == 48.0
    more = list(speakers(talk, ByPitch()).portions(48.0, first[-1].carry))
    assert turns(more)[0] == (50.0, 54.0, 2)
    fresh = list(speakers(talk, ByPitch()).portions(48.0, b""))
    assert turns(fresh)[0] == (50.0, 54.0, 1)


def test_an_utterance_is_cut_where_its_words_pause_and_crumbs_stay() -> None:
    whole = said(0, 0, 9)
    assert [part.span for part in stretches(whole)] == [Span(0, 9)]
    cut = said(1, 0, 9, [(0, 1.5), (2, 2.4), (3, 5), (5.1, 6), (7, 7.2)])
    assert [part.span for part in stretches(cut)] == [Span(0, 1.5), Span(2, 7.2)]


def test_short_stretches_have_no_say_in_who_there_is() -> None:
    rows = np.eye(4, dtype=np.float32)[[0, 1, 2, 0]]
    rows[2] = [0.6, 0.0, 0.8, 0.0]
    empty = Known(np.zeros((0, 4), np.float32), [])
    who, known = assign(rows, [True, True, False, True], empty, 0.9)
    assert who == [0, 1, 0, 0]
    assert known.counts == [2, 1]
    who, known = assign(rows, [True] * 4, empty, 0.9)
    assert who == [0, 1, 2, 0]


def test_joining_is_by_the_mean_cosine_of_all_pairs() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(12, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    groups = [[n] for n in range(12)]
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a + 1, len(groups))]
        mean = {(a, b): (rows[groups[a]] @ rows[groups[b]].T).mean() for a, b in pairs}
        a, b = max(pairs, key=lambda pair: mean[pair])
        if mean[a, b] < 0.2:
            break
        groups[a] += groups.pop(b)
    found = join(rows, np.ones(12, np.float32), 0, 0.2)
    assert sorted(map(sorted, found)) == sorted(map(sorted, groups))
    assert 1 < len(found) < 12


def test_known_voices_are_never_joined_with_each_other() -> None:
    rows = np.array([[1, 0], [0.99, 0.14], [0.995, 0.1]], np.float32)
    assert len(join(rows, np.ones(3, np.float32), 0, 0.9)) == 1
    found = join(rows, np.ones(3, np.float32), 2, 0.9)
    assert [group[0] for group in found] == [0, 1]
    assert sum(2 in group for group in found) == 1


def test_sound_is_taken_without_pictures(talk: Path) -> None:
    part = sound_of(talk, 15.0, 18.0)
    assert len(part) == 3 * SAMPLE_RATE
    assert np.abs(part).max() == pytest.approx(0.3, abs=0.01)


# -- the model itself, with random weights: shapes and exactness, never who it is --------------


def weights(folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    lstm, linear = torch.nn.LSTM(40, 16, 2, batch_first=True), torch.nn.Linear(16, 8)
    state = {f"lstm.{k}": v.clone() for k, v in lstm.state_dict().items()}
    state |= {f"linear.{k}": v.clone() for k, v in linear.state_dict().items()}
    save_file(state, folder / "voices.safetensors")
    return folder / "voices.safetensors"


def test_voices_are_unit_vectors_and_the_same_alone_as_together(tmp_path: Path) -> None:
    model = Voices(weights(tmp_path), "tiny@1", threads=1)
    assert isinstance(model, Diarizer)
    samples = np.random.default_rng(1).normal(0, 0.1, 20 * SAMPLE_RATE).astype(np.float32)
    spans = [Span(0, 0.4), Span(1, 4), Span(3, 19.5), Span(30, 31)]
    together = model.voices(samples, spans)
    assert together.shape == (4, 8)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    alone = np.concatenate([model.voices(samples, [span]) for span in spans])
    assert alone == pytest.approx(together, abs=1e-5)
    assert model.voices(samples, []).shape == (0, 8)


def test_quiet_speech_is_raised_and_other_weights_are_refused(tmp_path: Path) -> None:
    model = Voices(weights(tmp_path), "tiny@1", threads=1)
    samples = np.random.default_rng(1).normal(0, 0.01, 4 * SAMPLE_RATE).astype(np.float32)
    loud, quiet = (model.voices(samples * gain, [Span(0, 4)]) for gain in (1.0, 0.1))
    assert loud == pytest.approx(quiet, abs=1e-4)
    save_file({"other": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(BackendError, match="voice encoder"):
        Voices(tmp_path / "other.safetensors", "x")


def test_a_transcript_tells_who_speaks_where_that_is_known(talk: Path) -> None:
    turns_ = [r for p in speakers(talk, ByPitch()).portions(0.0, b"") for r in p.records]
    found = segments(SAID[:5], turns_)
    assert [one["speaker"] for one in found] == [
        "speaker 1", "speaker 2", "speaker 3", "speaker 3", "speaker 2",
    ]  # fmt: skip
    assert WRITERS["txt"](found).splitlines() == [
        "speaker 1: words", "speaker 2: words", "speaker 3: words", "words", "speaker 2: words",
    ]  # fmt: skip
    assert "<v speaker 3>words" in WRITERS["vtt"](found)
    plain = segments(SAID[:5])
    assert all("speaker" not in one for one in plain)
    assert WRITERS["txt"](plain).splitlines() == ["words"] * 5
