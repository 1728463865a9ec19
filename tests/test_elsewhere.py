"""The place that a question names is looked at before an answer from elsewhere is believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.rows.common import Bench, Place
from bench.worlds.scripted_film import FilmWorld, Page
from longtake.agent.answer import Answer
from longtake.agent.looking.elsewhere import place_words
from tests.fakes import fake_models
from tests.worlds import ContentEncoder


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("What number can be read on the key in the attic of the theatre", "attic of the theatre"),
        ("What is the code of the parcel", ""),
        ("Which word is painted on the boat beside the pier of the island", "pier of the island"),
        ("What colour is the car on the roof of the garage", "roof of the garage"),
        ("What is written on the slide about attention", ""),
        ("What is the number of the bus", ""),
        ("What is the number of the bus at the gate of the castle", "gate of the castle"),
    ],
)
def test_the_place_is_what_follows_the_thing_that_is_asked_for(text: str, where: str) -> None:
    assert place_words(text) == where


PAGES = (
    Page("Vineyard: stairs", ("Lit from above", "Guarded by a heron"), 0.0, 80.0,
         "Permit no. 6485", 10.0, 70.0),
    Page("Quarry: stairs", ("Closed in winter", "Guarded by an otter"), 80.0, 160.0),
    Page("Brewery: attic", ("Floor of tiles", "Guarded by a plover"), 160.0, 240.0,
         "Locker no. 9387", 165.0, 225.0),
    Page("Brewery: roof", ("Heated by steam", "Guarded by a marten"), 240.0, 320.0,
         "Locker no. 3111", 281.25, 281.75),
    Page("Harbour: office", ("Walls of granite", "Guarded by a lynx"), 320.0, 400.0),
    Page("Harbour: cellar", ("Oak beams throughout", "Guarded by a hare"), 400.0, 480.0,
         "Crate no. 7843", 405.0, 465.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None, image_tagger=None)
    bench = Bench(tmp_path_factory.mktemp("elsewhere"), 8.0, models=models, drawn=False)
    film = FilmWorld("rooms", PAGES, ())
    made = bench.written("rooms", film.remember)
    made.look, made.source = film.look, bench.folder / "rooms.source"
    made.source.touch()
    yield made
    bench.close()


def ask(film: Place, question: str, **switches: bool) -> Answer:
    return film.agent(reuse=False, **switches).ask(question, videos=[film.video])


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("Which number is written on the permit on the stairs of the quarry?", "6485"),
        ("What number does the permit on the stairs of the quarry show?", "6485"),
        ("What number can be read on the permit at the stairs of the quarry?", "6485"),
        ("What is written on the crate in the office of the harbour?", "7843"),
        ("What is the number of the crate in the office of the harbour?", "7843"),
    ],
)
def test_an_answer_from_another_place_is_none(place: Place, question: str, other: str) -> None:
    told = ask(place, question)
    assert told.status != "answered", told.text
    # OFF: the nearest of the kind is told, although it hangs elsewhere
    assert other in ask(place, question, place=False).text


@pytest.mark.parametrize(
    "question",
    [
        "What number can be read on the locker on the roof of the brewery?",
        "Which number is written on the locker on the roof of the brewery?",
        "What is the number of the locker on the roof of the brewery?",
    ],
)
def test_the_place_itself_is_looked_at_first(place: Place, question: str) -> None:
    assert "3111" in ask(place, question).text
    assert "3111" not in ask(place, question, place=False, inspect=False).text


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("What number can be read on the permit on the stairs of the vineyard?", "6485"),
        ("What is the number of the crate in the cellar of the harbour?", "7843"),
        ("Which number is written on the locker in the attic of the brewery?", "9387"),
    ],
)
def test_an_answer_from_the_place_itself_is_believed(
    place: Place, question: str, right: str
) -> None:
    told = ask(place, question)
    assert told.status == "answered"
    assert right in told.text
