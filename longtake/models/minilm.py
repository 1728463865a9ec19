"""Sentence vectors by all-MiniLM-L6-v2, read from a folder of weights.

A BERT encoder (Devlin et al., NAACL 2019) written out here, because a search should not wait
seconds for a large library to load: mean of the last hidden states over the tokens that are
there, then unit length (Reimers & Gurevych, "Sentence-BERT", EMNLP 2019); 256 tokens at most.
Texts run in order of length, so a batch holds little padding, and batches are cut by tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from longtake.models.protocols import Vectors
from longtake.models.quiet import settle, torch_threads

_TOKENS_A_BATCH = 4096


class MiniLM:
    """`TextEncoder` over a folder with config.json, tokenizer.json and model.safetensors."""

    def __init__(self, folder: Path, name: str, *, threads: int = 0, max_tokens: int = 256) -> None:
        settle()
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        torch_threads(threads)
        config = json.loads((folder / "config.json").read_text("utf-8"))
        self.name = name
        self.dim = int(config["hidden_size"])
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config["layer_norm_eps"])
        self._weights: dict[str, Any] = load_file(folder / "model.safetensors")
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
            hidden = self._hidden(tokens, mask)
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weights).sum(1) / weights.sum(1)
            return np.asarray(torch.nn.functional.normalize(mean, dim=1).numpy(), np.float32)

    def _hidden(self, tokens: Any, mask: Any) -> Any:
        """The last hidden states [texts, tokens, dim]."""
        weights = self._weights
        x = weights["embeddings.word_embeddings.weight"][tokens]
        x = x + weights["embeddings.position_embeddings.weight"][: tokens.shape[1]]
        x = x + weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(self._layers):
            x = self._layer(x, mask, f"encoder.layer.{layer}")
        return x

    def _layer(self, x: Any, mask: Any, name: str) -> Any:
        import torch

        count, width, dim = x.shape

        def heads(part: str) -> Any:
            projected = self._linear(x, f"{name}.attention.self.{part}")
            return projected.view(count, width, self._heads, -1).transpose(1, 2)

        attended = torch.nn.functional.scaled_dot_product_attention(
            heads("query"), heads("key"), heads("value"), attn_mask=mask[:, None, None, :]
        )
        y = attended.transpose(1, 2).reshape(count, width, dim)
        x = self._norm(
            x + self._linear(y, f"{name}.attention.output.dense"),
            f"{name}.attention.output.LayerNorm",
        )
        y = torch.nn.functional.gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(x + self._linear(y, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: Any, name: str) -> Any:
        import torch

        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return torch.nn.functional.linear(x, weight, bias)

    def _norm(self, x: Any, name: str) -> Any:
        import torch

        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, self._epsilon)


def _batches(order: Sequence[int], ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Cut indices, shortest text first, into batches of a bounded number of padded tokens."""
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * len(ids[i]) <= _TOKENS_A_BATCH:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
