"""Speech told again: what a language model writes is kept only where it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from longtake.perception import retell
from longtake.perception.later import LaterPass
from longtake.perception.retell import Line, Retell, checked, holds, prompt, windows
from longtake.storage.records import Record, Video
from longtake.timecode import Span

VIDEO = Video("v1", 1, "f", "cook.mp4", "cook.mp4", 700.0)
SAID = [
    "so um what we do now is we take the, the big pan here",
    "and you put it on, you know, on the stove, medium heat, right",
    "then Maria adds like 200 grams of the rice",
    "and stirs it, stirs it, until it's kind of see-through",
]


def utterance(n: int, start: float, text: str, long: float = 8.0) -> Record:
    span = Span(start, start + long)
    return Record(f"u{n}", "v1", "moment", "speech", span, span.end + 0.4, text, "asr")


UTTERANCES = [utterance(n, 10.0 * n, text) for n, text in enumerate(SAID)] + [
    utterance(9, 400.0, "and at the very end you let the whole thing rest for five minutes or so")
]
GOOD = "1-2: A big pan is put on the stove at medium heat.\n3-4: Maria adds 200 grams of rice and stirs it."


class Writer:
    """A chat model that answers by a function of what it is asked."""

    name = "writer@1"
    scores = False

    def __init__(self, answer: Callable[[str], str]) -> None:
        self.answer, self.asked = answer, list[str]()

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        self.asked.append(messages[-1][1])
        return self.answer(messages[-1][1])

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        raise AssertionError("nobody weighs anything here")


def told(answer: str) -> list[Record]:
    one = Retell(VIDEO, UTTERANCES, Writer(lambda _: answer), 700.0)
    checked_: LaterPass = one
    return [record for p in checked_.portions(0.0, b"") for record in p.records]


def test_good_lines_become_records_beside_the_words() -> None:
    before = list(UTTERANCES)
    records = told(GOOD)
    assert [(r.span.start, r.span.end, r.text) for r in records] == [
        (0.0, 18.0, "A big pan is put on the stove at medium heat."),
        (20.0, 38.0, "Maria adds 200 grams of rice and stirs it."),
    ]
    first = records[0]
    assert (first.level, first.channel, first.maker) == ("moment", "caption", "retell:writer@1")
    assert first.data == {"of": "speech"}
    assert first.parents == ("u0", "u1")
    assert first.known_at == UTTERANCES[3].known_at  # the model had read the whole window
    assert len({r.id for r in records}) == 2
    assert before == UTTERANCES


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("3: Paolo adds rice and stirs it, the rice.", "another name, and nothing else"),
        ("5: Maria adds the rice.", "there is no line 5"),
        ("0-1: A big pan is taken.", "lines count from 1"),
        ("3-2: Maria adds the rice.", "backwards"),
        ("3: Maria adds 500 grams of rice.", "another number"),
        ("3: Paolo adds 200 grams of rice.", "another name"),
        ("1-2: An elephant paints the ceiling with yellow butter.", "made up"),
        ("1-2: Pan, stove, heat " + "and heat " * 40, "endless"),
        ("Here is what the speaker says about the pan and the stove.", "no numbers"),
        ("1-2:", "empty"),
        ('{"line": 1, "text": "a big pan"}', "another form"),
        ("", "nothing"),
    ],
)
def test_lines_that_do_not_hold_are_dropped_and_others_stay(line: str, why: str) -> None:
    good = [Line(2, 3, "Maria adds 200 grams of rice and stirs it.")]
    assert checked(f"{line}\n{GOOD.splitlines()[1]}", SAID) == good, why


def test_lines_out_of_order_and_beyond_three_are_dropped() -> None:
    swapped = "\n".join(reversed(GOOD.splitlines()))
    assert [line.first for line in checked(swapped, SAID)] == [2]
    many = "\n".join(f"{n}: The big pan, the stove, the rice." for n in (1, 2, 2, 3, 3))
    assert len(checked(many, SAID)) == 3


def test_without_the_check_what_was_made_up_would_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    invented = "1-2: An elephant paints the ceiling with yellow butter."
    assert told(invented) == []
    monkeypatch.setattr(retell, "holds", lambda line, said: True)
    assert [r.text for r in told(invented)][:1] == [invented.partition(": ")[2]]


@pytest.mark.parametrize(
    "form", ["[1-2] : {}", "* 1 to 2: {}", "1–2. {}", "(1-2): {}", "- 1-2: {}"]
)
def test_forms_that_models_like_are_read(form: str) -> None:
    text = "A big pan is put on the stove."
    assert checked(form.format(text), SAID) == [Line(0, 1, text)]


def test_other_forms_of_a_word_hold_and_the_window_is_what_counts() -> None:
    assert holds("Stirring the rice", "and then you stir it, all the rice")
    assert not holds("Stirring the soup with spoons", "and then you stir it, all the rice")
    assert checked("1: Maria adds the rice.", [*SAID[:2], "and so", *SAID[2:]]) == []


def test_windows_end_at_silence_and_length_and_are_worth_it() -> None:
    long = [utterance(n, 10.0 * n, "one two three four") for n in range(10)]
    found = windows(long)
    assert [len(window) for window in found] == [4, 4]  # the last two have too few words
    assert all(w[-1].span.end - w[0].span.start <= retell.LONGEST for w in found)
    assert [w[0].id for w in windows(UTTERANCES)] == ["u0", "u9"]
    assert "1. so um what we do now" in prompt(UTTERANCES[:2])


def test_going_on_after_a_portion_asks_only_for_the_rest() -> None:
    writer = Writer(
        lambda asked: GOOD if "Maria" in asked else "1: The whole thing rests for five minutes."
    )
    whole = list(Retell(VIDEO, UTTERANCES, writer, 700.0).portions(0.0, b""))
    assert [p.until for p in whole] == [300.0, 600.0, 700.0]
    assert len(writer.asked) == 2
    rest = Retell(VIDEO, UTTERANCES, writer, 700.0).portions(whole[0].until, whole[0].carry)
    assert list(rest) == whole[1:]
    assert len(writer.asked) == 3
    assert whole[1].records[0].parents == ("u9",)
