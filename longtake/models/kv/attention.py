"""Attention as the tap runs it: the model calls it with queries and keys that are not yet rotated.

It is registered once with transformers under `NAME` and used by a model only while a tap runs it.
The run of the moment is kept per thread; nothing else is shared.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from longtake.errors import BackendError, UnsupportedModel
from longtake.models.kv.held import Held
from longtake.models.kv.rotary import Rotary

if TYPE_CHECKING:
    from torch import Tensor

NAME = "longtake_rope_tap"
_current = threading.local()

# What a layer may ask of its attention beyond scaling, and why that is refused.
_BEYOND = {
    "sliding_window": "layers with a sliding window",
    "softcap": "attention scores with a soft cap",
    "s_aux": "learned attention sinks",
    "sinks": "learned attention sinks",
    "position_bias": "a position bias in attention",
    "attention_bias": "a position bias in attention",
    "block_indices": "a sparse choice of keys",
}
# What may be said without changing the result. Anything else that is said is not understood.
_IDLE = {"dropout", "is_causal", "position_ids", "use_cache", "output_attentions", "return_dict"}


@dataclass(eq=False)
class Run:
    """One forward pass: what to attend to, and what was seen on the way.

    `own` is [q], what is added to scores of the new tokens as keys. `joined` has keys and values as
    they were read, held and new, rotated. `plain` turns False when a layer is given another mask
    than the causal one.
    """

    rotary: Rotary
    angles: tuple[Any, Any]
    held: Held | None = None
    visible: Tensor | None = None
    asked: Collection[int] = ()
    own: Tensor | None = None
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    joined: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    queries: dict[int, Tensor] = field(default_factory=dict)
    masks: dict[int, Tensor] = field(default_factory=dict)
    plain: bool = True

    @property
    def layer(self) -> int:
        """The layer whose turn it is."""
        return len(self.keys)

    def take(self, module: Any, query: Tensor, key: Tensor, value: Tensor) -> int:
        """Note what this layer made; return its number."""
        layer = self.layer
        if getattr(module, "layer_idx", layer) != layer:
            raise UnsupportedModel("the model's layers share attention or take turns out of order")
        self.keys.append(key[0])
        self.values.append(value[0])
        if layer in self.asked:
            self.queries[layer] = query[0]
        return layer

    def mask(self, layer: int, query: Tensor) -> Tensor | None:
        """What is added to scores in this layer; None: all is read, causally among the new tokens.

        Made once where layers agree: attention would turn a mask of booleans into this in each.
        """
        import torch

        q = query.shape[2]
        m = self.held.keys[layer].shape[2] if self.held is not None else 0
        bias = self.held.bias[layer] if self.held is not None and m else None
        alone = q == 1 and self.visible is None
        if bias is None and self.own is None and (m == 0 or alone):
            return None
        if bias is None and m in self.masks:
            return self.masks[m]
        among = torch.ones(q, q, dtype=torch.bool, device=query.device).tril()
        before = torch.ones(q, m, dtype=torch.bool, device=query.device)
        if self.visible is not None:
            before = self.visible.to(query.device)
        row = query.new_zeros(m + q)
        if bias is not None:
            row[:m] = bias.to(query)
        if self.own is not None:
            row[m:] = self.own.to(query)
        mask = torch.where(torch.cat((before, among), dim=1), row, float("-inf"))[None, None]
        if bias is None:
            self.masks[m] = mask
        return mask

    def join(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Put rotated new keys and values behind what is held."""
        import torch

        if self.held is not None and self.held.keys[layer].shape[2]:
            key = torch.cat((self.held.keys[layer], key), dim=2)
            value = torch.cat((self.held.values[layer], value), dim=2)
        self.joined.append((key, value))
        return key, value


@contextmanager
def running(run: Run) -> Iterator[Run]:
    """Make this the run of the thread."""
    _current.run = run
    try:
        yield run
    finally:
        _current.run = None


def current() -> Run:
    """The run of this thread."""
    run: Run | None = getattr(_current, "run", None)
    if run is None:
        raise BackendError(
            "the model was called while a tap runs it in another thread",
            fix="give each thread its own model, or take turns",
        )
    return run


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **rest: Any,
) -> tuple[Any, None]:
    """Rotate, join what is held, attend; the mask of the model is not used."""
    run = current()
    run.plain = run.plain and attention_mask is None
    _refuse(module, key, value, rest)
    layer = run.take(module, query, key, value)
    query, key = run.rotary.turn(query, key, run.angles)
    mask = run.mask(layer, query)
    return _read(module, query, *run.join(layer, key, value), mask, scaling), None


def _read(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
    scaling: float | None,
) -> Any:  # fmt: skip
    """Scaled-dot-product attention, [1, q, Hq, D]."""
    from torch.nn.functional import scaled_dot_product_attention
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if mask is None or query.device.type != "cpu":
        return sdpa_attention_forward(module, query, key, value, mask, scaling=scaling)[0]
    # With a mask transformers repeats each key head for its query heads. The processor's kernel
    # needs no copies: the same numbers in three quarters of the time.
    made = scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=scaling, enable_gqa=True
    )
    return made.transpose(1, 2).contiguous()


def _refuse(module: Any, key: Tensor, value: Tensor, rest: dict[str, Any]) -> None:
    for name, why in _BEYOND.items():
        if rest.get(name) is not None:
            raise UnsupportedModel(f"the model has {why}")
    if odd := sorted(name for name in rest.keys() - _IDLE if rest[name] is not None):
        raise UnsupportedModel(
            f"the model's attention is told {', '.join(odd)}, which the tap does not know"
        )
    if not getattr(module, "is_causal", True) or rest.get("is_causal") is False:
        raise UnsupportedModel("the model's attention is not causal")
    if key.shape[-1] != value.shape[-1]:
        raise UnsupportedModel("the model compresses keys and values into one latent (MLA)")


def mark_mask(q_length: int, kv_length: int, **rest: Any) -> Tensor | None:
    """Stand in for the model's mask, which the tap makes itself: None for the causal one.

    Another one is marked by a tensor of no size in memory, so that `attend` sees which layers are
    given it; some models make masks that no layer uses.
    """
    import torch
    from transformers.masking_utils import causal_mask_function

    if rest.get("mask_function") is causal_mask_function:
        return None
    return torch.ones(1, dtype=torch.bool).expand(1, 1, q_length, kv_length)


@cache
def register() -> None:
    """Make `attend` known to transformers."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, mark_mask)
