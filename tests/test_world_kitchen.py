"""The kitchen world: what is asked is in the film where the truth says, and the rest never is."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from bench.answers import WORLDS
from bench.worlds import kitchen, outing, voice
from bench.worlds.cookery import APRONS, DRAWN, LABEL
from bench.worlds.evening import Evening
from bench.worlds.kitchen_questions import ABSENT, NEAR, ask_about
from bench.worlds.kitchen_script import COOKS, GUESTS, PARTS, PEOPLE, SUBTITLE, TITLE
from bench.worlds.make import FORM
from bench.worlds.pictures import camera
from bench.worlds.programme import Card
from bench.worlds.truth import Question

KINDS = {"speech": 14, "screen": 12, "sight": 6, "order": 5, "first_last": 4, "how_long": 4,
         "how_many": 1, "count": 3, "two_hop": 6, "state": 3, "between": 2, "absent": 20}  # fmt: skip
MEDIUM = re.compile(
    r"\b(sa(y|id|ys)|tell|told|talk\w*|mention\w*|call|announce|accord\w*|wr(ite|itten|ote)"
    r"|sign|list|sheet|screen|put up|see|show\w*|picture|read)\b"
)
"""Words that tell whether a thing was said, shown or seen."""


@pytest.fixture(scope="module")
def day() -> Evening:
    return laid_out(37, 1)


def laid_out(minutes: float, seed: int, engines: list[str] | None = None) -> Evening:
    def hummed(texts: list[str], *, engine: str, **_more: object) -> dict[str, object]:
        """Stand in for a voice: silence as long as the sentence would last."""
        if engines is not None:
            engines.extend([engine] * len(texts))
        return {text: np.zeros(round(960 * len(text)), np.float32) for text in texts}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outing, "speak_all", hummed)
        patch.setattr(outing, "second_engine", lambda _first: "other")
        return outing.lay_out(kitchen.SCRIPT, minutes, seed, "own", FORM)


def found(patterns: tuple[str, ...], text: str) -> bool:
    return any(re.search(pattern, text.casefold(), re.MULTILINE) for pattern in patterns)


def spoken(day: Evening, low: float, high: float) -> str:
    return "\n".join(one.text for one in day.lines if low - 0.01 <= one.start < high)


def written(day: Evening, low: float, high: float) -> str:
    """Return every line of the sheets, and of the jar, that are up at that time."""
    lines = [line for (_, line), (a, b) in day.shown.items() if a < high and low < b]
    jars = [LABEL for what, (a, b) in day.scenes if what == "jar" and a < high and low < b]
    return "\n".join([*lines, *(line for label in jars for line in label)])


def everything() -> str:
    """Return every word that is said or shown, a line each."""
    people = [text for person in PEOPLE.values() for text in (person.name, person.role)]
    cards = [look.what for part in PARTS for look in part.looks if isinstance(look.what, Card)]
    shown = [text for card in cards for text in (card.title, *card.lines)]
    heard = [text for _, text in kitchen.SCRIPT.speeches()]
    return "\n".join([*heard, *people, *shown, *LABEL, TITLE, SUBTITLE])


def test_sixty_questions_have_an_answer_and_twenty_have_none(day: Evening) -> None:
    questions = ask_about(day)
    assert Counter(question.kind for question in questions) == KINDS
    assert len({question.id for question in questions}) == 80
    assert len({question.text for question in questions}) == 80


def test_half_of_the_questions_do_not_tell_where_to_look(day: Evening) -> None:
    texts = [question.text for question in ask_about(day) if question.kind != "absent"]
    silent = [text for text in texts if not MEDIUM.search(text.casefold())]
    assert len(silent) == len(texts) // 2


def test_the_world_can_be_chosen() -> None:
    assert WORLDS["kitchen"] is kitchen.KITCHEN


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_day_has_no_gaps_or_overlaps(seed: int) -> None:
    one_day = laid_out(37, seed)
    assert 35 * 60 < one_day.clock < 40 * 60
    ends, starts = [s.end for s in one_day.shots], [s.start for s in one_day.shots]
    assert starts[0] == 0.0
    assert np.allclose(starts[1:], ends[:-1])
    for one, after in pairwise(one_day.lines):
        assert one.end(FORM.sound_rate) <= after.start


def test_guests_have_another_voice() -> None:
    engines: list[str] = []
    laid_out(37, 1, engines)
    texts = {text: who for who, text in kitchen.SCRIPT.speeches()}
    assert Counter(engines)["other"] == sum(who in GUESTS for who in texts.values()) > 0
    assert Counter(engines)["own"] == sum(who not in GUESTS for who in texts.values())


def test_a_second_engine_is_another_one_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "_available", lambda name: name != "festival")
    assert voice.second_engine("flite") == "espeak"
    assert voice.second_engine("espeak") == "flite"
    monkeypatch.setattr(voice, "_available", lambda name: name == "espeak")
    assert voice.second_engine("espeak") == "espeak"


def test_gold_spans_lie_inside_the_film(day: Evening) -> None:
    end = day.shots[-1].end
    for question in ask_about(day):
        assert bool(question.spans) == (question.kind != "absent")
        assert all(0 <= a < b <= end for a, b in question.spans), question.text


def test_every_answer_is_said_or_shown_in_its_gold_spans(day: Evening) -> None:
    asked = [one for one in ask_about(day)
             if one.right and one.kind not in ("count", "how_many")]  # fmt: skip
    for question in asked:
        if "colour" in question.text or question.text.startswith("Did everybody"):
            continue
        for low, high in question.spans[:1] if question.kind == "order" else question.spans:
            lines = spoken(day, low, high) + "\n" + written(day, low, high)
            assert found(question.right, lines), question.text
            if question.kind == "speech":
                assert found(question.right, spoken(day, low, high)), question.text
            if question.kind in ("screen", "state"):
                assert found(question.right, written(day, low, high)), question.text


def test_what_is_only_heard_is_on_no_sheet_and_the_other_way_round(day: Evening) -> None:
    sheets = "\n".join(line for _, line in day.shown)
    said = "\n".join(text for _, text in kitchen.SCRIPT.speeches())
    loose = ("yeast", "behind you!", "drawer", "15:45", "chickpeas", "juice", "months", "knives",
             "november", "recipes", "ginger", "180", "230")  # fmt: skip
    assert all(word in sheets.casefold() for word in loose)
    assert not any(word in said.casefold() for word in loose)
    assert not any(dish.casefold() in said.casefold() for dish, _ in COOKS.values())
    assert LABEL[1] not in everything().replace("\n".join(LABEL), "")


def test_colours_are_seen_and_never_said(day: Evening) -> None:
    for table, (name, _) in APRONS.items():
        assert not re.search(rf"\b({name}|orange)\b", everything().casefold())
        assert f"table {table}" in DRAWN
    asked = {one.text: one for one in ask_about(day) if "colour" in one.text}
    assert len(asked) == 3
    for words, seen, name in (("jam lady", "table 5", APRONS[5][0]), ("pot", "iron pot", "orange"),
                              ("dumplings", "table 3", APRONS[3][0])):  # fmt: skip
        question = next(one for text, one in asked.items() if words in text)
        assert found(question.right, name)
        assert not found(question.wrong, name)
        assert question.spans == tuple(span for what, span in day.scenes if what == seen)
        assert question.spans


def test_things_that_are_only_seen_are_never_named() -> None:
    for name in ("snowman", "pretzel", "mushroom", "toadstool", "pineapple"):
        assert not re.search(rf"\b{name}", everything().casefold())


def test_order_is_as_the_questions_take_it(day: Evening) -> None:
    parts = day.parts
    names = ["rules", "cooks", "bread", "soup", "ovens", "dumplings", "alarm", "yard",
             "ovens again", "beans", "lunch", "soup again", "bread again", "jam", "leftovers",
             "interview", "votes", "prizes"]  # fmt: skip
    starts = [parts[name][0] for name in names]
    assert starts == sorted(starts)
    for before, after in (("yard", "ovens again"), ("lunch", "soup again"),
                          ("soup again", "bread again")):  # fmt: skip
        assert parts[before][1] == parts[after][0]
    prizes = [text for one in day.lines
              for text in re.findall(r"iron pot|rolling pin|new ladle|pepper mill", one.text)]  # fmt: skip
    assert prizes == ["iron pot", "rolling pin", "new ladle", "pepper mill"]


def test_events_are_as_many_as_their_spans(day: Evening) -> None:
    counts = []
    for question in ask_about(day):
        if question.kind in ("count", "how_many"):
            words = ("", "once", "twice", "three", "four", "five")
            counts.append(len(question.spans))
            assert found(question.right, words[len(question.spans)])
            assert not found(question.wrong, words[len(question.spans)])
    assert counts == [4, 5, 3, 4]
    mentions = {"ladle": 4, "timer": 5, "that was a plate|smashed|a hundred bits": 3}
    for words, times in mentions.items():
        assert len([one for one in day.lines if re.search(rf"\b({words})\b", one.text)]) == times


def test_lengths_are_those_of_their_parts(day: Evening) -> None:
    lengths = [question for question in ask_about(day) if question.value is not None]
    assert [question.kind for question in lengths] == ["how_long"] * 4 + ["between"]
    for question in lengths:
        spans = question.spans
        length = spans[-1][0] - spans[0][1] if len(spans) == 2 else spans[0][1] - spans[0][0]
        assert question.value == pytest.approx(length, abs=0.01)
    assert day.breaks == [day.parts["lunch"]]


@pytest.mark.parametrize(("text", "never"), ABSENT, ids=[text for text, _ in ABSENT])
def test_what_absent_questions_ask_is_never_said_or_shown(
    text: str, never: tuple[str, ...]
) -> None:
    flags = re.IGNORECASE | re.MULTILINE
    assert not any(re.search(pattern, everything(), flags) for pattern in never), text


def test_near_misses_ask_about_what_is_there() -> None:
    subjects = ("mei", "old ship", "flour", "iron pot", "everybody out", "taxi", "tokens",
                "late husband", "jam", "school paper", "fish", "yeast")  # fmt: skip
    assert len(subjects) == NEAR
    assert all(subject in everything().casefold() for subject in subjects)


def test_one_sentence_has_one_speaker() -> None:
    speakers: dict[str, set[str]] = {}
    for who, text in kitchen.SCRIPT.speeches():
        speakers.setdefault(text, set()).add(who)
    assert all(len(some) == 1 for some in speakers.values())
    assert {who for some in speakers.values() for who in some} == set(PEOPLE)


def test_a_neighbour_in_the_table_is_no_answer(day: Evening) -> None:
    asked = {question.text: question for question in ask_about(day)}
    frozen: Question = asked["Can the dumplings be frozen, and for how long?"]
    assert found(frozen.right, "yes, six months")
    assert not found(frozen.right, "yes, 16 months")
    assert found(frozen.wrong, "4 months")


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_views_are_filmed(name: str) -> None:
    early, late = (np.asarray(camera(name, (160, 90), t)).astype(int) for t in (1.0, 1.2))
    assert early.shape == (90, 160, 3)
    assert 0.5 < np.abs(early - late).mean() < 20
