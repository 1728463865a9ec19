"""Guesses from pictures: a frame in which nothing was named is no guess about a thing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from longtake.agent.reading.guess import guess

FRAMES = {
    "bare": {"tags": [], "colours": ["cyan", "black"]},
    "named": {"tags": [["wombat", 0.3]], "colours": ["cyan"]},
}


def made(question_words: list[str], *names: str) -> dict[str, Any] | None:
    units = {name: SimpleNamespace(record=SimpleNamespace(data=FRAMES[name])) for name in names}
    desk: Any = SimpleNamespace(lane=lambda _video, _source: units)
    found = [{"id": name, "video": "v", "start": float(n), "end": n + 1.0, "source": "sight",
              "score": 0.6, "quote": name, "lex": 0.0, "dense": 0.5}
             for n, name in enumerate(names)]  # fmt: skip
    part = {"words": question_words, "sources": ["sight"], "text": " ".join(question_words)}
    return guess(desk, part, [], found)


def test_a_frame_of_colours_only_is_no_guess_about_a_thing() -> None:
    assert made(["elephant"], "bare") is None
    one = made(["elephant"], "bare", "named")
    assert one is not None
    assert one["evidence"][0]["id"] == "named"


@pytest.mark.parametrize("words", [["cyan", "wall"], ["black", "screen"]])
def test_it_is_one_where_a_colour_was_asked_for(words: list[str]) -> None:
    one = made(words, "bare")
    assert one is not None
    assert one["evidence"][0]["id"] == "bare"
