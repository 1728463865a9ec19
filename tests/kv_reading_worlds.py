"""Made-up keys and values in which it is known what a reader needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from longtake.storage.kv.block import Block

Parts = tuple[Tensor, Tensor, Tensor | None]


def made(
    keys: Tensor, values: Tensor | None = None, *, number: int = 0, places: Tensor | None = None,
    words: bool = False, sizes: Tensor | None = None,
) -> Block:  # fmt: skip
    """A block of one layer and head from rows [n, D]."""
    n = len(keys)
    values = keys if values is None else values
    line = torch.arange(n, dtype=torch.int32)[None] if places is None else places.to(torch.int32)
    tokens = torch.arange(n) if words else torch.full((n,), -1)
    return Block(number, 2.0 * number, 2.0 * number + 2, keys[None, None], values[None, None],
                 line, tokens, sizes, (f"r{number}",))  # fmt: skip


def rows(block: Block) -> Tensor:
    """Keys of its one layer and head [n, D]."""
    return block.keys[0, 0]


def answer(query: Tensor, blocks: Sequence[Block], *, mass: bool = True) -> Tensor:
    """What a query [D] reads in blocks of one layer and head; without `mass` sizes are ignored."""
    keys = torch.cat([rows(block) for block in blocks])
    values = torch.cat([block.values[0, 0] for block in blocks])
    scores = keys @ query / math.sqrt(len(query))
    if mass:
        scores = scores + torch.cat(
            [torch.ones(one.n) if one.sizes is None else one.sizes for one in blocks]
        ).log().to(scores)
    return scores.softmax(0) @ values


def error(found: Tensor, true: Tensor) -> float:
    """Relative to the truth's length."""
    return float((found - true).norm() / true.norm())


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


NEEDLE_BLOCK, NEEDLE_TOKEN = 20, 13


def long_film(blocks: int = 40, n: int = 32, dim: int = 32) -> tuple[list[Block], Tensor, Tensor]:
    """Blocks, a question that one token answers, and one that all answer.

    Values are two slow waves over the film, high at its ends and at the needle, so these blocks do
    not tell its mean; the needle's value is at right angles to the wave.
    """
    keys = noise(blocks, n, dim, seed=1) * 0.2
    values = noise(blocks, n, dim, seed=2) * 0.05
    values[..., 0] += 0.35
    values[..., 1] += torch.cos(torch.linspace(0, 4 * math.pi, blocks).double())[:, None]
    needle = torch.nn.functional.normalize(noise(dim, seed=3), dim=0)
    at = min(NEEDLE_BLOCK, blocks - 1), NEEDLE_TOKEN
    keys[at] = needle * 9
    values[at] = 0.0
    values[(*at, 5)] = 3.0
    film = [made(keys[b], values[b], number=b, words=True) for b in range(blocks)]
    return film, needle * 9, torch.zeros(dim, dtype=torch.float64)


def hogged(scenes: int = 8, n: int = 32, dim: int = 24, hog: int = 5) -> tuple[Block, Tensor]:
    """Scenes in one block, and the scene of each token: one of them draws all attention."""
    centres = torch.nn.functional.normalize(noise(scenes, dim, seed=4), dim=1)
    scene = torch.arange(scenes).repeat_interleave(n)
    keys = centres[scene] + noise(scenes * n, dim, seed=5) * 0.1
    # Everything looks at the hog: its keys have a share of every scene's direction, and are long.
    keys[scene == hog] = centres.sum(0) * 4 + noise(n, dim, seed=6) * 0.1
    return made(keys), scene


def event(frames: int = 12, patches: int = 6, dim: int = 16, peak: int = 7) -> Block:
    """Frames that drift a little; at the peak all is reversed, and then something else begins."""
    start, later = noise(2, patches, dim, seed=7)
    keys = noise(frames, patches, dim, seed=8) * 0.05
    keys[:peak] += start
    keys[peak] -= start
    keys[peak + 1 :] += later
    time = torch.arange(frames).repeat_interleave(patches)
    row, column = torch.arange(patches) // 3, torch.arange(patches) % 3
    places = torch.stack((time, row.repeat(frames), column.repeat(frames)))
    return made(keys.reshape(-1, dim), places=places)


def still_and_moving(frames: int = 16, patches: int = 8, dim: int = 16) -> tuple[Block, Tensor]:
    """Frames whose patches stand still but for one; True for tokens of that one."""
    still = noise(patches, dim, seed=9)
    keys = still.expand(frames, patches, dim).clone()
    keys[:, 3] = noise(frames, dim, seed=10)
    time = torch.arange(frames).repeat_interleave(patches) * 500
    places = torch.stack((time, torch.zeros_like(time), torch.arange(patches).repeat(frames)))
    moving = (torch.arange(patches) == 3).repeat(frames)
    values = torch.nn.functional.normalize(noise(frames * patches, dim, seed=11), dim=1)
    return made(keys.reshape(-1, dim), values, places=places), moving


def turned(block: Block, base: float = 10_000.0) -> Block:
    """The block with its keys rotated by their times, as the released code compares them."""
    from dataclasses import replace

    half = block.keys.shape[-1] // 2
    speed = base ** (-torch.arange(half).double() / half)
    angle = block.places[0].double()[:, None] * speed
    a, b = block.keys[..., :half], block.keys[..., half:]
    cos, sin = angle.cos(), angle.sin()
    return replace(block, keys=torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1))


def uneven(n: int = 256, dim: int = 16) -> Block:
    """Patches of one plain background and a few details, with rows, columns and times."""
    plain = n * 7 // 8
    keys = noise(1, dim, seed=12) * 2 + noise(n, dim, seed=13) * 0.01
    keys[torch.randperm(n, generator=torch.Generator().manual_seed(14))[plain:]] = noise(
        n - plain, dim, seed=15
    )
    side = int(math.sqrt(n / 4))
    line = torch.arange(n)
    places = torch.stack((line // (side * side), line // side % side, line % side))
    return made(keys, places=places)
