"""The auction world: what is asked is in the film where the truth says, and the rest never is."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.scoring import Prediction, mark
from bench.threads import ask_thread, figures
from bench.worlds import evening as evenings
from bench.worlds.auction_questions import ABSENT, NEAR, ask_about, number
from bench.worlds.auction_script import AUCTION, BUYERS
from bench.worlds.auction_threads import talk_about
from bench.worlds.cards import COLOURS
from bench.worlds.evening import Evening, Lot, Pause, Talk, lay_out
from bench.worlds.make import FORM
from bench.worlds.pictures import camera
from bench.worlds.timetable import Timetable
from bench.worlds.truth import KINDS as KNOWN
from bench.worlds.truth import Question, Thread, Truth
from bench.worlds.wares import DRAWN

KINDS = {"speech": 9, "screen": 8, "sight": 7, "order": 4, "first_last": 3, "how_long": 3,
         "two_hop": 12, "count": 6, "state": 4, "between": 4, "absent": 20}  # fmt: skip
LOTS = AUCTION.lots


@pytest.fixture(scope="module")
def evening() -> Evening:
    return laid_out(60, 1)


def laid_out(minutes: float, seed: int) -> Evening:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evenings, "speak_all", hummed)
        return lay_out(AUCTION, minutes, seed, "none", FORM)


def hummed(texts: list[str], **_more: object) -> dict[str, object]:
    """Stand in for a voice: silence as long as the sentence would last."""
    return {text: np.zeros(round(960 * len(text)), np.float32) for text in texts}


def found(patterns: tuple[str, ...], text: str) -> bool:
    return any(re.search(pattern, text.casefold()) for pattern in patterns)


def sheets() -> list[str]:
    """Return every word on a sheet."""
    cards = [lot.sheet for lot in LOTS if lot.sheet]
    for step in AUCTION.steps:
        if isinstance(step, Talk):
            cards += [card for card, _ in step.pages]
        if isinstance(step, Pause):
            cards.append(step.sheet)
    return [text for card in cards for text in (card.title, *card.lines)]


def everything() -> str:
    """Return every word that is said or shown."""
    people = [text for person in AUCTION.people.values() for text in (person.name, person.role)]
    cards = [text for lot in LOTS for text in (lot.title, *lot.lines)]
    said = [text for _, text in AUCTION.speeches()]
    return "\n".join([*said, *people, *cards, *sheets(), AUCTION.title, AUCTION.subtitle])


def asked(evening: Evening) -> list[Question]:
    """Return all questions, those of the threads too."""
    turns = [turn for thread in talk_about(evening) for turn in thread.turns]
    return [*ask_about(evening), *turns]


def test_sixty_questions_have_an_answer_and_twenty_have_none(evening: Evening) -> None:
    questions = ask_about(evening)
    assert Counter(question.kind for question in questions) == KINDS
    assert set(KINDS) < set(KNOWN)
    assert len({question.id for question in questions}) == 80
    assert len({question.text for question in questions}) == 80


def test_ten_threads_of_two_or_three_turns(evening: Evening) -> None:
    threads = talk_about(evening)
    assert len(threads) == 10
    assert {len(thread.turns) for thread in threads} == {2, 3}
    assert len({turn.id for thread in threads for turn in thread.turns}) == 29
    assert {turn.kind for thread in threads for turn in thread.turns} < set(KNOWN)
    with pytest.raises(TypeError):
        talk_about(Timetable(FORM, {}))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_hour_without_gaps_or_overlaps(seed: int) -> None:
    evening = laid_out(60, seed)
    assert 0.96 * 3600 < evening.clock < 1.04 * 3600
    ends, starts = [s.end for s in evening.shots], [s.start for s in evening.shots]
    assert starts[0] == 0.0
    assert np.allclose(starts[1:], ends[:-1])
    for one, after in pairwise(evening.lines):
        assert one.end(FORM.sound_rate) <= after.start


def test_gold_spans_lie_inside_the_film(evening: Evening) -> None:
    end = evening.shots[-1].end
    for question in asked(evening):
        assert bool(question.spans) == (question.kind != "absent")
        assert all(0 <= a < b <= end for a, b in question.spans), question.text


def test_what_is_heard_is_said_within_its_span(evening: Evening) -> None:
    for question in asked(evening):
        if question.kind == "speech" and question.right:
            low, high = question.spans[0]
            said = " ".join(one.text for one in evening.lines if low <= one.start < high)
            assert found(question.right, said), question.text


def test_what_is_shown_is_on_a_sheet_a_card_or_a_name(evening: Evening) -> None:
    shown = [*sheets(), *(text for lot in LOTS for text in (lot.title, *lot.lines))]
    shown += [f"{lot.price} crowns" for lot in LOTS]
    shown += [person.name for person in AUCTION.people.values()]
    for question in asked(evening):
        if question.kind == "screen":
            assert any(found(question.right, text) for text in shown), question.text


def test_one_sentence_has_one_speaker() -> None:
    speakers: dict[str, set[str]] = {}
    for who, text in AUCTION.speeches():
        speakers.setdefault(text, set()).add(who)
    assert all(len(some) == 1 for some in speakers.values())
    assert {who for some in speakers.values() for who in some} == set(AUCTION.people)


def test_bids_rise_and_are_made_by_paddles_of_the_board() -> None:
    for lot in LOTS:
        bids = [bid for bid, _ in lot.bids]
        assert bids == sorted(set(bids))
        assert {who for _, who in lot.bids} <= set(BUYERS)
        assert all(one != after for (_, one), (_, after) in pairwise(lot.bids))
        assert lot.rung == (lot.price > 100), lot.key


def test_the_board_of_the_fund_adds_up(evening: Evening) -> None:
    sums = [total for total, _ in evening.boards]
    assert sums == sorted(set(sums))
    assert sums[0] == AUCTION.fund
    assert sums[-1] == AUCTION.fund + sum(lot.price for lot in LOTS) + 186 + 500
    assert not any(found(number(total), text) for total in sums[1:]
                   for _, text in AUCTION.speeches())  # fmt: skip


def test_colours_and_tables_are_never_said(evening: Evening) -> None:
    said = " ".join(text for _, text in AUCTION.speeches()).casefold()
    for question in asked(evening):
        if question.text.startswith("What colour"):
            right = question.right[0].strip("\\b")
            near = [f"{right} {word}" for word in ("teapot", "lamp", "vase", "bicycle", "card")]
            assert not any(words in said for words in near)
    assert not any(re.search(rf"\b{table.casefold()}\b", said)
                   for _, table in BUYERS.values() if table not in ("Harbour", "none"))  # fmt: skip


def test_cards_that_follow_each_other_differ_in_colour() -> None:
    assert {lot.colour for lot in LOTS} == set(COLOURS)
    for one, after in pairwise(LOTS):
        assert one.colour != after.colour or (one.key, after.key) == ("umbrella again", "lamp")


@pytest.mark.parametrize(("text", "never"), ABSENT, ids=[text for text, _ in ABSENT])
def test_what_absent_questions_ask_is_never_said_or_shown(
    text: str, never: tuple[str, ...]
) -> None:
    assert not any(re.search(pattern, everything(), re.IGNORECASE) for pattern in never), text


def test_near_misses_ask_about_what_is_there() -> None:
    subjects = ("walter", "guitar", "light house", "grey van", "scone", "lamp", "bicycle",
                "telephone", "waffle iron", "dinner for six", "roof", "rovers")  # fmt: skip
    assert len(subjects) == NEAR
    assert all(subject in everything().casefold() for subject in subjects)


def test_events_are_as_many_as_their_spans(evening: Evening) -> None:
    for question in ask_about(evening):
        if question.kind == "count":
            words = ("", "once", "twice", "three", "four", "five", "six", "seven")
            assert found(question.right, words[len(question.spans)])
            assert not found(question.wrong, words[len(question.spans)])


def test_a_shorter_evening_keeps_every_event() -> None:
    evening = laid_out(20, 2)
    assert [question.text for question in ask_about(evening)] == [
        question.text for question in ask_about(laid_out(60, 1))
    ]
    assert list(evening.lots) == [lot.key for lot in LOTS]


def test_the_seed_moves_things() -> None:
    def told(seed: int) -> list[tuple[float, str]]:
        return [(line.start, line.text) for line in laid_out(20, seed).lines]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_a_card_shows_the_bid_and_a_name_bar_who_speaks(evening: Evening) -> None:
    def pixels(time: float) -> Any:
        shot = next(one for one in evening.shots if one.start <= time < one.end)
        return np.asarray(shot.draw(time - shot.start)).astype(int)

    low, high = evening.lots["kettle"].bids[:2]
    assert (pixels(low[1]) != pixels(high[1])).any()
    (moss, *_), _ = [span for span, person in evening.names if person.name == "Captain Moss"]
    assert np.abs(pixels(moss + 0.5)[400:460, 40:400] - (16, 24, 38)).mean() < 40
    assert pixels(evening.dark[0] + 1).mean() < 12


def test_withdrawn_and_unsold_lots_bring_nothing() -> None:
    endings = {lot.key: (lot.ending, lot.price) for lot in LOTS if lot.ending != "Sold"}
    assert endings == {"umbrella": ("Not sold", 0), "vase": ("Withdrawn", 0),
                       "hourglass": ("Not sold", 0)}  # fmt: skip
    assert isinstance(LOTS[0], Lot)


def test_numbers_are_read_as_digits_or_words() -> None:
    for text in ("57 crowns", "fifty-seven", "at 57."):
        assert found(number(57), text)
    assert not any(found(number(57), text) for text in ("0:57", "157", "57.5"))
    assert found(number(160), "one hundred and sixty")
    assert all(found(number(1833), text) for text in ("1,833", "1833"))


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_wares_are_filmed(name: str) -> None:
    early, late = (np.asarray(camera(name, (160, 90), t)).astype(int) for t in (1.0, 1.2))
    assert early.shape == (90, 160, 3)
    assert 0.5 < np.abs(early - late).mean() < 20


def test_threads_are_kept_in_the_truth(evening: Evening, tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    truth = Truth(3600.0, ask_about(evening), {}, talk_about(evening))
    truth.save(path)
    assert Truth.load(path) == truth
    Truth(60.0, ()).save(path)
    assert "threads" not in path.read_text(encoding="utf-8")
    assert Truth.load(path).threads == ()


class Parrot:
    """Stand in for a library: it answers well in a thread, and declines without one."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def ask(self, text: str, *, video: str, thread: str | None = None) -> SimpleNamespace:
        self.asked.append((text, thread))
        proofs = [SimpleNamespace(start=1.0, end=2.0)]
        return SimpleNamespace(text="a scone", status="answered", value=None, evidence=proofs,
                               confidence=0.5, thread=thread or f"talk of {text}")  # fmt: skip


def test_later_turns_are_asked_under_the_first_ones_name() -> None:
    first, later = (Question(f"t.{n}", "speech", text, ((1.0, 2.0),), ("scone",))
                    for n, text in enumerate(("what", "and then"), 1))  # fmt: skip
    library: Any = Parrot()
    video: Any = "film"
    talk = ask_thread(library, video, Thread("t", (first, later)))
    assert library.asked == [("what", None), ("and then", "talk of what")]
    alone = [(later, Prediction("", status="not_found"))]
    told = figures([talk], alone)
    assert told["threads_all_right"] == told["threads"] == 1
    assert told["later"]["accuracy"] == 1.0
    assert told["later_alone"]["accuracy"] == 0.0
    assert not mark(*alone[0]).right
