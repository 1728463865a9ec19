"""Turn weights into safetensors, once, when they are fetched.

A torch pickle is read with `weights_only=True`, so nothing inside it runs, and is not kept. A
GGUF file is unpacked by transformers, which takes about a minute each time; what comes out is
kept in half precision with its tokenizer and opens in a second.
"""

from __future__ import annotations

import contextlib
import io
import pickle
from pathlib import Path
from typing import Any

from longtake.errors import BackendError
from longtake.models.quiet import offline


def convert(form: str, raw: Path, target: Path) -> None:
    """Read `raw`, a `torch` pickle or a `gguf` file, and write safetensors to `target`.

    For GGUF the folder of `target` gets config and tokenizer files too.

    Raises:
        BackendError: the file cannot be read as what it should be.
    """
    {"torch": _from_torch, "gguf": _from_gguf}[form](raw, target)


def _from_torch(raw: Path, target: Path) -> None:
    import torch
    from safetensors.torch import save_file

    try:
        state = torch.load(raw, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise BackendError(f"{raw.name} is not a plain file of weights: {error}") from error
    if isinstance(state, dict):
        state = state.get("model_state", state)  # Some files hold the optimiser's, too.
    tensors = {
        name: value.contiguous().clone()
        for name, value in sorted(state.items() if isinstance(state, dict) else ())
        if isinstance(value, torch.Tensor)
    }
    if not tensors:
        raise BackendError(f"{raw.name} holds no tensors")
    save_file(tensors, target, metadata={"format": "pt"})


def _from_gguf(raw: Path, target: Path) -> None:
    with offline(), contextlib.redirect_stderr(io.StringIO()):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        where: dict[str, Any] = {"gguf_file": raw.name, "local_files_only": True}
        try:
            tokenizer = AutoTokenizer.from_pretrained(raw.parent, **where)
            model = AutoModelForCausalLM.from_pretrained(raw.parent, dtype=torch.float32, **where)
        except (OSError, ValueError, KeyError) as error:
            raise BackendError(f"{raw.name} cannot be read as GGUF: {error}") from error
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config  # It is not quantised any more.
        model.hf_quantizer = None
        tokenizer.save_pretrained(target.parent)
        model.to(torch.float16).save_pretrained(target.parent, max_shard_size="100GB")
    if not target.is_file():
        raise BackendError(f"{raw.name} could not be kept as {target.name}")
