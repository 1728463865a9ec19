"""What attention reads beside the new tokens: keys already at their places, and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


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
