"""The held-out world: what is asked is in the film once, where the truth says; the rest never."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from bench.worlds import programme
from bench.worlds.film import Format
from bench.worlds.make import FORM
from bench.worlds.pictures import camera
from bench.worlds.programme import Ask, Day, Section, lay_out
from bench.worlds.seminar_questions import ABSENT, SIGHT, ask_about, mentions, the_one
from bench.worlds.seminar_script import SECTIONS, SEMINAR
from bench.worlds.sheets import Layout, Sheet, draw_sheet
from bench.worlds.things import DRAWN
from bench.worlds.truth import Question, count_patterns

ASKED = [(section, ask) for section in SECTIONS for ask in (*section.heard, *section.seen)]
KINDS = {"speech": 18, "screen": 18, "sight": 8, "order": 6, "first_last": 4, "how_long": 4,
         "how_many": 2, "absent": 15}  # fmt: skip


@pytest.fixture(scope="module")
def day() -> Day:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programme, "speak_all", hummed)
        return lay_out(SEMINAR, 120, 1, "none", FORM)


def hummed(texts: list[str], **_more: object) -> dict[str, object]:
    """Stand in for a voice: silence as long as the sentence would last."""
    return {text: np.zeros(round(960 * len(text)), np.float32) for text in texts}


def found(patterns: tuple[str, ...], text: str) -> bool:
    return any(re.search(pattern, text.casefold()) for pattern in patterns)


def lines(section: Section) -> list[str]:
    return [line for card in section.cards for line in card.lines]


def everything() -> str:
    """Return every word that is said or shown."""
    shown = [text for section in SECTIONS for card in section.cards
             for text in (card.title, *card.lines)]  # fmt: skip
    titles = [text for part in SEMINAR.breaks for text in (part.title, part.subtitle)]
    return "\n".join([*SEMINAR.texts(), SEMINAR.title, SEMINAR.subtitle, *shown, *titles])


def test_sixty_questions_have_an_answer_and_fifteen_have_none(day: Day) -> None:
    questions = ask_about(day)
    assert Counter(question.kind for question in questions) == KINDS
    assert len({question.id for question in questions}) == 75
    assert len({question.text for question in questions}) == 75


def test_two_hours_without_gaps_or_overlaps(day: Day) -> None:
    assert 0.97 * 7200 < day.clock < 1.03 * 7200
    ends, starts = [s.end for s in day.shots], [s.start for s in day.shots]
    assert starts[0] == 0.0
    assert np.allclose(starts[1:], ends[:-1], atol=0.5 / FORM.fps)
    for one, after in zip(day.lines, day.lines[1:], strict=False):
        assert one.end(FORM.sound_rate) <= after.start


def test_gold_spans_lie_inside_the_film(day: Day) -> None:
    end = day.shots[-1].end
    for question in ask_about(day):
        assert bool(question.spans) == (question.kind != "absent")
        assert all(0 <= a < b <= end for a, b in question.spans), question.text


@pytest.mark.parametrize(("section", "ask"), ASKED, ids=lambda one: getattr(one, "where", ""))
def test_a_fact_is_in_one_place_of_its_section(section: Section, ask: Ask) -> None:
    places = [*section.said, *section.chat, *lines(section)]
    home = the_one(ask, tuple(places))
    assert found(ask.right, home)
    assert [place for place in places if found(ask.right, place)] == [home]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_heard_facts_are_said_and_seen_ones_shown(section: Section) -> None:
    for ask in section.heard:
        assert the_one(ask, section.said)
    for ask in section.seen:
        assert the_one(ask, tuple(lines(section)))


@pytest.mark.parametrize(
    "old", ["planned for the ninth", "leaves from pier two", "Ticket: 12 crowns"]
)
def test_a_corrected_value_comes_first_and_is_marked_wrong(day: Day, old: str) -> None:
    section, ask = next(
        (section, ask)
        for section, ask in ASKED
        if any(old in text and found(ask.wrong, text) for text in (*section.said, *lines(section)))
        and ask.where not in old
    )
    spans = {text: times[0] for text, times in day.said.items()}
    spans |= {line: span for (_, line), span in day.shown.items()}
    former = next(span for text, span in spans.items() if old in text)
    question = next(one for one in ask_about(day) if one.text == ask.text)
    assert former[0] < question.spans[0][0]
    assert not found(ask.wrong, the_one(ask, (*section.said, *lines(section))))


def test_gold_spans_are_where_it_is_said_or_shown(day: Day) -> None:
    by_span = {span: line for (_, line), span in day.shown.items()}
    # lines of one table share their span
    shown: dict[tuple[float, float], list[str]] = {span: [] for span in by_span}
    for (_, line), span in day.shown.items():
        shown[span].append(line)
    for question in ask_about(day):
        if question.kind == "speech":
            (span,) = question.spans
            (said,) = [one.text for one in day.lines if one.start == span[0]]
            assert found(question.right, said)
        if question.kind == "screen":
            assert any(found(question.right, line) for line in shown[question.spans[0]])


@pytest.mark.parametrize(
    ("text", "never"), ABSENT, ids=lambda one: one if isinstance(one, str) else ""
)
def test_what_absent_questions_ask_is_never_said_or_shown(
    text: str, never: tuple[str, ...]
) -> None:
    assert not any(re.search(pattern, everything(), re.IGNORECASE) for pattern in never), text


def test_things_to_be_counted_are_said_a_few_times_and_never_shown(day: Day) -> None:
    for words, count in (("caretaker", 4), ("blue folder", 3)):
        assert len(mentions(day, words)) == count
        assert not any(words in line.casefold() for section in SECTIONS for line in lines(section))
        assert not any(words in chat for chat in SEMINAR.chat)
    first = {q.text: q.spans[0] for q in ask_about(day) if q.kind == "first_last"}
    spans = list(first.values())
    assert spans[0][1] < spans[1][0]
    assert spans[2][1] < spans[3][0]


def test_announcements_do_not_name_what_the_camera_shows() -> None:
    assert {scene.name for scene in SEMINAR.scenes} == set(DRAWN)
    assert set(SIGHT) < set(DRAWN)
    for scene in SEMINAR.scenes:
        assert not any(name in scene.opening.casefold() for name in DRAWN)
    assert {scene.talked for scene in SEMINAR.scenes} == {True, False}


def test_nothing_stands_between_where_what_follows_is_asked(day: Day) -> None:
    order = [one for one in ask_about(day) if one.kind == "order"][:2]
    for question in order:
        before = [span for _, span in day.sections if span[1] <= question.spans[0][0]][-1]
        between = [*day.breaks, *(span for _, span in day.scenes)]
        assert not any(before[1] <= start < question.spans[0][0] for start, _ in between)


def test_counts_are_read_as_words_or_digits_but_not_from_timecodes() -> None:
    right, wrong = count_patterns(4)
    assert all(found(right, text) for text in ("4 times", "it is four", "4."))
    assert not any(found(right, text) for text in ("at 4:20", "0:04", "4.5", "14"))
    assert all(found(wrong, text) for text in ("3 times", "twice", "eleven or 11"))
    assert not found(wrong, "four times: 12:30, 1:02:05")


def test_the_seed_moves_things_but_asks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programme, "speak_all", hummed)

    def told(seed: int) -> tuple[list[tuple[float, str]], tuple[Question, ...]]:
        table = lay_out(SEMINAR, 9, seed, "none", FORM)
        return [(line.start, line.text) for line in table.lines], ask_about(table)

    assert told(1) == told(1)
    (lines_1, asked_1), (lines_2, asked_2) = told(1), told(2)
    assert lines_1 != lines_2
    assert [one.text for one in asked_1] == [one.text for one in asked_2]


@pytest.mark.parametrize("layout", ["table", "code", "poster", "list"])
def test_every_line_of_a_sheet_changes_the_picture(layout: Layout) -> None:
    texts = ("First | 1", "Second | 2", "Third | 3")
    form = Format()
    theme = programme.THEMES[2]
    pictures = [np.asarray(draw_sheet(Sheet("Title", texts[:n], layout), form.size, theme))
                for n in (1, 2, 3)]  # fmt: skip
    for fewer, more in pairwise(pictures):
        assert (fewer != more).any()


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_drawn_things_are_filmed_by_the_same_camera(name: str) -> None:
    early, late = (np.asarray(camera(name, (160, 90), t)).astype(int) for t in (1.0, 1.2))
    assert early.shape == (90, 160, 3)
    assert 0.5 < np.abs(early - late).mean() < 20
