"""Search by words: SQLite FTS5 over the text of every record (porter stems, accents folded).

A query is a list of terms joined by OR. A term with spaces is a phrase. Nothing a person types
is ever read as FTS5 grammar: every term is quoted, and terms without a letter or digit fall away.

FTS5 scores every matching row, about 3 µs each, so a word that stands in most of 100,000 rows
would cost a third of a second. When the terms together match more than `WORK` rows, a row must
hold at least one of the rarer terms to be found; the common ones then only add to its score.
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
        quoted = list(dict.fromkeys(quote(term) for term in terms if tokens(term)))
        if not quoted or k <= 0 or ordinals == []:
            return []
        found = visible(ordinals=ordinals, level=level, channel=channel, span=span, as_of=as_of)
        if ordinals is not None and len(ordinals) == 1:
            found.add("w.rowid BETWEEN ? AND ?", *window(ordinals[0], span))
        with self._database.snapshot():
            rare, common = self._split(quoted)
            best = self._scored(rare, common, k, found)
            if common and len(best) < k:
                best = self._scored(quoted, [], k, found)
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

    def _split(self, quoted: list[str]) -> tuple[list[str], list[str]]:
        """Part terms into those a row must hold one of, and those that only add to its score."""
        counts = {term: self._count(term, WORK) for term in quoted}
        if sum(counts.values()) <= WORK:
            return quoted, []
        if min(counts.values()) >= WORK:
            counts = {term: self._count(term, -1) for term in quoted}
        rarest_first = sorted(quoted, key=lambda term: (counts[term], term))
        rare, work = [rarest_first[0]], counts[rarest_first[0]]
        for term in rarest_first[1:]:
            work += counts[term]
            if work > WORK:
                break
            rare.append(term)
        return rare, rarest_first[len(rare) :]

    def _count(self, term: str, limit: int) -> int:
        row = self._database.one(
            "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)",
            (term, limit),
        )
        return int(row[0]) if row else 0

    def _scored(
        self, rare: list[str], common: list[str], k: int, found: Filter
    ) -> list[tuple[int, float]]:
        one, other = f"({' OR '.join(rare)})", f"({' OR '.join(common)})"
        # Two disjoint sets of rows, so that no term counts twice in bm25.
        queries = [f"{one} NOT {other}", f"{one} AND {other}"] if common else [one]
        join = "JOIN records r ON r.n = w.rowid" if found.parts else ""
        rows: list[tuple[int, float]] = []
        for query in queries:
            rows += self._database.rows(
                f"SELECT w.rowid, -bm25(words) AS score FROM words w {join} "
                f"WHERE words MATCH ? AND {found.sql} ORDER BY score DESC, w.rowid LIMIT ?",
                (query, *found.values, k),
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
