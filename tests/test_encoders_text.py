"""Sentence encoders put before queries and passages what their configuration says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longtake.memory.encoders import Encoders
from longtake.memory.terms import parse_query
from longtake.models.hub import SentenceEncoder
from longtake.models.protocols import QueryEncoder, TextEncoder
from tests.conformance_models import assert_unit
from tests.encoders_text import save_sentences
from tests.fakes import FakeTextEncoder

PROMPTS = {"query": "query ", "passage": "passage "}


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    torch.set_num_threads(1)
    place = save_sentences(tmp_path_factory.mktemp("prompted"), PROMPTS)
    return SentenceEncoder(str(place), threads=1)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    place = save_sentences(tmp_path_factory.mktemp("plain"))  # the same weights
    return SentenceEncoder(str(place), threads=1)


def test_what_is_asked_and_what_is_found_have_their_own_prompts(
    prompted: SentenceEncoder, plain: SentenceEncoder
) -> None:
    said = ["the exam", "a red bus"]
    assert isinstance(prompted, TextEncoder)
    assert isinstance(prompted, QueryEncoder)
    queries, passages = prompted.encode_queries(said), prompted.encode(said)
    assert_unit(queries, 2, prompted.dim)
    np.testing.assert_allclose(
        queries, plain.encode([PROMPTS["query"] + one for one in said]), atol=1e-5
    )
    np.testing.assert_allclose(
        passages, plain.encode([PROMPTS["passage"] + one for one in said]), atol=1e-5
    )
    assert np.abs(queries - passages).max() > 1e-3
    assert prompted.encode_queries([]).shape == (0, prompted.dim)


def test_without_prompts_both_are_the_same(plain: SentenceEncoder) -> None:
    assert np.array_equal(plain.encode_queries(["the exam"]), plain.encode(["the exam"]))


def test_words_are_those_of_the_text_alone(
    prompted: SentenceEncoder, plain: SentenceEncoder
) -> None:
    (one,), (other,) = prompted.words(["the exam"]), plain.words(["the exam"])
    assert [("the exam"[a:b]) for a, b in one.spans] == list("the exam")
    assert one.spans == other.spans
    np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-5)


def test_recall_asks_with_the_prompt_of_queries(prompted: SentenceEncoder) -> None:
    asked = Encoders(prompted, None).of_text(parse_query("the exam"))
    assert asked is not None
    np.testing.assert_allclose(asked, prompted.encode_queries(["the exam"])[0], atol=1e-6)
    other = FakeTextEncoder()
    asked = Encoders(other, None).of_text(parse_query("the exam"))
    assert asked is not None
    assert np.array_equal(asked, other.encode(["the exam"])[0])
