"""Small JPEGs on disk, named by the SHA-256 of their bytes.

A file is written before the commit that names it; one written in a transaction that fails goes
with it, so only a kill leaves a file nobody names, and `check --repair` removes those. Files go
after the commit that stops naming them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from longtake.errors import Corrupt, LongtakeError, NotFound, StoreError
from longtake.storage.database import Database, translated
from longtake.storage.records import Thumb

_NAME = re.compile(r"[0-9a-f]{64}")


class Thumbs:
    """The folder of thumbnails and the table that lists them."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._suspects: set[str] = set()
        self._leaving: list[str] = []
        self._fresh: set[str] = set()
        database.before_commit.append(self._forget)
        database.on_commit.append(self._unlink)
        database.on_rollback.append(self._keep)

    def put(self, thumbs: Iterable[Thumb]) -> None:
        """Keep thumbnails; those already here cost nothing."""
        rows = []
        with self._database.transaction():
            for thumb in thumbs:
                if hashlib.sha256(thumb.jpeg).hexdigest() != thumb.name:
                    raise StoreError(
                        f"the thumbnail {thumb.name[:12]} is not named by the SHA-256 of its bytes",
                        fix="name it hashlib.sha256(jpeg).hexdigest()",
                    )
                if write_whole(thumb_path(self._folder, thumb.name), thumb.jpeg):
                    self._fresh.add(thumb.name)
                rows.append((thumb.name, len(thumb.jpeg)))
            self._database.run_many("INSERT OR IGNORE INTO thumbs (name, size) VALUES (?, ?)", rows)

    def get(self, name: str) -> bytes:
        """Return a thumbnail's bytes.

        Raises:
            NotFound: the library knows no such thumbnail.
            Corrupt: it knows it, and the file is gone.
        """
        if _NAME.fullmatch(name):
            try:
                return thumb_path(self._folder, name).read_bytes()
            except FileNotFoundError:
                pass
            if self._database.one("SELECT 1 FROM thumbs WHERE name = ?", (name,)):
                raise Corrupt(
                    f"the thumbnail {name[:12]} is gone from the disk",
                    fix="longtake db check lists what is missing; ingesting again brings it back",
                )
        raise NotFound(
            f"the library holds no thumbnail {name[:12]!r}", fix="take the name from a record"
        )

    def suspect(self, names: Iterable[str]) -> None:
        """Note thumbnails that a record named until now; commit drops those nobody names."""
        self._suspects.update(names)

    def _forget(self) -> None:
        if not self._suspects:
            return
        unused = self._database.rows(
            "SELECT value FROM json_each(?) WHERE value IN (SELECT name FROM thumbs) "
            "AND value NOT IN (SELECT thumb FROM records WHERE thumb IS NOT NULL)",
            (json.dumps(sorted(self._suspects)),),
        )
        self._leaving = [row[0] for row in unused]
        self._suspects.clear()
        self._database.run_many(
            "DELETE FROM thumbs WHERE name = ?", [(name,) for name in self._leaving]
        )

    def _unlink(self) -> None:
        self._fresh.clear()
        leaving, self._leaving = self._leaving, []
        for name in leaving:
            thumb_path(self._folder, name).unlink(missing_ok=True)

    def _keep(self) -> None:
        # Suspects stay, also those of an outer transaction that goes on: commit looks at each.
        self._leaving = []
        # What is left here stays as a file nobody names: it must not hide the work's own error.
        with suppress(LongtakeError, OSError):
            self._drop_fresh()

    def _drop_fresh(self) -> None:
        """Remove the files that were written inside what is being undone.

        Where only an inner transaction fails, the outer one's rows are still listed.
        """
        if not self._fresh:
            return
        lost = self._database.rows(
            "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT name FROM thumbs)",
            (json.dumps(sorted(self._fresh)),),
        )
        for (name,) in lost:
            thumb_path(self._folder, name).unlink(missing_ok=True)
            self._fresh.discard(name)


def thumb_path(folder: Path, name: str) -> Path:
    """Return where a thumbnail lies."""
    return folder / name[:2] / f"{name}.jpg"


def files(folder: Path) -> Iterator[Path]:
    """Yield every file in the folder of thumbnails, in order of name."""
    for shelf in sorted(folder.iterdir()) if folder.is_dir() else ():
        if shelf.is_dir():
            yield from sorted(shelf.iterdir())
        else:
            yield shelf


def write_whole(path: Path, content: bytes) -> bool:
    """Write a file so that it is there whole or not at all; leave one of the same size alone.

    Returns:
        Whether it was written.
    """
    if path.exists() and path.stat().st_size == len(content):
        return False
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            beside.write_bytes(content)
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    return True
