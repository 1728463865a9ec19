"""What a thread worked out about the library, as long as nobody changes it.

One question makes a search ask the same of the word index several times: how many rows hold a term,
and which rows hold the terms best, once for each channel. A memo belongs to one thread and to one
state of the database: a commit of another process, another thread or this one empties it, and
inside a transaction nothing is kept, because that may be undone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from longtake.storage.database import Database

KEPT = 200
"""Answers kept; more than that and all are forgotten."""

Answer = TypeVar("Answer")


class Memo:
    """Answers by question, for the current state of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._local = threading.local()

    def get(self, question: Hashable, work_out: Callable[[], Answer]) -> Answer:
        """Return the answer to `question`, worked out now unless it is known."""
        if self._database.in_transaction:
            return work_out()
        with self._database.snapshot():
            state = self._state()
            kept: dict[Hashable, Any] = getattr(self._local, "kept", {})
            if getattr(self._local, "state", None) != state or len(kept) >= KEPT:
                kept = {}
            self._local.state, self._local.kept = state, kept
            if question not in kept:
                kept[question] = work_out()
            answer: Answer = kept[question]
            return answer

    def _state(self) -> tuple[int, int]:
        # The first counts commits of other connections, the second changes by this one.
        (version,) = self._database.one("PRAGMA data_version") or (0,)
        return version, self._database.connection.total_changes
