"""Tags with broader groups, vectors by ConSE, and reading order of text lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longtake.models.efficientnet import labels
from longtake.models.ocr import in_reading_order
from longtake.models.protocols import TextLine
from longtake.models.sight import Sight, conse, tags_of
from tests.fakes import FakeTextEncoder


def shares(**of: float) -> np.ndarray:
    p = np.zeros(1000, np.float32)
    for label, share in of.items():
        p[labels().labels.index(label.replace("_", " "))] = share
    return p


def test_labels_are_a_thousand_distinct_readable_names() -> None:
    names = labels()
    assert len(names.labels) == len(set(names.labels)) == len(names.lemmas) == 1000
    assert {"laptop", "sorrel horse", "computer mouse", "tench"} <= set(names.labels)
    for group, members in names.groups:
        assert group
        assert list(members) == sorted(set(members))
        assert all(0 <= member < 1000 for member in members)


def test_breeds_add_up_to_a_dog() -> None:
    tags = tags_of(shares(beagle=0.2, collie=0.2, pug=0.2, boxer_dog=0.08, laptop=0.12))
    assert tags[0].label == "dog"
    assert tags[0].p == pytest.approx(0.68, abs=1e-3)
    assert [t.label for t in tags[1:]] == ["beagle", "collie", "pug", "laptop"]


def test_nothing_likely_gives_no_tags() -> None:
    assert tags_of(np.full(1000, 0.001, np.float32)) == []


def test_a_group_named_as_its_class_is_one_tag() -> None:
    tags = tags_of(shares(computer_keyboard=0.5, typewriter_keyboard=0.2))
    assert [tag.label for tag in tags] == ["computer keyboard", "typewriter keyboard"]
    assert tags[0].p == pytest.approx(0.7, abs=1e-3)


def test_vectors_lie_near_the_texts_of_what_is_shown_and_the_second_thing_counts() -> None:
    encoder = FakeTextEncoder()
    classes = encoder.encode(labels().labels)
    p = shares(laptop=0.8, umbrella=0.15)
    vector = conse(p[None], classes)[0]
    near = {text: float(encoder.encode([text])[0] @ vector) for text in ("laptop", "umbrella")}
    assert near["laptop"] > near["umbrella"] > 0.3
    together = conse(np.stack([p, shares(pizza=0.9), p]), classes)
    assert np.array_equal(together[0], vector)
    assert np.array_equal(together[2], vector)


def test_queries_need_no_network_and_class_vectors_are_kept(tmp_path: Path) -> None:
    cache = tmp_path / "classes.npy"
    sight = Sight(tmp_path / "absent.safetensors", FakeTextEncoder(), "x", cache=cache)
    assert sight.encode_texts(["a dog"]).shape == (1, 64)
    first = sight._class_vectors()
    assert cache.is_file()
    kept = np.load(cache)
    assert np.array_equal(kept, first)
    cache.write_bytes(b"damaged")
    again = Sight(tmp_path / "absent.safetensors", FakeTextEncoder(), "x", cache=cache)
    assert np.array_equal(again._class_vectors(), first)


def test_lines_are_read_row_by_row() -> None:
    def line(text: str, x: float, y: float) -> TextLine:
        return TextLine(text, 0.9, (x, y, x + 0.2, y + 0.05))

    mixed = [line("d", 0.1, 0.3), line("b", 0.6, 0.09), line("a", 0.1, 0.1), line("c", 0.1, 0.2)]
    assert [found.text for found in in_reading_order(mixed)] == ["a", "b", "c", "d"]
