"""Every model does what its Protocol asks: fakes always, real ones when `slow` tests run."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from longtake.models.protocols import SAMPLE_RATE, Image, Samples
from longtake.timecode import Span
from tests import conformance_models as conform
from tests.fakes import COLOURS, FakeChat, FakeReader, FakeTranscriber, fake_models, tone

LINES = ("The exam is on 12 June at 10:30", "Bring a pencil and an eraser", "Room 204")


def slide(lines: tuple[str, ...] = LINES) -> Image:
    picture = Pillow.new("RGB", (1280, 720), (250, 250, 245))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(40)
    for i, line in enumerate(lines):
        draw.text((90, 120 + i * 150), line, fill=(20, 20, 40), font=font)
    return np.asarray(picture)


def plain(colour: tuple[int, int, int]) -> Image:
    return np.full((90, 160, 3), colour, np.uint8)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


# -- fakes -----------------------------------------------------------------------------------


def test_fake_voice_finds_the_tone() -> None:
    sound = np.concatenate([silence(1), tone(440, 2), silence(1)])
    conform.check_voice(fake_models().voice_activity, sound, Span(1, 3))


def test_fake_transcriber_reads_tones_and_its_script() -> None:
    sound = np.concatenate([silence(1), tone(440, 2), silence(1), tone(700, 1)])
    model = FakeTranscriber([(1.0, 3.0, "from the script")], tones={700: "from a tone"})
    spans = [Span(1, 3), Span(4, 5)]
    conform.check_transcriber(model, sound, spans, ["from the script", "from a tone"])
    assert [u.text for u in model.transcribe(sound, spans[1:])] == ["from a tone"]


def test_fake_reader_reads_blocks() -> None:
    image = plain((250, 250, 245)).copy()
    image[20:60, 30:120] = (30, 90, 160)
    conform.check_reader(FakeReader({(30, 90, 160): LINES}), image, LINES, plain((250, 250, 245)))
    conform.check_rereader(FakeReader({(30, 90, 160): LINES}), image, LINES)


def test_fake_text_encoder_knows_shared_words() -> None:
    near = ("the exam is in June", "when is the exam")
    conform.check_text_encoder(fake_models().text_encoder, near, "purple submarines dive")


@pytest.mark.parametrize("kind", ["image_tagger", "image_encoder"])
def test_fake_sight_names_colours(kind: str) -> None:
    names = ["red", "green", "blue", "yellow"]
    images = [plain(COLOURS[name]) for name in names]
    check: Any = conform.check_tagger if kind == "image_tagger" else conform.check_image_encoder
    check(getattr(fake_models(), kind), images, names)


def test_fake_chat_scores_and_follows_its_script() -> None:
    model = FakeChat(["first", "second STOP third"])
    conform.check_chat(model, "is the exam in June?", ["banana", "June"], "June")
    assert model.generate([("user", "x")], max_tokens=9, stop=["STOP"]) == "second "
    assert model.generate([("user", "x")], max_tokens=9) == ""


# -- real models -----------------------------------------------------------------------------


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once pulled, nothing may open a connection."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def voice_sample(tmp_path: Path) -> tuple[Samples, Span]:
    """Synthesised English speech with silence around."""
    pytest.importorskip("espeakng_loader")
    from bench.worlds.voice import speak

    text = "The exam is on the twelfth of June. Bring a pencil and an eraser."
    spoken = speak(text, engine="espeak", cache=tmp_path)
    sound = np.concatenate([silence(1), spoken, silence(1.5)])
    return sound, Span(1, 1 + len(spoken) / SAMPLE_RATE)


@pytest.mark.slow
@pytest.mark.usefixtures("no_network")
class TestOffline:
    def test_voice(self, offline_models: Any, voice_sample: tuple[Samples, Span]) -> None:
        conform.check_voice(offline_models.voice_activity, *voice_sample)

    def test_transcriber(self, offline_models: Any, voice_sample: tuple[Samples, Span]) -> None:
        sound, spoken = voice_sample
        words = ["june", "pencil"]
        conform.check_transcriber(offline_models.transcriber, sound, [spoken], words)

    def test_reader(self, offline_models: Any) -> None:
        blank = np.full((720, 1280, 3), 90, np.uint8)
        conform.check_reader(offline_models.text_reader, slide(), LINES, blank)
        conform.check_rereader(offline_models.text_reader, slide(), LINES)

    def test_text_encoder(self, offline_models: Any) -> None:
        near = ("when does the exam take place", "the test is on 12 June")
        conform.check_text_encoder(offline_models.text_encoder, near, "a dog runs in the snow")

    def test_text_encoder_is_the_network_that_the_weights_were_trained_in(
        self, offline_models: Any
    ) -> None:
        """Our own encoder gives what the library's gives."""
        import torch
        from transformers import AutoModel, AutoTokenizer

        folder = offline_models.store.path("all-minilm-l6-v2")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        texts = ["when is the exam?", "a dog runs in the snow beside the frozen lake", ""]
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        with torch.inference_mode():
            hidden = AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state
        weights = batch["attention_mask"].unsqueeze(-1)
        mean = torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=1)
        np.testing.assert_allclose(offline_models.text_encoder.encode(texts), mean, atol=1e-5)

    def test_tagger_and_image_encoder(self, offline_models: Any) -> None:
        images = [traffic_light(), keyboard()]
        conform.check_tagger(
            offline_models.image_tagger, images, ["traffic light", "computer keyboard"]
        )
        conform.check_image_encoder(
            offline_models.image_encoder, images, ["a traffic signal", "a keyboard with keys"]
        )

    def test_chat(self, offline_models: Any) -> None:
        question = "What is the capital of France? Answer with one word."
        conform.check_chat(offline_models.chat, question, ["banana", "Paris", "seven"], "Paris")

    def test_chat_sums_the_log_probabilities_of_a_labels_tokens(self, offline_models: Any) -> None:
        """With the shared cache a long label scores as without any cache."""
        import torch

        chat = offline_models.chat
        messages = [("user", "Where is the exam?")]
        label = "In room two hundred and four"
        ids = chat._tokenizer.encode(label, add_special_tokens=False)
        prompt = chat._prompt(messages)
        with torch.inference_mode():
            whole = torch.tensor([[*prompt, *ids]])
            rows = torch.log_softmax(chat._model(whole).logits[0].float(), -1)
        start = len(prompt) - 1
        expected = sum(float(rows[start + i, token]) for i, token in enumerate(ids))
        scored = chat.score(messages, ["No", label, "Yes"])[1]
        assert scored == pytest.approx(expected, abs=1e-3)


def traffic_light() -> Image:
    picture = Pillow.new("RGB", (400, 400), (140, 190, 235))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((192, 300, 208, 400), fill=(70, 70, 70))
    draw.rounded_rectangle((140, 40, 260, 310), 20, fill=(30, 30, 30))
    for i, colour in enumerate([(240, 30, 20), (90, 70, 10), (10, 70, 30)]):
        draw.ellipse((162, 55 + i * 85, 238, 131 + i * 85), fill=colour)
    return np.asarray(picture)


def keyboard() -> Image:
    picture = Pillow.new("RGB", (600, 400), (205, 205, 205))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((20, 80, 580, 320), 12, fill=(40, 40, 42))
    font = ImageFont.load_default(16)
    for row, keys in enumerate(("1234567890-=", "QWERTYUIOP[]", "ASDFGHJKL;'#", "ZXCVBNM,./")):
        for i, key in enumerate(keys):
            x, y = 34 + i * 44 + row * 8, 94 + row * 44
            draw.rounded_rectangle((x, y, x + 38, y + 38), 5, fill=(75, 75, 78))
            draw.text((x + 12, y + 8), key, fill=(240, 240, 240), font=font)
    draw.rounded_rectangle((150, 272, 420, 308), 5, fill=(75, 75, 78))
    return np.asarray(picture)
