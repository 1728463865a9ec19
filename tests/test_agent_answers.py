"""Questions of every kind about a small lecture, and questions about what is not in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.agent.answer import Answer
from longtake.errors import NotFound, SourceGone, UsageError
from longtake.memory.recall import Recall
from longtake.storage.records import Video
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.worlds import ContentEncoder, World, lecture


def no_source(video: Video) -> Path:
    raise SourceGone(f"{video.name} is only a script")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    models = fake_models(text_encoder=ContentEncoder())
    made = lecture(tmp_path_factory.mktemp("lecture"), models.text_encoder)
    recall = Recall(made.store, models.text_encoder, None)
    models.image_encoder = None
    made.toolbox = Toolbox(made.store, models, recall, source_of=no_source)
    yield made
    made.store.close()


def ask(world: World, question: str, **more: Any) -> Answer:
    return Agent(world.toolbox, None, None).ask(question, videos=[world.video], **more)


# question, section, seconds into it (of the first proof), words the text must hold, value
ANSWERED: list[tuple[str, str, float, tuple[str, ...], float | None]] = [
    ("When does she first mention attention sinks?", "Attention sinks", 10, ("00:04:10",), None),
    ("When are attention sinks last mentioned?", "The exam", 70, ("00:10:10",), None),
    ("When is the second mention of attention sinks?", "Pruning", 50, ("00:07:50",), None),
    ("List all the times she mentions attention sinks.", "Attention sinks", 10, ("00:04:10", "00:07:50", "00:10:10"), 3),
    ("How many times does she mention attention sinks?", "Attention sinks", 10, ("3 mentions",), 3),
    ("When is the exam announced?", "The exam", 7, ("takes place on Friday",), None),
    ("When does the lecturer talk about pruning?", "Pruning", 9, ("hardly matter",), None),
    ("What does the lecturer say about quantization?", "Quantization", 8, ("fewer bits",), None),
    ("What does the lecturer say about entropy?", "Attention sinks", 85, ("drops sharply",), None),
    ("What does the slide say about quantization?", "Quantization", 0, ("Eight bits are enough",), None),
    ("What does the slide say about sparsity?", "Pruning", 8, ("60 percent",), None),
    ("What is written on the slide about the calculator?", "The exam", 8, ("Bring a pocket calculator",), None),
    ("How long is the slide \"Pruning\" on screen?", "Pruning", 0, ("2 min",), 120),
    ("How long is the lecture?", "Welcome", 0, ("12 min",), 720),
    ("How many slides are shown?", "Welcome", 0, ("6 slides",), 6),
    ("How many slides mention weights?", "Pruning", 8, ("1 slide",), 1),
    ("What speed was measured on the old laptop?", "Quantization", 40, ("forty two",), 42),
    ("How many sentences does the calibration set hold?", "Quantization", 80, ("Five hundred",), 500),
    ("Who prepared the figures?", "Welcome", 50, ("Ilse Marquardt",), None),
    ("What is the reference implementation called?", "Pruning", 90, ("Kestrel",), None),
    ("Which comes first, quantization or pruning?", "Quantization", 8, ("“quantization” comes first",), None),
    ("Is the exam discussed before or after pruning?", "Pruning", 9, ("comes after",), None),
    ("Does she mention pruning before quantization?", "Quantization", 8, ("No:",), None),
    ("What comes after the slide about quantization?", "Attention sinks", 0, ("Attention sinks",), None),
    ("What comes before the slide about quantization?", "Welcome", 0, ("Long context models",), None),
    ("What does she say right after mentioning entropy?", "Attention sinks", 106, (), None),
    ("Does she mention pruning?", "Pruning", 9, ("Yes",), None),
    ("When does a golden retriever appear?", "Harbour", 0, ("golden retriever",), None),
    ("Is there a pier in the video?", "Harbour", 0, ("Yes",), None),
    ("How many times does a golden retriever appear?", "Harbour", 0, ("1 appearance",), 1),
    ("What happens at 2:10?", "Quantization", 8, ("fewer bits",), None),
    ("What is on the screen at 4:30?", "Attention sinks", 0, ("Keep the first four tokens",), None),
    ("What does she say at 00:09:08?", "The exam", 7, ("A word about the exam",), None),
    ("Summarize the lecture", "Welcome", 0, ("Quantization", "Pruning", "The exam"), None),
    ("What is the lecture about?", "Welcome", 0, ("long sequences",), None),
    ("When does she talk about calibrashun?", "Quantization", 80, ("calibration set",), None),
]  # fmt: skip

ABSENT = [
    "When does a giraffe appear?",
    "What does she say about reinforcement learning?",
    "What is the learning rate?",
    "Who won the football match?",
    "What is the name of the speaker's dog?",
    "How many submarines were built?",
    "Does she mention dropout?",
    "What does the slide say about gradient clipping?",
    "When is the homework due?",
    "How many times does she mention Shakespeare?",
    "Which comes first, pruning or astronomy?",
    "What comes after the slide about volcanoes?",
    "How long does she talk about economics?",
    "Is there a helicopter in the video?",
]


@pytest.mark.parametrize(("question", "section", "seconds", "words", "value"), ANSWERED)
def test_answers(
    world: World, question: str, section: str, seconds: float, words: tuple[str, ...],
    value: float | None,
) -> None:  # fmt: skip
    answer = ask(world, question)
    assert answer.status == "answered", answer.text
    assert answer.evidence[0].start == pytest.approx(world.at(section, seconds)), answer.text
    assert all(word in answer.text for word in words), answer.text
    assert answer.value == value
    assert 0 < answer.confidence <= 1


@pytest.mark.parametrize("question", ABSENT)
def test_declines_what_is_not_there(world: World, question: str) -> None:
    answer = ask(world, question)
    assert answer.status == "not_in_video", answer.text
    assert "100 %" in answer.text
    assert [(s.start, s.end, s.level) for s in answer.searched] == [(0.0, 720.0, "moment")]
    assert answer.value is None


def test_both_halves_of_a_question_are_answered(world: World) -> None:
    answer = ask(world, "When does she first mention attention sinks, and what did the slide say?")
    assert "00:04:10" in answer.text
    assert "Window of 1024 tokens" in answer.text
    assert {proof.source for proof in answer.evidence} == {"speech", "screen"}


def test_a_half_that_is_not_there_is_said(world: World) -> None:
    answer = ask(world, "When is the harbour film announced, and what did the slide say?")
    assert answer.status == "answered"
    assert "Nothing was found on screen at that time." in answer.text


def test_the_slide_at_the_time_of_a_word(world: World) -> None:
    answer = ask(world, "What does the slide show when she mentions entropy?")
    assert "Keep the first four tokens" in answer.text


def test_proofs_are_raw_words_and_strongest_first(world: World) -> None:
    for question, *_ in ANSWERED:
        answer = ask(world, question)
        scores = [proof.score for proof in answer.evidence]
        assert scores == sorted(scores, reverse=True), question
        for proof in answer.evidence:
            if proof.source in ("speech", "screen"):
                texts = " ".join(
                    r.text for r in world.store.records(video=world.video.id, channel=proof.source)
                )
                assert all(line in texts for line in proof.quote.splitlines()), question


def test_the_same_question_gives_the_same_json(world: World) -> None:
    for question in ("When is the exam announced?", "Who won the football match?"):
        answers = [json.dumps(ask(world, question).to_dict()) for _ in range(2)]
        assert answers[0] == answers[1]
        agent = Agent(world.toolbox, None, None)
        again = [agent.ask(question, videos=[world.video]).to_dict() for _ in range(2)]
        assert again[0] == again[1]


def test_json_contract(world: World) -> None:
    row = ask(world, "How many times does she mention attention sinks?").to_dict()
    assert list(row) == [
        "text", "status", "confidence", "value", "evidence", "searched", "thread", "cost",
        "forced",
    ]  # fmt: skip
    assert set(row["evidence"][0]) == {"video", "start", "end", "source", "quote", "score"}
    assert row["value"] == 3
    assert isinstance(row["value"], int)
    assert set(row["cost"]) == {
        "searches", "records_read", "inspections", "frames", "model_calls",
    }  # fmt: skip
    json.dumps(row)


def test_as_of_hides_what_came_later(world: World) -> None:
    early = ask(world, "When is the exam announced?", as_of=300.0)
    assert early.status == "not_seen_yet"
    assert all(proof.start <= 300.0 for proof in early.evidence)
    last = ask(world, "When are attention sinks last mentioned?", as_of=500.0)
    assert last.evidence[0].start == pytest.approx(world.at("Pruning", 50))


def test_what_was_only_seen_has_something_after_it(world: World) -> None:
    answer = ask(world, "What happens after the golden retriever?")
    assert answer.status == "answered", answer.text
    assert world.at("Harbour") < answer.evidence[0].start <= world.at("Pruning", 10)
    assert ask(world, "What happens after the polar bear?").status != "answered"


def test_a_time_beyond_the_end_is_said(world: World) -> None:
    answer = ask(world, "What happens at 2:12:30?")
    assert answer.status == "not_in_video"
    assert re.search(r"beyond the end \(\d\d:\d\d:\d\d\)", answer.text)


@pytest.mark.parametrize(
    ("question", "status", "said"),
    [
        ("What happens at 9:99:99?", "ambiguous", "“9:99:99” is not a time. Next: write a time"),
        ("\u4ec0\u4e48\u65f6\u5019\u51fa\u73b0\u72d7?", "unsupported", "no language"),
        (
            "\u041a\u043e\u0433\u0434\u0430 \u044d\u043a\u0437\u0430\u043c\u0435\u043d?",
            "unsupported",
            "no language",
        ),
    ],
)
def test_what_no_time_and_no_language_of_the_video_is_gets_a_sentence(
    world: World, question: str, status: str, said: str
) -> None:
    answer = ask(world, question)
    assert answer.status == status, answer.text
    assert said in " ".join(answer.text.split())


@pytest.mark.parametrize("question", ["", "   ", "x" * 5000])
def test_unusable_questions_are_refused(world: World, question: str) -> None:
    with pytest.raises(UsageError):
        ask(world, question)


def test_no_video_is_said(world: World) -> None:
    with pytest.raises(NotFound):
        Agent(world.toolbox, None, None).ask("When?", videos=[])


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("and after that?", "ambiguous"),
        ("what did it say?", "ambiguous"),
        ("Wann wird Prüfungstermin angekündigt bitte?", "unsupported"),
        ("講義 試験 発表 時刻", "unsupported"),
        ("Tell me when a parcel arrives", "unsupported"),
    ],
)
def test_what_cannot_be_answered_has_an_honest_status(
    world: World, question: str, status: str
) -> None:
    assert ask(world, question).status == status


def test_multiple_choice_by_evidence_whatever_the_order(world: World) -> None:
    options = ["A red notebook", "One sheet of handwritten notes", "A laptop", "A telescope"]
    for turned in (options, options[::-1]):
        answer = ask(world, "What may you bring to the exam?", options=turned)
        assert answer.choice is not None
        assert turned[answer.choice] == "One sheet of handwritten notes", answer.text
    assert ask(world, "Who sings?", options=["A tenor", "A soprano"]).status != "answered"
