"""Speech to words with times, by Whisper through CTranslate2 (faster-whisper).

Whisper always encodes 30 s, so spans are packed into windows of up to 28 s: neighbours keep the
true sound between them, a longer silence is cut to a short one. Decoding is greedy at temperature 0
without text from earlier windows, so a window's words depend on its sound alone. A span of which no
word came, while others of its window were heard, is heard once more, alone.
A model of many languages that is not told which one detects it from the sound it is given: one
language for each call, and each window is decoded in the one that it itself is in (Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from longtake.models.protocols import SAMPLE_RATE, Samples, Utterance, Word
from longtake.models.quiet import threads_of
from longtake.models.utterances import credible, utterances
from longtake.timecode import Span

_WINDOW = 28.0
_KEPT_GAP = 1.0
_CUT_GAP = 0.5
_LEAST, _NEAR = 0.6, 0.2
"""A span this long of which no word came, nor so near, is heard once more, alone."""
_CLEAR = 0.7
"""What is heard then is believed if it is this sure: music and noise, too, were passed over."""
_SURE = 0.5
"""Probability from which a detected language is told."""
_LISTENED = 3
"""Half minutes of sound that are listened to until the language is sure."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the samples and where it starts inside its window, in seconds."""

    span: Span
    at: float


class Whisper:
    """`Transcriber` over a CTranslate2 folder, or a model that faster-whisper knows by name."""

    def __init__(
        self,
        model: Path | str,
        name: str,
        *,
        threads: int = 0,
        language: str | None = "en",
        device: str = "cpu",
        compute: str = "int8",
        batch: int = 4,
    ) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        loaded = WhisperModel(
            str(model),
            device=device,
            compute_type=compute,
            cpu_threads=threads_of(threads),
            local_files_only=isinstance(model, Path),
        )
        self.name = name
        self._pipeline: Any = BatchedInferencePipeline(loaded)
        self._language = language
        self._detects = language is None and bool(loaded.model.is_multilingual)
        self._batch = batch

    def transcribe(self, samples: Samples, spans: Sequence[Span]) -> list[Utterance]:
        """Transcribe the given speech spans of `samples`; times count from the first sample."""
        windows = pack(samples, spans)
        said = self._decode(samples, windows)
        passed = passed_over(spans, windows, said)
        if passed:
            again = self._decode(samples, passed)
            said += [one for one in again if one.confidence >= _CLEAR]
        return sorted(said, key=lambda one: one.span.start)

    def _decode(self, samples: Samples, windows: Sequence[Sequence[Piece]]) -> list[Utterance]:
        if not windows:
            return []
        sounds = [_sound(samples, window) for window in windows]
        starts = np.cumsum([0, *(len(sound) for sound in sounds)])
        clips = [
            {"start": starts[i] / SAMPLE_RATE, "end": starts[i + 1] / SAMPLE_RATE}
            for i in range(len(sounds))
        ]
        segments, info = self._pipeline.transcribe(
            np.concatenate(sounds),
            clip_timestamps=clips,
            batch_size=self._batch,
            language=self._language,
            multilingual=self._detects,
            language_detection_segments=_LISTENED,
            beam_size=1,
            temperature=0.0,
            word_timestamps=True,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        language = info.language if self._detects and info.language_probability >= _SURE else None
        return [replace(one, language=language) for one in self._said(segments, windows, starts)]

    def _said(
        self, segments: Any, windows: Sequence[Sequence[Piece]], starts: Any
    ) -> list[Utterance]:
        by_window: list[list[Word]] = [[] for _ in windows]
        for segment in segments:
            if credible(segment.text, segment.avg_logprob, segment.no_speech_prob):
                middle = round((segment.start + segment.end) / 2 * SAMPLE_RATE)
                i = int(np.searchsorted(starts, middle, side="right")) - 1
                i = min(max(i, 0), len(windows) - 1)
                offset = float(starts[i]) / SAMPLE_RATE
                by_window[i] += [_placed(word, offset, windows[i]) for word in segment.words]
        return [said for words in by_window for said in utterances(words)]


def _placed(word: Any, offset: float, pieces: Sequence[Piece]) -> Word:
    start = _original(word.start - offset, pieces, end=False)
    end = max(start, _original(word.end - offset, pieces, end=True))
    return Word(round(start, 3), round(end, 3), word.word, round(float(word.probability), 4))


def _original(time: float, pieces: Sequence[Piece], *, end: bool) -> float:
    """Turn a time inside a window into one of the samples."""
    for piece in reversed(pieces):
        if time > piece.at or (time == piece.at and not end):
            return min(piece.span.start + time - piece.at, piece.span.end)
    return pieces[0].span.start


def passed_over(
    spans: Sequence[Span], windows: Sequence[Sequence[Piece]], said: Sequence[Utterance]
) -> list[list[Piece]]:
    """Windows of their own for spans of which no word came, though others of their window did.

    Greedy decoding may end after the first of several sentences in a window.
    """
    middles = [(word.start + word.end) / 2 for one in said for word in one.words]
    found = []
    for window in windows:
        whole = Span(window[0].span.start, window[-1].span.end)
        mine = [one for one in spans if one.start < whole.end and one.end > whole.start]
        silent = [
            one for one in mine
            if one.duration >= _LEAST and not any(
                one.start - _NEAR <= middle <= one.end + _NEAR for middle in middles)
        ]  # fmt: skip
        if len(mine) > 1:
            found += [[Piece(one, 0.0)] for one in silent if one.duration <= _WINDOW]
    return found


def pack(samples: Samples, spans: Sequence[Span]) -> list[list[Piece]]:
    """Pack spans into windows of at most 28 s; spans that are longer are cut where it is quiet."""
    limit = len(samples) / SAMPLE_RATE
    windows: list[list[Piece]] = []
    for span in spans:
        inside = Span(min(max(0.0, span.start), limit), min(max(0.0, span.end), limit))
        for part in _split(samples, inside):
            if part.duration <= 0:
                continue
            placed = _append(windows[-1], part) if windows else None
            if placed is None:
                windows.append([Piece(part, 0.0)])
            else:
                windows[-1] = placed
    return windows


def _append(window: list[Piece], part: Span) -> list[Piece] | None:
    """The window with one part more, or None if there is no room."""
    last = window[-1]
    gap = part.start - last.span.end
    if 0 <= gap <= _KEPT_GAP:
        joined = Piece(Span(last.span.start, part.end), last.at)
        return [*window[:-1], joined] if joined.at + joined.span.duration <= _WINDOW else None
    at = last.at + last.span.duration + _CUT_GAP
    return [*window, Piece(part, at)] if at + part.duration <= _WINDOW else None


def _split(samples: Samples, span: Span) -> list[Span]:
    """Cut a span longer than a window at the quietest fifth of a second of its last third."""
    parts = []
    while span.duration > _WINDOW:
        block = SAMPLE_RATE // 10
        first = round((span.start + _WINDOW * 2 / 3) * SAMPLE_RATE)
        last = round((span.start + _WINDOW) * SAMPLE_RATE)
        blocks = samples[first : first + (last - first) // block * block].reshape(-1, block)
        energy = np.square(blocks).mean(axis=1)
        quiet = int((energy[:-1] + energy[1:]).argmin()) + 1
        cut = (first + quiet * block) / SAMPLE_RATE
        parts.append(Span(span.start, cut))
        span = Span(cut, span.end)
    return [*parts, span]


def _sound(samples: Samples, pieces: Sequence[Piece]) -> Samples:
    last = pieces[-1]
    sound = np.zeros(round((last.at + last.span.duration) * SAMPLE_RATE), np.float32)
    for piece in pieces:
        cut = samples[round(piece.span.start * SAMPLE_RATE) : round(piece.span.end * SAMPLE_RATE)]
        at = round(piece.at * SAMPLE_RATE)
        cut = cut[: len(sound) - at]
        sound[at : at + len(cut)] = cut
    return sound
