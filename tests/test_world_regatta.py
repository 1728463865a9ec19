"""The regatta world: what is asked is in the film where the truth says, and the rest never is."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from bench.answers import WORLDS
from bench.worlds import outing, regatta
from bench.worlds.afloat import DRAWN, SAILS
from bench.worlds.evening import Evening
from bench.worlds.make import FORM
from bench.worlds.pictures import camera
from bench.worlds.programme import Card
from bench.worlds.regatta_questions import ABSENT, NEAR, ask_about
from bench.worlds.regatta_script import BOATS, PARTS, PEOPLE, SUBTITLE, TITLE
from bench.worlds.truth import Question

KINDS = {"speech": 14, "screen": 12, "sight": 6, "order": 5, "first_last": 4, "how_long": 4,
         "how_many": 1, "count": 3, "two_hop": 6, "state": 3, "between": 2, "absent": 20}  # fmt: skip


@pytest.fixture(scope="module")
def day() -> Evening:
    return laid_out(60, 1)


def laid_out(minutes: float, seed: int) -> Evening:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outing, "speak_all", hummed)
        return outing.lay_out(regatta.SCRIPT, minutes, seed, "none", FORM)


def hummed(texts: list[str], **_more: object) -> dict[str, object]:
    """Stand in for a voice: silence as long as the sentence would last."""
    return {text: np.zeros(round(960 * len(text)), np.float32) for text in texts}


def found(patterns: tuple[str, ...], text: str) -> bool:
    return any(re.search(pattern, text.casefold(), re.MULTILINE) for pattern in patterns)


def spoken(day: Evening, low: float, high: float) -> str:
    return "\n".join(one.text for one in day.lines if low - 0.01 <= one.start < high)


def written(day: Evening, low: float, high: float) -> str:
    """Return every line of the sheets that are up at that time."""
    return "\n".join(line for (_, line), (a, b) in day.shown.items() if a < high and low < b)


def everything() -> str:
    """Return every word that is said or shown, a line each."""
    people = [text for person in PEOPLE.values() for text in (person.name, person.role)]
    cards = [look.what for part in PARTS for look in part.looks if isinstance(look.what, Card)]
    shown = [text for card in cards for text in (card.title, *card.lines)]
    return "\n".join(
        [*(text for _, text in regatta.SCRIPT.speeches()), *people, *shown, TITLE, SUBTITLE]
    )


def test_sixty_questions_have_an_answer_and_twenty_have_none(day: Evening) -> None:
    questions = ask_about(day)
    assert Counter(question.kind for question in questions) == KINDS
    assert len({question.id for question in questions}) == 80
    assert len({question.text for question in questions}) == 80


def test_the_world_can_be_chosen() -> None:
    assert WORLDS["regatta"] is regatta.REGATTA


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_hour_without_gaps_or_overlaps(seed: int) -> None:
    one_day = laid_out(60, seed)
    assert 0.96 * 3600 < one_day.clock < 1.05 * 3600
    ends, starts = [s.end for s in one_day.shots], [s.start for s in one_day.shots]
    assert starts[0] == 0.0
    assert np.allclose(starts[1:], ends[:-1])
    for one, after in pairwise(one_day.lines):
        assert one.end(FORM.sound_rate) <= after.start


def test_gold_spans_lie_inside_the_film(day: Evening) -> None:
    end = day.shots[-1].end
    for question in ask_about(day):
        assert bool(question.spans) == (question.kind != "absent")
        assert all(0 <= a < b <= end for a, b in question.spans), question.text


def test_every_answer_is_said_or_shown_in_its_gold_spans(day: Evening) -> None:
    asked = [one for one in ask_about(day)
             if one.right and one.kind not in ("count", "how_many")]  # fmt: skip
    for question in asked:
        if "colour" in question.text or question.text.startswith("Did they"):
            continue
        for low, high in question.spans[:1] if question.kind == "order" else question.spans:
            lines = spoken(day, low, high) + "\n" + written(day, low, high)
            assert found(question.right, lines), question.text
            if question.kind == "speech":
                assert found(question.right, spoken(day, low, high)), question.text
            if question.kind == "screen":
                assert found(question.right, written(day, low, high)), question.text


def test_what_is_only_heard_is_on_no_sheet_and_the_other_way_round(day: Evening) -> None:
    sheets = "\n".join(line for _, line in day.shown)
    said = "\n".join(text for _, text in regatta.SCRIPT.speeches())
    loose = ("flat", "March", "Tuesdays", "14 June", "17:00", "11:34", "hook", "Sheet bend")
    assert all(word in sheets for word in loose)
    assert not any(word.casefold() in said.casefold() for word in loose)
    for name, who, berth in BOATS.values():
        assert name not in said
        assert berth not in said
        assert who == "Lena" or who not in said


def test_colours_are_seen_and_never_said(day: Evening) -> None:
    for sail, (name, _) in SAILS.items():
        assert not re.search(rf"\b{name}\b", everything().casefold())
        assert f"boat {sail}" in DRAWN
    colours = {question.text: question for question in ask_about(day) if "colour" in question.text}
    assert len(colours) == 3
    for question in colours.values():
        sail = next((one for one, (name, *_) in BOATS.items()
                     if str(one) in question.text or name in question.text), None)  # fmt: skip
        assert found(question.right, SAILS[sail][0] if sail else "pink")
        seen = f"boat {sail}" if sail else "bucket"
        assert question.spans == tuple(span for what, span in day.scenes if what == seen)


def test_order_is_as_the_questions_take_it(day: Evening) -> None:
    parts = day.parts
    names = ["rules", "weather", "boats", "race one", "fog", "correction", "race two", "lunch",
             "weather again", "first aid", "knots", "race three", "interview", "raffle",
             "prizes"]  # fmt: skip
    starts = [parts[name][0] for name in names]
    assert starts == sorted(starts)
    assert parts["rules"][1] == parts["weather"][0]
    assert parts["lunch"][1] == parts["weather again"][0]
    assert parts["weather again"][1] == parts["first aid"][0]
    tickets = [int(number) for one in day.lines for number in re.findall(r"icket (\d+)", one.text)]
    assert tickets == [225, 36, 307, 140]


def test_events_are_as_many_as_their_spans(day: Evening) -> None:
    counts = []
    for question in ask_about(day):
        if question.kind in ("count", "how_many"):
            words = ("", "once", "twice", "three", "four", "five")
            counts.append(len(question.spans))
            assert found(question.right, words[len(question.spans)])
            assert not found(question.wrong, words[len(question.spans)])
    assert counts == [3, 4, 2, 4]
    mentions = {"seal": 3, "horn": 4, "turned over|lies on its side": 2}
    for words, times in mentions.items():
        texts = [
            text for _, text in regatta.SCRIPT.speeches() if re.search(rf"\b({words})\b", text)
        ]
        assert len(texts) == times


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
    subjects = ("lena", "my dog", "cake", "pier is new", "ambulance", "raffle", "points", "water |",
                "pier", "seal", "weekend in a hut", "bucket")  # fmt: skip
    assert len(subjects) == NEAR
    assert all(subject in everything().casefold() for subject in subjects)


def test_one_sentence_has_one_speaker() -> None:
    speakers: dict[str, set[str]] = {}
    for who, text in regatta.SCRIPT.speeches():
        speakers.setdefault(text, set()).add(who)
    assert all(len(some) == 1 for some in speakers.values())
    assert {who for some in speakers.values() for who in some} == set(PEOPLE)


def test_a_number_is_not_found_inside_another(day: Evening) -> None:
    asked = {question.text: question for question in ask_about(day)}
    wind: Question = asked["How strong was the wind on the board first thing in the morning?"]
    assert found(wind.right, "8 knots")
    assert not found(wind.right, "18 knots")


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_views_are_filmed(name: str) -> None:
    early, late = (np.asarray(camera(name, (160, 90), t)).astype(int) for t in (1.0, 1.2))
    assert early.shape == (90, 160, 3)
    assert 0.5 < np.abs(early - late).mean() < 20
