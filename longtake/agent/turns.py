"""Every answer of a thread, kept with the walk that led to it, so that it can be explained later.

A file `turns.sqlite` beside the threads' own: one row a turn, its question and the answer's JSON
with the trace. It is a diary and no memory: the agent never reads it, so nothing of one thread can
reach another, and that it cannot be written is no reason to fail. Write-ahead log, one short
transaction a turn; several processes may write.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longtake.agent.answer import Answer
from longtake.tools.jsonable import jsonable

FILE = "turns.sqlite"
_WAIT = 5.0
_SCHEMA = """
create table if not exists turns (
    thread text not null, turn integer not null, question text not null,
    videos text not null, answer text not null, primary key (thread, turn)
) without rowid;
create table if not exists latest (
    one integer primary key check (one = 1), thread text not null
);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """One past turn; `answer` is `Answer.to_dict()` with ``trace``."""

    thread: str
    turn: int
    question: str
    videos: list[str]
    answer: dict[str, Any]


class Turns:
    """The kept turns of a library; nothing is opened before it is used."""

    def __init__(self, library: Path) -> None:
        self.path = library / FILE

    def keep(
        self,
        thread: str,
        question: str,
        answer: Answer,
        *,
        videos: Sequence[str] = (),
        fresh: bool = False,
    ) -> int:
        """Add a turn to its thread and return its number, counted from 1; 0 when it was not kept.

        Args:
            thread: the answer's thread.
            question: as it was asked.
            answer: with its trace.
            videos: ids of the videos that were asked.
            fresh: the thread begins with this turn; what was kept under its name goes.
        """
        row = jsonable(answer.to_dict() | {"trace": list(answer.trace)})
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        try:
            with self._open(write=True) as db:
                if fresh:
                    db.execute("delete from turns where thread = ?", (thread,))
                last = db.execute("select max(turn) from turns where thread = ?", (thread,))
                turn = int(last.fetchone()[0] or 0) + 1
                ids = json.dumps(list(videos))
                db.execute(
                    "insert into turns values (?, ?, ?, ?, ?)", (thread, turn, question, ids, text)
                )
                db.execute("insert or replace into latest values (1, ?)", (thread,))
                return turn
        except (sqlite3.Error, OSError):
            return 0

    def of(self, thread: str) -> list[Kept]:
        """Every kept turn of a thread, in order."""
        return self._read("where thread = ? order by turn", (thread,))

    def get(self, thread: str, turn: int | None = None) -> Kept | None:
        """One turn of a thread, counted from 1; the last one by default."""
        kept = self.of(thread)
        if turn is None:
            return kept[-1] if kept else None
        return next((one for one in kept if one.turn == turn), None)

    def latest(self) -> str | None:
        """The thread that was spoken in last."""
        try:
            with self._open() as db:
                row = db.execute("select thread from latest").fetchone()
        except (sqlite3.Error, OSError):
            return None
        return str(row[0]) if row else None

    def threads(self) -> list[tuple[str, int, str]]:
        """Name, number of turns and last question of every thread, by name."""
        rows = self._read("order by thread, turn", ())
        found: dict[str, tuple[int, str]] = {}
        for one in rows:
            found[one.thread] = (one.turn, one.question)
        return [(name, n, question) for name, (n, question) in sorted(found.items())]

    def _read(self, where: str, values: Sequence[Any]) -> list[Kept]:
        try:
            with self._open() as db:
                rows = db.execute(
                    f"select thread, turn, question, videos, answer from turns {where}",
                    tuple(values),
                ).fetchall()
            return [Kept(r[0], r[1], r[2], json.loads(r[3]), json.loads(r[4])) for r in rows]
        except (sqlite3.Error, OSError, ValueError):
            return []

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction; a file that is missing is made only to write."""
        if not write and not self.path.is_file():
            raise FileNotFoundError(self.path)
        db = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
        try:
            if write:
                db.execute("pragma journal_mode=wal")
                db.executescript(_SCHEMA)
                db.execute("begin immediate")
            yield db
            if write:
                db.execute("commit")
        finally:
            db.close()
