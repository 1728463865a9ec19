"""Tokens that become one: who belongs together, and the means of those that do.

The mathematics of merging, for vectors of any kind: tokens of pictures before they are read, and
keys and values of blocks. All means are weighted by mass, so merging what was merged gives the
mean of the first tokens (AIM, S50; the released code of which forgets earlier sizes).

Shapes: n tokens, d width, G groups.
"""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ROUND = 8
"""At most one of so many tokens is merged in a round: with half of them, as is common, every other
token is merged whether there is one like it or not."""
_ROWS = 1024


def wide(x: Tensor) -> torch.dtype:
    """The type in which sums of these numbers are made."""
    import torch

    return torch.float64 if x.dtype == torch.float64 else torch.float32


def members(group: Tensor) -> tuple[Tensor, Tensor]:
    """Number groups by their first members.

    Args:
        group: int64 [n], any labels.

    Returns:
        the group of each token [n], from 0, and the first member of each group [G], rising.
    """
    import torch

    found, member = torch.unique(group, return_inverse=True)
    n = len(group)
    first = torch.full((len(found),), n).scatter_reduce_(0, member, torch.arange(n), "amin")
    order = first.argsort()
    where = torch.empty_like(order)
    where[order] = torch.arange(len(order))
    return where[member], first[order]


def means(x: Tensor, member: Tensor, mass: Tensor, *, dim: int = 0) -> Tensor:
    """Mass-weighted means of the members of each group along `dim`, in the type of x.

    Args:
        member: int64 [n], the group of each.
        mass: [n], how much each counts.
    """
    import torch

    groups = int(member.max()) + 1
    sizes = torch.zeros(groups, dtype=torch.float64).index_add_(0, member, mass.double())
    share = (mass.double() / sizes[member]).to(x.device, wide(x))
    share = share.reshape([-1 if axis == dim else 1 for axis in range(x.ndim)])
    shape = [groups if axis == dim else size for axis, size in enumerate(x.shape)]
    empty = torch.zeros(shape, dtype=wide(x), device=x.device)
    return empty.index_add_(dim, member.to(x.device), x.to(wide(x)) * share).to(x.dtype)


def paired(unit: Tensor, kind: Tensor, most: int) -> Tensor:
    """One round of merging: the most alike pairs of every other token and one of the rest.

    Args:
        unit: [n, d] whose products say how alike two tokens are.
        kind: [n]; tokens of different kinds are never merged.
        most: pairs at most.

    Returns:
        int64 [n]: the token that each one is merged into, itself where it is not.
    """
    import torch

    n = len(unit)
    even, odd = torch.arange(0, n, 2), torch.arange(1, n, 2)
    target = torch.arange(n)
    if not len(odd):
        return target
    best, into = [], []
    for at in range(0, len(even), _ROWS):
        rows = even[at : at + _ROWS]
        alike = (unit[rows] @ unit[odd].T).cpu()
        alike.masked_fill_(kind[rows][:, None] != kind[odd][None, :], float("-inf"))
        top = alike.max(dim=1)
        best.append(top.values)
        into.append(top.indices)
    score, where = torch.cat(best), torch.cat(into)
    order = score.sort(descending=True, stable=True).indices[: min(most, max(1, n // ROUND))]
    order = order[score[order].isfinite()]
    target[even[order]] = odd[where[order]]
    return target


def cells(rows: int, columns: int, k: int) -> Tensor:
    """Cut a grid into exactly k compact cells; return the cell of each place [rows · columns].

    The cells are bands of rows, cut into stretches of columns; k is at least 1, and with as many
    cells as places, each place is one.
    """
    import torch

    k = max(1, min(k, rows * columns))
    bands = min(rows, k, max(ceil(k / columns), round(sqrt(k * rows / columns))))
    made = torch.empty(rows, columns, dtype=torch.int64)
    at = 0
    for band in range(bands):
        top, end = band * rows // bands, (band + 1) * rows // bands
        parts = (band + 1) * k // bands - band * k // bands
        made[top:end] = at + torch.arange(columns) * parts // columns
        at += parts
    return made.flatten()
