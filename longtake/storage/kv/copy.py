"""Copy a key–value memory while it is in use: one commit of its manifest, and the files it names."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from longtake.errors import KVError
from longtake.storage.database import connect
from longtake.storage.kv.manifest import Manifest

# A writer that joins segments meanwhile takes files away: then the next commit is copied.
_TRIES = 3


def copy_stream(source: Path, dest: Path) -> None:
    """Copy the memory in `source` to the folder `dest`; what has no readable manifest stays behind.

    A file that is missing in the end is told by ``check`` on the copy.
    """
    for _ in range(_TRIES):
        dest.mkdir(parents=True, exist_ok=True)
        try:
            names = _copied_manifest(source / "manifest.sqlite", dest / "manifest.sqlite")
        except KVError:
            shutil.rmtree(dest)
            return
        missing = False
        for name in names:
            if not (dest / name).is_file():
                try:
                    shutil.copyfile(source / name, dest / name)
                except FileNotFoundError:
                    missing = True
        if not missing:
            break
    for path in dest.glob("*.safetensors"):
        if path.name not in names:
            path.unlink()


def _copied_manifest(source: Path, dest: Path) -> list[str]:
    manifest = Manifest.open(source, write=False)
    manifest.close()
    reading, writing = connect(source, write=False), sqlite3.connect(dest, isolation_level=None)
    try:
        reading.backup(writing)
    finally:
        reading.close()
        writing.close()
    copied = Manifest.open(dest, write=False)
    try:
        return [one.name for one in copied.files()]
    finally:
        copied.close()
