"""Encoders that place pictures and texts in one space: CLIP, SigLIP and SigLIP2.

Two kinds of folders are read: those of transformers (architectures `clip`, `siglip`, `siglip2`;
Radford et al., arXiv:2103.00020; Zhai et al., arXiv:2303.15343; Tschannen et al., arXiv:2502.14786)
and those of sentence-transformers that take pictures. Pictures are RGB `uint8` [height, width, 3]
of any size; vectors are `float32` [n, dim] of unit length. Texts longer than a model reads are cut.

`open_encoder(model)` looks at the folder and loads nothing; weights are read when a vector is first
asked for, so a search in a library without such vectors never waits for them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from longtake.errors import BackendError, MissingModel, UnsupportedModel
from longtake.models.hub import folder, hub_name
from longtake.models.protocols import Image, ImageEncoder, Vectors
from longtake.models.quiet import offline, torch_threads
from longtake.models.vision.batches import in_batches

if TYPE_CHECKING:
    from torch import Tensor

FAMILIES = ("clip", "siglip", "siglip2")
"""Architectures of transformers that are served, by `model_type`."""
PICTURES, TEXTS = 16, 64
"""Inputs that are encoded at once, unless the memory is too small."""

_NEEDED = {
    "weights (*.safetensors)": ("*.safetensors",),
    "a tokenizer": ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json"),
    "the picture settings": ("preprocessor_config.json", "processor_config.json"),
}


def open_encoder(
    model: str | Path,
    *,
    name: str | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    threads: int = 0,
) -> ImageEncoder:
    """Return an encoder of the model hub, or of a folder; its weights are read when first needed.

    Args:
        model: its name on the hub, or a folder with config.json and weights, or with the
            modules.json of sentence-transformers.
        name: what it is called in the library; None: the model's last name, ``clip-b32@hub``.
        device: where it runs, as torch names it.
        dtype: torch's name of its numbers; None: float32 on a processor, elsewhere as they are kept.
        threads: of torch; 0 means all.

    Raises:
        MissingModel: it is neither here nor reachable, or something is missing in its folder.
        UnsupportedModel: it is of another architecture.
    """
    place = folder(str(model))
    called = name or hub_name(model)
    if (place / "modules.json").is_file():
        return _Encoder(called, lambda: _Sentences(place, called, device, dtype, threads))
    check_folder(place)
    return _Encoder(called, lambda: _Towers(place, called, device, dtype, threads))


def check_folder(place: Path) -> str:
    """Make sure that a folder holds a whole model of a family that is served; return the family.

    Raises:
        MissingModel: something is missing in it.
        UnsupportedModel: it holds a model of another architecture.
    """
    family = str(_config(place).get("model_type", ""))
    if family not in FAMILIES:
        raise UnsupportedModel(
            f"the model in {place} is of the architecture {family or 'unknown'!r}, "
            "which does not place pictures and texts in one space",
            fix="name a CLIP, SigLIP or SigLIP2 model",
        )
    missing = [
        what for what, names in _NEEDED.items() if not any(any(place.glob(one)) for one in names)
    ]
    if missing:
        raise MissingModel(
            f"the model in {place} is incomplete: {', '.join(missing)} missing",
            fix="fetch it again: longtake models pull",
        )
    return family


def _config(place: Path) -> dict[str, Any]:
    path = place / "config.json"
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingModel(
            f"there is no model in {place}: it has no config.json",
            fix="name a folder with a model, or fetch it: longtake models pull",
        ) from error
    except (OSError, ValueError) as error:
        raise MissingModel(
            f"{path} cannot be read: {error}", fix="fetch the model again"
        ) from error
    return read if isinstance(read, dict) else {}


class _Network(Protocol):
    """A loaded model: vectors that need not be of unit length."""

    dim: int

    def images(self, images: Sequence[Image]) -> Sequence[Vectors]: ...

    def texts(self, texts: Sequence[str]) -> Sequence[Vectors]: ...


class _Encoder:
    """`ImageEncoder` over a network that is loaded when it is first needed."""

    def __init__(self, name: str, load: Callable[[], _Network]) -> None:
        self.name = name
        self._load = load
        self._lock = threading.Lock()
        self._sizes = {"images": PICTURES, "texts": TEXTS}

    @cached_property
    def _network(self) -> _Network:
        with self._lock:
            # Another thread may have loaded it while this one waited.
            found = self.__dict__.get("_network")
            return found if found is not None else self._load()

    @cached_property
    def dim(self) -> int:
        """How many numbers a vector has."""
        return self._network.dim

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Return unit vectors [len(images), dim]."""
        return self._encode("images", images, self._network.images)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors [len(texts), dim] comparable with those of `encode_images`."""
        return self._encode("texts", texts, self._network.texts)

    def _encode(self, kind: str, items: Sequence[Any], run: Callable[..., Any]) -> Vectors:
        if not items:
            return np.zeros((0, self.dim), np.float32)
        rows, self._sizes[kind] = in_batches(items, self._sizes[kind], run, self.name)
        matrix = np.stack(rows).astype(np.float32)
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        if not np.isfinite(norms).all():
            raise BackendError(
                f"{self.name} gave vectors that are no numbers", fix="use it with float32"
            )
        return np.asarray(matrix / np.maximum(norms, 1e-12), np.float32)


class _Towers:
    """A dual encoder of transformers; see the module."""

    def __init__(
        self, place: Path, name: str, device: str, dtype: str | None, threads: int
    ) -> None:
        import torch

        self.family = check_folder(place)
        self._device = device
        torch_threads(threads)
        kind: Any = dtype or ("float32" if device == "cpu" else "auto")
        with offline():
            self._model = _loaded(place, kind).to(device).eval()
            self._images, self._tokens = _processor(place)
        config = self._model.config.text_config
        self._length = int(config.max_position_embeddings)
        self._dtype = next(self._model.parameters()).dtype
        with torch.inference_mode():
            self.dim = len(self.texts([name])[0])

    def images(self, images: Sequence[Image]) -> list[Vectors]:
        """Return a vector for each picture."""
        from PIL import Image as Pillow

        given = self._images(
            images=[Pillow.fromarray(np.ascontiguousarray(one)) for one in images],
            return_tensors="pt",
        )
        return self._run(self._model.get_image_features, dict(given))

    def texts(self, texts: Sequence[str]) -> list[Vectors]:
        """Return a vector for each text, cut to what the model reads."""
        given = dict(
            self._tokens(
                [self._spelled(one) for one in texts],
                # SigLIP was trained on texts filled up to its full length, without a mask.
                padding=True if self.family == "clip" else "max_length",
                truncation=True,
                max_length=self._length,
                return_tensors="pt",
            )
        )
        wanted = ("input_ids", "attention_mask") if self.family == "clip" else ("input_ids",)
        return self._run(self._model.get_text_features, {k: given[k] for k in wanted})

    def _spelled(self, text: str) -> str:
        return text if self.family == "clip" else text.lower()

    def _run(self, features: Callable[..., Any], given: dict[str, Tensor]) -> list[Vectors]:
        import torch

        moved = {
            name: one.to(self._device, self._dtype if one.is_floating_point() else None)
            for name, one in given.items()
        }
        with torch.inference_mode():
            made = features(**moved)
        # Which of the two it is depends on the release of transformers.
        rows = made if isinstance(made, torch.Tensor) else made.pooler_output
        return list(rows.float().cpu().numpy())


def _loaded(place: Path, dtype: Any) -> Any:
    """Load weights; those that a file lacks would otherwise be made up at random."""
    from safetensors import SafetensorError
    from transformers import AutoModel

    try:
        model, told = AutoModel.from_pretrained(
            place, dtype=dtype, use_safetensors=True, trust_remote_code=False,
            local_files_only=True, output_loading_info=True,
        )  # fmt: skip
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise MissingModel(
            f"the weights in {place} cannot be read: {_first_line(error)}",
            fix="fetch the model again: longtake models pull",
        ) from error
    if told["missing_keys"]:
        raise MissingModel(
            f"the weights in {place} are incomplete: {len(told['missing_keys'])} tensors missing, "
            f"such as {min(told['missing_keys'])}",
            fix="fetch the model again: longtake models pull",
        )
    return model


def _processor(place: Path) -> tuple[Any, Any]:
    from transformers import AutoProcessor

    try:
        read = AutoProcessor.from_pretrained(place, trust_remote_code=False, local_files_only=True)
        return read.image_processor, read.tokenizer
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as error:
        raise MissingModel(
            f"the tokenizer or picture settings in {place} cannot be read: {_first_line(error)}",
            fix="fetch the model again: longtake models pull",
        ) from error


class _Sentences:
    """A model of sentence-transformers that takes pictures and texts."""

    def __init__(
        self, place: Path, name: str, device: str, dtype: str | None, threads: int
    ) -> None:
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer

        torch_threads(threads)
        given: dict[str, Any] = {"use_safetensors": True}
        if dtype:
            given["dtype"] = dtype
        try:
            with offline():
                self._model: Any = SentenceTransformer(
                    str(place), device=device, model_kwargs=given, trust_remote_code=False,
                    local_files_only=True,
                )  # fmt: skip
        except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
            raise MissingModel(
                f"the model in {place} cannot be read: {_first_line(error)}",
                fix="fetch it again: longtake models pull",
            ) from error
        if not (self._model.supports("image") and self._model.supports("text")):
            raise UnsupportedModel(
                f"the model in {place} does not take both pictures and texts",
                fix="name a CLIP-style model, or use it as text_encoder",
            )
        self._bound()
        self.dim = len(self.texts([name])[0])

    def images(self, images: Sequence[Image]) -> list[Vectors]:
        """Return a vector for each picture."""
        from PIL import Image as Pillow

        return self._run([Pillow.fromarray(np.ascontiguousarray(one)) for one in images])

    def texts(self, texts: Sequence[str]) -> list[Vectors]:
        """Return a vector for each text, cut to what the model reads."""
        return self._run(list(texts))

    def _bound(self) -> None:
        """Let texts be cut where the tokenizer's settings do not say how long they may be."""
        config = getattr(self._model[0], "config", None)
        most = getattr(getattr(config, "text_config", config), "max_position_embeddings", None)
        now = self._model.max_seq_length
        if most and (now is None or now > most):
            self._model.max_seq_length = int(most)

    def _run(self, items: list[Any]) -> list[Vectors]:
        made = self._model.encode(items, batch_size=len(items), show_progress_bar=False)
        return list(np.asarray(made, np.float32))


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
