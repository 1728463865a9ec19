"""Open a library's database: refuse what is cut off, bring an older one up to date."""

from __future__ import annotations

from pathlib import Path

from longtake.errors import Corrupt
from longtake.storage import schema
from longtake.storage.database import Database, translated
from longtake.storage.folder import REPAIR, Folder
from longtake.storage.lock import WriterLock

_HEADER = 100
"""Bytes of SQLite's header."""


def open_database(folder: Folder, *, write: bool, locked: bool) -> Database:
    """Open a library's database, brought up to this version's format.

    Args:
        folder: the library.
        write: open it for writing.
        locked: the caller is the writer already; else the lock is taken while tables change.

    Raises:
        Corrupt: the file is cut off, or no library.
        NewerSchema: a newer version wrote it.
        Locked: its tables must change, and another process is the writer.
    """
    _refuse_remains(folder)
    database = Database(folder.database, write=write)
    try:
        with translated(folder.database):
            old = schema.version(database.connection) < schema.VERSION
        if old:
            _bring_up(folder, locked=locked)
    except BaseException as error:
        database.close()
        if isinstance(error, Corrupt):
            _say_what_is_wrong(folder)
        raise
    return database


def _bring_up(folder: Folder, *, locked: bool) -> None:
    lock = None if locked else WriterLock.take(folder.lock)
    writer = Database(folder.database, write=True)
    try:
        with translated(folder.database):
            schema.bring_up(writer.connection)
    finally:
        writer.close()
        if lock:
            lock.release()


def _refuse_remains(folder: Folder) -> None:
    """Refuse a file without even a header, which SQLite would take for a new database."""
    if 0 < _size(folder.database) < _HEADER and not _size(_log(folder)):
        raise Corrupt(f"{folder.database} is not a database", fix=REPAIR)


def _say_what_is_wrong(folder: Folder) -> None:
    """Find out what SQLite refused: no database, or one that is cut off.

    Only for a file that cannot be used: to open and close it here would take away the locks that
    other connections of this process hold on it, and another process would then delete their log.
    """
    if _size(_log(folder)):
        return
    with folder.database.open("rb") as file:
        head = file.read(_HEADER)
    if not head.startswith(b"SQLite format 3\0"):
        raise Corrupt(f"{folder.database} is not a database", fix=REPAIR)
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    if _size(folder.database) < pages * (65536 if page == 1 else page):
        raise Corrupt(f"{folder.database} has lost its end", fix=REPAIR)


def _log(folder: Folder) -> Path:
    """The write-ahead log, which may hold newer pages than the file."""
    return folder.database.with_name(folder.database.name + "-wal")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
