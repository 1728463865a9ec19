"""Make a ghost again: read its words once more, after those that came before them.

Of a ghost the token ids and index keys are left, so nothing but the model is needed to compute its
keys and values again. A block that is read alone is useless to whoever asks: what its keys and
values mean was decided by what stood before. So the tokens before it are read first, as many as
`CONTEXT`; where the blocks before it are still there (a damaged block among sound ones), those are
held as they are stored and only the ghost itself is read.

Contract: what is made depends on the stream on disk alone, not on what was asked before. Where the
context reaches back to the start of the stream and the window never left anything out, it is what
the encoder made, to rounding; else it is near, as a window of another length would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from longtake.models.kv.held import assemble
from longtake.storage.kv.block import Block

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.tap import RopeTap
    from longtake.storage.kv.manifest import BlockRow
    from longtake.storage.kv.segments import Segments

CONTEXT = 64
"""Tokens that are read before a ghost. More bring it nearer to what the encoder made (1,024: 23 of
25 answers word for word, against 16) and take ten times as long, but answered no more: 19 of 25
questions, as stored blocks did, against 22."""


class Ghosts:
    """Makes blocks of one stream again; what `Tiers` asks to rebuild.

    Args:
        tap: an entered tap of the model that read the stream.
        sink: the prompt before the stream.
        memory: the stream; its rows are taken as they are now.
        context: how many tokens are read before a ghost; 0 reads it alone.
    """

    def __init__(
        self, tap: RopeTap, sink: Block, memory: Segments, *, context: int = CONTEXT
    ) -> None:
        self._tap, self._sink, self._memory = tap, sink, memory
        self._rows = memory.rows()
        self._at = {row.id: n for n, row in enumerate(self._rows)}
        self.context = context

    def __call__(self, row: BlockRow) -> Block:
        """Return the block with keys [L, Hkv, n, D] and values made anew.

        Raises:
            KVMissing: the tokens are gone, too.
            KVDamaged: they cannot be read.
        """
        import torch

        before = self._before(row)
        own = self._tokens([row])
        if before and not any(one.ghost for one in before):
            held, read = self._memory.get([one.id for one in before]), own
        else:
            held, read = [], self._tokens([*before, row])[-(self.context + row.n) :]
        given = assemble(self._tap, self._sink, held) if held or self._sink.n else None
        first = given.next if given is not None else 0
        places = torch.arange(first, first + len(read), dtype=torch.int32)[None]
        made = self._tap.run(read, positions=places.expand(self._tap.axes, -1), held=given)
        inside = torch.arange(row.n, dtype=torch.int32)[None].expand(self._tap.axes, -1)
        return Block(
            row.id, row.start, row.end, made.keys[:, :, -row.n :].contiguous(),
            made.values[:, :, -row.n :].contiguous(), inside.contiguous(), own, refs=row.refs,
        )  # fmt: skip

    def _before(self, row: BlockRow) -> list[BlockRow]:
        """The blocks before this one that hold at least `context` tokens, or all there are."""
        at = self._at[row.id]
        first, held = at, 0
        while first > 0 and held < self.context:
            first -= 1
            held += self._rows[first].n
        return self._rows[first:at]

    def _tokens(self, rows: Sequence[BlockRow]) -> Tensor:
        import torch

        return torch.cat(self._memory.tokens([row.id for row in rows]))
