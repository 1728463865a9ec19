"""BM25 over a few texts, with counts that are given instead of those of the index.

FTS5's own ``bm25`` counts every row of the library, those too that became known after the time of a
question. Here rarity and the mean length are those of the rows that were known, so that what came
later changes no score. Formula and constants are FTS5's (Robertson and Zaragoza, "The Probabilistic
Relevance Framework", with k1 1.2 and b 0.75); length is counted in characters.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing

K1, B = 1.2, 0.75
LEAST = 1e-6
"""What a term weighs at least: one that stands in more than half of the rows."""


def rarity(held: int, rows: int) -> float:
    """The weight of a term that `held` of `rows` rows hold."""
    return max(LEAST, math.log((rows - held + 0.5) / (held + 0.5)))


def bm25(
    texts: Mapping[int, str],
    weights: Mapping[str, float],
    mean: float,
    *,
    tokenize: str,
    tokens: Mapping[str, Sequence[str]],
    quoted: Mapping[str, str],
) -> dict[int, float]:
    """Return the score of each text, by its number.

    Args:
        texts: what is scored.
        weights: the terms, each with its `rarity`.
        mean: characters of a text on the average.
        tokenize: FTS5's name of the tokenizer.
        tokens: the words of each term, as the tokenizer makes them.
        quoted: each term as an FTS5 query.
    """
    scores = dict.fromkeys(texts, 0.0)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        memory.execute(f"CREATE VIRTUAL TABLE said USING fts5(text, tokenize='{tokenize}')")
        memory.execute("CREATE VIRTUAL TABLE heard USING fts5vocab(said, instance)")
        memory.execute("BEGIN")
        memory.executemany("INSERT INTO said(rowid, text) VALUES (?, ?)", texts.items())
        for term, weight in weights.items():
            if len(tokens[term]) == 1:
                sql = "SELECT doc, count(*) FROM heard WHERE term = ? GROUP BY doc"
                found = memory.execute(sql, (tokens[term][0],))
            else:  # A phrase is counted once.
                found = memory.execute(
                    "SELECT rowid, 1 FROM said WHERE said MATCH ?", (quoted[term],)
                )
            for number, times in found:
                size = 1 - B + B * len(texts[number]) / mean
                scores[number] += weight * times * (K1 + 1) / (times + K1 * size)
    return scores
