"""Reflect: what to do after a part has been weighed, as a table over numbers that can be read.

The decisions are those of agentic video search (VideoLucy S51, TimeSearch S49): it is enough;
ask again in other words; look closer at what seems to hold it; look elsewhere; or give up and say
so. Each number that decides stands in the trace.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Decision = Literal["done", "rewrite", "deeper", "wider", "give_up"]

SURE = 0.5
"""A found answer at least this sure is not looked at again."""
MISSING = 0.3
"""Where so much of the question is nowhere in memory, what was found may be beside the point."""
BARREN = 2
"""Looks in a row that brought nothing new, after which looking ends."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What reflection sees of the work on one part.

    `status` and `p` are the finding's, `direct` whether its best evidence comes from where the
    question asks to look; `absent` is the share of the topic's words that is nowhere;
    `coverage` the share of the scope that was read; `novelty` how many new things each look
    brought, in order; `promising` whether the next place to look at holds some of the topic.
    """

    status: str
    p: float
    direct: bool
    settled: bool
    absent: float
    coverage: float
    novelty: tuple[int, ...]
    rewrites_left: int
    looks_left: int
    frontier: int
    promising: bool
    stopped: bool

    def row(self) -> dict[str, Any]:
        """The numbers as JSON, for the trace."""
        made = asdict(self)
        return made | {"novelty": list(self.novelty), "coverage": round(self.coverage, 3),
                       "absent": round(self.absent, 3), "p": round(self.p, 3)}  # fmt: skip


def decide(seen: Seen) -> tuple[Decision, str]:
    """Return what to do next, and why in a few words."""
    if seen.settled:
        return "done", "nothing is to be searched"
    if seen.stopped:
        return "give_up", "stopped, or the budget is spent"
    found = seen.status == "found"
    direct = seen.direct and seen.absent < MISSING
    if found and seen.p >= SURE and (direct or not can_look(seen)):
        return "done", "sure enough"
    if not found and seen.absent > 0 and seen.rewrites_left > 0:
        return "rewrite", "words of the question are nowhere"
    if can_look(seen):
        fresh = bool(seen.novelty and seen.novelty[-1])
        return ("deeper" if fresh or seen.promising else "wider"), "the detail may be in the source"
    return ("done", "as sure as it gets") if found else ("give_up", "nothing left to open")


def can_look(seen: Seen) -> bool:
    """Whether looks are left, there is somewhere to look, and looking still brings something."""
    return seen.looks_left > 0 and seen.frontier > 0 and not barren(seen.novelty)


def barren(novelty: tuple[int, ...]) -> bool:
    """Whether the last looks brought nothing."""
    return len(novelty) >= BARREN and not any(novelty[-BARREN:])
