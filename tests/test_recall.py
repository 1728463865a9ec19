"""Recall: every channel and scale finds what it holds; filters hold; absence is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest

from longtake.errors import NoSuchVideo, UsageError
from longtake.memory.evidence import Background, Lexicon, strength
from longtake.memory.fusion import Found, Group, gather, group, rank_worth
from longtake.memory.moments import Recalled
from longtake.memory.recall import Recall
from longtake.memory.terms import parse_query
from longtake.storage.records import Record, Video
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.fakes import FakeImageEncoder, FakeTagger
from tests.memory_world import Encoder, Script, lecture, open_store, remember

SAID = [
    "quasar", "pelican", "sonata", "trebuchet", "isotope", "marzipan", "gondola", "heron",
    "abacus", "fjord",
]  # fmt: skip
SHOWN = [
    "obelisk", "tundra", "zeppelin", "walrus", "cobalt", "lantern", "mosaic", "nebula",
    "orchid", "parquet",
]  # fmt: skip
SEEN = [
    "tractor", "giraffe", "bagpipe", "canoe", "dynamo", "easel", "falcon", "guitar",
    "hammock", "igloo",
]  # fmt: skip
STEP = 60.0
FILLER = "so we go on and look at the next of these together now"


def world() -> Script:
    """Ten minutes; in minute i one word is said only, one shown only, one seen only."""
    script = Script(STEP * len(SAID), sight_noise=0.02)
    for i, (said, shown, seen) in enumerate(zip(SAID, SHOWN, SEEN, strict=True)):
        begin = STEP * i
        for n in range(0, 60, 6):
            script.said.append((begin + n, begin + n + 5, FILLER))
        script.said[-5] = (begin + 30, begin + 35, f"then the {said} came into the story")
        script.shown.append((begin + 10, begin + 40, f"Notes on the {shown}", 0.3))
        script.seen.append((begin, begin + STEP, f"background wall room{i}"))
        script.seen.append((begin + 20, begin + 28, f"{seen} {seen} {seen}"))
    return script


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Video, Recall]]:
    with open_store(tmp_path_factory.mktemp("recall")) as store:
        video = remember(store, "world.mp4", world())
        remember(store, "talk.mp4", lecture(2.0))
        yield store, video, Recall(store, Encoder(), FakeImageEncoder(FakeTagger(Encoder())))


def rate(recall: Recall, words: list[str], low: float, high: float, **how: object) -> float:
    right = 0
    for i, word in enumerate(words):
        found = recall.search(f"when is the {word}?", k=1, **how)  # type: ignore[arg-type]
        truth = Span(STEP * i + low, STEP * i + high)
        right += bool(found.moments and found.moments[0].span.overlap(truth) > 0)
    return right / len(words)


@pytest.mark.parametrize(
    ("channel", "words", "low", "high"),
    [("speech", SAID, 30, 35), ("screen", SHOWN, 10, 40), ("sight", SEEN, 20, 28)],
)
def test_each_channel_finds_what_only_it_holds(
    library: tuple[Store, Video, Recall], channel: str, words: list[str], low: float, high: float
) -> None:
    _, video, recall = library
    assert rate(recall, words, low, high, videos=[video.id]) >= 0.9
    assert rate(recall, words, low, high, videos=[video.id], within=[channel]) >= 0.9
    others = sorted({"speech", "screen", "sight"} - {channel})
    assert rate(recall, words, low, high, videos=[video.id], within=others) <= 0.2


def test_a_moment_quotes_the_record_that_says_it(library: tuple[Store, Video, Recall]) -> None:
    store, video, recall = library
    said = recall.search("the marzipan story", videos=[video.id]).moments[0]
    assert (said.source, said.span) == ("speech", Span(330, 335))
    assert said.text == "then the marzipan came into the story"
    assert store.record(said.record).text == said.text
    shown = recall.search("notes on the tundra", videos=[video.id]).moments[0]
    assert (shown.source, shown.text) == ("screen", "Notes on the tundra")
    assert {hit.how for hit in said.parts} >= {"dense", "words"}
    words = [hit for hit in said.parts if hit.how == "words" and hit.record == said.record]
    assert words[0].score == said.coverage == 1.0
    cosines = [hit.score for hit in said.parts if hit.how in ("dense", "context")]
    assert said.cosine == max(cosines)


def test_scores_fall_with_rank_and_stay_in_bounds(library: tuple[Store, Video, Recall]) -> None:
    _, _, recall = library
    for query in ("the pelican came", "notes", "harbour ships coal", "guitar"):
        scores = [m.score for m in recall.search(query, k=20).moments]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)


def test_what_is_absent_is_told(library: tuple[Store, Video, Recall]) -> None:
    _, video, recall = library
    present = [recall.search(f"the {word}", videos=[video.id]).best for word in SAID + SHOWN]
    absent = [
        recall.search(f"the {word}", videos=[video.id])
        for word in ("submarine", "hockey", "volcano", "penguin")
    ]
    assert min(present) > max(found.best for found in absent)
    for found in absent:
        assert "nowhere in the library" in found.hint
        assert "10.0 min" in found.hint
        assert found.searched
        assert found.searched[0].end == 600
    assert recall.search("pelican", videos=[video.id]).hint == ""


def test_filters_hold(library: tuple[Store, Video, Recall]) -> None:
    store, video, recall = library
    span = Span(60, 300)
    for found in (
        recall.search("the story came", videos=[video.id], span=span, k=20),
        recall.search("the story came between 1:00 and 5:00", videos=[video.id], k=20),
    ):
        assert found.moments
        assert all(m.video == video.id and m.span.overlap(span) > 0 for m in found.moments)
    for as_of in (100.0, 331.0, 400.0):
        early = recall.search("pelican marzipan igloo", videos=[video.id], as_of=as_of, k=20)
        records = store.records(ids=[h.record for m in early.moments for h in m.parts])
        assert all(record.known_at <= as_of for record in records)
    assert not recall.search("marzipan", videos=[video.id], as_of=300.0, within=["speech"]).moments
    assert all(m.level == "scene" for m in recall.search("story", level="scene", k=5).moments)


def test_unknown_names_are_refused(library: tuple[Store, Video, Recall]) -> None:
    _, _, recall = library
    with pytest.raises(UsageError, match="smell"):
        recall.search("x", within=["smell"])
    with pytest.raises(UsageError, match="shot"):
        recall.search("x", level="shot")  # type: ignore[arg-type]
    with pytest.raises(NoSuchVideo):
        recall.search("x", videos=["v1234567890"])


@pytest.mark.parametrize("query", ["", "   ", "?!", '"', "the", "AND OR NOT", "a* NEAR(b", "😀"])
def test_odd_queries_are_answered(library: tuple[Store, Video, Recall], query: str) -> None:
    _, _, recall = library
    found = recall.search(query)
    assert isinstance(found, Recalled)
    assert found.moments or found.hint


def test_a_code_that_only_words_know_is_not_outvoted(tmp_path: Path) -> None:
    """Sentence encoders keep little of codes; many near texts must not push the code out."""

    class Deaf(Encoder):
        known: ClassVar[dict[tuple[int, str], Any]] = {}

        def encode(self, texts: Sequence[str]) -> Any:
            return super().encode([text.replace("zx81", "") for text in texts])

    script = Script(1500.0, frames=False)
    for n in range(0, 1500, 10):
        script.said.append((n, n + 8.0, f"when asked it is mentioned part{n}"))
    script.said[70] = (700.0, 708.0, "somebody wrote down zx81 quietly")
    with open_store(tmp_path) as store:
        video = remember(store, "codes.mp4", script, encoder=Deaf())
        recall = Recall(store, Deaf(), None)
        found = recall.search("when is zx81 mentioned?", videos=[video.id], k=3)
        assert found.moments[0].text == "somebody wrote down zx81 quietly"


def test_libraries_without_some_channel_work(tmp_path: Path) -> None:
    silent = Script(120.0, seen=[(0, 60, "tractor"), (60, 120, "canoe")], sight_noise=0.05)
    with open_store(tmp_path) as store:
        assert Recall(store, Encoder(), None).search("anything").moments == []
        video = remember(store, "silent.mp4", silent)
        no_pictures = Recall(store, Encoder(), None)
        assert no_pictures.search("canoe", videos=[video.id]).moments == []
        words_only = Recall(store, None, None)
        assert words_only.search("canoe").hint
        talk = remember(store, "talk.mp4", lecture(1.0))
        found = words_only.search("where does the lighthouse burn", videos=[talk.id])
        assert "lighthouse" in found.moments[0].text


def test_no_more_than_three_of_one_scene_while_others_have_some(
    library: tuple[Store, Video, Recall],
) -> None:
    store, _, recall = library
    talk = store.resolve("talk.mp4")
    found = recall.search("harbour", videos=[talk.id], k=6)
    scenes = store.records(video=talk.id, level="scene")
    fine = [m for m in found.moments if m.level not in ("scene", "chapter", "video")]
    homes = [next(s.id for s in scenes if s.span.contains(m.span.start)) for m in fine]
    assert len(set(homes)) > 1


def test_gaps_are_shown_in_time(library: tuple[Store, Video, Recall]) -> None:
    _, video, recall = library
    found = recall.search("pelican fjord gondola", videos=[video.id], k=5)
    row = found.in_time()
    assert [m.span.start for m, _ in row] == sorted(m.span.start for m in found.moments)
    for (one, _), (other, gap) in pairwise(row):
        assert gap == max(0.0, other.span.start - one.span.end)


def test_the_same_search_gives_the_same_answer(library: tuple[Store, Video, Recall]) -> None:
    store, _, recall = library
    again = Recall(store, Encoder(), FakeImageEncoder(FakeTagger(Encoder())))
    for query in ("pelican", "the attention window", "green igloo"):
        assert recall.search(query) == again.search(query)


def test_only_the_newest_synopsis_is_found(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "talk.mp4", lecture(8.0))
        synopses = store.records(video=video.id, level="video")
        assert len(synopses) > 1
        found = Recall(store, Encoder(), None).search("talk", level="video", k=10)
        assert [m.record for m in found.moments] == [synopses[-1].id]


def test_scales_compete_in_one_list(tmp_path: Path) -> None:
    """A short event is found at its moment, a slow process as a whole; one list serves both."""
    script = Script(1200.0, frames=False)
    slow = ["planting", "harvest", "storm", "festival"]
    for i, name in enumerate(slow):
        for n in range(0, 300, 10):
            words = {0: f"{name} begins", 1: f"{name} workers", 2: f"{name} evening"}[n // 10 % 3]
            script.said.append((300 * i + n, 300 * i + n + 8, f"{words} and so on it goes here"))
    for i in range(8):
        script.said[15 * i + 7] = (
            150.0 * i + 70, 150.0 * i + 78, f"suddenly bell{i} rings and so on it goes",
        )  # fmt: skip
    with open_store(tmp_path) as store:
        video = remember(store, "year.mp4", script)
        recall = Recall(store, Encoder(), None)

        def worth(query: str, truth: Span, level: str | None) -> float:
            found = recall.search(query, videos=[video.id], k=10, level=level)  # type: ignore[arg-type]
            ranks = [r for r, m in enumerate(found.moments, 1) if m.span.iou(truth) >= 0.12]
            return 1 / ranks[0] if ranks else 0.0

        def mean(level: str | None) -> float:
            short = [
                worth(f"bell{i} rings", Span(150 * i + 70, 150 * i + 78), level) for i in range(8)
            ]
            long = [
                worth(f"{name} begins, {name} workers, {name} evening",
                      Span(300 * i, 300 * i + 300), level)
                for i, name in enumerate(slow)
            ]  # fmt: skip
            return (sum(short) / 8 + sum(long) / 4) / 2

        singles = {level: mean(level) for level in ("moment", "clip", "scene", "chapter")}
        assert mean(None) > max(singles.values()), (mean(None), singles)


# -- the parts ---------------------------------------------------------------------------------


def record(name: str, start: float, end: float, level: str = "moment", text: str = "") -> Record:
    return Record(name, "v", level, "speech", Span(start, end), end, text, "t")  # type: ignore[arg-type]


def test_fusion_rewards_agreement_over_one_first_place() -> None:
    rows = {name: record(name, 100.0 * i, 100.0 * i + 5) for i, name in enumerate("abc")}
    found = gather({"one": [("a", 9.0), ("b", 1.0)], "two": [("c", 9.0), ("b", 1.0)]}, rows)
    best = max(group(found), key=lambda g: g.fused)
    assert [f.record.id for f in best.found] == ["b"]
    assert best.fused == pytest.approx(2 * rank_worth(2))


def test_a_list_counts_once_for_a_group() -> None:
    rows = {"a": record("a", 1, 3), "b": record("b", 4, 6), "clip": record("clip", 0, 10, "clip")}
    groups = group(gather({"one": [("a", 1.0), ("b", 1.0), ("clip", 1.0)]}, rows))
    assert len(groups) == 1
    assert groups[0].fused == rank_worth(1)
    assert isinstance(groups[0], Group)
    assert isinstance(groups[0].found[0], Found)


def test_coverage_weighs_rare_words_and_demands_phrases() -> None:
    frequency = {"the": (90, 100), "model": (50, 100), "zebra": (1, 100)}
    lexicon = Lexicon.of(parse_query("zebra model"), lambda term: frequency[term])
    rare, common = lexicon.coverage(["a zebra"]), lexicon.coverage(["the models"])
    assert rare > 0.7
    assert 0 < common < 0.3
    assert lexicon.coverage(["zebras", "some model"]) == 1.0
    quoted = Lexicon.of(parse_query('"zebra model"'), lambda term: frequency[term])
    assert quoted.coverage(["the zebra models"]) == 1.0
    assert quoted.coverage(["the model of a zebra"]) == 0.5


def test_pictures_count_by_how_far_they_stand_out() -> None:
    import numpy as np

    alike = Background.of(np.float32([0.90 + 0.001 * (i % 5) for i in range(100)]))
    assert alike is not None
    assert alike.deviations(0.905) < 1  # a high cosine that all pictures have is nothing
    assert alike.deviations(0.99) > 5
    assert Background.of(np.float32([0.1] * 7)) is None


def test_kinds_of_evidence_support_each_other() -> None:
    alone = [strength(0.6, 0.0, 0.0), strength(0.0, 0.7, 0.0), strength(0.0, 0.0, 6.0)]
    assert all(0 < value < 1 for value in alone)
    assert strength(0.6, 0.7, 6.0) > max(alone)
    assert strength(-0.2, 0.0, 1.0) == 0.0
