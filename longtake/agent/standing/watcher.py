"""The loop of a watch: items of a stream in, alerts out.

>>> queries = [Query(parse("the exam is announced"))]
>>> for alert in Watcher(queries, models).run(Decoder("lecture.mp4")): ...      # doctest: +SKIP

Per picture (two a second) one moment is made of what is seen, read and heard; every query scores it
(`gates`) and each of its channels decides whether to speak (`firing`). Nothing of a stream is kept
but the now-window. A clock runs in stream time: an alert's `at` is how far the stream had come when
it was given, `delay` what has passed since the onset, `work` the seconds of computing since the
deciding moment arrived.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from longtake.agent.standing.closer import Closer, Judge
from longtake.agent.standing.ears import Ears
from longtake.agent.standing.eyes import STEP, Eyes
from longtake.agent.standing.firing import COOLDOWN, RULES, Firing, Rule
from longtake.agent.standing.gates import Decision, Gate
from longtake.agent.standing.matching import Meanings
from longtake.agent.standing.moment import Moment, Reading
from longtake.agent.standing.names import Names
from longtake.agent.standing.predicate import Channel, Predicate
from longtake.models.protocols import Image
from longtake.perception.channels import open_channels
from longtake.perception.items import Picture, Sound
from longtake.perception.sources import wall_clock
from longtake.perception.thumbs import thumbnail
from longtake.timecode import Seconds

WINDOW: Seconds = 8.0
"""The now-window: so many seconds of pictures are held."""
PREROLL: Seconds = 8.0
"""What is seen before the start tells what is there already."""
BEHIND: Seconds = 4.0
"""So far behind the stream's edge, speech is heard when it pauses, not word by word."""
PICTURES = frozenset(("screen", "seen", "black", "freeze", "cut"))
"""Channels that need pictures."""
SOUNDS = frozenset(("spoken", "sound"))
"""Channels that need sound."""


@dataclass(frozen=True, slots=True)
class Query:
    """A standing query: what is to be noticed, and how it speaks."""

    predicate: Predicate
    rules: Mapping[Channel, Rule] = field(default_factory=lambda: RULES)
    cooldown: Seconds = COOLDOWN


@dataclass(frozen=True, slots=True, eq=False)
class Alert:
    """What a watch says, once for each event. Times are in stream time."""

    query: str
    channel: Channel
    onset: Seconds
    at: Seconds
    p: float
    quote: str
    start: Seconds
    wall: str
    work: Seconds
    jpeg: bytes | None = None

    @property
    def delay(self) -> Seconds:
        """Seconds of the stream between the onset and the alert."""
        return round(self.at - self.onset, 3)

    def to_dict(self) -> dict[str, Any]:
        """JSON values; the picture is left out."""
        evidence = {"source": self.channel, "start": round(self.start, 3), "quote": self.quote}
        return {
            "query": self.query, "onset": round(self.onset, 3), "at": round(self.at, 3),
            "delay": self.delay, "p": round(self.p, 3), "wall": self.wall,
            "work": round(self.work, 3), "evidence": evidence,
        }  # fmt: skip


class Watcher:
    """Watches one stream for some queries. Counters tell the work.

    Args:
        models: the profile's models; what is not there is left out with a word in `warnings`.
        start: stream time from which something is an event.
        fresh: whether nothing can have been before the start: the stream begins there.
        judge: weighs paraphrases, see `closer.Closer`.
        second: False takes the first gate's word (a control in tests).
        contrast: False scores without negative examples and background (a control in tests).
        store: a library's store, for what is costly to make.
    """

    def __init__(
        self, queries: Sequence[Query], models: Any, *, start: Seconds = 0.0, fresh: bool = True,
        judge: Judge | None = None, second: bool = True, contrast: bool = True, store: Any = None,
    ) -> None:  # fmt: skip
        self.queries, self.start = list(queries), start
        self.channels = frozenset[Channel]().union(*(q.predicate.channels for q in queries))
        self.warnings: list[str] = []
        self.skipped: deque[tuple[Seconds, Seconds]] = deque(maxlen=100)
        self.skipped_seconds: Seconds = 0.0
        self.now: Seconds = 0.0
        self.moments = self.opened = self.alerts = 0
        texts = getattr(models, "text_encoder", None)
        meanings = Meanings(texts)
        senses = self._senses(models)
        self.ears = Ears(senses.voice, senses.transcriber)
        self.eyes = Eyes(self.channels, senses.reader, senses.tagger)
        names = Names(texts, getattr(models, "image_encoder", None), store)
        for query in queries:
            names.prepare(query.predicate)
        vision = getattr(models, "vision", None)
        closer = Closer(self.ears, senses.reader, senses.tagger, names, meanings,
                        vision=vision, judge=judge)  # fmt: skip
        self.decision = Decision(closer if second else None)
        self._posts = [
            _Post(query, Gate(query.predicate, meanings, names, contrast=contrast), start, fresh)
            for query in queries
        ]
        self._window: deque[tuple[Seconds, Image]] = deque()
        self._pictured = False
        self._edge: Callable[[], Seconds] | None = None

    def _senses(self, models: Any) -> Any:
        """The models of the channels that some query may show in."""
        senses = open_channels(
            models, picture=bool(self.channels & {"screen", "seen"}),
            sound="spoken" in self.channels, warnings=self.warnings,
        )  # fmt: skip
        return senses

    @property
    def sees(self) -> bool:
        """Whether pictures are needed."""
        return bool(self.channels & PICTURES)

    @property
    def hears(self) -> bool:
        """Whether sound is needed."""
        return bool(self.channels & SOUNDS)

    def run(
        self, items: Iterable[Picture | Sound], edge: Callable[[], Seconds] | None = None
    ) -> Iterator[Alert]:
        """Watch to the end; `edge` tells how far the stream has come meanwhile, if it is live."""
        arrived, self._edge = time.monotonic(), edge
        for item in items:
            moment = self._take(item)
            if moment is not None:
                yield from self._weigh(moment, arrived)
            arrived = time.monotonic()
        if self.ears.listen(last=True):
            moment = self._moment(max(self.now, self.ears.edge), None)
            yield from self._weigh(moment, arrived)

    def skip(self, start: Seconds, end: Seconds) -> None:
        """So much of the stream is not watched: the watch had fallen behind."""
        self.skipped.append((round(start, 3), round(end, 3)))
        self.skipped_seconds += end - start
        self.ears.skip(end)

    # -- moments ---------------------------------------------------------------------------

    def _take(self, item: Picture | Sound) -> Moment | None:
        if isinstance(item, Sound):
            self.ears.take(item)
            blind = not self.sees or not self._pictured
            return self._moment(item.end, None) if blind and self._listen() else None
        self._pictured = True
        if item.small is not None:
            self.eyes.fine(item.time, item.small)
        if item.full is None:
            return None
        self.eyes.see(item.time, item.full)
        self._window.append((item.time, item.full))
        while self._window[0][0] < item.time - WINDOW:
            self._window.popleft()
        self._listen()
        return self._moment(item.time, item.full)

    def _listen(self) -> bool:
        hurry = self._edge is not None and self._edge() - self.now > BEHIND
        return self.ears.listen(hurry=hurry)

    def _moment(self, now: Seconds, image: Image | None) -> Moment:
        self.now = max(self.now, now)
        self.moments += 1
        eyes, ears = self.eyes, self.ears
        words = tuple(word for word in ears.words() if word.start >= self.start)
        return Moment(
            self.now, image, eyes.lines(), eyes.seen, eyes.black, eyes.still, eyes.cut(), words,
            ears.quiet, ears.loud,
        )  # fmt: skip

    # -- decisions -------------------------------------------------------------------------

    def _weigh(self, moment: Moment, arrived: float) -> Iterator[Alert]:
        for post in self._posts:
            for one in post.gate.readings(moment):
                fired = self._decide(post, one, moment)
                if fired is not None:
                    yield self._alert(post, fired, arrived)

    def _decide(self, post: _Post, one: Reading, moment: Moment) -> Reading | None:
        """Return the reading with which a channel speaks now, if it does."""
        firing = post.firing(one.channel)
        if post.gate.opens(one, moment.time, idle=firing.armed):
            self.opened += 1
            if firing.armed:  # else it has been said, and only whether it is over matters
                one = self.decision.weigh(post.gate, one, self._window)
            value = one.value
        else:
            value = min(one.value, firing.rule.high - 0.01)
        if not firing.update(moment.time, value, one.onset):
            return None
        if moment.time < post.silent_until:  # counted from the last alert, not from this
            return None
        post.silent_until = moment.time + post.query.cooldown
        return one

    def _alert(self, post: _Post, one: Reading, arrived: float) -> Alert:
        self.alerts += 1
        onset = post.firing(one.channel).onset
        jpeg = thumbnail(one.image).jpeg if one.image is not None else None
        at = max(self.now, self._edge() if self._edge is not None else 0.0)
        return Alert(
            post.query.predicate.text, one.channel, one.onset if onset is None else onset, at,
            one.value, one.quote, one.start, wall_clock(), time.monotonic() - arrived, jpeg,
        )  # fmt: skip


class _Post:
    """One query on the watch: its gate, and each channel's firing."""

    def __init__(self, query: Query, gate: Gate, start: Seconds, fresh: bool) -> None:
        self.query, self.gate = query, gate
        self._start, self._fresh = start, fresh
        self._firings: dict[Channel, Firing] = {}
        self.silent_until: Seconds = -1.0

    def firing(self, channel: Channel) -> Firing:
        """What follows a channel; begun at the first moment that has a reading of it."""
        if channel not in self._firings:
            rule = self.query.rules[channel]
            self._firings[channel] = Firing(rule, self._start, fresh=self._fresh)
        return self._firings[channel]


__all__ = ["PREROLL", "STEP", "Alert", "Query", "Watcher"]
