"""Names that are believed, short answers that fit, pages that are trimmed, and time that is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.agent.answer import Answer
from longtake.agent.question.classify import classify
from longtake.agent.state import Switches
from longtake.errors import SourceGone
from longtake.memory.recall import Recall
from longtake.storage.records import Video
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.worlds import SECTIONS, ContentEncoder, Section, World, lecture

DEN = Section("Den", (), ((6, "Here we only film."),), ("bear", "cage"), 60.0)
TWINS = Section(
    "Twins",
    ("Odds ratio in dementia", "Study of siblings", "In 100 pairs discordant", "8", "9"),
    ((8.0, "The odds ratio for dementia was striking in this cohort of 100 siblings."),),
)


def no_source(video: Video) -> Path:
    raise SourceGone(f"{video.name} is only a script")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    folder = tmp_path_factory.mktemp("fit")
    made = lecture(folder, models.text_encoder, (*SECTIONS, DEN, TWINS))
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=no_source)
    yield made
    made.store.close()


def ask(world: World, question: str, as_of: float | None = None, **off: Any) -> Answer:
    agent = Agent(world.toolbox, None, None, switches=Switches(**off))
    return agent.ask(question, videos=[world.video], as_of=as_of)


def test_a_broader_label_is_not_believed_and_is_without_the_vocabulary(world: World) -> None:
    question = "When does a black bear appear?"  # the sight has a name for this one
    assert ask(world, question).status != "answered"
    assert ask(world, question, names=False).status == "answered"
    assert ask(world, "When does a bear appear?").status == "answered"


def test_a_number_that_does_not_fit_is_not_put_in_front(world: World) -> None:
    question = "What is the odds ratio for dementia?"
    assert not ask(world, question).text.startswith("100")
    assert ask(world, question).value is None
    assert ask(world, question, fit=False).text.startswith("100")


def test_a_page_is_quoted_without_bare_digits(world: World) -> None:
    question = "What does the slide say about siblings?"
    assert "“8”" not in ask(world, question).text
    assert "“8”" in ask(world, question, trim=False).text


def test_evidence_ends_where_knowledge_ends(world: World) -> None:
    now = world.at("Pruning", 30)
    answer = ask(world, "What does the slide say about sparsity?", as_of=now)
    assert answer.evidence
    assert all(proof.end <= now for proof in answer.evidence)


@pytest.mark.parametrize(
    ("question", "kind", "wants"),
    [
        ("At what time does the first train leave?", "fact", "clock"),
        ("What is the library's opening time?", "fact", "clock"),
        ("At what time does she mention pruning?", "when", None),
    ],
)
def test_a_time_of_day_is_no_place_in_the_video(question: str, kind: str, wants: str) -> None:
    asked = classify(question)[0]
    assert (asked["kind"], asked["wants"]) == (kind, wants)


@pytest.mark.parametrize(
    ("question", "wants"),
    [
        ("At what time does the first train leave?", "clock"),
        ("What are the office hours?", "clock"),
        ("In which room are the office hours?", "place"),
        ("Where are the office hours held?", "place"),
    ],
)
def test_a_schedule_is_asked_for_more_than_its_times(question: str, wants: str) -> None:
    assert classify(question, None)[0]["wants"] == wants
