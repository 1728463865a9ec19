"""What a standing query says, and which words hold it."""

from __future__ import annotations

import pytest

from longtake.agent.standing.matching import Meanings, compact, matched
from longtake.agent.standing.predicate import parse
from longtake.errors import UsageError
from tests.fakes import FakeTextEncoder

PLAIN = Meanings(None)


def value(query: str, text: str, meanings: Meanings = PLAIN) -> float:
    return matched(parse(query), text.split(), meanings).value


@pytest.mark.parametrize(
    ("query", "channels"),
    [
        ("tell me when the exam is announced", {"spoken"}),
        ('"closing date" appears on the slide', {"screen"}),
        ("the slide says budget", {"screen"}),
        ("a dog appears", {"seen"}),
        ("the screen goes black", {"black"}),
        ("the picture turns red", {"seen"}),
        ("the video freezes", {"freeze"}),
        ("a new scene", {"cut"}),
        ("it goes silent", {"sound"}),
        ('"Room 12"', {"spoken", "screen"}),
        ("someone leaves a parcel", {"spoken", "screen", "seen"}),
    ],
)
def test_the_words_of_a_query_tell_where_it_may_show(query: str, channels: set[str]) -> None:
    assert set(parse(query).channels) == channels


def test_a_person_may_choose_the_channels() -> None:
    assert parse("a dog appears", within=["spoken"]).channels == {"spoken"}
    with pytest.raises(UsageError):
        parse("a dog appears", within=["smell"])


@pytest.mark.parametrize("empty", ["", "  ", "…!", "x" * 500])
def test_a_query_must_say_something(empty: str) -> None:
    with pytest.raises(UsageError):
        parse(empty)


def test_a_quoted_phrase_must_be_whole_and_in_order() -> None:
    query = 'when she says "closing date"'
    assert value(query, "and the closing date is near") == 1.0
    assert value(query, "the closing dates are near") == 1.0
    for near_miss in ("the closing ceremony", "a date for closing", "the date of the closing"):
        assert value(query, near_miss) < 0.5


@pytest.mark.parametrize(
    ("phrase", "line", "held"),
    [
        ("low tide", "thelowtide begins", True),
        (
            "low tide",
            "Thelow tide begins",
            False,
        ),  # only "low" is in the first word, as in "follow"
        ("low tide", "Follow tide tables", False),
        ("low tide", "Follow the low tide", True),
        ("first aid", "Firstaidhere", True),
        ("first aid", "First Aida tonight", False),
        ("Gulls 3", "GULLS3TERNS4", True),
        ("Gulls 3", "GULLS 30", False),
        ("closed", "undisclosed", False),
    ],
)
def test_a_line_without_blanks_holds_a_phrase_but_no_part_of_a_word_does(
    phrase: str, line: str, held: bool
) -> None:
    assert compact(parse(f'"{phrase}" is on screen'), line) is held


def test_numbers_are_one_number_however_they_are_written() -> None:
    assert value('"Room 27"', "in room twenty seven please") == 1.0
    assert value('"Room 27"', "in room twenty eight please") < 0.5
    assert value('"Room 27"', "in room 127 please") < 0.5


def test_all_telling_words_must_be_held() -> None:
    query = "the harbour master is mentioned"
    assert value(query, "ask the harbour master") == 1.0
    assert value(query, "ask the harbor master") >= 0.9  # another spelling
    assert value(query, "ask the harbour pilot") < 0.5


def test_words_that_belong_together_must_stand_together() -> None:
    apart = value("the harbour master is mentioned", "the harbour is shut and the master key lost")
    assert 0.5 < apart < 0.75


def test_a_word_of_the_same_meaning_counts_where_an_encoder_knows_it() -> None:
    class Alike(FakeTextEncoder):
        def encode(self, texts):  # type: ignore[no-untyped-def]
            return super().encode(["dog" if text == "puppy" else text for text in texts])

    assert value("he mentions a dog", "look at this puppy", Meanings(Alike())) == 1.0
    assert value("he mentions a dog", "look at this puppy") == 0.0


def test_the_place_of_a_match_is_that_of_its_words() -> None:
    match = matched(parse('"closing date"'), ["now", "the", "closing", "date", "comes"], PLAIN)
    assert (match.first, match.last) == (2, 3)
