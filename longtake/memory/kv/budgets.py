"""Contexts whose layers hold different tokens: a budget of its own for each layer (S12).

`Held` keeps a list per layer, and attention reads each as long as it is, so a strategy may keep
much in the layers that use a stream and little in the others. Bytes are the sum over layers, to
the byte. With all tokens kept the context is bit-equal to the uniform one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from longtake.errors import UsageError
from longtake.models.kv.held import Held, Policy, assemble

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.tap import RopeTap
    from longtake.storage.kv.block import Block


def budgeted(
    tap: RopeTap,
    sink: Block | None,
    blocks: Sequence[Block],
    kept: Sequence[Tensor],
    *,
    policy: Policy = "contiguous",
) -> Held:
    """Assemble blocks and keep in each layer only the tokens that are marked for it.

    Places are those of the uniform context, so what stays stands where it stood; the sink stays
    whole in every layer. (`RopeTap.run` takes no `visible` for layers of different lengths.)

    Args:
        tap: of the model that made the blocks.
        sink: the prompt before the stream.
        blocks: in any order; they are read in the order of the stream.
        kept: for each layer bool [n of all blocks], in the order of the stream.
        policy: where blocks are placed.
    """
    import torch

    n = sum(block.n for block in blocks)
    if len(kept) != tap.layers or any(mark.shape != (n,) for mark in kept):
        raise UsageError(
            f"marks of {len(kept)} layers of {[mark.numel() for mark in kept]} tokens were given, "
            f"not of {tap.layers} layers of {n} tokens"
        )
    whole = assemble(tap, sink, blocks, policy=policy)
    always = torch.ones(0 if sink is None else sink.n, dtype=torch.bool)
    index = [torch.cat((always, mark.to(torch.bool))).nonzero()[:, 0] for mark in kept]
    return Held(
        [keys.index_select(2, at) for keys, at in zip(whole.keys, index, strict=True)],
        [values.index_select(2, at) for values, at in zip(whole.values, index, strict=True)],
        [None if bias is None else bias.index_select(0, at)
         for bias, at in zip(whole.bias, index, strict=True)],
        whole.next,
    )  # fmt: skip


def held_bytes(held: Held) -> int:
    """Bytes of keys and values, summed over layers."""
    return sum(
        one.numel() * one.element_size()
        for keys, values in zip(held.keys, held.values, strict=True)
        for one in (keys, values)
    )
