"""The plain BERT forward pass against the model library's, on a tiny random network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from longtake.models.bert import Bert


def test_equals_the_model_library(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=3, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=40,
    )  # fmt: skip
    reference = BertModel(config).eval()
    reference.save_pretrained(tmp_path)
    tokens = torch.randint(1, 50, (3, 17))
    mask = torch.ones_like(tokens, dtype=torch.bool)
    mask[1, 9:] = False
    with torch.inference_mode():
        ours = Bert(tmp_path)(tokens, mask)
        theirs = reference(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        unmasked = Bert(tmp_path)(tokens, torch.ones_like(mask))
    assert np.allclose(ours[mask], theirs[mask], atol=1e-5)
    # The mask matters: without it the padded row comes out differently.
    assert not np.allclose(unmasked[1, :9], theirs[1, :9], atol=1e-3)
