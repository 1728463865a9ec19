"""Worlds drawn by script: what the truth says is really in the film, at that time."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.worlds import make, timetable, voice
from bench.worlds.film import Format, Line, Shot, write_film
from bench.worlds.lecture import LECTURE
from bench.worlds.lecture_script import REFRAINS, TOPICS, Topic
from bench.worlds.make import FORM, make_world
from bench.worlds.pictures import available, camera
from bench.worlds.questions import ANSWERABLE, QUOTA, ask_about
from bench.worlds.timetable import Timetable, lay_out
from bench.worlds.truth import Question, Truth

SMALL = Format(size=(160, 90), fps=5, crf=20, key_seconds=2.0)


def murmur(text: str, rate: int = 16_000) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Stand in for a voice: a hum as long as the sentence would last."""
    count = round(rate * 0.06 * len(text))
    return (0.3 * np.sin(np.arange(count) * 0.1)).astype(np.float32)


@pytest.fixture
def no_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        timetable, "speak_all", lambda texts, **more: {text: murmur(text) for text in texts}
    )


@pytest.fixture
def long_table(no_voice: None) -> Timetable:
    return lay_out(120, 1, "none", FORM)


def decoded(path: Path) -> tuple[dict[float, tuple[int, ...]], np.ndarray]:  # type: ignore[type-arg]
    import av

    with av.open(str(path)) as container:
        colours = {
            round(float(frame.time or 0), 3): tuple(
                int(c) for c in frame.to_ndarray(format="rgb24")[45, 80]
            )
            for frame in container.decode(video=0)
        }
        container.seek(0)
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    return colours, sound


def plain(colour: str) -> Image.Image:
    return Image.new("RGB", SMALL.size, colour)


def test_a_film_shows_each_shot_and_says_each_line_at_its_time(tmp_path: Path) -> None:
    shots = [
        Shot(0.0, 2.0, lambda t: plain("red")),
        Shot(2.0, 3.0, lambda t: plain("black" if t < 0.5 else "white"), moving=True),
        Shot(3.0, 4.6, lambda t: plain("blue")),
    ]
    lines = [Line(2.5, np.full(8000, 0.5, np.float32) * np.sin(np.arange(8000) * 0.3))]
    duration = write_film(tmp_path / "f.mp4", shots, lines, SMALL)
    colours, sound = decoded(tmp_path / "f.mp4")
    assert duration == 4.6
    assert len(colours) == 23
    assert colours[1.8][0] > 200 > colours[2.0][0]
    assert max(colours[2.4]) < 40
    assert min(colours[2.6]) > 200
    assert colours[4.4][2] > 200
    loud = np.flatnonzero(np.abs(sound) > 0.2) / 16_000
    assert 2.4 < loud.min() < 2.6
    assert 2.9 < loud.max() < 3.1


def test_a_still_shot_is_drawn_once(tmp_path: Path) -> None:
    drawn: list[float] = []

    def draw(time: float) -> Image.Image:
        drawn.append(time)
        return plain("green")

    write_film(tmp_path / "f.mp4", [Shot(0.0, 4.0, draw)], [], SMALL)
    assert drawn == [0.0]


def test_the_two_hour_world_has_all_its_questions(long_table: Timetable) -> None:
    questions = ask_about(long_table, 1)
    counts = Counter(question.kind for question in questions)
    assert all(counts[kind] == quota for kind, quota in QUOTA.items() if kind != "first_last")
    assert counts["first_last"] in (2, 4, 6)
    assert len({question.id for question in questions}) == 75
    assert sum(question.kind != "absent" for question in questions) == 60
    assert 0.97 * 7200 < long_table.clock < 1.03 * 7200


def test_shots_follow_each_other_and_lines_do_not_overlap(long_table: Timetable) -> None:
    ends = [shot.end for shot in long_table.shots]
    starts = [shot.start for shot in long_table.shots]
    assert starts[0] == 0.0
    assert np.allclose(starts[1:], ends[:-1], atol=0.5 / FORM.fps)
    for one, after in zip(long_table.lines, long_table.lines[1:], strict=False):
        assert one.end(FORM.sound_rate) <= after.start


def test_gold_spans_are_where_the_sentence_is_said(long_table: Timetable) -> None:
    for question in ask_about(long_table, 1):
        if question.kind == "speech":
            said = [line.text for line in long_table.lines
                    if (line.start, line.end(FORM.sound_rate)) in question.spans]  # fmt: skip
            assert said
            assert all(_matches(question, text) for text in said)


def test_gold_spans_of_screen_questions_are_where_the_line_is_shown(
    long_table: Timetable,
) -> None:
    by_span = {span: line for (_, line), span in long_table.shown.items()}
    for question in ask_about(long_table, 1):
        if question.kind == "screen":
            assert _matches(question, by_span[question.spans[0]])


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_fact_is_either_said_or_shown(topic: Topic) -> None:
    heard = Question("", "speech", "", right=topic.heard.right)
    seen = Question("", "screen", "", right=topic.seen.right)
    shown = [line for card in topic.cards for line in (card.title, *card.bullets)]
    assert _matches(heard, topic.said[topic.heard.about])
    assert not any(_matches(heard, line) for line in shown)
    about = topic.cards[topic.seen.about]
    assert any(_matches(seen, line) for line in about.bullets)
    assert not any(_matches(seen, sentence) for sentence in topic.said)


def _matches(question: Question, text: str) -> bool:
    return any(re.search(pattern, text.casefold()) for pattern in question.right)


def test_first_and_last_are_different_times_of_one_thing(long_table: Timetable) -> None:
    asked = [q for q in ask_about(long_table, 1) if q.kind == "first_last"]
    for first, last in zip(asked[::2], asked[1::2], strict=True):
        assert first.text.split()[2] == last.text.split()[2]
        assert first.spans[0][1] < last.spans[0][0]


def test_the_same_seed_gives_the_same_lecture_and_another_does_not(no_voice: None) -> None:
    def told(seed: int) -> list[tuple[float, str]]:
        return [(line.start, line.text) for line in lay_out(5, seed, "none", FORM).lines]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_a_short_world_is_filmed_and_found_again(
    tmp_path: Path, no_voice: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("espeakng_loader")
    monkeypatch.setattr(make, "FORM", SMALL)
    world = make_world(LECTURE, tmp_path, minutes=2, seed=3, engine="espeak")
    truth = Truth.load(world.truth)
    assert 120 < truth.duration < 240
    assert {q.kind for q in truth.questions} >= {"speech", "screen", "sight", "order", "absent"}
    before = world.video.stat().st_mtime_ns
    assert make_world(LECTURE, tmp_path, minutes=2, seed=3, engine="espeak") == world
    assert world.video.stat().st_mtime_ns == before


def test_new_questions_are_asked_of_the_film_that_is_there(
    tmp_path: Path, no_voice: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    films: list[Path] = []

    def film(path: Path, *_: object, **_more: object) -> None:
        path.touch()
        films.append(path)

    monkeypatch.setattr(make, "write_film", film)
    monkeypatch.setattr(make, "choose_engine", lambda wanted: "none")
    world = make_world(LECTURE, tmp_path, minutes=1)
    asked = Truth.load(world.truth).questions
    newer = replace(LECTURE, questions=LECTURE.questions + 1)
    assert make_world(newer, tmp_path, minutes=1) == world
    assert films == [world.video]
    truth = Truth.load(world.truth)
    assert truth.settings["questions"] == newer.questions
    assert truth.questions == asked
    make_world(replace(newer, film=newer.film + 1), tmp_path, minutes=1)
    assert len(films) == 2


def test_counts_fill_up_what_the_voice_leaves_of_sixty(long_table: Timetable) -> None:
    sentence = REFRAINS["Peter Stone"]
    del long_table.said[sentence]
    questions = ask_about(long_table, 1)
    assert sum(question.kind != "absent" for question in questions) == ANSWERABLE
    counted = [question for question in questions if question.kind == "how_many"]
    assert counted
    assert len(counted[0].spans) == 2
    assert _matches(counted[0], "there are 2")


@pytest.mark.parametrize("name", available())
def test_a_camera_never_rests_and_never_changes_the_subject(name: str) -> None:
    early, late = (np.asarray(camera(name, (160, 90), t)).astype(int) for t in (1.0, 1.2))
    assert early.shape == (90, 160, 3)
    assert 0.5 < np.abs(early - late).mean() < 20


def test_espeak_speaks_and_the_cache_keeps_it(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    said = voice.speak("The exam is on Tuesday.", engine="espeak", cache=tmp_path)
    assert 0.8 < len(said) / 16_000 < 5
    assert 0.5 < np.abs(said).max() < 0.7
    kept = list(tmp_path.glob("*.npy"))
    assert len(kept) == 1
    stamp = kept[0].stat().st_mtime_ns
    assert np.array_equal(
        voice.speak("The exam is on Tuesday.", engine="espeak", cache=tmp_path), said
    )
    assert kept[0].stat().st_mtime_ns == stamp
