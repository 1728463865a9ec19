"""Which model does what: the profiles.

========== ======================================================================================
offline    Whisper tiny.en, PP-OCR, MiniLM, EfficientNet-Lite0, SmolLM2-135M: all from packages
cpu        Whisper small, multilingual sentence vectors and reranker, SigLIP2, SmolVLM2 captions,
           RT-DETR, Qwen3-0.6B from the model hub
gpu        Whisper large-v3-turbo, bge-m3 and its reranker, SigLIP2-so400m, Qwen3-VL-4B captions,
           RT-DETR, Qwen3-4B from the model hub, on the graphics card
api        as offline, with the chat model and the captions behind an OpenAI-compatible endpoint
auto       api when an endpoint is set; else gpu or cpu when their models are on this machine
           already; else offline. Frames are sent to an endpoint only if api itself is named, or
           the setting `captioner` names a model there
========== ======================================================================================

Nothing is loaded before it is used. `longtake.models.hub_catalog` has the names on the hub,
`longtake.models.parts` how each model comes about.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from longtake.errors import UsageError
from longtake.models.hub_catalog import CORE, PLANS
from longtake.models.kv.streamer import Streamer
from longtake.models.parts import Parts, SettingsLike
from longtake.models.protocols import (
    Captioner,
    ChatModel,
    Detector,
    Diarizer,
    ImageEncoder,
    ImageTagger,
    TextEncoder,
    TextReader,
    Transcriber,
    VisionModel,
    VoiceActivity,
)
from longtake.models.quiet import settle
from longtake.models.rerank import Reranker
from longtake.models.store import ModelStore

PROFILES = ("auto", "offline", "cpu", "gpu", "api")
KINDS = (
    "voice_activity",
    "transcriber",
    "text_reader",
    "text_encoder",
    "image_tagger",
    "image_encoder",
    "chat",
)
"""What every profile has."""
FURTHER = ("vision", "captioner", "encoders", "detector", "diarizer", "reranker", "reteller")
"""What a profile may be without. `captioner` is `vision` with the prompts of captions."""
WATCHING = tuple(kind for kind in KINDS if kind != "chat")
"""The kinds that watching a video takes; asking takes some of them, and phrasing the rest."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The settings of models alone."""

    profile: str = "auto"
    threads: int = 0
    language: str | None = None
    api_base: str | None = None
    api_model: str | None = None
    api_key: str | None = None
    streamer: str | None = None
    transcriber: str | None = None
    text_encoder: str | None = None
    chat: str | None = None
    captioner: str | None = None
    encoders: str | None = None
    detector: str | None = None
    diarizer: str | None = None
    reranker: str | None = None
    retell: bool = False
    api_price_read: float = 0.0
    api_price_written: float = 0.0


class Models:
    """The models of one profile; each is made when first asked for, once.

    `profile` is the profile in use: `auto` is resolved when this is made.
    """

    def __init__(self, settings: SettingsLike, store: ModelStore) -> None:
        if settings.profile not in PROFILES:
            raise UsageError(
                f"there is no profile {settings.profile!r}", fix=f"one of: {', '.join(PROFILES)}"
            )
        settle()
        self.settings = settings
        self.store = store
        sure = settings.profile != "auto"
        self.profile = settings.profile if sure else resolve(settings)
        self._made: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._parts = Parts(settings, store, self.profile, sure=sure, get=self._get).plan()

    @property
    def voice_activity(self) -> VoiceActivity:
        """Tells speech from other sound."""
        return cast(VoiceActivity, self._get("voice_activity"))

    @property
    def transcriber(self) -> Transcriber:
        """Turns speech into words."""
        return cast(Transcriber, self._get("transcriber"))

    @property
    def text_reader(self) -> TextReader:
        """Reads text in images."""
        return cast(TextReader, self._get("text_reader"))

    @property
    def text_encoder(self) -> TextEncoder:
        """Embeds text."""
        return cast(TextEncoder, self._get("text_encoder"))

    @property
    def image_tagger(self) -> ImageTagger:
        """Names what images show."""
        return cast(ImageTagger, self._get("image_tagger"))

    @property
    def image_encoder(self) -> ImageEncoder:
        """Embeds images and texts in one space."""
        return cast(ImageEncoder, self._get("image_encoder"))

    @property
    def chat(self) -> ChatModel | None:
        """Writes, and weighs choices; None when the profile has no language model."""
        return cast("ChatModel | None", self._get("chat"))

    @property
    def vision(self) -> VisionModel | None:
        """Looks at frames and writes; None when the profile has no such model."""
        return cast("VisionModel | None", self._get("vision"))

    @property
    def captioner(self) -> Captioner | None:
        """Describes frames, if asked with a question in mind; None when the profile does not."""
        return cast("Captioner | None", self._get("captioner"))

    @property
    def further_encoders(self) -> list[ImageEncoder]:
        """Embed images and texts in one space, beside `image_encoder`; often none."""
        return cast("list[ImageEncoder]", self._get("encoders") or [])

    @property
    def detector(self) -> Detector | None:
        """Finds things and where they are; None when the profile has none."""
        return cast("Detector | None", self._get("detector"))

    @property
    def reranker(self) -> Reranker | None:
        """Reads query and passage together; None when the profile has none."""
        return cast("Reranker | None", self._get("reranker"))

    @property
    def reteller(self) -> ChatModel | None:
        """Rewrites speech as caption lines; None unless the setting `retell` is on."""
        return cast("ChatModel | None", self._get("reteller"))

    @property
    def diarizer(self) -> Diarizer | None:
        """Tells voices apart; None when the profile does not."""
        return cast("Diarizer | None", self._get("diarizer"))

    @property
    def streamer(self) -> Streamer:
        """Reads a video as a stream, for the key–value memory."""
        return cast(Streamer, self._get("streamer"))

    @property
    def streamer_name(self) -> str:
        """The streamer's name, without loading it."""
        return self._parts["streamer"].name

    @property
    def streamer_sees(self) -> bool:
        """Whether the streamer is shown frames, without loading it.

        Raises:
            MissingModel: the one that was named is not here.
            UnsupportedModel: it sees in a way that is not served.
        """
        from longtake.models.hub import folder
        from longtake.models.kv.streamer import sees

        named = self.settings.streamer
        return sees(folder(named)) if named else False

    def names(self) -> dict[str, str]:
        """Return kind → name of the model, without loading any."""
        return {k: self._parts[k].name for k in (*KINDS, *FURTHER) if k in self._parts}

    def missing(self, kinds: Iterable[str] = KINDS) -> list[str]:
        """Return the names of the models that must be pulled before these kinds work."""
        parts = [self._parts[kind] for kind in kinds if kind in self._parts]
        needed = dict.fromkeys(name for part in parts for name in part.needs)
        return [name for name in needed if not self.store.have(name)]

    def hub_names(self, kinds: Iterable[str] = (*KINDS, *FURTHER)) -> list[str]:
        """Return the names of the hub's models, or folders, that these kinds need."""
        parts = [self._parts[kind] for kind in kinds if kind in self._parts]
        return list(dict.fromkeys(name for part in parts for name in part.hub))

    def absent(self, kinds: Iterable[str] = (*KINDS, *FURTHER)) -> list[str]:
        """Return those of `hub_names` that are not here."""
        from longtake.models.hub import cached

        return [name for name in self.hub_names(kinds) if not cached(name)]

    def _get(self, kind: str) -> Any:
        """The model of a kind, or None when the profile has none."""
        with self._lock:
            if kind not in self._made:
                part = self._parts.get(kind)
                self._made[kind] = part.build() if part else None
            return self._made[kind]


def resolve(settings: SettingsLike) -> str:
    """Choose the profile that `auto` stands for: the best whose parts are present."""
    if settings.api_base and settings.api_model:
        return "api"
    from longtake.models.hub import cached

    for profile in ("gpu", "cpu"):
        names = [getattr(settings, kind) or PLANS[profile][kind] for kind in CORE]
        if all(cached(name) for name in names) and (profile == "cpu" or _has_gpu()):
            return profile
    return "offline"


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def open_models(
    profile: str = "auto",
    *,
    models_dir: Path | str | None = None,
    threads: int = 0,
    language: str | None = None,
    api_base: str | None = None,
    api_model: str | None = None,
    api_key: str | None = None,
) -> Models:
    """Return the models of a profile, over the store in `models_dir`.

    Raises:
        UsageError: there is no such profile.
        MissingConfig: the profile `api` has no endpoint.
    """
    settings = ModelSettings(profile, threads, language, api_base, api_model, api_key)
    return Models(settings, ModelStore(models_dir))
