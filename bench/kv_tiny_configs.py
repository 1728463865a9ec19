"""Tiny random models of any causal type transformers knows, from its own configuration classes.

Sizes are set wherever a configuration has a field of that name, everything that makes a family
what it is (partial rotation, norms, experts, kinds of layers) stays. Six layers, because patterns
such as one layer in four without rotation do not show in three.
"""

from __future__ import annotations

import inspect
from typing import Any

LAYERS = 6
MOST = 20_000_000
SIZES: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "n_embd", "d_model", "dim", "embedding_size"), 64),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "d_ff", "ffn_hidden_size", "n_inner"), 96),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "num_layers", "n_layers"), LAYERS),
    **dict.fromkeys(("num_attention_heads", "n_head", "num_heads", "n_heads"), 4),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads"), 2),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "moe_topk", "moe_top_k"), 2),
    **dict.fromkeys(
        ("moe_intermediate_size", "shared_expert_intermediate_size", "shared_intermediate_size"), 16
    ),
    **dict.fromkeys(("pad_token_id", "padding_idx"), 0),
    **dict.fromkeys(("bos_token_id", "eos_token_id"), 1),
    **dict.fromkeys(("n_group", "topk_group"), 1),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "v_head_dim"), 16),
    "qk_rope_head_dim": 8,
    "vocab_size": 97,
    "vocab_size_per_layer_input": 97,
    "head_dim": 16,
    "initializer_range": 0.1,
    "max_position_embeddings": 8192,
    "sliding_window": 16,
    "tie_word_embeddings": False,
}
# None in a configuration means that the family does without.
ONLY_IF_SET = ("sliding_window", "q_lora_rank", "kv_lora_rank", "n_group", "topk_group")
# What a default of this family leaves out although its models have it, or wants of another size.
OWN: dict[str, dict[str, Any]] = {
    "codegen": {"rotary_dim": 8},
    "gptj": {"rotary_dim": 8},
    "dots1": {"n_shared_experts": 1, "first_k_dense_replace": 1, "routed_scaling_factor": 1.0},
    "lfm2": {"layer_types": ["conv", "conv", "full_attention"] * 2},
    "minimax_m3_vl_text": {"layer_types": ["minimax_m3_sparse"] * LAYERS},
    "zaya": {"num_experts_per_tok": 1},
}
FULL: dict[str, Any] = {
    "layer_types": ["full_attention"] * LAYERS,
    "sliding_window": None,
    "use_sliding_window": False,
    "attention_window_pattern": None,
}


def causal_types() -> list[str]:
    """Every model type transformers has a causal language model for."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def tiny_model(kind: str, *, full: bool = False) -> Any:
    """Return a tiny model of this type in float64, in eval mode.

    Args:
        kind: the model type, `llama`.
        full: give every layer full attention, where the configuration can say so.
    """
    import torch
    from transformers import AutoModelForCausalLM

    config = _config(kind, full=full)
    with torch.device("meta"):
        weights = AutoModelForCausalLM.from_config(config).num_parameters()
    if weights > MOST:
        raise ValueError(f"its smallest configuration here has {weights / 1e6:.0f} M weights")
    torch.manual_seed(5)
    # Grouped products of experts know no float64.
    model = AutoModelForCausalLM.from_config(config, experts_implementation="eager")
    made = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn(parameter.shape, generator=made) * 0.2)
    return model.double().eval()


def _config(kind: str, *, full: bool) -> Any:
    from huggingface_hub.errors import StrictDataclassError
    from transformers import CONFIG_MAPPING

    made = CONFIG_MAPPING[kind]
    sizes = {**_sizes(made), **_parts(made), **OWN.get(kind, {})}
    if not full:
        return made(**sizes)
    fields = _fields(made)
    everywhere = {name: value for name, value in FULL.items() if name in fields}
    try:
        return made(**sizes | everywhere)
    except (StrictDataclassError, TypeError, ValueError):  # It must have a width, unused.
        return made(**sizes | {"layer_types": everywhere.get("layer_types")})


def _sizes(made: Any) -> dict[str, Any]:
    """The small sizes for the fields this configuration has."""
    fields = _fields(made)
    sizes = {name: value for name, value in SIZES.items() if name in fields}
    for name in ONLY_IF_SET:
        if fields.get(name) is None:
            sizes.pop(name, None)
    if "kv_lora_rank" in sizes:  # One latent serves all heads.
        sizes["num_key_value_heads"] = sizes["num_attention_heads"]
    return sizes


def _parts(made: Any) -> dict[str, Any]:
    """Small sizes for the configurations inside this one (text, vision)."""
    if not getattr(made, "sub_configs", None):
        return {}
    whole = made()
    found = {name: getattr(whole, name, None) for name in made.sub_configs}
    return {
        name: {**_sizes(type(part)), "model_type": part.model_type}
        for name, part in found.items()
        if part is not None
    }


def _fields(made: Any) -> dict[str, Any]:
    """The names a configuration takes, with their defaults."""
    found = {
        name: parameter.default
        for name, parameter in inspect.signature(made.__init__).parameters.items()
    }
    for base in reversed(made.__mro__):
        for name in getattr(base, "__annotations__", {}):
            found.setdefault(name, getattr(made, name, None))
    return found
