"""The whole graph with models that judge well, wrongly, malformed, slowly, or not at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.agent.answer import Answer
from longtake.agent.ledger import CHAT, TINY, Budget
from longtake.agent.state import Switches
from longtake.agent.surety.calibration import Calibration
from longtake.errors import BackendError, Unreachable
from longtake.memory.recall import Recall
from longtake.tools.registry import Toolbox
from tests.fakes import FakeChat, fake_models
from tests.scripted import BAD_REPLIES, BrokenChat
from tests.worlds import ContentEncoder, Section, World, lecture

PIANO = Section(
    "Piano",
    (),
    ((8.0, "The piano of the old theatre stands in the lower hall by the window."),
     (50.0, "The piano of the old theatre came out of a workshop in Leipzig.")),
)  # fmt: skip
WHERE = "Where does the piano of the old theatre come from?"
Messages = Sequence[tuple[str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from tests.worlds import SECTIONS

    folder = tmp_path_factory.mktemp("models")
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(folder, models.text_encoder, (*SECTIONS, PIANO))
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=lambda _video: folder / "gone.mp4")
    yield made
    made.store.close()


def ask(
    world: World,
    question: str,
    chat: Any = None,
    *,
    budget: Budget = CHAT,
    options: list[str] | None = None,
    calibration: Calibration | None = None,
    **off: bool,
) -> Answer:
    agent = Agent(world.toolbox, chat, None, switches=Switches(phrase=False, guess=False, **off),
                  budget=budget, calibration=calibration or Calibration.plain())  # fmt: skip
    return agent.ask(question, videos=[world.video], options=options)


def knowing(word: str) -> FakeChat:
    """A model that finds an answer in a passage that holds a word."""

    def scorer(messages: Messages, labels: Sequence[str]) -> list[float]:
        text = messages[-1][1]
        passage = text.split("<video>")[1].split("</video>")[0] if "<video>" in text else ""
        return [math.log(0.7 if (n == 0) == (word in passage) else 0.1)
                for n in range(len(labels))]  # fmt: skip

    return FakeChat(scorer=scorer)


def test_a_judge_is_asked_only_when_it_is_heeded(world: World) -> None:
    assert ask(world, WHERE, knowing("workshop")).cost["model_calls"] == 1
    assert ask(world, WHERE, knowing("workshop"), judge=False).cost["model_calls"] == 0
    unmeasured = Calibration("generic", {}, generic=1.0)
    answer = ask(world, WHERE, knowing("window"), calibration=unmeasured)
    assert answer.cost["model_calls"] == 0
    assert answer.text == ask(world, WHERE, calibration=unmeasured).text


@pytest.mark.parametrize("reply", BAD_REPLIES[:12])
def test_prose_where_a_letter_was_asked_changes_nothing(world: World, reply: str) -> None:
    chat = FakeChat(lambda _messages: reply, scores=False)
    plain, answer = ask(world, WHERE), ask(world, WHERE, chat)
    assert answer.status == plain.status
    assert {e.quote for e in answer.evidence} <= {e.quote for e in plain.evidence} | {
        "The piano of the old theatre stands in the lower hall by the window.",
        "The piano of the old theatre came out of a workshop in Leipzig.",
    }


@pytest.mark.parametrize(
    "error", [BackendError("down"), Unreachable("no one"), TimeoutError(), RuntimeError("cuda")]
)
def test_a_dead_model_is_left_alone(world: World, error: Exception) -> None:
    assert ask(world, WHERE, BrokenChat(error)).text == ask(world, WHERE).text


def test_scores_that_are_no_numbers_decide_nothing(world: World) -> None:
    for bad in ([], [math.nan, math.nan], [1.0], [math.inf, -math.inf]):
        chat = FakeChat(scorer=lambda _m, _l, bad=bad: list(bad))
        assert ask(world, WHERE, chat).status == ask(world, WHERE).status


def test_budgets_hold_whatever_the_model_says(world: World) -> None:
    none = Budget(llm=0, scored=3, inspections=0, frames=0, rewrites=0, wall=30.0)
    answer = ask(world, WHERE, knowing("workshop"), budget=none)
    assert answer.cost["model_calls"] <= 3
    assert answer.status == "answered"


def test_a_spent_wall_gives_the_best_so_far(world: World) -> None:
    late = Budget(llm=1, scored=9, inspections=9, frames=99, rewrites=9, wall=0.0)
    answer = ask(world, "What is written on the submarine?", budget=late)
    assert answer.status != "answered"
    assert answer.forced
    assert not ask(world, "What is written on the submarine?", budget=TINY).forced


TIED = ["In the lower hall", "In a workshop"]


def test_a_model_decides_between_options_that_the_evidence_leaves_open(world: World) -> None:
    def scorer(messages: Messages, labels: Sequence[str]) -> list[float]:
        text = messages[-1][1]
        rows = [line for line in text.splitlines() if line[1:3] == ". "]
        told = "<video>(nothing)" not in text  # what it says of nothing is its prior
        return [0.0 if told and "workshop" in row else -6.0 for row in rows]

    question = "Where is the piano of the old theatre?"
    assert ask(world, question, options=TIED).choice is None
    assert ask(world, question, FakeChat(scorer=scorer), options=TIED).choice == 1
    off = ask(world, question, FakeChat(scorer=scorer), options=TIED, judge=False)
    assert off.choice is None
    sure = ["In the lower hall", "On the moon"]
    assert ask(world, question, FakeChat(scorer=scorer), options=sure).choice == 0


def test_the_same_question_with_a_model_gives_the_same_json(world: World, tmp_path: Path) -> None:
    first = ask(world, WHERE, knowing("workshop")).to_dict()
    assert ask(world, WHERE, knowing("workshop")).to_dict() == first
