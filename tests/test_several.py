"""Several videos: named, picked, asked one by one, joined by the clock and by names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.agent.answer import Answer
from longtake.agent.desk import Desk
from longtake.agent.question.classify import classify
from longtake.agent.question.resolve import resolve
from longtake.agent.reading.evidence import collect
from longtake.agent.solvers.by_kind import solve
from longtake.agent.state import Switches
from longtake.agent.surety.ground import ground
from longtake.agent.talk.dialogue import remembered
from longtake.agent.videos.fan_out import desk_for, fan_out
from longtake.agent.videos.quotas import shared_out
from longtake.agent.videos.several import named_in, pick
from longtake.agent.writing.compose import compose
from tests.town_world import ISLAND, TOWN, Town, long_film
from tests.worlds import Section

MORNING = {"started_at": "2026-06-12T09:00:00Z"}
LATER = {"started_at": "2026-06-12T09:05:00Z"}
EVENING = {"creation_time": "2026-06-13T20:00:00"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    films = {"marsund.mp4": TOWN, "island.mp4": ISLAND}
    made = Town(tmp_path_factory.mktemp("two"), films)
    yield made
    made.close()


@pytest.fixture(scope="module")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    gate = (
        Section("Gate", ("Gate", "No entry"), ((100, "A van stops at the gate."),), seconds=600.0),
    )
    films = {
        "camera1.mp4": (TOWN, MORNING, None),
        "camera2.mp4": (gate, LATER, None),
        "camera3.mp4": (ISLAND, EVENING, None),
    }
    made = Town(tmp_path_factory.mktemp("cameras"), films)
    yield made
    made.close()


class Walk:
    """One conversation, step by step as the graph takes it."""

    def __init__(self, town: Town, videos: Any = None, *, fan: bool = True) -> None:
        self.town, self.fan = town, fan
        self.videos = list(videos or town.videos)
        self.history: list[dict[str, Any]] = []

    def __call__(self, question: str) -> dict[str, Any]:
        desk = Desk(self.town.toolbox, None, self.videos, None, Switches())
        parts = []
        for one in classify(question):
            part, settled = resolve(desk, one, [], self.history)
            parts.append(part | {"settled": settled})
        if self.fan:
            parts = fan_out(desk, parts)
        found = [self.solved(desk_for(desk, part), part) for part in parts]
        self.history.append(remembered(question, parts[0], found[0]))
        made = compose(desk, parts, found)
        kept, dropped = ground(made["sentences"], made["evidence"], question)
        assert not dropped
        return made | {"text": " ".join(s["text"] for s in kept), "videos": self.named(made)}

    def solved(self, desk: Desk, part: dict[str, Any]) -> dict[str, Any]:
        if part["settled"]:
            return dict(part["settled"])
        terms = desk.terms(part["words"])
        found = collect(desk, part, terms) if part["words"] else []
        return solve(desk, part, terms, found, None)

    def named(self, made: dict[str, Any]) -> list[str]:
        names = {v.id: v.name for v in self.videos}
        return [names[e["video"]] for e in made["evidence"]]


# -- naming -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What does the chapel look like in island.mp4?", ["island.mp4"]),
        ("What is said about marmots in the second film?", ["island.mp4"]),
        ("What is said about marmots in the first video?", ["marsund.mp4"]),
        ("What does the last film say about marmots?", ["island.mp4"]),
        ("What is told of marmots in marsund?", ["marsund.mp4"]),
        ("Who painted the lighthouse?", []),
        ("What is the second thing on the slide?", []),
    ],
)
def test_videos_are_named_by_file_or_place(town: Town, question: str, named: list[str]) -> None:
    assert [v.name for v in named_in(question, town.videos)[0]] == named


def test_numbers_in_names_go_before_the_order_of_arrival(tmp_path: Path) -> None:
    town = Town(tmp_path, {"lecture-02.mp4": ISLAND, "lecture-01.mp4": TOWN})
    for question in ("What is the price in lecture 2?", "What is the price in the second lecture?"):
        found, rest = named_in(question, town.videos)
        assert [v.name for v in found] == ["lecture-02.mp4"]
        assert rest == "What is the price ?"
    town.close()


def test_videos_are_named_by_their_day(cameras: Town) -> None:
    found, rest = named_in("What was sold in the recording of 13 June?", cameras.videos)
    assert [v.name for v in found] == ["camera3.mp4"]
    assert "June" not in rest


def test_only_the_named_video_is_asked(town: Town) -> None:
    asked = Walk(town)("What is said about marmots in the second film?")
    assert set(asked["videos"]) == {"island.mp4"}
    assert "rare on the island" in asked["text"]
    missing = Walk(town)("What is said about honey in the first film?")
    assert missing["status"] == "not_in_video"
    assert "Nothing in marsund.mp4" in missing["text"]
    assert "100 % of marsund.mp4" in missing["text"]
    assert "100 % of island.mp4" not in missing["text"]


def test_a_video_that_is_not_there_is_said(town: Town) -> None:
    asked = Walk(town)("What is said about marmots in the fifth film?")
    assert asked["status"] == "ambiguous"
    assert "marsund.mp4, island.mp4" in asked["text"]
    alone = Walk(town, town.videos[:1])("And in the other film?")
    assert alone["status"] == "ambiguous"
    assert "Only marsund.mp4" in alone["text"]


# -- one by one -------------------------------------------------------------------------------


def test_every_sentence_with_a_time_names_its_video(town: Town) -> None:
    asked = Walk(town)("Where was Clara Lindqvist born?")
    told = [s for s in asked["sentences"] if s["by"] == "code"]
    assert told
    assert all("marsund.mp4" in s["text"] or "island.mp4" in s["text"] for s in told)
    one = Walk(town, town.videos[:1])("Where was Clara Lindqvist born?")
    assert "marsund.mp4" not in one["text"]


def test_each_video_has_its_own_answer_and_its_share(tmp_path: Path) -> None:
    """A long film that speaks of herring all the time crowds the other out, unless each is asked."""
    town = Town(tmp_path, {"long.mp4": long_film(), "marsund.mp4": TOWN})
    question = "What does each film say about fresh herring?"
    asked = Walk(town)(question)
    assert set(asked["videos"]) == {"long.mp4", "marsund.mp4"}
    assert "in marsund.mp4" in asked["text"]
    assert set(Walk(town, fan=False)(question)["videos"]) == {"long.mp4"}
    town.close()


def test_candidates_are_shared_out_between_videos() -> None:
    many = [{"video": "long", "id": f"l{n:03}", "score": 0.9} for n in range(100)]
    few = [{"video": "short", "id": f"s{n}", "score": 0.8} for n in range(3)]
    found = [*many, *few]
    kept = shared_out(found, 40)
    assert len(kept) == 40
    assert [c for c in kept if c["video"] == "short"] == few
    assert kept == sorted(kept, key=found.index)
    assert not [c for c in found[:40] if c["video"] == "short"]  # without quotas


def test_counts_add_up_over_videos(town: Town) -> None:
    asked = Walk(town)("How many times are marmots mentioned?")
    assert asked["value"] == 4
    assert asked["text"].startswith("4 in all: 3 in marsund.mp4, 1 in island.mp4.")
    herring = Walk(town)("How many times is herring mentioned?")
    assert herring["value"] == 3
    assert "none in island.mp4" in herring["text"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Which films mention honey?", "In 1 of 2 videos: island.mp4."),
        ("Which of the two films mention marmots?", "In 2 of 2 videos: marsund.mp4, island.mp4."),
        ("In which film is the lighthouse mentioned?", "In 1 of 2 videos: marsund.mp4."),
        ("Do both films mention marmots?", "Yes, in all of them: marsund.mp4, island.mp4."),
        ("Do both films mention honey?", "Only in island.mp4."),
    ],
)
def test_in_which_and_in_both(town: Town, question: str, said: str) -> None:
    asked = Walk(town)(question)
    assert asked["text"].startswith(said), asked["text"]


def test_what_none_of_them_holds_is_in_none(town: Town) -> None:
    asked = Walk(town)("What does each film say about submarines?")
    assert asked["status"] == "not_in_video"
    assert "Nothing in any of the videos" in asked["text"]
    assert "Next: " in asked["text"]


def test_names_that_all_of_them_hold(town: Town) -> None:
    asked = Walk(town)("Which people are named in both films?")
    assert asked["text"].startswith("Clara Lindqvist: ")
    assert set(asked["videos"]) == {"marsund.mp4", "island.mp4"}
    assert "Viktor Hale" not in asked["text"]


# -- going from one to another ------------------------------------------------------------------


def test_the_same_question_in_the_other_film(town: Town) -> None:
    walk = Walk(town)
    assert "marsund.mp4" in walk("What is said about marmots in the first film?")["videos"]
    assert set(walk("And in the other film?")["videos"]) == {"island.mp4"}
    assert set(walk("No, I meant the first film")["videos"]) == {"marsund.mp4"}


def test_the_same_moment_in_the_other_camera(cameras: Town) -> None:
    walk = Walk(cameras, cameras.videos[:2])
    first = walk("When is the bell tower first mentioned in camera 1?")
    assert set(first["videos"]) == {"camera1.mp4"}
    moved = walk("What is on the screen of the other camera at the same moment?")
    assert moved["status"] == "answered", moved["text"]
    assert set(moved["videos"]) == {"camera2.mp4"}
    assert "Gate" in moved["text"]


def test_moments_that_cannot_be_matched_are_said(cameras: Town, town: Town) -> None:
    walk = Walk(cameras)
    walk("When does the old ferry leave the quay in camera 1?")
    early = walk("What does camera 2 show at the same moment?")
    assert "was not recording" in early["text"]
    silent = Walk(town)
    silent("When does the old ferry leave the quay in the first film?")
    asked = silent("What does the other film show at the same moment?")
    assert "is not known" in asked["text"]
    assert asked["status"] == "insufficient"


# -- picking ------------------------------------------------------------------------------------


def test_long_videos_do_not_crowd_out_others_when_videos_are_picked(tmp_path: Path) -> None:
    films = {"long.mp4": long_film(10), "drawer.mp4": ISLAND[1:], "marsund.mp4": TOWN}
    town = Town(tmp_path, films)
    question = "Which shed sells fresh herring, and what does it cost?"
    picked = pick(town.toolbox, question, town.videos, most=2)
    assert [v.name for v in picked.videos] == ["long.mp4", "marsund.mp4"]
    assert [v.name for v in picked.left_out] == ["drawer.mp4"]
    named = pick(town.toolbox, "What costs nine crowns in drawer.mp4?", town.videos, most=1)
    assert [v.name for v in named.videos] == ["drawer.mp4"]
    every = pick(town.toolbox, "How many times is herring mentioned?", town.videos, most=1)
    assert len(every.videos) == 3
    assert not every.left_out
    town.close()


def test_what_was_not_opened_is_said_and_not_denied(town: Town) -> None:
    desk = Desk(town.toolbox, None, town.videos[:1], None, Switches())
    desk.left_out = town.videos[1:]  # type: ignore[attr-defined]
    part, _ = resolve(desk, classify("Who sells honey?")[0], [], [])
    terms = desk.terms(part["words"])
    made = compose(desk, [part], [solve(desk, part, terms, collect(desk, part, terms), None)])
    text = " ".join(s["text"] for s in made["sentences"])
    assert made["status"] == "insufficient"
    assert "Not opened: 1 video" in text
    assert "name one of the other videos" in text


def test_a_name_with_quotes_or_times_does_not_break_the_check(tmp_path: Path) -> None:
    names: Sequence[str] = ("cam “x” 10:20:30.mp4", "island.mp4")
    town = Town(tmp_path, dict(zip(names, (TOWN, ISLAND), strict=True)))
    asked = Walk(town)("Where was Clara Lindqvist born?")
    assert "cam 'x' 10.20.30.mp4" in asked["text"]
    town.close()


# -- through the whole graph ---------------------------------------------------------------------


def agent(town: Town) -> Callable[..., Answer]:
    asked = Agent(town.toolbox, None, None)
    return lambda question, **more: asked.ask(
        question, **({"videos": town.videos, "thread": "films"} | more)
    )


def test_the_agent_asks_each_video_and_names_it(town: Town) -> None:
    say = agent(town)
    each = say("What does each film say about marmots?")
    assert {e.video for e in each.evidence} == {v.id for v in town.videos}
    assert "in marsund.mp4" in each.text
    assert "in island.mp4" in each.text
    assert say("How many times are marmots mentioned?").value == 4
    assert "In 1 of 2 videos: island.mp4." in say("Which films mention honey?").text


def test_the_agent_goes_over_to_the_other_camera(cameras: Town) -> None:
    say = agent(cameras)
    two = {"videos": cameras.videos[:2]}
    say("When is the bell tower first mentioned in camera 1?", **two)
    moved = say("What is on the screen of the other camera at the same moment?", **two)
    assert [e.video for e in moved.evidence] == [cameras.video("camera2.mp4").id] * len(
        moved.evidence
    )
    assert "Gate" in moved.text
