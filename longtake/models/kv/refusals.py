"""What a tap refuses: everything it could not serve exactly, each with its reason.

First what a model's configuration says, then what its layers ask for while they run, and at last a
comparison of the model with itself, which catches what no list of reasons foresees.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from longtake.errors import UnsupportedModel, UsageError

if TYPE_CHECKING:
    from longtake.models.kv.attention import Run

_NAMES = ("self_attn", "self_attention", "attention", "attn")
_LINEAR = ("linear_attention", "mamba", "recurrent", "conv")
_TOKENS = 9


def decoder_of(model: Any) -> Any:
    """The text model inside a model for generation."""
    found = model.get_decoder()
    return found if hasattr(found, "config") else model.base_model


def layers_of(decoder: Any) -> list[Any]:
    """The layers of a text model."""
    for name in ("layers", "h", "blocks"):
        found = getattr(decoder, name, None)
        if found is not None:
            return list(found)
    raise UnsupportedModel(f"{type(decoder).__name__} has no list of layers")


def attention_of(layer: Any) -> Any:
    """The attention module of a layer."""
    found = next((one for name in _NAMES if (one := getattr(layer, name, None)) is not None), None)
    if found is None:
        raise UnsupportedModel(f"a layer ({type(layer).__name__}) has no attention")
    if not hasattr(sys.modules[type(found).__module__], "ALL_ATTENTION_FUNCTIONS"):
        raise UnsupportedModel(
            f"{type(found).__name__} does not use the seam for attention of transformers"
        )
    return found


def check_config(model: Any, decoder: Any) -> None:
    """Refuse what the configuration of the text model tells."""
    config = decoder.config
    if model.training:
        raise UsageError("the model is in training mode", fix="call model.eval() first")
    if getattr(config, "kv_lora_rank", None):
        raise UnsupportedModel("the model compresses keys and values into one latent (MLA)")
    if getattr(config, "is_encoder_decoder", False):
        raise UnsupportedModel("the model has an encoder beside its decoder")
    _check_layer_types(config)
    if getattr(decoder, "rotary_emb", None) is None:
        raise UnsupportedModel(
            f"{type(decoder).__name__} has no rotary embedding shared by its layers (rotary_emb)"
        )
    rope = getattr(config, "rope_parameters", None) or {}
    if any(isinstance(value, dict) for value in rope.values()):
        raise UnsupportedModel("the model's layers rotate by different frequencies")
    if 0 in (getattr(config, "no_rope_layers", None) or ()):
        raise UnsupportedModel("some of the model's layers do not rotate at all (NoPE)")
    if not getattr(decoder, "_supports_sdpa", False):
        raise UnsupportedModel(f"{type(decoder).__name__} has no scaled-dot-product attention")


def _check_layer_types(config: Any) -> None:
    kinds = set(getattr(config, "layer_types", None) or ())
    if any(word in kind for kind in kinds for word in _LINEAR):
        raise UnsupportedModel("the model has layers without attention (linear or recurrent)")
    if odd := sorted(kinds - {"full_attention", "attention", "global"}):
        what = "a sliding window" if odd == ["sliding_attention"] else ", ".join(odd)
        raise UnsupportedModel(f"the model has layers with {what}")


def check_run(run: Run, layers: int) -> None:
    """Refuse a model whose forward pass did not go through the tap layer by layer."""
    if not run.keys:
        raise UnsupportedModel("the model does not use the seam for attention of transformers")
    if len(run.keys) != layers:
        raise UnsupportedModel(f"only {len(run.keys)} of the model's {layers} layers attend")


def check_mask(run: Run) -> None:
    """Refuse a model that asks for another mask than the causal one.

    Asked of contiguous positions only: transformers takes a gap for a seam of packed sequences.
    """
    if not run.plain:
        raise UnsupportedModel("the model reads by another mask than the causal one")


def probe(tap: Any, *, verify: bool) -> tuple[int, int, int]:
    """Run a few tokens with the tap, and without; return (Hq, Hkv, D).

    Both use the model's own angles and must agree in every bit of every score.
    """
    import torch

    vocab = int(tap.model.get_input_embeddings().weight.shape[0])
    ids = (torch.arange(1, _TOKENS + 1) * 7919 % vocab)[None]
    made = tap.first_run(ids, torch.arange(_TOKENS)[None])
    if len({tuple(key.shape) for key in made.keys}) != 1:
        raise UnsupportedModel("the model's layers differ in heads or head size")
    if verify:
        _compare(tap, ids, tap.logits(made.hidden))
    return int(made.queries[0].shape[0]), int(made.keys.shape[1]), int(made.keys.shape[3])


def _compare(tap: Any, ids: Any, scores: Any) -> None:
    import torch

    with torch.no_grad(), tap.attention_is("sdpa"):
        plain = tap.model(input_ids=ids.to(scores.device), use_cache=False, return_dict=True).logits
    if not torch.equal(plain.to(scores.dtype), scores):
        worst = float((plain.to(scores.dtype) - scores).abs().max())
        raise UnsupportedModel(
            f"{type(tap.model).__name__} gives other scores with its rotation outside attention "
            f"(by {worst:.1e}): its layers do more with positions than rotate queries and keys"
        )
