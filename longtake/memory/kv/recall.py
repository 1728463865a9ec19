"""Read as little as answers: one block first, then two, four, eight, then their neighbours.

More blocks are not better: what looks like the fact misleads a small reader. So the best block is
read alone, and the next step is taken only when the answer is not sure: its words are unlikely, or
no block stands out. Every attempt is returned with its blocks, times and confidence, for an agent
to go back to; of a fact that is not in the stream, all attempts keep a low confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from longtake.errors import UsageError
from longtake.memory.kv.heads import Profile
from longtake.memory.kv.mass import Hit, Spans

if TYPE_CHECKING:
    from longtake.memory.kv.mass import Ranker
    from longtake.memory.kv.session import Said, Session

LADDER = (1, 2, 4, 8)
"""How many blocks are read, one attempt after another."""
ENOUGH = 0.5
"""An answer of this confidence is accepted: it is more likely right than not."""
CLEAR = 3.0
"""A block that stands out so many times is clear; more tells nothing of what is read from it."""
FLOOR = 0.01
"""Added to shares of attention that are compared: next to nothing is not told from nothing."""
_UNMEASURED = 0.4


@dataclass(frozen=True, slots=True)
class Attempt:
    """One reading: what was read and how sure its answer is.

    Attributes:
        blocks: ids, best first; neighbours after all others.
        times: the span of each in seconds.
        scores: what each was found with; 0 for neighbours.
        p: the mean mass of each over heads, 0 to 1.
        text: the answer.
        logprob: mean log-probability of its tokens.
        margin: how many times the score of the next block the last that stands out has.
        confidence: 0 to 1.
        accepted: whether it is to be believed.
    """

    blocks: tuple[int, ...]
    times: tuple[tuple[float, float], ...]
    scores: tuple[float, ...]
    p: tuple[float, ...]
    text: str
    logprob: float
    margin: float
    confidence: float
    accepted: bool


class Recall:
    """Answers questions from the blocks that an index finds.

    Args:
        session: reads the stream.
        index: finds blocks.
        profile: tells from when on an answer is accepted.
        times: block id → span, of every block of the stream.
    """

    def __init__(
        self,
        session: Session,
        index: Ranker,
        profile: Profile,
        times: Mapping[int, tuple[float, float]],
    ) -> None:
        self.session = session
        self.index = index
        self.profile = profile
        self.times = times

    def recall(
        self,
        question: str,
        k: int | Literal["auto"] = "auto",
        spans: Spans | None = None,
        *,
        max_tokens: int = 24,
        enough: Callable[[Attempt], bool] | None = None,
    ) -> list[Attempt]:
        """Return all attempts in order; the last one is accepted, or none is.

        Args:
            question: what is asked.
            k: how many blocks are read, in one attempt; ``auto``: as few as it takes.
            spans: only blocks that touch one of these, in seconds.
            max_tokens: the longest answer.
            enough: decides in place of the profile whether an attempt is accepted.

        Raises:
            UsageError: k is not positive.
        """
        if k != "auto" and k < 1:
            raise UsageError("at least one block must be read")
        session = self.session.fork()
        queries = session.queries(question, self.index.layers)
        hits = self.index.search(queries, (LADDER[-1] if k == "auto" else k) + 1, spans)
        made: list[Attempt] = []
        for some, near in self._steps(hits, k, spans):
            said = session.ask(question, [*(one.block for one in some), *near],
                               max_tokens=max_tokens)  # fmt: skip
            attempt = self._attempt(some, near, margin(hits, len(some)), said)
            if enough is not None and enough(attempt) != attempt.accepted:
                attempt = _judged(attempt, not attempt.accepted)
            made.append(attempt)
            if attempt.accepted:
                break
        return made

    def _steps(
        self, hits: Sequence[Hit], k: int | Literal["auto"], spans: Spans | None
    ) -> list[tuple[Sequence[Hit], tuple[int, ...]]]:
        """Hits and neighbours of each attempt, nothing read twice."""
        if not hits:
            return []
        if k != "auto":
            return [(hits[:k], ())]
        sizes = dict.fromkeys(min(size, len(hits)) for size in LADDER)
        steps: list[tuple[Sequence[Hit], tuple[int, ...]]] = [(hits[:n], ()) for n in sizes]
        few = hits[:2]
        near = {one.block + step for one in few for step in (-1, 1)} - {one.block for one in few}
        there = tuple(sorted(one for one in near if self._may(one, spans)))
        return [*steps, (few, there)] if there else steps

    def _may(self, block: int, spans: Spans | None) -> bool:
        if block not in self.times:
            return False
        start, end = self.times[block]
        return spans is None or any(start < b and a < end for a, b in spans)

    def _attempt(
        self, hits: Sequence[Hit], near: Sequence[int], stands_out: float, said: Said
    ) -> Attempt:
        ids = (*(one.block for one in hits), *near)
        rest = (0.0,) * len(near)
        sure = confidence(said.logprob, stands_out, len(ids), self.profile) if said.text else 0.0
        return Attempt(
            ids, tuple(self.times[one] for one in ids),
            (*(one.score for one in hits), *rest), (*(one.p for one in hits), *rest),
            said.text, said.logprob, stands_out, sure, sure >= ENOUGH,
        )  # fmt: skip


def chosen(attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt to believe most: the accepted one, else the surest, the earlier one on a tie."""
    accepted = [one for one in attempts if one.accepted]
    if accepted:
        return accepted[0]
    return max(attempts, key=lambda one: one.confidence, default=None)


def margin(hits: Sequence[Hit], k: int) -> float:
    """How clearly the first blocks stand out: the largest step down within or after the first k.

    A question about two facts has its step after the second block, one about one after the first.
    """
    steps = [
        (hits[n].p + FLOOR) / (hits[n + 1].p + FLOOR)
        for n in range(min(k, len(hits) - 1))
    ]  # fmt: skip
    return max(steps, default=1.0)


def confidence(logprob: float, stands_out: float, blocks: int, profile: Profile) -> float:
    """How likely an answer is right, 0 to 1, as `calibrate` measured it for the model.

    It rises with the mean log-probability of the answer's tokens and with how clearly its blocks
    stand out, and falls with how many were read. Without a measurement it stays below `ENOUGH`.
    """
    if profile.sure is None:
        return _UNMEASURED * math.exp(min(0.0, logprob))
    base, words, place, read = profile.sure
    z = base + words * logprob + place * clearness(stands_out) + read * math.log(blocks)
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, z))))


def clearness(stands_out: float) -> float:
    """The log of how many times a block stands out, from 0 to that of `CLEAR`."""
    return math.log(min(max(stands_out, 1.0), CLEAR))


def _judged(attempt: Attempt, accepted: bool) -> Attempt:
    return replace(attempt, accepted=accepted)
