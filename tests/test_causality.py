"""No answer as of a time changes when all that became known later is taken out of the library."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.memory.recall import Recall
from longtake.storage.store import Store
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.test_agent_answers import no_source
from tests.worlds import ContentEncoder, World, lecture

TIMES = (131.0, 262.0, 475.0)
QUESTIONS = (
    "When does she first mention attention sinks?",
    "How many times does she mention attention sinks?",
    "When is the exam announced?",
    "What does the lecturer say about quantization?",
    "How many slides are shown?",
    "What speed was measured on the old laptop?",
    "Is there a dog at the harbour?",
    "Who prepared the figures?",
    "What is the lecture about?",
    "Where can one buy a submarine?",
)  # fmt: skip
QUERIES = ("attention sinks and the calibration set", "exam in room 214", "pruning weights")


def later_gone(world: World, folder: Path, time: float) -> World:
    """Copy the library, and delete every record that became known after a time."""
    path = folder / f"until-{time}.longtake"
    shutil.copytree(world.path, path)
    with Store.open(path, write=True) as store:
        records = store.records(video=world.video.id)
        late = [one.id for one in records if one.known_at > time]
        assert 0 < len(late) < len(records)
        store.delete_records(world.video.id, ids=late)
    return opened(path, world)


def opened(path: Path, world: World) -> World:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    store = Store.open(path)
    recall = Recall(store, models.text_encoder, None)
    toolbox = Toolbox(store, models, recall, source_of=no_source)
    return World(path, store, store.video(world.video.id), world.starts, toolbox)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The whole lecture, and what is left of it as of a time."""
    folder = tmp_path_factory.mktemp("causality")
    made = lecture(folder, ContentEncoder())
    made.store.close()
    whole = opened(made.path, made)
    cut = cache(lambda time: later_gone(whole, folder, time))
    yield whole, cut
    for time in TIMES:
        cut(time).store.close()
    whole.store.close()


def answered(world: World, question: str, time: float | None) -> dict[str, Any]:
    made = Agent(world.toolbox, None, None).ask(question, videos=[world.video], as_of=time)
    return made.to_dict()


@pytest.mark.parametrize("time", TIMES)
def test_answers_are_those_of_a_library_that_ends_there(worlds: Any, time: float) -> None:
    whole, cut = worlds
    for question in QUESTIONS:
        assert answered(whole, question, time) == answered(cut(time), question, time), question


@pytest.mark.parametrize("time", TIMES)
def test_searches_are_those_of_a_library_that_ends_there(worlds: Any, time: float) -> None:
    whole, cut = worlds
    for query in QUERIES:
        one, other = (w.toolbox.search(query, k=8, as_of=time) for w in (whole, cut(time)))
        assert one == other, query


def test_what_comes_later_changes_answers_without_a_time(worlds: Any) -> None:
    whole, cut = worlds
    changed = [
        question
        for question in QUESTIONS[:4]
        if answered(whole, question, None) != answered(cut(TIMES[0]), question, TIMES[0])
    ]
    assert len(changed) >= 3


def test_words_that_come_later_are_not_counted(worlds: Any) -> None:
    whole, cut = worlds
    for term in ("sinks", "exam", "pocket calculator", "attention"):
        told = whole.store.document_frequency(term, TIMES[0])
        assert told == cut(TIMES[0]).store.document_frequency(term)
        assert told[0] < whole.store.document_frequency(term)[0]
    hint = whole.toolbox.search("kestrel", as_of=TIMES[0]).hint
    assert "nowhere in the library: kestrel" in hint
