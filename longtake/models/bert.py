"""The forward pass of a BERT encoder (Devlin et al., NAACL 2019) in plain torch.

The network of all-MiniLM-L6-v2 is a dozen lines of linear algebra, while importing a model library
for it takes longer than answering a question does. A test holds the result equal to that library's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class Bert:
    """Token ids [n, width] and mask [n, width] to hidden states [n, width, size]."""

    def __init__(self, folder: Path) -> None:
        from safetensors.torch import load_file

        self.facts: dict[str, Any] = json.loads((folder / "config.json").read_text())
        self.size = int(self.facts["hidden_size"])
        self._state = load_file(folder / "model.safetensors")

    def __call__(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the last hidden states; `mask` is True where a token stands."""
        x = self._embed(tokens)
        for layer in range(int(self.facts["num_hidden_layers"])):
            x = self._layer(f"encoder.layer.{layer}", x, mask)
        return x

    def _embed(self, tokens: torch.Tensor) -> torch.Tensor:
        w = self._state
        x = w["embeddings.word_embeddings.weight"][tokens]
        x = x + w["embeddings.position_embeddings.weight"][: tokens.shape[1]]
        x = x + w["embeddings.token_type_embeddings.weight"][0]
        return self._norm("embeddings.LayerNorm", x)

    def _layer(self, at: str, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional as f

        n, width, size = x.shape
        heads = int(self.facts["num_attention_heads"])
        query, key, value = (
            self._linear(f"{at}.attention.self.{part}", x).view(n, width, heads, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed = f.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        mixed = mixed.transpose(1, 2).reshape(n, width, size)
        mixed = self._linear(f"{at}.attention.output.dense", mixed)
        x = self._norm(f"{at}.attention.output.LayerNorm", x + mixed)
        wide = f.gelu(self._linear(f"{at}.intermediate.dense", x))
        return self._norm(f"{at}.output.LayerNorm", x + self._linear(f"{at}.output.dense", wide))

    def _linear(self, at: str, x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional as f

        return f.linear(x, self._state[f"{at}.weight"], self._state[f"{at}.bias"])

    def _norm(self, at: str, x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional as f

        weight, bias = self._state[f"{at}.weight"], self._state[f"{at}.bias"]
        return f.layer_norm(x, (self.size,), weight, bias, float(self.facts["layer_norm_eps"]))
