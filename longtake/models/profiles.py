"""Which model does what: the profiles.

========== ======================================================================================
offline    Whisper tiny.en, PP-OCR, MiniLM, EfficientNet-Lite0, SmolLM2-135M: all from packages
cpu        Whisper small, multilingual sentence vectors, Qwen3-0.6B from the model hub
gpu        Whisper large-v3-turbo, bge-m3, Qwen3-4B from the model hub, on the graphics card
api        as offline, with the chat model behind an OpenAI-compatible endpoint
auto       api when an endpoint is set; else gpu or cpu when their models are on this machine
           already; else offline
========== ======================================================================================

Nothing is loaded before it is used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from longtake.errors import MissingConfig, UsageError
from longtake.models.kv.streamer import Streamer
from longtake.models.protocols import (
    ChatModel,
    ImageEncoder,
    ImageTagger,
    TextEncoder,
    TextReader,
    Transcriber,
    VoiceActivity,
)
from longtake.models.quiet import settle
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
WATCHING = tuple(kind for kind in KINDS if kind != "chat")
"""The kinds that watching a video takes; asking takes some of them, and phrasing the rest."""

_HUB = {
    "cpu": {
        "speech": "small",
        "text": "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "chat": "Qwen/Qwen3-0.6B",
    },
    "gpu": {"speech": "large-v3-turbo", "text": "BAAI/bge-m3", "chat": "Qwen/Qwen3-4B"},
}


class SettingsLike(Protocol):
    """The settings that models need; see `longtake.config.Settings`."""

    @property
    def profile(self) -> str: ...  # noqa: D102
    @property
    def threads(self) -> int: ...  # noqa: D102
    @property
    def language(self) -> str | None: ...  # noqa: D102
    @property
    def api_base(self) -> str | None: ...  # noqa: D102
    @property
    def api_model(self) -> str | None: ...  # noqa: D102
    @property
    def api_key(self) -> str | None: ...  # noqa: D102
    @property
    def streamer(self) -> str | None: ...  # noqa: D102


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


@dataclass(frozen=True, slots=True)
class Part:
    """One model of a profile: its name, what it needs from the store, and how it is made."""

    name: str
    needs: tuple[str, ...]
    build: Callable[[], Any]


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
        self.profile = resolve(settings) if settings.profile == "auto" else settings.profile
        self._parts = self._plan()
        self._made: dict[str, Any] = {}
        self._lock = threading.RLock()

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
        return cast(ChatModel, self._get("chat")) if "chat" in self._parts else None

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
        return {kind: self._parts[kind].name for kind in KINDS if kind in self._parts}

    def missing(self, kinds: Iterable[str] = KINDS) -> list[str]:
        """Return the names of the models that must be pulled before these kinds work."""
        parts = [self._parts[kind] for kind in kinds if kind in self._parts]
        needed = dict.fromkeys(name for part in parts for name in part.needs)
        return [name for name in needed if not self.store.have(name)]

    def _get(self, kind: str) -> Any:
        with self._lock:
            if kind not in self._made:
                self._made[kind] = self._parts[kind].build()
            return self._made[kind]

    # -- plans -----------------------------------------------------------------------------

    def _plan(self) -> dict[str, Part]:
        parts = self._offline()
        if self.profile in _HUB:
            parts |= self._hub(_HUB[self.profile], "cuda" if self.profile == "gpu" else "cpu")
        if self.profile == "api" or (self.settings.api_base and self.settings.api_model):
            parts["chat"] = self._endpoint()
        # A graphics card is no place for it: the memory is read and placed by the processor.
        shared = self.profile == "cpu" and parts["chat"].name.endswith("@hub")
        parts["streamer"] = self._streamer(parts["chat"] if shared else None)
        return parts

    def _offline(self) -> dict[str, Part]:
        from longtake.models.ocr import reader_name

        spec = self.store.spec
        minilm, whisper = "all-minilm-l6-v2", "whisper-tiny.en"
        effnet, smollm = "efficientnet-lite0", "smollm2-135m-instruct"
        sight = Part(
            f"{spec(effnet).maker}+{minilm}", (effnet, minilm), lambda: self._sight(effnet)
        )
        return {
            "voice_activity": Part("silero-vad-v6", (), self._voice),
            "transcriber": Part(spec(whisper).maker, (whisper,), lambda: self._whisper(whisper)),
            "text_reader": Part(reader_name(), (), self._reader),
            "text_encoder": Part(spec(minilm).maker, (minilm,), lambda: self._minilm(minilm)),
            "image_tagger": sight,
            "image_encoder": Part(sight.name, sight.needs, lambda: self.image_tagger),
            "chat": Part(spec(smollm).maker, (smollm,), lambda: self._chat(smollm)),
        }

    def _hub(self, names: dict[str, str], device: str) -> dict[str, Part]:
        def whisper() -> Any:
            from longtake.models.hub import loaded
            from longtake.models.whisper import Whisper

            return loaded(
                f"whisper {names['speech']}",
                lambda: Whisper(
                    names["speech"],
                    f"whisper-{names['speech']}@hub",
                    threads=self.settings.threads,
                    language=self.settings.language,
                    device=device,
                    compute="int8" if device == "cpu" else "float16",
                ),
            )

        def text() -> Any:
            from longtake.models.hub import SentenceEncoder

            return SentenceEncoder(names["text"], threads=self.settings.threads, device=device)

        def chat() -> Any:
            from longtake.models.hub import folder
            from longtake.models.smollm import LocalChat

            name = f"{Path(names['chat']).name.lower()}@hub"
            place = folder(names["chat"])
            return LocalChat(
                place, name, threads=self.settings.threads, context=8192, device=device
            )

        # Sight stays with the tagger, whose classes get vectors from this profile's encoder.
        effnet = "efficientnet-lite0"
        text_name = f"{Path(names['text']).name}@hub"
        sight = Part(
            f"{self.store.spec(effnet).maker}+{text_name}", (effnet,), lambda: self._sight(effnet)
        )
        return {
            "transcriber": Part(f"whisper-{names['speech']}@hub", (), whisper),
            "text_encoder": Part(text_name, (), text),
            "image_tagger": sight,
            "image_encoder": Part(sight.name, sight.needs, lambda: self.image_tagger),
            "chat": Part(f"{Path(names['chat']).name.lower()}@hub", (), chat),
        }

    def _endpoint(self) -> Part:
        base, model = self.settings.api_base, self.settings.api_model
        if not base or not model:
            raise MissingConfig(
                "the profile api needs an endpoint and the name of a model there",
                fix="set LONGTAKE_API_BASE and LONGTAKE_API_MODEL (and LONGTAKE_API_KEY)",
            )

        def chat() -> Any:
            from longtake.models.endpoint import EndpointChat

            return EndpointChat(base, model, key=self.settings.api_key)

        return Part(f"{model}@api", (), chat)

    def _streamer(self, chat: Part | None) -> Part:
        """The model that reads streams: the one named, the chat model if here, or the small one."""
        if named := self.settings.streamer:
            from longtake.models.hub import folder
            from longtake.models.kv.streamer import opened

            label = f"{Path(named).name.lower()}@hub"
            return Part(label, (), lambda: opened(folder(named), label))
        small = "smollm2-135m-instruct"
        name = chat.name if chat else self.store.spec(small).maker

        def streamer() -> Any:
            held = self._parts["chat"].name == name
            model, tokenizer = (self._get("chat") if held else self._chat(small)).parts
            return Streamer(model, tokenizer, name)

        return Part(name, chat.needs if chat else (small,), streamer)

    # -- makers ----------------------------------------------------------------------------

    def _voice(self) -> Any:
        from longtake.models.voice import SileroVoice

        return SileroVoice()

    def _whisper(self, name: str) -> Any:
        from longtake.models.whisper import Whisper

        maker = self.store.spec(name).maker
        return Whisper(self.store.path(name), maker, threads=self.settings.threads)

    def _reader(self) -> Any:
        from longtake.models.ocr import RapidReader

        return RapidReader(threads=self.settings.threads)

    def _minilm(self, name: str) -> Any:
        from longtake.models.minilm import MiniLM

        maker = self.store.spec(name).maker
        return MiniLM(self.store.path(name), maker, threads=self.settings.threads)

    def _sight(self, name: str) -> Any:
        from longtake.models.sight import Sight

        weights = self.store.weights(name)
        part = self._parts["image_tagger"]
        key = part.name.replace("/", "-").replace("@", "-").replace("+", "-")
        return Sight(
            weights,
            self.text_encoder,
            part.name,
            threads=self.settings.threads,
            cache=self.store.directory / f"classes-{key}.npy",
        )

    def _chat(self, name: str) -> Any:
        from longtake.models.smollm import LocalChat

        maker = self.store.spec(name).maker
        return LocalChat(self.store.path(name), maker, threads=self.settings.threads)


def resolve(settings: SettingsLike) -> str:
    """Choose the profile that `auto` stands for: the best whose parts are present."""
    if settings.api_base and settings.api_model:
        return "api"
    from longtake.models.hub import cached

    for profile in ("gpu", "cpu"):
        names = _HUB[profile]
        speech = f"Systran/faster-whisper-{names['speech']}"
        if all(cached(name) for name in (speech, names["text"], names["chat"])) and (
            profile == "cpu" or _has_gpu()
        ):
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
