"""Streams of planted keys: in the chosen heads one token of a block answers one query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from longtake.memory.kv.heads import Profile
from longtake.storage.kv.block import Block

LAYERS, KV_HEADS, HEADS, DIM, SIZE = 3, 2, 4, 64, 16
PROFILE = Profile("planted", "planted", ((0, 1), (2, 3)), HEADS // KV_HEADS, measured=True)
_HOME = ((0, 0), (2, 1))  # The key heads that the profile's query heads read.


@dataclass(frozen=True)
class Planted:
    """Blocks of noise around what each channel always holds; of each, `needles` tokens are one
    direction of its own, which only its question looks for."""

    count: int
    golds: list[int]
    needles: int
    strength: float
    topic: float = 0.0  # How much all tokens of a block have in common.

    def mark(self, one: int) -> Tensor:
        made = torch.randn(DIM, generator=torch.Generator().manual_seed(10_000 + one))
        return made / made.norm()

    def blocks(self) -> Iterator[Block]:
        for n in range(self.count):
            maker = torch.Generator().manual_seed(n)
            keys = torch.randn(LAYERS, KV_HEADS, SIZE, DIM, generator=maker)
            keys += self.topic * torch.randn(LAYERS, KV_HEADS, 1, DIM, generator=maker)
            at = torch.randperm(SIZE, generator=maker)[: self.needles]
            for layer, head in _HOME:
                keys[layer, head, at] = self.mark(n) * self.strength
            yield Block(
                n, float(n), n + 1.0, keys, keys, torch.arange(SIZE, dtype=torch.int32)[None],
                torch.full((SIZE,), n),
            )  # fmt: skip

    def query(self, gold: int, tokens: int = 5) -> dict[int, Tensor]:
        """Queries of a question, of whose words one looks for the needle."""
        maker = torch.Generator().manual_seed(50_000 + gold)
        made = {n: torch.randn(HEADS, tokens, DIM, generator=maker) for n in range(LAYERS)}
        for layer, head in PROFILE.heads:
            made[layer][head, 2] = self.mark(gold) * 20
        return made


def planted(count: int, *, needles: int = 1, strength: float = 8.0, golds: int = 20) -> Planted:
    step = count // golds
    return Planted(count, [step // 2 + n * step for n in range(golds)], needles, strength)


def rotated(block: Block) -> Block:
    """The same block with keys turned to where they stood in the stream."""
    half = DIM // 2
    angle = (block.id * SIZE + torch.arange(SIZE))[:, None] / 10_000 ** (torch.arange(half) / half)
    cos, sin = angle.cos(), angle.sin()
    one, two = block.keys[..., :half], block.keys[..., half:]
    keys = torch.cat((one * cos - two * sin, two * cos + one * sin), dim=-1)
    return Block(block.id, block.start, block.end, keys, block.values, block.places, block.tokens)
