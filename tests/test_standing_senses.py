"""The watching ear and eye, and the first gate's background."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.worlds.draw import write
from longtake.agent.standing.ears import Ears
from longtake.agent.standing.eyes import Eyes
from longtake.agent.standing.gates import Gate
from longtake.agent.standing.matching import Meanings
from longtake.agent.standing.moment import Reading, Seen
from longtake.agent.standing.names import Names
from longtake.agent.standing.predicate import parse
from longtake.models.protocols import Tag
from longtake.perception.edges import TextWatch
from longtake.perception.items import Sound
from longtake.perception.lines import Line
from tests.fakes import FakeReader, FakeTagger, FakeTranscriber, FakeVoice, tone

RATE = 16_000
TONES = {400.0: "the closing date is monday"}


def heard(samples: np.ndarray, *, hurry: bool = False) -> list[tuple[float, str]]:
    """What is known after each second of sound."""
    ears, found = Ears(FakeVoice(), FakeTranscriber(tones=TONES)), []
    for second in range(len(samples) // RATE):
        part = samples[second * RATE : (second + 1) * RATE]
        ears.take(Sound(float(second), np.asarray(part, np.float32), RATE))
        ears.listen(hurry=hurry)
        found.append((ears.edge, " ".join(word.text for word in ears.words())))
    return found


def spoken(before: int, during: int, after: int) -> np.ndarray:
    quiet = [np.zeros(n * RATE, np.float32) for n in (before, after)]
    return np.concatenate([quiet[0], tone(400.0, during, RATE), quiet[1]])


def test_words_are_known_before_the_sentence_is_over() -> None:
    known = heard(spoken(2, 5, 3))
    assert "closing" in dict(known)[4.0]
    assert dict(known)[8.0] == "the closing date is monday"  # once, though it was heard often


def test_in_a_hurry_only_what_has_paused_is_heard() -> None:
    known = dict(heard(spoken(2, 5, 3), hurry=True))
    assert [known[float(second)] for second in range(3, 7)] == [""] * 4
    assert known[8.0] == "the closing date is monday"


def test_words_go_out_of_the_window() -> None:
    known = dict(heard(spoken(1, 2, 14)))
    assert known[5.0] == "the closing date is monday"
    assert known[16.0] == ""


def test_speech_without_a_pause_is_heard_too() -> None:
    known = heard(spoken(1, 30, 1))
    assert all(text for at, text in known if at > 4.0)


def test_silence_and_noise_are_measured() -> None:
    ears = Ears(None, None)
    samples = np.concatenate([tone(300.0, 10, RATE, 0.01), tone(300.0, 1, RATE, 0.5)])
    ears.take(Sound(0.0, samples[: 10 * RATE], RATE))
    ears.listen()
    ears.take(Sound(10.0, samples[10 * RATE :], RATE))
    ears.listen()
    assert ears.loud > 10
    ears.take(Sound(11.0, np.zeros(3 * RATE, np.float32), RATE))
    ears.listen()
    assert ears.quiet == 11.0


@pytest.mark.parametrize(("noise", "black"), [(0, 2.0), (6, 2.0), (60, None)])
def test_black_is_dark_all_over(noise: int, black: float | None) -> None:
    eyes = Eyes({"black"}, None, None)
    drawn = np.random.default_rng(1)
    for n in range(8):
        low = 200 if n < 4 else 4
        grain = drawn.integers(0, noise + 1, (90, 160, 3))
        eyes.see(n / 2, np.clip(grain + low, 0, 255).astype(np.uint8))
    assert eyes.black == black


def test_a_dusk_is_not_black() -> None:
    eyes = Eyes({"black"}, None, None)
    image = np.full((90, 160, 3), 8, np.uint8)
    image[30:60, 40:80] = 90
    eyes.see(0.0, image)
    assert eyes.black is None


def test_what_never_moved_has_not_frozen() -> None:
    eyes = Eyes({"freeze"}, None, None)
    still = np.full((90, 160, 3), 90, np.uint8)
    for n in range(6):
        eyes.see(n / 2, still.copy())
    assert eyes.still is None
    eyes.see(3.0, np.full((90, 160, 3), 190, np.uint8))
    assert eyes.still == 3.0


def test_a_picture_that_stands_is_looked_at_once() -> None:
    eyes = Eyes({"seen"}, None, FakeTagger())
    image = np.zeros((90, 160, 3), np.uint8)
    for n in range(20):
        eyes.see(n / 2, image)
    assert eyes.looks == 1


@pytest.mark.parametrize(
    ("first", "then", "since"),
    [
        ("the old bridge", "the old bridge is closed", 40.0),  # a line that runs in, or is typed
        ("GULLS 2", "GULLS2", 2.0),  # only read otherwise
        ("GULLS 2", "GULLS 2", 2.0),
    ],
)
def test_a_line_says_something_since_it_was_read_with_it(
    first: str, then: str, since: float
) -> None:
    eyes = Eyes({"screen"}, None, None)
    line = Line("a", first, 0.9, (0.1, 0.1, 0.3, 0.2), 2.0, 41.0, 3.0)
    eyes._screen.lines = [line]
    eyes._said = {"a": eyes._says(line, 3.0)}
    assert [one.since for one in eyes.lines()] == [2.0]
    line.text = then
    eyes._said = {"a": eyes._says(line, 40.0)}
    assert [(one.text, one.since) for one in eyes.lines()] == [(then, since)]


def test_a_line_that_runs_through_is_read_on_its_way() -> None:
    def readings(watch: TextWatch | None) -> int:
        eyes = Eyes({"screen"}, FakeReader(lambda image: []), None)
        eyes._watch = watch or eyes._watch
        for n in range(12):
            image = Image.new("RGB", (960, 540), "grey")
            words = "the old bridge is closed tonight, take the tunnel instead"
            write(ImageDraw.Draw(image), (500 - 73 * n, 500), words, 26, (250, 250, 250))
            eyes.see(n / 2, np.asarray(image))
        return eyes.readings

    assert readings(None) > readings(TextWatch(small_wait=2))


def opened(contrast: bool) -> list[bool]:
    """A thing that is seen all the time, rather surely: is it worth a look, second by second?"""
    gate = Gate(parse("a dog is seen"), Meanings(None), Names(None), contrast=contrast)
    return [
        gate.opens(Reading("seen", 0.4, float(t), float(t), "dog"), float(t)) for t in range(60)
    ]


def test_what_is_there_all_the_time_is_the_background_of_a_stream() -> None:
    assert not any(opened(contrast=True)[25:])
    assert all(opened(contrast=False))


def test_names_tell_how_surely_a_thing_is_seen() -> None:
    names = Names(None)
    seen = Seen(0.0, (Tag("dog", 0.8), Tag("sofa", 0.3)), None, ("brown", "white"))
    assert names.strength(parse("a dog is seen"), seen) == 0.8
    assert names.strength(parse("a cat is seen"), seen) == 0.0
    assert names.strength(parse("a green dog is seen"), seen) < 0.5  # another colour
    assert names.strength(parse("a brown dog is seen"), seen) == 0.8
