"""Which layers must read how far back for an answer: cut attention and see what changes (S26).

A stream is encoded block by block and a question is read after it. In each cell of a grid, the
layers of a range are kept from reading blocks whose distance lies in a range, while everything
else goes on as before. Cells that change nothing show attention that need not be paid for.

Distance is counted in blocks, a block's neighbour being at 1; the question is one block more.
Hiding is by `Held.bias` of -inf, which is exact and differs from layer to layer (`visible` of the
tap is the same in all of them). The share of edges (pairs of a token and one it reads, over all
layers, within blocks too) is counted exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from longtake.models.kv.held import Held, assemble
from longtake.storage.kv.block import Block

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.tap import RopeTap


@dataclass(frozen=True, slots=True)
class Cell:
    """Layers and distances that are cut, each from the first to before the second."""

    layers: tuple[int, int]
    distances: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Loss:
    """What a cut did: share of edges cut, KL of the next word in nats, and if it is the same."""

    cell: Cell
    edges: float
    change: float
    same: bool


def knock_out(
    tap: RopeTap, blocks: Sequence[Tensor], question: Tensor, cells: Sequence[Cell]
) -> list[Loss]:
    """Return what each cut does to the word that follows the question.

    Args:
        tap: an installed tap.
        blocks: token ids of each block of the stream.
        question: token ids.
        cells: what to cut, one at a time.
    """
    import torch

    parts = [*blocks, question]
    whole = torch.log_softmax(_read(tap, parts, None), dim=-1)
    made = []
    for cell in cells:
        cut = torch.log_softmax(_read(tap, parts, cell), dim=-1)
        change = float((whole.exp() * (whole - cut)).sum())
        sizes = [len(part) for part in parts]
        share = _edges(sizes, cell) / (tap.layers * _pairs(sum(sizes)))
        made.append(Loss(cell, share, change, bool(whole.argmax() == cut.argmax())))
    return made


def _read(tap: RopeTap, parts: Sequence[Tensor], cell: Cell | None) -> Tensor:
    """Scores of the word after the last part, each part reading those before it."""
    import torch

    made: list[Block] = []
    scores = torch.empty(0)
    for number, ids in enumerate(parts):
        held = assemble(tap, None, made) if made else None
        if held is not None and cell is not None:
            held = _hidden(held, [block.n for block in made], cell)
        line = torch.arange(len(ids), dtype=torch.int32)[None].expand(tap.axes, -1)
        out = tap.run(ids, positions=line + (held.next if held is not None else 0), held=held)
        made.append(Block(number, 0.0, 0.0, out.keys, out.values, line, ids.long()))
        scores = tap.logits(out.hidden[:, -1:])[0, -1]
    return scores.double()


def _hidden(held: Held, sizes: Sequence[int], cell: Cell) -> Held:
    """Hide blocks at the cell's distances from the next one in the cell's layers."""
    import torch

    away = torch.arange(len(sizes), 0, -1).repeat_interleave(torch.tensor(sizes))
    first, after = cell.distances
    row = torch.zeros(len(away), dtype=held.keys[0].dtype)
    row[(away >= first) & (away < after)] = float("-inf")
    bias = [row if cell.layers[0] <= layer < cell.layers[1] else None
            for layer in range(len(held.keys))]  # fmt: skip
    return Held(held.keys, held.values, bias, held.next)


def _edges(sizes: Sequence[int], cell: Cell) -> int:
    first, after = cell.distances
    pairs = sum(
        sizes[later] * sizes[earlier]
        for later in range(len(sizes))
        for earlier in range(later)
        if first <= later - earlier < after
    )
    return (cell.layers[1] - cell.layers[0]) * pairs


def _pairs(n: int) -> int:
    return n * (n + 1) // 2
