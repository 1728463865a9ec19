"""Which channels can be perceived: what the media holds and which models are there.

A model that is missing costs its channel, not the ingest: the caller is told in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from longtake.errors import MissingError
from longtake.models.protocols import ImageTagger, TextReader, Transcriber, VoiceActivity

M = TypeVar("M")


class PerceptionModels(Protocol):
    """The attributes of `longtake.models.profiles.Models` that perception uses."""

    @property
    def voice_activity(self) -> VoiceActivity: ...  # noqa: D102
    @property
    def transcriber(self) -> Transcriber: ...  # noqa: D102
    @property
    def text_reader(self) -> TextReader: ...  # noqa: D102
    @property
    def image_tagger(self) -> ImageTagger: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Channels:
    """The models at hand; None where the channel is skipped."""

    voice: VoiceActivity | None
    transcriber: Transcriber | None
    reader: TextReader | None
    tagger: ImageTagger | None

    @property
    def hears(self) -> bool:
        """Whether speech is transcribed."""
        return self.voice is not None and self.transcriber is not None


def open_channels(
    models: PerceptionModels, *, picture: bool, sound: bool, text: bool = True, tags: bool = True,
    warnings: list[str] | None = None,
) -> Channels:  # fmt: skip
    """Take what is needed from `models`; say in `warnings` what is missing.

    Of pictures, `text` and `tags` say what of them is wanted: no other model is opened.
    """

    def take(what: str, get: Callable[[], M | None]) -> M | None:
        try:
            model = get()
        except MissingError as error:
            if warnings is not None:
                mend = f": {error.fix}" if error.fix else ""
                warnings.append(f"{what} is skipped, {error.message}{mend}")
            return None
        if model is None and warnings is not None:
            warnings.append(f"{what} is skipped, the profile has no model for it")
        return model

    return Channels(
        voice=take("speech", lambda: models.voice_activity) if sound else None,
        transcriber=take("speech", lambda: models.transcriber) if sound else None,
        reader=take("screen text", lambda: models.text_reader) if picture and text else None,
        tagger=take("sight", lambda: models.image_tagger) if picture and tags else None,
    )
