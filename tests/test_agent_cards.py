"""Cards of things: the line that holds what is asked for, the page that names it, its picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from longtake.agent.answer import Answer
from longtake.agent.reading import close_reading
from longtake.agent.reading.wanted import compound, holds_wanted
from tests.asking import ask, scripted
from tests.worlds import Section, World

JUG = Section(
    "Jug",
    ("Item 4", "Milk jug", "Lent by the mill", "Holds 2.5 litres", "Fired in 1911"),
    ((4, "Next comes item four."),),
    seconds=30.0,
)
JUG_PICTURE = Section("Close", (), ((5, "A milk jug cools best in the shade."),), seconds=40.0)
SLED = Section(
    "Sled",
    ("Item 5", "Wooden sled", "Lent by the school", "Three children, one rope", "Built in 1934"),
    ((6, "A wooden sled is fast on ice."), (40, "We go on with the next item soon.")),
)
WALK = Section("Walk", ("Thank you", "Next walk of the club: 4 March"), ((5, "Thanks to all."),))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = scripted(tmp_path_factory.mktemp("cards"), (JUG, JUG_PICTURE, SLED, WALK))
    yield made
    made.store.close()


def first(answer: Answer) -> str:
    return answer.evidence[0].quote if answer.evidence else ""


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("In which year was the wooden sled made?", "Built in 1934"),
        ("In which year was the milk jug made?", "Fired in 1911"),
    ],
)
def test_the_line_with_the_year_answers_for_the_thing_above_it(
    world: World, question: str, line: str
) -> None:
    assert first(ask(world, question)) == line
    assert first(ask(world, question, sort=False)) != line


def test_a_line_on_the_page_of_the_best_sentence_is_read_though_it_came_late(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(close_reading, "READ", 1)
    question = "In which year was the wooden sled made?"
    assert first(ask(world, question)) == "Built in 1934"
    monkeypatch.setattr(close_reading, "PAGES", 0)
    assert first(ask(world, question)) != "Built in 1934"


def test_a_picture_after_a_card_shows_the_colour_of_the_thing(world: World) -> None:
    question = "What colour is the milk jug?"
    answer = ask(world, question)
    assert "grey" in first(answer)
    assert answer.evidence[0].start >= world.at("Close")
    assert "grey" not in first(ask(world, question, sort=False))


def test_a_thing_without_a_picture_of_its_own_has_no_colour(world: World) -> None:
    assert ask(world, "What colour is the wooden sled?").status != "answered"


def test_a_line_that_counts_something_else_gains_nothing_from_its_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = "How many wheels has the wooden sled?"
    strict = score_of(ask(world, question), "Three children, one rope")
    monkeypatch.setattr(close_reading, "counts", lambda part: False)
    assert strict < score_of(ask(world, question), "Three children, one rope")


def score_of(answer: Answer, line: str) -> float:
    """The score of a line among the best that were read; 0 where it was not."""
    top = next(step["top"] for step in answer.trace if step["step"] == "read")
    return max((one["score"] for one in top if one["quote"] == line), default=0.0)


def test_two_words_written_as_one_are_both_held(world: World) -> None:
    corpus = world.toolbox.corpus([world.video.id], as_of=None)
    terms = corpus.terms(["thank", "you", "item"])
    units = [u for u in corpus.of("screen") if u.record.text == "Thank you"]
    assert not any(compound(term, terms, units) for term in terms)
    joined = lecture_unit(corpus, "Milkjug")
    milk, jug, mill = corpus.terms(["milk", "jug", "mill"])
    assert compound(milk, [milk, jug, mill], [joined])
    assert compound(jug, [milk, jug, mill], [joined])
    assert not compound(mill, [milk, jug, mill], [joined])


def lecture_unit(corpus: Any, text: str) -> Any:
    from dataclasses import replace

    unit = corpus.of("screen")[0]
    return replace(unit, stems=(text.lower(),), bag=frozenset({text.lower()}), pairs=frozenset())


@pytest.mark.parametrize(
    ("question", "line", "held"),
    [
        ("How much milk fits into the jug?", "Holds 2.5 litres", True),
        ("How much milk fits into the jug?", "Item 4", False),
        ("For how many children is the sled? How many?", "Three children, one rope", True),
        ("When is the next walk?", "Next walk of the club: 4 March", True),
        ("Who lent the sled?", "Built in 1934", False),
    ],
)
def test_what_a_line_of_a_card_must_hold(question: str, line: str, held: bool) -> None:
    assert holds_wanted({"text": question, "wants": None}, line) is held
