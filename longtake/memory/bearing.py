"""How well one short text bears a description, read word by word.

A vector for a whole sentence says what it is about, not whether it holds what was asked. Late
interaction lets each telling word of the description look for its best partner in the text
(Khattab & Zaharia, "ColBERT", SIGIR 2020), here with the sentence encoder's own word vectors; a
word that is held as it is written counts as found. Rare words of the library weigh most.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from longtake.memory.evidence import Lexicon
from longtake.memory.terms import Query, stem, words_of
from longtake.models.protocols import TextEncoder, WordVectors
from longtake.storage.records import Floats
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.memory.recall import Recall

LOW, HIGH = 0.2, 0.8
"""The useful range of the weighted mean of best cosines."""
HELD = 0.85
"""What a word counts that is held as it is written: about the cosine of a word with itself."""
LONGEST = 400
"""Characters of a text that are read."""


class Bearing:
    """Scores texts against one description; without word vectors by the words they hold."""

    def __init__(self, query: Query, lexicon: Lexicon, encoder: TextEncoder | None) -> None:
        self.query = query
        self.lexicon = lexicon
        self.encoder = encoder
        self._asked: tuple[Floats, Floats, list[str]] | None = None

    @classmethod
    def of(cls, recall: Recall, query: str, video: str, as_of: Seconds | None = None) -> Bearing:
        """Read a description for a video of a library, as its words were known at a time."""
        asked = recall.parse(query, [video], as_of)
        lexicon = Lexicon.of(asked, partial(recall.store.document_frequency, as_of=as_of))
        return cls(asked, lexicon, recall.encoders.text)

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Return how well each text bears the description, 0 to 1."""
        shown = [" ".join(text.split())[:LONGEST] for text in texts]
        if not shown:
            return []
        if self.encoder is None or not self.query.terms:
            return [round(self.lexicon.coverage([text]), 4) for text in shown]
        read = self.encoder.words(shown)
        return [self._score(text, row) for text, row in zip(shown, read, strict=True)]

    def _score(self, text: str, row: WordVectors) -> float:
        vectors, weights, roots = self._words(self.encoder)
        if not len(vectors) or not len(row.spans):
            return 0.0
        best = (vectors @ row.vectors.T).max(1)
        held = {stem(word) for word in words_of(text)}
        spelled = np.array([HELD if root in held else 0.0 for root in roots], np.float32)
        best = np.maximum(best, spelled)
        like = float((best * weights).sum() / max(float(weights.sum()), 1e-9))
        return round(min(1.0, max(0.0, (like - LOW) / (HIGH - LOW))), 4)

    def _words(self, encoder: TextEncoder | None) -> tuple[Floats, Floats, list[str]]:
        """The description's telling words: vectors, weights and stems."""
        if self._asked is None:
            assert encoder is not None, "asked only where there are word vectors"
            text = self.query.text
            row = encoder.words([text])[0]
            terms = self._places(text.lower())
            kept = [
                (n, root)
                for n, (start, end) in enumerate(row.spans)
                for low, high, root in terms
                if start < high and end > low
            ]
            at = [n for n, _ in kept]
            weights = [self.lexicon.weights.get(root, 1.0) for _, root in kept]
            self._asked = (
                np.asarray(row.vectors[at], np.float32),
                np.asarray(weights, np.float32),
                [root for _, root in kept],
            )
        return self._asked

    def _places(self, text: str) -> list[tuple[int, int, str]]:
        """Where the terms stand in the description."""
        found: list[tuple[int, int, str]] = []
        for term in self.query.terms:
            at = text.find(term)
            while at >= 0:
                found.append((at, at + len(term), stem(term)))
                at = text.find(term, at + len(term))
        return found
