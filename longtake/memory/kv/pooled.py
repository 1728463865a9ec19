"""Read in two levels: dense where it matters, pooled everywhere else, in the order of time.

A question about one moment needs that moment's own tokens; a question about the whole needs
something of every moment. Dense blocks for what is relevant, and for the first and the last, with
every other block pooled, answer both (Video-XL-2, S55). A pooled token stands for several, so its
score gets log of that number (`Block.sizes`, read as `Held.bias`): without it the pooled rest of a
stream weighs too little and dense blocks outvote it.

Keys are pooled before rotation, here or when they were stored; text between pictures is not pooled
(see `compress.pooled`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from longtake.errors import UsageError
from longtake.memory.kv.compress import Compress, strategy
from longtake.storage.kv.block import Block

POOL = strategy("pooled", keep=0.25)


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading takes: tokens read, and tokens there were."""

    read: int
    whole: int

    @property
    def share(self) -> float:
        """Tokens read of all."""
        return self.read / self.whole


def bilevel(
    blocks: Sequence[Block], relevant: Collection[int], *, pool: Compress = POOL
) -> list[Block]:
    """Return all blocks in the order of time: relevant ones, first and last as they are.

    Args:
        blocks: dense, in any order.
        relevant: ids of blocks to read whole; each must be there.
        pool: what is done to the others.
    """
    ordered = sorted(blocks, key=lambda block: block.id)
    known = {block.id for block in ordered}
    if len(known) < len(ordered):
        raise UsageError("a block of the key-value memory was given twice")
    if missing := sorted(set(relevant) - known):
        raise UsageError(f"blocks {missing} are to be read whole but were not given")
    if not ordered:
        return []
    dense = {*relevant, ordered[0].id, ordered[-1].id}
    return [block if block.id in dense else pool(block) for block in ordered]


def cost(made: Sequence[Block], blocks: Sequence[Block]) -> Cost:
    """What reading `made` takes of reading `blocks` whole."""
    return Cost(sum(one.n for one in made), sum(one.n for one in blocks))
