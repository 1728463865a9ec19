"""Every option of Longtake, its default and what it is for: the one list of them.

`Settings` is a plain frozen dataclass; its fields and their `help` are what the loader, `longtake
config show` and the commented sample are made of. `longtake.config` reads them.
"""

# ruff: noqa: RUF009  (`_option` only calls `dataclasses.field`)

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Profile: TypeAlias = Literal["auto", "offline", "cpu", "gpu", "api"]
PROFILES: tuple[Profile, ...] = ("auto", "offline", "cpu", "gpu", "api")

PREFIX = "LONGTAKE_"
MODEL_KINDS = (
    "transcriber",
    "text_encoder",
    "chat",
    "captioner",
    "encoders",
    "detector",
    "diarizer",
    "reranker",
)
"""The options that name a model in place of the profile's."""


def _option(help: str, default: Any = dataclasses.MISSING, **more: Any) -> Any:
    """Declare an option; `more` may hold `factory` and pydantic constraints (`ge`, `gt`, `le`)."""
    factory = more.pop("factory", dataclasses.MISSING)
    return field(default=default, default_factory=factory, metadata={"help": help, **more})


def _model(does: str, *, or_none: bool = False) -> Any:
    """Declare an option that names a model in place of the profile's."""
    more = ', "none" goes without it' if or_none else ""
    return _option(f"{does}: a folder or a name on the hub; unset means the profile's{more}.", None)


def _default_library() -> Path:
    import platformdirs

    return platformdirs.user_data_path("longtake") / "library.longtake"


def _default_models_dir() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("longtake") / "models"


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Options of `longtake search`."""

    k: int = _option("How many moments a search returns.", 10, ge=1, le=1000)


@dataclass(frozen=True, slots=True)
class ProgressSettings:
    """Options of the progress report."""

    every: float = _option(
        "Seconds between two progress lines when the output is no terminal.", 10.0, gt=0
    )


@dataclass(frozen=True, slots=True)
class KVSettings:
    """Options of the key–value memory."""

    build: bool = _option("Build the key–value memory of each video that is watched.", False)
    bytes_per_hour: float = _option(
        "The most bytes it may take for an hour of video; 0 means 8-bit keys and 4-bit values.",
        0.0,
        ge=0,
    )


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """Options of how much room what is remembered may take."""

    video_bytes: int = _option(
        "Most bytes that is kept of a video: beyond it old detail goes, pictures first and text "
        "last; 0 means no limit.", 0, ge=0
    )  # fmt: skip
    library_bytes: int = _option(
        "The same for all videos together; the largest give first; 0 means no limit.", 0, ge=0
    )


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Options of recordings: what cannot be read twice is recorded while it is watched."""

    keep_bytes: int = _option(
        "Most bytes that a recording of a live source takes; the oldest go first, never the "
        "newest minute.", 2_000_000_000, ge=0
    )  # fmt: skip
    capacity: int = _option(
        "The capacity of what may not end: addresses, cameras, standard input and folders of "
        "segments; 0 keeps everything.", 2048, ge=0
    )  # fmt: skip
    leash: float = _option(
        "A recorder that nobody reads from ends after so many seconds.", 600.0, ge=60
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All options. `sources` says where each value came from; read it with `origins`.

    `warnings` are sentences about values that were left out; whoever loads tells them.
    """

    library: Path = _option("The library folder.", factory=_default_library)
    profile: Profile = _option("Which models to use: auto takes the best present.", "auto")
    models_dir: Path = _option("Where model weights are kept.", factory=_default_models_dir)
    threads: int = _option("CPU threads for models; 0 means all cores.", 0, ge=0)
    language: str | None = _option("Language of the speech; unset means detect.", None)
    ffmpeg: str | None = _option("The ffmpeg program for cutting; unset means look for it.", None)
    api_base: str | None = _option("Base URL of an OpenAI-compatible endpoint.", None)
    api_model: str | None = _option("Model name at that endpoint.", None)
    api_key: str | None = field(
        default=None, repr=False, metadata={"help": "Key of the endpoint (environment only)."}
    )
    streamer: str | None = _option(
        "Model that reads videos into the key–value memory, a folder or a name on the hub; one with "
        "eyes is shown their frames; unset means the profile's.",
        None,
    )
    api_price_read: float = _option(
        "What a million tokens read cost at the endpoint; 0: costs are not told.", 0.0, ge=0
    )
    api_price_written: float = _option("The same for a million tokens written.", 0.0, ge=0)
    retell: bool = _option(
        "Let the chat model rewrite speech as caption lines (one call for about 40 s of it).", False
    )
    transcriber: str | None = _model("Turns speech into words, in CTranslate2's form")
    text_encoder: str | None = _model("Embeds text; what was watched with another one stays")
    chat: str | None = _model("Phrases answers; a GGUF file does, too")
    captioner: str | None = _model("Describes frames", or_none=True)
    encoders: str | None = _model(
        "Embed images and texts in one space; several are parted by commas", or_none=True
    )
    detector: str | None = _model("Finds things and where they are in a frame", or_none=True)
    diarizer: str | None = _option('Tells voices apart; "none" goes without it.', None)
    reranker: str | None = _model("Reads query and passage together", or_none=True)
    chunk_seconds: float = _option(
        "Seconds of video stored in one transaction.", 60.0, ge=10, le=600
    )
    clip_seconds: float = _option("Aimed length of a clip in seconds.", 10.0, ge=2, le=120)
    capacity: int = _option(
        "Most frames, clips, scenes and chapters each that a video keeps, 128 or more; "
        "0 keeps everything (but see live.capacity).", 0, ge=0
    )  # fmt: skip
    search: SearchSettings = _option("Search.", factory=SearchSettings)
    progress: ProgressSettings = _option("Progress report.", factory=ProgressSettings)
    kv: KVSettings = _option("Key–value memory.", factory=KVSettings)
    budget: BudgetSettings = _option("Room for what is remembered.", factory=BudgetSettings)
    live: LiveSettings = _option("Recordings of live sources.", factory=LiveSettings)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    warnings: tuple[str, ...] = field(default=(), repr=False, compare=False)


NO_OPTIONS = frozenset({"sources", "warnings"})


@dataclass(frozen=True, slots=True)
class Option:
    """One option, with its dotted key, as documented."""

    key: str
    help: str
    default: Any
    kind: Any

    @property
    def env(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.key.replace(".", "__").upper()


def options(kind: type[Any] = Settings, prefix: str = "") -> Iterator[Option]:
    """List every option, sections after plain ones of the same level."""
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if item.name in NO_OPTIONS:
            continue
        if dataclasses.is_dataclass(hints[item.name]):
            yield from options(hints[item.name], f"{prefix}{item.name}.")
        else:
            made = item.default_factory
            default = item.default if made is dataclasses.MISSING else made()
            yield Option(prefix + item.name, item.metadata["help"], default, hints[item.name])
