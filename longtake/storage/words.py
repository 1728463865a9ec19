"""Search by words: SQLite FTS5 over the text of every record (porter stems, accents folded).

A query is a list of terms joined by OR. A term with spaces is a phrase. Nothing a person types
is ever read as FTS5 grammar: every term is quoted, and terms without a letter or digit fall away.

FTS5's bm25 takes 2-3 µs for every row it scores and only 0.06 µs for one it counts, so common words
are dear in a large library. When the terms match more than `WORK` rows together:

- a term that stands in more than half of all rows is left out: BM25 gives it no weight anyway;
- the rarest terms, as many as match `WORK` rows together, find rows; commoner ones only add to the
  score of these;
- where that finds fewer than `k` rows in all channels together, rows follow that hold all of the
  common terms, then those that hold the rarest of them and another, and, only if nothing was found
  at all, those that hold the rarest. Of each of these the first `FILL` in time are scored.

As of a time, nothing that became known later counts: rows are counted and scored by what was known
then (`longtake.storage.bm25`), so that the answer is that of a library that ends there.

All channels are searched at once, and what was found is kept until the library changes (`memo`):
recall asks for one channel after the other.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import accumulate

from longtake.storage.bm25 import bm25, rarity
from longtake.storage.database import Database
from longtake.storage.filters import Filter, visible, window
from longtake.storage.memo import Memo
from longtake.storage.rows import clean
from longtake.storage.schema import TOKENIZE
from longtake.timecode import Seconds, Span

WORK = 4_000
"""Rows that the terms which find rows may match together; all are scored."""
FILL = 1_000
"""Rows that are scored of those that hold common terms alone, the first in time."""
_EVERYWHERE = (-(1 << 63), (1 << 63) - 1)

Scored = tuple[int, float, str]
"""A row's `records.n`, its score and its channel."""


class Words:
    """The full-text index."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memo = Memo(database)

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
        said = tuple(dict.fromkeys(term for term in terms if tokens(term)))
        if not said or k <= 0 or ordinals == []:
            return []
        found = visible(ordinals=ordinals, level=level, span=span, as_of=as_of)
        place = _EVERYWHERE
        if ordinals is not None:
            # One range of rows for FTS5 to stay in; the exact condition decides.
            place = window(ordinals[0], None)[0], window(ordinals[-1], None)[1]
            if len(ordinals) == 1:
                place = window(ordinals[0], span)
            found.add("w.rowid BETWEEN ? AND ?", *place)
        question = ("search", said, k, found.sql, tuple(found.values))
        rows = self._memo.get(question, lambda: self._staged(said, k, found, place, as_of))
        wanted = None if channel is None else {channel} if isinstance(channel, str) else {*channel}
        best = [(n, score) for n, score, of in rows if wanted is None or of in wanted]
        return best[:k]

    def frequency(self, term: str, as_of: Seconds | None = None) -> tuple[int, int]:
        """Return (rows that hold the term, rows), of those known by a time."""
        if as_of is not None:
            return self._memo.get(("frequency", term, as_of), lambda: self._known(term, as_of))
        return self._memo.get(("frequency", term), lambda: self._frequency(term))

    def _frequency(self, term: str) -> tuple[int, int]:
        parts, rows = tokens(term), self._memo.get("rows", self._rows)
        if not parts:
            return 0, rows
        if len(parts) == 1:
            sql, value = "SELECT doc FROM vocabulary WHERE term = ?", parts[0]
        else:
            sql, value = "SELECT count(*) FROM words WHERE words MATCH ?", quote(term)
        found = self._database.one(sql, (value,))
        return (found[0] if found else 0), rows

    def _known(self, term: str, as_of: Seconds) -> tuple[int, int]:
        rows, _ = self._sizes(as_of)
        if not tokens(term):
            return 0, rows
        named = self._database.one(
            "SELECT count(*) FROM words w CROSS JOIN records r ON r.n = w.rowid "
            "WHERE words MATCH ? AND r.known_at <= ?", (quote(term), as_of),
        )  # fmt: skip
        return int(named[0]) if named else 0, rows

    def _sizes(self, as_of: Seconds) -> tuple[int, float]:
        """Return how many rows with words were known by a time, and their mean length."""
        sql = (
            "SELECT count(*), avg(length(r.text)) FROM records r "
            "WHERE r.text != '' AND r.known_at <= ?"
        )

        def count() -> tuple[int, float]:
            rows, mean = self._database.one(sql, (as_of,)) or (0, None)
            return int(rows), float(mean or 1.0)

        return self._memo.get(("sizes", as_of), count)

    def _rows(self) -> int:
        (rows,) = self._database.one("SELECT count(*) FROM words_docsize") or (0,)
        return int(rows)

    def _staged(
        self, said: Sequence[str], k: int, found: Filter, place: tuple[int, int],
        as_of: Seconds | None,
    ) -> list[Scored]:  # fmt: skip
        """Return the best `k` rows of each channel, best first, ties by time."""
        rare, common = self._split(said, place, as_of)
        scored = self._scored if as_of is None else partial(self._scored_as_of, said, as_of)
        best: dict[int, Scored] = {}
        if rare:
            # Two disjoint sets of rows, so that no term counts twice in bm25.
            one, other = any_of(rare), any_of(common)
            for query in [f"{one} NOT {other}", f"{one} AND {other}"] if common else [one]:
                best |= scored(query, k, found, -1)
        for count, query in enumerate(_fillers(common)):
            last = count == len(_fillers(common)) - 1
            if len(best) >= (1 if last else k):
                break
            lacking = f"{query} NOT {any_of(rare)}" if rare else query
            # Rows that an earlier query found with more of the terms keep their score.
            best = scored(lacking, k + len(best), found, FILL) | best
        return sorted(best.values(), key=lambda row: (-row[1], row[0]))

    def _split(
        self, said: Sequence[str], place: tuple[int, int], as_of: Seconds | None
    ) -> tuple[list[str], list[str]]:
        """Part terms into those that find rows and those that are common, each rarest first."""
        work = {term: self._count(term, place, as_of) for term in said}
        rarest_first = sorted(said, key=lambda term: (work[term], term))
        if sum(work.values()) <= WORK:
            return rarest_first, []
        held = {term: self.frequency(term, as_of) for term in said}
        rarest_first = sorted(said, key=lambda term: (work[term], held[term][0], term))
        telling = [term for term in rarest_first if 2 * held[term][0] <= held[term][1]]
        if not telling:
            return [], rarest_first[:1]
        sums = list(accumulate(work[term] for term in telling))
        rare = [term for term, done in zip(telling, sums, strict=True) if done <= WORK]
        return rare, telling[len(rare) :]

    def _count(self, term: str, place: tuple[int, int], as_of: Seconds | None) -> int:
        """Count the rows of a part of the library that hold a term, up to one more than `WORK`."""
        if place == _EVERYWHERE:
            return min(self.frequency(term, as_of)[0], WORK + 1)
        join, known = "", ""
        if as_of is not None:
            join, known = "CROSS JOIN records r ON r.n = w.rowid", "AND r.known_at <= ?"
        row = self._database.one(
            f"SELECT count(*) FROM (SELECT 1 FROM words w {join} WHERE words MATCH ? "
            f"AND w.rowid BETWEEN ? AND ? {known} LIMIT ?)",
            (quote(term), *place, *([] if as_of is None else [as_of]), WORK + 1),
        )
        return int(row[0]) if row else 0

    def _scored(self, query: str, k: int, found: Filter, limit: int) -> dict[int, Scored]:
        """Return the best `k` rows of each channel among the first `limit`, -1 for all."""
        # MATERIALIZED, or SQLite 3.40 sorts before it takes the first rows.
        rows: list[Scored] = self._database.rows(
            "WITH scored AS MATERIALIZED ("
            "SELECT w.rowid AS n, -bm25(words) AS score, r.channel AS channel "
            "FROM words w CROSS JOIN records r ON r.n = w.rowid "
            f"WHERE words MATCH ? AND {found.sql} LIMIT ?) "
            "SELECT n, score, channel FROM (SELECT *, row_number() OVER "
            "(PARTITION BY channel ORDER BY score DESC, n) AS place FROM scored) WHERE place <= ?",
            (query, *found.values, limit, k),
        )
        return {row[0]: row for row in rows}

    def _scored_as_of(
        self, said: Sequence[str], as_of: Seconds, query: str, k: int, found: Filter, limit: int
    ) -> dict[int, Scored]:
        """As `_scored`, by what was known at a time alone."""
        rows: list[tuple[int, str, str]] = self._database.rows(
            "SELECT w.rowid, r.channel, r.text FROM words w CROSS JOIN records r ON r.n = w.rowid "
            f"WHERE words MATCH ? AND {found.sql} LIMIT ?",
            (query, *found.values, limit),
        )
        channels = {number: channel for number, channel, _ in rows}
        scores = bm25(
            {number: clean(text).replace("\0", " ") for number, _, text in rows},
            {term: rarity(*self.frequency(term, as_of)) for term in said},
            self._sizes(as_of)[1],
            tokenize=TOKENIZE,
            tokens={term: tokens(term) for term in said},
            quoted={term: quote(term) for term in said},
        )
        kept: dict[int, Scored] = {}
        taken: Counter[str] = Counter()
        for number in sorted(scores, key=lambda n: (-scores[n], n)):
            channel = channels[number]
            if taken[channel] < k:
                taken[channel] += 1
                kept[number] = (number, scores[number], channel)
        return kept


def any_of(terms: Sequence[str]) -> str:
    """Write a query for the rows that hold one of the terms."""
    return f"({' OR '.join(quote(term) for term in terms)})"


def _fillers(common: Sequence[str]) -> list[str]:
    """Write queries for rows that hold common terms alone, those that hold most of them first."""
    queries = [f"({' AND '.join(quote(term) for term in common)})"] if len(common) > 1 else []
    if len(common) > 2:
        queries.append(f"({quote(common[0])} AND {any_of(common[1:])})")
    return queries + [quote(term) for term in common[:1]]


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
