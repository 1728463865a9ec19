"""How surely a picture shows what is asked for, by the names and colours that the sight gives.

A label must name the thing (`longtake.tools.naming`); the vector of the whole picture alone is not
believed of sight that only knows names, where absent things stand out as much as present ones: a
vector that stands out of the stream (`gates.Background`) is a reason to look closer, no more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longtake.agent.reading.sight import OTHER_HUE, UNNAMED
from longtake.agent.standing.moment import Seen
from longtake.agent.standing.predicate import HUES, Predicate
from longtake.models.protocols import ImageEncoder, Tag, TextEncoder
from longtake.storage.records import Floats
from longtake.tools.naming import Cache, fitting, vocabulary
from longtake.tools.words import stem

SECOND = 0.3
"""What a colour counts that is not the largest."""


class Memo:
    """Keeps what a library's cache would keep, where there is no library."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def cache_get(self, key: str) -> bytes | None:
        """Return what was kept."""
        return self._kept.get(key)

    def cache_put(self, key: str, value: bytes) -> None:
        """Keep bytes."""
        self._kept[key] = value


class Names:
    """Compares words with the labels of a tagger.

    Args:
        encoder: embeds words and labels; without one they must be spelled alike.
        images: embeds queries for comparison with the pictures' vectors.
        store: a library's store, or a `Memo`, that keeps the labels' vectors.
    """

    def __init__(
        self,
        encoder: TextEncoder | None,
        images: ImageEncoder | None = None,
        store: Cache | None = None,
    ) -> None:
        self._encoder, self._images, self._store = encoder, images, store or Memo()
        self._texts: dict[str, Floats] = {}
        self._phrases: dict[str, dict[str, float]] = {}
        self._fits: dict[tuple[str, str], float] = {}
        self._labels: tuple[list[str], Floats] | None = None

    def prepare(self, predicate: Predicate) -> None:
        """Embed the labels now, so that the first picture need not wait for it."""
        if predicate.hue is None and "seen" in predicate.channels:
            self._fitting(predicate.things)

    def strength(self, predicate: Predicate, seen: Seen) -> float:
        """How surely the picture shows it, 0 to 1."""
        if predicate.hue is not None:
            return _hue(predicate.hue, seen.colours)
        words = [word for word in predicate.terms or (predicate.things,) if word not in HUES]
        hues = [word for word in predicate.terms if word in HUES]
        whole = self._best(" ".join(words), seen.tags) if words else 0.0
        each = [self._best(word, seen.tags) for word in words] if len(words) > 1 else []
        known = [p for word, p in zip(words, each, strict=False) if p or self._names(word)]
        partly = min(known, default=0.0) * (1.0 if len(known) == len(words) else UNNAMED)
        other = any(_hue(word, seen.colours) == 0.0 for word in hues)
        return round(max(whole, partly) * (OTHER_HUE if other else 1.0), 4)

    def nearness(self, predicate: Predicate, seen: Seen) -> float:
        """The cosine of the picture's vector with the query; 0 where there is none."""
        if seen.vector is None or not seen.vector.size or self._images is None:
            return 0.0
        if predicate.things not in self._texts:
            self._texts[predicate.things] = self._images.encode_texts([predicate.things])[0]
        own = self._texts[predicate.things]
        return float(np.dot(own, seen.vector)) if own.shape == seen.vector.shape else 0.0

    def _best(self, phrase: str, tags: Sequence[Tag]) -> float:
        return max((tag.p for tag in tags if self._fit(phrase, tag.label)), default=0.0)

    def _fit(self, phrase: str, label: str) -> float:
        """Whether a label names what is meant; nearer names of the vocabulary speak against it."""
        key = (phrase, label)
        if key not in self._fits:
            alike = {stem(word) for word in phrase.split()} == {stem(w) for w in label.split()}
            self._fits[key] = 1.0 if alike else self._fitting(phrase).get(label, 0.0)
        return self._fits[key]

    def _names(self, phrase: str) -> bool:
        """Whether the sight has a name for it at all."""
        return bool(self._fitting(phrase))

    def _fitting(self, phrase: str) -> dict[str, float]:
        if self._encoder is None:
            return {}
        if self._labels is None:
            self._labels = vocabulary(self._store, self._encoder.name, self._encoder.encode)
        if phrase not in self._phrases:
            vector = np.asarray(self._encoder.encode([phrase])[0])
            self._phrases[phrase] = fitting(vector, *self._labels)
        return self._phrases[phrase]


def _hue(word: str, colours: Sequence[str]) -> float:
    word = "grey" if word == "gray" else word
    if colours[:1] == (word,):
        return 1.0 if len(colours) == 1 else 0.8
    return SECOND if word in colours else 0.0
