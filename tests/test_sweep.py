"""A page that stands is gone through as a whole; what was there for a moment is looked at first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.agent.ledger import BUDGETS, Ledger
from longtake.agent.looking.ladder import climb, plan, worth_looking
from longtake.agent.looking.places import pages, stretch
from longtake.agent.question.classify import classify
from longtake.agent.solving import extract
from longtake.perception.changes import MOST_KEPT, swept
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.ladder_world import AT, FLASH, NAMES, Film, film, record

QUESTION = "What is written on the crate in the museum?"
PLACE: dict[str, Any] = {"start": 300.0, "end": 310.0, "fit": 1.0}
STRANGERS = (
    "What is the number of the crate in the museum?",
    "Which code can be read on the museum's crate?",
    "What does the sign in the museum say?",
    "What was written on the museum label?",
    "What is the museum's phone number?",
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("drawn")).path


@pytest.fixture
def world(tmp_path: Path, drawn: Path) -> Iterator[Film]:
    """The tour of a town, with a title that stands for the minute of each place."""
    made = film(tmp_path, path=drawn)
    box = {"score": 0.98, "box": [0.1, 0.8, 0.5, 0.9]}
    titles = [
        record(made.video, "moment", "screen", Span(60.0 * n, 60.0 * n + 60), f"The old {name}",
               box, n=1)
        for n, name in enumerate(NAMES)
    ]  # fmt: skip
    with Store.open(made.store.path, write=True) as store:
        store.put_records(titles)
    yield made
    made.store.close()


def go_through(world: Film, question: str = QUESTION, **off: bool) -> list[dict[str, Any]]:
    """Climb at the museum's first clip until nothing is left; what every step brought."""
    desk = world.desk(question, **off)
    part = classify(question, None)[0]
    terms, looked = desk.terms(part["words"]), list[dict[str, Any]]()
    place = PLACE | {"video": world.video.id}
    while (step := plan(desk, part, terms, place, [one["step"] for one in looked])) is not None:
        looked.append(climb(desk, part, terms, step))
    return looked


def read(looked: list[dict[str, Any]]) -> list[str]:
    return [c["quote"] for one in looked for c in one["candidates"]]


def test_a_sweep_of_the_page_finds_the_flash_and_ten_seconds_alone_miss_it(world: Film) -> None:
    first, second, *_ = go_through(world)
    assert (first["step"]["rung"], first["frames"]) == ("R4s", 240)
    assert (first["step"]["start"], first["step"]["end"]) == (300.0, 360.0)
    if FLASH not in read([first]):  # what the sweep cannot read it points at
        assert (second["step"]["rung"], second["step"]["why"]) == ("R5", "the picture changes")
    seen = next(c for one in (first, second) for c in one["candidates"] if c["quote"] == FLASH)
    assert seen["start"] == pytest.approx(AT["museum"], abs=0.26)
    assert seen["end"] <= AT["museum"] + 0.76
    off = go_through(world, sweep=False, reuse=False)
    assert FLASH not in read(off)
    assert off[0]["step"]["rung"] == "R4"


def test_what_was_there_for_a_moment_is_looked_at_first(world: Film) -> None:
    old = next(r for r in world.toolbox.timeline(world.video.id, zoom="clip")
               if r.span.start == 320.0)  # fmt: skip
    noted = record(world.video, "clip", "caption", old.span, old.text,
                   {"glimpses": [[324.6, 325.0, 40.0]]})  # fmt: skip
    with Store.open(world.store.path, write=True) as store:
        store.put_records([noted])
    first = go_through(world)[0]
    assert (first["step"]["rung"], first["step"]["why"]) == (
        "R5", "something was there for a moment",
    )  # fmt: skip
    assert FLASH in read([first])
    assert first["frames"] <= 24, "no sweep was needed"
    off = go_through(world, glimpses=False)[0]
    assert off["step"]["rung"] == "R4s"
    early = world.desk(QUESTION, as_of=322.0)
    part = classify(QUESTION, None)[0]
    step = plan(early, part, [], PLACE | {"video": world.video.id}, [])
    assert step is not None
    assert step["rung"] != "R5", "nothing is known of it yet"


def test_frames_that_are_only_compared_cost_an_eighth(world: Film) -> None:
    desk = world.desk(QUESTION)
    desk.ledger = Ledger(BUDGETS["chat"])
    part = classify(QUESTION, None)[0]
    step = plan(desk, part, [], PLACE | {"video": world.video.id}, [])
    assert step is not None
    climb(desk, part, [], step)
    assert desk.cost["frames"] == world.decoded == 240
    assert desk.ledger.left("frames") == BUDGETS["chat"].frames - 30
    assert 1 <= desk.cost["readings"] <= 4, "what does not change is not read"


@pytest.mark.parametrize("question", STRANGERS)
def test_a_page_that_names_the_place_is_opened_for_whoever_asks(world: Film, question: str) -> None:
    desk = world.desk(question)
    part = classify(question, None)[0]
    assert worth_looking(desk, part)
    (page, *_) = pages(desk, part, desk.terms(part["words"]))
    assert (page["start"], page["end"]) == (300.0, 360.0)
    step = plan(desk, part, [], page, [])
    assert step is not None
    assert step["rung"] == "R4s"


def test_clips_without_news_are_one_place_and_a_moving_film_is_none(world: Film) -> None:
    desk = world.desk(QUESTION)
    assert stretch(desk, world.video.id, Span(485.0, 490.0)) == Span(485.0, 490.0)
    still = [
        record(world.video, "clip", "caption", Span(n, n + 10.0), "", {"same_as": "first"})
        for n in (490.0, 500.0, 510.0)
    ]
    with Store.open(world.store.path, write=True) as store:
        store.put_records(still)
    assert stretch(desk, world.video.id, Span(485.0, 490.0)) == Span(485.0, 520.0)


def test_a_sweep_holds_few_frames_and_keeps_what_is_new(world: Film) -> None:
    chance = np.random.default_rng(5)
    noise = chance.integers(0, 255, (90, 160, 3), dtype=np.uint8)

    def moving() -> Iterator[tuple[float, Any, Any]]:
        for n in range(400):
            image = np.full((360, 640, 3), 200, np.uint8)
            image[10 + n % 300 : 30 + n % 300, 20:60] = 20
            if n == 200:
                image[100:190, 300:460] = noise
            yield n / 4, image[::2, ::2].copy(), image

    found = swept(moving(), 100.0)
    assert len(found.times) == 400
    assert len(found.fresh) == MOST_KEPT
    assert found.fresh[0].time == 0.0
    assert 50.0 in [one.time for one in found.fresh]


def test_a_still_page_costs_one_reading_however_long_it_stands() -> None:
    image = np.full((360, 640, 3), 200, np.uint8)
    image[40:60:2, 20:300] = 20
    grain = np.random.default_rng(1)

    def page() -> Iterator[tuple[float, Any, Any]]:
        for n in range(320):
            one = np.clip(image.astype(int) + grain.integers(-4, 5, image.shape), 0, 255)
            made = one.astype(np.uint8)
            if n in (100, 101):
                made[300:316:2, 400:520] = 20
            yield n / 4, made[::2, ::2].copy(), made

    found = swept(page(), 80.0)
    assert [(one.time, one.until) for one in found.fresh] == [(0.0, 25.0), (25.0, 25.5)]
    x0, y0, x1, y1 = found.fresh[1].box
    assert x0 < 400 / 640
    assert x1 > 520 / 640
    assert y0 < 300 / 360 < y1
    assert (x1 - x0) * (y1 - y0) < 0.1


def test_a_line_that_stands_on_two_pages_does_not_make_them_one(world: Film) -> None:
    box = {"score": 0.98, "box": [0.1, 0.4, 0.5, 0.5]}
    lines = [
        record(world.video, "moment", "screen", Span(300.0, 420.0), "Open to visitors", box, n=2),
        record(world.video, "moment", "screen", Span(300.2, 360.1), "Built of brick", box, n=3),
        record(world.video, "moment", "screen", Span(322.0, 350.0), "Key 12", box, n=4),
    ]
    with Store.open(world.store.path, write=True) as store:
        store.put_records(lines)
    page = stretch(world.desk(QUESTION), world.video.id, Span(320.0, 330.0))
    assert (round(page.start), round(page.end)) == (300, 360)


def test_what_is_remembered_of_a_look_is_no_look_in_vain(world: Film) -> None:
    step = {"video": "v", "start": 0.0, "end": 9.0, "rung": "R3", "new": 0, "points": []}
    one = {"step": step, "candidates": [], "frames": 0, "reused": True}
    sub = {"looked": [one], "taken": 0, "candidates": [], "opened": [], "novelty": [],
           "part": {"id": "s1"}, "trace": []}  # fmt: skip
    assert extract(world.desk(QUESTION), sub)["novelty"] == []
    decoded = one | {"step": step | {"rung": "R4"}}
    assert extract(world.desk(QUESTION), sub | {"looked": [decoded]})["novelty"] == [0]
