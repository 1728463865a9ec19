"""Part of a picture through an image encoder: only the patches that changed since another picture.

For encoders of SigLIP's build (LLaVA-OneVision, SmolVLM2): layers of full attention over patches.
While a picture runs whole, its keys, values and outputs are noted (the encoder itself is not
touched: hooks listen); a later picture's changed patches then run alone, as queries over the noted
keys and values with their own put in place, and the rest of the output is the noted one (STC, S1).
With all patches changed the answer is the encoder's own.

Shapes: B pictures, P patches, D width, k changed patches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_LAYER = ("layer_norm1", "layer_norm2", "self_attn", "mlp")
_ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj", "num_heads", "scale")


@dataclass(frozen=True, slots=True, eq=False)
class Noted:
    """What a picture left: for each layer keys and values [P, D], and outputs by number."""

    keys: list[Tensor]
    values: list[Tensor]
    outputs: dict[int, Tensor]


def serves(tower: Any) -> bool:
    """Whether this encoder's patches can run apart."""
    layers: Any = getattr(getattr(tower, "encoder", None), "layers", None) or ()
    if not hasattr(tower, "post_layernorm") or hasattr(tower.embeddings, "class_embedding"):
        return False
    return bool(layers) and all(
        all(hasattr(layer, name) for name in _LAYER)
        and all(hasattr(layer.self_attn, name) for name in _ATTENTION)
        for layer in layers
    )


class PartialTower:
    """Notes whole pictures, and runs parts of others.

    Args:
        tower: an encoder that `serves`.
        wanted: numbers of the hidden states that are asked for, as the model counts them.
    """

    def __init__(self, tower: Any, wanted: Sequence[int] = (-1,)) -> None:
        self._tower = tower
        self._layers = list(tower.encoder.layers)
        self._wanted = tuple(wanted)

    @contextmanager
    def noting(self, found: list[Noted]) -> Iterator[None]:
        """While pictures run whole, note what each leaves."""
        made: dict[tuple[str, int], Tensor] = {}
        hooks = []

        def listen(module: Any, name: tuple[str, int]) -> None:
            def keep(_: Any, __: Any, out: Any) -> None:
                made[name] = out[0] if isinstance(out, tuple) else out

            hooks.append(module.register_forward_hook(keep))

        for n, layer in enumerate(self._layers):
            listen(layer.self_attn.k_proj, ("keys", n))
            listen(layer.self_attn.v_proj, ("values", n))
            listen(layer, ("output", n))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
        count = len(made["keys", 0])
        every = range(len(self._layers))
        for b in range(count):
            outputs = {n: made["output", self._layer(n)][b].clone() for n in self._wanted}
            found.append(Noted([made["keys", n][b].clone() for n in every],
                               [made["values", n][b].clone() for n in every], outputs))  # fmt: skip

    @contextmanager
    def answering(self, noted: Sequence[Noted], changed: Tensor) -> Iterator[None]:
        """While pictures run, compute their changed patches alone, bool [B, P]."""

        def forward(pixel_values: Any, patch_attention_mask: Any = None, **_: Any) -> Any:
            whole = {} if patch_attention_mask is None else {
                "patch_attention_mask": patch_attention_mask}  # fmt: skip
            return self._part(self._tower.embeddings(pixel_values, **whole), noted, changed)

        self._tower.forward = forward
        try:
            yield
        finally:
            del self._tower.forward

    def _layer(self, n: int) -> int:
        """The layer whose output is hidden state n; hidden state 0 comes before the first."""
        return (n if n < 0 else n - 1) % len(self._layers)

    def _part(self, hidden: Tensor, noted: Sequence[Noted], changed: Tensor) -> Any:
        import torch

        index = _padded(changed).to(hidden.device)
        at = index[..., None].expand(-1, -1, hidden.shape[-1])
        rows = hidden.gather(1, at)
        states: dict[int, Tensor] = {}
        with torch.no_grad():
            for n, layer in enumerate(self._layers):
                keys, values = (torch.stack([getattr(one, name)[n] for one in noted])
                                for name in ("keys", "values"))  # fmt: skip
                rows = _layer(layer, rows, keys, values, at)
                for number in self._wanted:
                    if self._layer(number) == n:
                        before = torch.stack([one.outputs[number] for one in noted])
                        states[number] = before.scatter(1, at, rows)
            norm = self._tower.post_layernorm(states.get(-1, rows))
        return SimpleNamespace(hidden_states=states, last_hidden_state=norm)


def _layer(layer: Any, rows: Tensor, keys: Tensor, values: Tensor, at: Tensor) -> Any:
    """One layer for some patches [B, k, D], which attend to all."""
    from torch.nn.functional import scaled_dot_product_attention

    attention = layer.self_attn
    heads = attention.num_heads

    def split(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)

    normed = layer.layer_norm1(rows)
    keys = keys.scatter(1, at, attention.k_proj(normed))
    values = values.scatter(1, at, attention.v_proj(normed))
    read = scaled_dot_product_attention(
        split(attention.q_proj(normed)), split(keys), split(values), scale=attention.scale
    )
    rows = rows + attention.out_proj(read.transpose(1, 2).flatten(2))
    return rows + layer.mlp(layer.layer_norm2(rows))


def _padded(changed: Tensor) -> Tensor:
    """The changed patches of each picture [B, k]; short rows repeat their first one."""
    import torch

    rows = [one.nonzero()[:, 0] for one in changed]
    most = max(len(row) for row in rows)
    return torch.stack([torch.cat((row, row[:1].expand(most - len(row)))) for row in rows])
