"""The stream of notes with hidden facts: reproducible, fair, of the length that was asked for."""

from __future__ import annotations

import pytest

from bench.worlds.needles import ANIMALS, FACTS, NOWHERE, Stream, stream


def words(text: str) -> int:
    return len(text.split())


@pytest.fixture(scope="module")
def made() -> Stream:
    return stream(6000, words)


def test_the_same_seed_gives_the_same_stream_and_another_does_not(made: Stream) -> None:
    assert stream(6000, words) == made
    assert stream(6000, words, seed=2).notes != made.notes


def test_it_is_as_long_as_asked(made: Stream) -> None:
    assert 6000 <= sum(words(note) for note in made.notes) < 6050


def test_every_answer_stands_in_its_notes_and_only_there(made: Stream) -> None:
    for ask in made.asks:
        if ask.kind == "order":
            assert len(ask.gold) == 2
            continue
        for word in ask.accepts:
            holding = {n for n, note in enumerate(made.notes) if word in note}
            assert holding & set(ask.gold), ask.id
            assert holding <= set(ask.gold), ask.id


def test_what_has_no_answer_names_what_is_nowhere(made: Stream) -> None:
    assert not any("penguin" in note for note in made.notes)
    assert sum(ask.kind == "nowhere" for ask in made.asks) == len(NOWHERE)
    assert all(not ask.gold for ask in made.asks if ask.kind == "nowhere")


def test_facts_are_spread_and_none_is_recent(made: Stream) -> None:
    places = sorted({n for ask in made.asks for n in ask.gold})
    assert len(places) == len(ANIMALS) + len(FACTS)
    assert places[0] < 0.1 * len(made.notes)
    assert 0.7 * len(made.notes) < places[-1] < 0.95 * len(made.notes)
    assert made.span(places[0]) == (places[0] * 4.0, places[0] * 4.0 + 4.0)
