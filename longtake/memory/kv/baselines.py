"""Other ways to find blocks, behind the interface of `MassIndex`, to be compared with it.

============== ====================================================================================
rekv_mean      one mean key a block; dot product with the mean query (ReKV, ICLR 2025)
infllm_repr4   four keys a block for each head, the best counts (InfLLM, arXiv 2402.04617)
quest          upper bound by the box of smallest and largest keys (Quest, arXiv 2406.10774)
streamingllm   sink and the newest tokens, no search (arXiv 2309.17453)
window         the newest tokens alone
full           every block
============== ====================================================================================

They differ from the originals where the rest of this memory does: one choice of blocks serves all
layers, so scores are summed over all layers and heads. InfLLM takes the keys that received most
attention while they were in the window; here, where queries are not kept, the four that lie
furthest from the mean of their block and head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from longtake.errors import UsageError
from longtake.memory.kv.mass import Hit, Ranker, Spans, Times, best

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.storage.kv.block import Block

REPRESENTATIVES = 4


class _Pooled(ABC):
    """Blocks by what is kept of their keys [L, Hkv, r, D], r of them for each block."""

    def __init__(self, layers: int) -> None:
        self.layers: Sequence[int] = range(layers)
        self._times = Times()
        self._kept: dict[int, Tensor] = {}

    def add(self, block: Block) -> None:
        """Take the next block."""
        self._times.add(block.id, block.start, block.end)
        self._kept[block.id] = self.pool(block.keys.float())

    def search(
        self, queries: Mapping[int, Tensor], k: int, spans: Spans | None = None
    ) -> list[Hit]:
        """Return the k best blocks; scores are sums over layers and heads."""
        import torch

        ids = self._times.within(spans)
        if not ids:
            return []
        # Heads that share a key are averaged: a dot product with the key sums over them anyway.
        kv_heads = self._kept[ids[0]].shape[1]
        asked = torch.stack([
            _shared(queries[layer].float().mean(dim=1), kv_heads)
            for layer in self.layers
        ])  # fmt: skip
        kept = torch.stack([self._kept[one] for one in ids])
        scores = self.score(asked, kept).flatten(1).sum(dim=1)
        return best(ids, scores, k, kept.shape[1] * kv_heads)

    @abstractmethod
    def pool(self, keys: Tensor) -> Tensor:
        """Return what is kept [L, Hkv, r, D] of keys [L, Hkv, n, D]."""

    @abstractmethod
    def score(self, asked: Tensor, kept: Tensor) -> Tensor:
        """Score [B, L, Hkv] mean queries [L, Hkv, D] with what is kept [B, L, Hkv, r, D]."""


class RekvMean(_Pooled):
    """One mean key."""

    def pool(self, keys: Tensor) -> Tensor:
        """The mean key."""
        return keys.mean(dim=2, keepdim=True)

    def score(self, asked: Tensor, kept: Tensor) -> Tensor:
        """Dot product."""
        return (kept[..., 0, :] * asked).sum(dim=-1)


class InfllmRepr4(_Pooled):
    """Four keys that stand for a block."""

    def pool(self, keys: Tensor) -> Tensor:
        """The keys furthest from the mean."""
        import torch

        apart = (keys - keys.mean(dim=2, keepdim=True)).norm(dim=-1)
        r = min(REPRESENTATIVES, keys.shape[2])
        at = apart.topk(r, dim=2).indices[..., None].expand(-1, -1, -1, keys.shape[-1])
        chosen = keys.gather(2, at)
        # Blocks of fewer tokens than that repeat their last one, which changes no maximum.
        more = chosen[:, :, -1:].expand(-1, -1, REPRESENTATIVES - r, -1)
        return torch.cat((chosen, more), dim=2)

    def score(self, asked: Tensor, kept: Tensor) -> Tensor:
        """The best of the four."""
        best_of: Tensor = (kept * asked[..., None, :]).sum(dim=-1).amax(dim=-1)
        return best_of


class Quest(_Pooled):
    """The box that holds all keys of a block."""

    def pool(self, keys: Tensor) -> Tensor:
        """Smallest and largest number of each channel."""
        import torch

        return torch.stack((keys.amin(dim=2), keys.amax(dim=2)), dim=2)

    def score(self, asked: Tensor, kept: Tensor) -> Tensor:
        """The largest dot product that a key in the box could have."""
        return (kept * asked[..., None, :]).amax(dim=-2).sum(dim=-1)


def _shared(query: Tensor, kv_heads: int) -> Tensor:
    """Average [Hq, D] over the query heads that share a key head: [Hkv, D]."""
    return query.reshape(kv_heads, -1, query.shape[-1]).mean(dim=1)


class Newest:
    """The newest tokens, whatever is asked; None: all. `sink`: read with the stream's prompt."""

    def __init__(self, tokens: int | None, *, sink: bool = True) -> None:
        self.layers: Sequence[int] = ()
        self.sink = sink
        self._most = tokens
        self._times = Times()
        self._sizes: dict[int, int] = {}

    def add(self, block: Block) -> None:
        """Take the next block."""
        self._times.add(block.id, block.start, block.end)
        self._sizes[block.id] = block.n

    def search(
        self, queries: Mapping[int, Tensor], k: int, spans: Spans | None = None
    ) -> list[Hit]:
        """Return every block that is within the newest tokens, newest first; k does not matter."""
        found: list[Hit] = []
        held = 0
        for one in reversed(self._times.within(spans)):
            held += self._sizes[one]
            if self._most is not None and held > self._most:
                break
            found.append(Hit(one, 0.0, 0.0))
        return found


BASELINES: dict[str, Callable[[int, int], Ranker]] = {
    "rekv_mean": lambda layers, window: RekvMean(layers),
    "infllm_repr4": lambda layers, window: InfllmRepr4(layers),
    "quest": lambda layers, window: Quest(layers),
    "streamingllm": lambda layers, window: Newest(window),
    "window": lambda layers, window: Newest(window, sink=False),
    "full": lambda layers, window: Newest(None),
}
"""Name → what makes it, given the number of layers and the tokens of the window."""


def baseline(name: str, *, layers: int, window: int = 1024) -> Ranker:
    """Make a baseline by its name.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in BASELINES:
        raise UsageError(f"there is no baseline {name!r}", fix=f"one of: {', '.join(BASELINES)}")
    return BASELINES[name](layers, window)
