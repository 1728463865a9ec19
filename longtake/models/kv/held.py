"""What attention reads beside the new tokens: keys put at their places, and values.

Blocks are kept without position, so where they stand is decided each time they are read. `layout`
gives places: one block after the other from 0, each as long as its own positions reach; with
three axes the origin of a block is the same on all of them (as the models' own rotary index does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from longtake.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.tap import RopeTap
    from longtake.storage.kv.block import Block

Policy = Literal["contiguous", "gapped", "one_angle"]
GAP = 64
"""Positions left free by `gapped` where blocks were apart in the stream."""


@dataclass(slots=True, eq=False)
class Held:
    """The read context of one forward pass; layers may hold different numbers of tokens.

    Attributes:
        keys: for each layer [1, Hkv, m_l, D], rotated to their places.
        values: for each layer [1, Hkv, m_l, D].
        bias: for each layer [m_l], log of how many tokens each key stands for; None: one each.
        next: the first free position.
    """

    keys: list[Tensor]
    values: list[Tensor]
    bias: list[Tensor | None]
    next: int


def layout(blocks: Sequence[Block], start: int = 0, *, policy: Policy = "contiguous") -> Tensor:
    """Return where the tokens of blocks stand, [A, n of all].

    Args:
        start: the first free position.
        policy: ``contiguous``: one after the other; ``gapped``: with `GAP` free positions where
            blocks were apart in the stream; ``one_angle``: all at one position (InfLLM).
    """
    import torch

    made: list[Tensor] = []
    origin = start
    for n, block in enumerate(blocks):
        if policy == "one_angle":
            made.append(torch.full_like(block.places, start))
            continue
        if policy == "gapped" and n and block.id != blocks[n - 1].id + 1:
            origin += GAP
        made.append(block.places + origin)
        origin += block.extent
    return torch.cat(made, dim=1)


def assemble(
    tap: RopeTap,
    sink: Block | None,
    blocks: Sequence[Block],
    *,
    policy: Policy = "contiguous",
    start: int = 0,
) -> Held:
    """Put the sink and blocks into one context, in the order of the stream.

    Args:
        tap: turns keys to their places.
        sink: comes first.
        blocks: in any order.
        policy: where blocks are placed, see `layout`.
        start: the first place.

    Raises:
        UsageError: nothing is given, or a block is given twice.
    """
    import torch

    ids = [block.id for block in blocks]
    if len(set(ids)) < len(ids):
        raise UsageError("a block of the key-value memory was given twice")
    ordered = sorted(blocks, key=lambda block: block.id)
    every = [*([sink] if sink is not None else []), *ordered]
    if not every:
        raise UsageError("a context needs a sink or a block")
    pieces = [layout([sink], start)] if sink is not None else []
    first = start if sink is None else start + sink.extent
    pieces += [layout(ordered, first, policy=policy)] if ordered else []
    positions = torch.cat(pieces, dim=1)
    keys = tap.rotate(torch.cat([block.keys for block in every], dim=2), positions)
    values = torch.cat([block.values for block in every], dim=2)
    bias = _bias(every)
    return Held(
        [one[None] for one in keys],
        [one[None] for one in values],
        [bias] * keys.shape[0],
        int(positions.max()) + 1,
    )


def _bias(blocks: Sequence[Block]) -> Tensor | None:
    """Log sizes of all tokens, None where each stands for itself."""
    import torch

    if all(block.sizes is None for block in blocks):
        return None
    rows = [torch.ones(block.n) if block.sizes is None else block.sizes for block in blocks]
    return torch.cat(rows).log()
