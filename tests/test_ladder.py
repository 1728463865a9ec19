"""Backtracking to pixels on a drawn film: each mechanism on and off, counted in decoded frames."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.agent.ledger import BUDGETS, Ledger
from longtake.agent.looking.ladder import climb, plan, worth_looking
from longtake.agent.looking.observations import contest, observed, settle
from longtake.agent.question.classify import classify
from longtake.perception.changes import changing
from longtake.perception.look import RUNGS, look
from longtake.perception.zoom import cells, read_grid
from longtake.storage.observations import Observation
from longtake.storage.records import Video
from longtake.timecode import Span
from tests.fakes import FakeReader, fake_models
from tests.ladder_world import (
    AT,
    FLASH,
    LONG,
    NAMES,
    SECTION,
    SHORT,
    Film,
    block_reader,
    film,
    look_for,
    places,
)
from tests.media import Scene, draw_frames, draw_picture, draw_video, read_blocks, scene_frames
from tests.worlds import ContentEncoder

ASKED = {
    LONG: "What does the label on the crate in the warehouse say?",
    SHORT: "What is written on the crate in the kitchen?",
    FLASH: "What is written on the crate in the museum?",
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("drawn")).path


@pytest.fixture
def world(tmp_path: Path, drawn: Path) -> Iterator[Film]:
    made = film(tmp_path, path=drawn)
    yield made
    made.store.close()


def seen_kinds(looked: list[dict[str, Any]]) -> list[str]:
    return [one["step"]["rung"] for one in looked]


def test_details_of_a_minute_of_seconds_and_of_a_flash(world: Film) -> None:
    coarse = [u.record.text for u in world.desk("").corpus.of("screen")]
    assert coarse == [LONG], "what memory alone knows"
    windows = SECTION * len(NAMES) / 3.0
    for text, question in ASKED.items():
        looked, found = look_for(world.desk(question), question, text)
        assert found == text
        assert len(looked) <= 0.05 * windows
        off, lost = look_for(world.desk(question, inspect=False), question, text)
        assert (off, lost) == ([], text if text == LONG else "")
    assert world.decoded <= 0.05 * SECTION * len(NAMES) * RUNGS["R5"].fps
    assert world.models.text_reader.calls <= 0.05 * SECTION * len(NAMES) * RUNGS["R5"].fps


def test_a_flash_is_timed_to_the_half_second(world: Film) -> None:
    looked, _ = look_for(world.desk(ASKED[FLASH]), ASKED[FLASH], FLASH)
    one = looked[-1]["candidates"][0]
    assert one["start"] == pytest.approx(AT["museum"], abs=0.26)
    assert one["end"] <= AT["museum"] + 0.76
    assert (one["source"], one["sure"], one["id"][:5]) == ("screen", True, "look:")
    json.dumps(looked)


def test_no_span_is_visited_twice_on_one_rung(world: Film) -> None:
    question = "What is written on the crate in the garage?"  # nothing is
    looked, _ = look_for(world.desk(question), question, "never", budget=40)
    steps = [one["step"] for one in looked]
    assert len(steps) >= 4
    for n, one in enumerate(steps):
        for other in steps[:n]:
            if one["rung"] == other["rung"]:
                overlap = Span(one["start"], one["end"]).overlap(Span(other["start"], other["end"]))
                assert overlap < 0.8 * (one["end"] - one["start"])


def test_two_barren_rungs_end_the_descent(world: Film) -> None:
    desk = world.desk("What is written on the crate in the garage?")
    part = classify(desk.question, None)[0]
    place = {"video": world.video.id, "start": 440.0, "end": 450.0, "fit": 1.0}
    steps: list[dict[str, Any]] = []
    while (step := plan(desk, part, [], place, steps)) is not None:
        steps.append(climb(desk, part, [], step)["step"])
    assert {s["rung"] for s in steps} == {"R4", "R5"}
    assert steps[0]["rung"] == "R4"
    promising = [steps[0] | {"new": 1}, *steps[1:]]
    assert plan(desk, part, [], place, [promising[0]]) is not None


def test_what_is_on_its_way_is_waited_for(world: Film) -> None:
    desk = world.desk(ASKED[SHORT])
    part = classify(desk.question, None)[0]
    (place, *_) = places(desk, part)
    step = plan(desk, part, [], place, [])
    assert step is not None
    assert plan(desk, part, [], place, [step]) is None


def test_asking_again_decodes_nothing_and_goes_the_same_way(world: Film) -> None:
    question = ASKED[FLASH]
    first, found = look_for(world.desk(question), question, FLASH)
    before = world.decoded
    assert (found, before > 0) == (FLASH, True)
    again, _ = look_for(world.desk(question), question, FLASH)
    assert world.decoded == before
    assert [one | {"reused": True} for one in first] == again
    look_for(world.desk(question, reuse=False), question, FLASH)
    assert world.decoded == 2 * before


def test_another_question_finds_what_a_look_has_read(world: Film) -> None:
    look_for(world.desk(ASKED[FLASH]), ASKED[FLASH], FLASH)
    before = world.decoded
    other = "Which code does the crate in the museum bear on its label?"
    desk = world.desk(other)
    part = classify(other, None)[0] | {"kind": "shown", "sources": ["screen", "speech"]}
    place = {"video": world.video.id, "start": 320.0, "end": 330.0, "fit": 1.0}
    step = plan(desk, part, [], place, [])
    assert step is not None
    assert step["rung"] == "R3"
    looked = climb(desk, part, [], step)
    assert [c["quote"] for c in looked["candidates"]] == [FLASH]
    assert (looked["frames"], looked["reused"], world.decoded) == (0, True, before)
    off = plan(world.desk(other, reuse=False), part, [], place, [])
    assert off is not None
    assert off["rung"] == "R4"


def test_what_was_seen_is_in_the_corpus_of_later_questions(world: Film) -> None:
    ids = [world.video.id]
    look_for(world.desk(ASKED[SHORT]), ASKED[SHORT], SHORT)
    told = world.toolbox.corpus(ids, observed=True, asked="another question")
    units = [u for u in told.units if u.record.text == SHORT]
    assert [u.source for u in units] == ["screen"]
    assert units[0].record.span.overlap(Span(203, 211)) >= 6
    assert told.holding(told.terms(["8823"])) == units
    own = world.toolbox.corpus(ids, observed=True, asked=ASKED[SHORT])
    assert SHORT not in {u.record.text for u in own.units}
    assert SHORT not in {u.record.text for u in world.toolbox.corpus(ids).units}
    desk = world.desk("another question")
    desk.__dict__["corpus"] = told
    assert {u.record.text for u in observed(desk) if u.source == "screen"} == {SHORT}


def test_an_overview_never_opens_the_ladder(world: Film) -> None:
    for question in ("What is this film about?", "Summarize the film.", "How long is the film?"):
        desk = world.desk(question)
        part = classify(question, None)[0]
        assert not worth_looking(desk, part)
        assert look_for(desk, question, "never")[0] == []
    assert (world.toolbox.looker.decodes, world.decoded) == (0, 0)
    part = classify(ASKED[FLASH], None)[0]
    assert worth_looking(world.desk(""), part)
    assert not worth_looking(world.desk("", inspect=False), part)


def test_nothing_later_than_as_of_is_looked_at_or_remembered(world: Film) -> None:
    question = ASKED[FLASH]
    looked, found = look_for(world.desk(question, as_of=324.0), question, FLASH)
    assert found == ""
    assert all(one["step"]["end"] <= 324.0 for one in looked)
    _, found = look_for(world.desk(question), question, FLASH)
    assert found == FLASH
    kept = world.store.observations
    assert all(one.span.end <= 324.0 for one in kept.read([world.video.id], as_of=324.0))
    early = world.toolbox.corpus([world.video.id], as_of=324.0, observed=True)
    assert FLASH not in {u.record.text for u in early.units}
    late = world.toolbox.corpus([world.video.id], as_of=400.0, observed=True)
    assert FLASH in {u.record.text for u in late.units}


def test_parallel_climbs_give_what_one_after_another_gives(world: Film, tmp_path: Path) -> None:
    desk = world.desk(ASKED[SHORT])
    part = classify(desk.question, None)[0]
    terms = desk.terms(part["words"])
    desk.toolbox.corpus(desk.ids)
    spots = [{"video": world.video.id, "start": 10.0 * n, "end": 10.0 * n + 10, "fit": 0.5}
             for n in range(19, 23)]  # fmt: skip
    steps = [plan(desk, part, terms, spot, []) for spot in [*spots, spots[2], spots[2]]]
    _ = desk.lanes
    with ThreadPoolExecutor(5) as pool:
        made = list(pool.map(lambda s: climb(desk, part, terms, s), steps))
    assert world.toolbox.looker.decodes == len(spots), "who wants the same look waits for it"
    assert world.decoded == sum(one["frames"] for one in made[:-2])
    (tmp_path / "b").mkdir()
    other = film(tmp_path / "b", path=world.path)
    lone = other.desk(ASKED[SHORT])
    assert [climb(lone, part, terms, s)["candidates"] for s in steps] == [
        one["candidates"] for one in made
    ]
    other.store.close()


def test_a_source_that_is_gone_is_said_and_claims_nothing(world: Film) -> None:
    desk = world.desk(ASKED[SHORT])
    part = classify(desk.question, None)[0]
    (place, *_) = places(desk, part)
    step = plan(desk, part, [], place, [])
    assert step is not None
    world.there = False
    one = climb(desk, part, [], step)
    assert (one["gone"], one["candidates"], one["frames"]) == (True, [], 0)
    assert "gone" in one["why"]
    assert plan(desk, part, [], place, [one["step"]]) is None
    assert look_for(desk, ASKED[SHORT], SHORT) == ([], "")


def test_what_was_seen_outlives_the_source(world: Film) -> None:
    look_for(world.desk(ASKED[SHORT]), ASKED[SHORT], SHORT)
    world.there, before = False, world.decoded
    again, found = look_for(world.desk("What does the kitchen crate show?"), ASKED[SHORT], SHORT)
    assert found == SHORT  # read as memory, or taken from the stored look
    assert set(seen_kinds(again)) <= {"R3"}
    assert world.decoded == before > 0


def test_the_budget_is_debited_before_the_look_is_made(world: Film) -> None:
    desk = world.desk(ASKED[SHORT])
    desk.ledger = Ledger(BUDGETS["chat"])
    looked, _ = look_for(desk, ASKED[SHORT], SHORT)
    spent = {kind: desk.ledger.left(kind) for kind in ("inspections", "frames")}
    assert spent == {"inspections": BUDGETS["chat"].inspections - len(looked),
                     "frames": BUDGETS["chat"].frames - world.decoded}  # fmt: skip
    assert desk.cost["frames"] == world.decoded > 0
    broke = world.desk(ASKED[FLASH])
    broke.ledger = Ledger(replace(BUDGETS["chat"], inspections=0))
    before = world.decoded
    looked, found = look_for(broke, ASKED[FLASH], FLASH, budget=1)
    assert (found, looked[0]["why"], world.decoded) == ("", "the budget is spent", before)


def test_a_look_for_sight_reads_nothing_and_serves_no_reader(world: Film) -> None:
    looker, span = world.toolbox.looker, Span(200.0, 210.0)
    sight, _ = looker.observe(
        world.video, looker.wanted(world.video.id, span, "R4", "q", text=False)
    )
    calls = world.models.text_reader.calls
    assert (sight.seen["lines"], calls) == ([], 0)
    assert sight.seen["tags"]
    both, reused = looker.observe(world.video, looker.wanted(world.video.id, span, "R4", "q"))
    assert (reused, both.seen["lines"][0]["text"]) == (False, SHORT)


def test_the_step_before_tells_where_to_go_and_else_all_is_gone_through(tmp_path: Path) -> None:
    scenes = [Scene(17.0, "grey"), Scene(0.5, "black"), Scene(42.5, "grey")]
    path = draw_video(tmp_path / "film.mp4", scenes, fps=4.0, size=(192, 108), numbered=False)
    world = film(tmp_path, path=path)
    desk = world.desk(ASKED[SHORT])
    part = classify(desk.question, None)[0]
    place = {"video": world.video.id, "start": 10.0, "end": 20.0, "fit": 1.0}
    coarse = climb(desk, part, [], plan(desk, part, [], place, []) or {})["step"]
    assert {p["kind"] for p in coarse["points"]} == {"change"}
    fine = plan(desk, part, [], place, [coarse])
    assert fine is not None
    assert (fine["rung"], fine["why"]) == ("R5", "the picture changes")
    assert Span(fine["start"], fine["end"]).contains(17.2)
    steps = [coarse | {"points": []}]
    while (step := plan(desk, part, [], place, steps)) is not None:
        steps.append(step | {"new": 0, "points": []})
        steps[0] |= {"new": 1}
    assert [s["rung"] for s in steps] == ["R4", "R5", "R5", "R5"]
    assert (steps[1]["start"], steps[-1]["end"]) == (10.0, 20.0)
    box = [0.1, 0.1, 0.3, 0.2]
    torn = {"kind": "unread", "start": 12.0, "end": 13.0, "weight": 0.8, "box": box}
    crop = plan(desk, part, [], place, [coarse | {"points": [*coarse["points"], torn]}])
    assert crop is not None
    assert (crop["rung"], crop["boxes"]) == ("R6", [box])
    assert Span(12.0, 13.0).overlap(Span(crop["start"], crop["end"])) == pytest.approx(1.0)
    world.store.close()


# -- zoom: small text in a corner ----------------------------------------------------------

MARK = (200, 30, 30)


def corner(n: int) -> np.ndarray[Any, Any]:
    image = np.full((360, 640, 3), 120, np.uint8)
    x, y = ((8, 8), (618, 8), (8, 344), (618, 344))[n % 4]
    image[y : y + 8, x : x + 14] = MARK
    return image


def test_corner_marks_are_read_with_zoom_and_lost_without() -> None:
    reader = FakeReader({MARK: ["sale ends friday"]}, least=0.0018)
    frames = [corner(n) for n in range(4)]
    zoomed = [read_grid(reader, image) for image in frames]
    assert all([line.text for line in lines] == ["sale ends friday"] for lines, _ in zoomed)
    assert all(count <= 12 for _, count in zoomed)
    for n, (lines, _) in enumerate(zoomed):
        x0, y0, x1, y1 = lines[0].box
        assert (x0 + x1) / 2 == pytest.approx((0.023, 0.977)[n % 2], abs=0.01)
        assert (y0 + y1) / 2 == pytest.approx((0.033, 0.967)[(n // 2) % 2], abs=0.02)
    assert not any(reader.read([image])[0] for image in frames)


def test_a_flash_is_read_although_the_picture_changes_all_the_time() -> None:
    scenes = [Scene(5.5, "grey", moving=True), Scene(0.5, "grey", FLASH), Scene(4.0, "grey")]
    frames = list(scene_frames(scenes, 2.0, (320, 180)))
    (flash,) = (time for time, image in frames if read_blocks(image))
    for most in (4, 6, 8):
        read = [time for time, _, _ in changing(frames, most)[0]]
        assert len(read) == most
        assert flash in read
        assert read[0] == 0.0
    assert flash not in {frames[round(i * 19 / 3)][0] for i in range(4)}, "evenly it is missed"


def test_cells_cover_the_frame_and_overlap() -> None:
    boxes = cells(1920, 1080)
    assert len(boxes) == 24
    for x, y in np.random.default_rng(7).random((200, 2)):
        assert any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for b in boxes)


def test_frames_are_counted_and_bounded_on_every_rung(world: Film) -> None:
    for rung, how in RUNGS.items():
        before = world.decoded
        wanted = world.toolbox.looker.wanted(world.video.id, Span(8.0, 40.0), rung, "q")
        one, _ = world.toolbox.looker.observe(world.video, wanted)
        assert one.frames == world.decoded - before
        assert 0 < one.frames <= how.frames
        assert one.span.duration <= how.longest


@pytest.mark.slow
def test_small_print_is_read_by_a_real_reader(tmp_path: Path, offline_models: Any) -> None:
    from PIL import Image, ImageDraw, ImageFont

    codes = ["Gate 47 closes", "Crate 8823 north", "Platform 19 west", "Room 214 upstairs"]
    model = offline_models.text_reader
    read = {"whole": 0, "grid": 0}
    for n, code in enumerate(codes):
        picture = Image.new("RGB", (1920, 1080), (60, 70, 80))
        draw = ImageDraw.Draw(picture)
        font = ImageFont.load_default(8)  # capitals are six pixels high
        x, y = ((20, 16), (1780, 16), (20, 1050), (1780, 1050))[n]
        draw.text((x, y), code, (240, 240, 240), font)
        image = np.array(picture)
        path = draw_frames(
            tmp_path / f"{n}.mp4", [(0.5 * k, image) for k in range(4)], fps=2, size=(1920, 1080),
            options={"crf": "8"},
        )  # fmt: skip
        video = Video("v", 1, "f", str(path), path.name, 2.0, {})
        for crops in read:
            models = fake_models(text_reader=model)
            seen = look(path, video, Span(0, 1), models, fps=2.0, crops=crops, readings=1)
            want = "".join(code.split()).lower()
            got = ["".join(line.text.split()).lower() for line in seen.lines]
            read[crops] += any(want in text for text in got)
    assert read == {"whole": 0, "grid": 4}


# -- looks that are made with the question in mind -------------------------------------------


class DotCaptioner:
    """Says what is asked about: the dot's colour only to whoever asks for the dot."""

    name = "fake-captioner@00000000"

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def caption(self, images: Any, question: str | None = None) -> str:
        self.asked.append(question)
        if question and "dot" in question:
            return "A small dot, which is purple, on a wall."
        return "A wall."


def test_captions_are_made_for_the_question_and_kept_by_it(tmp_path: Path, drawn: Path) -> None:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    models.captioner = DotCaptioner()
    names = models.names
    models.names = lambda: names() | {"captioner": DotCaptioner.name}
    world = film(tmp_path, models=models, path=drawn)
    place = {"video": world.video.id, "start": 10.0, "end": 20.0, "fit": 0.8}

    def told(question: str, **off: bool) -> list[str]:
        desk = world.desk(question, **off)
        part = classify(question, None)[0] | {"sources": ["sight", "screen"]}
        terms = desk.terms(part["words"])
        step = plan(desk, part, terms, place, []) or {}
        if step["rung"] == "R3":
            step = step | {"rung": "R4"}
        return [c["quote"] for c in climb(desk, part, terms, step)["candidates"]
                if c["source"] == "caption"]  # fmt: skip

    assert told("What colour is the small dot on the wall?") == [
        "A small dot, which is purple, on a wall."
    ]
    assert told("Which wall is seen?") != ["A small dot, which is purple, on a wall."]
    assert len(models.captioner.asked) == 2
    told("What is the colour of the small dot on the wall?")  # near enough: nothing is asked anew
    assert len(models.captioner.asked) == 2
    told("What colour is the small dot on the wall?", reuse=False)
    assert len(models.captioner.asked) == 3
    world.store.close()


def test_labels_of_a_look_count_for_questions_of_sight(tmp_path: Path) -> None:
    scenes = [Scene(20.0, "grey"), Scene(1.0, "purple"), Scene(39.0, "grey")]
    path = draw_video(tmp_path / "film.mp4", scenes, fps=4.0, size=(192, 108))
    world = film(tmp_path, path=path)
    question = "When is purple seen?"
    desk = world.desk(question)
    part = classify(question, None)[0] | {"sources": ["sight", "screen"], "words": ["purple"]}
    place = {"video": world.video.id, "start": 15.0, "end": 25.0, "fit": 0.5}
    step = plan(desk, part, desk.terms(["purple"]), place, [])
    assert step is not None
    seen = [c for c in climb(desk, part, desk.terms(["purple"]), step)["candidates"]]
    assert [c["source"] for c in seen] == ["sight"]
    assert Span(20.0, 21.0).contains(seen[0]["start"])
    blind = part | {"sources": ["screen", "speech"]}
    assert climb(desk, blind, desk.terms(["purple"]), step)["candidates"] == []
    world.store.close()


# -- disputes ------------------------------------------------------------------------------


def misread(world: Film) -> tuple[str, Observation]:
    """A memory that read a label wrongly and unsurely, and the finer look at it."""
    from longtake.storage.store import Store
    from tests.ladder_world import record

    wrong = "Gate 47 closes at noon"
    box = {"score": 0.71, "box": [0.1, 0.1, 0.6, 0.2]}
    video = world.video
    line = record(video, "moment", "screen", Span(180.0, 186.0), wrong, box, n=3)
    clip = record(video, "clip", "caption", Span(180.0, 190.0), f"Screen text: “{wrong}”.")
    scene = record(video, "scene", "caption", Span(180.0, 240.0), f"The kitchen — {wrong}.",
                   {"title": wrong})  # fmt: skip
    with Store.open(world.store.path, write=True) as store:
        store.put_records([line, clip, scene])
    seen = {"lines": [{"text": "Gate 41 closes at noon", "score": 0.97, "start": 180.0,
                       "end": 186.0, "box": [0.1, 0.1, 0.6, 0.2]}], "tags": []}  # fmt: skip
    one = Observation(video.id, Span(180.0, 190.0), "R5", 8.0, "quarters", seen=seen, frames=30)
    return line.id, world.store.observations.put(one)


def test_a_surer_look_disputes_a_line_and_what_was_made_of_it(world: Film) -> None:
    line, one = misread(world)
    assert contest(world.desk("q", dispute=False), one) == []
    assert world.store.observations.disputes([world.video.id]) == []
    against = contest(world.desk("q"), one)
    assert against[0] == line
    assert len(against) == 2, "the line, and the caption that repeats it"
    corpus = world.toolbox.corpus([world.video.id], observed=True)
    texts = {u.record.id: u.record for u in corpus.units}
    assert texts[line].text == "Gate 47 closes at noon", "raw words stay"
    assert texts[line].data["disputed"][0]["now"] == "Gate 41 closes at noon"
    derived = [u.record.text for u in corpus.of("caption") if "Gate" in u.record.text]
    assert derived == ["Screen text: “Gate 41 closes at noon”.",
                       "The kitchen — Gate 41 closes at noon."]  # fmt: skip
    plain = [r for r in world.toolbox.timeline(world.video.id, zoom="scene") if r.span.start == 180]
    assert plain[0].data["title"] == "Gate 41 closes at noon"
    assert plain[0].data["renewed"] == [one.id]
    stored = world.store.record(plain[0].id)
    assert stored.text == "The kitchen — Gate 47 closes at noon.", "nothing was rewritten"
    before = world.toolbox.corpus([world.video.id], observed=True, as_of=187.0)
    assert not any("41" in u.record.text for u in before.units)


def test_recall_ranks_a_disputed_line_below_the_finer_look(world: Film) -> None:
    line, one = misread(world)
    first = world.toolbox.search("gate closes at noon", within=["screen"], k=3).moments
    assert (first[0].record, first[0].text) == (line, "Gate 47 closes at noon")
    contest(world.desk("q"), one)
    moments = world.toolbox.search("gate closes at noon", within=["screen"], k=3).moments
    assert [m.text for m in moments[:2]] == ["Gate 41 closes at noon", "Gate 47 closes at noon"]
    assert moments[1].score < first[0].score
    found = [{"id": line, "score": 0.9, "start": 180.0}, {"id": "x", "score": 0.8, "start": 1.0}]
    assert [c["id"] for c in settle(world.desk("q"), found)] == ["x", line]
    assert [c["id"] for c in settle(world.desk("q", dispute=False), found)] == [line, "x"]


@pytest.mark.parametrize(
    "change",
    [
        {"score": 0.6},  # not surer
        {"text": "Gate 47 closes at noon today"},  # only more
        {"text": "Bring your own lunch"},  # something else
        {"box": [0.1, 0.7, 0.6, 0.8]},  # somewhere else
        {"start": 188.0, "end": 189.0},  # at another time
    ],
)
def test_what_does_not_contradict_is_no_dispute(world: Film, change: dict[str, Any]) -> None:
    _, one = misread(world)
    line = one.seen["lines"][0] | change
    other = replace(one, fps=9.0, seen={"lines": [line], "tags": []})
    assert contest(world.desk("q"), world.store.observations.put(other)) == []


def test_a_label_that_a_finer_look_never_sees_is_disputed(world: Film) -> None:
    from longtake.storage.store import Store
    from tests.ladder_world import record

    data = {"tags": [["rowboat", 0.42]], "colours": ["blue"]}
    text = "Perhaps rowboat (0.42). Mostly blue."
    clip = record(world.video, "clip", "caption", Span(0.0, 10.0), text, data)
    with Store.open(world.store.path, write=True) as store:
        store.put_records([clip])
    tags = [{"label": "canoe", "p": 0.83, "time": 2.0}]
    one = Observation(world.video.id, Span(0.0, 10.0), "R4", 2.0, "whole",
                      seen={"lines": [], "tags": tags})  # fmt: skip
    unsure = replace(one, fps=3.0, seen={"lines": [], "tags": [tags[0] | {"p": 0.3}]})
    put = world.store.observations.put
    assert contest(world.desk("q"), put(unsure)) == []
    assert contest(world.desk("q"), put(one)) == [clip.id]
    (read, *_) = world.toolbox.timeline(world.video.id, zoom="clip")
    assert read.text == "Perhaps canoe. Mostly blue."
    assert read.data["tags"] == []


def test_the_fake_reader_reads_what_is_drawn() -> None:
    image = draw_picture(Scene(1.0, "grey", FLASH), (192, 108))
    assert [line.text for line in block_reader().read([image])[0]] == [FLASH]
