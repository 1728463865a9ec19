"""The rotation a model gives its queries and keys, taken from the model's own modules.

Nothing is reimplemented: angles come from the model's rotary module, and turning a vector by them
from the function its attention uses, so interleaved layouts, partial rotation, scaling and the
three axes of M-RoPE are whatever the model makes them. The module computes in float32, which loses
digits at large positions (a shift of all positions by 5000 moves logits by 6e-4); with `trig64` its
casts to float32 become casts to float64 while it runs.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from longtake.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import Tensor

Apply = Callable[..., tuple[Any, Any]]

# These take other frequencies once a context is longer than the model was trained for.
_GROWING = {"dynamic": "max_position_embeddings", "longrope": "original_max_position_embeddings"}


class Rotary:
    """Angles for positions and the turning of vectors by them.

    Args:
        decoder: the text model, with a `rotary_emb` that all its layers share.
        attention: an attention module of the model; its Python module has the turning function.
        axes: 1, or 3 where positions are (time, row, column).
        trig64: compute angles in float64.
    """

    def __init__(self, decoder: Any, attention: Any, axes: int, *, trig64: bool) -> None:
        self._module = decoder.rotary_emb
        # Held apart: another thread's run may have put the idle one in its place.
        self._real = self._module.forward
        self._apply = _apply_of(attention)
        self._axes = axes
        self._trig64 = trig64
        self.limit = _limit(decoder.config)

    def angles(self, like: Tensor, positions: Tensor, *, own: bool = False) -> tuple[Any, Any]:
        """Return cosines and sines [1, n, R] for positions [A, n] of a model in the dtype of `like`.

        Args:
            own: the model's own precision, even where float64 was asked for.
        """
        import torch

        if self.limit is not None and positions.numel() and int(positions.max()) >= self.limit:
            raise UnsupportedModel(
                f"the model's rotation changes beyond {self.limit} positions and keys already "
                "placed cannot follow",
                fix="read fewer blocks at once, or place them contiguously",
            )
        # Fractions stay: long contexts may be drawn together.
        places = positions.to(like.device, torch.float64)
        ids = places if self._axes == 1 else places.expand(self._axes, -1)[:, None, :]
        if own or not self._trig64:
            return self._made(like, ids)
        # Some modules answer in float32 whatever the model computes in; never less than they do.
        dtype = torch.promote_types(like.dtype, self._made(like, ids[..., :1])[0].dtype)
        wide = torch.empty(1, 1, 1, dtype=torch.float64, device=like.device)
        with _wide_floats():
            cos, sin = self._made(wide, ids)
        return cos.to(dtype), sin.to(dtype)

    def _made(self, like: Tensor, ids: Tensor) -> tuple[Any, Any]:
        made = self._real(like, ids)
        if not isinstance(made, tuple) or len(made) != 2 or made[0].is_complex():
            raise UnsupportedModel("the model does not rotate by a pair of cosines and sines")
        return made

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Let the model's module rotate by nothing for a while: cosine 1, sine 0."""
        real = self._real
        before = self._module.__dict__.get("forward")

        def nothing(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
            cos, sin = real(*args, **kwargs)
            return cos.new_ones(cos.shape), sin.new_zeros(sin.shape)

        self._module.forward = nothing
        try:
            yield
        finally:
            del self._module.forward
            if before is not None:  # What another library had put there.
                self._module.forward = before

    def turn(self, query: Tensor, key: Tensor, angles: tuple[Any, Any]) -> tuple[Any, Any]:
        """Rotate [1, H, n, D]; where angles cover fewer dims than D, the rest stays as it is."""
        import torch

        cos, sin = angles
        width = cos.shape[-1]
        if width == query.shape[-1]:
            return self._apply(query, key, cos, sin)
        turned = self._apply(query[..., :width], key[..., :width], cos, sin)
        return (
            torch.cat((turned[0], query[..., width:]), dim=-1),
            torch.cat((turned[1], key[..., width:]), dim=-1),
        )

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        """Rotate vectors [..., n, D] to positions [A, n]."""
        flat = x.reshape(1, -1, *x.shape[-2:])
        turned: Tensor = self.turn(flat, flat[:, :1], self.angles(x, positions))[0]
        return turned.reshape(x.shape)


def _apply_of(attention: Any) -> Apply:
    """The function with which this attention turns queries and keys."""
    home = sys.modules[type(attention).__module__]
    apply = getattr(home, "apply_rotary_pos_emb", None)
    if apply is None:
        raise UnsupportedModel(f"{home.__name__} has no apply_rotary_pos_emb")
    names = [*inspect.signature(apply).parameters]
    if names[:4] != ["q", "k", "cos", "sin"]:
        raise UnsupportedModel(
            f"apply_rotary_pos_emb of {home.__name__} takes ({', '.join(names)}), "
            "not queries and keys with cosines and sines"
        )
    return apply  # type: ignore[no-any-return]


def _limit(config: Any) -> int | None:
    """The first position at which the model's own frequencies would change."""
    rope = getattr(config, "rope_parameters", None) or {}
    kind = _GROWING.get(rope.get("rope_type", "default"))
    if kind is None:
        return None
    return int(rope.get(kind) or getattr(config, kind, 0) or config.max_position_embeddings)


def _wide_floats() -> Any:
    """A mode in which casts of tensors to float32 become casts to float64."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Wide(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = dict(kwargs or {})
            if func is torch.Tensor.float:
                return args[0].double()
            if func is torch.Tensor.to:
                args = tuple(torch.float64 if a is torch.float32 else a for a in args)
                if kwargs.get("dtype") is torch.float32:
                    kwargs["dtype"] = torch.float64
            return func(*args, **kwargs)

    return Wide()
