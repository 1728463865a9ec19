"""Captions say what was detected, once, in order of time."""

from __future__ import annotations

import numpy as np

from longtake.models.protocols import Tag
from longtake.perception.captions import Facts, compose
from longtake.perception.sight import Look, colours, motion_of, pooled
from longtake.perception.thumbs import thumbnail
from longtake.storage.records import Thumb
from longtake.timecode import Span

VECTOR = np.array([1.0, 0.0], np.float32)


def seen(time: float, *tags: tuple[str, float]) -> Look:
    return Look(time, tuple(Tag(*tag) for tag in tags), ("white", "blue"), VECTOR, Thumb("", b""))


def test_sure_likely_and_unlikely_things() -> None:
    facts = Facts(Span(0, 10), looks=[seen(0, ("laptop", 0.61), ("desk", 0.25), ("cat", 0.11))])
    text = compose(facts)
    assert "Shows laptop (0.61), perhaps desk (0.25)." in text
    assert "cat" not in text
    assert "Mostly white and blue." in text
    assert "Still picture." in text


def test_new_text_is_told_in_order_of_time() -> None:
    lines = [(11.0, "Alpha"), (14.0, "Beta"), (14.0, "Gamma"), (18.0, "Delta")]
    text = compose(Facts(Span(10, 20), new_lines=lines, looks=[seen(11.0)]))
    places = [text.index(word) for word in ("Alpha", "Beta", "Gamma", "Delta")]
    assert places == sorted(places)
    assert "00:00:14 “Beta”, “Gamma”" in text


def test_text_that_went_is_told() -> None:
    text = compose(Facts(Span(10, 20), gone_lines=[(15.0, "Alpha")]))
    assert "Text gone: 00:00:15 “Alpha”." in text


def test_nothing_changed_says_nothing() -> None:
    facts = Facts(Span(10, 20), changed=False, standing=["Alpha"])
    assert compose(facts) == ""
    facts.changed = True
    assert compose(facts) != ""


def test_cuts_and_movement() -> None:
    text = compose(Facts(Span(10, 20), cuts=[(10.0, 0.5), (13.2, 0.5)], motion=9.0))
    assert "Cut at 00:00:13." in text
    assert "movement" in compose(Facts(Span(10, 20), motion=9.0))
    assert motion_of([1.0, 1.0, 90.0], 1) == 1.0


def test_colours_are_named() -> None:
    image = np.zeros((90, 160, 3), np.uint8)
    image[:, :80] = (220, 30, 30)
    image[:, 80:] = (30, 60, 220)
    assert set(colours(image)) == {"red", "blue"}
    for name, rgb in {"white": (250, 250, 250), "grey": (128, 128, 128), "black": (5, 5, 5),
                      "green": (30, 160, 50), "yellow": (240, 220, 40), "orange": (245, 140, 30),
                      "brown": (120, 75, 35), "cyan": (40, 210, 220)}.items():  # fmt: skip
        assert colours(np.full((40, 40, 3), rgb, np.uint8)) == (name,)


def test_the_same_picture_gives_the_same_thumbnail() -> None:
    image = np.random.default_rng(0).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    one, two = thumbnail(image), thumbnail(image.copy())
    assert one == two
    assert one.jpeg[:2] == b"\xff\xd8"
    assert thumbnail(255 - image).name != one.name


def test_pooling_is_the_unit_mean() -> None:
    mean = pooled([VECTOR, np.array([0.0, 1.0], np.float32)])
    assert mean is not None
    assert np.allclose(mean, [0.7071, 0.7071], atol=1e-3)
    assert pooled([]) is None
