"""Questions about time between things, answered by operators over a scan of everything."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from longtake.agent.reading import anchors
from longtake.memory.recall import Recall
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.hop_world import FAIR
from tests.parts_driver import ask
from tests.test_agent_answers import no_source
from tests.worlds import ContentEncoder, Section, World, lecture

MATCH = (
    Section("Kick-off", ("Kick-off",), (
        (10, "The score is nil to nil, and a pie costs four crowns."),
        (70, "It starts to rain."),
    )),
    Section("First half", ("First half",), (
        (20, "Goal, the score is now one to nil."), (60, "The bell rings."),
        (90, "The score stays one to nil."),
    ), ("ball", "umbrella")),
    Section("Pause", ("Pause",), ((30, "The price of a pie goes up, a pie costs six crowns."),), seconds=100.0),
    Section("Second half", ("Second half", "Score 1:1"), (
        (40, "The bell rings."), (60, "Our first example of fair play."),
        (80, "The second example is the goalkeeper."),
    ), ("ball", "umbrella"), seconds=220.0),
    Section("Pause again", ("Pause",), ((20, "A pie still costs six crowns."),), seconds=100.0),
    Section("Extra time", ("Extra time",), (
        (10, "Two to one, what a score."), (60, "The bell rings."),
        (90, "Our third example: a pie is seven crowns now, a pie costs seven crowns."),
    ), ("ball",)),
    Section("Prizes", ("Prizes",), ((30, "The cup is handed over."),), ("trophy",), seconds=60.0),
)  # fmt: skip


def built(folder: Path, sections: tuple[Section, ...]) -> World:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(folder, models.text_encoder, sections)
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=no_source)
    return made


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = built(tmp_path_factory.mktemp("match"), MATCH)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = built(tmp_path_factory.mktemp("fair"), FAIR)
    yield made
    made.store.close()


Want = Callable[[World], float]
FAIR_END = 2480.0
SECONDS: list[tuple[str, Want]] = [
    ("How long is it between the opening and the cake?", lambda w: w.at("Cake") - 120),
    ("How much time lies between the cake and the opening?", lambda w: w.at("Cake") - 120),
    ("How long after the first break does the second break come?",
     lambda w: w.at("Break again") - w.at("Break", 90)),
    ("How much time is left after the second break?", lambda w: FAIR_END - w.at("Break again", 150)),
    ("How long does it take from the soldering to the cake?",
     lambda w: w.at("Cake") - w.at("Soldering", 120)),
]  # fmt: skip


@pytest.mark.parametrize(("question", "right"), SECONDS)
def test_time_between_events(fair: World, question: str, right: Want) -> None:
    told = ask(fair, question)
    assert told.status == "answered", told.text
    assert told.value == pytest.approx(right(fair), abs=1.0), told.text
    assert not told.dropped


def test_a_missing_end_is_named(fair: World) -> None:
    told = ask(fair, "How long after the cake does the rocket start?")
    assert told.status == "not_in_video"
    assert "Nothing was found of the rocket" in told.text


def test_events_are_put_in_order(fair: World) -> None:
    for question in (
        "Put in order: the cake, the choir practice, the opening",
        "In which order are the cake, the choir practice and the opening shown?",
    ):
        told = ask(fair, question)
        line = [told.final.find(f"{n}. ") for n in (1, 2, 3)]
        assert line == sorted(line)
        assert told.findings[-1]["order"] == ["the opening", "the choir practice", "the cake"]
        assert not told.dropped


def test_the_same_time_or_not(game: World, fair: World) -> None:
    told = ask(fair, "Did the choir practice and the soldering overlap?")
    assert told.final.startswith("No: the choir practice is after the soldering")
    told = ask(game, "Was the umbrella in the picture at the same time as the ball?")
    assert told.final.startswith("Yes"), told.final
    told = ask(game, "Were the umbrella and the trophy on camera at the same time?")
    assert told.final.startswith("No"), told.final


@pytest.mark.parametrize(
    ("time", "score"), [(100, "0:0"), (150, "1:0"), (299, "1:0"), (400, "1:1"), (700, "2:1")]
)
def test_a_value_holds_until_it_is_told_anew(game: World, time: int, score: str) -> None:
    stamp = f"{time // 3600:02d}:{time // 60 % 60:02d}:{time % 60:02d}"
    told = ask(game, f"What was the score at {stamp}?")
    assert told.final.startswith(score), told.final
    assert not told.dropped


def test_a_value_before_it_was_told_is_not_known(game: World) -> None:
    told = ask(game, "What was the score at 00:00:05?")
    assert told.status == "not_in_video"
    assert "first told at 00:00:10" in told.text


def test_what_a_value_is_now_and_how_it_changed(game: World) -> None:
    assert ask(game, "What is the score now?").final.startswith("2:1")
    assert ask(game, "How often did the score change?").value == 3
    told = ask(game, "What did the price of a pie change to?")
    assert told.value == 7, told.final
    told = ask(game, "List the changes of the score")
    for turn in ("0:0", "1:0", "1:1", "2:1"):
        assert turn in told.final
    assert not told.dropped


def test_the_nth_of_its_kind(game: World, fair: World) -> None:
    told = ask(game, "When is the third example?")
    assert told.evidence[0]["start"] == pytest.approx(game.at("Extra time", 90))
    told = ask(game, "When is the second pause?")
    assert told.evidence[0]["start"] == pytest.approx(game.at("Pause again"))
    told = ask(game, "When is the second to last bell?")
    assert told.evidence[0]["start"] == pytest.approx(game.at("Second half", 40))
    told = ask(game, "What is the second to last slide?")
    assert "Extra time" in told.final
    told = ask(fair, "When is the third break?")
    assert told.status == "not_in_video"
    assert "only 2" in told.text


def test_occasions_and_not_mentions_are_counted(game: World, fair: World) -> None:
    assert ask(fair, "How many times was there a break?").value == 2
    assert ask(fair, "How many breaks are there?").value == 2
    assert ask(game, "How many times was there a pause?").value == 2


def test_how_often_is_a_time_from_one_to_the_next(game: World) -> None:
    told = ask(game, "Every how many minutes does the bell ring?")
    rings = [game.at("First half", 60), game.at("Second half", 40), game.at("Extra time", 60)]
    assert told.value == pytest.approx((rings[2] - rings[0]) / 2)
    told = ask(game, "What is the longest pause between two bells?")
    assert told.value == pytest.approx(max(b - a for a, b in itertools.pairwise(rings)), abs=5)


DAY = (
    Section("Choir rehearsal", ("Choir rehearsal",), (
        (5, "The choir rehearsal begins."), (60, "Breathe, this is still the rehearsal of the choir."))),
    Section("Choir rehearsal", ("Choir rehearsal", "Verse two"), (
        (5, "The choir rehearsal goes on with verse two."),)),
    Section("Choir rehearsal", ("Seating plan",), ((40, "One more note on the seats of the choir."),)),
    Section("Gardening", ("Gardening",), ((5, "Out into the beds, spades ready."),)),
    Section("Soldering", (), ((5, "The soldering part comes now."), (80, "More soldering of wires."))),
    Section("Tea", (), ((10, "Tea and biscuits for everybody."),), seconds=60.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = built(tmp_path_factory.mktemp("day"), DAY)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("What is on after the choir rehearsal?", "Gardening"),
        ("What happens after the choir rehearsal?", "Gardening"),
        ("What did they do after the soldering part?", "Tea"),
        ("What is on before the soldering part?", "Gardening"),
    ],
)
def test_after_a_part_of_the_day_is_after_its_end(day: World, question: str, right: str) -> None:
    told = ask(day, question)
    assert right in told.final, told.final
    assert not told.dropped
    first = told.findings[-1]["evidence"][0]
    starts = {"Gardening": 360.0, "Tea": 600.0}
    assert first["start"] == starts[right]


def test_without_sections_the_next_slide_is_taken(day: World) -> None:
    told = ask(day, "What is on after the choir rehearsal?", sections=False)
    assert "Gardening" not in told.final


CRAFTS = (
    Section("Welcome", (), ((5, "Good morning and welcome."),)),
    Section("Wheel", ("Wheel",), ((5, "Here begins the pottery class."),)),
    Section("Kiln", ("Kiln",), ((5, "Pottery dries before it is fired."),)),
    Section("Glaze", ("Glaze",), ((5, "Glaze makes pottery shine."),)),
    Section("Football", ("Football",), ((5, "Two teams enter the field."),)),
    *(Section(f"Item {n}", (f"Item {n}",), ((5, f"Matter {n} on our list, sheet {n}."),)) for n in range(8)),
)  # fmt: skip


def test_a_class_goes_on_while_scenes_are_near_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = built(tmp_path, CRAFTS)
    question = "What is on after the pottery class?"
    assert "Football" in ask(made, question).final
    monkeypatch.setattr(anchors, "LEAST_SCENES", 1000)
    assert "Kiln" in ask(made, question).final
    made.store.close()


def test_a_slide_is_no_part_of_the_day(day: World) -> None:
    told = ask(day, "What comes after the slide about verse two?")
    assert "Seating plan" in told.final


HOURS = 4
CIRCLES = 37


def long_day() -> tuple[Section, ...]:
    """Four hours in which a blue circle appears 37 times, among squares and other circles."""
    made, shown = [], 0
    names = (("blue", "square"), ("red", "circle"), ("green", "circle"), ("blue", "triangle"))
    for n in range(HOURS * 60):
        mine = n * CIRCLES // (HOURS * 60) > (n - 1) * CIRCLES // (HOURS * 60) or n == 0
        colour, shape = ("blue", "circle") if mine else names[n % 4]
        shown += mine
        said = ((20.0, f"A {colour} {shape} comes up."), (45.0, "The operator is silent."))
        made.append(Section(f"Minute {n}", (), said, seconds=60.0))
    assert shown == CIRCLES
    return tuple(made)


def test_counts_over_hours_are_exact_by_scan_and_not_from_the_top(tmp_path: Path) -> None:
    made = built(tmp_path, long_day())
    question = "How many times is the blue circle mentioned?"
    assert ask(made, question).value == CIRCLES
    assert (ask(made, question, scan=False).value or 0) <= 5
    occasions = ask(made, "How many times was there a blue circle?")
    assert occasions.value == CIRCLES
    last = ask(made, "When is the blue circle mentioned for the last time?")
    assert last.evidence[0]["start"] > 0.95 * HOURS * 3600
    made.store.close()


def test_every_frame_counts_and_not_the_best_forty(tmp_path: Path) -> None:
    sections = tuple(
        Section(
            f"Part {n}", (), ((5.0, "On we go."),), ("kettle",) if n % 2 else ("lectern",), 120.0
        )
        for n in range(30)
    )
    made = built(tmp_path, sections)
    assert ask(made, "How many times does a kettle appear?").value == 15
    made.store.close()
