"""A block: a short stretch of a stream as keys and values of the model that read it.

Keys are kept as they are before rotary positions are applied, so that a block can be put at any
place of a later context (ReKV, S3). One block has the same tokens in every layer; a strategy that
keeps fewer per layer says so by `sizes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Keys and values of n tokens in L layers with H key heads of D numbers.

    Attributes:
        id: its place in the stream: 0, 1, 2 …
        start: seconds; the span is half-open.
        end: seconds.
        keys: [L, H, n, D], not rotated, in the model's own dtype.
        values: [L, H, n, D].
        places: int32 [A, n], positions inside the block from 0; A is 1, or 3 for time, row, column.
        tokens: int64 [n], token ids; -1 for tokens of a picture.
        sizes: float32 [n], how many tokens each one stands for; None: one each.
        refs: ids of the records that it was made of.
    """

    id: int
    start: float
    end: float
    keys: Tensor
    values: Tensor
    places: Tensor
    tokens: Tensor
    sizes: Tensor | None = None
    refs: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """How many tokens it holds."""
        return int(self.tokens.shape[0])

    @property
    def extent(self) -> int:
        """How many places it takes on the axis on which it reaches farthest."""
        return int(self.places.max()) + 1
