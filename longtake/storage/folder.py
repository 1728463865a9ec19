"""A library is a folder; this names what lies in it.

::

    course.longtake/
        library.sqlite   the truth: videos, records, words, vectors, progress
        indexes/         FAISS files, derived from the vectors in library.sqlite
        thumbs/ab/…jpg   small JPEGs, named by their own SHA-256
        kv/              key-value memory of streamer models
        raw/             recordings of live sources, each a folder of segments
        observations.sqlite  what second looks saw, written by whoever asks
        cache.sqlite     replies worth keeping; may be deleted at any time
        writer.lock      held by the one process that writes
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from longtake.errors import Corrupt, NotFound

REPAIR = "longtake db check --repair tells what can be mended; else restore a backup"


@dataclass(frozen=True, slots=True)
class Folder:
    """The places of one library on disk."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file that holds the truth."""
        return self.root / "library.sqlite"

    @property
    def cache(self) -> Path:
        """The SQLite file that may be deleted at any time."""
        return self.root / "cache.sqlite"

    @property
    def observations(self) -> Path:
        """The SQLite file of what second looks saw."""
        return self.root / "observations.sqlite"

    @property
    def indexes(self) -> Path:
        """Where FAISS files lie."""
        return self.root / "indexes"

    @property
    def thumbs(self) -> Path:
        """Where JPEGs lie, in folders named by the first two digits of their hash."""
        return self.root / "thumbs"

    @property
    def kv(self) -> Path:
        """Where key-value segments lie."""
        return self.root / "kv"

    @property
    def raw(self) -> Path:
        """Where recordings of live sources lie."""
        return self.root / "raw"

    @property
    def lock(self) -> Path:
        """The file whose lock makes a process the writer."""
        return self.root / "writer.lock"

    def exists(self) -> bool:
        """Tell whether a library lies here.

        Raises:
            Corrupt: something else lies here, or a library whose database is gone.
        """
        if self.database.is_file() and self.database.stat().st_size > 0:
            return True
        if not self.root.exists():
            return False
        if not self.root.is_dir():
            raise Corrupt(
                f"{self.root} is a file, and a library is a folder",
                fix="name a folder, as in course.longtake, or restore a backup there",
            )
        if self._holds_others():
            raise Corrupt(
                f"{self.root} is a folder of other things, not a library",
                fix="name another folder, as in course.longtake",
            )
        if self._holds_remains():
            raise Corrupt(
                f"{self.root} was a library, but its library.sqlite is gone or empty",
                fix="restore a backup, or delete the folder and ingest again",
            )
        return False

    def make(self) -> None:
        """Create the folder and the folders in it."""
        for folder in (self.root, self.indexes, self.thumbs, self.kv):
            folder.mkdir(parents=True, exist_ok=True)

    def need(self) -> None:
        """Make sure that a library lies here.

        Raises:
            NotFound: there is none.
        """
        if not self.exists():
            raise NotFound(
                f"there is no library at {self.root}",
                fix="longtake ingest VIDEO makes one; --library names another",
            )

    def _holds_others(self) -> bool:
        ours = {"library.sqlite", "cache.sqlite", "writer.lock", "indexes", "thumbs", "kv"}
        ours |= {"library.sqlite.damaged", "library.sqlite.new", "observations.sqlite"}
        ours |= {"observations.sqlite.damaged", "raw"}
        ours |= {name + tail for name in list(ours) for tail in ("-wal", "-shm", "-journal")}
        return any(entry.name not in ours for entry in self.root.iterdir())

    def _holds_remains(self) -> bool:
        # A creation that was killed leaves empty folders; anything in them means a library was.
        folders = (self.indexes, self.thumbs, self.kv)
        return any(folder.is_dir() and any(folder.iterdir()) for folder in folders)
