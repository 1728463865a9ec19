"""What second looks saw, kept beside the library so that whoever asks may write it.

A question opens the library for reading while an ingest may be its writer, so observations have a
file of their own, ``observations.sqlite``: WAL, one short transaction for each look, no lock. It
is made by the first look. Every question-conditioned look is written back and found by later
questions (VideoLucy's memory that deepens as it is asked, S51).

Contract: an observation is known once its span has passed, and no read `as_of` an earlier time
returns it. What was kept first stays. A dispute says that an observation contradicts a record; the
record itself is never changed. A file that is damaged, or may not be written, costs only reuse:
asking goes on, with what this process saw kept in memory, and ``db check`` tells of it.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from longtake.errors import StoreError
from longtake.storage.database import Database, Row
from longtake.storage.rows import clean
from longtake.timecode import Seconds, Span

_TABLES = (
    """CREATE TABLE IF NOT EXISTS observations (
        n INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        video TEXT NOT NULL,
        start REAL NOT NULL,
        end REAL NOT NULL,
        known_at REAL NOT NULL,
        rung TEXT NOT NULL,
        fps REAL NOT NULL,
        crops TEXT NOT NULL,
        boxes TEXT NOT NULL,
        question TEXT NOT NULL,
        asked TEXT NOT NULL,
        models TEXT NOT NULL,
        frames INTEGER NOT NULL,
        seen TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS observations_by_place ON observations(video, start)",
    """CREATE TABLE IF NOT EXISTS disputes (
        record TEXT NOT NULL,
        observation TEXT NOT NULL,
        video TEXT NOT NULL,
        start REAL NOT NULL,
        end REAL NOT NULL,
        known_at REAL NOT NULL,
        asked TEXT NOT NULL,
        kind TEXT NOT NULL,
        was TEXT NOT NULL,
        now TEXT NOT NULL,
        PRIMARY KEY (record, observation, was)
    ) WITHOUT ROWID""",
)
_COLUMNS = (
    "id, video, start, end, known_at, rung, fps, crops, boxes, question, asked, models, frames, "
    "seen"
)
_DISPUTED = "record, observation, video, start, end, known_at, asked, kind, was, now"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at one span saw, and how it looked.

    `crops` is ``whole``, ``quarters`` or ``grid``, `boxes` the parts that were looked at (none
    means chosen by the look). `question` is what the look was for, `asked` the whole question of
    the person; `models` maps kinds to names. `seen` holds ``lines``, ``tags``, ``caption``,
    ``changes``, ``unread`` and ``size`` as JSON.
    """

    video: str
    span: Span
    rung: str
    fps: float
    crops: str
    boxes: tuple[tuple[float, ...], ...] = ()
    question: str = ""
    asked: str = ""
    models: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    seen: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def known_at(self) -> Seconds:
        """When all of the span had been shown."""
        return self.span.end


@dataclass(frozen=True, slots=True)
class Dispute:
    """A record that a finer look contradicts: it holds `was`, the look saw `now`.

    `kind` is ``text`` or ``sight``; `span` is where the look saw it.
    """

    record: str
    observation: str
    video: str
    span: Span
    known_at: Seconds
    asked: str
    kind: str
    was: str
    now: str


def observation_id(one: Observation) -> str:
    """Name an observation by all that its outcome depends on; names sort by video and time."""
    told = [round(one.fps, 3), one.crops, [list(box) for box in one.boxes], one.rung]
    told += [sorted(one.models.items()), one.question if one.seen.get("caption") else ""]
    mark = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:10]
    start, end = round(one.span.start * 1000), round(one.span.end * 1000)
    return f"obs:{one.video}:{start:011d}:{end:011d}:{mark}"


class Observations:
    """The observations and disputes of one library."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: StoreError | None = None
        self._database: Database | None = None
        self._lock = threading.Lock()
        self._here: dict[str, Observation] = {}
        self._contested: dict[tuple[str, str, str], Dispute] = {}

    def put(self, one: Observation) -> Observation:
        """Keep an observation; one with this id stays as it was. Returns what is kept."""
        named = replace(one, id=observation_id(one))
        row = (
            named.id, named.video, named.span.start, named.span.end, named.known_at, named.rung,
            named.fps, named.crops, _json([list(box) for box in named.boxes]),
            clean(named.question), clean(named.asked), _json(named.models), named.frames,
            _json(named.seen),
        )  # fmt: skip
        marks = ", ".join("?" * len(row))
        sql = f"INSERT OR IGNORE INTO observations ({_COLUMNS}) VALUES ({marks})"
        if not self._written(sql, [row]):
            self._here.setdefault(named.id, named)
        return self.get(named.id) or named

    def contest(self, disputes: Iterable[Dispute]) -> None:
        """Note that records are contradicted."""
        noted = list(disputes)
        rows = [
            (d.record, d.observation, d.video, d.span.start, d.span.end, d.known_at,
             clean(d.asked), d.kind, clean(d.was), clean(d.now))
            for d in noted
        ]  # fmt: skip
        marks = ", ".join("?" * 10)
        sql = f"INSERT OR IGNORE INTO disputes ({_DISPUTED}) VALUES ({marks})"
        if rows and not self._written(sql, rows):
            for d in noted:
                self._contested.setdefault((d.record, d.observation, d.was), d)

    def get(self, name: str) -> Observation | None:
        """Return the observation with this id."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM observations WHERE id = ?", (name,))
        return _observation(rows[0]) if rows else self._here.get(name)

    def read(
        self,
        videos: Sequence[str],
        *,
        span: Span | None = None,
        as_of: Seconds | None = None,
        but: str | None = None,
    ) -> list[Observation]:
        """Return the observations of some videos by video as given, start and id.

        Args:
            videos: their ids.
            span: only those that overlap it.
            as_of: only those whose span had passed by then.
            but: leave out what was first seen for this question.
        """
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM observations WHERE video IN (SELECT value FROM json_each(?)) "
            "AND known_at <= ? AND asked IS NOT ? ORDER BY start, id",
            (json.dumps(list(videos)), 1e300 if as_of is None else as_of, but),
        )
        found = [_observation(row) for row in rows]
        here = [o for o in self._here.values() if o.video in videos and _may(o, as_of, but)]
        order = {video: n for n, video in enumerate(videos)}
        every = {o.id: o for o in [*here, *found]}.values()
        kept = [o for o in every if span is None or o.span.overlap(span) > 0]
        return sorted(kept, key=lambda o: (order[o.video], o.span.start, o.id))

    def disputes(
        self, videos: Sequence[str], *, as_of: Seconds | None = None, but: str | None = None
    ) -> list[Dispute]:
        """Return what is contradicted in some videos, by start and record."""
        rows = self._rows(
            f"SELECT {_DISPUTED} FROM disputes WHERE video IN (SELECT value FROM json_each(?)) "
            "AND known_at <= ? AND asked IS NOT ?",
            (json.dumps(list(videos)), 1e300 if as_of is None else as_of, but),
        )
        here = [d for d in self._contested.values() if d.video in videos and _may(d, as_of, but)]
        every = [*(_dispute(row) for row in rows), *here]
        return sorted(every, key=lambda d: (d.span.start, d.record, d.observation, d.was))

    def state(self) -> tuple[int, int, int, int]:
        """Numbers that change whenever something is kept or removed."""
        rows = self._rows("SELECT count(*), ifnull(max(n), 0) FROM observations")
        kept, last = rows[0] if rows else (0, 0)
        contested = self._rows("SELECT count(*) FROM disputes")
        here = len(self._here) + len(self._contested)
        return int(kept), int(last), int(contested[0][0]) if contested else 0, here

    def remove(self, video: str) -> None:
        """Forget what was seen of a video."""
        self._here = {k: o for k, o in self._here.items() if o.video != video}
        self._contested = {k: d for k, d in self._contested.items() if d.video != video}
        if self.path.exists():
            self._written("DELETE FROM observations WHERE video = ?", [(video,)])
            self._written("DELETE FROM disputes WHERE video = ?", [(video,)])

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    # -- the file --------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Say what is wrong with the file itself."""
        if not self.path.exists():
            return []
        try:
            rows = self._open().rows("PRAGMA integrity_check(5)")
        except StoreError as error:
            return [error.message]
        return [row[0] for row in rows if row[0] != "ok"]

    def set_aside(self) -> None:
        """Put a damaged file out of the way; what it held can be seen again in the sources."""
        self.close()
        for tail in ("-wal", "-shm"):
            Path(f"{self.path}{tail}").unlink(missing_ok=True)
        self.path.replace(self.path.with_name(self.path.name + ".damaged"))
        self.trouble = None

    def strays(self, videos: Sequence[str], records: Iterable[str]) -> tuple[int, int]:
        """Count observations of videos, and disputes of records, that are not here."""
        known, named = json.dumps(list(videos)), json.dumps(list(records))
        lost = self._rows(f"SELECT count(*) FROM observations {_STRAY}", (known,))
        void = self._rows(f"SELECT count(*) FROM disputes {_VOID}", (known, named))
        return (int(lost[0][0]) if lost else 0), (int(void[0][0]) if void else 0)

    def drop_strays(self, videos: Sequence[str], records: Iterable[str]) -> None:
        """Remove what `strays` counts."""
        known, named = json.dumps(list(videos)), json.dumps(list(records))
        self._written(f"DELETE FROM observations {_STRAY}", [(known,)])
        self._written(f"DELETE FROM disputes {_VOID}", [(known, named)])

    def _rows(self, sql: str, args: Sequence[Any] = ()) -> list[Row]:
        if self._database is None and not self.path.exists():
            return []
        try:
            return self._open().rows(sql, args)
        except StoreError as error:
            self.trouble = error
            return []

    def _written(self, sql: str, rows: Sequence[Sequence[Any]]) -> bool:
        try:
            self._open().run_many(sql, rows)
        except (StoreError, OSError) as error:
            self.trouble = error if isinstance(error, StoreError) else None
            return False
        return True

    def _open(self) -> Database:
        with self._lock:
            if self._database is None:
                database = Database(self.path, write=True)
                try:
                    self._prepare(database)
                except BaseException:
                    database.close()
                    raise
                self._database = database
            return self._database

    @staticmethod
    def _prepare(database: Database) -> None:
        # Asked first: whoever only reads need not wait for one who writes.
        if not database.one("SELECT 1 FROM sqlite_master WHERE name = 'disputes'"):
            with database.transaction():
                for statement in _TABLES:
                    database.run(statement)


_STRAY = "WHERE video NOT IN (SELECT value FROM json_each(?))"
_VOID = (
    "WHERE video NOT IN (SELECT value FROM json_each(?)) "
    "OR record NOT IN (SELECT value FROM json_each(?)) "
    "OR observation NOT IN (SELECT id FROM observations)"
)


def _may(one: Observation | Dispute, as_of: Seconds | None, but: str | None) -> bool:
    return (as_of is None or one.known_at <= as_of) and (but is None or one.asked != but)


def _observation(row: Row) -> Observation:
    name, video, start, end, _, rung, fps, crops, boxes, question, asked, models, frames, seen = row
    return Observation(
        video=video, span=Span(start, end), rung=rung, fps=fps, crops=crops,
        boxes=tuple(tuple(box) for box in json.loads(boxes)), question=question, asked=asked,
        models=json.loads(models), frames=frames, seen=json.loads(seen), id=name,
    )  # fmt: skip


def _dispute(row: Row) -> Dispute:
    record, observation, video, start, end, known_at, asked, kind, was, now = row
    return Dispute(record, observation, video, Span(start, end), known_at, asked, kind, was, now)


def _json(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True))
