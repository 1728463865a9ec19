"""Sounds are counted by the remarks on them, and rules about them are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from longtake.agent.question.classify import classify
from longtake.memory.recall import Recall
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.parts_driver import ask
from tests.test_agent_answers import no_source
from tests.worlds import ContentEncoder, Section, World, lecture

YARD = (
    Section("Yard", ("The yard",), (
        (5, "Whenever the siren goes, everybody lines up."),
        (20, "There goes the siren."), (24, "What a siren that is."),
        (70, "Was that the rooster again?"), (90, "And once more the siren."))),
    Section("Stable", ("The stable",), (
        (10, "The rooster is awake."), (40, "If the rooster crows, we feed it."),
        (60, "Siren number three."), (100, "Listen, the rooster."))),
)  # fmt: skip


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(tmp_path_factory.mktemp("yard"), models.text_encoder, YARD)
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=no_source)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("question", "times"),
    [
        ("How many times did the siren sound?", 3),
        ("How often did the siren go off?", 3),
        ("How often did the rooster crow?", 3),
        ("How many times could you hear the rooster?", 3),
        ("How many times was the siren blown?", 3),
    ],
)
def test_remarks_are_counted_and_rules_are_not(yard: World, question: str, times: int) -> None:
    assert ask(yard, question).value == times
    assert ask(yard, question, scan=False).value != times


@pytest.mark.parametrize(
    "question",
    [
        "How often is the siren mentioned?",
        "How many sirens are there?",
        "When did the siren sound?",
    ],
)
def test_other_questions_about_it_are_no_count_of_sounds(question: str) -> None:
    assert classify(question)[0].get("op") != "heard"
