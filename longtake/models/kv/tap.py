"""RopeTap: run any rotary decoder of transformers on keys that carry no position.

While it runs a model, the model's layers get cosine 1 and sine 0, so that their queries and keys
stay unrotated and can be kept as they are; the tap's own attention then rotates them, puts what is
held (`Held`, already at its places) before them, and attends. No code of the model is replaced, and
outside `run` the model is as it was. With nothing held the result is bit-equal to the untouched
model (with `trig64=False`; with float64 angles it is closer to exact than the model itself).

What cannot be served exactly is refused: at construction a few tokens are run both ways, and any
difference is an `UnsupportedModel`. Keys without rotary position: ReKV (ICLR 2025), StreamingLLM.

Shapes: L layers, Hq / Hkv query / key heads, D head size, q new tokens, m held tokens,
A = 1 axis of position, or 3 (time, row, column).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from longtake.errors import UsageError
from longtake.models.kv.attention import NAME, Run, register, running
from longtake.models.kv.held import Held
from longtake.models.kv.refusals import (
    attention_of,
    check_config,
    check_mask,
    check_run,
    decoder_of,
    layers_of,
    probe,
)
from longtake.models.kv.rotary import Rotary

if TYPE_CHECKING:
    from torch import Tensor

_tapped: WeakSet[Any] = WeakSet()
_lock = Lock()


@dataclass(slots=True, eq=False)
class Pass:
    """What one forward pass of q new tokens made.

    Attributes:
        hidden: [1, q, d], after the last norm.
        keys: [L, Hkv, q, D], not rotated.
        values: [L, Hkv, q, D].
        held: what was read, and these tokens behind it at the places where they stood.
        queries: for each layer asked [Hq, q, D], not rotated.
    """

    hidden: Tensor
    keys: Tensor
    values: Tensor
    held: Held
    queries: dict[int, Tensor] = field(default_factory=dict)


class RopeTap:
    """Runs a model on held keys; a context manager, one at a time for each model.

    Args:
        model: a transformers model for generation, in eval mode.
        trig64: angles in float64, so that a common shift of positions changes nothing.
        verify: run a few tokens with and without the tap and refuse the model if they differ.

    Raises:
        UnsupportedModel: the model cannot be served exactly; the message says why.
    """

    def __init__(self, model: Any, *, trig64: bool = True, verify: bool = True) -> None:
        self.model = model
        self.decoder = decoder_of(model)
        check_config(model, self.decoder)
        self._entered = False
        self._serial = Lock()
        attentions = [attention_of(layer) for layer in layers_of(self.decoder)]
        configs = [self.decoder.config, *(a.config for a in attentions if hasattr(a, "config"))]
        self._configs = list({id(config): config for config in configs}.values())
        rope = getattr(self.decoder.config, "rope_parameters", None) or {}
        self.axes = 3 if "mrope_section" in rope else 1
        self.layers = len(attentions)
        self._rotary = Rotary(self.decoder, attentions[0], self.axes, trig64=trig64)
        register()
        self.heads, self.kv_heads, self.head_dim = probe(self, verify=verify)

    def __enter__(self) -> Self:
        with _lock:
            if self.decoder in _tapped:
                raise UsageError(
                    "this model already has a tap", fix="leave the first one, or share it"
                )
            _tapped.add(self.decoder)
        self._entered = True
        return self

    def __exit__(self, *exc: object) -> None:
        with _lock:
            _tapped.discard(self.decoder)
        self._entered = False

    @property
    def limit(self) -> int | None:
        """The first position that the model's rotation does not serve; None: there is none."""
        return self._rotary.limit

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        """Rotate [..., n, D] to positions [A, n], as the model would."""
        return self._rotary.rotate(x, positions)

    def run(
        self,
        ids: Tensor | None = None,
        *,
        embeds: Tensor | None = None,
        positions: Tensor,
        held: Held | None = None,
        queries: Collection[int] = (),
        visible: Tensor | None = None,
        extras: Mapping[str, Any] | None = None,
        bias: Tensor | None = None,
    ) -> Pass:
        """Run q new tokens: they read all that is held, and each other causally.

        Args:
            ids: [q] or [1, q] token ids; or
            embeds: [1, q, d] input vectors.
            positions: [A, q], or [1, q] for text in a model with three axes.
            held: what is read beside them; None: nothing.
            queries: the layers whose queries are wanted.
            visible: bool [q, m], narrows what of the held each token reads.
            extras: more arguments of the text model (pictures put into deeper layers).
            bias: [q], log of how many tokens each new one stands for; None: one each.
        """
        if not self._entered:
            raise UsageError("the tap is not installed", fix="use it in a `with` statement")
        given = _given(ids, embeds)
        self._check(next(iter(given.values())).shape[1], positions, held, visible)
        like = self.model.get_input_embeddings().weight
        run = Run(
            self._rotary,
            self._rotary.angles(like, positions),
            held if held is not None and any(k.shape[2] for k in held.keys) else None,
            visible,
            frozenset(queries),
            bias,
        )
        return self._forward(run, given, positions, extras or {})

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the scores of all words [1, q, vocab] for hidden states [1, q, d]."""
        import torch

        config = self.decoder.config
        with torch.no_grad():
            scores: Tensor = self.model.get_output_embeddings()(hidden)
            if (times := getattr(config, "logit_scale", None)) is not None:
                scores = scores * times
            if (over := getattr(config, "logits_scaling", None)) is not None:
                scores = scores / over
        return scores

    def first_run(self, ids: Tensor, positions: Tensor) -> Pass:
        """Run contiguous tokens by the model's own angles, installed or not; check its mask."""
        like = self.model.get_input_embeddings().weight
        run = Run(self._rotary, self._rotary.angles(like, positions, own=True), asked=(0,))
        made = self._forward(run, {"input_ids": ids}, positions, {})
        check_mask(run)
        return made

    @contextmanager
    def attention_is(self, name: str) -> Iterator[None]:
        """Let the text model use this attention for a while."""
        before = [config._attn_implementation for config in self._configs]
        try:
            for config in self._configs:
                config._attn_implementation = name
            yield
        finally:
            for config, old in zip(self._configs, before, strict=True):
                config._attn_implementation = old

    def _forward(
        self, run: Run, given: Mapping[str, Tensor], positions: Tensor, extras: Mapping[str, Any]
    ) -> Pass:
        import torch

        device = self.model.get_input_embeddings().weight.device
        places = positions.to(device).long()
        ids = places if self.axes == 1 else places.expand(self.axes, -1)[:, None, :]
        arguments = {name: value.to(device) for name, value in given.items()}
        with (
            self._serial,
            torch.no_grad(),
            self.attention_is(NAME),
            self._rotary.idle(),
            running(run),
        ):
            out = self.decoder(
                **arguments, position_ids=ids, use_cache=False, return_dict=True, **extras
            )
        check_run(run, self.layers)
        return Pass(
            out.last_hidden_state, torch.stack(run.keys), torch.stack(run.values),
            _after(run, positions), run.queries,
        )  # fmt: skip

    def _check(self, q: int, positions: Tensor, held: Held | None, visible: Tensor | None) -> None:
        if positions.ndim != 2 or positions.shape[0] not in (1, self.axes):
            raise UsageError(
                f"positions are {tuple(positions.shape)}, not [{self.axes}, {q}] for {q} tokens"
            )
        if positions.shape[1] != q:
            raise UsageError(f"{positions.shape[1]} positions were given for {q} tokens")
        if held is not None and len(held.keys) != self.layers:
            raise UsageError(f"{len(held.keys)} layers are held, the model has {self.layers}")
        if visible is not None:
            sizes = {key.shape[2] for key in held.keys} if held is not None else {0}
            if {visible.shape[1]} != sizes or visible.shape[0] != q:
                raise UsageError(
                    f"visible is {tuple(visible.shape)}, but {q} tokens read {sorted(sizes)} held"
                )


def _after(run: Run, positions: Tensor) -> Held:
    """What a run read and what it made, to be read next."""
    keys, values = ([pair[n] for pair in run.joined] for n in (0, 1))
    free = int(positions.max()) + 1
    if run.held is None:
        return Held(keys, values, [run.own] * len(keys), free)
    bias = [_grown(b, key.shape[2], run.own, positions.shape[1])
            for key, b in zip(run.held.keys, run.held.bias, strict=True)]  # fmt: skip
    return Held(keys, values, bias, max(run.held.next, free))


def _grown(held: Tensor | None, m: int, own: Tensor | None, q: int) -> Tensor | None:
    """Log sizes of m held and q new tokens; None where each stands for itself."""
    import torch

    if held is None and own is None:
        return None
    parts = (torch.zeros(m) if held is None else held, torch.zeros(q) if own is None else own)
    return torch.cat([part.to(parts[0].device) for part in parts])


def _given(ids: Tensor | None, embeds: Tensor | None) -> dict[str, Tensor]:
    """The text model's argument for tokens or vectors of a batch of one."""
    if ids is not None and embeds is None:
        return {"input_ids": ids if ids.ndim == 2 else ids[None]}
    if embeds is not None and ids is None:
        return {"inputs_embeds": embeds if embeds.ndim == 3 else embeds[None]}
    raise UsageError("a pass takes either ids or embeds")
