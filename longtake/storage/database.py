"""Connections to one SQLite file: a connection per thread, one transaction at a time.

The file runs in WAL mode, so readers see the last commit and never wait for the writer. A thread
that is inside `transaction` reads its own changes; every other thread reads the last commit.
SQLite's errors leave this module as errors of `longtake.errors`.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longtake.errors import Corrupt, DiskFull, Locked, LongtakeError, StoreError
from longtake.storage.folder import REPAIR

Row = tuple[Any, ...]
Args = Sequence[Any] | Mapping[str, Any]

# 384 floats are 1.5 kB: pages of 8 kB hold five such rows, pages of 4 kB only two.
PAGE_SIZE = 8192
_BUSY_MS = 10_000
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class _Handle:
    """A connection that closes with the thread that used it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.depth = 0

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """One SQLite file, for any number of threads of this process."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        self.write = write
        self.on_commit: list[Callable[[], None]] = []
        self.before_commit: list[Callable[[], None]] = []
        self.on_rollback: list[Callable[[], None]] = []
        self._closed = False
        self._local = threading.local()
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._writing = threading.RLock()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        return self._handle().connection

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside `transaction`."""
        return self._handle().depth > 0

    def rows(self, sql: str, args: Args = ()) -> list[Row]:
        """Return every row of a query."""
        with translated(self.path):
            return self.connection.execute(sql, args).fetchall()

    def one(self, sql: str, args: Args = ()) -> Row | None:
        """Return the first row of a query."""
        with translated(self.path):
            row: Row | None = self.connection.execute(sql, args).fetchone()
            return row

    def run(self, sql: str, args: Sequence[Any] = ()) -> int:
        """Run one statement inside a transaction and return the number of rows it changed."""
        if self.in_transaction:
            # One statement is atomic by itself; a savepoint would double the cost of a chunk.
            with translated(self.path):
                return self.connection.execute(sql, args).rowcount
        with self.transaction(), translated(self.path):
            return self.connection.execute(sql, args).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row, inside a transaction."""
        with self.transaction(), translated(self.path):
            self.connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen at once or not at all.

        A transaction inside a transaction belongs to the outer one; when it fails, its own
        changes are undone and the outer one may go on.
        """
        if not self.write:
            raise StoreError("this library is open for reading only", fix="open it with write=True")
        with self._writing:
            handle = self._handle()
            begin, end, undo = _BRACKETS[handle.depth > 0]
            with translated(self.path):
                handle.connection.execute(begin)
            handle.depth += 1
            try:
                yield
                if handle.depth == 1:
                    for hook in self.before_commit:
                        hook()
                with translated(self.path):
                    handle.connection.execute(end)
            except BaseException:
                self._undo(handle, undo)
                raise
            finally:
                handle.depth -= 1
            if handle.depth == 0:
                for hook in self.on_commit:
                    hook()

    def _undo(self, handle: _Handle, statements: tuple[str, ...]) -> None:
        # A full disk may have made SQLite roll back by itself.
        if handle.connection.in_transaction:
            for statement in statements:
                handle.connection.execute(statement)
        for hook in self.on_rollback:
            hook()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let every read inside see the same commit."""
        handle = self._handle()
        if handle.connection.in_transaction:
            yield
            return
        with translated(self.path):
            handle.connection.execute("BEGIN")
        try:
            yield
        finally:
            handle.connection.execute("COMMIT")

    def close(self) -> None:
        """Close every thread's connection; a second call does nothing."""
        self._closed = True
        for handle in list(self._handles):
            handle.connection.close()

    def _handle(self) -> _Handle:
        handle: _Handle | None = getattr(self._local, "handle", None)
        if self._closed:
            raise StoreError("this library was closed", fix="open it again")
        if handle is None:
            handle = self._local.handle = _Handle(connect(self.path, write=self.write))
            self._handles.add(handle)
        return handle


_BRACKETS: dict[bool, tuple[str, str, tuple[str, ...]]] = {
    False: ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)),
    True: ("SAVEPOINT inner_", "RELEASE inner_", ("ROLLBACK TO inner_", "RELEASE inner_")),
}


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open one connection with the settings every connection has."""
    with translated(path):
        # isolation_level=None: BEGIN and COMMIT are written by `transaction` alone.
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000
        )
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
            if write:
                connection.execute("PRAGMA journal_mode = WAL")
                # A killed process loses nothing that was committed; a power cut may lose the
                # last commits, never consistency.
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA journal_size_limit = 67108864")
            else:
                connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cache_size = -65536")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
    return connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the disk into ours; leave those that tell of a bug."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        ours = _translate(error, path)
        if ours is None:
            raise
        raise ours from error


def _translate(error: sqlite3.Error | OSError, path: Path) -> LongtakeError | None:
    if isinstance(error, OSError):
        if error.errno in _NO_ROOM:
            return _full(path)
        return None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Corrupt(f"{path} is damaged: {error}", fix=REPAIR)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Locked(f"{path} is busy: {error}", fix="wait for the other process, then repeat")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StoreError(f"{path} cannot be opened: {error}", fix="check who may write there")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(f"{path} cannot be read or written: {error}", fix="check the disk")
    return None


def _full(path: Path) -> DiskFull:
    return DiskFull(
        f"the disk that holds {path.parent} is full; everything committed is kept",
        fix="free some space, then repeat the command: it goes on from there",
    )
