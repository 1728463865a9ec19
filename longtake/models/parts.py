"""How each model of a profile comes about: from a package, the hub, an endpoint, or a folder.

A `Part` is a promise: a name that is known without loading anything, and how the model is made
when it is first asked for. `Parts.plan` makes one for each kind that a profile has. A setting of
the kind's name takes the place of the plan's model: a folder, a GGUF file, a name on the hub, or
``none`` for what a profile can be without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from longtake.errors import MissingConfig
from longtake.models.hub import hub_name
from longtake.models.hub_catalog import PLANS
from longtake.models.kv.streamer import Streamer
from longtake.models.store import ModelStore

SPEAKER = "speaker-ge2e"
_MINILM, _WHISPER = "all-minilm-l6-v2", "whisper-tiny.en"
_EFFNET, _SMOLLM = "efficientnet-lite0", "smollm2-135m-instruct"


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
    @property
    def transcriber(self) -> str | None: ...  # noqa: D102
    @property
    def text_encoder(self) -> str | None: ...  # noqa: D102
    @property
    def chat(self) -> str | None: ...  # noqa: D102
    @property
    def captioner(self) -> str | None: ...  # noqa: D102
    @property
    def encoders(self) -> str | None: ...  # noqa: D102
    @property
    def detector(self) -> str | None: ...  # noqa: D102
    @property
    def diarizer(self) -> str | None: ...  # noqa: D102
    @property
    def reranker(self) -> str | None: ...  # noqa: D102
    @property
    def retell(self) -> bool: ...  # noqa: D102
    @property
    def api_price_read(self) -> float: ...  # noqa: D102
    @property
    def api_price_written(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Part:
    """One model of a profile: its name, what it needs from the store, and how it is made.

    `hub` are the names of what it needs from the model hub, or of folders and files.
    """

    name: str
    needs: tuple[str, ...]
    build: Callable[[], Any]
    hub: tuple[str, ...] = ()


class Parts:
    """Makes the parts of a profile.

    Args:
        profile: the profile in use, not `auto`.
        sure: whether the person named the profile; if not, what a plan names beyond its core is
            taken only where it is here.
        get: returns another model of the same profile by its kind.
    """

    def __init__(
        self,
        settings: SettingsLike,
        store: ModelStore,
        profile: str,
        *,
        sure: bool,
        get: Callable[[str], Any],
    ) -> None:
        self.settings, self.store, self.profile = settings, store, profile
        self.sure, self.get = sure, get
        self.device = "cuda" if profile == "gpu" else "cpu"
        self._plan = PLANS.get(profile, {})

    def plan(self) -> dict[str, Part]:
        """Return kind → part."""
        parts = self._packages()
        makers = {"transcriber": self._whisper, "text_encoder": self._text, "chat": self._local}
        parts |= {kind: make(name) for kind, make in makers.items() if (name := self._named(kind))}
        endpoint = self.settings.api_base and self.settings.api_model
        if not self.settings.chat and (self.profile == "api" or endpoint):
            parts["chat"] = self._endpoint()
        parts["image_tagger"] = tagger = self._tagger(parts["text_encoder"])
        parts["image_encoder"] = Part(tagger.name, tagger.needs, lambda: self.get("image_tagger"))
        # A graphics card is no place for it: the memory is read and placed by the processor.
        shared = self.profile == "cpu" and parts["chat"].name.endswith("@hub")
        parts["streamer"] = self._streamer(parts["chat"], shared=shared)
        if self.settings.retell:
            parts["reteller"] = parts["chat"]
        return parts | self._further()

    # -- what every profile has ------------------------------------------------------------

    def _packages(self) -> dict[str, Part]:
        from longtake.models.ocr import reader_name

        spec, threads = self.store.spec, self.settings.threads

        def whisper() -> Any:
            from longtake.models.whisper import Whisper

            return Whisper(self.store.path(_WHISPER), spec(_WHISPER).maker, threads=threads)

        def minilm() -> Any:
            from longtake.models.minilm import MiniLM

            return MiniLM(self.store.path(_MINILM), spec(_MINILM).maker, threads=threads)

        return {
            "voice_activity": Part("silero-vad-v6", (), _voice),
            "transcriber": Part(spec(_WHISPER).maker, (_WHISPER,), whisper),
            "text_reader": Part(reader_name(), (), self._reader),
            "text_encoder": Part(spec(_MINILM).maker, (_MINILM,), minilm),
            "chat": Part(spec(_SMOLLM).maker, (_SMOLLM,), self._smollm),
        }

    def _smollm(self) -> Any:
        from longtake.models.smollm import LocalChat

        place, maker = self.store.path(_SMOLLM), self.store.spec(_SMOLLM).maker
        return LocalChat(place, maker, threads=self.settings.threads)

    def _reader(self) -> Any:
        from longtake.models.ocr import RapidReader

        return RapidReader(threads=self.settings.threads)

    def _tagger(self, text: Part) -> Part:
        """Sight by tags, whose classes get vectors from the profile's text encoder."""
        maker = self.store.spec(_EFFNET).maker
        packaged = text.needs == (_MINILM,)
        name = f"{maker}+{_MINILM if packaged else text.name}"

        def build() -> Any:
            from longtake.models.sight import Sight

            key = name.replace("/", "-").replace("@", "-").replace("+", "-")
            weights = self.store.weights(_EFFNET)
            return Sight(
                weights, self.get("text_encoder"), name, threads=self.settings.threads,
                cache=self.store.directory / f"classes-{key}.npy",
            )  # fmt: skip

        return Part(name, (_EFFNET, *text.needs), build)

    # -- what a plan or a setting names ----------------------------------------------------

    def _named(self, kind: str) -> str | None:
        """The model that a setting or the plan names for a kind."""
        return getattr(self.settings, kind) or self._plan.get(kind)

    def _whisper(self, name: str) -> Part:
        label = hub_name(name).removeprefix("faster-")

        def build() -> Any:
            from longtake.models.hub import loaded, place
            from longtake.models.whisper import Whisper

            where = place(name)
            return loaded(
                name,
                lambda: Whisper(
                    where, label, threads=self.settings.threads, language=self.settings.language,
                    device=self.device, compute="int8" if self.device == "cpu" else "float16",
                ),
            )  # fmt: skip

        return Part(label, (), build, (name,))

    def _text(self, name: str) -> Part:
        label = f"{Path(name).name}@hub"

        def build() -> Any:
            from longtake.models.hub import SentenceEncoder, place

            where = str(place(name))
            encoder = SentenceEncoder(where, threads=self.settings.threads, device=self.device)
            encoder.name = label
            return encoder

        return Part(label, (), build, (name,))

    def _local(self, name: str) -> Part:
        """A language model that runs here: safetensors in a folder, or one GGUF file."""
        label = hub_name(name)

        def build() -> Any:
            from longtake.models.hub import loaded, place
            from longtake.models.smollm import LocalChat

            where, threads = place(name), self.settings.threads
            return loaded(
                name,
                lambda: LocalChat(where, label, threads=threads, context=8192, device=self.device),
            )

        return Part(label, (), build, (name,))

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

    def _streamer(self, chat: Part, *, shared: bool) -> Part:
        """The model that reads streams: the one named, the chat model if here, or the small one."""
        if named := self.settings.streamer:
            from longtake.models.hub import folder
            from longtake.models.kv.streamer import opened

            label = hub_name(named)
            return Part(label, (), lambda: opened(folder(named), label), (named,))
        name = chat.name if shared else self.store.spec(_SMOLLM).maker

        def streamer() -> Any:
            held = chat.name == name
            model, tokenizer = (self.get("chat") if held else self._smollm()).parts
            return Streamer(model, tokenizer, name)

        return Part(name, chat.needs if shared else (_SMOLLM,), streamer, chat.hub * shared)

    # -- what a profile may be without -----------------------------------------------------

    def _further(self) -> dict[str, Part]:
        from longtake.models import further

        parts: dict[str, Part] = {}
        for kind, make in further.MAKERS.items():
            named = self._wanted("captioner" if kind == "vision" else kind)
            if named is not None:
                parts[kind] = make(self, named)
        return parts

    def _wanted(self, kind: str) -> str | None:
        """The name of a further model, or None where the profile goes without."""
        given = getattr(self.settings, kind)
        if given == "none":
            return None
        if kind == "diarizer":
            return SPEAKER if self._speaker() else None
        if given:
            return str(given)
        if kind == "captioner" and self.profile == "api":
            return self.settings.api_model if self.sure else None
        planned = self._plan.get(kind)
        if planned is None or self.sure:
            return planned
        from longtake.models.hub import cached

        return planned if cached(planned) else None

    def _speaker(self) -> bool:
        """Whether voices are told apart: a plan says so, or the model was fetched for it."""
        here = SPEAKER in self.store.catalog and self.store.have(SPEAKER)
        return here or (self.sure and bool(self._plan))


def _voice() -> Any:
    from longtake.models.voice import SileroVoice

    return SileroVoice()
