"""Summaries and highlights: quoted, cited, as long as asked for, and about what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longtake.agent.desk import Desk
from longtake.agent.question.classify import part
from longtake.agent.question.whole import FOREVER, whole_kind
from longtake.agent.solvers.whole import solve_highlights, solve_summary
from longtake.agent.state import Switches
from longtake.agent.surety.ground import ground
from longtake.agent.surety.verifying import verifier
from longtake.agent.writing.prose import packed
from longtake.errors import NoSuchMoment, SourceGone, UsageError
from longtake.memory.recall import Recall
from longtake.storage.records import Video
from longtake.timecode import Span
from longtake.tools.digest import Digest
from longtake.tools.registry import Toolbox
from tests.fakes import FakeChat, fake_models
from tests.worlds import ContentEncoder, World, lecture


def no_source(video: Video) -> Path:
    raise SourceGone(f"{video.name} is only a script")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(tmp_path_factory.mktemp("whole"), models.text_encoder)
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=no_source)
    yield made
    made.store.close()


def desk_of(world: World, *, chat: Any = None, as_of: float | None = None, **off: bool) -> Desk:
    return Desk(world.toolbox, chat, [world.video], as_of, Switches(**off))


def told(world: World, question: str, **more: Any) -> dict[str, Any]:
    """Answer as the graph would, and check that every sentence stands."""
    asked = whole_kind(question.lower())
    assert asked is not None
    solver = solve_summary if asked["kind"] == "summary" else solve_highlights
    made = solver(desk_of(world, **more), part(question, asked["kind"], whole=asked), [], [])
    for sentence in made["sentences"]:
        assert sentence["cites"]
        assert all(0 <= n < len(made["evidence"]) for n in sentence["cites"])
    _, dropped = ground(made["sentences"], made["evidence"], question)
    assert dropped == []
    return made


def text_of(made: dict[str, Any]) -> str:
    return " ".join(sentence["text"] for sentence in made["sentences"])


# -- what is asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Summarise the lecture", {"kind": "summary", "about": ""}),
        ("Summarize it in three sentences.", {"sentences": 3, "about": ""}),
        ("give me a 50-word summary", {"words": 50}),
        ("Sum up everything about tea in a 30 second summary", {"words": 75, "about": "tea"}),
        ("summarise what she says about honey bees", {"about": "honey bees", "spoken": True}),
        ("what did I miss since 00:40:00?", {"when": [2400.0, FOREVER]}),
        ("What did I miss since 40?", {"when": [2400.0, FOREVER]}),
        ("catch me up", {"kind": "summary", "when": None}),
        ("summarise what happened between 10:00 and 20:00", {"when": [600.0, 1200.0], "about": ""}),
        ("summarise the last ten minutes", {"when": [-600.0, FOREVER]}),
        ("summarise the second half", {"half": 2, "about": ""}),
        ("summarise the chapter on volcanoes", {"section": "volcanoes", "about": ""}),
        ("Summarise the paper section", {"section": "paper"}),
        ("show me the highlights", {"kind": "highlights", "n": None}),
        ("the five most important moments", {"kind": "highlights", "n": 5}),
        ("the 3 best moments about bees", {"kind": "highlights", "n": 3, "about": "bees"}),
    ],
)
def test_what_a_request_wants(question: str, wanted: dict[str, Any]) -> None:
    asked = whole_kind(question.lower())
    assert asked is not None
    assert {key: asked[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    "question",
    [
        "What is the exam about?",
        "When is the summary slide shown?",
        "Which slide has the highlights of 2019?",
        "How many times is the summary mentioned?",
        "Does he highlight the text?",
        "",
    ],
)
def test_other_questions_are_no_summaries(question: str) -> None:
    assert whole_kind(question.lower()) is None


# -- summaries -----------------------------------------------------------------------------------


def test_a_summary_goes_through_the_parts_and_quotes_each(world: World) -> None:
    made = told(world, "Summarise the lecture")
    text = text_of(made)
    for title in ("Quantization", "Attention sinks", "Pruning"):
        assert title in text
    assert "forty two tokens" in text or "five hundred sentences" in text
    times = [e["start"] for e in made["evidence"] if e["source"] == "speech"]
    assert times == sorted(times)


def test_an_outline_names_the_parts_with_their_times(world: World) -> None:
    made = told(world, "Outline the lecture")
    assert "00:04:00 Attention sinks." in text_of(made)
    assert len(made["sentences"]) == 7
    assert {e["source"] for e in made["evidence"]} == {"caption"}


def test_small_talk_is_left_out(world: World) -> None:
    small = ("anything is unclear", "one step at a time", "rather beautiful", "took years")
    assert not [one for one in small if one in text_of(told(world, "Summarise the lecture"))]
    every = {t.text: t.worth for t in Digest(world.toolbox).sentences(world.video.id)}
    plain = Digest(world.toolbox, repeats=False).sentences(world.video.id)
    raw = {t.text: t.worth for t in plain}
    phrase = "It sounds simple, but it took years."
    assert every[phrase] < 0.5 * raw[phrase]  # OFF: what comes again and again is worth as much


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_summary_has_as_many_sentences_as_asked(world: World, n: int) -> None:
    assert len(told(world, f"Summarise it in {n} sentences")["sentences"]) == n


@pytest.mark.parametrize("n", [12, 30, 60])
def test_a_summary_is_no_longer_than_asked(world: World, n: int) -> None:
    words = len(text_of(told(world, f"Summarise it in {n} words")).split())
    assert 0.3 * n <= words <= n


def test_a_summary_about_something_quotes_what_bears_on_it_in_order(world: World) -> None:
    made = told(world, "Summarise what she says about attention sinks")
    text = text_of(made)
    assert "surprised all of us" in text
    assert "must never be pruned" in text
    assert "certainly be asked" in text
    assert "Entropy" in text  # of the section with that name, though it says only "sinks"
    assert not [
        other for other in ("Quantization stores", "handwritten", "Kestrel") if other in text
    ]
    starts = [e["start"] for e in made["evidence"] if e["source"] == "speech"]
    assert starts == sorted(starts)
    assert {e["source"] for e in made["evidence"]} <= {"speech", "caption"}
    # Baseline: the chapter that fits best is not where all of it is.
    chapter = Span(world.at("Attention sinks"), world.at("Attention sinks", 120))
    assert sum(not chapter.contains(start) for start in starts) >= 2


def test_what_was_missed_begins_where_one_left(world: World) -> None:
    since = world.at("Pruning")
    made = told(world, f"What did I miss since 00:0{int(since // 60)}:00?")
    assert min(e["start"] for e in made["evidence"] if e["source"] != "caption") >= since
    assert "forty two" not in text_of(made)
    assert "Kestrel" in text_of(made) or "pruned" in text_of(made)


def test_a_stretch_a_half_and_a_chapter_are_kept_to(world: World) -> None:
    middle = world.video.duration / 2
    late = told(world, "Summarise the second half")
    assert min(e["start"] for e in late["evidence"] if e["source"] == "speech") >= middle
    short = told(world, "Summarise what happened between 02:00 and 04:00")
    assert {120.0 <= e["start"] < 240.0 for e in short["evidence"] if e["source"] == "speech"} == {
        True
    }
    named = told(world, "Summarise the chapter on pruning")
    inside = Span(world.at("Pruning"), world.at("Pruning", 120))
    assert all(inside.contains(e["start"]) for e in named["evidence"])
    last = told(world, "Summarise the last two minutes")
    assert all(e["end"] >= world.video.duration - 120 for e in last["evidence"])


def test_nothing_that_comes_later_than_known_is_told(world: World) -> None:
    now = world.at("Pruning", 30)
    made = told(world, "Summarise the lecture", as_of=now)
    assert max(e["start"] for e in made["evidence"]) < now
    assert "exam" not in text_of(made).lower()


@pytest.mark.parametrize(
    "question",
    [
        "What did I miss since 03:00:00?",
        "Summarise what he says about volcanoes",
        "Summarise the chapter on elephants",
        "Summarise what happened between 02:00:00 and 03:00:00",
    ],
)
def test_what_is_not_there_is_not_summarised(world: World, question: str) -> None:
    made = told(world, question)
    assert made["status"] == "absent"
    assert made["sentences"] == []
    assert made["note"]


def test_the_same_request_gives_the_same_answer(world: World) -> None:
    assert told(world, "Summarise the lecture") == told(world, "Summarise the lecture")


def test_every_video_has_its_share(world: World, tmp_path: Path) -> None:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    from longtake.storage.store import Store
    from tests.worlds import SECTIONS, _vectors, script_records

    other = lecture(tmp_path, models.text_encoder, name="first.mp4")
    other.store.close()
    with Store.open(other.path, write=True) as store:
        total = sum(s.seconds for s in SECTIONS[:3])
        second = store.add_video("cd" * 32, str(tmp_path / "b.mp4"), "second.mp4", total, {})
        records, _ = script_records(SECTIONS[:3], second)
        with store.transaction():
            store.put_records(records)
            store.put_vectors(_vectors(records, models.text_encoder))
    with Store.open(other.path) as store:
        box = Toolbox(store, models, Recall(store, models.text_encoder, None), source_of=no_source)
        desk = Desk(box, None, store.videos(), None, Switches())
        text = "Summarise both videos in four sentences"
        made = solve_summary(desk, part(text, "summary", whole=whole_kind(text.lower())), [], [])
        said = [s["text"].strip() for s in made["sentences"]]
        assert len(said) == 4
        assert sum(one.startswith("first.mp4") for one in said) == 2
        assert sum(one.startswith("second.mp4") for one in said) == 2
        assert ground(made["sentences"], made["evidence"], text)[1] == []


# -- prose ---------------------------------------------------------------------------------------


def test_a_model_may_write_what_the_quotations_hold_and_nothing_else(world: World) -> None:
    honest = "Pruning removes weights that hardly matter. Entropy drops when the sinks are removed."
    made = told(world, "Summarise the lecture in twelve sentences", chat=FakeChat([honest]))
    assert [s["by"] for s in made["sentences"]] == ["model", "model"]
    assert all(s["cites"] for s in made["sentences"])
    lie = "Pruning removes 97 percent of the weights. The lecturer apologises for the late trains."
    false = told(world, "Summarise the lecture in twelve sentences", chat=FakeChat([lie]))
    assert {s["by"] for s in false["sentences"]} == {"code"}
    off = told(
        world, "Summarise the lecture in twelve sentences", chat=FakeChat([honest]), phrase=False
    )
    assert {s["by"] for s in off["sentences"]} == {"code"}


@pytest.mark.parametrize("reply", ["", "{", "[1, 2, 3]", "A" * 5000, "\x00\x00", "00:99:99"])
def test_a_model_that_babbles_leaves_the_quotations(world: World, reply: str) -> None:
    made = told(world, "Summarise the lecture", chat=FakeChat([reply]))
    assert {s["by"] for s in made["sentences"]} == {"code"}
    assert made["sentences"] == told(world, "Summarise the lecture")["sentences"]


def test_outline_and_quotations_share_one_budget() -> None:
    outline = [f"Chapter number {n}" for n in range(15)]
    quotes = [f"This is the quotation with the code {n:03d} in it." for n in range(15)]
    whole = packed(outline, quotes, 400)
    assert len(whole.split()) <= 400 + 40
    assert sum(one in whole for one in outline) == 15
    assert sum(one in whole for one in quotes) == 15
    alone = packed(outline, quotes, 400, overview=False)
    assert sum(one in alone for one in outline) == 0  # OFF: no overview, only what is local
    tight = packed(outline, quotes, 100)
    assert len(tight.split()) <= 100 + 40
    assert sum(one in tight for one in outline) >= 8
    assert sum(one in tight for one in quotes) >= 5


class Judge:
    """A reasoner that finds only pencils."""

    writes = True

    def __init__(self) -> None:
        self.asked: list[str] = []

    def judge(self, question: str, passage: str, *, fallback: float) -> Any:
        self.asked.append(question)
        return SimpleNamespace(p=(0.9, 0.1) if "pruned" in passage else (0.1, 0.9))


def test_a_reasoner_judges_windows_where_it_has_a_model(world: World) -> None:
    desk, judge = desk_of(world), Judge()
    desk.reasoner = judge
    query = "attention sinks"
    found = world.toolbox.locate(query, video=world.video.id, verify=verifier(desk, query))
    assert 1 <= found.judged <= 5
    assert found.judged == len(judge.asked)
    assert "must never be pruned" in found.windows[0].text
    # OFF: nothing is judged without the switch, or without a model.
    off = desk_of(world, judge=False)
    off.reasoner = judge
    assert verifier(off, query) is None
    assert verifier(desk_of(world), query) is None
    plain = world.toolbox.locate(query, video=world.video.id)
    assert plain.judged == 0
    assert plain.windows[0].verified is None


# -- highlights ----------------------------------------------------------------------------------


def test_highlights_are_facts_and_not_small_talk(world: World) -> None:
    made = told(world, "Show me the highlights")
    assert len(made["sentences"]) == 5
    assert not [s for s in made["sentences"] if "unclear" in s["text"] or "beautiful" in s["text"]]
    assert "(" in made["sentences"][0]["text"]  # why


def test_highlights_keep_their_distance(world: World) -> None:
    box = world.toolbox
    close = box.highlights(world.video.id, n=12, min_gap=0.0)
    apart = box.highlights(world.video.id, n=12, min_gap=60.0)
    gaps = [b.span.start - a.span.end for a, b in pairwise(apart)]
    assert min(gaps) >= 60.0
    near = [b.span.start - a.span.end for a, b in pairwise(close)]
    assert min(near) < 60.0  # OFF


def test_highlights_about_something_bear_on_it(world: World) -> None:
    found = world.toolbox.highlights(world.video.id, n=3, about="attention sinks")
    assert found
    assert all("sinks" in one.text.lower() for one in found)
    plain = world.toolbox.highlights(world.video.id, n=3)
    assert any("sinks" not in one.text.lower() for one in plain)
    assert world.toolbox.highlights(world.video.id, about="volcano") == []


def test_a_reel_is_no_longer_than_asked(world: World) -> None:
    found = world.toolbox.highlights(world.video.id, n=6, length=20.0)
    assert found
    assert sum(one.span.duration for one in found) <= 20.0 + 1e-6
    free = world.toolbox.highlights(world.video.id, n=6)
    assert sum(one.span.duration for one in free) > 20.0


def test_times_outside_the_video_and_empty_requests_are_refused(world: World) -> None:
    box, beyond = world.toolbox, Span(9000.0, 9100.0)
    for call in (
        lambda: box.summarize([world.video.id], span=beyond),
        lambda: box.highlights(world.video.id, span=beyond),
        lambda: box.locate("exam", video=world.video.id, span=beyond),
    ):
        with pytest.raises(NoSuchMoment, match="beyond the end"):
            call()
    with pytest.raises(UsageError, match="empty"):
        box.locate("  ", video=world.video.id)
    with pytest.raises(UsageError, match="min_gap"):
        box.call("highlights", video="lecture", min_gap=-1)
    with pytest.raises(UsageError, match="sentences"):
        box.call("summarize", sentences=0)
