"""Pages by their headings: series of numbered things, what is next to what, and how long a page is up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from longtake.agent.desk import Desk
from longtake.agent.reading.sheets import member_of, series, sheets
from longtake.agent.state import Switches
from tests.parts_driver import ask
from tests.test_agent_interval import built
from tests.worlds import Section, World


def _item(number: int, name: str, end: str, talk: str = "Please look at it closely.") -> Section:
    lines = (f"Item {number}: {name}", f"Given by house {number + 20}", end)
    return Section(name, lines, ((20, talk), (40, talk)), seconds=60.0)


SHOW = (
    Section("Opening", ("Winter show",), ((5, "Good evening."),), seconds=40.0),
    _item(1, "Wooden sledge", "Taken"),
    _item(2, "Snow globe", "Left over", "A globe like this makes good soup in a pan."),
    _item(3, "Bookshelf", "Taken", "This oak is old, so is the oak at home."),
    Section("Jar", ("Jar", "14 coins", "Hoped for: 50 coins"), ((5, "So far."),), seconds=20.0),
    Section("Soup break", ("Soup break", "Pea soup 3", "Bread 1", "Lentil soup 4", "Juice 2"),
            ((10, "Enjoy it."),), seconds=150.0),
    _item(4, "Skates", "Left over", "The soup was good, all of us liked the soup."),
    _item(5, "Woollen blanket", "Taken"),
    Section("Bells", ("Bells of the tower", "Cast long ago"), ((10, "Listen."),), seconds=70.0),
    _item(6, "Lantern", "Taken"),
    Section("Jar again", ("Jar", "30 coins", "Hoped for: 50 coins"), ((5, "Now."),), seconds=20.0),
    Section("Farewell", ("Farewell",), ((5, "Good night."),), seconds=40.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = built(tmp_path_factory.mktemp("show"), SHOW)
    yield made
    made.store.close()


def _desk(world: World) -> Desk:
    return Desk(world.toolbox, None, [world.video], None, Switches())


def test_the_series_and_its_spans(show: World) -> None:
    members = series(_desk(show), show.video.id)
    assert [one.number for one in members] == [1, 2, 3, 4, 5, 6]
    assert members[2].span.start == show.at("Bookshelf")
    assert members[2].span.end == show.at("Jar")
    assert any(one.name == "Soup break" for one in sheets(_desk(show), show.video.id))


def test_a_thing_is_named_by_its_page_or_by_what_is_said_of_it(show: World) -> None:
    desk = _desk(show)
    named = [member_of(desk, show.video.id, [w]) for w in ("sledge", "shelf", "oak", "zebra")]
    assert named == [0, 2, 2, None]


ASKED = [
    ("Which thing was offered right after the sledge?", "Snow globe"),
    ("Which thing was offered right before the skates?", "Bookshelf"),
    ("What was offered between the globe and the skates?", "Bookshelf"),
    ("What was the very last thing to be offered?", "Lantern"),
    ("What was the first thing that was shown after the soup break?", "Skates"),
]


@pytest.mark.parametrize(("question", "right"), ASKED)
def test_members_next_to_each_other(show: World, question: str, right: str) -> None:
    told = ask(show, question)
    assert told.final.startswith(right)
    assert told.evidence[0]["start"] == show.at(right)
    assert not ask(show, question, sections=False).final.startswith(right)


def test_the_order_is_that_of_the_pages_and_not_of_a_chance_word(show: World) -> None:
    question = "Did they show the bells of the tower before or after the soup?"
    assert "comes after" in ask(show, question).final
    early = "Did they take the bookshelf before or after the soup?"
    assert "comes before" in ask(show, early).final
    assert "comes before" not in ask(show, early, sections=False).final


def test_a_break_lasts_as_long_as_its_page_is_up(show: World) -> None:
    question = "How long did they stop for soup?"
    assert ask(show, question).value == pytest.approx(150.0)
    assert ask(show, question, sections=False).value != pytest.approx(150.0)


def test_a_value_is_that_of_the_time_asked_for(show: World) -> None:
    question = "How much was in the jar when everybody went for soup?"
    told = ask(show, question)
    assert "14 coins" in told.final
    assert "30 coins" not in told.final.split(".")[0]
    assert not ask(show, question, decompose=False).final.startswith("14 coins")
