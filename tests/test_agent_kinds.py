"""Kinds of things by meaning: where no list has the word, its vector tells what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.agent.reading.extract import phrase_with
from longtake.agent.reading.kinds import SEEDS, asked_nouns, fitted, named, seed_texts
from longtake.agent.reading.sorts import holds
from longtake.models.protocols import Vectors
from tests.asking import ask, scripted
from tests.worlds import ContentEncoder, Section, World

PLANTED = {"diver": "person", "quimble": "material", "spoon": "tool", "barrel": "tool"}
SHED = Section(
    "Shed",
    ("The shed",),
    (
        (5, "The missing lid of the kettle lay in the harbour until a patient diver found it."),
        (30, "The silver spoon was hidden under a barrel."),
        (60, "The glass turns blue in the oven and stays blue."),
        (90, "Quimble turns glass blue."),
    ),
)


class PlantedEncoder(ContentEncoder):
    """Words that stand alone lie on the axis of their kind; all else is a bag of words."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = super().encode(texts).copy()
        kinds = list(SEEDS)
        known = {w: kind for kind, words in SEEDS.items() for w in words.split()} | PLANTED
        for n, text in enumerate(texts):
            kind = known.get(text.removeprefix("the "))
            if kind is not None:
                rows[n] = 0.0
                rows[n, kinds.index(kind)] = 1.0
        return rows


class UnknowingEncoder(ContentEncoder):
    """No word is of a kind that can be told."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = scripted(tmp_path_factory.mktemp("kinds"), (SHED,), PlantedEncoder())
    yield world
    world.store.close()


def test_someone_is_known_by_meaning_where_no_list_has_the_word(world: World) -> None:
    question = "Who found the missing lid of the kettle?"
    assert not holds("person", question, SHED.said[0][1])
    answer = ask(world, question)
    assert answer.status == "answered"
    assert answer.text.startswith("A patient diver.")
    assert not ask(world, question, sort=False).text.startswith("A patient diver.")


def test_without_meaning_the_same_question_is_declined(tmp_path: Path) -> None:
    world = scripted(tmp_path, (SHED,), UnknowingEncoder())
    assert ask(world, "Who found the missing lid of the kettle?").status != "answered"
    world.store.close()


def test_an_object_is_no_answer_to_who(world: World) -> None:
    question = "Who hid the silver spoon?"
    assert ask(world, question).status != "answered"
    assert ask(world, question, sort=False).status == "answered"


def test_what_is_of_the_kind_goes_first(world: World) -> None:
    answer = ask(world, "Which material turns glass blue?")
    assert answer.evidence[0].quote.startswith("Quimble")
    assert answer.text.startswith("Quimble.")
    plain = ask(world, "Which material turns glass blue?", sort=False)
    assert not plain.text.startswith("Quimble.")


def test_the_map_tells_planted_words_of_every_kind() -> None:
    encoder = PlantedEncoder()
    kinds = fitted(np.asarray(encoder.encode(seed_texts()), np.float32))
    rows = kinds.centred(encoder.encode([f"the {word}" for word in PLANTED]))
    assert [kind for kind, _ in kinds.best(rows)] == list(PLANTED.values())


@pytest.mark.parametrize(
    ("question", "nouns"),
    [
        ("In what place was the lid?", ["place"]),
        ("Which old animal did she feed?", ["animal"]),
        ("What kind of cloth is it?", ["cloth"]),
        ("What is a vector?", []),
    ],
)
def test_the_noun_of_a_question(question: str, nouns: list[str]) -> None:
    assert asked_nouns(question) == nouns


def test_where_someone_may_be_named() -> None:
    assert "diver" in named("It lay under the stairs until a diver found it.")
    assert "late" not in named("They came late and found nothing at all in it.")
    assert phrase_with("a spoon with his dentist there", "dentist") == "his dentist"
    assert phrase_with("the lid by which dentist", "dentist") == "dentist"


UNSEEN = {
    "person": "diver dentist plumber beekeeper goalkeeper shepherd midwife bishop nephew burglar",
    "material": "cobalt zinc nickel brass linen porcelain granite",
    "animal": "otter badger goat donkey beetle squirrel trout",
    "place": "cellar lighthouse quarry meadow warehouse chapel monastery",
    "food": "marmalade pancake cinnamon sausage noodles fudge",
    "tool": "screwdriver chisel spade kettle padlock telescope",
    "instrument": "cello harp clarinet banjo",
}


@pytest.mark.slow
def test_the_real_encoder_tells_kinds_of_words_it_was_not_shown(offline_models: Any) -> None:
    encoder = offline_models.text_encoder
    seeds = {word for words in SEEDS.values() for word in words.split()}
    kinds = fitted(np.asarray(encoder.encode(seed_texts()), np.float32))
    words = [(kind, word) for kind, held in UNSEEN.items() for word in held.split()]
    assert not seeds & {word for _, word in words}
    rows = kinds.centred(encoder.encode([f"the {word}" for _, word in words]))
    right = [kind == told for (kind, _), (told, _) in zip(words, kinds.best(rows), strict=True)]
    assert np.mean(right) >= 0.85


@pytest.mark.slow
def test_a_question_about_a_metal_finds_cobalt(tmp_path: Path, offline_models: Any) -> None:
    from longtake.agent.reading.kinds import Sought

    world = scripted(tmp_path, (SHED,), PlantedEncoder())
    world.toolbox.models = offline_models
    desk: Any = type("Means", (), {"toolbox": world.toolbox})()
    metal = Sought(desk, "Which metal turns glass blue?", None)
    assert metal.words("Cobalt gives blue") == ["cobalt"]
    assert metal.words("The otter sleeps on straw") == []
    who = Sought(desk, "Who mended the teapot?", "person")
    assert who.words("a dentist glued the spout with cement") == ["dentist"]
    assert who.words("the spout was glued with cement in the cellar") == []
    world.store.close()
