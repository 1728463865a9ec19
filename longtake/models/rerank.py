"""Rerankers: models that read a query and a text together and say how well the text answers it.

`open_reranker(model)` takes a cross-encoder of the model hub or of a folder (sentence-transformers,
or transformers with a head for one class). Scores lie in 0..1 and compare the texts of one query;
a pair that is longer than the model reads is cut. Weights are read when a score is first asked for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from longtake.errors import BackendError, MissingModel, UnsupportedModel
from longtake.models.hub import folder, hub_name
from longtake.models.quiet import offline, torch_threads
from longtake.models.vision.batches import in_batches

PAIRS = 16
"""Pairs that are read at once, unless the memory is too small."""
LONGEST = 512
"""Tokens of a pair at most, also where a model would read more: moments are short."""


@runtime_checkable
class Reranker(Protocol):
    """Says how well texts answer a query."""

    name: str

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return a number 0..1 for each text; higher answers better."""
        ...


def open_reranker(
    model: str | Path,
    *,
    name: str | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    threads: int = 0,
) -> Reranker:
    """Return a cross-encoder; its weights are read when first needed.

    Args:
        model: its name on the hub, or a folder.
        name: what it is called; None: the model's last name.
        device: where it runs, as torch names it.
        dtype: torch's name of its numbers; None: float32 on a processor, elsewhere as they are kept.
        threads: of torch; 0 means all.

    Raises:
        MissingModel: it is neither here nor reachable, or something is missing in its folder.
        UnsupportedModel: it is no cross-encoder.
    """
    place = folder(str(model))
    _check(place)
    called = name or hub_name(model)
    return _CrossEncoder(place, called, device, dtype, threads)


def _check(place: Path) -> None:
    """Make sure that a folder holds a cross-encoder: without its head one would be made up."""
    try:
        config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MissingModel(
            f"there is no model in {place}: its config.json cannot be read",
            fix="name a folder with a model, or fetch it: longtake models pull",
        ) from error
    if not any(place.rglob("*.safetensors")):
        raise MissingModel(
            f"the model in {place} is incomplete: weights (*.safetensors) missing",
            fix="fetch it again: longtake models pull",
        )
    made = config.get("architectures") or [""]
    single = len(config.get("id2label") or {0: ""}) == 1
    if not (place / "modules.json").is_file() and not (
        str(made[0]).endswith("ForSequenceClassification") and single
    ):
        raise UnsupportedModel(
            f"the model in {place} ({made[0] or 'unknown'}) is no reranker: those read a query and a "
            "text together and give one number",
            fix="name a cross-encoder",
        )


class _CrossEncoder:
    """`Reranker` over sentence-transformers."""

    def __init__(
        self, place: Path, name: str, device: str, dtype: str | None, threads: int
    ) -> None:
        self.name = name
        self._place, self._device, self._threads = place, device, threads
        self._dtype = dtype or ("float32" if device == "cpu" else "auto")
        self._lock = threading.Lock()
        self._size = PAIRS

    @cached_property
    def _model(self) -> Any:
        from safetensors import SafetensorError
        from sentence_transformers import CrossEncoder

        torch_threads(self._threads)
        try:
            with offline():
                made: Any = CrossEncoder(
                    str(self._place), device=self._device, trust_remote_code=False,
                    local_files_only=True,
                    model_kwargs={"use_safetensors": True, "dtype": self._dtype},
                )  # fmt: skip
        except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise MissingModel(
                f"the reranker in {self._place} cannot be read: {reason}",
                fix="fetch it again: longtake models pull",
            ) from error
        made.max_seq_length = min(made.max_seq_length or LONGEST, LONGEST)
        return made

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return a number 0..1 for each text; higher answers better.

        Raises:
            MissingModel: the weights cannot be read.
            BackendError: there is no memory for one pair, or its numbers are none.
        """
        with self._lock:
            # Pairs of like length together: a batch is as wide as its longest.
            order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
            pairs = [(query, texts[i]) for i in order]
            rows, self._size = in_batches(pairs, self._size, self._read, self.name)
        if not np.isfinite(rows).all():
            raise BackendError(f"{self.name} gave scores that are no numbers", fix="use float32")
        scores = [0.0] * len(texts)
        for i, one in zip(order, rows, strict=True):
            scores[i] = float(one)
        return scores

    def _read(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        from torch.nn import Sigmoid

        made = self._model.predict(
            list(pairs), batch_size=len(pairs), activation_fn=Sigmoid(), show_progress_bar=False
        )
        return [float(one) for one in np.asarray(made, np.float32).reshape(len(pairs))]
