"""Titles, keywords and summaries: quoted from what was said and shown, never made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from longtake.memory import summaries
from longtake.storage.records import Record
from longtake.timecode import Span
from tests.memory_world import TOPICS, Encoder, lecture, open_store, remember


def line(text: str, start: float, end: float, top: float, height: float = 0.05) -> Record:
    data = {"box": [0.1, top, 0.9, top + height], "score": 0.97}
    name = f"line-{start}-{text}"
    return Record(name, "v", "moment", "screen", Span(start, end), start, text, "t", (), data)


def said(text: str, start: float, end: float) -> Record:
    return Record(f"u{start}", "v", "moment", "speech", Span(start, end), end, text, "t")


SLIDE = [
    line("Attention Sinks", 0, 60, 0.06, 0.09),
    line("first tokens soak up attention", 0, 60, 0.35),
    line("they carry no meaning of their own", 10, 60, 0.45),
    line("University of Somewhere", 0, 3600, 0.93, 0.03),
    line("12 / 48", 0, 60, 0.94, 0.03),
]


def test_the_slide_title_names_a_scene() -> None:
    name = summaries.title(Span(0, 60), SLIDE, ["so we see this here"], [], {})
    assert name == summaries.Title("Attention Sinks", "screen")


def test_neither_footers_nor_page_numbers_nor_addresses_are_titles() -> None:
    lines = [SLIDE[3], SLIDE[4], line("https://example.org/slides", 0, 60, 0.06, 0.09)]
    assert summaries.screen_title(Span(0, 60), lines) == ""


def test_a_flash_of_text_is_no_title() -> None:
    assert summaries.screen_title(Span(0, 100), [line("Breaking News Now", 50, 52, 0.1)]) == ""


def test_without_a_slide_the_phrase_said_most_names_a_scene() -> None:
    spoken = [
        "So the gradient descent we saw goes downhill.",
        "And gradient descent is slow when the valley is flat.",
        "People like it anyway.",
    ]
    name = summaries.title(Span(0, 60), [], spoken, [], {})
    assert name == summaries.Title("Gradient descent", "speech")


def test_without_words_a_caption_names_a_scene_and_nothing_names_nothing() -> None:
    named = summaries.title(Span(0, 9), [], [], ["A red car; moving. Bright."], {})
    assert named == summaries.Title("A red car", "caption")
    assert summaries.title(Span(0, 9), [], [], [], {}).text == ""


def test_keywords_are_those_rarer_elsewhere() -> None:
    here = ["the loss of the model falls", "the model forgets the harbour", "harbour lights"]
    elsewhere = summaries.count_stems(["model loss model loss model falls"] * 20)
    assert "harbour" in summaries.keywords(here, elsewhere, k=2)
    # OFF: without the rest of the video the commonest word leads.
    assert summaries.keywords([*here, "model"], {}, k=1) == ["model"]


def test_sentences_are_joined_until_a_full_stop_or_a_pause() -> None:
    row = [
        said("we start with", 0, 2),
        said("the first token.", 2, 4),
        said("Then comes", 4, 5),
        said("after a pause", 20, 22),
    ]
    quotes = summaries.sentences(row)
    assert [q.text for q in quotes] == [
        "we start with the first token.",
        "Then comes",
        "after a pause",
    ]
    assert quotes[0].span == Span(0, 4)
    assert quotes[0].record == "u0"


def test_long_speech_without_full_stops_is_still_divided() -> None:
    quotes = summaries.sentences([said("word " * 10, i, i + 1) for i in range(20)])
    assert all(len(q.text.split()) <= 50 for q in quotes)
    assert len(quotes) >= 4


def test_central_sentences_are_about_the_subject_and_not_the_same_twice() -> None:
    texts = [
        "attention sinks keep tokens in the cache",
        "attention sinks keep tokens in the cache",
        "sinks keep attention on the first tokens always",
        "the cache keeps tokens that attention sinks need",
        "my dog ate some lunch yesterday outside",
        "could somebody please open that window behind you",
    ]
    quotes = [summaries.Quote(Span(i, i + 1), text, f"r{i}") for i, text in enumerate(texts)]
    chosen = summaries.central(quotes, Encoder(), k=2)
    assert len({quote.text for quote in chosen}) == 2
    assert all("attention" in quote.text for quote in chosen)
    assert [q.span.start for q in chosen] == sorted(q.span.start for q in chosen)


def test_everything_in_a_summary_was_said_or_shown(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "talk.mp4", lecture(3.0))
        utterances = " ".join(r.text for r in store.records(video=video.id, channel="speech"))
        for scene in store.records(video=video.id, level=["scene", "chapter"]):
            assert scene.data["quotes"]
            for start, end, text, record in scene.data["quotes"]:
                assert text in utterances
                assert scene.span.contains((start + end) / 2)
                assert store.record(record).span.start == start
            parts = scene.data["title"].split(" / ")
            assert all(part in TOPICS for part in parts)


@pytest.mark.parametrize("topic", list(TOPICS))
def test_each_topic_is_the_title_of_its_scenes(tmp_path: Path, topic: str) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "talk.mp4", lecture(2.0))
        begin = 120.0 * list(TOPICS).index(topic)
        inside = [
            r
            for r in store.records(video=video.id, level="scene")
            if Span(begin, begin + 120).overlap(r.span) > 0.7 * r.span.duration
        ]
        assert inside
        assert {r.data["title"] for r in inside} == {topic}
