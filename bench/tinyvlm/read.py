"""Read a world with the model: frames through the adapter into blocks, questions through a session.

A frame is a block. `Told` holds one encoded world; blocks that were compressed, packed or taken
away are read by giving `session` another way to get them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.tinyvlm.model import LOOK, TOKENS, WORDING, tokenizer
from bench.tinyvlm.worlds import FRAMES, SECONDS, Moment, Question, film
from longtake.memory.kv.session import Session, ids_of
from longtake.models.kv.adapters import Reader, adapter_for
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.storage.kv.block import Block

if TYPE_CHECKING:
    from longtake.models.kv.tap import RopeTap

REACH = 16
"""Frames that a frame sees before it while a stream is encoded."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """An encoded world: its moments, all its blocks, and those of the window at its end."""

    tap: RopeTap
    moments: tuple[Moment, ...]
    blocks: tuple[Block, ...]
    recent: tuple[Block, ...]

    def session(self, read: Callable[[Sequence[int]], Sequence[Block]] | None = None) -> Session:
        """Return what asks; `read` gets blocks by id in another way."""
        return Session.over(
            self.tap, tokenizer(), read or (lambda ids: [self.blocks[one] for one in ids]),
            wording=WORDING, recent=self.recent,
        )  # fmt: skip


def encoded(
    tap: RopeTap, moments: Sequence[Moment], *, reach: int = REACH,
    shown: Callable[[int], bool] | None = None,
) -> Told:  # fmt: skip
    """Encode a world as a stream.

    Args:
        tap: an installed tap of the model.
        reach: frames that a frame sees before it; 0: each is encoded alone.
        shown: whether frame n is there; None: all are. Blocks are numbered without those left out.
    """
    eyes: Any = adapter_for(tap.model, None, LOOK)
    sink = ids_of(tokenizer(), WORDING.before)
    encoder = StreamEncoder(tap, sink, window=max(1, reach) * TOKENS)
    reader = Reader(eyes, SECONDS)
    frames = film(moments)
    made: list[Block] = []
    for n, frame in enumerate(frames):
        if shown is not None and not shown(n):
            continue
        for unit in reader.feed([frame], [n * SECONDS]):
            if not reach:
                encoder = _anew(tap, sink, len(made))
            made += encoder.feed(Unit(unit.start, unit.end, embeds=unit.embeds, places=unit.places,
                                      refs=(str(n // FRAMES),)))  # fmt: skip
    return Told(tap, tuple(moments), tuple(made), tuple(encoder.recent))


def _anew(tap: RopeTap, sink: Any, blocks: int) -> StreamEncoder:
    """An encoder that has seen nothing and numbers its next block."""
    encoder = StreamEncoder(tap, sink, window=TOKENS)
    encoder.blocks = blocks
    return encoder


def gold(question: Question) -> list[int]:
    """The blocks of the moment that a question is about."""
    return [question.moment * FRAMES + n for n in range(FRAMES)]


def right(session: Session, question: Question, blocks: Sequence[int]) -> bool:
    """Whether a question is answered right from these blocks."""
    return session.ask(question.text, blocks, max_tokens=2).text == question.answer
