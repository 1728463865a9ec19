"""The tool `recall_kv`: ask what a model read, and where it read it.

Every attempt comes with the blocks that were read, their times and the records they were made of.
The text is what a small model said after reading them: a hint of where to look, never evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from longtake.timecode import Seconds, Span
from longtake.tools.jsonable import rounded

if TYPE_CHECKING:
    from longtake.memory.kv.asking import Streams


@dataclass(frozen=True, slots=True)
class Read:
    """A block that was read: its span, its share of attention, and its records."""

    block: int
    span: Span
    p: float
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """One reading: the blocks, best first, what was said, and how sure that is, 0 to 1."""

    blocks: tuple[Read, ...]
    text: str
    confidence: float
    accepted: bool

    def to_json(self) -> dict[str, Any]:
        """The attempt as JSON values."""
        blocks = [
            {"block": one.block, "start": rounded(one.span.start), "end": rounded(one.span.end),
             "p": rounded(one.p), "refs": list(one.refs)}
            for one in self.blocks
        ]  # fmt: skip
        return {"blocks": blocks, "text": self.text, "confidence": rounded(self.confidence),
                "accepted": self.accepted}  # fmt: skip


def recall_kv(
    streams: Streams, question: str, video: str, *, spans: Sequence[Span] | None = None,
    k: int | None = None, as_of: Seconds | None = None,
) -> list[Tried]:  # fmt: skip
    """Return every attempt in order; the last one is accepted, or none is.

    Raises:
        KVError: the video has no key–value memory that this model can read.
    """
    where = [(one.start, one.end) for one in spans] if spans is not None else None
    told = streams.recall(question, video, k=k or "auto", spans=where, as_of=as_of)
    return [
        Tried(
            tuple(
                Read(block, Span(*times), p, told.refs[block])
                for block, times, p in zip(one.blocks, one.times, one.p, strict=True)
            ),
            one.text, one.confidence, one.accepted,
        )
        for one in told.attempts
    ]  # fmt: skip
