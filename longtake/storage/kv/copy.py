"""Copy a key–value memory while it is in use: one commit of its manifest, and the files it names.

The note of what was read (`NOTE`) goes along, so that whoever builds on the copy reads nothing
twice. It is only believed when it stayed the same while the manifest was copied.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from longtake.errors import KVError
from longtake.storage.database import connect
from longtake.storage.kv.files import write_whole
from longtake.storage.kv.manifest import Manifest

NOTE = "stream.json"
"""What was read of the stream, by `longtake.memory.kv.checkpoint`."""
STATE = "resume-*.safetensors"
"""The encoder of a build under way; the note names the right one by its hash."""

# A writer that joins segments meanwhile takes files away: then the next commit is copied.
_TRIES = 3


def copy_stream(source: Path, dest: Path) -> None:
    """Copy the memory in `source` to the folder `dest`; what has no readable manifest stays behind.

    A file that is missing in the end is told by ``check`` on the copy. Without a note, a build on
    the copy begins anew.
    """
    for _ in range(_TRIES):
        dest.mkdir(parents=True, exist_ok=True)
        note = _read(source / NOTE)
        try:
            names = _copied_manifest(source / "manifest.sqlite", dest / "manifest.sqlite")
        except KVError:
            shutil.rmtree(dest)
            return
        states = [path.name for path in source.glob(STATE)]
        gone = [name for name in names if not _copied(source / name, dest / name)]
        for name in states:
            (dest / name).unlink(missing_ok=True)  # It may have been written anew under its name.
            _copied(source / name, dest / name)
        steady = _read(source / NOTE) == note
        if steady and not gone:
            break
    if steady and note is not None:
        write_whole(dest / NOTE, [note])
    for path in dest.glob("*.safetensors"):
        if path.name not in (*names, *states):
            path.unlink()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _copied(source: Path, dest: Path) -> bool:
    """Copy a file, unless it was copied before; tell whether it is there."""
    if not dest.is_file():
        try:
            shutil.copyfile(source, dest)
        except FileNotFoundError:
            return False
    return True


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
