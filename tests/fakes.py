"""Deterministic stand-ins for every Protocol of `longtake.models.protocols`.

They read what tests draw or play (colours, tones), so a test says what is in a video and the
fakes find it there, where and when it is; nothing is looked up by file name or by call order,
except in `FakeChat`, whose replies are a script.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from longtake.models.protocols import (
    SAMPLE_RATE,
    Image,
    Known,
    Samples,
    Tag,
    TextLine,
    Utterance,
    Vectors,
    Word,
    WordVectors,
)
from longtake.timecode import Span

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 30, 30),
    "green": (30, 160, 50),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 40),
    "cyan": (40, 210, 220),
    "magenta": (210, 40, 200),
    "orange": (245, 140, 30),
    "brown": (120, 75, 35),
    "purple": (110, 40, 150),
    "pink": (250, 170, 190),
}
_NAMES = tuple(COLOURS)
_PALETTE = np.array([COLOURS[name] for name in _NAMES], np.float32)

MALFORMED = ("", "{", '```json\n{"choice": \n```', "Sure! Here is the answer:", "A" * 500)
"""Replies no caller can use as JSON, a label or a time."""


def _unit(rows: Vectors) -> Vectors:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)


class FakeTextEncoder:
    """Hashed bag of lower-case words: texts that share words are near; `""` is a fixed vector."""

    def __init__(self, dim: int = 64) -> None:
        self.name = "fake-text@00000000"
        self.dim = dim

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                digest = hashlib.sha256(word.encode()).digest()
                seed = np.random.default_rng(int.from_bytes(digest[:8], "big"))
                row += seed.standard_normal(self.dim).astype(np.float32)
        return _unit(rows)

    def words(self, texts: Sequence[str]) -> list[WordVectors]:
        made = []
        for text in texts:
            found = list(re.finditer(r"\w+", text))
            rows = [self.encode([match.group()])[0] for match in found]
            vectors = np.array(rows, np.float32).reshape(len(rows), self.dim)
            made.append(WordVectors(tuple(match.span() for match in found), vectors))
        return made


class FakeTagger:
    """Names the palette colours that cover at least a tenth of an image, and its brightness.

    Tags are such as ``red`` and ``bright``; the image's vector is the share-weighted sum of its
    colours' word vectors, so `FakeImageEncoder.encode_texts(["red"])` finds red images.
    """

    def __init__(self, encoder: FakeTextEncoder | None = None) -> None:
        self.name = "fake-tagger@00000000"
        self.encoder = encoder or FakeTextEncoder()
        self.dim = self.encoder.dim
        self._words = self.encoder.encode(_NAMES)

    def look(self, images: Sequence[Image]) -> tuple[list[list[Tag]], Vectors]:
        tags: list[list[Tag]] = []
        vectors = np.zeros((len(images), self.dim), np.float32)
        for i, image in enumerate(images):
            shares = _shares(image)
            found = [Tag(_NAMES[k], float(shares[k])) for k in np.argsort(-shares, kind="stable")]
            brightness = float(image.mean()) / 255
            light = Tag("bright", brightness) if brightness >= 0.5 else Tag("dark", 1 - brightness)
            found = [tag for tag in found if tag.p >= 0.1]
            tags.append(sorted([*found, light], key=lambda tag: (-tag.p, tag.label)))
            vectors[i] = shares @ self._words
        return tags, _unit(vectors)


def _shares(image: Image) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Share of pixels nearest to each palette colour."""
    step = max(1, min(image.shape[:2]) // 64)
    pixels = image[::step, ::step].reshape(-1, 3).astype(np.float32)
    nearest = ((pixels[:, None, :] - _PALETTE[None]) ** 2).sum(-1).argmin(1)
    return np.bincount(nearest, minlength=len(_NAMES)).astype(np.float32) / len(pixels)


class FakeImageEncoder:
    """Images and texts in the space of `FakeTextEncoder`; images by the colours they show."""

    def __init__(self, tagger: FakeTagger | None = None) -> None:
        self.tagger = tagger or FakeTagger()
        self.name = "fake-image@00000000"
        self.dim = self.tagger.dim

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        return self.tagger.look(images)[1]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return self.tagger.encoder.encode(texts)


class FakeReader:
    """Reads "text" that a test draws as blocks of colour.

    Args:
        blocks: colour → the lines that a block of this colour stands for; or a function from
            the image to its lines.
        tolerance: how far a channel may stray (lossy codecs change colours).
        least: the least share of the image that counts as a block.

    A block's box is the bounding box of its pixels; several lines share it from top to bottom.
    `calls` counts images read and `recognised` the lines whose text had to be made out, so tests
    can see that reading was saved.
    """

    def __init__(
        self,
        blocks: Mapping[Colour, Sequence[str]] | Callable[[Image], Sequence[str]] | None = None,
        *,
        tolerance: int = 28,
        least: float = 0.004,
    ) -> None:
        self.name = "fake-reader@00000000"
        self.blocks = blocks or {}
        self.tolerance = tolerance
        self.least = least
        self.calls = self.recognised = 0

    def read(self, images: Sequence[Image]) -> list[list[TextLine]]:
        return [self.reread(image, lambda box: None) for image in images]

    def reread(self, image: Image, known: Known) -> list[TextLine]:
        self.calls += 1
        lines = []
        for line in self._read(image):
            told = known(line.box)
            self.recognised += told is None
            lines.append(TextLine(*told, line.box) if told else line)
        return lines

    def _read(self, image: Image) -> list[TextLine]:
        if callable(self.blocks):
            return _stack(self.blocks(image), (0.0, 0.0, 1.0, 1.0))
        lines: list[TextLine] = []
        height, width = image.shape[:2]
        for colour, texts in self.blocks.items():
            away = np.abs(image.astype(np.int16) - np.array(colour, np.int16)).max(axis=2)
            ys, xs = np.nonzero(away <= self.tolerance)
            if len(ys) >= max(1, self.least * height * width):
                box = (
                    xs.min() / width,
                    ys.min() / height,
                    (xs.max() + 1) / width,
                    (ys.max() + 1) / height,
                )
                lines += _stack(texts, (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        return sorted(lines, key=lambda line: (line.box[1], line.box[0], line.text))


def _stack(texts: Sequence[str], box: tuple[float, float, float, float]) -> list[TextLine]:
    x0, y0, x1, y1 = box
    step = (y1 - y0) / max(1, len(texts))
    return [
        TextLine(text, 0.99, (x0, y0 + i * step, x1, y0 + (i + 1) * step))
        for i, text in enumerate(texts)
    ]


class FakeVoice:
    """Speech is where 50 ms blocks are louder than `threshold`; gaps under 0.3 s are bridged."""

    def __init__(self, threshold: float = 0.01) -> None:
        self.name = "fake-voice@00000000"
        self.threshold = threshold

    def speech(self, samples: Samples) -> list[Span]:
        size = SAMPLE_RATE // 20
        loud = [
            float(np.sqrt(np.mean(np.square(samples[i : i + size])))) >= self.threshold
            for i in range(0, len(samples), size)
        ]
        return _runs(loud, 0.05, bridge=0.3, limit=len(samples) / SAMPLE_RATE)


def _runs(flags: Sequence[bool], step: float, *, bridge: float, limit: float) -> list[Span]:
    spans: list[Span] = []
    for i, flag in enumerate(flags):
        if flag:
            start, end = i * step, min((i + 1) * step, limit)
            if spans and start - spans[-1].end < bridge:
                spans[-1] = Span(spans[-1].start, end)
            else:
                spans.append(Span(start, end))
    return spans


class FakeTranscriber:
    """Says what a script or tones say.

    Args:
        script: (start, end, text) in seconds from the first sample given; an utterance is
            returned when its middle lies in a span asked for.
        tones: hertz → text: wherever a span sounds this frequency (± 15 Hz), the text is spoken
            for as long as the tone lasts. Works however the sound is cut into windows, as
            long as a tone lies inside one. Use `tone(hz, seconds)` to make the sound.
    """

    def __init__(
        self,
        script: Sequence[tuple[float, float, str]] = (),
        *,
        tones: Mapping[float, str] | None = None,
    ) -> None:
        self.name = "fake-speech@00000000"
        self.script = tuple(script)
        self.tones = dict(tones or {})
        self.seconds = 0.0

    def transcribe(self, samples: Samples, spans: Sequence[Span]) -> list[Utterance]:
        self.seconds += sum(span.duration for span in spans)
        said = [
            utterance(start, end, text)
            for start, end, text in self.script
            if any(span.contains((start + end) / 2) for span in spans)
        ]
        for span in spans:
            said += self._tones(samples, span)
        return sorted(said, key=lambda u: (u.span.start, u.span.end, u.text))

    def _tones(self, samples: Samples, span: Span) -> list[Utterance]:
        size = SAMPLE_RATE // 20
        first = round(span.start * SAMPLE_RATE)
        last = min(round(span.end * SAMPLE_RATE), len(samples))
        heard = [_pitch(samples[i : i + size]) for i in range(first, last, size)]
        said: list[Utterance] = []
        for hertz, text in self.tones.items():
            flags = [abs(pitch - hertz) <= 15 for pitch in heard]
            for run in _runs(flags, 0.05, bridge=0.2, limit=(last - first) / SAMPLE_RATE):
                if run.duration >= 0.1:
                    said.append(utterance(span.start + run.start, span.start + run.end, text))
        return said


def _pitch(block: Samples) -> float:
    """The loudest frequency of a block, 0 for silence."""
    if len(block) < 400 or float(np.abs(block).max()) < 0.005:
        return 0.0
    spectrum = np.abs(np.fft.rfft(block * np.hanning(len(block)), 8 * len(block)))
    return float(spectrum.argmax() * SAMPLE_RATE / (8 * len(block)))


def tone(hertz: float, seconds: float, rate: int = SAMPLE_RATE, volume: float = 0.3) -> Samples:
    """A sine that `FakeVoice` takes for speech and `FakeTranscriber(tones=…)` can read."""
    times = np.arange(round(seconds * rate)) / rate
    return np.asarray(volume * np.sin(2 * np.pi * hertz * times), np.float32)


def utterance(start: float, end: float, text: str, p: float = 0.9) -> Utterance:
    """An utterance whose words are spread evenly over its span."""
    parts = text.split()
    step = (end - start) / max(1, len(parts))
    words = tuple(
        Word(start + i * step, start + (i + 1) * step, part, p) for i, part in enumerate(parts)
    )
    return Utterance(Span(start, end), text, words, p)


Script = Sequence[str | Exception] | Mapping[str, str] | Callable[[Sequence[tuple[str, str]]], str]


class FakeChat:
    """A chat model that follows a script and keeps what it was asked in `asked`.

    Args:
        script: replies in order (an exception in it is raised; when it is used up, the reply
            is ""), or a mapping from a part of the last message to a reply, or a function of
            the messages.
        scorer: a function (messages, labels) → log-probabilities. Without it a label scores by
            the share of its words that the messages hold.
        scores: False makes a model without log-probabilities, whose `score` raises.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        scorer: Callable[[Sequence[tuple[str, str]], Sequence[str]], list[float]] | None = None,
        scores: bool = True,
    ) -> None:
        self.name = "fake-chat@00000000"
        self.scores = scores
        self.script = script
        self.scorer = scorer
        self.asked: list[tuple[tuple[str, str], ...]] = []
        self._next = 0

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        self.asked.append(tuple(messages))
        reply = self._reply(messages)
        cuts = [reply.find(mark) for mark in stop if mark and mark in reply]
        reply = reply[: min(cuts)] if cuts else reply
        return " ".join(reply.split(" ")[:max_tokens])

    def _reply(self, messages: Sequence[tuple[str, str]]) -> str:
        if callable(self.script):
            return self.script(messages)
        if isinstance(self.script, Mapping):
            last = messages[-1][1]
            return next((reply for part, reply in self.script.items() if part in last), "")
        if self._next >= len(self.script):
            return ""
        reply = self.script[self._next]
        self._next += 1
        if isinstance(reply, Exception):
            raise reply
        return reply

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        if not self.scores:
            raise NotImplementedError(f"{self.name} has no log-probabilities")
        self.asked.append(tuple(messages))
        if self.scorer:
            return self.scorer(messages, labels)
        known = set(re.findall(r"\w+", " ".join(text for _, text in messages).lower()))
        parts = [re.findall(r"\w+", label.lower()) for label in labels]
        return [-1.0 - sum(word not in known for word in part) for part in parts]


@dataclass
class FakeModels:
    """The attributes of `longtake.models.profiles.Models`, over fakes."""

    voice_activity: Any = field(default_factory=FakeVoice)
    transcriber: Any = field(default_factory=FakeTranscriber)
    text_reader: Any = field(default_factory=FakeReader)
    text_encoder: Any = field(default_factory=FakeTextEncoder)
    image_tagger: Any = field(default_factory=FakeTagger)
    image_encoder: Any = field(default_factory=FakeImageEncoder)
    chat: Any = None
    further_encoders: Any = ()
    reranker: Any = None
    streamer_sees: bool = False
    profile: str = "fake"

    def names(self) -> dict[str, str]:
        kinds = (
            "voice_activity",
            "transcriber",
            "text_reader",
            "text_encoder",
            "image_tagger",
            "image_encoder",
            "chat",
        )
        return {kind: getattr(self, kind).name for kind in kinds if getattr(self, kind)}

    def absent(self, kinds: object = ()) -> list[str]:
        return []

    def missing(self, kinds: Iterable[str] = ()) -> list[str]:
        return []


def fake_models(**overrides: Any) -> FakeModels:
    """Fakes for every kind of model; name an attribute to put another in its place."""
    return FakeModels(**overrides)
