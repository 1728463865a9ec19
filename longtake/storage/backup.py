"""Copy a library while it is in use.

SQLite's own backup copies one commit of each database, whatever is written meanwhile. Thumbnails are copied
after it: every file that the copied database names was written before its commit. FAISS files
and the cache are derived and stay behind.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from longtake.errors import StoreError
from longtake.storage.database import connect, translated
from longtake.storage.folder import Folder
from longtake.storage.kv.copy import copy_stream
from longtake.storage.kv.mend import streams
from longtake.storage.store import Store
from longtake.storage.thumbs import thumb_path, write_whole


def backup(path: str | Path, dest: str | Path) -> Path:
    """Copy the library at `path` to the new folder `dest` and return it.

    Raises:
        StoreError: something lies at `dest` already.
    """
    source, copy = Folder(Path(path).expanduser()), Folder(Path(dest).expanduser())
    if copy.root.exists() and (not copy.root.is_dir() or any(copy.root.iterdir())):
        raise StoreError(f"{copy.root} is there already", fix="name a folder that does not exist")
    Store.open(source.root).close()
    # A name of its own until it is whole: a backup that was killed is not taken for one.
    beside = Folder(copy.root.with_name(copy.root.name + ".part"))
    with translated(copy.root):
        shutil.rmtree(beside.root, ignore_errors=True)
        beside.make()
        _copy_database(source.database, beside.database)
        if source.observations.exists():
            _copy_database(source.observations, beside.observations)
        _copy_files(source, beside)
        if copy.root.exists():
            copy.root.rmdir()
        beside.root.rename(copy.root)
    return copy.root


def _copy_database(source: Path, dest: Path) -> None:
    reading = connect(source, write=False)
    writing = sqlite3.connect(dest, isolation_level=None)
    try:
        reading.backup(writing)
    finally:
        reading.close()
        writing.close()


def _copy_files(source: Folder, dest: Folder) -> None:
    reading = connect(dest.database, write=False)
    try:
        names = [row[0] for row in reading.execute("SELECT name FROM thumbs ORDER BY name")]
    finally:
        reading.close()
    for name in names:
        try:
            jpeg = thumb_path(source.thumbs, name).read_bytes()
        except FileNotFoundError:
            continue  # its video was removed meanwhile; `check` on the copy says so
        write_whole(thumb_path(dest.thumbs, name), jpeg)
    for place in streams(source.kv):
        copy_stream(place, dest.kv / place.relative_to(source.kv))
