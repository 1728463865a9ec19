"""The bench of bytes: its weights are those of files, its packed prefix is the model's own."""

from __future__ import annotations

import torch

from bench.kv_bytes import GATES, bytes_per_token, window_figures


def test_bytes_of_the_small_model_pass_their_gates() -> None:
    maker = torch.Generator().manual_seed(0)
    keys, values = (torch.randn(30, 3, 64, 64, generator=maker) for _ in range(2))
    found = bytes_per_token((keys, values), blocks=32)
    for scheme, (most, _) in GATES.items():
        assert most * 0.9 < found[scheme]["total"] <= most
        assert found[scheme]["index"] > 640
    assert found["raw"]["segments"] > 23_040
    assert found["ghost"]["total"] < 750
    assert found["ghost"]["total"] >= found["k4v4"]["index"]


def test_a_prefix_that_was_unrotated_packed_and_rotated_says_the_same() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=50, hidden_size=64, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, head_dim=32,
            attn_implementation="sdpa",
        )
    ).eval()  # fmt: skip
    (keys, _), found = window_figures(model, torch.randint(0, 50, (150,)), 130, more=True)
    assert keys.shape == (2, 1, 130, 32)
    assert found["q8"][0] < 1e-5
    assert found["q8"][1] == 1.0
    assert found["q8"][0] < found["k4v4"][0] < found["2 bits"][0]
