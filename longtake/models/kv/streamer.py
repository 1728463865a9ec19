"""The streamer: the language model whose keys and values remember a video.

A `Streamer` is a model of transformers with its tokenizer, and a name that tells its weights apart.
It is the chat model of the profile where that one runs in this process, so that nothing is loaded
twice; in every other profile the small model of the offline one. A user may name another: a folder
or a model of the hub, for text (`opened`), or one with eyes, that is shown the frames themselves.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.errors import MissingModel, UnsupportedModel
from longtake.models.protocols import Image

if TYPE_CHECKING:
    from longtake.models.kv.adapters import Adapter, FrameTokens
    from longtake.models.kv.tap import RopeTap

_LOOKS = ("video_preprocessor_config.json", "preprocessor_config.json")
"""Files that say how a model's frames are scaled; the first that is there counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Streamer:
    """A model that reads a stream: transformers' own model and tokenizer, and its name.

    `eyes` turn frames into what it reads; None: it reads text alone.
    """

    model: Any
    tokenizer: Any
    name: str
    eyes: Adapter | None = None

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

    def look(self, picture: Image, start: float, end: float) -> FrameTokens:
        """Return what it reads of one frame; a family that joins frames in pairs sees it twice.

        Raises:
            UnsupportedModel: it has no eyes.
        """
        from longtake.models.kv.adapters import Reader

        if self.eyes is None:
            raise UnsupportedModel(f"{self.name} reads no frames")
        reader = Reader(self.eyes, end - start)
        (unit,) = [*reader.feed([picture], [start]), *reader.close()]
        return unit

    def marks(self) -> tuple[str, str]:
        """What its family writes before and after a video's frames, as far as it is words."""
        ends = (self.eyes.opening(), self.eyes.closing()) if self.eyes is not None else (None, None)
        ids = [one.tokens.tolist() if one is not None else [] for one in ends]
        before, after = (self.tokenizer.decode([t for t in one if t >= 0]) for one in ids)
        return before, after


def sees(place: Path) -> bool:
    """Whether the model in this folder is shown frames; its weights are not read.

    Raises:
        MissingModel: there is no configuration.
        UnsupportedModel: it sees or hears in a way that is not served.
    """
    from longtake.models.kv.adapters import families

    told = _read(place / "config.json")
    if told is None:
        raise MissingModel(
            f"{place} holds no config.json of a model",
            fix="name a folder that transformers can load, or a model of the hub",
        )
    kind = str(told.get("model_type"))
    senses = [name for name in ("vision_config", "audio_config") if name in told]
    if senses and kind not in families():
        raise UnsupportedModel(
            f"the pictures of {kind} cannot be read into a key–value memory",
            fix=f"set streamer to one of: {', '.join(families())}, or to a model for text",
        )
    return bool(senses)


def opened(place: Path, name: str) -> Streamer:
    """Load a streamer from a folder, with eyes where the model has them.

    Raises:
        MissingModel: the folder holds no model.
        UnsupportedModel: it cannot be served.
    """
    import transformers

    from longtake.models.kv.adapters import adapter_for
    from longtake.models.quiet import offline

    seeing = sees(place)
    kind = transformers.AutoModelForImageTextToText if seeing else transformers.AutoModelForCausalLM
    with offline():
        try:
            tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                place, local_files_only=True
            )
            model: Any = kind.from_pretrained(place, local_files_only=True, dtype="float32")
        except (OSError, ValueError) as error:
            raise MissingModel(
                f"the streamer {name} cannot be loaded ({str(error).strip().splitlines()[0]})",
                fix="the folder must hold a model's config, tokenizer and safetensors",
            ) from error
    model.eval()
    settings = next((found for file in _LOOKS if (found := _read(place / file))), {})
    return Streamer(model, tokenizer, name,
                    adapter_for(model, tokenizer, settings) if seeing else None)  # fmt: skip


def _read(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def slug(name: str) -> str:
    """A model's name as that of a folder.

    >>> slug("org/model-135m@b179c952")
    'org-model-135m-b179c952'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "streamer"
