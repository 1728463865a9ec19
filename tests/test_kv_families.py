"""The sweep over model families: three of them here, the whole list by the bench."""

from __future__ import annotations

import pytest

from bench.kv_families import NEAR, PAGE, measure, page
from bench.kv_tiny_configs import LAYERS, causal_types, tiny_model


@pytest.mark.parametrize("kind", ["qwen3", "ernie4_5", "gpt_neox"])
def test_a_served_family_passes(kind: str) -> None:
    found = measure(kind)
    assert found["outcome"] == "passes"
    assert found["alone"] is True
    assert found["held"] <= NEAR
    assert found["shifted"] <= NEAR
    assert found["control"] > 1e-3
    assert "as" not in found


def test_a_family_with_windows_is_served_without_them_and_says_so() -> None:
    found = measure("mistral")
    assert found["outcome"] == "passes"
    assert "full attention" in found["as"]
    assert "sliding window" in found["as_it_is"]


def test_a_family_that_cannot_be_exact_is_refused() -> None:
    found = measure("gemma2")
    assert found["outcome"] == "refused"
    assert "sliding window" in found["why"]


def test_the_page_lists_every_causal_type_with_its_outcome() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = [kind for kind in causal_types() if kind not in text]
    assert missing == []
    served = text.partition("## Not served")[0].count("\n| ") - 1
    assert served >= 40


def test_the_page_is_what_was_measured() -> None:
    found = {
        "good": {"outcome": "passes", "held": 1e-15, "cached": 0.0, "shifted": 0.0},
        "bad": {"outcome": "refused", "why": "it has windows"},
    }
    text = page(found, "5.0")
    assert "Served (1 of 2 causal models)" in text
    assert "| good | as it is | 1e-15 | 0e+00 | 0e+00 |" in text
    assert "| bad | refused: it has windows |" in text


def test_tiny_models_keep_what_makes_a_family() -> None:
    model = tiny_model("stablelm")
    assert model.config.num_hidden_layers == LAYERS
    assert model.model.rotary_emb.inv_freq.numel() * 2 < 16  # Partial rotation stays partial.
    assert float(model.model.norm.weight.detach().std()) > 0.05
