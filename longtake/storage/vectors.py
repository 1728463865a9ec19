"""Vectors: blobs in SQLite are the truth, FAISS indexes in memory follow them.

An index has the key ``level.channel.facet`` (``moment.speech.text``, ``clip.caption.context``)
and is made when it is first searched. Each change of a key counts its generation up; a search
first reads what changed since the generation it knows, so a reader sees a commit at once without
reading the rest again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from longtake.storage.database import Database
from longtake.storage.dense import Dense, Ints, Marks, load_faiss
from longtake.storage.filters import visible
from longtake.storage.indexfile import index_path, read_index, read_stamp, write_index
from longtake.storage.memo import Memo
from longtake.storage.records import Floats, VectorRow
from longtake.storage.vectortable import VectorTable, checked, same_size
from longtake.timecode import Seconds, Span

# Below this a rebuild from SQLite takes a few milliseconds and a file is not worth its place.
SAVE_ABOVE = 2_000
_MARKS = """
    SELECT x.vid, r.id, r.start, r.end, max(x.known_at, r.known_at)
    FROM vectors x INDEXED BY {} JOIN records r ON r.n = x.n WHERE x.no = ?"""
_ALL_MARKS = _MARKS.format("vectors_by_place")
_NEW_MARKS = _MARKS.format("vectors_by_change") + " AND x.gen > ?"


class _Live:
    """An index in memory and the generation it has reached."""

    def __init__(self) -> None:
        self.gen = -1
        self.dense: Dense | None = None
        self.lock = threading.Lock()


class Vectors:
    """Every vector index of a library."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._table = VectorTable(database)
        self._memo = Memo(database)
        self._live: dict[int, _Live] = {}
        self._making = threading.Lock()
        # What a transaction changed and then searches is seen by that transaction alone.
        self._inside: dict[int, _Live] = {}
        database.on_commit.append(self._inside.clear)
        database.on_rollback.append(self._inside.clear)

    def put(self, rows: Iterable[VectorRow]) -> None:
        """Keep vectors, or replace those of the same record and facet.

        Raises:
            StoreError: a record is not there, or a vector does not fit the others of its index.
        """
        self._table.put(rows)

    def read(
        self,
        keys: Sequence[int],
        *,
        ordinals: Sequence[int] | None,
        span: Span | None,
        as_of: Seconds | None,
    ) -> tuple[list[str], list[Span], Floats]:
        """Return record ids, spans and the matrix of vectors, by video, start and id."""
        found = visible(ordinals=ordinals, span=span, as_of=as_of)
        found.among("x.no", keys)
        if as_of is not None:
            found.add("x.known_at <= ?", as_of)
        rows = self._database.rows(
            "SELECT r.id, r.start, r.end, x.vector FROM vectors x JOIN records r ON r.n = x.n "
            f"WHERE {found.sql} ORDER BY r.ordinal, r.start, r.id",
            found.values,
        )
        for row in rows:
            same_size(len(rows[0][3]) // 4, len(row[3]) // 4, f"the vector of {row[0]}")
        matrix = np.frombuffer(b"".join(row[3] for row in rows), dtype="<f4")
        matrix = matrix.reshape(len(rows), -1) if rows else np.zeros((0, 0))
        limit = math.inf if as_of is None else as_of
        spans = [Span(row[1], max(row[1], min(row[2], limit))) for row in rows]
        return [row[0] for row in rows], spans, matrix.astype(np.float32)

    def keys(self, level: str, facet: str, channel: str | None) -> list[int]:
        """Return the numbers of the indexes of a level and facet."""
        return [
            no
            for no, (of_level, of_channel, of_facet) in self._memo.get("keys", self._keys)
            if (of_level, of_facet) == (level, facet) and channel in (None, of_channel)
        ]

    def facets(self, level: str, channel: str) -> list[str]:
        """Return the facets of which a level and channel have vectors."""
        rows = self._database.rows(
            "SELECT key FROM indexes i WHERE EXISTS (SELECT 1 FROM vectors x WHERE x.no = i.no) "
            "ORDER BY key"
        )
        head = f"{level}.{channel}."
        return [key.removeprefix(head) for (key,) in rows if key.startswith(head)]

    def search(
        self,
        keys: Sequence[int],
        query: Floats,
        *,
        k: int,
        ordinals: Sequence[int] | None,
        span: Span | None,
        as_of: Seconds | None,
    ) -> list[tuple[str, float]]:
        """Return (record id, inner product) of the best `k`, ties by id."""
        query = checked(query, "the query")
        found: list[tuple[str, float]] = []
        for no in keys:
            live = self._get(no)
            with live.lock:
                self._refresh(no, live)
                if live.dense is None or not len(live.dense.marks.vids):
                    continue
                same_size(live.dense.dim, len(query), "the query")
                allowed = live.dense.marks.allowed(ordinals, span, as_of)
                found += live.dense.search(query, k, allowed)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[: max(0, k)]

    def save(self) -> None:
        """Write the FAISS files that are worth it, and forget removals that all files know."""
        rows = self._database.rows(
            "SELECT i.no, i.key, i.gen, i.dim, "
            "(SELECT count(*) FROM vectors x WHERE x.no = i.no) FROM indexes i"
        )
        for no, key, gen, dim, count in rows:
            path = index_path(self._folder, key)
            stamp = read_stamp(path)
            if count < SAVE_ABOVE:
                path.unlink(missing_ok=True)
                self._prune(no, gen)
            elif stamp is None or stamp.gen > gen or self._behind(no, stamp.gen) > count // 10:
                live = self._get(no)
                with live.lock:
                    self._refresh(no, live)
                    if live.dense is not None:
                        write_index(path, live.dense.index, live.gen, dim)
                        self._prune(no, live.gen)

    def _keys(self) -> list[tuple[int, list[str]]]:
        rows = self._database.rows("SELECT no, key FROM indexes ORDER BY key")
        return [(no, key.split(".", 2)) for no, key in rows]  # A facet may hold dots.

    def _get(self, no: int) -> _Live:
        with self._making:
            live = self._live.setdefault(no, _Live())
        if self._database.in_transaction:
            row = self._database.one("SELECT gen FROM indexes WHERE no = ?", (no,))
            if row is not None and row[0] > live.gen:
                return self._inside.setdefault(no, _Live())
        return live

    def _refresh(self, no: int, live: _Live) -> None:
        """Bring an index up to the last commit."""
        with self._database.snapshot():
            row = self._database.one(
                "SELECT key, gen, forgot, dim FROM indexes WHERE no = ?", (no,)
            )
            # Another thread may already have read a later commit than this snapshot.
            if row is None or row[1] <= live.gen:
                return
            key, gen, forgot, dim = row
            dense = live.dense
            if dense is not None and dense.dim == dim and forgot <= live.gen < gen:
                self._follow(no, live.gen, dense)
            else:
                dense = self._load(no, key, gen, forgot, dim)
            if dense is None or dense.worn:
                dense = self._build(no, dim)
        live.dense, live.gen = dense, gen

    def _follow(self, no: int, since: int, dense: Dense) -> None:
        rows = self._database.rows(
            "SELECT DISTINCT vid FROM gone WHERE no = ? AND gen > ?", (no, since)
        )
        vids, vectors = self._blobs(no, since, dense.dim)
        marks = Marks.of(self._database.rows(_NEW_MARKS, (no, since)))
        dense.change(np.array([row[0] for row in rows], dtype=np.int64), vids, vectors, marks)

    def _load(self, no: int, key: str, gen: int, forgot: int, dim: int) -> Dense | None:
        """Take the file and what changed since, or None when the file does not fit."""
        read = read_index(index_path(self._folder, key))
        if read is None or read[0].dim != dim or not forgot <= read[0].gen <= gen:
            return None
        stamp, index = read
        marks = Marks.of(self._database.rows(_ALL_MARKS, (no,)))
        dense = Dense(index, marks, dim)
        self._follow(no, stamp.gen, dense)
        return dense if self._agrees(no, dense) else None

    def _agrees(self, no: int, dense: Dense) -> bool:
        """Hold an index from a file against SQLite: the same vids, and a sample of vectors."""
        faiss = load_faiss()
        stored = np.unique(faiss.vector_to_array(dense.index.id_map))
        vids = dense.marks.vids
        same = bool(np.isin(vids, stored).all()) if dense.graph else np.array_equal(stored, vids)
        if not same:
            return False
        sample = vids[:: max(1, len(vids) // 16)]
        for vid, vector in zip(sample, dense.vectors(sample), strict=True):
            row = self._database.one(
                "SELECT vector FROM vectors WHERE no = ? AND vid = ?", (no, int(vid))
            )
            if row is None or row[0] != vector.astype("<f4").tobytes():
                return False
        return True

    def _build(self, no: int, dim: int) -> Dense:
        vids, vectors = self._blobs(no, -1, dim)
        marks = Marks.of(self._database.rows(_ALL_MARKS, (no,)))
        return Dense.build(vids, vectors, marks, dim)

    def _blobs(self, no: int, since: int, dim: int) -> tuple[Ints, Floats]:
        rows = self._database.rows(
            "SELECT vid, vector FROM vectors WHERE no = ? AND gen > ? ORDER BY gen, slot",
            (no, since),
        )
        vids = np.array([row[0] for row in rows], dtype=np.int64)
        matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4")
        return vids, matrix.reshape(len(rows), dim).astype(np.float32, copy=False)

    def _behind(self, no: int, gen: int) -> int:
        (changed,) = self._database.one(
            "SELECT (SELECT count(*) FROM vectors WHERE no = :no AND gen > :gen) + "
            "(SELECT count(*) FROM gone WHERE no = :no AND gen > :gen)",
            {"no": no, "gen": gen},
        ) or (0,)
        return int(changed)

    def _prune(self, no: int, gen: int) -> None:
        with self._database.transaction():
            self._database.run("DELETE FROM gone WHERE no = ? AND gen <= ?", (no, gen))
            self._database.run("UPDATE indexes SET forgot = ? WHERE no = ?", (gen, no))
