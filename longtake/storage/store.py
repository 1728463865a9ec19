"""One library on disk, behind one door.

Contract: SQLite is the truth; words and vector indexes follow it. One process writes, any number
read and see each commit at once. What is put inside one `transaction` is there whole or not at
all, also after a kill. A read `as_of` a time never returns what became known later. Equal input
gives equal answers; ties go by time, then id. A `Store` may be used from several threads.

>>> with Store.open("course.longtake") as store:        # doctest: +SKIP
...     store.search_words(["exam"], k=5)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from longtake.errors import NoSuchMoment, StoreError
from longtake.storage.cache import Cache
from longtake.storage.database import Database, translated
from longtake.storage.folder import Folder
from longtake.storage.lock import WriterLock
from longtake.storage.observations import Observations
from longtake.storage.opening import open_database
from longtake.storage.records import (
    Facet,
    Floats,
    Level,
    Progress,
    Record,
    Thumb,
    VectorRow,
    Video,
)
from longtake.storage.rows import Records
from longtake.storage.sizes import Sizes
from longtake.storage.thumbs import Thumbs
from longtake.storage.vectors import Vectors
from longtake.storage.videos import Videos
from longtake.storage.words import Words
from longtake.timecode import Seconds, Span

Names = str | Sequence[str] | None


class Store:
    """An open library. Get one from `Store.open`."""

    def __init__(self, folder: Folder, database: Database, lock: WriterLock | None) -> None:
        self.folder = folder
        self.database = database
        self._lock = lock
        self._videos = Videos(database)
        self._records = Records(database, self._videos)
        self._words = Words(database)
        self._vectors = Vectors(database, folder.indexes)
        self._thumbs = Thumbs(database, folder.thumbs)
        self._cache = Cache(folder.cache)
        self.sizes = Sizes(database)
        self.observations = Observations(folder.observations)
        self._closed = False

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        write: bool = False,
        create: bool = False,
        wait: Seconds = 0.0,
    ) -> Store:
        """Open the library at `path`.

        Args:
            path: the library's folder.
            write: become its one writer.
            create: make it when nothing is there.
            wait: so many seconds for another writer to end.

        Raises:
            NotFound: nothing is there, and `create` is off.
            Locked: another process is the writer.
            Corrupt: what is there is no library, or a damaged one.
            NewerSchema: a newer version wrote it.
        """
        folder = Folder(Path(path).expanduser())
        if not create:
            folder.need()
        fresh = not folder.exists()
        if fresh:
            with translated(folder.database):
                folder.make()
        lock = WriterLock.take(folder.lock, wait) if write or fresh else None
        try:
            database = open_database(folder, write=write, locked=lock is not None)
        except BaseException:
            if lock:
                lock.release()
            raise
        if lock and not write:
            lock.release()
            lock = None
        return cls(folder, database, lock)

    @property
    def path(self) -> Path:
        """The library's folder."""
        return self.folder.root

    @property
    def writable(self) -> bool:
        """Whether this is the library's writer."""
        return self._lock is not None

    def close(self) -> None:
        """Close the library and let others write; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self.writable:
            # Indexes are derived: a disk too full for them must not hide the work's own error.
            with suppress(StoreError, OSError):
                self._vectors.save()
        self._cache.close()
        self.observations.close()
        self.database.close()
        if self._lock:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything put inside happen at once or not at all; nested ones join."""
        return self.database.transaction()

    def videos(self, *, as_of: Seconds | None = None) -> list[Video]:
        """Return every video in order of arrival."""
        return [one.at(as_of) for one in self._videos.all()]

    def video(self, video: str, *, as_of: Seconds | None = None) -> Video:
        """Return the video with this id."""
        return self._videos.get(video).at(as_of)

    def resolve(self, name: str) -> Video:
        """Return the video meant by an id, a path, a name or a unique part of one."""
        return self._videos.resolve(name)

    def add_video(
        self, fingerprint: str, path: str, name: str, duration: Seconds, media: dict[str, Any]
    ) -> Video:
        """Add a video; one with this fingerprint that is here already is only brought up to date."""
        return self._videos.add(fingerprint, path, name, duration, media)

    def update_video(
        self,
        video: str,
        *,
        path: str | None = None,
        name: str | None = None,
        duration: Seconds | None = None,
        media: dict[str, Any] | None = None,
    ) -> Video:
        """Change what is given, and return the video as it is now."""
        return self._videos.update(video, path=path, name=name, duration=duration, media=media)

    def remove_video(self, video: str) -> None:
        """Remove a video and everything that only it uses."""
        with self.transaction():
            ordinal = self._videos.get(video).ordinal
            self.delete_records(video)
            self.database.run("DELETE FROM progress WHERE ordinal = ?", (ordinal,))
            self.database.run("DELETE FROM videos WHERE ordinal = ?", (ordinal,))
        # Another file: should this be killed here, `check` finds what was left behind.
        self.observations.remove(video)

    def put_records(self, records: Iterable[Record]) -> None:
        """Insert records, or replace those with the same id."""
        with self.transaction():
            self._thumbs.suspect(self._records.put(records))

    def delete_records(
        self,
        video: str,
        *,
        maker_prefix: str | None = None,
        level: Names = None,
        span: Span | None = None,
        ids: Sequence[str] | None = None,
    ) -> int:
        """Delete a video's records that start in `span`, with their words and vectors."""
        with self.transaction():
            deleted, thumbs = self._records.delete(
                self._ordinals(video) or [],
                maker_prefix=maker_prefix,
                level=level,
                span=span,
                ids=ids,
            )
            self._thumbs.suspect(thumbs)
        return deleted

    def records(
        self,
        *,
        video: Names = None,
        level: Names = None,
        channel: Names = None,
        span: Span | None = None,
        ids: Sequence[str] | None = None,
        as_of: Seconds | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Record]:
        """Return the records that match and overlap `span`, by video, start and id."""
        return self._records.read(
            ordinals=self._ordinals(video),
            level=level,
            channel=channel,
            span=span,
            ids=ids,
            as_of=as_of,
            limit=limit,
            newest_first=newest_first,
        )

    def record(self, name: str, *, as_of: Seconds | None = None) -> Record:
        """Return one record.

        Raises:
            NoSuchMoment: there is none with this id, or none was known by then.
        """
        found = self._records.read(ordinals=None, ids=[name], as_of=as_of)
        if not found:
            raise NoSuchMoment(
                f"the library holds no record {name!r}", fix="take ids from search or timeline"
            )
        return found[0]

    def children(
        self, video: str, parents: Sequence[str], *, level: Names = None, span: Span | None = None
    ) -> list[Record]:
        """Return a video's records that were made from any of these, and overlap `span`."""
        return self._records.children(self._ordinals(video) or [], parents, level, span)

    def count(
        self,
        *,
        video: Names = None,
        level: Names = None,
        channel: Names = None,
        span: Span | None = None,
        as_of: Seconds | None = None,
    ) -> int:
        """Count the records that match."""
        return self._records.count(
            ordinals=self._ordinals(video), level=level, channel=channel, span=span, as_of=as_of
        )

    def search_words(
        self,
        terms: Sequence[str],
        *,
        k: int,
        video: Names = None,
        span: Span | None = None,
        level: Names = None,
        channel: Names = None,
        as_of: Seconds | None = None,
    ) -> list[tuple[Record, float]]:
        """Return the `k` records that hold the terms best, higher scores first."""
        with self.database.snapshot():
            found = self._words.search(
                terms,
                k=k,
                ordinals=self._ordinals(video),
                span=span,
                level=level,
                channel=channel,
                as_of=as_of,
            )
            records = self._records.numbered([number for number, _ in found], as_of)
        pairs = [(records[number], score) for number, score in found]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0].id))

    def document_frequency(self, term: str, as_of: Seconds | None = None) -> tuple[int, int]:
        """Return (records that hold the term, records with words), of those known by a time."""
        return self._words.frequency(term, as_of)

    def put_vectors(self, rows: Iterable[VectorRow]) -> None:
        """Keep vectors of records that are here, or replace those of the same facet."""
        self._vectors.put(rows)

    def delete_vectors(self, records: Sequence[str]) -> int:
        """Delete the vectors of records that stay; return how many there were."""
        named = "n IN (SELECT r.n FROM records r, json_each(?) j WHERE r.id = j.value)"
        told = (json.dumps(list(records)),)
        with self.transaction():
            row = self.database.one(f"SELECT count(*) FROM vectors WHERE {named}", told)
            self.database.run(f"DELETE FROM vectors WHERE {named}", told)
        return int(row[0]) if row else 0

    def vectors(
        self,
        level: Level,
        facet: Facet,
        *,
        video: Names = None,
        span: Span | None = None,
        as_of: Seconds | None = None,
        channel: str | None = None,
    ) -> tuple[list[str], list[Span], Floats]:
        """Return record ids, their spans and the matrix of their vectors, in order of time."""
        with self.database.snapshot():
            return self._vectors.read(
                self._vectors.keys(level, facet, channel),
                ordinals=self._ordinals(video),
                span=span,
                as_of=as_of,
            )

    def search_vectors(
        self,
        level: Level,
        facet: Facet,
        query: Floats,
        *,
        k: int,
        video: Names = None,
        span: Span | None = None,
        as_of: Seconds | None = None,
        channel: str | None = None,
    ) -> list[tuple[str, float]]:
        """Return (record id, inner product) of the `k` nearest vectors, ties by id."""
        with self.database.snapshot():
            return self._vectors.search(
                self._vectors.keys(level, facet, channel),
                query,
                k=k,
                ordinals=self._ordinals(video),
                span=span,
                as_of=as_of,
            )

    def facets(self, level: Level, channel: str) -> list[Facet]:
        """Return the facets of which a level and channel have vectors."""
        return self._vectors.facets(level, channel)

    def index_keys(self) -> list[str]:
        """Return the keys of the vector indexes, ``level.channel.facet``."""
        return [row[0] for row in self.database.rows("SELECT key FROM indexes ORDER BY key")]

    def save_indexes(self) -> None:
        """Write FAISS files, so that the next process need not build them; `close` does it too."""
        self._vectors.save()

    def put_thumbs(self, thumbs: Iterable[Thumb]) -> None:
        """Keep thumbnails."""
        self._thumbs.put(thumbs)

    def thumb(self, name: str) -> bytes:
        """Return a thumbnail's JPEG bytes."""
        return self._thumbs.get(name)

    def set_progress(self, video: str, pass_: str, progress: Progress) -> None:
        """Note how far a pass has come."""
        with self.transaction():
            ordinal = self._videos.get(video).ordinal
            self.database.run(
                "INSERT OR REPLACE INTO progress (ordinal, pass, done, finished, carry) "
                "VALUES (?, ?, ?, ?, ?)",
                (ordinal, pass_, progress.done, progress.finished, progress.carry),
            )

    def progress(self, video: str, pass_: str) -> Progress | None:
        """Return how far a pass has come, or None where it has not begun."""
        row = self.database.one(
            "SELECT done, finished, carry FROM progress WHERE pass = ? "
            "AND ordinal = (SELECT ordinal FROM videos WHERE id = ?)",
            (pass_, video),
        )
        return None if row is None else Progress(row[0], bool(row[1]), bytes(row[2]))

    def cache_get(self, key: str) -> bytes | None:
        """Return what was kept under `key`, or None."""
        return self._cache.get(key)

    def cache_put(self, key: str, value: bytes) -> None:
        """Keep bytes under `key`; readers may do so too."""
        self._cache.put(key, value)

    def _ordinals(self, video: Names) -> list[int] | None:
        return self._videos.ordinals(video)
