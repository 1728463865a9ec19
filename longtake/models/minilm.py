"""Sentence vectors by all-MiniLM-L6-v2, read from a folder of weights.

Mean of the last hidden states over the tokens that are there, then unit length; 256 tokens at
most (Reimers & Gurevych, "Sentence-BERT", EMNLP 2019). The network is `longtake.models.bert`.
Texts run in order of length, so a batch holds little padding, and batches are cut by tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from longtake.models.bert import Bert
from longtake.models.protocols import Vectors, WordVectors
from longtake.models.quiet import settle, torch_threads

if TYPE_CHECKING:
    import torch

_TOKENS_A_BATCH = 4096


class MiniLM:
    """`TextEncoder` over a folder with config.json, tokenizer.json and model.safetensors."""

    def __init__(self, folder: Path, name: str, *, threads: int = 0, max_tokens: int = 256) -> None:
        settle()
        from tokenizers import Tokenizer

        torch_threads(threads)
        self._network = Bert(folder)
        self.name = name
        self.dim = self._network.size
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors [len(texts), dim]."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(ids), self.dim), np.float32)
        for batch, hidden, mask in self._hidden(ids):
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            vectors[batch] = _unit((hidden * weights).sum(1) / weights.sum(1))
        return vectors

    def words(self, texts: Sequence[str]) -> list[WordVectors]:
        """Return the word pieces of each text with the hidden states that stand for them.

        Marks that begin and end a text are left out.
        """
        found = self._tokenizer.encode_batch(list(texts))
        made = [WordVectors((), np.zeros((0, self.dim), np.float32))] * len(found)
        for batch, hidden, _ in self._hidden([encoding.ids for encoding in found]):
            for row, place in enumerate(batch):
                spans = found[place].offsets
                kept = [n for n, (start, end) in enumerate(spans) if end > start]
                made[place] = WordVectors(tuple(spans[n] for n in kept), _unit(hidden[row, kept]))
        return made

    def _hidden(
        self, ids: Sequence[Sequence[int]]
    ) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
        """Yield batches: places in `ids`, their last hidden states, and which of them count."""
        import torch

        order = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
        for batch in _batches(order, ids):
            width = max(len(ids[i]) for i in batch)
            tokens = torch.zeros((len(batch), width), dtype=torch.long)
            mask = torch.zeros((len(batch), width), dtype=torch.bool)
            for row, i in enumerate(batch):
                tokens[row, : len(ids[i])] = torch.tensor(ids[i])
                mask[row, : len(ids[i])] = True
            with torch.inference_mode():
                yield batch, self._network(tokens, mask), mask


def _unit(rows: torch.Tensor) -> Vectors:
    from torch.nn import functional as f

    return np.asarray(f.normalize(rows, dim=1).numpy(), np.float32)


def _batches(order: Sequence[int], ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Cut indices, shortest text first, into batches of a bounded number of padded tokens."""
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * len(ids[i]) <= _TOKENS_A_BATCH:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
