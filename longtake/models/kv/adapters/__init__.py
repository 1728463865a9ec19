"""What differs between model families when frames become tokens, one small module for each."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from longtake.errors import UnsupportedModel
from longtake.models.kv.adapters.family import Adapter, Family, FrameTokens, Reader

__all__ = ["Adapter", "FrameTokens", "Reader", "adapter_for", "families"]

_FAMILIES = {
    "llava_onevision": "LlavaOnevision",
    "qwen2_5_vl": "Qwen25VL",
    "qwen3_vl": "Qwen3VL",
    "smolvlm": "SmolVLM",
}


def families() -> list[str]:
    """The model types whose pictures are served."""
    return sorted(_FAMILIES)


def adapter_for(
    model: Any, tokenizer: Any = None, settings: Mapping[str, Any] | None = None
) -> Adapter:
    """Return the adapter of a model's family; a model without eyes has that for text.

    Args:
        model: a transformers model for generation.
        tokenizer: the model's own; families that write the time beside each frame need it.
        settings: what the model's preprocessor_config.json holds; None: the family's defaults.
    """
    kind = str(model.config.model_type)
    if kind in _FAMILIES:
        module = import_module(f"longtake.models.kv.adapters.{kind}")
        made: Family = getattr(module, _FAMILIES[kind])(model, tokenizer, settings)
        return made
    if any(hasattr(model.config, name) for name in ("vision_config", "audio_config")):
        raise UnsupportedModel(
            f"there is no adapter for the pictures of {kind}",
            fix=f"use one of: {', '.join(families())}, or a model for text",
        )
    from longtake.models.kv.adapters.text import Text

    return Text(model, tokenizer, settings)
