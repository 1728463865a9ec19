"""Speech over an endless stream: whole utterances, each transcribed once, words in their clips.

Speech is cut where it pauses for at least `PAUSE`. What is still being said where the sound ends
stays pending and is heard again from its start with the next piece; speech without a pause is
cut at its quietest place before `LONGEST` seconds. Everything depends on the sound and the place
where the last piece ended alone, so a restart hears the same. Words are filed to clips by their
middle (after LiveCC, which interleaves words with frames by time; S5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from longtake.models.protocols import (
    SAMPLE_RATE,
    Samples,
    Transcriber,
    Utterance,
    VoiceActivity,
    Word,
)
from longtake.storage.records import Record, Video, record_id
from longtake.timecode import Seconds, Span

PAUSE = 0.4
LONGEST = 25.0
LEAD = 0.3


@dataclass
class Heard:
    """What one piece of sound gave.

    `pending` is where listening goes on; all words that begin before `clear` are known.
    """

    utterances: list[Utterance] = field(default_factory=list)
    pending: Seconds = 0.0
    clear: Seconds = 0.0


def join_close(spans: Sequence[Span], gap: Seconds) -> list[Span]:
    """Join spans with less than `gap` between them."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start - joined[-1].end < gap:
            joined[-1] = joined[-1].cover(span)
        else:
            joined.append(span)
    return joined


def quietest(samples: Samples, low: Seconds, high: Seconds) -> Seconds:
    """Return the middle of the quietest 0.2 s between two times."""
    size = SAMPLE_RATE // 5
    first = round(low * SAMPLE_RATE)
    best, at = float("inf"), first
    for i in range(first, max(first + 1, round(high * SAMPLE_RATE) - size), size // 4):
        loud = float(np.square(samples[i : i + size]).sum())
        if loud < best:
            best, at = loud, i
    return round((at + size / 2) / SAMPLE_RATE, 3)


def cut_long(samples: Samples, span: Span) -> list[Span]:
    """Cut speech longer than `LONGEST` at quiet places."""
    parts = []
    while span.duration > LONGEST:
        at = quietest(samples, span.start + LONGEST * 0.6, span.start + LONGEST)
        parts.append(Span(span.start, at))
        span = Span(at, span.end)
    return [*parts, span]


def listen(
    samples: Samples,
    start: Seconds,
    border: Seconds,
    voice: VoiceActivity,
    transcriber: Transcriber,
    *,
    last: bool = False,
) -> Heard:
    """Transcribe what was said whole in `samples`, which begin at `start` of the stream.

    Speech that begins at or after `border` is left for the next piece; so is speech that has not
    paused when the samples end, unless they are the `last`.
    """
    end = start + len(samples) / SAMPLE_RATE
    limit = len(samples) / SAMPLE_RATE
    spans = [Span(max(0.0, s.start), min(limit, s.end)) for s in voice.speech(samples)]
    whole: list[Span] = []
    pending = max(border, start)
    for run in join_close(spans, PAUSE):
        parts = cut_long(samples, run)
        open_ended = not last and start + run.end > end - PAUSE
        for part in parts:
            later = start + part.start >= border and not last
            if later or (open_ended and part is parts[-1]):
                before = whole[-1].end if whole else 0.0
                lead = max(before, part.start - LEAD)
                pending = round(start + lead, 3)
                clear = border if later else min(border, pending)
                return Heard(_transcribe(samples, start, whole, transcriber), pending, clear)
            whole.append(part)
    if whole:
        pending = max(pending, round(start + whole[-1].end, 3))
    return Heard(_transcribe(samples, start, whole, transcriber), pending, border)


def _transcribe(
    samples: Samples, start: Seconds, spans: Sequence[Span], transcriber: Transcriber
) -> list[Utterance]:
    if not spans:
        return []
    said = transcriber.transcribe(samples, list(spans))
    return [shifted(one, start) for one in said if one.text.strip()]


def shifted(one: Utterance, by: Seconds) -> Utterance:
    """Move an utterance in time; times are kept to the millisecond."""

    def at(time: Seconds) -> Seconds:
        return round(time + by, 3)

    words = tuple(
        Word(at(w.start), max(at(w.start), at(w.end)), w.text, round(w.p, 4)) for w in one.words
    )
    span = Span(at(one.span.start), max(at(one.span.start), at(one.span.end)))
    return Utterance(span, one.text.strip(), words, round(one.confidence, 4), one.language)


@dataclass
class Said:
    """An utterance that waits for its clips; words are filed no earlier than `floor`."""

    utterance: Utterance
    floor: Seconds

    @property
    def begin(self) -> Seconds:
        """Where it begins among the clips that were open when it was heard."""
        return max(self.floor, self.utterance.span.start)

    @property
    def words(self) -> Sequence[Word]:
        """Its words; a transcriber without word times gives the whole as one."""
        one = self.utterance
        return one.words or (Word(one.span.start, one.span.end, one.text, one.confidence),)

    def words_in(self, span: Span) -> list[Word]:
        """Return the words whose middle lies in `span`."""
        return [w for w in self.words if span.contains(max(self.floor, (w.start + w.end) / 2))]


class Speech:
    """Utterances that wait for their clips to be complete.

    `pending` is where listening goes on, `filed` up to where clips are committed; `said` holds
    utterances with words that are not yet in a committed clip.
    """

    def __init__(self, video: Video, maker: str, start: Seconds) -> None:
        self.video, self.maker = video, maker
        self.pending = self.filed = start
        self.said: list[Said] = []

    def take(self, heard: Heard) -> None:
        """Add what was heard."""
        self.said += [Said(one, self.filed) for one in heard.utterances]
        self.pending = heard.pending

    def words_in(self, span: Span) -> list[Word]:
        """Return the words whose middle lies in a clip."""
        return [word for one in self.said for word in one.words_in(span)]

    def parents_in(self, span: Span) -> list[str]:
        """Return the ids of utterances that have words in a clip."""
        return [self._id(one) for one in self.said if one.words_in(span)]

    def known_at(self, span: Span) -> Seconds:
        """Return when the words of a clip were known: after the pause that ended the last."""
        ends = [one.utterance.span.end + PAUSE for one in self.said if one.words_in(span)]
        return max(ends, default=0.0)

    def records(self, span: Span, *, last: bool = False) -> list[Record]:
        """Return records of utterances that begin in `span`, or after it if it is the `last`."""
        return [
            self._record(one)
            for one in self.said
            if span.contains(one.begin) or (last and one.begin >= span.end)
        ]

    def forget(self, before: Seconds) -> None:
        """Clips up to `before` are committed: drop utterances that lie wholly in them."""
        rest = Span(before, float(10**9))
        self.filed = before
        self.said = [one for one in self.said if one.begin >= before or one.words_in(rest)]

    def _id(self, one: Said) -> str:
        """Name an utterance by its start; utterances of one start are told apart by order."""
        start = one.utterance.span.start
        twins = [other for other in self.said if other.utterance.span.start == start]
        n = next(i for i, twin in enumerate(twins) if twin is one)
        return record_id(self.video.ordinal, start, "moment", "speech", n)

    def _record(self, one: Said) -> Record:
        said = one.utterance
        words = [[w.start, w.end, w.text, w.p] for w in said.words]
        return Record(
            self._id(one), self.video.id, "moment", "speech", said.span,
            round(said.span.end + PAUSE, 3), said.text, self.maker, (),
            {"words": words, "confidence": said.confidence} | _spoken(said),
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on exactly."""
        said = [
            [one.floor, u.span.start, u.span.end, u.text, u.confidence,
             [[w.start, w.end, w.text, w.p] for w in u.words], u.language]
            for one in self.said
            for u in [one.utterance]
        ]  # fmt: skip
        return {"pending": self.pending, "filed": self.filed, "said": said}

    def restore(self, facts: dict[str, Any]) -> None:
        """Go on from a state."""
        self.pending, self.filed = facts["pending"], facts["filed"]
        self.said = [
            Said(Utterance(Span(start, end), text, tuple(Word(*w) for w in words), p, *more), floor)
            for floor, start, end, text, p, words, *more in facts["said"]
        ]


def _spoken(said: Utterance) -> dict[str, str]:
    """The language that was detected, if one was."""
    return {"language": said.language} if said.language else {}
