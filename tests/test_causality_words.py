"""Scores of words as of a time do not know what came later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longtake.storage import words as module
from longtake.storage.store import Store
from longtake.storage.words import Words
from tests.storage_world import add_video, make, writer

TIME = 100.0
EARLY = ("the exam is in room five", "a long talk about the weather and the sea", "exam exam exam",
         "room five is cold today", "the sea is cold")  # fmt: skip
LATE = ("the exam once more", "cold cold weather in the room", "exam", "sea", "a room with a view")


@pytest.fixture
def stores(tmp_path: Path) -> Any:
    """A library, and one that ends at `TIME`."""
    made = []
    for name, late in (("whole", LATE * 30), ("cut", ())):
        with writer(tmp_path / name) as store:
            video = add_video(store)
            rows = [make(video, 10.0 * n, text=text) for n, text in enumerate(EARLY)]
            rows += [make(video, TIME + 10.0 * n, text=text) for n, text in enumerate(late)]
            store.put_records(rows)
        made.append(Store.open(tmp_path / name))
    yield made
    for store in made:
        store.close()


def found(store: Store, *terms: str) -> list[tuple[str, float]]:
    return [(r.text, round(p, 9)) for r, p in store.search_words(terms, k=9, as_of=TIME)]


@pytest.mark.parametrize(
    "terms", [("exam", "room"), ("cold", "sea", "weather"), ("room five",), ("the", "is")]
)
@pytest.mark.parametrize("work", [module.WORK, 2])
def test_scores_are_those_of_a_library_that_ends_there(
    stores: Any, monkeypatch: pytest.MonkeyPatch, terms: tuple[str, ...], work: int
) -> None:
    monkeypatch.setattr(module, "WORK", work)
    monkeypatch.setattr(module, "FILL", work)
    whole, cut = (found(store, *terms) for store in stores)
    assert whole
    assert whole == cut


def test_the_index_alone_counts_what_came_later(
    stores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_the_index(self: Words, said: Any, as_of: Any, *rest: Any) -> Any:
        return self._scored(*rest)

    monkeypatch.setattr(Words, "_scored_as_of", by_the_index)
    whole, cut = (found(store, "exam", "room") for store in stores)
    assert whole != cut


def test_what_holds_more_and_rarer_words_comes_first(stores: Any) -> None:
    best = [text for text, _ in found(stores[0], "exam", "room")]
    assert best[0] == "the exam is in room five"
    assert next(t for t, _ in found(stores[0], "exam")) == "exam exam exam"
    assert found(stores[0], "room five")
    assert found(stores[0], "five room") == []
    timeless = stores[1].search_words(["exam", "room"], k=9)
    assert [r.text for r, _ in timeless] == best
