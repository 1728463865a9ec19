"""The window of a stream: what its chunks read, rotated once and kept so from chunk to chunk.

Attention depends on differences of places only, so when the oldest blocks leave, what stays can
stay as it is, at places that run on. The sink, which comes first wherever the window begins, is
put right before it again, and so are blocks that outlive younger ones. Only once the window has
moved far is all of it placed anew from 0, so places stay small however long the stream is.

Contract: what `reading` returns is, up to one shift common to all places, what `assemble` makes of
the same sink and blocks, and so are scores: in float64 to 1e-9. Where things stand depends on the
stream and on `next` alone, so a window that goes on from there makes the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from longtake.models.kv.held import Held, assemble

if TYPE_CHECKING:
    from longtake.models.kv.tap import Pass, RopeTap
    from longtake.storage.kv.block import Block


class Window:
    """The sink and blocks that the next pass of a stream reads.

    Args:
        tap: turns keys to their places.
        sink: comes first; None: there is none.
        far: the place at which a window may begin; beyond it all is placed anew from 0.
        next: the first free place after what is read first; None: it begins at 0.
    """

    def __init__(
        self, tap: RopeTap, sink: Block | None, far: int, *, next: int | None = None
    ) -> None:
        self._tap, self._sink, self._far = tap, sink, far
        self._held: Held | None = None
        self._lying: list[int] = []
        self.next = next

    def reading(self, blocks: Sequence[Block], places: int) -> Held | None:
        """Return what a pass reads; None where there is nothing.

        Args:
            blocks: whole, oldest first, the one that is still open last: any of those of the last
                call, and behind them what was made since.
            places: how many places the pass takes.
        """
        every = [*([self._sink] if self._sink is not None else []), *blocks]
        if not every:
            self._held, self._lying = None, []
            return None
        total = sum(block.extent for block in every)
        first = 0 if self.next is None else self.next - total
        limit = self._tap.limit
        if first > self._far or (limit is not None and first + total + places > limit):
            self._held, first = None, 0
        self._held = self._placed(blocks, first)
        self._lying = [block.id for block in blocks]
        self.next = self._held.next
        return self._held

    def read(self, made: Pass) -> None:
        """Keep what a pass read and made."""
        self._held, self.next = made.held, made.held.next

    def _placed(self, blocks: Sequence[Block], first: int) -> Held:
        """What stands where it did is taken from there, what comes before it is placed anew."""
        import torch

        ids = [block.id for block in blocks]
        if self._held is None:
            return assemble(self._tap, self._sink, blocks, start=first)
        if ids[: len(self._lying)] == self._lying:
            return self._held
        known = [one for one in self._lying if one in set(ids)]
        same = _same_end(known, self._lying)
        front, rest = blocks[: len(known) - same], blocks[len(known) - same :]
        n = sum(block.n for block in rest)
        if not n:
            return assemble(self._tap, self._sink, blocks, start=first)
        keys, values = ([one[:, :, -n:] for one in some]
                        for some in (self._held.keys, self._held.values))  # fmt: skip
        if self._sink is not None or front:
            before = assemble(self._tap, self._sink, front, start=first)
            keys = [torch.cat(pair, dim=2) for pair in zip(before.keys, keys, strict=True)]
            values = [torch.cat(pair, dim=2) for pair in zip(before.values, values, strict=True)]
        return Held(keys, values, self._held.bias, self._held.next)


def _same_end(some: Sequence[int], others: Sequence[int]) -> int:
    """How many of the last are the same in both."""
    n = 0
    for one, other in zip(reversed(some), reversed(others), strict=False):
        if one != other:
            break
        n += 1
    return n
