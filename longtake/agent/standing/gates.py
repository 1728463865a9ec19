"""Two gates: a cheap score of every channel each moment, and a decision where that is high.

Gate 1 scores what is at hand: screen text that stands, words of the last seconds, the names and the
vector of the newest picture. A score opens the gate when it is high in itself, higher than what any
negative example scores, and stands out of this very stream's background.
Gate 2 looks closer at the now-window (8 s at 2 pictures a second): the line is read again enlarged,
the sound is heard again as one piece, the pictures since the onset are looked at again and must
agree; a vision model, where the profile has one, is asked yes or no. Its `p` is what fires.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from longtake.agent.standing.closer import Closer
from longtake.agent.standing.matching import Match, Meanings, compact, matched
from longtake.agent.standing.moment import Moment, Reading, Seen
from longtake.agent.standing.names import Names
from longtake.agent.standing.predicate import Channel, Predicate
from longtake.models.protocols import Image
from longtake.timecode import Seconds

OPENS: dict[Channel, float] = {
    "spoken": 0.75, "screen": 0.75, "seen": 0.3, "sound": 0.5, "black": 0.5, "freeze": 0.5,
    "cut": 0.3,
}  # fmt: skip
"""The least score that opens gate 1."""
CONTRAST = 0.05
"""By how much it must be more than what the best negative example scores."""
STANDS_OUT = 0.15
"""By how much more than the stream's own background (its 90th percentile)."""
BACKGROUND: Seconds = 120.0
"""Seconds of the stream that are its background; the newest 10 s are not."""
LATELY: Seconds = 10.0
LEAST_COSINE, LIFTED = 0.4, 0.15
"""The least cosine of a picture's vector with the query, and by how much it must exceed what the
stream's own pictures and negative examples have, to open the gate where no name fits."""
STILL: Seconds = 0.9
"""A picture that has not changed for so long stands still."""
LOUD = 4.0
"""Times louder than usual that a loud noise is."""


class Background:
    """What a channel scores in this stream when nothing happens."""

    def __init__(self) -> None:
        self._scores: deque[tuple[Seconds, float]] = deque()

    def add(self, time: Seconds, value: float) -> None:
        """Take the score of a moment; one a second is kept."""
        if not self._scores or time - self._scores[-1][0] >= 1.0:
            self._scores.append((time, value))
        while self._scores[0][0] < time - BACKGROUND:
            self._scores.popleft()

    def level(self, time: Seconds) -> float:
        """The score that one moment in ten exceeds; 0 while too little is known."""
        known = [value for at, value in self._scores if at < time - LATELY]
        return float(np.percentile(known, 90)) if len(known) >= 10 else 0.0


class Gate:
    """Scores one predicate's channels; the background is that of one stream.

    Args:
        contrast: False compares with no negative example and no background (a control in tests).
    """

    def __init__(
        self, predicate: Predicate, meanings: Meanings, names: Names, *, contrast: bool = True
    ) -> None:
        self.predicate, self.meanings, self.names = predicate, meanings, names
        self.contrast = contrast
        self._grounds: dict[Channel, Background] = {}
        self._looked: tuple[Seen, float] | None = None
        self._vectors = Background()
        self._lifted = False
        self._stood: tuple[tuple[str, ...], list[tuple[Match, bool, float]]] | None = None

    def readings(self, moment: Moment) -> list[Reading]:
        """Score every channel that the predicate may show in."""
        nothing = partial(Reading, value=0.0, onset=moment.time, start=moment.time, quote="")
        return [
            _READ[channel](self, moment) or nothing(channel)
            for channel in sorted(self.predicate.channels)
        ]

    def opens(self, one: Reading, time: Seconds, *, idle: bool = True) -> bool:
        """Whether a score is worth a closer look.

        The background learns the score of `idle` moments: an event is no part of it.
        """
        ground = self._grounds.setdefault(one.channel, Background())
        level = ground.level(time)
        if idle:
            ground.add(time, one.value)
        high = one.value >= OPENS[one.channel]
        apart = one.value - level >= STANDS_OUT or one.channel not in _GRADED
        lifted = one.channel == "seen" and self._lifted
        return lifted or (high and (apart or not self.contrast))

    # -- channels --------------------------------------------------------------------------

    def _spoken(self, moment: Moment) -> Reading | None:
        words = moment.words
        if not words:
            return None
        texts = [word.text for word in words]
        best = matched(self.predicate, texts, self.meanings)
        if not best.value:
            return None
        said = words[best.first : best.last + 1]
        sure = float(np.mean([word.p for word in said]))
        near = texts[max(0, best.first - 6) : best.last + 7]
        quote = " ".join(text.strip() for text in near)
        value = self._apart(best.value * (0.8 + 0.2 * sure), self._against(near))
        return Reading("spoken", value, said[-1].end, said[0].start, quote)

    def _screen(self, moment: Moment) -> Reading | None:
        lines = moment.lines
        best: Reading | None = None
        for n, (match, wide, against) in enumerate(self._lines(moment)):
            both = lines[n : n + 2] if wide else lines[n : n + 1]
            score, since = min(one.score for one in both), max(one.since for one in both)
            value = self._apart(match.value * (0.8 + 0.2 * score), against)
            newer = best is not None and since > best.onset and value >= best.value - 0.05
            if value and (best is None or value > best.value or newer):
                quote = " ".join(one.text for one in both)
                best = Reading("screen", value, since, since, quote, both[0].box, moment.image)
        return best

    def _lines(self, moment: Moment) -> list[tuple[Match, bool, float]]:
        """Match each line, or it and the line below where that holds the rest; kept while they
        stand.
        """
        texts = tuple(line.text for line in moment.lines)
        if self._stood is None or self._stood[0] != texts:
            found = []
            for n, text in enumerate(texts):
                match, size = self._line(text), len(text.split())
                wide = matched(self.predicate, " ".join(texts[n : n + 2]).split(), self.meanings)
                across = wide.value > match.value and wide.first < size <= wide.last
                found.append((wide if across else match, across, self._against(text.split())))
            self._stood = (texts, found)
        return self._stood[1]

    def _line(self, text: str) -> Match:
        if compact(self.predicate, text):
            return Match(0.98, 0, 0)
        return matched(self.predicate, text.split(), self.meanings)

    def _against(self, words: Sequence[str]) -> float:
        nots = self.predicate.nots
        return max((matched(one, words, self.meanings).value for one in nots), default=0.0)

    def _seen(self, moment: Moment) -> Reading | None:
        seen = moment.seen
        if seen is None:
            return None
        if self._looked is None or self._looked[0] is not seen:
            self._looked = (seen, self._shows(seen))
            self._lifted = self._stands_out(seen)
        quote = ", ".join(tag.label for tag in seen.tags[:3]) or ", ".join(seen.colours)
        return Reading("seen", self._looked[1], seen.time, seen.time, quote, None, moment.image)

    def _shows(self, seen: Seen) -> float:
        """How surely a picture shows it, by the names and colours."""
        nots = [self.names.strength(one, seen) for one in self.predicate.nots]
        value = self.names.strength(self.predicate, seen)
        return self._apart(value, max(nots, default=0.0))

    def _stands_out(self, seen: Seen) -> bool:
        """Whether its vector is so near that a closer look is worth it where no name fits."""
        near = self.names.nearness(self.predicate, seen)
        against = [self.names.nearness(one, seen) for one in self.predicate.nots]
        ground = self._vectors.level(seen.time)
        self._vectors.add(seen.time, near)
        known = ground > 0.0 or not self.contrast
        return known and near >= LEAST_COSINE and near - max(ground, *against, 0.0) >= LIFTED

    def _apart(self, value: float, against: float) -> float:
        """A score is nothing where a negative example scores as much."""
        lost = self.contrast and value - against < CONTRAST
        return 0.0 if lost else round(value, 4)

    def _sound(self, moment: Moment) -> Reading | None:
        if self.predicate.silence:
            return _since("sound", moment.quiet, moment, "no sound")
        value = min(1.0, moment.loud / (2 * LOUD))
        at = moment.time - 1.0
        return Reading("sound", round(value, 4), max(0.0, at), max(0.0, at), "a loud noise")

    def _black(self, moment: Moment) -> Reading | None:
        return _since("black", moment.black, moment, "the picture is black")

    def _freeze(self, moment: Moment) -> Reading | None:
        still = moment.still if moment.time - (moment.still or 0.0) >= STILL else None
        return _since("freeze", still, moment, "the picture stands still")

    def _cut(self, moment: Moment) -> Reading | None:
        if moment.cut is None:
            return None
        at, strength = moment.cut
        return Reading("cut", strength, at, at, "the picture cuts", image=moment.image)


def _since(channel: Channel, since: Seconds | None, moment: Moment, quote: str) -> Reading | None:
    """A state that is there or not; how long it must last is asked when it fires."""
    if since is None:
        return None
    return Reading(channel, 1.0, since, since, quote, image=moment.image)


_GRADED: frozenset[Channel] = frozenset(("seen", "sound"))
"""Channels whose scores have a background; words are there or not."""
_READ: dict[Channel, Callable[[Gate, Moment], Reading | None]] = {
    "spoken": Gate._spoken, "screen": Gate._screen, "seen": Gate._seen, "sound": Gate._sound,
    "black": Gate._black, "freeze": Gate._freeze, "cut": Gate._cut,
}  # fmt: skip


class Decision:
    """Gate 2. `asked` counts how often it was.

    Args:
        closer: looks and hears again; None takes the first gate's word (a control in tests).
    """

    def __init__(self, closer: Closer | None) -> None:
        self._closer = closer
        self.asked = 0

    def weigh(self, gate: Gate, one: Reading, window: Sequence[tuple[Seconds, Image]]) -> Reading:
        """Return the reading with the value of a closer look."""
        if self._closer is None:
            return one
        self.asked += 1
        value, quote = self._closer.look(gate.predicate, one, window)
        return replace(one, value=round(min(1.0, max(0.0, value)), 4), quote=quote or one.quote)
