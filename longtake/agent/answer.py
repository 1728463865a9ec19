"""An answer with its proofs, as callers see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from longtake.memory.moments import Searched
from longtake.timecode import Seconds
from longtake.tools.jsonable import rounded

Status: TypeAlias = Literal[
    "answered", "not_in_video", "not_seen_yet", "insufficient", "ambiguous", "unsupported"
]
"""How a question ended:

answered       the evidence supports the text
not_in_video   everything remembered was searched, and it is not there
not_seen_yet   not there so far; the rest has not been watched
insufficient   something bears on it, too weakly to answer
ambiguous      the question can be meant in several ways; the text asks back
unsupported    the question asks for something this program does not do
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof: raw words of one record, and exactly where they are."""

    video: str
    start: Seconds
    end: Seconds
    source: str
    quote: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values, times in seconds."""
        return {
            "video": self.video,
            "start": rounded(self.start),
            "end": rounded(self.end),
            "source": self.source,
            "quote": self.quote,
            "score": rounded(self.score),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, how surely, and what it rests on.

    `value` is a number where a number was asked for: a count, or a duration in seconds.
    `evidence` is strongest first. `cost` counts the work (searches, records read, inspections,
    frames, model calls); it holds no clock time, so the same question gives the same JSON.
    `trace` lists the steps, with what was looked at and rejected. `forced`: the budget or the
    person ended the search before it was done, so that this is the best so far.
    """

    text: str
    status: Status
    confidence: float
    value: float | None = None
    evidence: tuple[Evidence, ...] = ()
    searched: tuple[Searched, ...] = ()
    thread: str = ""
    cost: dict[str, int] = field(default_factory=dict)
    trace: tuple[dict[str, Any], ...] = ()
    choice: int | None = None
    forced: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract of `ask --json`."""
        value = self.value
        if value is not None:
            value = int(value) if float(value).is_integer() else rounded(value)
        return {
            "text": self.text,
            "status": self.status,
            "confidence": rounded(self.confidence),
            "value": value,
            "evidence": [one.to_dict() for one in self.evidence],
            "searched": [
                {"start": rounded(s.start), "end": rounded(s.end), "level": s.level}
                for s in self.searched
            ],
            "thread": self.thread,
            "cost": dict(self.cost),
            "forced": self.forced,
        }
