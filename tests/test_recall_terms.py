"""Queries: content words, quotations and time expressions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longtake.memory.terms import Query, content_words, parse_query, stem, words_of
from longtake.memory.when import parse_when
from longtake.timecode import Span

HOUR = 3600.0


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("what is said after 10 minutes", Span(600, HOUR)),
        ("after ten minutes, what is said", Span(600, HOUR)),
        ("who speaks between 0:30 and 1:00?", Span(30, 60)),
        ("what is on screen from 2m to 3m30s", Span(120, 210)),
        ("the title 12:00-13:00", Span(720, 780)),
        ("in the last five minutes", Span(3300, HOUR)),
        ("during the first 90 seconds", Span(0, 90)),
        ("in the first half an hour", Span(0, 1800)),
        ("what happens at 0:20:30", Span(1215, 1245)),
        ("what happens around minute 12", Span(660, 780)),
        ("in the second half of the lecture", Span(1800, HOUR)),
        ("what is shown at the end of the video", Span(3240, HOUR)),
        ("how does it begin at the start", Span(0, 360)),
        ("anything before 1 hour and 5 minutes", Span(0, HOUR)),
    ],
)
def test_times_are_read(text: str, span: Span) -> None:
    assert parse_query(text, HOUR).span == span


@pytest.mark.parametrize(
    "text",
    [
        "stir after 10 minutes of boiling",
        "what comes after the exam",
        "chapter 12",
        "how many people stand at the end of the queue",
        "the last person on the left",
        'who says "at 10:30 we meet"',
        "plastic seconds",
        "what is the ratio 16:9",
        "what does he say about the first half marathon",
    ],
)
def test_what_is_no_time_is_left_alone(text: str) -> None:
    query = parse_query(text, HOUR)
    assert query.span is None
    assert query.text == text


def test_times_from_the_end_need_a_duration() -> None:
    assert parse_query("in the last five minutes", None).span is None
    assert parse_query("after five minutes", None).span is not None


def test_a_time_beyond_the_video_is_no_filter() -> None:
    assert parse_query("what happens at 10:30:00", HOUR).span is None


def test_a_query_is_taken_apart() -> None:
    assert parse_query('When does he mention "attention sinks" after 0:30?', HOUR) == Query(
        'When does he mention "attention sinks" ?',
        ("attention", "sinks"),
        ("attention sinks",),
        Span(30, HOUR),
    )


def test_numbers_and_codes_stay_and_weak_words_stay_only_when_alone() -> None:
    assert parse_query("what is 3.5 GB of k8v4").terms == ("3.5", "gb", "k8v4")
    assert parse_query("what does the slide say about exams").terms == ("exams",)
    assert parse_query("what does the slide show").terms == ("slide", "show")
    assert parse_query("who is that").terms  # never nothing


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("announced", "announces"),
        ("exams", "exam"),
        ("studies", "study"),
        ("running", "run"),
        ("noted", "notes"),
        ("baking", "bake"),
        ("teacher's", "teachers"),
    ],
)
def test_inflections_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("bus", "bush"), ("class", "clay"), ("123", "12")])
def test_other_words_do_not(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@given(st.text(max_size=120), st.one_of(st.none(), st.floats(1, 1e5)))
def test_any_text_can_be_asked(text: str, duration: float | None) -> None:
    query = parse_query(text, duration)
    assert all(term.strip() for term in query.terms)
    if query.span is not None:
        assert 0 <= query.span.start < query.span.end
        if duration is not None:
            assert query.span.end <= duration
    assert content_words(words_of(text)) == content_words(words_of(text))


@given(st.integers(0, 9), st.integers(0, 59), st.integers(0, 59))
def test_clock_times_are_exact(hours: int, minutes: int, seconds: int) -> None:
    time = hours * 3600 + minutes * 60 + seconds
    when = parse_when(f"after {hours}:{minutes:02d}:{seconds:02d}", 1e6)
    assert when is not None
    assert when.span.start == time
