"""Open a library's database: refuse what is cut off, bring an older one up to date."""

from __future__ import annotations

from longtake.errors import Corrupt
from longtake.storage import schema
from longtake.storage.database import Database, translated
from longtake.storage.folder import REPAIR, Folder
from longtake.storage.lock import WriterLock


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
    _refuse_truncated(folder)
    database = Database(folder.database, write=write)
    try:
        with translated(folder.database):
            old = schema.version(database.connection) < schema.VERSION
        if old:
            _bring_up(folder, locked=locked)
    except BaseException:
        database.close()
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


def _refuse_truncated(folder: Folder) -> None:
    """Find a cut-off file at once, not at the first read behind the cut.

    The header says how many pages the file has; the write-ahead log may hold newer ones.
    """
    log = folder.database.with_name(folder.database.name + "-wal")
    if not folder.database.exists() or (log.exists() and log.stat().st_size > 0):
        return
    with folder.database.open("rb") as file:
        head = file.read(100)
    if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
        if head:
            raise Corrupt(f"{folder.database} is not a database", fix=REPAIR)
        return
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    if folder.database.stat().st_size < pages * (65536 if page == 1 else page):
        raise Corrupt(f"{folder.database} has lost its end", fix=REPAIR)
