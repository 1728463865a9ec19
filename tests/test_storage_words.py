"""Search by words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longtake.storage import words
from longtake.storage.store import Store
from longtake.storage.words import quote, tokens
from longtake.timecode import Span
from tests.storage_world import add_video, make, writer

TEXTS = (
    "The exam is announced on Friday",
    "Café del Mar, naïve façade",
    "attention sinks keep the first tokens",
    "sinks of attention",
    "it's what's in the box? AND NOT (this) OR that*",
    "",
    "exams, exams and more exams",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with writer(tmp_path / "a.longtake") as store:
        for seed in (1, 2):
            video = add_video(store, seed)
            store.put_records(make(video, i * 10.0, text=t) for i, t in enumerate(TEXTS))
        yield store


def starts(store: Store, *terms: str, k: int = 99, **more: object) -> list[float]:
    found = store.search_words(terms, k=k, video=store.videos()[0].id, **more)  # type: ignore[arg-type]
    return sorted(record.span.start for record, _ in found)


def test_words_are_stemmed_folded_and_joined_by_or(store: Store) -> None:
    assert starts(store, "exams") == starts(store, "EXAM") == [0.0, 60.0]
    assert starts(store, "cafe") == [10.0]
    assert starts(store, "friday", "box") == [0.0, 40.0]


def test_a_term_with_spaces_is_a_phrase(store: Store) -> None:
    assert starts(store, "attention sinks") == [20.0]
    assert starts(store, "attention", "sinks") == [20.0, 30.0]
    assert store.document_frequency("attention sinks") == (2, 12)


@pytest.mark.parametrize(
    "term",
    [
        "",
        " ",
        "🙂",
        '"',
        "'",
        "*",
        "(",
        "AND",
        "NOT",
        "NEAR(",
        "a:b",
        "-",
        "\x00",
        "\ud83d",
        "^exam",
    ],
)
def test_nothing_typed_is_read_as_grammar(store: Store, term: str) -> None:
    with_exam = starts(store, term, "exam")
    assert {0.0, 60.0} <= set(with_exam)
    store.search_words([term], k=3)
    store.document_frequency(term)


@given(st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_term_finds_its_own_text(text: str) -> None:
    # The quoted term as FTS5 reads it gives the tokens of the term and nothing else.
    assert tokens(quote(text)) == tokens(text)


def test_better_rows_come_first_and_ties_by_time(store: Store) -> None:
    one, two = (video.id for video in store.videos())
    found = store.search_words(["exam"], k=99)
    assert found[0][1] >= found[-1][1]
    assert [(r.video, r.span.start) for r, _ in found] == [
        (one, 60.0),
        (two, 60.0),
        (one, 0.0),
        (two, 0.0),
    ]
    assert store.search_words(["exam"], k=3) == found[:3]
    assert store.search_words(["exam"], k=0) == store.search_words([], k=5) == []


def test_filters(store: Store) -> None:
    one, two = (video.id for video in store.videos())
    assert starts(store, "exam", as_of=10.0) == [0.0]
    assert starts(store, "exam", as_of=9.9) == []
    assert starts(store, "exam", span=Span(55, 65)) == [60.0]
    assert starts(store, "exam", level="scene") == starts(store, "exam", channel="speech") == []
    assert len(store.search_words(["exam"], k=9, video=[one, two])) == 4
    assert store.search_words(["exam"], k=9, video=[]) == []
    assert store.search_words(["exam"], k=9, video="vnone") == []


def test_document_frequency(store: Store) -> None:
    assert store.document_frequency("exams") == (4, 12)
    assert store.document_frequency("zebra") == (0, 12)
    assert store.document_frequency("🙂") == (0, 12)


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """200 rows: "common" in all, "often" in 60, "rare" in 6; 20 rows are work enough."""
    monkeypatch.setattr(words, "WORK", 20)
    with writer(tmp_path / "b.longtake") as store:
        video = add_video(store)
        store.put_records(
            make(
                video,
                i * 10.0,
                text="common filler "
                + ("often " if i % 10 < 3 else "")
                + ("rare " if i % 40 == 2 else ""),
            )
            for i in range(200)
        )
        yield store


def test_common_words_add_to_the_score_of_rows_with_rarer_ones(
    crowd: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = crowd.search_words(["rare", "often", "common"], k=5)
    monkeypatch.setattr(words, "WORK", 10**9)
    whole = crowd.search_words(["rare", "often", "common"], k=5)
    assert [r.id for r, _ in short] == [r.id for r, _ in whole]
    assert [s for _, s in short] == pytest.approx([s for _, s in whole], abs=1e-4)
    assert [r.span.start for r, _ in short] == [20.0, 420.0, 820.0, 1220.0, 1620.0]


def test_too_few_rows_with_the_rare_word_bring_the_common_ones_back(crowd: Store) -> None:
    found = crowd.search_words(["rare", "common"], k=50)
    assert len(found) == 50
    assert "rare" in found[0][0].text
    assert len(crowd.search_words(["common"], k=10)) == 10
    assert len(crowd.search_words(["common", "filler"], k=500)) == 200


def test_a_common_word_in_a_late_stretch_is_found_there(crowd: Store) -> None:
    video = crowd.videos()[0].id
    # Three of ten rows are longer by "often": the shorter ones score better.
    found = crowd.search_words(["common"], k=3, video=video, span=Span(1900, 2000))
    assert [r.span.start for r, _ in found] == [1930.0, 1940.0, 1950.0]
    assert len(crowd.search_words(["common"], k=9, level="clip", as_of=25.0)) == 2


def test_many_records_of_one_instant_are_all_found(store: Store) -> None:
    video = store.videos()[0]
    store.put_records(
        make(video, 5.0, 6.0, level="moment", channel="screen", n=n, text=f"line {n}")
        for n in range(300)
    )
    found = store.search_words(["line"], k=999, video=video.id, span=Span(5, 5.5))
    assert len(found) == 300
    assert [r.id for r, _ in found] == sorted(r.id for r, _ in found) or found[0][1] > found[-1][1]
