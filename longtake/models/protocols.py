"""What Longtake asks of a pretrained model, one small Protocol for each kind.

Every model has a `name`, which goes into the `maker` of the records it makes: the model and the
first eight hex digits of its weights' hash or its revision, ``whisper-tiny.en@1a5afae0``.
Images are RGB `uint8` arrays [height, width, 3]; sound is mono `float32` at 16 kHz in [-1, 1];
vectors are `float32` and of unit length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from longtake.timecode import Seconds, Span

Image: TypeAlias = NDArray[np.uint8]
Samples: TypeAlias = NDArray[np.float32]
Vectors: TypeAlias = NDArray[np.float32]

SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word; times in seconds from the start of the samples given."""

    start: Seconds
    end: Seconds
    text: str
    p: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech, about a sentence; `confidence` is the mean word probability.

    `language` is the code of the language that was detected, ``de``; None where it was given, or
    where the model was not sure.
    """

    span: Span
    text: str
    words: tuple[Word, ...]
    confidence: float
    language: str | None = None


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text in an image; `box` is (x0, y0, x1, y1) as shares of width and height."""

    text: str
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Tag:
    """A thing named by an image classifier, with its probability."""

    label: str
    p: float


@runtime_checkable
class VoiceActivity(Protocol):
    """Tells speech from other sound."""

    name: str

    def speech(self, samples: Samples) -> list[Span]:
        """Return the spans that hold speech, in order, in seconds from the first sample."""
        ...


@runtime_checkable
class Transcriber(Protocol):
    """Turns speech into words with times."""

    name: str

    def transcribe(self, samples: Samples, spans: Sequence[Span]) -> list[Utterance]:
        """Transcribe the given speech spans of `samples`; times count from the first sample."""
        ...


@runtime_checkable
class Diarizer(Protocol):
    """Tells voices apart.

    `same` is the cosine from which two stretches of speech are taken for one voice.
    """

    name: str
    same: float

    def voices(self, samples: Samples, spans: Sequence[Span]) -> Vectors:
        """Return unit vectors [len(spans), dim], one for the voice in each span of `samples`."""
        ...


@runtime_checkable
class TextReader(Protocol):
    """Reads text in images."""

    name: str

    def read(self, images: Sequence[Image]) -> list[list[TextLine]]:
        """Return each image's lines in reading order; an image without text gives `[]`."""
        ...


Known: TypeAlias = Callable[[tuple[float, float, float, float]], tuple[str, float] | None]
"""Tells the text and score of a box whose looks are as they were when it was read; else None."""


@runtime_checkable
class Rereader(TextReader, Protocol):
    """A `TextReader` that need not read again what is known already."""

    def reread(self, image: Image, known: Known) -> list[TextLine]:
        """Like `read` of one image; boxes that `known` answers for take its text and score."""
        ...


@dataclass(frozen=True, slots=True)
class WordVectors:
    """The pieces of a text in order: words, or parts of words.

    `spans` are (start, end) in characters of the text, `vectors` unit rows [len(spans), dim] of
    what each piece means where it stands.
    """

    spans: tuple[tuple[int, int], ...]
    vectors: Vectors


@runtime_checkable
class TextEncoder(Protocol):
    """Embeds text."""

    name: str
    dim: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors [len(texts), dim]."""
        ...

    def words(self, texts: Sequence[str]) -> list[WordVectors]:
        """Return for each text its pieces in context; an empty text has none."""
        ...


@runtime_checkable
class QueryEncoder(TextEncoder, Protocol):
    """A `TextEncoder` that embeds what is asked otherwise than what is searched."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors [len(texts), dim] to be compared with those of `encode`."""
        ...


@runtime_checkable
class ImageEncoder(Protocol):
    """Embeds images and texts in one space."""

    name: str

    @property
    def dim(self) -> int:
        """How many numbers a vector has; a model may have to be loaded to tell."""
        ...

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Return unit vectors [len(images), dim]."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors [len(texts), dim] comparable with those of `encode_images`."""
        ...


@dataclass(frozen=True, slots=True)
class Detection:
    """A thing found in an image; `box` is (x0, y0, x1, y1) as shares of width and height."""

    label: str
    p: float
    box: tuple[float, float, float, float]


@runtime_checkable
class Detector(Protocol):
    """Finds things in images, and where they are."""

    name: str

    def detect(
        self, images: Sequence[Image], labels: Sequence[str] | None = None
    ) -> list[list[Detection]]:
        """Return what each image holds, surest first, each label from those asked for.

        Without `labels` a closed-set detector names all that it knows; an open one needs them.
        """
        ...


@runtime_checkable
class ImageTagger(Protocol):
    """Names what images show."""

    name: str

    def look(self, images: Sequence[Image]) -> tuple[list[list[Tag]], Vectors]:
        """Return each image's tags, best first, and its unit vector, from one forward pass."""
        ...


@runtime_checkable
class Captioner(Protocol):
    """Describes images in words, if asked with a question in mind."""

    name: str

    def caption(self, images: Sequence[Image], question: str | None = None) -> str:
        """Describe the images, which are frames of one span in order of time."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a vision model: what it is shown, in order, and what it is told.

    No images at all is allowed: then only the text is read.
    """

    images: tuple[Image, ...]
    text: str


@runtime_checkable
class VisionModel(Protocol):
    """Reads images and text, and writes text."""

    name: str

    def write(self, asked: Sequence[Asked], *, max_tokens: int) -> list[str]:
        """Answer each request by itself, in the order given, at temperature 0."""
        ...


@runtime_checkable
class ChatModel(Protocol):
    """A language model that can write, and weigh short continuations.

    `scores` tells whether `score` works; a model behind an endpoint may lack log-probabilities,
    which may be found out only when `scores` is first looked at.
    """

    name: str

    @property
    def scores(self) -> bool:
        """Whether `score` works."""
        ...

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """Continue a chat of (role, text) pairs, at temperature 0."""
        ...

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """Return the log-probability of each label as the assistant's next words."""
        ...
