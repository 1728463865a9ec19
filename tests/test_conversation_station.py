"""Whole conversations about a polar station: each turn leans on those before it.

Every fact has a rival that comes earlier in the film, so that a question that is not understood from
the talk goes wrong. What is right stands in the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.agent.answer import Answer
from longtake.agent.findings import finding
from longtake.agent.question.classify import classify
from longtake.agent.state import Switches
from longtake.agent.talk import dialogue, followups, pronouns
from longtake.agent.talk.dialogue import remembered
from longtake.agent.talk.elliptic import sluice, what_about, who_was_it
from longtake.agent.talk.focus import focus
from longtake.cli.commands import chat
from tests.town_world import Town
from tests.worlds import Section

STATION: tuple[Section, ...] = (
    Section(
        "Arrival",
        ("Station Kvitnes", "Founded 1961"),
        ((6, "Welcome to the station at the edge of the ice."),
         (24, "The ship brings mail in June."),
         (40, "The icebreaker weighs nine thousand tonnes."),
         (55, "The old charts were printed in Oslo."),
         (70, "Radishes were planted in the first summer."),
         (85, "The baker was raised in Alta."),
         (100, "The shipyard employs six hundred people.")),
    ),
    Section(
        "Drill",
        ("Ice drill", "Depth 812 m"),
        ((8, "The ice drill was invented by Rolf Aagard."),
         (35, "Rolf Aagard was raised in Narvik."),
         (60, "The ice drill weighs four tonnes."),
         (85, "The last overhaul of the ice drill took five weeks.")),
    ),
    Section(
        "Balloon",
        ("Weather balloon", "Launch at noon"),
        ((8, "Selma Irgens launches the weather balloon every day."),
         (35, "Selma Irgens was raised in Hammerfest."),
         (60, "The weather balloon weighs two kilograms."),
         (85, "The weather balloon bursts because the air grows thin.")),
    ),
    Section(
        "Dogs",
        ("Sledge dogs", "Feeding at six"),
        ((8, "The sledge dogs are trained by the Moen sisters."),
         (35, "The Moen sisters were raised in Lofoten."),
         (60, "The sledge dogs eat dried cod."),
         (80, "The lead dog is called Frost."),
         (100, "Frost eats nothing but reindeer.")),
    ),
    Section(
        "Greenhouse",
        ("Greenhouse", "Lamps on at four"),
        ((8, "The seeds for the greenhouse come from the gardening firm Lindal."),
         (30, "The supply firm Nordvik was founded in 1972."),
         (45, "Lindal was founded in 1934."),
         (60, "Lindal employs eighty people."),
         (80, "Tomatoes ripen in nine weeks."),
         (100, "Radishes ripen in three weeks.")),
    ),
    Section(
        "Radio",
        ("Radio room", "Channel 9"),
        ((8, "The radio mast was put up by a company called Tangen."),
         (35, "Tangen employs thirty people."),
         (60, "A call home costs two crowns a minute."),
         (85, "A call to the ship costs nine crowns a minute.")),
    ),
    Section(
        "Library",
        ("The library", "Open all night"),
        ((8, "The oldest atlas lies in the library."),
         (30, "The oldest atlas was printed in Leiden."),
         (55, "Somebody stole the brass sextant in May."),
         (75, "It was the carpenter who stole the brass sextant."),
         (95, "The carpenter was raised in Vadso.")),
    ),
    Section("Hut four", ("HUT 4",), ((14, "Boots stay outside."),), seconds=40.0),
    Section("Hut nine", ("HUT 9",), ((14, "Fuel is kept behind the red door."),), seconds=40.0),
    Section("Tunnel", ("TUNNEL EAST",), ((14, "Mind the cables on the floor."),), seconds=40.0),
)  # fmt: skip

# each conversation: questions, and what the first proof of the answer must hold; None for the
# question that begins it
CONVERSATIONS: dict[str, list[tuple[str, str | None]]] = {
    "drill": [
        ("Who invented the ice drill?", None),
        ("Where was he raised?", "Narvik"),
        ("And how much does it weigh?", "four tonnes"),
        ("What was said right before that?", "one step at a time"),
    ],
    "balloon": [
        ("Who launches the weather balloon?", None),
        ("Where was she raised?", "Hammerfest"),
        ("How heavy is it?", "two kilograms"),
        ("And right after that?", "bursts because"),
    ],
    "dogs": [
        ("Who trains the sledge dogs?", None),
        ("Where were they raised?", "Lofoten"),
        ("What is the lead dog called?", None),
        ("What does it eat?", "reindeer"),
        ("What did the screen show then?", "Sledge dogs"),
    ],
    "greenhouse": [
        ("Where do the seeds for the greenhouse come from?", None),
        ("When was it founded?", "1934"),
        ("And how many people does it employ?", "eighty"),
        ("And the next slide?", "Radio room"),
    ],
    "prices": [
        ("What does a call home cost?", None),
        ("And to the ship?", "nine crowns"),
        ("Who put up the radio mast?", None),
        ("How many people does it employ?", "thirty"),
    ],
    "atlas": [
        ("When is the oldest atlas mentioned?", None),
        ("What does the slide show then?", "The library"),
        ("Where was it printed?", "Leiden"),
        ("And the slide after that?", "HUT 4"),
    ],
    "theft": [
        ("When was the brass sextant stolen?", None),
        ("Who was it?", "carpenter"),
        ("What was said just before that?", "in May"),
        ("How long do tomatoes take to ripen?", None),
        ("What about radishes?", "three weeks"),
    ],
    "signs": [
        ("When does the sign HUT 4 appear?", None),
        ("And which sign comes right after it?", "HUT 9"),
        ("And the one after that?", "TUNNEL EAST"),
        ("What is said there?", "cables"),
        ("And which sign was just before that?", "HUT 9"),
    ],
}
ASKED = [(name, n) for name, turns in CONVERSATIONS.items() for n, (_, w) in enumerate(turns) if w]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("station"), {"station.mp4": STATION})
    yield made
    made.close()


class Talk:
    """One conversation."""

    def __init__(self, station: Town, **off: bool) -> None:
        self.agent = Agent(station.toolbox, None, None, switches=Switches(**off))
        self.videos = station.videos

    def __call__(self, question: str, **more: Any) -> Answer:
        return self.agent.ask(question, **({"videos": self.videos, "thread": "t"} | more))


def held(station: Town, **off: bool) -> dict[tuple[str, int], Answer]:
    """Hold every conversation; answers by its name and the number of the turn."""
    answers = {}
    for name, turns in CONVERSATIONS.items():
        talk = Talk(station, **off)
        for n, (question, _) in enumerate(turns):
            answers[name, n] = talk(question)
    return answers


@pytest.fixture(scope="module")
def on(station: Town) -> dict[tuple[str, int], Answer]:
    return held(station)


def right(answer: Answer, words: str | None) -> bool:
    """Answered, and with what was meant in the first thing that is told."""
    pieces = re.split(r" (?=At \d\d:)", answer.text)
    first = pieces[0] if "“" in pieces[0] else " ".join(pieces[:2])
    return answer.status == "answered" and str(words) in first


@pytest.mark.parametrize(("name", "turn"), ASKED)
def test_each_turn_is_right_with_those_before_it(
    on: dict[tuple[str, int], Answer], name: str, turn: int
) -> None:
    answer = on[name, turn]
    assert right(answer, CONVERSATIONS[name][turn][1]), answer.text


def test_at_most_a_third_is_right_without_history(station: Town) -> None:
    assert len(ASKED) >= 24
    assert len(CONVERSATIONS) == 8
    off = held(station, history=False)
    lucky = [key for key in ASKED if right(off[key], CONVERSATIONS[key[0]][key[1]][1])]
    assert len(lucky) <= len(ASKED) / 3, lucky


WEIGHED = ("Who invented the ice drill?", "Where was he raised?", "And how much does it weigh?")


def test_of_several_that_fit_the_one_is_meant_of_which_the_video_tells_that(
    station: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(station)
    for question in ("Where do the seeds for the greenhouse come from?", "When was it founded?"):
        kept = talk(question)
    assert right(kept, "1934")
    talk = Talk(station)
    talk("Who put up the radio mast?")
    assert right(talk("How many people does it employ?"), "thirty")
    weights: list[float] = []
    monkeypatch.setattr(pronouns, "support", lambda *given: weights.append(0.0) or 0.0)
    off = Talk(station)
    for question in WEIGHED:
        without = off(question)
    assert weights
    assert "could be meant too" in without.text or not right(without, "four tonnes")


def test_an_exchanged_question_keeps_the_words_told_of_the_new_thing(
    station: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followups, "told_together", lambda desk, new, rest: list(rest))
    talk = Talk(station)
    talk("What does a call home cost?")
    assert not right(talk("And to the ship?"), "nine crowns")


def test_what_was_asked_too_early_is_answered_when_the_film_has_grown(
    station: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = station.at("station.mp4", "Library")

    def asked() -> Answer:
        talk = Talk(station)
        early = talk("When is the oldest atlas mentioned?", as_of=cut)
        assert early.status != "answered"
        return talk("What does the slide show then?")

    assert right(asked(), "The library")
    monkeypatch.setattr(dialogue, "current", lambda desk, turn: turn)
    assert not right(asked(), "The library")


def declined(question: str, near: dict[str, Any]) -> dict[str, Any]:
    """A turn that found no more than something near."""
    part = classify(question)[0] | {"settled": None, "known_until": {}, "asked_of": {}}
    return remembered(question, part, finding("weak", nearest=near))


def test_a_declined_question_is_gone_on_from_its_likely_guess(station: Town) -> None:
    video = station.videos[0].id
    at = station.at("station.mp4", "Hut four")
    near = {"video": video, "start": at, "end": at + 40.0, "source": "screen", "quote": "HUT 4"}
    desk = dialogue.Desk(station.toolbox, None, station.videos, None, Switches())
    part = classify("And which sign comes right after it?")[0]
    likely = declined("When does the sign HUT 4 come up?", near | {"lex": 0.8})
    made = followups.follow(desk, part, [likely])
    assert made is not None
    assert made[0]["anchor_span"]["start"] == at
    assert "best guess" in made[0]["understood"]
    unlikely = declined("When does the sign HUT 4 come up?", near | {"lex": 0.2})
    assert followups.follow(desk, part, [unlikely]) is None


def test_after_a_declined_question_its_topic_can_still_be_spoken_of(station: Town) -> None:
    talk = Talk(station)
    assert talk("Which colour does the ice drill have?").status != "answered"
    assert right(talk("And how much does it weigh?"), "four tonnes")


def turn_of(question: str, **more: Any) -> dict[str, Any]:
    part = classify(question)[0]
    return {"part": part, "kind": part["kind"], "words": part["words"], "referents": []} | more


@pytest.mark.parametrize(
    ("first", "then", "whole"),
    [
        ("Who feeds the seals?", "And the gulls?", "Who feeds the gulls"),
        ("What does a bus ticket cost?", "And for children?", "What does a bus ticket cost for children"),
        ("Where was Lise Toft born?", "What about Karl Ross?", "Where was Karl Ross born"),
        ("When did the red boat sink?", "And the blue boat?", "When did the blue boat sink"),
        ("How deep is the lake?", "what about the pond then?", "How deep is the pond"),
    ],
)  # fmt: skip
def test_what_about_another_is_the_whole_question_about_it(
    first: str, then: str, whole: str
) -> None:
    made = what_about(classify(then)[0], turn_of(first))
    assert made is not None
    assert made["text"] == whole


@pytest.mark.parametrize(
    ("first", "then", "whole"),
    [
        ("Did anybody see the eclipse?", "Who?", "who see the eclipse"),
        ("Who painted the fence?", "How long exactly?", "how long painted the fence"),
        ("When was the kiln built?", "And by whom?", "by whom was the kiln built"),
        ("Was the coat sold?", "For how much?", "for how much Was the coat sold"),
    ],
)
def test_a_lone_asking_word_asks_the_last_question_for_that(
    first: str, then: str, whole: str
) -> None:
    made = sluice(classify(then)[0], turn_of(first))
    assert made is not None
    assert made["text"] == whole


def test_who_was_it_asks_who_did_what_was_asked_about() -> None:
    made = who_was_it(classify("Who was it?")[0], turn_of("Did somebody open the gate?"))
    assert made is not None
    assert (made["text"], made["wants"]) == ("who open the gate", "person")
    anna = [{"kind": "person", "name": "Anna", "words": ["anna"]}]
    assert who_was_it(classify("Who was it?")[0], turn_of("Who came?", referents=anna)) is None


@pytest.mark.parametrize(
    ("question", "sentence", "named"),
    [
        ("Which tool cuts the glass?", "The glass is cut with a tungsten wheel.", None),
        ("Who keeps the keys?", "It is the night porter who keeps the keys.", "the night porter"),
        ("Where does the wool come from?", "The wool comes from the Shetland mill.", "the Shetland mill"),
        ("What does Ida Falk repair?", "Ida Falk repairs old radios.", "old radios"),
        ("Which firm prints the maps?", "The maps are printed by a firm called Orlik.", "Orlik"),
        ("Who sang first?", "Nobody remembers the weather.", None),
    ],
)  # fmt: skip
def test_the_new_name_in_a_sentence_is_what_the_talk_goes_on_about(
    question: str, sentence: str, named: str | None
) -> None:
    told = focus(question, sentence)
    assert told == named if named else told in (None, "the tungsten wheel")


def test_thanks_and_doubts_in_a_chat_ask_nothing_of_the_video() -> None:
    for line, kind in (
        ("Thank you very much!", "polite"), ("ok", "polite"), ("How do you know that?", "sure"),
        ("bye", "parting"), ("Is it right that the drill broke?", None), ("good morning in Oslo", None),
    ):  # fmt: skip
        assert chat.courtesy(line) == kind, line
    told = chat.how_sure(
        {"status": "answered", "confidence": 0.934, "evidence": [{"quote": "HUT 4"}]}
    )
    assert "0.93" in told
    assert "HUT 4" in told
