"""Read out what can be read of a damaged database, and write it anew.

Each table of the truth is read from its first row forward until SQLite meets the damage, then
from its last row backward. Words, and counts of changes, are made again by the triggers. The
damaged file is kept as ``library.sqlite.damaged``.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from longtake.storage import schema
from longtake.storage.database import connect, translated
from longtake.storage.folder import Folder

# In this order each row finds what it refers to.
_TABLES = {
    "videos": "ordinal",
    "indexes": "no",
    "records": "n",
    "vectors": "slot",
    "thumbs": "name",
    "progress": "ordinal, pass",
}


def salvage(folder: Folder) -> list[str] | None:
    """Replace a damaged database by what could be read of it.

    Returns:
        What was lost, one line a table; None when nothing could be read, and nothing was changed.
    """
    fresh = folder.database.with_name("library.sqlite.new")
    damaged = folder.database.with_name("library.sqlite.damaged")
    _remove(fresh)
    with translated(folder.database):
        lost = _copy(folder.database, fresh)
        if lost is None:
            _remove(fresh)
            return None
        for tail in ("-wal", "-shm"):
            Path(f"{folder.database}{tail}").unlink(missing_ok=True)
        os.replace(folder.database, damaged)
        os.replace(fresh, folder.database)
    return lost


def _copy(source: Path, fresh: Path) -> list[str] | None:
    lost: list[str] = []
    with (
        closing(sqlite3.connect(source, isolation_level=None)) as old,
        closing(connect(fresh, write=True)) as new,
    ):
        # Without this SQLite refuses every read of a file that is shorter than its header says.
        old.execute("PRAGMA writable_schema = ON")
        schema.bring_up(new)
        new.execute("BEGIN")
        for table, order in _TABLES.items():
            try:
                whole = _copy_table(old, new, table, order)
            except sqlite3.DatabaseError:
                if table in ("videos", "records"):
                    return None
                whole = False
            if not whole:
                lost.append(f"rows of {table} may be lost; ingesting again brings them back")
        _drop_unfit(new)
        new.execute("COMMIT")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        new.execute("PRAGMA journal_mode = DELETE")
    return lost


def _copy_table(old: sqlite3.Connection, new: sqlite3.Connection, table: str, order: str) -> bool:
    """Copy the readable rows; tell whether all were."""
    columns = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
    marks = ", ".join("?" * len(columns))
    put = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    select = f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY "
    if _copy_rows(old, new, select + order, put):
        return True
    _copy_rows(old, new, select + order.replace(",", " DESC,") + " DESC", put)
    return False


def _copy_rows(old: sqlite3.Connection, new: sqlite3.Connection, select: str, put: str) -> bool:
    rows = old.execute(select)
    while True:
        try:
            row = rows.fetchone()
        except sqlite3.DatabaseError:
            return False
        if row is None:
            return True
        new.execute(put, row)


def _drop_unfit(new: sqlite3.Connection) -> None:
    """Drop what refers to rows that could not be read."""
    new.execute("DELETE FROM records WHERE ordinal NOT IN (SELECT ordinal FROM videos)")
    new.execute("DELETE FROM progress WHERE ordinal NOT IN (SELECT ordinal FROM videos)")
    new.execute(
        "DELETE FROM vectors WHERE n NOT IN (SELECT n FROM records) "
        "OR no NOT IN (SELECT no FROM indexes)"
    )
    # Files and readers of before must not be taken for up to date.
    new.execute("UPDATE indexes SET gen = gen + 1, forgot = gen + 1")


def _remove(database: Path) -> None:
    for tail in ("", "-wal", "-shm", "-journal"):
        Path(f"{database}{tail}").unlink(missing_ok=True)
