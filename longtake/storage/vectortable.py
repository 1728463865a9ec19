"""Writing vectors to SQLite, many at once.

A batch costs a handful of statements however many rows it has, and leaves the library as so many
single writes would: an index's vectors keep the order they came in, one that comes for a record and
facet that has one takes its place, and one that finds its number taken gets the next free one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from longtake.errors import StoreError
from longtake.storage.database import Database, Row
from longtake.storage.records import Floats, VectorRow

BATCH = 2_000
"""Rows held in memory at once: 3 MB of 384 numbers each."""
_UPDATE = "UPDATE vectors SET known_at = ?, gen = ?, vector = ? WHERE slot = ?"
_INSERT = "INSERT INTO vectors (no, vid, n, known_at, gen, vector) VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class _Home:
    """The record a vector stands for."""

    n: int
    ordinal: int
    level: str
    channel: str
    start: float

    @property
    def vid(self) -> int:
        """The number its vector has in the index, unless another is there already."""
        return (self.ordinal << 32) + max(0, round(self.start * 1000))


@dataclass(frozen=True, slots=True)
class _Index:
    """An index that is written to, and the generation of what is written now."""

    no: int
    gen: int
    dim: int


class VectorTable:
    """The table of vectors, as a writer sees it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Iterable[VectorRow]) -> None:
        """Keep vectors, or replace those of the same record and facet.

        Raises:
            StoreError: a record is not there, or a vector does not fit the others of its index.
        """
        begun: dict[str, _Index] = {}
        coming = iter(rows)
        with self._database.transaction():
            while batch := list(islice(coming, BATCH)):
                self._put(batch, begun)

    def _put(self, batch: Sequence[VectorRow], begun: dict[str, _Index]) -> None:
        homes = self._homes(batch)
        by_key: dict[str, list[tuple[VectorRow, _Home]]] = {}
        for row in batch:
            home = homes.get(row.record)
            if home is None:
                raise StoreError(
                    f"a vector came for the record {row.record!r}, which is not there",
                    fix="put the record first",
                )
            key = f"{home.level}.{home.channel}.{row.facet}"
            by_key.setdefault(key, []).append((row, home))
        for key, pairs in by_key.items():
            if key not in begun:
                first = checked(pairs[0][0].vector, f"the vector of {pairs[0][0].record}")
                begun[key] = self._begin(key, len(first))
            self._put_key(begun[key], pairs)

    def _put_key(self, index: _Index, pairs: Sequence[tuple[VectorRow, _Home]]) -> None:
        matrix = _matrix([row for row, _ in pairs], index.dim)
        # A record's last vector counts, in the place of its first.
        last = {home.n: (row, home, i) for i, (row, home) in enumerate(pairs)}
        slots = self._slots(index.no, list(last))
        taken = self._taken(index.no, {home.vid for _, home, _ in last.values()})
        old: list[Row] = []
        new: list[Row] = []
        for n, (row, home, i) in last.items():
            value = (row.known_at, index.gen, matrix[i].tobytes())
            if n in slots:
                old.append((*value, slots[n]))
                continue
            vid = home.vid
            while vid in taken or (vid != home.vid and self._taken(index.no, {vid})):
                vid += 1
            taken.add(vid)
            new.append((index.no, vid, n, *value))
        self._database.run_many(_UPDATE, old)
        self._database.run_many(_INSERT, new)

    def _homes(self, batch: Sequence[VectorRow]) -> dict[str, _Home]:
        rows = self._database.rows(
            "SELECT id, n, ordinal, level, channel, start FROM records "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list({row.record: None for row in batch})),),
        )
        return {row[0]: _Home(*row[1:]) for row in rows}

    def _slots(self, no: int, numbers: Sequence[int]) -> dict[int, int]:
        """Return which of these records have a vector in an index, and where."""
        rows = self._database.rows(
            "SELECT n, slot FROM vectors WHERE no = ? AND n IN (SELECT value FROM json_each(?))",
            (no, json.dumps(numbers)),
        )
        return dict(rows)

    def _taken(self, no: int, vids: set[int]) -> set[int]:
        rows = self._database.rows(
            "SELECT vid FROM vectors WHERE no = ? AND vid IN (SELECT value FROM json_each(?))",
            (no, json.dumps(sorted(vids))),
        )
        return {row[0] for row in rows}

    def _begin(self, key: str, dim: int) -> _Index:
        """Count the key's generation up; an empty index takes the dimension of what comes."""
        self._database.run(
            "INSERT INTO indexes (key, dim) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET dim = "
            "CASE WHEN EXISTS (SELECT 1 FROM vectors x WHERE x.no = indexes.no) "
            "THEN dim ELSE excluded.dim END",
            (key, dim),
        )
        self._database.run("UPDATE indexes SET gen = gen + 1 WHERE key = ?", (key,))
        row = self._database.one("SELECT no, gen, dim FROM indexes WHERE key = ?", (key,))
        return _Index(*(row or (0, 0, 0)))


def checked(vector: Any, what: str) -> Floats:
    """Return a vector as float32 numbers, shape (dim,).

    Raises:
        StoreError: it is not one row of finite numbers.
    """
    array = np.ascontiguousarray(vector, dtype=np.float32)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise StoreError(f"{what} is not a row of finite numbers", fix="check the encoder")
    return array


def same_size(dim: int, got: int, what: str) -> None:
    """Make sure that a vector has the size of its index.

    Raises:
        StoreError: it has another.
    """
    if dim != got:
        raise StoreError(
            f"{what} has {got} numbers and its index has {dim}: another encoder made that",
            fix="use the profile that made this library, or ingest into a new one",
        )


def _matrix(rows: Sequence[VectorRow], dim: int) -> Floats:
    """Return the vectors as they are stored, little-endian float32, shape (len(rows), dim)."""
    if all(np.shape(row.vector) == (dim,) for row in rows):
        matrix = np.stack([row.vector for row in rows]).astype("<f4")
        if np.isfinite(matrix).all():
            return matrix
    for row in rows:  # one of them is wrong: say which
        what = f"the vector of {row.record}"
        same_size(dim, len(checked(row.vector, what)), what)
    return np.stack([row.vector for row in rows]).astype("<f4")
