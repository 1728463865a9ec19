"""The language model that the benches of the key–value memory run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MODEL = "smollm2-135m-instruct"


def loaded(name: str | None = None) -> tuple[Any, Any]:
    """Load a model and its tokenizer from a GGUF file or a folder; None: SmolLM2-135M."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from longtake.models.quiet import offline
    from longtake.models.store import ModelStore

    path = Path(name) if name else ModelStore(None).path(MODEL)
    place, kind = (path.parent, {"gguf_file": path.name}) if path.is_file() else (path, {})
    with offline():
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True, **kind)
        model = AutoModelForCausalLM.from_pretrained(
            place, dtype="float32", local_files_only=True, **kind
        )
    return model.eval(), tokenizer
