"""What every implementation of a model Protocol must do: one function for each Protocol.

Each takes a model, and material in which it must find something. They are run over the fakes
in every test run, and over the real models in tests marked `slow`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from longtake.models.protocols import (
    SAMPLE_RATE,
    ChatModel,
    Image,
    ImageEncoder,
    ImageTagger,
    Rereader,
    Samples,
    TextEncoder,
    TextLine,
    TextReader,
    Transcriber,
    Vectors,
    VoiceActivity,
)
from longtake.timecode import Span


def assert_unit(vectors: Vectors, count: int, dim: int) -> None:
    assert vectors.shape == (count, dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def check_voice(model: VoiceActivity, samples: Samples, spoken: Span) -> None:
    """`samples` hold speech in `spoken` alone, with silence around."""
    assert isinstance(model, VoiceActivity)
    assert model.name
    spans = model.speech(samples)
    assert spans == sorted(spans)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert all(0 <= s.start < s.end <= len(samples) / SAMPLE_RATE for s in spans)
    found = spans[0].cover(spans[-1])
    assert found.iou(spoken) > 0.7
    assert model.speech(samples) == spans
    assert model.speech(np.zeros(0, np.float32)) == []
    assert model.speech(np.zeros(SAMPLE_RATE, np.float32)) == []


def check_transcriber(
    model: Transcriber, samples: Samples, spans: Sequence[Span], words: Sequence[str]
) -> None:
    """`words` are among those spoken in `spans` of `samples`."""
    assert isinstance(model, Transcriber)
    said = model.transcribe(samples, spans)
    text = " ".join(u.text for u in said).lower()
    assert [word for word in words if word.lower() not in text] == []
    assert [u.span for u in said] == sorted(u.span for u in said)
    for utterance in said:
        assert utterance.text == utterance.text.strip() != ""
        assert 0 <= utterance.confidence <= 1
        assert utterance.words
        assert any(utterance.span.overlap(span.widen(0.3)) > 0 for span in spans)
        starts = [word.start for word in utterance.words]
        assert starts == sorted(starts)
        assert utterance.span.start == starts[0]
        assert all(w.start <= w.end <= utterance.span.end + 1e-6 for w in utterance.words)
        assert all(0 <= word.p <= 1 for word in utterance.words)
    assert model.transcribe(samples, spans) == said
    assert model.transcribe(samples, []) == []


def check_reader(model: TextReader, image: Image, lines: Sequence[str], blank: Image) -> None:
    """`image` shows `lines` from top to bottom; `blank` shows no text."""
    assert isinstance(model, TextReader)
    read, nothing, again = model.read([image, blank, image])
    assert [line.text for line in read] == list(lines)
    assert nothing == []
    assert again == read
    for line in read:
        x0, y0, x1, y1 = line.box
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
        assert 0 <= line.score <= 1
    assert model.read([]) == []


def check_rereader(model: Rereader, image: Image, lines: Sequence[str]) -> None:
    """What the caller knows is taken over; everything else is as `read` has it."""
    assert isinstance(model, Rereader)
    read = model.read([image])[0]
    assert model.reread(image, lambda box: None) == read
    first = read[0].box
    again = model.reread(image, lambda box: ("as known", 0.75) if box == first else None)
    assert again == [TextLine("as known", 0.75, first), *read[1:]]
    assert [line.text for line in read] == list(lines)


def check_text_encoder(model: TextEncoder, near: tuple[str, str], far: str) -> None:
    """The two texts of `near` are nearer to each other than to `far`."""
    assert isinstance(model, TextEncoder)
    texts = [*near, far, "", "a longer text " * 400]
    vectors = model.encode(texts)
    assert_unit(vectors, len(texts), model.dim)
    assert vectors[0] @ vectors[1] > max(vectors[0] @ vectors[2], vectors[1] @ vectors[2])
    # Company and order must not matter, beyond rounding.
    alone = np.concatenate([model.encode([text]) for text in reversed(texts)])[::-1]
    np.testing.assert_allclose(alone, vectors, atol=2e-4)
    assert np.array_equal(model.encode(texts), vectors)
    assert model.encode([]).shape == (0, model.dim)
    _check_words(model, near[0])


def _check_words(model: TextEncoder, text: str) -> None:
    """Every letter of a text stands in one piece, and a piece has a unit vector in context."""
    whole, nothing = model.words([text, ""])
    assert nothing.spans == ()
    assert nothing.vectors.shape == (0, model.dim)
    assert_unit(whole.vectors, len(whole.spans), model.dim)
    covered = [n for start, end in whole.spans for n in range(start, end)]
    assert len(covered) == len(set(covered))
    assert {n for n, letter in enumerate(text) if letter.isalnum()} <= set(covered)
    assert model.words([]) == []


def check_tagger(model: ImageTagger, images: Sequence[Image], labels: Sequence[str]) -> None:
    """The image at each place shows the label at that place."""
    assert isinstance(model, ImageTagger)
    tags, vectors = model.look(images)
    assert len(tags) == len(images)
    dim = vectors.shape[1]
    assert_unit(vectors, len(images), dim)
    for found, label in zip(tags, labels, strict=True):
        assert label in [tag.label for tag in found]
        assert [tag.p for tag in found] == sorted((tag.p for tag in found), reverse=True)
        assert all(0 <= tag.p <= 1.001 for tag in found)
    for i, image in enumerate(images):  # Company must not matter at all.
        alone_tags, alone = model.look([image])
        assert alone_tags[0] == tags[i]
        assert np.array_equal(alone[0], vectors[i])
    assert model.look([])[0] == []


def check_image_encoder(model: ImageEncoder, images: Sequence[Image], texts: Sequence[str]) -> None:
    """Each text is nearest to the image at its place."""
    assert isinstance(model, ImageEncoder)
    pictures, words = model.encode_images(images), model.encode_texts(texts)
    assert_unit(pictures, len(images), model.dim)
    assert_unit(words, len(texts), model.dim)
    assert (words @ pictures.T).argmax(axis=1).tolist() == list(range(len(images)))
    assert model.encode_images([]).shape == (0, model.dim)


def check_chat(model: ChatModel, question: str, labels: Sequence[str], best: str) -> None:
    """`best` is likelier than the other labels after `question`."""
    assert isinstance(model, ChatModel)
    messages = [("user", question)]
    reply = model.generate(messages, max_tokens=12)
    assert isinstance(reply, str)
    if not model.scores:
        return
    scores = model.score(messages, labels)
    assert len(scores) == len(labels)
    assert all(score <= 0 for score in scores)
    assert labels[int(np.argmax(scores))] == best
    assert model.score(messages, labels) == scores
    backwards = model.score(messages, list(reversed(labels)))
    np.testing.assert_allclose(backwards[::-1], scores, atol=1e-4)
