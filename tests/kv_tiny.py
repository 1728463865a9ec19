"""Tiny random models of the families the key–value memory serves; norms too have random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers as hf
from torch import Tensor

from longtake.models.kv.held import Held
from longtake.models.kv.tap import Pass, RopeTap

WORDS = 97
TEXT: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 1,
    "tie_word_embeddings": False,
}
MROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}


def shaken(model: Any, dtype: torch.dtype = torch.float64) -> Any:
    """Give every vector of weights (norms, biases) other values than ones and zeros."""
    made = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn(parameter.shape, generator=made) * 0.2)
    return model.to(dtype).eval()


def _causal(config: Any) -> Any:
    return hf.AutoModelForCausalLM.from_config(config)


def _siglip() -> hf.SiglipVisionConfig:
    return hf.SiglipVisionConfig(
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )


def _llava() -> Any:
    config = hf.LlavaOnevisionConfig(
        vision_config=_siglip(),
        text_config=hf.Qwen2Config(**TEXT),
        image_token_index=90,
        video_token_index=91,
        vision_feature_layer=-1,
    )
    return hf.LlavaOnevisionForConditionalGeneration(config)


def _smolvlm() -> Any:
    vision = hf.SmolVLMVisionConfig(
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    config = hf.SmolVLMConfig(
        vision_config=vision,
        text_config=hf.LlamaConfig(**TEXT),
        image_token_id=90,
        scale_factor=2,
        pad_token_id=0,
    )
    return hf.SmolVLMForConditionalGeneration(config)


def _qwen2_5_vl() -> Any:
    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_heads": 2,
        "out_hidden_size": 32,
        "patch_size": 4,
        "window_size": 16,
        "fullatt_block_indexes": [1],
        "tokens_per_second": 4,
    }
    config = hf.Qwen2_5_VLConfig(
        vision_config=vision,
        text_config={**TEXT, "rope_parameters": dict(MROPE)},
        image_token_id=90,
        video_token_id=91,
        vision_start_token_id=92,
        vision_end_token_id=93,
    )
    return hf.Qwen2_5_VLForConditionalGeneration(config)


def _qwen3_vl() -> Any:
    vision = {
        "depth": 3,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_heads": 2,
        "out_hidden_size": 32,
        "patch_size": 4,
        "deepstack_visual_indexes": [0, 1],
        "num_position_embeddings": 16,
    }
    config = hf.Qwen3VLConfig(
        vision_config=vision,
        text_config={**TEXT, "head_dim": 8, "rope_parameters": dict(MROPE)},
        image_token_id=90,
        video_token_id=91,
        vision_start_token_id=92,
        vision_end_token_id=93,
    )
    return hf.Qwen3VLForConditionalGeneration(config)


FAMILIES: dict[str, Callable[[], Any]] = {
    "llama": lambda: _causal(hf.LlamaConfig(**TEXT)),
    "qwen2": lambda: _causal(hf.Qwen2Config(**TEXT)),
    "qwen3": lambda: _causal(hf.Qwen3Config(**TEXT, head_dim=8)),
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3_vl": _qwen3_vl,
    "llava_onevision": _llava,
    "smolvlm": _smolvlm,
}


def tiny(family: str, dtype: torch.dtype = torch.float64) -> Any:
    """Return a tiny model of the family, the same one each time."""
    torch.manual_seed(5)
    return shaken(FAMILIES[family](), dtype)


def words(n: int, seed: int = 3) -> Tensor:
    """Return [1, n] token ids that are no mark of a picture."""
    return torch.randint(2, 90, (1, n), generator=torch.Generator().manual_seed(seed))


def line(tap: RopeTap, start: int, n: int) -> Tensor:
    return torch.arange(start, start + n)[None].expand(tap.axes, -1)


def joined(tap: RopeTap, held: Held | None, made: Pass, positions: Tensor) -> Held:
    """Append a pass to what is held, rotated to its positions."""
    keys = tap.rotate(made.keys, positions)
    new = [(keys[i][None], made.values[i][None]) for i in range(tap.layers)]
    after = int(positions.max()) + 1
    if held is None:
        return Held([k for k, _ in new], [v for _, v in new], [None] * tap.layers, after)
    return Held(
        [torch.cat((old, k), dim=2) for old, (k, _) in zip(held.keys, new, strict=True)],
        [torch.cat((old, v), dim=2) for old, (_, v) in zip(held.values, new, strict=True)],
        held.bias,
        after,
    )


def worst(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())
