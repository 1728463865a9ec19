"""Tokens of pictures with exact bookkeeping: where each one came from, and for how many it stands.

`seen` takes the tokens of pictures out of the units of an adapter; strategies make fewer of them;
`units` puts those that are left back between the words of their frames. Each token knows the
original one at whose place it stands (`number`), so its position in the model is that one's.

Contract of every strategy: order is by (frame, row, column), as it was. Evicting: what stays is
bit-equal, with its place and its size. Merging: a token is the mass-weighted mean of its members
and stands at the first of them; sizes add up to what they were. What the encoder's deeper layers
give for a token (DeepStack) goes the same way. Nothing is random that has no seed.

Bookkeeping lies on the CPU, vectors where the model is. Shapes: n tokens, d width, A axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isqrt
from typing import TYPE_CHECKING, Any

from longtake.errors import UsageError
from longtake.models.economy.groups import means, members, wide
from longtake.models.kv.adapters.family import FrameTokens

if TYPE_CHECKING:
    from torch import Tensor

_MASK, _DEEP = "visual_pos_masks", "deepstack_visual_embeds"


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Tokens of the pictures of a stretch of video.

    Attributes:
        embeds: [n, d] input vectors.
        number: int64 [n], the original token that each stands at, rising.
        time: float64 [n] seconds.
        frame: int64 [n], the picture of each; pairs of frames that are read as one are one.
        row: int64 [n].
        column: int64 [n].
        size: float64 [n], how many original tokens each stands for.
        deep: vectors [n, d] that are added in deeper layers.
        whole: how many original tokens the stretch had.
        frames: how many pictures.
        grid: rows and columns of a picture.
    """

    embeds: Tensor
    number: Tensor
    time: Tensor
    frame: Tensor
    row: Tensor
    column: Tensor
    size: Tensor
    deep: tuple[Tensor, ...]
    whole: int
    frames: int
    grid: tuple[int, int]

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.number)

    @property
    def cell(self) -> Tensor:
        """The place of each in its picture, int64 [n]."""
        return self.row * self.grid[1] + self.column

    def unit(self) -> Tensor:
        """Their directions [n, d], on the CPU."""
        import torch

        rows = self.embeds.to("cpu", wide(self.embeds))
        return torch.nn.functional.normalize(rows, dim=1)

    def chosen(self, index: Tensor) -> Tokens:
        """These tokens only, in order; all else is evicted."""
        index = index.sort().values
        there = index.to(self.embeds.device)
        return replace(
            self,
            embeds=self.embeds[there],
            deep=tuple(layer[there] for layer in self.deep),
            **{name: getattr(self, name)[index] for name in _BOOKS},
        )

    def grouped(self, group: Tensor) -> Tokens:
        """Merge tokens with the same label [n]."""
        import torch

        member, first = members(group)
        size = torch.zeros(len(first), dtype=torch.float64).index_add_(0, member, self.size)
        kept = {name: getattr(self, name)[first] for name in _BOOKS} | {"size": size}
        return replace(
            self,
            embeds=means(self.embeds, member, self.size),
            deep=tuple(means(layer, member, self.size) for layer in self.deep),
            **kept,
        )


_BOOKS = ("number", "time", "frame", "row", "column", "size")


def seen(units: Sequence[FrameTokens], first: int = 0) -> Tokens:
    """Take the tokens of pictures out of units, one picture a unit.

    Args:
        units: of one video, in order.
        first: the number of the first picture.
    """
    import torch

    if not units:
        raise UsageError("there are no frames to take tokens from")
    places = [_grid(unit) for unit in units]
    sizes = [len(rows) for rows, _ in places]
    frame = torch.arange(len(units)).repeat_interleave(torch.tensor(sizes))
    rows, columns = (torch.cat([pair[axis] for pair in places]) for axis in (0, 1))
    sight = [unit.tokens == -1 for unit in units]
    start = torch.tensor([unit.start for unit in units], dtype=torch.float64)
    deep = [unit.extras.get(_DEEP, ()) for unit in units]
    return Tokens(
        torch.cat([unit.embeds[0][mask.to(unit.embeds.device)]
                   for unit, mask in zip(units, sight, strict=True)]),
        torch.arange(sum(sizes)), start[frame], frame + first, rows, columns,
        torch.ones(sum(sizes), dtype=torch.float64),
        tuple(torch.cat(layer) for layer in zip(*deep, strict=True)),
        sum(sizes), len(units), (int(rows.max()) + 1, int(columns.max()) + 1),
    )  # fmt: skip


def units(whole: Sequence[FrameTokens], tokens: Tokens) -> list[FrameTokens]:
    """Put tokens back into the units they were taken from; where none is left, the unit goes too.

    Positions and lead stay those of the original units, so what is left stands where it stood.
    """
    made, at = [], 0
    for unit in whole:
        count = int((unit.tokens == -1).sum())
        mine = ((tokens.number >= at) & (tokens.number < at + count)).nonzero()[:, 0]
        if len(mine):
            made.append(_put(unit, tokens.chosen(mine), at))
        at += count
    return made


def sizes(made: Sequence[FrameTokens], tokens: Tokens) -> Tensor:
    """How many original tokens each token of units stands for, words one each, float64 [all]."""
    import torch

    sight = torch.cat([unit.tokens == -1 for unit in made])
    found = torch.ones(len(sight), dtype=torch.float64)
    found[sight] = tokens.size
    return found


def _put(unit: FrameTokens, mine: Tokens, at: int) -> FrameTokens:
    """One unit with these of its tokens, and all its words."""
    import torch

    sight = (unit.tokens == -1).nonzero()[:, 0]
    stand = sight[mine.number - at]
    index = torch.cat(((unit.tokens != -1).nonzero()[:, 0], stand)).sort().values
    embeds = unit.embeds.clone()
    embeds[0, stand.to(embeds.device)] = mine.embeds
    kept = unit.tokens[index]
    extras: dict[str, Any] = dict(unit.extras)
    if mine.deep:
        extras |= {_MASK: kept[None] == -1, _DEEP: list(mine.deep)}
    return replace(
        unit, embeds=embeds[:, index.to(embeds.device)], places=unit.places[:, index],
        tokens=kept, extras=extras,
    )  # fmt: skip


def _grid(unit: FrameTokens) -> tuple[Tensor, Tensor]:
    """Row and column of each token of a picture."""
    if unit.places.shape[0] == 3:
        places = unit.places[1:, unit.tokens == -1].long()
        return places[0] - places[0].min(), places[1] - places[1].min()
    return _square(int((unit.tokens == -1).sum()))


@cache
def _square(n: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of n tokens in a square; in one row where they make none."""
    import torch

    side = isqrt(n) if isqrt(n) ** 2 == n else n
    line = torch.arange(n)
    return line // side, line % side
