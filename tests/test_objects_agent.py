"""Questions that the object table answers, and those that it leaves alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from longtake.agent.answer import Answer
from longtake.config import load_settings
from longtake.library import Library
from longtake.storage.records import Video
from tests.test_objects_pass import Models, source, watched

__all__ = ["source", "watched"]


@pytest.fixture
def library(watched: tuple[Path, Models, Video]) -> Iterator[Library]:
    path, models, _ = watched
    with Library(load_settings(library=path, profile="offline"), models=models) as made:  # type: ignore[arg-type]
        yield made


def told(answer: Answer) -> list[tuple[str, float, float, str]]:
    return [(e.source, e.start, e.end, e.quote) for e in answer.evidence]


def test_where_a_thing_was(library: Library) -> None:
    answer = library.ask("Where was the dog at 0:40?")
    assert answer.status == "answered"
    assert told(answer) == [("sight", 40.0, 41.0, "dog")]
    assert "00:00:40" in answer.text
    assert re.search(r"“dog” in the middle \(3[45]–4[56] % from the left, 4[78]–69 %", answer.text)
    assert answer.confidence > 0.8
    cars = library.ask("where are the cars at 2:00?")
    assert "at the top left" in cars.text
    assert "at the top right" in cars.text


def test_when_a_thing_is_first_and_last_seen(library: Library) -> None:
    first = library.ask("When is the bicycle first seen?")
    assert (first.status, told(first)) == ("answered", [("sight", 55.0, 56.0, "bicycle")])
    assert "00:00:55" in first.text
    last = library.ask("when was the dog last seen?")
    assert told(last)[0][2] == 79.0
    assert "00:01:19" in last.text
    every = library.ask("When is the bike visible?")
    assert told(every) == [("sight", 55.0, 89.0, "bicycle")]


def test_how_many_there_were(library: Library) -> None:
    one = library.ask("How many cars are there at 0:30?")
    assert (one.status, one.value) == ("answered", 1.0)
    two = library.ask("How many cars can be seen at 2:00?")
    assert two.value == 2.0
    assert "2 cars can be seen" in two.text
    most = library.ask("How many cars are there at the same time?")
    assert most.value == 2.0
    assert "00:01:50" in most.text


def test_whether_and_how_long_a_thing_was_there(library: Library) -> None:
    there = library.ask("Is there a dog at 0:40?")
    assert there.text.startswith("Yes: at 00:00:40")
    assert library.ask("Is there a dog at 2:00?").status == "not_in_video"
    lasting = library.ask("How long is the dog visible?")
    assert (lasting.status, lasting.value) == ("answered", 59.0)
    assert "00:00:20–00:01:19" in lasting.text


def test_what_was_not_in_view_is_declined_with_the_nearest(library: Library) -> None:
    answer = library.ask("Where was the dog at 2:00?")
    assert answer.status == "not_in_video"
    assert answer.value is None
    assert "No dog was seen at 00:02:00" in answer.text
    assert "00:00:20 to 00:01:19" in answer.text


def test_what_is_not_all_known_is_told_only_as_far_as_it_is(library: Library) -> None:
    early = library.ask("Where was the dog at 0:40?", at=60.0)
    assert early.status != "answered"  # its track has not ended by then
    late = library.ask("Where was the dog at 0:40?", at=100.0)
    assert told(late) == [("sight", 40.0, 41.0, "dog")]
    for question in ("When is the dog first seen?", "How many dogs are there at 0:40?",
                     "Where was the dog at 1:30?"):  # fmt: skip
        assert "dog was seen" not in library.ask(question, at=100.0).text
        assert library.ask(question, at=100.0).value is None
        assert library.ask(question, at=100.0).status != "answered"


@pytest.mark.parametrize(
    "question",
    [
        "Where was the giraffe at 0:40?",
        "Where was the white dog at 0:40?",
        "When was the dog fed?",
        "When does he mention the dog?",
        "Where is the dog?",
        "Why is the dog seen?",
        "How many times is the dog mentioned?",
        "What comes after the dog?",
    ],
)
def test_other_questions_go_on_as_without_a_table(
    question: str, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_table = library.ask(question)
    monkeypatch.setattr("longtake.agent.solving.solve_objects", lambda desk, part: None)
    without = library.ask(question)
    assert with_table.to_dict() | {"thread": ""} == without.to_dict() | {"thread": ""}


TEN = [
    ("Where was the dog at 0:40?", 40.0, None),
    ("Where is the bicycle at 1:10?", 70.0, None),
    ("Where was the car at 0:05?", 5.0, None),
    ("When is the bicycle first seen?", 55.0, None),
    ("When is the dog last seen?", 79.0, None),
    ("When does the dog first appear?", 20.0, None),
    ("How many cars are there at 0:30?", 30.0, 1.0),
    ("How many cars are visible at 2:00?", 120.0, 2.0),
    ("How many bikes can be seen at 1:00?", 60.0, 1.0),
    ("How many cars are there at once?", 110.0, 2.0),
]
"""Questions that only the places and numbers of things answer: a time of the evidence, a value."""


def right(library: Library) -> int:
    made = [(library.ask(question), time, value) for question, time, value in TEN]
    return sum(
        answer.status == "answered"
        and answer.value == value
        and any(e.start <= time <= e.end for e in answer.evidence)
        for answer, time, value in made
    )


def test_ten_questions_of_things_with_the_table_and_without(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert right(library) >= 9
    monkeypatch.setattr("longtake.agent.solving.solve_objects", lambda desk, part: None)
    assert right(library) <= 2
