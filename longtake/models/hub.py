"""Models that libraries fetch by name from a model hub, for machines that reach one.

A local folder does in place of a name everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from longtake.errors import MissingModel
from longtake.models.hub_catalog import HUB
from longtake.models.protocols import Vectors, WordVectors
from longtake.models.quiet import torch_threads

T = TypeVar("T")

WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "model.bin"]
"""What is fetched of a hub model; `model.bin` is how CTranslate2 names its own weights."""


def loaded(name: str, load: Callable[[], T]) -> T:
    """Load a hub model, and say it in our words when it is neither here nor reachable.

    Raises:
        MissingModel: the library could not find or fetch it.
    """
    try:
        return load()
    except _errors() as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else "no reason"
        raise MissingModel(
            f"the model {name} is not on this machine and could not be fetched ({reason})",
            fix="connect to the model hub once, name a local folder, or use --profile offline",
        ) from error


def _errors() -> tuple[type[Exception], ...]:
    """What loading raises; the HTTP library of huggingface_hub depends on its version."""
    there = [sys.modules[name] for name in ("httpx", "httpx2") if name in sys.modules]
    return (OSError, RuntimeError, ValueError, *(library.HTTPError for library in there))


def local(name: str) -> bool:
    """Whether a name means a folder or file of this machine, there or not.

    >>> local("./eyes"), local("tiny.gguf"), local("Qwen/Qwen3-0.6B")
    (True, True, False)
    """
    path = Path(name)
    return (
        path.expanduser().exists()
        or name.startswith((".", "~"))
        or path.is_absolute()
        or path.suffix == ".gguf"
    )


def hub_name(model: str | Path) -> str:
    """What a model of the hub, or of a folder or file, is called in the library.

    A plan names it before it is loaded and the model itself afterwards: both by this.

    >>> hub_name("Qwen/Qwen3-0.6B"), hub_name("/models/tiny.Q4.gguf")
    ('qwen3-0.6b@hub', 'tiny.q4.gguf@hub')
    """
    return f"{Path(model).name.lower()}@hub"


def place(name: str) -> Path:
    """Return where a model is: the folder or GGUF file named, or a hub model's folder.

    Raises:
        MissingModel: there is no such file, or the hub model is neither here nor reachable.
    """
    path = Path(name).expanduser()
    return path if path.is_file() else folder(name)


def revision(name: str) -> str | None:
    """The revision at which a hub model is taken; None is the newest."""
    known = HUB.get(name)
    return known.revision if known else None


def cached(name: str) -> bool:
    """Whether a model is on this machine already."""
    if local(name):
        return Path(name).expanduser().exists()
    return kept(name) is not None


def folder(name: str) -> Path:
    """Return the local folder of a hub model, fetched if need be.

    Raises:
        MissingModel: it is neither here nor reachable.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if local(name):
        raise MissingModel(
            f"there is no model at {path}", fix="name a folder, a GGUF file or a name on the hub"
        )
    found = kept(name)
    if found is None:
        from huggingface_hub import snapshot_download

        reach(name)
        at, wanted = revision(name), [*WANTED, *_pickles(name)]
        found = Path(
            loaded(name, lambda: snapshot_download(name, revision=at, allow_patterns=wanted))
        )
    if _pickles(name) and not (found / "model.safetensors").exists():
        from longtake.models.convert import convert

        convert("torch", found / "pytorch_model.bin", found / "model.safetensors")
    return found


def kept(name: str) -> Path | None:
    """Return the folder of a hub model that was fetched whole, without asking the hub."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = Path(snapshot_download(name, revision=revision(name), local_files_only=True))
    except (LocalEntryNotFoundError, ValueError):
        return None
    blobs = found.parent.parent / "blobs"
    broken_off = any(blobs.glob("*.incomplete")) if blobs.is_dir() else False
    return None if broken_off else found


def reach(name: str) -> Any:
    """Ask the hub about a model once, rather than wait through a downloader's retries.

    Raises:
        MissingModel: the hub cannot be reached, or does not know it.
    """
    from huggingface_hub import HfApi

    at = revision(name)
    return loaded(
        name, lambda: HfApi().model_info(name, revision=at, files_metadata=True, timeout=10)
    )


def _pickles(name: str) -> list[str]:
    """Weights that a model has as a torch pickle only."""
    return ["pytorch_model.bin"] if name in HUB and HUB[name].pickled else []


class SentenceEncoder:
    """`TextEncoder` and `QueryEncoder` over any sentence-transformers model.

    What such a model wants before a query or a passage ("query: ") stands in its configuration.
    """

    def __init__(self, model: str, *, threads: int = 0, device: str = "cpu") -> None:
        from sentence_transformers import SentenceTransformer

        torch_threads(threads)
        self._model: Any = loaded(model, lambda: SentenceTransformer(model, device=device))
        self.name = f"{Path(model).name}@hub"
        probe = self._model.encode([""], show_progress_bar=False)
        self.dim = int(np.asarray(probe).shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors [len(texts), dim] of texts that are to be found."""
        return self._encoded(self._model.encode_document, texts, "document", "passage", "corpus")

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors [len(texts), dim] of what is asked."""
        return self._encoded(self._model.encode_query, texts, "query")

    def _encoded(self, encode: Callable[..., Any], texts: Sequence[str], *names: str) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        # The library takes an empty prompt "document", which it adds itself, before "passage".
        every = self._model.prompts
        names = (*names, self._model.default_prompt_name or "")
        rows = encode(
            list(texts), prompt=next((every[name] for name in names if every.get(name)), ""),
            normalize_embeddings=True, show_progress_bar=False, batch_size=32,
        )  # fmt: skip
        return np.asarray(rows, np.float32)

    def words(self, texts: Sequence[str]) -> list[WordVectors]:
        """Return the pieces of each text with their token vectors."""
        if not texts:
            return []
        rows = self._model.encode(
            list(texts), prompt="", output_value="token_embeddings", show_progress_bar=False,
            batch_size=32,
        )  # fmt: skip
        longest = self._model.max_seq_length
        found = self._model.tokenizer(
            list(texts), truncation=True, max_length=longest, return_offsets_mapping=True
        )["offset_mapping"]
        return [
            _pieces(np.asarray(row.cpu()), spans) for row, spans in zip(rows, found, strict=True)
        ]


def _pieces(rows: Vectors, spans: Sequence[tuple[int, int]]) -> WordVectors:
    kept = [n for n, (start, end) in enumerate(spans) if end > start and n < len(rows)]
    vectors = rows[kept] / np.maximum(np.linalg.norm(rows[kept], axis=1, keepdims=True), 1e-12)
    return WordVectors(tuple(spans[n] for n in kept), np.asarray(vectors, np.float32))
