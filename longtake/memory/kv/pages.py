"""Exact attention over pages of keys and values of which one is in memory at a time.

Each page gives a part of the softmax; parts are joined by their log-sum-exp, so the result is that
of attention over everything at once (blockwise attention, S18), whatever the pages' order or size.

Shapes: Hq / Hkv query / key heads, q queries, n tokens of a page, D head size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from longtake.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Keys [Hkv, n, D], rotated to their places, and values of one layer.

    `bias` [n], or [q, n] to narrow by query, is added to the scores: log sizes; -inf hides.
    """

    keys: Tensor
    values: Tensor
    bias: Tensor | None = None


def paged_attention(
    query: Tensor, pages: Iterable[Page], *, scaling: float | None = None
) -> Tensor:
    """Attend from rotated queries [Hq, q, D] to all pages; return [Hq, q, D].

    A page is let go before the next is asked for. Computed in float32 at least.

    Args:
        query: rotated queries.
        pages: keys and values, one page after another.
        scaling: of the scores; None: 1 / √D.

    Raises:
        UsageError: there are no pages, or some query may see nothing at all.
    """
    import torch

    wide = query.to(torch.promote_types(query.dtype, torch.float32))
    made = _Sum(wide * (query.shape[-1] ** -0.5 if scaling is None else scaling))
    source = iter(pages)
    while made.take(source):
        pass
    return made.result().reshape(query.shape).to(query.dtype)


class _Sum:
    """Attention so far: highest score, sum of weights, and weighted values relative to it."""

    def __init__(self, query: Tensor) -> None:
        self._query = query[:, None]  # Until a page tells how many queries share a key head.
        self._top, self._weight, self._value = (
            query.new_full((), float("-inf")), query.new_zeros(()), query.new_zeros(())
        )  # fmt: skip

    def take(self, source: Iterator[Page]) -> bool:
        """Read the next page, which only this call holds; tell whether there was one."""
        import torch

        page = next(source, None)
        if page is None:
            return False
        rows = self._query.shape[-2:]
        self._query = query = self._query.reshape(page.keys.shape[0], -1, *rows)
        scores = query @ page.keys.to(query)[:, None].transpose(-1, -2)
        if page.bias is not None:
            scores = scores + page.bias.to(query)
        top = torch.maximum(self._top, scores.amax(dim=-1, keepdim=True))
        # Where all is hidden so far the top is -inf, and differences of it are not numbers.
        level = top.masked_fill(top.isinf(), 0.0)
        before, now = (self._top - level).exp(), (scores - level).exp()
        self._weight = self._weight * before + now.sum(dim=-1, keepdim=True)
        self._value = self._value * before + now @ page.values.to(query)[:, None]
        self._top = top
        return True

    def result(self) -> Tensor:
        if not bool((self._weight > 0).all()):
            raise UsageError("attention over pages has nothing to read for some query")
        return self._value / self._weight
