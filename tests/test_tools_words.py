"""Comparing words: forms, numbers, and words that were heard or read wrongly."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longtake.agent.reading import extract
from longtake.agent.solvers import operators
from longtake.storage.records import Record
from longtake.timecode import Span
from longtake.tools import topic, words
from longtake.tools.corpus import Corpus, coverage
from longtake.tools.jsonable import jsonable
from longtake.tools.scan import mentions
from longtake.tools.words import NEAR, likeness, number_of, stem, with_digits


@pytest.mark.parametrize("module", [words, topic, operators, extract])
def test_the_examples_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "heard"),
    [("kubernetes", "kubernets"), ("softmax", "softmacs"), ("pytorch", "pietorch"),
     ("eigenvalue", "iganvalue"), ("regularization", "regularisation"), ("penguin", "pingwin")],
)  # fmt: skip
def test_misheard_words_are_near(said: str, heard: str) -> None:
    assert likeness(said, heard) >= NEAR
    assert likeness(said, heard) == likeness(heard, said)


@pytest.mark.parametrize(
    ("one", "other"),
    [("encoder", "decoder"), ("training", "trailing"), ("inference", "interference"),
     ("attention", "intention"), ("gradient", "ingredient"), ("loss", "lose"), ("1024", "1025")],
)  # fmt: skip
def test_other_words_are_not(one: str, other: str) -> None:
    assert likeness(one, other) < NEAR


@given(st.text(max_size=40))
def test_stems_and_numbers_never_fail(text: str) -> None:
    for word in words.tokens(text):
        assert stem(word)
    number_of(text)


@given(st.integers(0, 99))
def test_numbers_in_words_and_digits_agree(n: int) -> None:
    names = {v: k for k, v in words._SMALL.items()}
    text = names[n] if n in names else f"{names[n // 10 * 10]} {names[n % 10]}"
    if n != 1:
        assert with_digits(text.split()) == [str(n)]


def corpus(*texts: str) -> Corpus:
    records = [
        Record(f"r{n:03d}", "v", "moment", "speech", Span(10.0 * n, 10.0 * n + 4), 0.0, text, "m")
        for n, text in enumerate(texts)
    ]
    return Corpus(records, ["v"])


def test_words_written_apart_or_joined_are_found() -> None:
    held = corpus("we use soft max here", "and batch norm too")
    assert held.terms(["softmax"])[0].match(held.units[0]) == 1.0
    joined = corpus("we use softmax here")
    assert coverage(joined.terms(["soft", "max"]), joined.units) == 1.0


def test_absent_words_weigh_most_and_are_told() -> None:
    held = corpus("the gradient is small", "the gradient is large", "a step")
    gradient, clipping = held.terms(["gradient", "clipping"])
    assert clipping.absent
    assert not gradient.absent
    assert clipping.weight > gradient.weight


def test_blur_only_for_words_that_are_nowhere() -> None:
    held = corpus("the kestrel implementation", "the kestral one")
    assert held.terms(["kestrel"])[0].forms == {"kestrel": 1.0}
    assert "kestrel" in held.terms(["kestrell"])[0].forms
    assert held.terms(["kestrell"], blur=False)[0].absent


def test_a_sentence_cut_in_two_is_one_mention() -> None:
    records = [
        Record("a", "v", "moment", "speech", Span(0, 3), 3, "now we come to attention", "m"),
        Record("b", "v", "moment", "speech", Span(3.2, 6), 6, "sinks which surprised us", "m"),
        Record("c", "v", "moment", "speech", Span(60, 63), 63, "attention is costly", "m"),
    ]
    held = Corpus(records, ["v"])
    found = mentions(held, held.terms(["attention", "sinks"]), ["speech"])
    assert [(m.span.start, m.span.end) for m in found] == [(0, 6)]


def test_json_refuses_what_it_cannot_say() -> None:
    with pytest.raises(TypeError):
        jsonable(b"bytes")
    with pytest.raises(TypeError):
        jsonable(object())
