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
    """200 rows: "common" in all, "often" in 60, "also" in 50, "rare" in 5; 20 are work enough."""
    monkeypatch.setattr(words, "WORK", 20)
    monkeypatch.setattr(words, "FILL", 20)
    with writer(tmp_path / "b.longtake") as store:
        video = add_video(store)
        store.put_records(
            make(
                video,
                i * 10.0,
                text="common filler "
                + ("often " if i % 10 < 3 else "")
                + ("also " if i % 4 == 0 else "")
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


def texts(store: Store, *terms: str, k: int) -> list[str]:
    return [record.text for record, _ in store.search_words(terms, k=k)]


def test_too_few_rows_with_the_rare_word_bring_those_with_every_common_one(crowd: Store) -> None:
    found = texts(crowd, "rare", "often", "also", k=99)
    assert ["rare" in text for text in found[:5]] == [True] * 5
    assert all("often also" in text for text in found[5:])
    assert len(found) == 5 + 20
    assert texts(crowd, "rare", "often", "also", k=5) == found[:5]
    assert len(texts(crowd, "zebra", "often", "also", k=99)) == 20


def test_a_common_word_alone_finds_rows_where_nothing_else_does(crowd: Store) -> None:
    assert len(texts(crowd, "rare", "often", k=99)) == 5
    assert len(texts(crowd, "rare", "common", k=99)) == 5
    assert len(texts(crowd, "zebra", "often", k=10)) == 10
    assert len(texts(crowd, "often", "zebra", "common", k=10)) == 10
    assert len(texts(crowd, "common", k=10)) == len(texts(crowd, "common", "filler", k=10)) == 10


def test_of_three_common_words_rows_with_two_come_before_rows_with_one(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, writer(tmp_path / "c.longtake") as store:
        patch.setattr(words, "WORK", 5)
        patch.setattr(words, "FILL", 5)
        video = add_video(store)
        said = ["one", "two", "three", "one two", "one three", "one two three", "other", "other"]
        store.put_records(make(video, i * 10.0, text=said[i % 8]) for i in range(80))
        found = texts(store, "two", "three", "one", k=12)
        assert found[:5] == ["one two three"] * 5
        assert set(found[5:]) == {"one two"} or set(found[5:]) == {"one three"}


def test_a_channel_is_searched_as_if_it_were_alone(store: Store) -> None:
    video = store.videos()[0]
    store.put_records(
        make(
            video, t * 10.0, level="moment", channel=channel, text=f"exam {channel} " * (t % 4 + 1)
        )
        for t, channel in enumerate(["speech", "screen", "screen"] * 20)
    )
    every = store.search_words(["exam", "speech", "sinks"], k=999)
    for channel in ("speech", "screen", "caption", "sight"):
        alone = store.search_words(["exam", "speech", "sinks"], k=7, channel=channel)
        assert alone == [pair for pair in every if pair[0].channel == channel][:7]
    both = store.search_words(["exam"], k=9, channel=["screen", "speech"])
    assert both == [p for p in store.search_words(["exam"], k=999) if p[0].channel != "caption"][:9]


def test_channels_of_one_question_are_searched_once(store: Store) -> None:
    said: list[str] = []
    store.database.connection.set_trace_callback(said.append)
    for channel in ("speech", "screen", "sight", "caption"):
        store.search_words(["exam", "friday"], k=9, channel=channel)
        store.document_frequency("exam")
    assert sum("bm25" in one for one in said) == 1
    assert sum("vocabulary" in one for one in said) == 2


def test_what_was_found_is_forgotten_when_the_library_changes(store: Store) -> None:
    video = store.videos()[0]

    def seen(one: Store) -> tuple[int, int]:
        return len(one.search_words(["exam"], k=99)), one.document_frequency("exam")[0]

    def undone() -> None:
        with store.transaction():
            store.put_records([make(video, 600.0, text="exam")])
            assert seen(store) == (6, 6)
            assert seen(reader) == (5, 5)
            raise ZeroDivisionError

    with Store.open(store.path) as reader:
        assert seen(store) == seen(reader) == (4, 4)
        store.put_records([make(video, 500.0, text="exam")])
        assert seen(store) == seen(reader) == (5, 5)
        with pytest.raises(ZeroDivisionError):
            undone()
        assert seen(store) == seen(reader) == (5, 5)
        with Store.open(store.path) as other:
            assert seen(other) == (5, 5)
        store.delete_records(video.id)
        assert seen(store) == seen(reader) == (2, 2)


def test_no_more_common_rows_are_scored_than_can_be_paid_for(crowd: Store) -> None:
    assert len(texts(crowd, "zebra", "often", k=99)) == words.FILL == 20
    assert len(texts(crowd, "rare", "also", "often", k=99)) == 5 + 20


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
