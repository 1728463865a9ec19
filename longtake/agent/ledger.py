"""What a question may cost, and what it has cost: debited before the work is done.

The budgets are starting values from what published systems spend on a question (VideoLucy: up to
13 model calls and 55 looks; Deep Video Discovery: 15 model calls). A node that wants to work asks
`spend` first; when it says no, the best answer so far is given and says that it was cut short.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one question may cost; `wall` is in seconds."""

    llm: int
    scored: int
    inspections: int
    frames: int
    rewrites: int
    wall: float
    prompt: int = 1200
    """Tokens of the longest prompt, about."""


TINY = Budget(llm=2, scored=60, inspections=3, frames=120, rewrites=1, wall=30.0)
CHAT = Budget(llm=8, scored=80, inspections=6, frames=240, rewrites=2, wall=60.0)
THOROUGH = Budget(llm=24, scored=300, inspections=24, frames=960, rewrites=4, wall=240.0)
BUDGETS = {"tiny": TINY, "chat": CHAT, "thorough": THOROUGH}


class Ledger:
    """One question's account; parts of a question share it, and may spend at the same time."""

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget = budget
        self.exhausted: list[str] = []
        self._limits = {k: int(v) for k, v in asdict(budget).items() if k not in ("wall", "prompt")}
        self._spent = dict.fromkeys(self._limits, 0)
        self._clock = clock
        self._ends = clock() + budget.wall
        self._lock = Lock()

    def spend(self, kind: str, n: int = 1) -> bool:
        """Debit `n` of a kind; False, and nothing debited, when that is more than is left."""
        if n < 1:
            raise ValueError(f"nothing is spent by {n} {kind}")
        with self._lock:
            if self._spent[kind] + n > self._limits[kind]:
                self._note(kind)
                return False
            self._spent[kind] += n
            return True

    def left(self, kind: str) -> int:
        """How much of a kind may still be spent."""
        with self._lock:
            return self._limits[kind] - self._spent[kind]

    def out_of_time(self) -> bool:
        """Whether the wall time is over."""
        over = self._clock() >= self._ends
        if over:
            with self._lock:
                self._note("wall")
        return over

    @property
    def spent(self) -> dict[str, int]:
        """What was spent of each kind; no times, so that the same work reads the same."""
        with self._lock:
            return dict(self._spent)

    def _note(self, kind: str) -> None:
        if kind not in self.exhausted:
            self.exhausted.append(kind)
