"""Sentence vectors by all-MiniLM-L6-v2, read from a folder of weights.

Mean of the last hidden states over the tokens that are there, then unit length; 256 tokens at
most (Reimers & Gurevych, "Sentence-BERT", EMNLP 2019). The network is `longtake.models.bert`.
Texts run in order of length, so a batch holds little padding, and batches are cut by tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from longtake.models.bert import Bert
from longtake.models.protocols import Vectors
from longtake.models.quiet import settle, torch_threads

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
        order = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
        vectors = np.zeros((len(ids), self.dim), np.float32)
        for batch in _batches(order, ids):
            vectors[batch] = self._run([ids[i] for i in batch])
        return vectors

    def _run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        import torch

        width = max(len(row) for row in rows)
        tokens = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.bool)
        for i, row in enumerate(rows):
            tokens[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = True
        with torch.inference_mode():
            hidden = self._network(tokens, mask)
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weights).sum(1) / weights.sum(1)
            return np.asarray(torch.nn.functional.normalize(mean, dim=1).numpy(), np.float32)


def _batches(order: Sequence[int], ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Cut indices, shortest text first, into batches of a bounded number of padded tokens."""
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * len(ids[i]) <= _TOKENS_A_BATCH:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
