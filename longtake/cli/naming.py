"""`--model`: a model in place of the profile's, for one run."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

from longtake.errors import UsageError
from longtake.settings import MODEL_KINDS

PARTS = (*MODEL_KINDS, "streamer")


def named_models(given: Sequence[str]) -> dict[str, str]:
    """Read values of `--model` as settings: ``PART=NAME``, or a folder or GGUF file alone.

    A folder or file alone says by itself what it is: a model with eyes describes frames, any
    other phrases answers.

    Raises:
        UsageError: there is no such part, or a name alone does not say what it is for.
    """
    found: dict[str, str] = {}
    for text in given:
        part, equals, name = text.partition("=")
        if not equals:
            part, name = _part_of(text), text
        if part not in PARTS:
            near = difflib.get_close_matches(part, PARTS, n=1)
            hint = f"did you mean {near[0]}=?" if near else f"one of: {', '.join(PARTS)}"
            raise UsageError(f"there is no model part {part!r} in --model {text}", fix=hint)
        if not name:
            raise UsageError(f"--model {text} names no model", fix=f'"{part}=none" goes without')
        found[part] = f"{found[part]},{name}" if part == "encoders" and part in found else name
    return found


def _part_of(text: str) -> str:
    path = Path(text).expanduser()
    if path.suffix == ".gguf":
        return "chat"
    try:
        config = json.loads((path / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise UsageError(
            f"--model {text} is neither a folder with a model nor a GGUF file",
            fix=f"say what it is for: --model captioner={text}",
        ) from None
    return "captioner" if isinstance(config, dict) and "vision_config" in config else "chat"
