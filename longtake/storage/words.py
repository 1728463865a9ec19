"""Search by words: SQLite FTS5 over the text of every record (porter stems, accents folded).

A query is a list of terms joined by OR. A term with spaces is a phrase. Nothing a person types
is ever read as FTS5 grammar: every term is quoted, and terms without a letter or digit fall away.

FTS5 scores every matching row, 1.5 µs each, and counts every term's rows again, so common words
are dear in a large library. When the terms match more than `WORK` rows together:

- a term that stands in more than half of all rows is left out: BM25 gives it no weight anyway;
- a row must hold one of the rarer terms to be found, the common ones only add to its score;
- where every term stands in more than half of all rows, the score says nothing, and the first
  `WORK` rows in time stand for all.

If that finds fewer than `k` rows, every term counts after all.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from functools import lru_cache

from longtake.storage.database import Database
from longtake.storage.filters import Filter, visible, window
from longtake.storage.rows import clean
from longtake.storage.schema import TOKENIZE
from longtake.timecode import Seconds, Span

WORK = 8_000
_EVERYWHERE = (-(1 << 63), (1 << 63) - 1)


class Words:
    """The full-text index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(
        self,
        terms: Sequence[str],
        *,
        k: int,
        ordinals: Sequence[int] | None = None,
        span: Span | None = None,
        level: str | Sequence[str] | None = None,
        channel: str | Sequence[str] | None = None,
        as_of: Seconds | None = None,
    ) -> list[tuple[int, float]]:
        """Return (`records.n`, score) of the best `k` rows, higher is better, ties by time."""
        said = list(dict.fromkeys(term for term in terms if tokens(term)))
        if not said or k <= 0 or ordinals == []:
            return []
        found = visible(ordinals=ordinals, level=level, channel=channel, span=span, as_of=as_of)
        place = _EVERYWHERE
        if ordinals is not None and len(ordinals) == 1:
            place = window(ordinals[0], span)
            found.add("w.rowid BETWEEN ? AND ?", *place)
        with self._database.snapshot():
            rare, common, limit = self._split(said, place)
            best = self._scored(rare, common, k, found, limit)
            if len(best) < k and len(rare) < len(said):
                best = self._scored(said, [], k, found, -1)
        return best

    def frequency(self, term: str) -> tuple[int, int]:
        """Return (rows that hold the term, rows)."""
        parts = tokens(term)
        (rows,) = self._database.one("SELECT count(*) FROM words_docsize") or (0,)
        if not parts:
            return 0, rows
        if len(parts) == 1:
            sql, value = "SELECT doc FROM vocabulary WHERE term = ?", parts[0]
        else:
            sql, value = "SELECT count(*) FROM words WHERE words MATCH ?", quote(term)
        found = self._database.one(sql, (value,))
        return (found[0] if found else 0), rows

    def _split(self, said: list[str], place: tuple[int, int]) -> tuple[list[str], list[str], int]:
        """Part terms into those a row must hold one of and those that only add to its score.

        Returns:
            Both, and how many rows are scored at most, -1 for all.
        """
        work = {term: self._count(term, place) for term in said}
        if sum(work.values()) <= WORK:
            return said, [], -1
        counts = {term: self.frequency(term) for term in said}
        rarest_first = sorted(said, key=lambda term: (counts[term][0], term))
        telling = [term for term in rarest_first if 2 * counts[term][0] <= counts[term][1]]
        if not telling:
            return rarest_first[:1], [], WORK
        rare, done = telling[:1], work[telling[0]]
        for term in telling[1:]:
            done += work[term]
            if done > WORK:
                break
            rare.append(term)
        return rare, telling[len(rare) :], -1

    def _count(self, term: str, place: tuple[int, int]) -> int:
        """Count the rows of a part of the library that hold a term, up to one more than `WORK`."""
        row = self._database.one(
            "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? "
            "AND rowid BETWEEN ? AND ? LIMIT ?)",
            (quote(term), *place, WORK + 1),
        )
        return int(row[0]) if row else 0

    def _scored(
        self, rare: list[str], common: list[str], k: int, found: Filter, limit: int
    ) -> list[tuple[int, float]]:
        one, other = (f"({' OR '.join(quote(t) for t in terms)})" for terms in (rare, common))
        # Two disjoint sets of rows, so that no term counts twice in bm25.
        queries = [f"{one} NOT {other}", f"{one} AND {other}"] if common else [one]
        join = "JOIN records r ON r.n = w.rowid" if found.parts else ""
        scored = (
            f"SELECT w.rowid AS n, -bm25(words) AS score FROM words w {join} "
            f"WHERE words MATCH ? AND {found.sql}"
        )
        if limit >= 0:
            scored = f"SELECT * FROM ({scored} LIMIT {limit})"
        rows: list[tuple[int, float]] = []
        for query in queries:
            rows += self._database.rows(
                f"{scored} ORDER BY score DESC, n LIMIT ?", (query, *found.values, k)
            )
        return sorted(rows, key=lambda row: (-row[1], row[0]))[:k]


def quote(term: str) -> str:
    """Write a term so that FTS5 reads it as words and nothing else."""
    return '"' + clean(term).replace("\0", " ").replace('"', '""') + '"'


class _Tokenizer(threading.local):
    """A table in memory with the tokenizer of the library, one for each thread."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute(
            f"CREATE VIRTUAL TABLE said USING fts5(text, tokenize='{TOKENIZE}')"
        )
        self.connection.execute("CREATE VIRTUAL TABLE heard USING fts5vocab(said, instance)")


_tokenizer = _Tokenizer()


@lru_cache(maxsize=4096)
def tokens(term: str) -> tuple[str, ...]:
    """Return the words of a term as the index knows them.

    >>> tokens("The Exams'"), tokens("🙂"), tokens("café")
    (('the', 'exam'), (), ('cafe',))
    """
    connection = _tokenizer.connection
    connection.execute("DELETE FROM said")
    connection.execute("INSERT INTO said(text) VALUES (?)", (clean(term).replace("\0", " "),))
    rows = connection.execute("SELECT term FROM heard ORDER BY offset").fetchall()
    return tuple(row[0] for row in rows)
