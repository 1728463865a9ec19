"""The watching ear: words within about two seconds of being spoken, and how loud it is.

Every second of new sound, what has been said since the last pause is heard again from its start,
so a word is known before its sentence is over, and known better when it is: words before a pause
stay, those after it may still change (as in streaming with a model that hears whole windows;
Macháček et al., "Turning Whisper into Real-Time Transcription System", 2023). When the machine
falls behind, only what has paused is heard.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from longtake.models.protocols import SAMPLE_RATE, Samples, Transcriber, VoiceActivity, Word
from longtake.perception.items import Sound
from longtake.perception.sound import SoundTrack
from longtake.perception.speech import LEAD, PAUSE, join_close, quietest
from longtake.timecode import Seconds, Span

STEP: Seconds = 1.0
"""Sound is listened to in such steps."""
WINDOW: Seconds = 8.0
"""Words are told for so long: the now-window."""
LONGEST: Seconds = 12.0
"""Speech without a pause is cut at a quiet place before it is so long."""
FRESH: Seconds = 0.2
"""A word that ends so near to the edge may not be over."""
SILENT = 0.002
"""Root mean square below which nothing is heard."""


class Ears:
    """Hears block after block. `calls` counts how often the transcriber was asked."""

    def __init__(self, voice: VoiceActivity | None, transcriber: Transcriber | None) -> None:
        self._voice, self._transcriber = voice, transcriber
        self._track = SoundTrack()
        self._pending: Seconds | None = None
        self._next: Seconds = 0.0
        self._final: deque[Word] = deque()
        self._partial: list[Word] = []
        self._usual = 0.0
        self.quiet: Seconds | None = None
        self.loud = 0.0
        self.calls = 0

    @property
    def edge(self) -> Seconds:
        """How far there is sound."""
        return self._track.end

    def take(self, sound: Sound) -> None:
        """Take the next block."""
        if self._pending is None:
            self._pending = self._next = sound.start
        self._track.add(sound)

    def skip(self, time: Seconds) -> None:
        """Nothing is heard before this time any more."""
        if self._pending is not None:
            self._pending = max(self._pending, time)
            self._next = max(self._next, time)
            self._partial = []

    def listen(self, *, hurry: bool = False, last: bool = False) -> bool:
        """Hear what came, if it is enough for a step; whether it was."""
        if self._pending is None or (self.edge < self._next + STEP and not last):
            return False
        start, end = self._next, self.edge
        self._next = end
        self._measure(start, end)
        if self._voice is not None and self._transcriber is not None:
            self._hear(self._pending, end, hurry=hurry, last=last)
        self._track.drop_before(min(self._pending, end - WINDOW))
        while self._final and self._final[0].end < end - WINDOW:
            self._final.popleft()
        return True

    def words(self) -> tuple[Word, ...]:
        """What was said in the last seconds, times on the stream's clock."""
        return (*self._final, *self._partial)

    def again(self, start: Seconds) -> list[Word]:
        """Hear everything from a time on once more, as one piece."""
        start = max(0.0, start, self.edge - 2 * WINDOW)
        samples = self._track.cut(start, self.edge)
        if self._transcriber is None or not len(samples):
            return []
        return self._said(samples, start, [Span(0.0, len(samples) / SAMPLE_RATE)])

    def _measure(self, start: Seconds, end: Seconds) -> None:
        samples = self._track.cut(start, end)
        level = float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
        self.quiet = None if level >= SILENT else start if self.quiet is None else self.quiet
        self.loud = level / self._usual if self._usual > SILENT else 0.0
        self._usual = level if not self._usual else 0.95 * self._usual + 0.05 * level

    def _hear(self, start: Seconds, end: Seconds, *, hurry: bool, last: bool) -> None:
        assert self._voice is not None
        samples = self._track.cut(start, end)
        limit = len(samples) / SAMPLE_RATE
        found = [Span(max(0.0, s.start), min(limit, s.end)) for s in self._voice.speech(samples)]
        spans = join_close(found, PAUSE)
        if not spans:
            self._partial, self._pending = [], max(start, end - LEAD)
            return
        open_ = spans[-1].end > limit - PAUSE and not last
        if open_ and limit - spans[-1].start > LONGEST:
            at = quietest(samples, spans[-1].start + LONGEST / 2, limit)
            spans[-1:] = [Span(spans[-1].start, at), Span(at, limit)]
        done = spans[:-1] if open_ else spans
        if done:
            self._final += self._said(samples, start, done)
            self._pending = start + done[-1].end
        self._partial = []
        if open_ and not hurry:
            near = limit + start - FRESH
            said = self._said(samples, start, [spans[-1]])
            self._partial = [word for word in said if word.end <= near]

    def _said(self, samples: Samples, start: Seconds, spans: list[Span]) -> list[Word]:
        assert self._transcriber is not None
        self.calls += 1
        found: list[Word] = []
        for one in self._transcriber.transcribe(samples, spans):
            words = one.words or (Word(one.span.start, one.span.end, one.text, one.confidence),)
            found += [Word(w.start + start, w.end + start, w.text, w.p) for w in words]
        return found
