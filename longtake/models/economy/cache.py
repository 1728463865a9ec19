"""A cache of what an image encoder said: only what changed is looked at again (STC, S1).

While it is installed, the model's own `get_video_features` or `get_image_features` answers from it,
so adapters (and anything else that asks the model) work as before. Each picture is compared patch
by patch, in grey levels, with the last one that was computed: where nothing changed, that one's
features are taken as they are. Otherwise, where the encoder allows (`towers`), the patches that
differ from the last whole picture are computed and the rest is that one's; other encoders compute
the picture. A picture of which much has changed is computed whole, and so is every `refresh`-th.

A reference is always what was really computed, never what was reused, so a slow fade cannot drift.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from longtake.errors import UsageError
from longtake.models.economy.towers import Noted, PartialTower, serves

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.adapters import Adapter

_NAMES = {
    "llava_onevision": "get_video_features", "qwen2_5_vl": "get_video_features",
    "qwen3_vl": "get_video_features", "smolvlm": "get_image_features",
}  # fmt: skip
Features = tuple["Tensor", ...]
"""Of one picture: [m, d], and what deeper layers are given."""


@dataclass(slots=True)
class Counts:
    """What was done: pictures by how they were answered, and patches that went through."""

    whole: int = 0
    part: int = 0
    reused: int = 0
    patches: int = 0
    computed: int = 0

    @property
    def share(self) -> float:
        """The share of patches that were computed."""
        return self.computed / max(1, self.patches)


@dataclass(slots=True, eq=False)
class _Picture:
    """One picture on its way: its patches, how it is answered, and from what."""

    patches: Tensor
    how: str = "whole"
    changed: Tensor | None = None
    source: _Picture | None = None
    features: Features | None = None
    noted: Noted | None = None


class FeatureCache:
    """Answers for a model's image encoder; a context manager.

    Args:
        adapter: of the model.
        threshold: mean grey levels by which a patch must differ to count as changed.
        most: the share of changed patches from which a picture is computed whole.
        refresh: pictures after which one is computed whole; 0: never.
        patches: compute changed patches alone where the encoder allows.
    """

    def __init__(
        self, adapter: Adapter, *, threshold: float = 8.0, most: float = 0.3, refresh: int = 64,
        patches: bool = True,
    ) -> None:  # fmt: skip
        made: Any = adapter
        if adapter.name not in _NAMES:
            raise UsageError(f"{adapter.name} has no image encoder to remember")
        self._model, self._name = made.model, _NAMES[adapter.name]
        self._grey = 255 * sum(made.scaling.std) / 3
        self._threshold, self._most, self._refresh = threshold, most, refresh
        self._tower = _tower(made.model, adapter.name) if patches else None
        self._asks = _Qwen if adapter.name.startswith("qwen") else _Frames
        self._side = int(made.config.vision_config.patch_size)
        self._key: _Picture | None = None
        self._last: _Picture | None = None
        self._since = 0
        self._own: Callable[..., Any] = getattr(self._model, self._name)
        self.counts = Counts()

    def __enter__(self) -> Self:
        setattr(self._model, self._name, self._answer)
        return self

    def __exit__(self, *exc: object) -> None:
        delattr(self._model, self._name)

    def forget(self) -> None:
        """Take the next picture whole. What goes on from a checkpoint knows no earlier picture, so
        whoever notes one forgets there too, and both ways come to the same."""
        self._key = self._last = None

    def _answer(self, *given: Any, **_: Any) -> Any:
        """What the model's own function would answer."""
        import torch

        asks = self._asks(given, self._side)
        pictures = [_Picture(patches) for patches in asks.patches]
        for one in pictures:
            self._judge(one)
        with torch.no_grad():
            self._compute(asks, pictures)
        for one in pictures:
            if one.how == "reused" and one.source is not None:
                one.features = one.source.features
            self._count(one)
        return asks.answer([one.features for one in pictures if one.features is not None],
                           self._model)  # fmt: skip

    def _judge(self, one: _Picture) -> None:
        """Decide how a picture is answered, by its pixels alone."""
        self._since += 1
        stale = bool(self._refresh) and self._since >= self._refresh
        last, key = self._last, self._key
        fits = last is not None and last.patches.shape == one.patches.shape
        if last is None or key is None or not fits or stale:
            self._begin(one)
            return
        if not bool(self._differs(one, last).any()):
            one.how, one.source = "reused", last
            return
        changed = self._differs(one, key)
        if self._tower is None or float(changed.double().mean()) > self._most:
            self._begin(one)
            return
        if not bool(changed.any()):  # Back to what the whole picture showed.
            one.how, one.source = "reused", key
        else:
            one.how, one.source, one.changed = "part", key, changed
        self._last = key if one.how == "reused" else one

    def _begin(self, one: _Picture) -> None:
        self._key = self._last = one
        self._since = 0

    def _differs(self, one: _Picture, other: _Picture) -> Tensor:
        """Which patches differ, bool [P]."""
        away = (one.patches - other.patches).abs().mean(1) * self._grey
        changed: Tensor = away.cpu() > self._threshold
        return changed

    def _compute(self, asks: _Asks, pictures: Sequence[_Picture]) -> None:
        """Run what must be run: whole pictures together, then parts together."""
        whole = [n for n, one in enumerate(pictures) if one.how == "whole"]
        if whole:
            noted: list[Noted] = []
            if self._tower is None:
                made = asks.run(self._own, whole)
            else:
                with self._tower.noting(noted):
                    made = asks.run(self._own, whole)
            for at, n in enumerate(whole):
                pictures[n].features = made[at]
                pictures[n].noted = noted[at] if noted else None
        part = [n for n, one in enumerate(pictures) if one.how == "part"]
        if part and self._tower is not None:
            self._parts(asks, pictures, part)

    def _parts(self, asks: _Asks, pictures: Sequence[_Picture], part: list[int]) -> None:
        import torch

        assert self._tower is not None
        every = [pictures[n] for n in part]
        sources = [key.noted for one in every if (key := one.source) is not None and key.noted]
        changed = [one.changed for one in every if one.changed is not None]
        with self._tower.answering(sources, torch.stack(changed)):
            made = asks.run(self._own, part)
        for at, n in enumerate(part):
            pictures[n].features = made[at]
            pictures[n].source = None  # Older pictures are not held by newer ones.

    def _count(self, one: _Picture) -> None:
        setattr(self.counts, one.how, getattr(self.counts, one.how) + 1)
        every = len(one.patches)
        self.counts.patches += every
        if one.how == "whole":
            self.counts.computed += every
        elif one.changed is not None:
            self.counts.computed += int(one.changed.sum())
        if one.how == "reused":
            one.source = None


class _Asks:
    """What a model's function was given: its pictures, and how some of them are asked for."""

    patches: Tensor

    def run(self, own: Callable[..., Any], index: list[int]) -> list[Features]:
        """Ask the model for some of the pictures."""
        raise NotImplementedError

    def answer(self, features: Sequence[Features], model: Any) -> Any:
        """Put features together as the model's own function does."""
        raise NotImplementedError


class _Frames(_Asks):
    """Frames [1, F, 3, H, W]: LLaVA-OneVision and SmolVLM."""

    def __init__(self, given: tuple[Any, ...], side: int) -> None:
        (self._pixels,) = given
        frames, colours, height, width = self._pixels.shape[1:]
        cut = self._pixels[0, ..., : height // side * side, : width // side * side]
        cut = cut.reshape(frames, colours, height // side, side, width // side, side)
        self.patches = cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def run(self, own: Callable[..., Any], index: list[int]) -> list[Features]:
        """Ask for some frames."""
        import torch

        made = own(self._pixels[:, index], return_dict=True).pooler_output
        if isinstance(made, torch.Tensor):
            return [(one,) for one in made[0, :-1].chunk(len(index))]
        return [(one,) for one in torch.cat(list(made)).chunk(len(index))]

    def answer(self, features: Sequence[Features], model: Any) -> Any:
        """All frames, and LLaVA's line vector behind them."""
        import torch

        rows = torch.cat([one for (one,) in features])
        line = getattr(model.model, "image_newline", None)
        if line is None:
            return SimpleNamespace(pooler_output=[rows])
        return SimpleNamespace(pooler_output=torch.cat((rows, line[None].to(rows)))[None])


class _Qwen(_Asks):
    """Rows of patches [T · P, K] and their grid [T, h, w]."""

    def __init__(self, given: tuple[Any, ...], side: int) -> None:
        self._rows, self._grid = given
        self.patches = self._rows.reshape(int(self._grid[0, 0]), -1, self._rows.shape[-1])

    def run(self, own: Callable[..., Any], index: list[int]) -> list[Features]:
        """Ask for some pairs of frames."""
        grid = self._grid.clone()
        grid[0, 0] = len(index)
        seen = own(self.patches[index].flatten(0, 1), grid, return_dict=True)
        deep = getattr(seen, "deepstack_features", None) or []
        layers = [seen.pooler_output[0], *(layer[0] for layer in deep)]
        return list(zip(*(layer.chunk(len(index)) for layer in layers), strict=True))

    def answer(self, features: Sequence[Features], model: Any) -> Any:
        """All pairs, by layer."""
        import torch

        first, *deep = (torch.cat(layer) for layer in zip(*features, strict=True))
        return SimpleNamespace(pooler_output=(first,), deepstack_features=[(one,) for one in deep])


def _tower(model: Any, name: str) -> PartialTower | None:
    """The part of the model whose patches can run apart; None: pictures are taken whole."""
    tower = getattr(model.model, "vision_tower" if name == "llava_onevision" else "vision_model",
                    None)  # fmt: skip
    if tower is None or not serves(tower):
        return None
    layer = getattr(model.config, "vision_feature_layer", -1)
    wanted = [layer] if isinstance(layer, int) else list(layer)
    depth = len(tower.encoder.layers)
    # Hidden state 0 comes before all layers: nothing of it is noted.
    if any(n == 0 or n <= -depth - 1 for n in wanted):
        return None
    return PartialTower(tower, wanted)
