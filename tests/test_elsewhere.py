"""The place that a question names is looked at before an answer from elsewhere is believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.rows.common import Bench, Place
from bench.worlds.scripted_film import FilmWorld, Page
from longtake.agent.answer import Answer
from longtake.agent.desk import Desk
from longtake.agent.looking import frontier
from longtake.agent.looking.elsewhere import place_words
from longtake.agent.reading.sheets import sheets
from longtake.agent.state import Switches
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


# -- the tree these looks are chosen from ----------------------------------------------------------


def test_the_tree_is_built_once_and_clips_without_words_are_leaves(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[frontier.Lanes] = []
    begin = frontier.Lanes.__init__

    def counted(lanes: frontier.Lanes, desk: Desk) -> None:
        made.append(lanes)
        begin(lanes, desk)

    monkeypatch.setattr(frontier.Lanes, "__init__", counted)
    told = ask(place, "What number can be read on the permit on the stairs of the quarry?")
    assert sum(step["step"] == "propose" for step in told.trace) > 1
    assert len(made) == 1
    clips = made[0].of("clip")
    assert any(not clip.text.strip() for clip in clips)
    assert clips[-1].span.end == place.video.duration


def test_sheets_are_read_once_for_a_question(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(place.toolbox(), None, [place.video], None, Switches())
    first = sheets(desk, place.video.id)
    monkeypatch.setattr(desk.toolbox, "pages", None)  # asked again, no page is read
    assert first
    assert sheets(desk, place.video.id) is first


def test_a_look_in_vain_lets_its_like_go_first() -> None:
    node = {"id": "a", "video": "v", "start": 0.0, "end": 10.0, "p": 0.8, "score": 0.64}
    step = {"video": "v", "start": 0.0, "end": 10.0, "rung": "R4", "new": 0, "points": []}
    assert frontier.looked_at(node, [step])["score"] == pytest.approx(0.4)
    for told in ({"new": 1}, {"points": [{}]}, {"start": 20.0, "end": 30.0}, {"rung": "R3"}):
        assert frontier.looked_at(node, [step | told])["score"] == 0.64
