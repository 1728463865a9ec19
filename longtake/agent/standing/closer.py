"""A closer look at the now-window: what was read, heard or seen once must be so again.

* screen: the line is cut out of the picture, enlarged, and read again;
* spoken: the sound around the words is heard again as one piece, so other words stand around them;
* seen: the pictures since the onset are looked at again, whole and their middle; it counts in how
  many it is there. A vision model is asked whether they show it, yes or no;
* words of a paraphrase may be put before a language model, where its judgement was found to be
  worth something (`longtake.agent.surety.calibration`).

A closer look is taken once for each onset; what stands is not read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from longtake.agent.reasoning.yes_no import word_of
from longtake.agent.standing.ears import Ears
from longtake.agent.standing.matching import Meanings, compact, matched
from longtake.agent.standing.moment import Reading, Seen
from longtake.agent.standing.names import Names
from longtake.agent.standing.predicate import Predicate
from longtake.errors import BackendError
from longtake.models.protocols import Asked, Image, TextReader, VisionModel
from longtake.perception.reading import crop
from longtake.perception.sight import colours
from longtake.perception.zoom import enlarged
from longtake.timecode import Seconds

ROOM = 0.02
"""Share of the picture around a line that is read again."""
BEFORE: Seconds = 2.0
"""Seconds of sound before the words that are heard again."""
FRAMES = 4
"""Pictures of the window that are looked at again, or shown to a model."""
REMEMBERED = 512
"""Looks that are not taken again."""
MIDDLE = (0.125, 0.125, 0.875, 0.875)
YES, NO = 0.9, 0.15
"""What a model's word is worth."""
SHOWS = (
    "Do these pictures show this: «{what}»? Answer with one word, Yes if they clearly do, else No."
)
Told = tuple[float, str]
Judge = Callable[[str, str, float], float]
"""(what is to be noticed, what was said or read, how surely) → how surely with a model's word."""


class Closer:
    """Looks closer with what the profile has."""

    def __init__(
        self, ears: Ears, reader: TextReader | None, tagger: Any, names: Names,
        meanings: Meanings, *, vision: VisionModel | None = None, judge: Judge | None = None,
    ) -> None:  # fmt: skip
        self._ears, self._reader, self._tagger = ears, reader, tagger
        self._names, self._meanings = names, meanings
        self._vision, self._judge = vision, judge
        self._known: dict[tuple[Any, ...], Told] = {}

    def look(
        self, predicate: Predicate, one: Reading, window: Sequence[tuple[Seconds, Image]]
    ) -> Told:
        """Return how surely it is so, and the better quotation."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        if one.channel == "seen":
            return self._seen(predicate, one, window)
        if one.channel not in ("spoken", "screen"):
            return one.value, one.quote
        key = (predicate.text, one.channel, one.onset, one.quote, one.box)
        if key not in self._known:
            told = self._heard(predicate, one) if one.channel == "spoken" else None
            self._known[key] = self._judged(predicate, told or self._read(predicate, one))
        return self._known[key]

    def _read(self, predicate: Predicate, one: Reading) -> Told:
        if self._reader is None or one.image is None or one.box is None:
            return one.value, one.quote
        x0, y0, x1, y1 = one.box
        deep = 1.5 * (y1 - y0)  # the line below may hold the rest of it
        part, _ = crop(one.image, (max(0.0, x0 - ROOM), max(0.0, y0 - ROOM),
                                   min(1.0, x1 + ROOM), min(1.0, y1 + ROOM + deep)))  # fmt: skip
        lines = self._reader.read([enlarged(part)])[0]
        text = " ".join(line.text for line in lines)
        match = matched(predicate, text.split(), self._meanings).value
        whole = 0.98 if compact(predicate, text) else match
        sure = float(np.mean([line.score for line in lines])) if lines else 0.0
        again = whole * (0.8 + 0.2 * sure)
        return (min(again, one.value) + max(again, one.value)) / 2 if whole else 0.0, one.quote

    def _heard(self, predicate: Predicate, one: Reading) -> Told:
        words = self._ears.again(one.start - BEFORE)
        texts = [word.text for word in words]
        best = matched(predicate, texts, self._meanings)
        if not best.value:
            return 0.0, one.quote
        sure = float(np.mean([word.p for word in words[best.first : best.last + 1]]))
        quote = " ".join(t.strip() for t in texts[max(0, best.first - 6) : best.last + 7])
        against = [matched(no, texts, self._meanings).value for no in predicate.nots]
        value = best.value * (0.8 + 0.2 * sure)
        return (0.0 if max(against, default=0.0) >= value else value), quote

    def _judged(self, predicate: Predicate, told: Told) -> Told:
        value, quote = told
        if self._judge is None or predicate.phrases or not value:
            return told
        return self._judge(predicate.text, quote, value), quote

    def _seen(
        self, predicate: Predicate, one: Reading, window: Sequence[tuple[Seconds, Image]]
    ) -> Told:
        since = [image for time, image in window if time >= one.onset - 1e-6][-FRAMES:]
        key = (predicate.text, one.channel, one.onset, min(len(since), FRAMES))
        if not since:
            return one.value, one.quote
        if key not in self._known:
            self._known[key] = (self._agreed(predicate, one, since), one.quote)
        return self._known[key]

    def _agreed(self, predicate: Predicate, one: Reading, since: Sequence[Image]) -> float:
        """How surely the pictures show it, and in how many they do."""
        distinct = {id(image): image for image in since}
        known = {name: self._strength(predicate, image) for name, image in distinct.items()}
        values = [known[id(image)] for image in since]
        agreed = sum(value >= one.value / 2 for value in values) / len(values)
        value = float(np.median(values)) * agreed
        word = self._asked(predicate, list(distinct.values()))
        if word is not None:
            value = max(value, YES) if word else min(value, NO)
        return value

    def _strength(self, predicate: Predicate, image: Image) -> float:
        middle, _ = crop(image, MIDDLE)
        best = 0.0
        for part in (image, middle):
            tags: Sequence[Any] = self._tagger.look([part])[0][0] if self._tagger else ()
            seen = Seen(0.0, tuple(tags), None, colours(part))
            best = max(best, self._names.strength(predicate, seen))
        return best

    def _asked(self, predicate: Predicate, images: Sequence[Image]) -> bool | None:
        """What a vision model says; None where there is none, or it says neither."""
        if self._vision is None:
            return None
        asked = Asked(tuple(images), SHOWS.format(what=predicate.text))
        try:
            (reply,) = self._vision.write([asked], max_tokens=8)
        except BackendError:
            return None
        word = word_of(reply)
        return None if word is None else word == 0
