"""Titles, keywords and summaries: quoted from what was said and shown, never made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longtake.memory import seen, summaries, titles
from longtake.storage.records import Record
from longtake.timecode import Span
from tests.memory_world import TOPICS, Encoder, Script, lecture, open_store, remember


def line(text: str, start: float, end: float, top: float, height: float = 0.05) -> Record:
    data = {"box": [0.1, top, 0.9, top + height], "score": 0.97}
    name = f"line-{start}-{text}"
    return Record(name, "v", "moment", "screen", Span(start, end), start, text, "t", (), data)


def said(text: str, start: float, end: float) -> Record:
    return Record(f"u{start}", "v", "moment", "speech", Span(start, end), end, text, "t")


def clip(start: float, tags: list[Any], text: str = "") -> Record:
    data = {"tags": tags, "colours": ["grey", "white"]}
    span = Span(start, start + 10)
    return Record(f"c{start}", "v", "clip", "caption", span, start + 10, text, "t", (), data)


NOTHING = seen.Seen()

SLIDE = [
    line("Attention Sinks", 0, 60, 0.06, 0.09),
    line("first tokens soak up attention", 0, 60, 0.35),
    line("they carry no meaning of their own", 10, 60, 0.45),
    line("University of Somewhere", 0, 3600, 0.93, 0.03),
    line("12 / 48", 0, 60, 0.94, 0.03),
]


def test_the_slide_title_names_a_scene() -> None:
    name = titles.title(Span(0, 60), SLIDE, ["so we see this here"], NOTHING, {})
    assert name == titles.Title("Attention Sinks", "screen")


def test_neither_footers_nor_page_numbers_nor_addresses_are_titles() -> None:
    lines = [SLIDE[3], SLIDE[4], line("https://example.org/slides", 0, 60, 0.06, 0.09)]
    assert titles.screen_title(Span(0, 60), lines) == ""


def test_a_flash_of_text_is_no_title() -> None:
    assert titles.screen_title(Span(0, 100), [line("Breaking News Now", 50, 52, 0.1)]) == ""


def test_without_a_slide_the_phrase_said_most_names_a_scene() -> None:
    spoken = [
        "So the gradient descent we saw goes downhill.",
        "And gradient descent is slow when the valley is flat.",
        "People like it anyway.",
    ]
    name = titles.title(Span(0, 60), [], spoken, NOTHING, {})
    assert name == titles.Title("Gradient descent", "speech")


def test_without_words_the_things_seen_name_a_scene() -> None:
    row = [clip(0, [["dog", 0.9], ["snow", 0.6]]), clip(10, [["dog", 0.7], ["fog", 0.2]])]
    named = titles.title(Span(0, 20), [], [], seen.look(row), {})
    assert named == titles.Title("Dog, snow", "sight")
    # OFF: labels that are hardly likely name nothing, and there may be nothing at all.
    dim = seen.look([clip(0, [["fog", 0.39]])])
    assert titles.title(Span(0, 9), [], [], dim, {}) == titles.Title(titles.NO_WORDS, "pictures")
    assert titles.title(Span(0, 9), [], [], NOTHING, {}).text == ""


def test_a_captioners_sentence_names_a_scene_but_a_composed_caption_does_not() -> None:
    text = "A red car (0.9 likely); moving. Bright."
    told = seen.look([Record("c", "v", "clip", "caption", Span(0, 9), 9, text, "t")])
    assert titles.title(Span(0, 9), [], [], told, {}).text == "A red car (0.9 likely)"
    composed = seen.look([clip(0, [], text="Mostly grey. Still picture.")])
    assert composed.told == ()
    assert titles.title(Span(0, 9), [], [], composed, {}).source == "pictures"


def test_what_is_seen_is_said_with_its_doubts_and_what_is_missing() -> None:
    row = [clip(0, [["dog", 0.9], ["computer", 0.8], ["handheld computer", 0.7], ["fox", 0.45]])]
    said = seen.look(row).sentence(speech=False, text=False)
    assert said == "Shows dog, computer; maybe fox; no speech, no text."
    assert seen.look(row).sentence(speech=True, text=True) == "Shows dog, computer; maybe fox."
    plain = seen.look([clip(0, [])]).sentence(speech=False, text=True)
    assert plain == "Grey and white pictures; no speech."


def test_a_title_goes_on_in_the_next_line_while_it_ends_in_the_middle() -> None:
    first = line("Land and Vegetation: Key players on the", 0, 60, 0.1, 0.08)
    rest = line("Climate Scene", 0, 60, 0.18, 0.07)
    page = [first, rest, line("Prof. Somebody", 0, 60, 0.39)]
    whole = "Land and Vegetation: Key players on the Climate Scene"
    assert titles.screen_title(Span(0, 60), page) == whole
    # OFF: without a next line on the page the loose end goes; a whole title takes nothing more.
    later = line("Climate Scene", 200, 260, 0.18, 0.07)
    assert titles.screen_title(Span(0, 60), [first, later]) == "Land and Vegetation: Key players"
    complete = line("Key players in Climate", 0, 60, 0.1, 0.08)
    assert titles.screen_title(Span(0, 60), [complete, rest]) == "Key players in Climate"


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("Twin Study: Early Risk Factors:", "Twin Study: Early Risk Factors"),
        ("• Sleep and Dementia", "Sleep and Dementia"),
        ("Is it possible?", "Is it possible?"),
    ],
)
def test_no_title_keeps_a_colon_or_bullet_at_its_ends(shown: str, name: str) -> None:
    assert titles.screen_title(Span(0, 60), [line(shown, 0, 60, 0.1)]) == name


def test_a_sentence_names_a_scene_where_no_phrase_returns() -> None:
    spoken = ["Thank you.", "What's the weather like?"]
    named = titles.title(Span(0, 60), [], spoken, NOTHING, {})
    assert named == titles.Title("What's the weather like?", "quote")
    long = ["The earliest book printed with movable types is a Bible of the year 1455 or so."]
    named = titles.title(Span(0, 60), [], long, NOTHING, {})
    assert named.text == "The earliest book printed with movable types…"
    # OFF: a sentence without a content word is no name; the picture is.
    dog = seen.look([clip(0, [["dog", 0.9]])])
    assert titles.title(Span(0, 60), [], ["Thank you."], dog, {}).text == "Dog"


def test_text_that_stood_briefly_names_a_scene_before_things_do() -> None:
    dog = seen.look([clip(0, [["dog", 0.9]])])
    flash = [line("We took a road trip", 50, 52, 0.1)]
    assert titles.title(Span(0, 100), flash, [], dog, {}).text == "We took a road trip"
    mark = [line("shutterstock", 50, 52, 0.1)]
    assert titles.title(Span(0, 100), mark, [], dog, {}).text == "Dog"


def test_a_text_says_its_title_once() -> None:
    assert summaries.compose("A title", "Something else.") == "A title — Something else."
    said = "What's the weather like? It rains."
    assert summaries.compose("What's the weather like?", said) == said
    assert summaries.compose("Rain", "A train came.") == "Rain — A train came."  # whole words
    assert summaries.compose("", "x") == "x"
    assert summaries.compose("x", "") == "x"


def test_screen_lines_leave_out_numbers_and_the_title() -> None:
    lines = [line("Data Type", 0, 9, 0.1), line("150", 0, 9, 0.2), line("Columns", 0, 9, 0.3)]
    assert summaries.shown_lines(lines, Span(0, 9), but="Data Type") == ["Columns"]
    assert summaries.shown_lines(lines, Span(0, 9)) == ["Data Type", "Columns"]


def test_repeats_and_fragments_are_not_quoted_where_there_are_sentences() -> None:
    texts = ["Thank you.", "It's my trip.", "It's my trip.", "I"]
    quotes = [summaries.Quote(Span(i, i + 1), text, f"r{i}") for i, text in enumerate(texts)]
    assert [q.record for q in summaries.central(quotes, Encoder())] == ["r1"]
    # OFF: where nothing tells more, what was said stands.
    assert [q.text for q in summaries.central(quotes[:1], Encoder())] == ["Thank you."]


_COMPOSED = ("Mostly", "Still picture", "New screen text", "Text gone", "Perhaps", "movement")


def test_no_word_of_composed_captions_reaches_scenes_chapters_or_the_synopsis(
    tmp_path: Path,
) -> None:
    caption = "Perhaps dog (0.45). Mostly grey and white. Still picture. Much movement."
    script = Script(300.0, captions=[(0, 300, caption)])
    script.tags = [(0, 150, [["dog", 0.9]]), (150, 300, [])]
    script.said = [(20, 26, "We now walk the dog along the river.")]
    with open_store(tmp_path) as store:
        video = remember(store, "walk.mp4", script)
        found = store.records(video=video.id, level=["scene", "chapter", "video"])
        whole = " ".join(
            " ".join([one.text, one.data["title"], *one.data["keywords"]]) for one in found
        )
        assert not [word for word in _COMPOSED if word.lower() in whole.lower()]
        last = store.records(video=video.id, level="scene")[-1]
        assert last.data["title"] == titles.NO_WORDS
        assert last.text == f"{titles.NO_WORDS} — Grey and white pictures; no speech, no text."
        chapter = store.records(video=video.id, level="chapter")[-1]
        assert titles.NO_WORDS not in chapter.text  # nothing to list, nothing to be named by
    # OFF: the same clips without the facts of a composed caption are a captioner's.
    script.tags = []
    (tmp_path / "off").mkdir()
    with open_store(tmp_path / "off") as store:
        video = remember(store, "walk.mp4", script)
        last = store.records(video=video.id, level="scene")[-1]
        assert "Mostly grey" in last.text


def test_a_synopsis_is_an_outline_with_a_length(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "my_talk.mp4", lecture(8.0))
        every = store.records(video=video.id, level="video")
        every.sort(key=lambda one: one.known_at)
        assert every[-1].text.startswith("my talk — 32 min. Chapters: ")
        assert len(every[-1].data["quotes"]) <= 3
        assert " so far. " in every[0].text
        assert " so far" not in every[-1].text


def test_where_little_is_said_the_screen_is_told_too(tmp_path: Path) -> None:
    def scene(said: list[tuple[float, float, str]], where: Path) -> Record:
        where.mkdir()
        lines = [(0.0, 60.0, "Path expressions", 0.06), (0.0, 60.0, "Second order steps", 0.4)]
        with open_store(where) as store:
            video = remember(store, "a.mp4", Script(60.0, said=said, shown=lines))
            return store.records(video=video.id, level="scene")[0]

    few = scene([(50, 53, "He is a colleague at the lab,")], tmp_path / "few")
    assert few.text == (
        "Path expressions — He is a colleague at the lab, … On screen: Second order steps."
    )
    none = scene([], tmp_path / "none")
    assert none.text == "Path expressions — On screen: Second order steps."
    much = scene([(10, 50, "He is a colleague at the lab.")], tmp_path / "much")
    assert "On screen" not in much.text


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
