"""Vectors of several image encoders over the same frames: searched side by side, joined by rank."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.errors import BackendError, MissingModel, StoreError
from longtake.memory.recall import Recall, Recalled
from longtake.models.protocols import Image, ImageEncoder, Vectors
from longtake.storage.records import Record, VectorRow, Video, sight_facet
from longtake.storage.store import Store
from tests.memory_world import Encoder, Script, open_store, remember

THINGS = (
    "crimson", "amber", "teal", "violet", "ivory", "olive", "indigo", "coral",
    "square", "spiral", "arrow", "crescent", "lattice", "hexagon", "ribbon", "wedge",
)  # fmt: skip
COLOURS, SHAPES = THINGS[:8], THINGS[8:]
STAY = 10
"""Seconds that each thing is seen."""


def noise(seed: str) -> Any:
    digest = hashlib.sha256(seed.encode()).digest()
    row = np.random.default_rng(int.from_bytes(digest[:8], "big")).standard_normal(32)
    return (row / np.linalg.norm(row)).astype(np.float32)


class Half:
    """Tells the things it knows apart; all else is noise to it."""

    def __init__(self, name: str, known: Sequence[str], error: Exception | None = None) -> None:
        self.name, self.known, self.error = name, known, error
        self.dim = 32

    def see(self, thing: str, place: str) -> Any:
        row = 0.8 * noise(self.name + place)
        if thing in self.known:
            row = row + noise(self.name + thing)
        return (row / np.linalg.norm(row)).astype(np.float32)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        return np.stack([noise(str(image.mean())) for image in images])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        if self.error:
            raise self.error
        return np.stack([noise(self.name + text) for text in texts])


COLOUR, SHAPE = Half("colour-1.5@hub", COLOURS), Half("shape@hub", SHAPES)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("columns")) as made:
        script = Script(duration=float(STAY * len(THINGS)), sight_noise=1.0)
        video = remember(made, "things.mp4", script)
        made.put_vectors(rows(made, video, [COLOUR, SHAPE]))
        yield made


def rows(store: Store, video: Video, encoders: Sequence[Half]) -> list[VectorRow]:
    frames: list[Record] = store.records(video=video.id, level="frame", channel="sight")
    assert len(frames) == STAY * len(THINGS)
    return [
        VectorRow(one.id, sight_facet(eye.name), eye.see(thing_at(one), one.id), one.known_at)
        for eye in encoders
        for one in frames
    ]


def thing_at(frame: Record) -> str:
    return THINGS[int(frame.span.start) // STAY]


def recall(store: Store, *encoders: ImageEncoder) -> Recall:
    return Recall(store, None, None, further=lambda: list(encoders))


def share_found(one: Recall, things: Sequence[str], k: int = 5) -> float:
    """Recall@k: the share of things of which one of the best k moments shows them."""
    hits = 0
    for thing in things:
        begin = THINGS.index(thing) * STAY
        found = one.search(thing, k=k).moments
        hits += any(begin <= moment.span.middle < begin + STAY for moment in found)
    return hits / len(things)


def test_two_encoders_find_what_either_knows(store: Store) -> None:
    both, first, second = (recall(store, *eyes) for eyes in ((COLOUR, SHAPE), (COLOUR,), (SHAPE,)))
    joined, one, other = (share_found(r, THINGS) for r in (both, first, second))
    # Each alone knows half, and finds the rest by chance only.
    assert share_found(first, COLOURS) == share_found(second, SHAPES) == 1.0
    assert max(one, other) <= 0.75
    assert joined > max(one, other)
    assert joined == 1.0
    # What one knows is not lost among the other's noise.
    assert share_found(both, COLOURS) >= share_found(first, COLOURS)
    assert share_found(both, SHAPES) >= share_found(second, SHAPES)


def test_the_order_of_encoders_does_not_matter(store: Store) -> None:
    for thing in THINGS[::5]:
        assert recall(store, COLOUR, SHAPE).search(thing) == recall(store, SHAPE, COLOUR).search(
            thing
        )


def test_a_column_without_its_encoder_is_left_out_and_told(store: Store) -> None:
    found = recall(store, COLOUR).search("violet")
    begin = THINGS.index("violet") * STAY
    assert begin <= found.moments[0].span.middle < begin + STAY
    assert found.notes == (
        "the pictures' vectors of shape@hub were not searched: this profile has no such encoder",
    )
    assert recall(store, COLOUR, SHAPE).search("violet").notes == ()
    none = recall(store).search("violet")
    assert none.moments == []
    assert len(none.notes) == 2
    # Where pictures are not asked for, nothing is missing.
    assert recall(store).search("violet", within=["speech"]).notes == ()


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (Half(SHAPE.name, SHAPES, BackendError("the card is gone")), "the card is gone"),
        (Half(SHAPE.name, SHAPES, MissingModel("no weights here")), "no weights here"),
    ],
)
def test_an_encoder_that_fails_costs_its_column_only(store: Store, broken: Half, why: str) -> None:
    found = recall(store, COLOUR, broken).search("violet")
    assert found.moments == recall(store, COLOUR).search("violet").moments
    assert why in found.notes[0]


def test_vectors_that_are_no_numbers_cost_their_column_only(store: Store) -> None:
    class Mad(Half):
        def encode_texts(self, texts: Sequence[str]) -> Vectors:
            return np.full((len(texts), 32), np.nan, np.float32)

    found = recall(store, COLOUR, Mad(SHAPE.name, SHAPES)).search("violet")
    assert found.moments == recall(store, COLOUR).search("violet").moments
    assert "no row of numbers" in found.notes[0]


def test_models_that_are_missing_are_sought_once(store: Store) -> None:
    asked = []

    def absent() -> Sequence[ImageEncoder]:
        asked.append(1)
        raise MissingModel("it is not on this machine")

    one = Recall(store, Encoder(), None, further=absent)
    for _ in range(2):
        notes: Recalled = one.search("violet")
        assert all("not on this machine" in note for note in notes.notes)
        assert len(notes.notes) == 2
    assert asked == [1]


def test_a_library_without_further_columns_asks_for_no_encoder(tmp_path: Path) -> None:
    def never() -> Sequence[ImageEncoder]:
        raise AssertionError("no column needs it")

    with open_store(tmp_path) as made:
        remember(made, "plain.mp4", Script(duration=30.0, sight_noise=1.0))
        assert Recall(made, Encoder(), None, further=never).search("violet").notes == ()


def test_the_curve_rests_on_all_columns(store: Store) -> None:
    video = store.videos()[0].id
    begin = THINGS.index("hexagon") * STAY
    curves = [recall(store, *eyes).curve("hexagon", video) for eyes in ((COLOUR, SHAPE), (COLOUR,))]
    best = [int(np.argmax(curve.scores)) for curve in curves]
    assert begin <= best[0] < begin + STAY
    assert not begin <= best[1] < begin + STAY


def test_names_with_dots_and_strokes_make_columns_too(store: Store) -> None:
    assert sight_facet("org/model-1.5@hub") == "sight.org-model-1.5@hub"
    assert store.facets("frame", "sight") == ["sight", "sight.colour-1.5@hub", "sight.shape@hub"]
    store.save_indexes()
    found = store.search_vectors(
        "frame", "sight.colour-1.5@hub", COLOUR.encode_texts(["violet"])[0], k=1, channel="sight"
    )
    assert THINGS[int(found[0][0].split("-")[1]) // 1000 // STAY] == "violet"


class Aligned:
    """A toy dual encoder: a picture's two lowest pixels number its colour and its shape."""

    name, dim = "aligned@1", 32

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        return self._rows([(int(one[0, 0, 0]), int(one[0, 0, 1])) for one in images])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return self._rows([tuple(int(word[1:]) for word in one.split()) for one in texts])

    def _rows(self, pairs: Sequence[Any]) -> Vectors:
        rows = np.zeros((len(pairs), self.dim), np.float32)
        for row, (colour, shape) in zip(rows, pairs, strict=True):
            row[[colour, 10 + shape]] = np.sqrt(0.5)
        return rows


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A hundred combinations of a colour and a shape, ten seconds each."""
    with open_store(tmp_path_factory.mktemp("aligned")) as made:
        video = remember(made, "pairs.mp4", Script(duration=1000.0, sight_noise=1.0))
        frames = made.records(video=video.id, level="frame", channel="sight")[::STAY]
        pictures = [picture(int(one.span.start) // STAY) for one in frames]
        vectors = Aligned().encode_images(pictures)
        facet = sight_facet(Aligned.name)
        made.put_vectors(
            VectorRow(one.id, facet, row, one.known_at)
            for one, row in zip(frames, vectors, strict=True)
        )
        yield made


def picture(n: int) -> Image:
    return np.full((4, 4, 3), (n // 10, n % 10, 0), np.uint8)


def test_texts_and_pictures_find_every_combination_first(aligned: Store) -> None:
    one = recall(aligned, Aligned())
    for n in range(100):
        by_text = one.search(f"c{n // 10} s{n % 10}", k=1, within=["sight"]).moments
        by_picture = one.search("", k=1, image=picture(n)).moments
        for found in (by_text, by_picture):
            assert [int(moment.span.start) // STAY for moment in found] == [n]


def test_an_encoder_of_another_size_is_refused(aligned: Store) -> None:
    class Wide(Aligned):
        def encode_texts(self, texts: Sequence[str]) -> Vectors:
            return np.ones((len(texts), 48), np.float32) / np.sqrt(np.float32(48))

    with pytest.raises(StoreError, match="has 48 numbers and its index has 32"):
        recall(aligned, Wide()).search("c1 s1")
