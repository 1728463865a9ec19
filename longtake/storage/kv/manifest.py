"""The manifest of one stream's key–value memory: which block lies where, and who made it.

``manifest.sqlite`` is the truth about the folder beside it: a segment that it does not name is the
remains of a write that was killed. Numbers of files are never used twice, so a reader that saw an
old place never finds other blocks there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from longtake.errors import Corrupt, KVDamaged, KVMismatch, KVMissing, NewerSchema, StoreError
from longtake.storage.database import Database, Row
from longtake.storage.kv.files import REBUILD, Place

GHOST = "ghost"
VERSION = 1
_APPLICATION = 0x4C544B56  # "LTKV"
_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE files (
        name TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL,
        sha BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE blocks (
        id INTEGER PRIMARY KEY,
        start REAL NOT NULL,
        end REAL NOT NULL,
        n INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('live', 'ghost')),
        scheme TEXT NOT NULL,
        segment TEXT,
        begin INTEGER NOT NULL,
        length INTEGER NOT NULL,
        sha BLOB NOT NULL,
        shelf TEXT NOT NULL,
        row INTEGER NOT NULL,
        part INTEGER NOT NULL,
        refs TEXT NOT NULL
    )""",
    "CREATE INDEX blocks_by_segment ON blocks(segment)",
)
_COLUMNS = "id, start, end, n, state, scheme, segment, begin, length, sha, shelf, row, part, refs"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What keys and values depend on: they serve no other model, weights, words or prefix.

    `weights` and `prefix` are hashes; `dtype` is torch's name, as ``float32``.
    """

    model: str
    weights: str
    dtype: str
    tokenizer: str
    prefix: str
    layers: int
    kv_heads: int
    head_dim: int

    def need(self, other: Fingerprint) -> None:
        """Make sure that what `other` made serves this one.

        Raises:
            KVMismatch: it does not; the message says in what they differ.
        """
        odd = [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]
        if odd:
            said = ", ".join(f"{n} {getattr(other, n)!r}, not {getattr(self, n)!r}" for n in odd)
            raise KVMismatch(
                f"this key–value memory was made with {said}",
                fix="longtake kv build VIDEO builds it anew",
            )


@dataclass(frozen=True, slots=True)
class BlockRow:
    """What the manifest tells of a block.

    `scheme` is how it is packed, or was before it became a ghost. `shelf` is the file of its index
    keys: rows from `row`, groups from `part`.
    """

    id: int
    start: float
    end: float
    n: int
    ghost: bool
    scheme: str
    segment: str | None
    place: Place
    shelf: str
    row: int
    part: int
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that belongs here; `sha` is of a segment's head, or of a whole shelf of index keys."""

    name: str
    size: int
    sha: bytes


class Manifest:
    """The rows of one ``manifest.sqlite``."""

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self._database = database

    @classmethod
    def open(cls, path: Path, *, write: bool) -> Manifest:
        """Open a manifest; with `write` make an empty one where there is none.

        Raises:
            KVMissing: there is none.
            KVDamaged: it cannot be read.
            NewerSchema: a newer version wrote it.
        """
        if not write and not path.is_file():
            raise KVMissing(
                f"there is no key–value memory in {path.parent}",
                fix="longtake kv build VIDEO builds it",
            )
        database = None
        try:
            database = Database(path, write=write)
            _prepare(database, path)
        except (Corrupt, NewerSchema, StoreError) as error:
            if database is not None:
                database.close()
            if isinstance(error, Corrupt):
                raise KVDamaged(error.message, fix=REBUILD) from error
            raise
        return cls(path, database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def problems(self) -> list[str]:
        """Say what is wrong with the file itself."""
        try:
            rows = self._database.rows("PRAGMA integrity_check(5)")
        except StoreError as error:
            return [error.message]
        return [row[0] for row in rows if row[0] != "ok"]

    def size(self) -> int:
        """Return the bytes of its pages, those in the write-ahead log too."""
        ((pages,),) = self._rows("PRAGMA page_count")
        ((page,),) = self._rows("PRAGMA page_size")
        return int(pages) * int(page)

    # -- facts -----------------------------------------------------------------------------

    def fingerprint(self) -> Fingerprint | None:
        """Return who made the memory; None when it is empty and new."""
        told = self._fact("fingerprint")
        try:
            return Fingerprint(**json.loads(told)) if told else None
        except (ValueError, TypeError):
            raise KVDamaged(f"{self.path} does not say who made it", fix=REBUILD) from None

    def heads(self) -> tuple[tuple[int, int], ...]:
        """Return the (layer, key head) whose keys are indexed."""
        return tuple((int(a), int(b)) for a, b in json.loads(self._fact("heads") or "[]"))

    def found(self, print: Fingerprint, heads: Sequence[tuple[int, int]]) -> None:
        """Note who makes the memory."""
        with self._database.transaction():
            self._note("fingerprint", json.dumps(asdict(print)))
            self._note("heads", json.dumps([list(head) for head in heads]))

    def next_file(self) -> int:
        """Return a number that no file of this folder has had, as far as any row named it."""
        return int(self._fact("next") or 1)

    # -- blocks ----------------------------------------------------------------------------

    def rows(self, ids: Iterable[int] | None = None) -> list[BlockRow]:
        """Return blocks by id: all, or those of `ids` that are here."""
        if ids is None:
            return [_block(r) for r in self._rows(f"SELECT {_COLUMNS} FROM blocks ORDER BY id")]
        sql = f"SELECT {_COLUMNS} FROM blocks WHERE id IN (SELECT value FROM json_each(?))"
        return [_block(r) for r in self._rows(f"{sql} ORDER BY id", (json.dumps(list(ids)),))]

    def spans(self) -> list[tuple[int, float, float]]:
        """Return (id, start, end) of every block by id."""
        return [
            (r[0], r[1], r[2]) for r in self._rows("SELECT id, start, end FROM blocks ORDER BY id")
        ]

    def count(self) -> tuple[int, int]:
        """Return how many blocks there are, and the id that the next may have."""
        ((count, last),) = self._rows("SELECT count(*), ifnull(max(id), -1) FROM blocks")
        return int(count), int(last) + 1

    def state(self) -> tuple[int, int]:
        """Numbers that change whenever the memory does."""
        return self.count()[1], self.next_file()

    def files(self) -> list[FileRow]:
        """Return the files that belong here, by name."""
        rows = self._rows("SELECT name, bytes, sha FROM files ORDER BY name")
        return [FileRow(name, int(size), bytes(sha)) for name, size, sha in rows]

    def put(self, blocks: Sequence[BlockRow], files: Sequence[FileRow], *, used: int) -> None:
        """Set blocks and their new files in one step; file numbers up to `used` are taken."""
        marks = ", ".join("?" * 14)
        with self._database.transaction():
            self._database.run_many(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
                [(one.name, one.size, one.sha) for one in files],
            )
            self._database.run_many(
                f"INSERT OR REPLACE INTO blocks ({_COLUMNS}) VALUES ({marks})",
                [_values(one) for one in blocks],
            )
            self._note("next", str(max(used + 1, self.next_file())))

    def forget(self, ids: Iterable[int]) -> None:
        """Remove blocks."""
        told = json.dumps(list(ids))
        self._database.run(
            "DELETE FROM blocks WHERE id IN (SELECT value FROM json_each(?))", (told,)
        )

    def unused(self) -> list[str]:
        """Forget the files in which no block lies any more and return their names."""
        sql = (
            "SELECT name FROM files WHERE name NOT IN (SELECT shelf FROM blocks) "
            "AND name NOT IN (SELECT segment FROM blocks WHERE segment IS NOT NULL) ORDER BY name"
        )
        with self._database.transaction():
            gone = [str(row[0]) for row in self._rows(sql)]
            self._database.run_many("DELETE FROM files WHERE name = ?", [(one,) for one in gone])
        return gone

    # -- SQLite ----------------------------------------------------------------------------

    def _fact(self, name: str) -> str | None:
        rows = self._rows("SELECT value FROM facts WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def _note(self, name: str, value: str) -> None:
        self._database.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _rows(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        try:
            return self._database.rows(sql, args)
        except Corrupt as error:
            raise KVDamaged(error.message, fix=REBUILD) from error


def _prepare(database: Database, path: Path) -> None:
    ((application,),) = database.rows("PRAGMA application_id")
    ((version,),) = database.rows("PRAGMA user_version")
    ((tables,),) = database.rows("SELECT count(*) FROM sqlite_master")
    if version > VERSION:
        raise NewerSchema(
            f"{path} has format {version} and this version knows {VERSION}",
            fix="pip install --upgrade longtake",
        )
    if application == _APPLICATION and tables:
        return
    if tables:
        raise Corrupt(f"{path} is no manifest of a key–value memory")
    if not database.write:
        raise KVMissing(
            f"the key–value memory in {path.parent} holds nothing yet",
            fix="longtake kv build VIDEO builds it",
        )
    with database.transaction():
        for statement in _TABLES:
            database.run(statement)
        database.run(f"PRAGMA application_id = {_APPLICATION}")
        database.run(f"PRAGMA user_version = {VERSION}")


def _block(row: Row) -> BlockRow:
    id_, start, end, n, state, scheme, segment, begin, length, sha, shelf, at, part, refs = row
    return BlockRow(
        id=id_, start=start, end=end, n=n, ghost=state == GHOST, scheme=scheme, segment=segment,
        place=Place(begin, length, bytes(sha)), shelf=shelf, row=at, part=part,
        refs=tuple(json.loads(refs)),
    )  # fmt: skip


def _values(one: BlockRow) -> tuple[object, ...]:
    state, place = GHOST if one.ghost else "live", one.place
    return (
        one.id, one.start, one.end, one.n, state, one.scheme, one.segment, place.begin,
        place.length, place.sha, one.shelf, one.row, one.part, json.dumps(one.refs),
    )  # fmt: skip
