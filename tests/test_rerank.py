"""Rerankers read the best moments again: the order follows them, and only then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longtake.errors import BackendError, MissingModel, UnsupportedModel
from longtake.memory.moments import Moment
from longtake.memory.recall import Recall
from longtake.memory.rerank import DEPTH, reranked
from longtake.models.rerank import Reranker, open_reranker
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.encoders_text import save_bert
from tests.memory_world import Encoder, Script, open_store, remember

SAID = [
    (10.0 + 40 * n, 14.0 + 40 * n, text)
    for n, text in enumerate(
        (
            "the exam is not about the harbour",
            "the exam takes place in the old hall",
            "bread needs flour and water",
            "the exam was hard last year",
        )
    )
]


class Planted:
    """Marks a text by the words of `order` it holds: the first is worth most."""

    name = "planted@0"

    def __init__(self, order: Sequence[str], error: Exception | None = None) -> None:
        self.order, self.error, self.asked = order, error, list[tuple[str, list[str]]]()

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((query, list(texts)))
        if self.error:
            raise self.error
        places = [next((i for i, w in enumerate(self.order) if w in t), 9) for t in texts]
        return [1.0 - place / 10 for place in places]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("rerank")) as made:
        remember(made, "talk.mp4", Script(duration=200.0, said=SAID))
        yield made


def texts(found: Any) -> list[str]:
    return [moment.text for moment in found.moments if "exam" in moment.text]


def test_the_order_follows_the_reranker(store: Store) -> None:
    off = Recall(store, Encoder(), None).search("exam")
    first = ["hard last year", "old hall", "not about"]
    planted = Planted(first)
    on = Recall(store, Encoder(), None, reranker=lambda: planted).search("exam")
    assert sorted(texts(on)) == sorted(texts(off))
    assert texts(on) != texts(off)
    assert [next(w for w in first if w in text) for text in texts(on)] == first
    scores = [moment.score for moment in on.moments]
    assert scores == sorted(scores, reverse=True)
    assert planted.asked[0][0] == "exam"
    assert len(planted.asked) == 1


def test_without_one_or_without_words_nothing_changes(store: Store) -> None:
    off = Recall(store, Encoder(), None).search("exam")
    assert Recall(store, Encoder(), None, reranker=lambda: None).search("exam") == off
    # One that agrees with the order changes nothing either.
    agreeing = Planted([moment.text for moment in off.moments])
    assert Recall(store, Encoder(), None, reranker=lambda: agreeing).search("exam") == off


def test_one_that_fails_is_told_and_costs_nothing_else(store: Store) -> None:
    off = Recall(store, Encoder(), None).search("exam")
    broken = Planted([], BackendError("it broke"))
    on = Recall(store, Encoder(), None, reranker=lambda: broken).search("exam")
    assert on.moments == off.moments
    assert on.notes == ("the moments were not read again: it broke",)

    def absent() -> Reranker:
        raise MissingModel("it is not on this machine")

    found = Recall(store, Encoder(), None, reranker=absent).search("exam")
    assert found.moments == off.moments
    assert "not on this machine" in found.notes[0]


def test_what_a_caller_asked_for_comes_from_deeper_down(store: Store) -> None:
    last = texts(Recall(store, Encoder(), None).search("exam"))[-1]
    planted = Planted([last])
    off = Recall(store, Encoder(), None).search("exam", k=1)
    on = Recall(store, Encoder(), None, reranker=lambda: planted).search("exam", k=1)
    assert texts(off) != [last]
    assert texts(on) == [last]


def moment(n: int, text: str, **more: Any) -> Moment:
    made = Moment("v", Span(n, n + 1), 1 - n / 100, "speech", text, f"r{n}", "moment", cosine=0.6)
    return replace(made, **more)


def test_pictures_and_disputed_words_keep_their_places() -> None:
    seen = moment(0, "a dog; green", cosine=0.1, sight=9.0, source="sight")
    rows = [seen, moment(1, "b"), moment(2, "c"), moment(3, "d"), moment(4, "")]
    order = [one.record for one in reranked("q", rows, Planted("dcb"))]
    assert order == ["r0", "r3", "r2", "r1", "r4"]
    order = [one.record for one in reranked("q", rows, Planted("dcb"), frozenset({"r2"}))]
    assert order == ["r0", "r3", "r2", "r1", "r4"]
    order = [one.record for one in reranked("q", rows, Planted("dcb"), frozenset({"r1"}))]
    assert order == ["r0", "r1", "r3", "r2", "r4"]


def test_only_the_best_are_read_again() -> None:
    planted = Planted(["t39", "t19"])
    rows = [moment(n, f"t{n:02d}") for n in range(40)]
    found = reranked("q", rows, planted)
    assert len(planted.asked[0][1]) == DEPTH
    assert found[0].text == "t19"
    assert found[DEPTH:] == rows[DEPTH:]


# -- cross-encoders ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_bert(tmp_path_factory.mktemp("reranker") / "judge", num_labels=1)


def test_a_cross_encoder_reads_each_pair_by_itself(folder: Path) -> None:
    model = open_reranker(folder, threads=1)
    assert isinstance(model, Reranker)
    assert model.name == "judge@hub"
    said = ["the exam", "", "bread " * 200, "a red bus", "exam"] * 5
    marks = model.score("when is the exam", said)
    assert all(0 < one < 1 for one in marks)
    alone = [model.score("when is the exam", [one])[0] for one in said[:5]]
    np.testing.assert_allclose(marks, alone * 5, atol=1e-5)
    assert len({round(one, 6) for one in alone}) > 2
    assert marks == model.score("when is the exam", said)
    assert model.score("something else", said[:1]) != marks[:1]
    assert model.score("when", []) == []


def test_what_is_wrong_with_a_folder_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"config\.json"):
        open_reranker(shutil.copytree(folder, tmp_path / "a") / "..")
    place = shutil.copytree(folder, tmp_path / "b")
    (place / "model.safetensors").unlink()
    with pytest.raises(MissingModel, match="weights"):
        open_reranker(place)
    # A bare encoder has no head: the library would make one up.
    with pytest.raises(UnsupportedModel, match="BertModel"):
        open_reranker(save_bert(tmp_path / "bare"))
    with pytest.raises(UnsupportedModel, match="one number"):
        open_reranker(save_bert(tmp_path / "three", num_labels=3))
    place = shutil.copytree(folder, tmp_path / "c")
    (place / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(MissingModel, match="cannot be read"):
        open_reranker(place).score("a", ["b"])
    config = json.loads((place / "config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"]
