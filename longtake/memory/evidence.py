"""How strongly records speak for a query, in absolute terms.

Rank fusion says which is best of what there is; it cannot say whether it is there at all. This
module can: the share of the query's terms found, a cosine against what is usual for sentence
encoders, and for pictures a cosine against this library's own pictures, because vectors made from
class probabilities are all alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from longtake.memory.terms import Query, stem, words_of
from longtake.storage.records import Floats

LOW, HIGH = 0.3, 0.75
"""Cosines of sentence encoders: unrelated below, the same thing said otherwise above.

all-MiniLM-L6-v2, best of 653 utterances: 18 questions about what is there 0.61 on average, 18
about what is not 0.31, at most 0.5."""
STANDS_OUT, SURE = 2.5, 8.0
"""Standard deviations of a picture's cosine: the best of thousands by chance, a sure find."""
ALIKE, SAME = 0.95, 0.99
"""Cosines of two pictures: much alike, the same.

By the offline tagger, 489 kept frames of joined clips: 0.74 between two in the middle, 0.96 for one
pair in twenty, 0.995 between frames a second apart."""
_WEIGHT_DENSE, _WEIGHT_WORDS, _WEIGHT_SIGHT = 0.75, 0.85, 0.6


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The query's terms with their weights: rare words of the library count for more."""

    weights: Mapping[str, float]
    phrases: tuple[tuple[str, ...], ...] = ()
    _held: dict[str, tuple[frozenset[str], frozenset[int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, query: Query, frequency: Callable[[str], tuple[int, int]]) -> Lexicon:
        """Weigh a query's terms by (records with the term, records)."""
        weights: dict[str, float] = {}
        for term in query.terms:
            held, total = frequency(term)
            root = stem(term)
            weights[root] = max(weights.get(root, 0.0), math.log(1 + (total + 1) / (held + 0.5)))
        phrases = tuple(tuple(map(stem, words_of(phrase))) for phrase in query.phrases)
        return cls(weights, phrases)

    def coverage(self, texts: Iterable[str]) -> float:
        """Return the weighted share of terms that the texts hold together, 0 to 1.

        A quoted phrase that is not there word for word halves it.
        """
        total = sum(self.weights.values())
        if total <= 0:
            return 0.0
        held = [self._holds(text) for text in texts]
        share = sum(
            weight for root, weight in self.weights.items() if any(root in one for one, _ in held)
        )
        missing = sum(not any(i in one for _, one in held) for i in range(len(self.phrases)))
        return share / total * 0.5**missing

    def _holds(self, text: str) -> tuple[frozenset[str], frozenset[int]]:
        """Return the terms and the phrases in a text; texts come again in several groups."""
        if text not in self._held:
            row = [stem(word) for word in words_of(text)]
            terms = frozenset(self.weights).intersection(row)
            phrases = (i for i, phrase in enumerate(self.phrases) if _within(row, phrase))
            self._held[text] = terms, frozenset(phrases)
        return self._held[text]


def _within(row: list[str], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(tuple(row[i : i + size]) == phrase for i in range(len(row) - size + 1))


@dataclass(frozen=True, slots=True)
class Background:
    """Mean and spread of the cosines of a query with pictures it has nothing to do with."""

    mean: float
    spread: float
    picture: bool = False
    """Whether the query was a picture: then one that is the same is sure, however usual it is."""

    @classmethod
    def of(cls, cosines: Floats, *, picture: bool = False) -> Background | None:
        """Take median and scaled absolute deviation; None for fewer than 8 pictures.

        Of few pictures nothing is usual: compared with a picture, only the same stands out then.
        """
        if len(cosines) < 8:
            return cls(1.0, 1.0, picture) if picture else None
        middle = float(np.median(cosines))
        spread = 1.4826 * float(np.median(np.abs(cosines - middle)))
        # Half of the pictures may be equal (a static camera): the plain spread steps in.
        return cls(middle, max(spread, 0.3 * float(np.std(cosines)), 0.01), picture)

    def deviations(self, cosine: float) -> float:
        """Return how many spreads a cosine lies above the mean."""
        found = (cosine - self.mean) / self.spread
        if not self.picture or cosine <= ALIKE:
            return found
        return max(found, STANDS_OUT + (SURE - STANDS_OUT) * _ramp(cosine, ALIKE, SAME))


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def strength(cosine: float, coverage: float, sight: float) -> float:
    """Combine text cosine, term coverage and sight deviations into evidence 0..1.

    Each kind alone can convince, several support each other (noisy or).

    >>> strength(0.1, 0.0, 0.0), strength(0.8, 1.0, 0.0) > 0.95
    (0.0, True)
    """
    dense = _WEIGHT_DENSE * _ramp(cosine, LOW, HIGH)
    words = _WEIGHT_WORDS * coverage * math.sqrt(coverage)
    seen = _WEIGHT_SIGHT * _ramp(sight, STANDS_OUT, SURE)
    return 1.0 - (1.0 - dense) * (1.0 - words) * (1.0 - seen)
