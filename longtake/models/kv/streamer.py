"""The streamer: the language model whose keys and values remember a video.

A `Streamer` is a model of transformers with its tokenizer, and a name that tells its weights apart.
It is the chat model of the profile where that one runs in this process, so that nothing is loaded
twice; in every other profile the small model of the offline one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longtake.models.kv.tap import RopeTap


@dataclass(frozen=True, slots=True, eq=False)
class Streamer:
    """A model that reads a stream: transformers' own model and tokenizer, and its name."""

    model: Any
    tokenizer: Any
    name: str

    @property
    def dtype(self) -> str:
        """Torch's name of the type of its numbers, as ``float32``."""
        return str(self.model.dtype).removeprefix("torch.")

    def tap(self) -> RopeTap:
        """Return a tap for it, to be entered.

        Raises:
            UnsupportedModel: its keys cannot be placed exactly.
        """
        from longtake.models.kv.tap import RopeTap

        return RopeTap(self.model)

    def words(self) -> str:
        """Hash what turns text into tokens."""
        told = json.dumps(sorted(self.tokenizer.get_vocab().items()))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


def slug(name: str) -> str:
    """A model's name as that of a folder.

    >>> slug("org/model-135m@b179c952")
    'org-model-135m-b179c952'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "streamer"
