"""Replies worth keeping: bytes by key, in a file of their own.

Not memory and not truth: whoever reads a library may write here too, because an answer is asked
for by readers; the file may be deleted at any time, and a damaged one is replaced by an empty one.
"""

from __future__ import annotations

from pathlib import Path

from longtake.errors import Corrupt
from longtake.storage.database import Database


class Cache:
    """A table of bytes by key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: Database | None = None

    def get(self, key: str) -> bytes | None:
        """Return what was kept under `key`, or None."""
        if self._database is None and not self._path.exists():
            return None
        row = self._open().one("SELECT value FROM kept WHERE key = ?", (key,))
        return None if row is None else bytes(row[0])

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`."""
        self._open().run(
            "INSERT INTO kept (key, value) VALUES (?, ?) "
            "ON CONFLICT(key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()

    def _open(self) -> Database:
        if self._database is None:
            database = Database(self._path, write=True)
            try:
                self._prepare(database)
            except Corrupt:
                database.close()
                for tail in ("", "-wal", "-shm"):
                    Path(f"{self._path}{tail}").unlink(missing_ok=True)
                database = Database(self._path, write=True)
                self._prepare(database)
            self._database = database
        return self._database

    @staticmethod
    def _prepare(database: Database) -> None:
        if not database.one("SELECT 1 FROM sqlite_master WHERE name = 'kept'"):
            database.run(
                "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB NOT NULL)"
            )
