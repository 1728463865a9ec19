"""What a model's yes or no does to an answer: only what it was seen to be worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.fitting import fit_correction
from bench.judging import sample
from longtake.agent.agent import Agent
from longtake.agent.answer import Answer
from longtake.agent.ledger import CHAT, Budget, Ledger
from longtake.agent.reasoning.reasoner import Reasoner
from longtake.agent.state import Switches
from longtake.agent.surety.calibration import FOLDER, Calibration, Group, parsed
from longtake.agent.surety.correction import FOLDER as JUDGES
from longtake.agent.surety.correction import Correction, key_of
from longtake.agent.writing.phrase import phrase
from longtake.errors import BackendError, Unreachable, UsageError
from longtake.models.endpoint import EndpointChat
from tests.asking import scripted
from tests.fakes import FakeChat
from tests.scripted import BAD_REPLIES, BrokenChat
from tests.stub_endpoint import stub_endpoint
from tests.worlds import SECTIONS, Section, World

Messages = Sequence[tuple[str, str]]
HALL = Section(
    "Hall", (), ((8.0, "The piano of the old theatre stands in the lower hall by the window."),)
)
WHERE = "Where does the piano of the old theatre stand?"
MISS = "Who tuned the piano of the old theatre?"
ENCODER = "encoder@1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = scripted(tmp_path_factory.mktemp("judge"), (*SECTIONS, HALL))
    yield made
    made.store.close()


def line(a: float = 1.0, b: float = 0.0) -> Correction:
    return Correction("k", ENCODER, a, b, -3.0, 3.0, 100)


def measured(p: float, judge: Correction | None) -> Calibration:
    """Every finding is right with `p`, and told from 0.55 on."""
    flat = Group((), (), (), (), math.log(p / (1 - p)), 1.0, (), 0.55, 100)
    return Calibration("test", {}, {"words": flat, "when": flat}, judge=judge)


def ask(world: World, question: str, chat: Any, calibration: Calibration, **more: Any) -> Answer:
    switches = Switches(**{"phrase": False, "guess": False, "inspect": False} | more)
    agent = Agent(world.toolbox, chat, None, switches=switches, calibration=calibration)
    return agent.ask(question, videos=[world.video])


def opinion(messages: Messages) -> dict[str, float]:
    """One who knows that the passage tells where the piano stands, and not who tuned it."""
    right = "Where" in messages[-1][1] and "lower hall" in messages[-1][1]
    return {"Yes": -0.1, "No": -2.5} if right else {"Yes": -2.5, "No": -0.1}


def inverted(messages: Messages) -> dict[str, float]:
    told = opinion(messages)
    return {"Yes": told["No"], "No": told["Yes"]}


def judge(say: Callable[[Messages], dict[str, float]], *, scores: bool = True) -> FakeChat:
    def scorer(messages: Messages, labels: Sequence[str]) -> list[float]:
        return [say(messages)[label] for label in labels]

    def word(messages: Messages) -> str:
        told = say(messages)
        return max(sorted(told), key=lambda token: told[token])

    return FakeChat(word, scorer=scorer, scores=scores)


# -- in an answer ------------------------------------------------------------------------------


def test_a_judge_rescues_a_right_line_that_is_declined_without_it(world: World) -> None:
    calibration = measured(0.45, line())
    assert ask(world, WHERE, None, calibration).status != "answered"
    answer = ask(world, WHERE, judge(opinion), calibration)
    assert answer.status == "answered"
    assert "lower hall" in answer.text
    assert answer.confidence == pytest.approx(
        1 / (1 + math.exp(-(math.log(0.45 / 0.55) + 2.4))), abs=0.01
    )
    assert ask(world, WHERE, judge(opinion), calibration, judge=False).status != "answered"


def test_a_judge_declines_a_near_miss_that_is_told_without_it(world: World) -> None:
    calibration = measured(0.7, line())
    assert ask(world, MISS, None, calibration).status == "answered"
    answer = ask(world, MISS, judge(opinion), calibration)
    assert answer.status != "answered"
    assert "lower hall" in answer.text, "what is nearest is still shown"
    assert ask(world, MISS, judge(opinion), calibration, judge=False).status == "answered"


OTHERS = (
    "In which room is the piano of the old theatre?", "Where is the theatre's old piano standing?",
    "What is the piano of the old theatre next to?", "Where can one find the old theatre's piano?",
    "By what does the piano of the old theatre stand?",
)  # fmt: skip


@pytest.mark.parametrize("question", OTHERS)
def test_other_words_for_it_are_weighed_alike(world: World, question: str) -> None:
    always = judge(lambda _: {"Yes": -0.1, "No": -2.5})
    never = judge(lambda _: {"Yes": -2.5, "No": -0.1})
    sure = [ask(world, question, chat, measured(0.6, line())) for chat in (always, None, never)]
    assert [one.status == "answered" for one in sure] == [True, True, False]
    assert sure[0].confidence > sure[1].confidence


@pytest.mark.parametrize("question", [WHERE, MISS])
def test_a_model_that_was_worth_nothing_is_not_asked(world: World, question: str) -> None:
    chat = judge(inverted)
    for unheard in (measured(0.6, line(a=0.0)), measured(0.6, None)):
        plain, answer = ask(world, question, None, unheard), ask(world, question, chat, unheard)
        assert answer.to_dict() == plain.to_dict()
    assert chat.asked == []


@pytest.mark.parametrize("reply", BAD_REPLIES)
def test_a_malformed_word_changes_nothing(world: World, reply: str) -> None:
    calibration = measured(0.6, line())
    chat = FakeChat(lambda _messages: reply, scores=False)
    plain, answer = ask(world, WHERE, None, calibration), ask(world, WHERE, chat, calibration)
    assert (answer.status, answer.text, answer.confidence) == (
        plain.status, plain.text, plain.confidence,
    )  # fmt: skip
    assert answer.text


@pytest.mark.parametrize("error", [BackendError("down"), Unreachable("no one"), TimeoutError()])
def test_a_dead_model_changes_nothing(world: World, error: Exception) -> None:
    calibration = measured(0.6, line())
    for scores in (True, False):
        chat = BrokenChat(error)
        chat.scores = scores
        answer = ask(world, WHERE, chat, calibration)
        assert answer.text == ask(world, WHERE, None, calibration).text != ""


@pytest.mark.parametrize("question", [WHERE, MISS, *OTHERS[:2]])
@pytest.mark.parametrize("p", [0.45, 0.7])
def test_an_endpoint_gives_the_same_statuses_with_and_without_log_probabilities(
    world: World, question: str, p: float
) -> None:
    told = []
    for mode in ("normal", "no_logprobs", "refuses_logprobs", "few_logprobs"):
        with stub_endpoint(mode=mode, opinion=opinion) as stub:
            chat = EndpointChat(stub.url, "m", wait=0.0)
            told.append(ask(world, question, chat, measured(p, line())).status)
            assert stub.asked
    assert len(set(told)) == 1


@pytest.mark.parametrize("mode", ["slow", "drops", "500", "malformed", "empty", "prose"])
def test_an_endpoint_that_fails_leaves_the_answer_as_it_is_without(world: World, mode: str) -> None:
    calibration = measured(0.7, line())
    with stub_endpoint(mode=mode, opinion=opinion) as stub:
        chat = EndpointChat(stub.url, "m", wait=0.0, attempts=1, timeout=0.3, deadline=0.5)
        answer = ask(world, WHERE, chat, calibration)
        stub.release.set()
    assert (answer.status, answer.text) == ("answered", ask(world, WHERE, None, calibration).text)


def test_answers_that_are_sure_are_not_judged(world: World) -> None:
    for p in (0.95, 0.05):
        chat = judge(inverted)
        ask(world, WHERE, chat, measured(p, line()))
        assert chat.asked == []


def test_a_sample_has_the_shares_of_what_people_ask() -> None:
    made = [{"text": f"{hard}{i}", "hard": hard, "share": share, "p": 0.5}
            for hard, share, n in (("near", 3.0, 30), ("miss", 1.0, 90), ("far", 0.1, 2))
            for i in range(n)]  # fmt: skip
    drawn = sample(made, 60)
    count = {hard: sum(row["hard"] == hard for row in drawn) for hard in ("near", "miss", "far")}
    assert count == {"near": 30, "miss": 30, "far": 1}
    assert sum(row["weight"] for row in drawn) == pytest.approx(60)
    assert drawn == sample(list(reversed(made)), 60)


# -- what it is worth --------------------------------------------------------------------------


def rows(n: int = 160, seed: int = 3) -> tuple[list[dict[str, Any]], Any]:
    """Rows with calibrated probabilities that are exactly right; and which are."""
    chance = np.random.default_rng(seed)
    p = chance.uniform(0.1, 0.9, n)
    y = chance.random(n) < p
    made = [{"right": bool(r), "topic": f"t{i % 23}", "p": float(q), "told": 0.55, "weight": 1.0}
            for i, (q, r) in enumerate(zip(p, y, strict=True))]  # fmt: skip
    return made, y


def fitted(made: Any, lift: Any) -> Correction:
    return fit_correction(made, lift, model="m", encoder=ENCODER)


def test_a_judge_that_knows_is_heeded_and_tells_more_right_and_less_wrong() -> None:
    made, y = rows()
    lift = np.where(y, 1.5, -1.5) + np.random.default_rng(1).normal(0, 1.0, len(y))
    one = fitted(made, lift)
    assert one.a > 0.5
    assert one.figures["told_unseen"]["right"] >= one.figures["told_rules"]["right"]
    assert one.figures["told_unseen"]["wrong"] < one.figures["told_rules"]["wrong"]
    assert one.figures["auroc_unseen"] > one.figures["auroc_rules"]


@pytest.mark.parametrize("seed", range(6))
def test_a_judge_that_guesses_or_is_inverted_is_not_heeded(seed: int) -> None:
    made, y = rows(seed=seed)
    noise = np.random.default_rng(100 + seed).normal(0, 2.0, len(y))
    for lift in (noise, np.where(y, -1.5, 1.5) + noise, np.full(len(y), 2.0)):
        one = fitted(made, lift)
        assert (one.a, one.b) == (0.0, 0.0)
        assert [one.applied(x, 3.0) for x in (0.1, 0.55, 0.9)] == [0.1, 0.55, 0.9]


def test_a_surer_word_never_lowers_and_what_was_not_seen_counts_as_the_outermost() -> None:
    one = line(a=0.7, b=-0.2)
    sure = [one.applied(0.5, lift) for lift in (-9.0, -3.0, -1.0, 0.0, 2.0, 3.0, 9.0)]
    assert sure == sorted(sure)
    assert (sure[0], sure[-1]) == (sure[1], sure[-2])
    assert 0.0 < one.applied(0.0, -9.0) < one.applied(1.0, 9.0) <= 1.0


def test_what_was_fitted_is_found_by_the_models_name_and_encoder(tmp_path: Path) -> None:
    made = Correction(key_of("Some-2B-Instruct"), ENCODER, 0.5, 0.1, -2.0, 2.0, 9, {"gain": 0.1})
    made.save(tmp_path / "judges")
    calibration = Calibration("offline", {"text_encoder": ENCODER})
    calibration.save(tmp_path / "offline.json")
    names = {"text_encoder": ENCODER}
    door = "models/some-2b-instruct-q4_k_m.gguf@api"
    assert Calibration.load(names, chat=door, folder=tmp_path).judge == made
    assert Calibration.load(names, chat=door, folder=tmp_path).heeds_judge
    for other in (None, "some-7b-instruct@api"):
        assert not Calibration.load(names, chat=other, folder=tmp_path).heeds_judge
    assert Correction.load(door, "encoder@2", tmp_path / "judges") is None
    (tmp_path / "judges" / f"{made.model}.json").write_text("{}")
    with pytest.raises(UsageError, match=made.model):
        Calibration.load(names, chat=door, folder=tmp_path)


def test_packaged_corrections_are_sound() -> None:
    encoders = {parsed(path).models["text_encoder"] for path in FOLDER.glob("*.json")}
    for path in JUDGES.glob("*.json"):
        made = Correction(**{k: v for k, v in _raw(path).items() if k != "version"})
        assert made.model == path.stem
        assert made.encoder in encoders
        assert made.a >= 0
        assert not made.heeded or made.figures["gain"] > 0


def _raw(path: Path) -> dict[str, Any]:
    import json

    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return raw


# -- phrasing ----------------------------------------------------------------------------------

LINES = [
    {"quote": "The exam takes place on Friday the twelfth of June.", "source": "speech"},
    {"quote": "The old exam was on Monday.", "source": "speech"},
]
EXAM = "When does the exam take place?"
GOOD = "The exam takes place on Friday."


def phrased(chat: Any, short: str | None = None, **kinds: int) -> tuple[Any, str, Reasoner]:
    base = {"llm": 8, "scored": 8, "inspections": 0, "frames": 0, "rewrites": 0}
    reasoner = Reasoner(chat, None, Ledger(Budget(**(base | kinds), wall=60.0)))
    return *phrase(reasoner, EXAM, LINES, short), reasoner


def test_a_sentence_that_stands_is_taken_and_debited() -> None:
    said, why, reasoner = phrased(FakeChat(lambda _: GOOD))
    assert said == {"text": GOOD, "cites": [0], "by": "model", "computed": None}
    assert why == "phrased"
    assert (reasoner.calls, reasoner._ledger.left("llm")) == (1, 7)
    assert phrased(FakeChat(lambda _: GOOD), llm=0)[0] is None


@pytest.mark.parametrize("first", ["The exam is on 27 June.", "{", "", "The trains are late."])
def test_one_repair_and_then_the_quotations_stand_alone(first: str) -> None:
    chat = FakeChat([first, GOOD])
    assert phrased(chat)[0]["text"] == GOOD
    assert len(chat.asked) == 2
    said, _, reasoner = phrased(FakeChat(lambda _: first))
    assert said is None
    assert reasoner.calls == 2


def test_a_model_may_not_prefer_another_line_than_the_one_that_was_found() -> None:
    monday = FakeChat(lambda _: "The old exam was on Monday.")
    assert phrased(monday)[0] is None
    assert phrased(monday, short="Friday")[0] is None
    assert phrased(FakeChat(lambda _: GOOD), short="Friday")[0]["cites"] == [0, 1]


@pytest.mark.parametrize(("short", "told"), [(None, False), ("K-559", True)])
def test_lines_of_a_page_are_put_together_only_around_a_short_answer(
    short: str | None, told: bool
) -> None:
    page = [{"quote": quote, "source": "screen"} for quote in ("Open day, sheet 27", "Code K-559")]
    chat = FakeChat(["The code of the open day is 27.", "The code is K-559."])
    reasoner = Reasoner(chat, None, Ledger(CHAT))
    said, _ = phrase(reasoner, "What is the code of the open day?", page, short)
    assert (said is not None) == told
    assert said is None or said["text"] == "The code is K-559."


def test_nothing_to_say_is_not_asked_again() -> None:
    chat = FakeChat(lambda _: "NOT FOUND")
    assert phrased(chat)[0] is None
    assert len(chat.asked) == 1


@pytest.mark.parametrize("reply", BAD_REPLIES)
def test_an_answer_is_never_empty_whatever_is_phrased(world: World, reply: str) -> None:
    calibration = measured(0.7, None)
    answer = ask(world, WHERE, FakeChat(lambda _: reply), calibration, phrase=True)
    assert answer.status == "answered"
    assert "lower hall" in answer.text
    assert answer.cost["model_calls"] <= 2


def test_the_wall_time_holds_for_phrasing_too() -> None:
    now = [0.0]
    reasoner = Reasoner(FakeChat(lambda _: GOOD), None, Ledger(CHAT, lambda: now[0]))
    now[0] = CHAT.wall + 1
    assert phrase(reasoner, EXAM, LINES)[0] is None
