"""Candidates read again word by word, tables, sorts of answers, corrections, names of labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from longtake.agent.reading.close_reading import Asked, likeness
from longtake.agent.reading.sorts import holds, sort_of
from longtake.models.protocols import WordVectors
from longtake.tools.naming import fitting
from longtake.tools.topic import content_words
from tests.asking import ask, scripted
from tests.worlds import Section, World

MARKET = Section(
    "Market",
    ("Market stalls", "Stall | Fee | Shelves", "Small | 18 | 1", "Corner | 35 | 3"),
    ((6, "We come to the market, where every stall has its corner."),),
)
FERRY = Section(
    "Ferry",
    ("Across the bay",),
    (
        (6, "The ferry leaves from pier two."),
        (40, "The map of the bay was drawn on goat skin."),
        (80, "A correction: the ferry leaves from pier five."),
    ),
)
BREAK = Section("Lunch", ("Lunch",), ((4, "Enjoy it."),), seconds=90.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = scripted(tmp_path_factory.mktemp("reading"), (MARKET, FERRY, BREAK))
    yield made
    made.store.close()


def test_a_cell_answers_with_its_label_and_head(world: World) -> None:
    answer = ask(world, "How much is the fee for the corner stall?")
    assert answer.status == "answered"
    assert answer.value == 35
    assert [proof.quote for proof in answer.evidence[:3]] == ["35", "Corner", "Fee"]
    assert "18" not in answer.text
    assert "Shelves" not in answer.text


def test_the_column_decides_between_cells_of_a_row(world: World) -> None:
    assert ask(world, "How many shelves has the corner stall?").value == 3


def test_without_close_reading_the_cell_is_lost(world: World) -> None:
    plain = ask(world, "How much is the fee for the corner stall?", closely=False)
    assert plain.value != 35 or plain.evidence[0].quote != "35"


def test_only_a_sum_of_money_says_what_it_cost(world: World) -> None:
    question = "How much did the map of the bay cost?"
    assert ask(world, question).status != "answered"
    assert "goat skin" in ask(world, "What was the map of the bay drawn on?").text
    about = "What colour was the map of the bay?"
    assert ask(world, about).status != "answered"
    assert ask(world, about, sort=False).status == "answered"


def test_the_correction_goes_first_where_the_final_word_is_asked(world: World) -> None:
    final = ask(world, "From which pier does the ferry really leave?")
    assert "pier five" in final.evidence[0].quote
    plain = ask(world, "From which pier does the ferry leave?")
    assert "pier" in plain.evidence[0].quote


def test_a_break_lasts_as_long_as_its_page(world: World) -> None:
    answer = ask(world, "How long is the break for lunch?")
    assert answer.status == "answered"
    assert answer.value == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("question", "quote", "held"),
    [
        ("Who threw the ball?", "The window was broken by a ball.", False),
        ("Who threw the ball?", "It was thrown by Mary Smith.", True),
        ("Who threw the ball?", "A teacher threw it.", True),
        ("How old was the keeper?", "The keeper climbed 300 steps.", False),
        ("How old was the keeper?", "The keeper was 61 years old.", True),
        ("What is the temperature of the bath?", "The bath is 9 metres long.", False),
        ("What is the temperature of the bath?", "It is kept at 38 degrees.", True),
        ("What is the price of honey?", "31 kilograms of honey.", False),
        ("What is the price of honey?", "Price 40", True),
        ("What colour is the red car's roof?", "The red car is fast.", False),
        ("What colour is the car?", "A green car.", True),
        ("In which year was it built?", "It was built by two sisters.", False),
        ("In which year was it built?", "Built in 1904.", True),
    ],
)
def test_what_a_quotation_must_hold(question: str, quote: str, held: bool) -> None:
    sort = sort_of(question)
    assert sort is not None
    assert holds(sort, question, quote) is held


def test_each_word_of_the_question_looks_for_its_like() -> None:
    axes = np.eye(4, dtype=np.float32)
    question = Asked(axes[:2], np.array([1.0, 1.0], np.float32), (None, None))
    both = WordVectors(((0, 1), (2, 3), (4, 5)), axes[[0, 3, 1]])
    one = WordVectors(((0, 1), (2, 3)), axes[[0, 3]])
    assert likeness(question, both, (0, 5), [0, 0]) == pytest.approx(1.0)
    assert likeness(question, one, (0, 5), [0, 0]) == pytest.approx(0.5)
    # A neighbour's word counts less than one's own, a word held by its letters nearly as much.
    assert 0.5 < likeness(question, both, (0, 1), [0, 0]) < 1.0
    assert likeness(question, one, (0, 5), [0, 1.0]) > 0.9


def test_a_label_is_known_by_each_of_its_names() -> None:
    vectors = np.eye(3, dtype=np.float32)
    assert fitting(vectors[1], ["beacon", "beacon", "cat"], vectors) == {"beacon": 1.0}


def test_a_capital_alone_is_a_name() -> None:
    assert content_words("What is going to grow in bed B?") == ["going", "grow", "bed", "b"]
