"""Questions that need two steps are cut, plain ones never; each step keeps its own evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from longtake.agent.question.classify import classify
from longtake.agent.question.decompose import MOST, acyclic, decompose, needs_split
from longtake.agent.state import Part, Switches
from longtake.memory.recall import Recall
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.hop_world import FAIR, TWO_HOPS
from tests.parts_driver import Told, ask
from tests.test_agent_answers import ABSENT, ANSWERED, no_source
from tests.worlds import ContentEncoder, World, lecture

PLAIN = [
    "What was in the last wagon of the night train?",
    "Who discovered last autumn's comet?",
    "By how much does the market's tower clock run slow?",
    "What is the name of the lake that formed when the glacier retreated?",
    "What is the probe called that visited the comet?",
    "Who is the person who wrote Tides?",
    "Who is the author of Tides?",
    "What is the name of the man who built the mill?",
    "Where did Helen work before she became a teacher?",
    "How did the miller of East Hill notice a coming storm?",
    "What comes after the slide about quantization?",
    "Which subject comes directly after volcanoes?",
    "What is on after the choir rehearsal?",
    "What does she say right after mentioning entropy?",
    "Is the weather briefing before or after the sales review?",
    "How long is it between the opening and the cake?",
    "What does a ticket cost after the change?",
    "When is the third example?",
    "How many breaks are there during the day?",
    "What happens at 2:10?",
    "What happens between 10:00 and 12:00?",
    "Which comes first, quantization or pruning?",
    "What does the lecturer say about people who snore?",
    "What is the idea that changed physics?",
    *(question for question, *_ in ANSWERED),
    *ABSENT,
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(tmp_path_factory.mktemp("fair"), models.text_encoder, FAIR)
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=no_source)
    yield made
    made.store.close()


def split(question: str, *, options: list[str] | None = None, **more: Any) -> list[Part]:
    return decompose(classify(question, options), switches=Switches(), **more)


@pytest.mark.parametrize("question", PLAIN)
def test_plain_questions_are_never_split(question: str) -> None:
    parts = classify(question)
    made = split(question)
    assert len(made) == len(parts)
    assert [one["text"] for one in made] == [one["text"] for one in parts]
    assert [one["id"] for one in made] == [f"s{n}" for n in range(1, len(made) + 1)]


SPLIT = [
    ("Which room is the talk by the person who wrote Tides in?", ["who wrote Tides"], "value"),
    ("How much does the tool that replaced the hammer cost?", ["which tool replaced the hammer"], "value"),
    ("When does the author of Tides speak?", ["who wrote Tides"], "value"),
    ("When does Tides' author speak?", None, None),
    ("When does Embers's author speak?", ["who wrote Embers"], "value"),
    ("What did the woman who repaired the organ say about the pipes?", ["who repaired the organ"], "value"),
    ("What colour is the card right after GATE B7?", ["GATE B7"], "after"),
    ("What did she say just after the slide about tides?", ["the slide about tides"], "after"),
    ("What was on screen when the second speaker began?", ["the second speaker began"], "at"),
    ("What happens between the opening and the cake?", ["the opening", "the cake"], "between"),
    ("How often does she mention glue between the opening and the cake?", ["the opening", "the cake"], "between"),
    ("What does she say about glue during the soldering?", ["the soldering"], "during"),
    ("Which is longer, the first break or the second break?",
     ["how long is the first break", "how long is the second break"], "reduce"),
    ("Which of the rope, the lamp and the tent is the heaviest?",
     ["how heavy is the rope", "how heavy is the lamp", "how heavy is the tent"], "reduce"),
    ("How many more visitors came in May than in April?",
     ["how many visitors came in May", "how many visitors came in April"], "reduce"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "first", "how"), SPLIT)
def test_what_hangs_on_another_answer_is_cut(
    question: str, first: list[str] | None, how: str | None
) -> None:
    made = split(question)
    if first is None:
        assert len(made) == 1
        return
    assert [one["text"] for one in made[:-1]] == first
    assert made[-1]["bind"]["how"] == how
    assert made[-1]["deps"] == [one["id"] for one in made[:-1]]
    assert len(made) <= MOST
    off = decompose(classify(question), switches=Switches(decompose=False))
    assert len(off) == len(classify(question))


def test_off_changes_nothing_but_ids() -> None:
    parts = classify(TWO_HOPS[0][0])
    made = decompose(parts, switches=Switches(decompose=False))
    assert [
        {k: v for k, v in one.items() if k not in ("id", "deps", "bind")} for one in made
    ] == parts


def test_a_part_that_follows_waits_for_the_one_before() -> None:
    made = split("When is the exam announced, and what did the slide say?")
    assert [one["deps"] for one in made] == [[], ["s1"]]


def test_without_an_encoder_no_proposal_can_be_checked() -> None:
    writer = Writer(LINES)
    writer.embeds = False
    assert len(split(HARD, reasoner=writer)) == 1
    assert writer.asked == 0


def test_never_more_than_four_parts() -> None:
    question = " and ".join(["which room is the talk by the person who wrote Tides in"] * 3) + "?"
    made = split(question)
    assert len(made) <= MOST
    numbers = {one["id"]: n for n, one in enumerate(made)}
    assert acyclic([{"deps": [numbers[d] for d in one["deps"]]} for one in made])


def _right(told: Told, holds: str) -> bool:
    return told.status == "answered" and holds in told.final


def test_two_steps_find_what_one_search_does_not(world: World) -> None:
    assert len(TWO_HOPS) == 30
    split_up = sum(_right(ask(world, q), right) for q, right, _ in TWO_HOPS)
    at_once = sum(_right(ask(world, q, decompose=False), right) for q, right, _ in TWO_HOPS)
    assert split_up >= 0.9 * len(TWO_HOPS)
    assert at_once <= 0.6 * len(TWO_HOPS)


@pytest.mark.parametrize(("question", "right", "hop"), TWO_HOPS[::4])
def test_each_step_keeps_its_evidence_and_the_answer_cites_all(
    world: World, question: str, right: str, hop: str
) -> None:
    told = ask(world, question)
    first, last = told.findings
    assert hop.lower() in " ".join(e["quote"] for e in first["evidence"]).lower()
    assert first["spans"]
    cited = [last["evidence"][n]["quote"] for n in last["sentences"][0]["cites"]]
    assert any(hop.lower() in quote.lower() for quote in cited)
    assert any(right in quote for quote in cited)
    assert not told.dropped


def test_a_step_that_fails_is_named(world: World) -> None:
    told = ask(world, "How much does the tool that replaced the wheel cost?")
    assert told.status == "not_in_video"
    last = told.findings[-1]
    assert last["dependent"]
    assert "which tool replaced the wheel" in last["note"]


def test_when_is_not_answered_by_the_sentence_that_says_who(world: World) -> None:
    told = ask(world, "When does the author of Embers speak?")
    assert "gives the talk in room 31" in told.final


def test_a_stretch_between_two_events(world: World) -> None:
    told = ask(world, "How often does she mention glue between the opening and the choir practice?")
    assert told.value == 2
    told = ask(world, "What happens between the choir practice and the cake?")
    assert "Where to go" in told.final
    assert "Soldering" not in told.final


def test_during_a_part_of_the_day(world: World) -> None:
    assert ask(world, "How many times is glue mentioned during the soldering?").value == 2
    assert ask(world, "How many times is glue mentioned during the soldering?",
               decompose=False).value != 2  # fmt: skip
    told = ask(world, "What does she say about glue during the choir practice?")
    assert "Glue the notes together" in told.final


def test_the_moment_of_an_event(world: World) -> None:
    told = ask(world, "What was on screen when the soldering began?")
    assert "Soldering wires" in told.final
    assert told.parts[-1]["kind"] == "at_time"


@pytest.mark.parametrize(
    ("question", "words", "value"),
    [
        ("Which is longer, the first break or the second break?", "The second break", None),
        ("Which is shorter, the first break or the second break?", "The first break", None),
        ("Which tower is taller, the Old Mill or Saint Anne?", "Saint Anne", None),
        ("Is the Old Mill taller than Saint Anne?", "No", None),
        ("How many more steps does the tower have than the mill?", "122", 122),
        ("How much more does the winch cost than the mallet?", "308", 308),
        ("Which of the mallet, the winch and the anvil is the most expensive?", "The anvil", None),
        ("Which costs more, the sickle or the bellows?", "The bellows", None),
    ],
)
def test_values_are_found_one_by_one_and_compared(
    world: World, question: str, words: str, value: float | None
) -> None:
    told = ask(world, question)
    assert told.final.startswith(words), told.final
    assert told.value == value
    assert len({e["id"] for e in told.findings[-1]["evidence"]}) >= 2
    assert not told.dropped
    assert not ask(world, question, decompose=False).final.startswith(words + ":")


def test_a_missing_value_is_no_comparison(world: World) -> None:
    told = ask(world, "Which tower is taller, the Old Mill or the Moon Tower?")
    assert told.findings[-1]["status"] != "found"


@pytest.mark.parametrize(
    ("question", "options", "right"),
    [
        ("Which of these comes first?", ["The cake", "Choir practice", "The first break"], 2),
        ("Which of these comes last?", ["The cake", "Choir practice", "The first break"], 0),
        ("Which of these is not mentioned?", ["The cake", "A rocket", "Choir practice"], 1),
        ("Which is mentioned most often?", ["the cake", "glue", "the mayor"], 1),
    ],
)
def test_every_option_is_tested_by_itself(
    world: World, question: str, options: list[str], right: int
) -> None:
    told = ask(world, question, options=options)
    assert told.choice == right
    assert len(told.evidence) >= 2
    assert ask(world, question, options=options[::-1]).choice == len(options) - 1 - right


class Writer:
    """A model that proposes lines, and embeds by given likeness to the question."""

    embeds = True

    def __init__(self, lines: Sequence[str], like: float = 0.3) -> None:
        self.told = list(lines)
        self.like = like
        self.asked = 0

    def lines(self, prompt: str) -> list[str]:
        self.asked += 1
        assert prompt
        return self.told

    def embed(self, texts: Sequence[str]) -> Any:
        rows = np.eye(len(texts), dtype=np.float32)
        rows[1:, 0] = self.like / max(1e-9, (1 - self.like**2) ** 0.5)
        return rows


HARD = "What did the crew whose ship sank in spring bring home?"
LINES = ["1. which ship sank in spring?", "2. what did the crew of […] bring home?"]


def test_a_model_may_split_where_no_template_fits() -> None:
    assert needs_split(classify(HARD)[0])
    assert len(split(HARD)) == 1
    made = split(HARD, reasoner=Writer(LINES))
    assert [one["deps"] for one in made] == [[], ["s1"]]
    assert made[1]["bind"]["how"] == "value"


@pytest.mark.parametrize(
    ("lines", "like"),
    [
        (LINES, 0.95),
        ([LINES[0]], 0.3),
        ([], 0.3),
        (["which ship sank?", "what did the crew bring home?"], 0.3),
        ([*LINES, "who painted […]?", "which dog saw […]?", "when did […] rust?"], 0.3),
        (["…", "!!"], 0.3),
    ],
)
def test_a_bad_proposal_is_no_split(lines: list[str], like: float) -> None:
    assert len(split(HARD, reasoner=Writer(lines, like))) == 1


@pytest.mark.parametrize("question", ["When is the exam announced?", *PLAIN[:4]])
def test_no_model_is_asked_about_a_plain_question(question: str) -> None:
    writer = Writer(LINES)
    assert len(split(question, reasoner=writer)) == len(classify(question))
    assert writer.asked == 0
