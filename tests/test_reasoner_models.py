"""One suite over every kind of chat model: the same interface, the same kinds of result."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.ledger import CHAT, Ledger
from longtake.agent.reasoning.reasoner import Choice, Reasoner, Written
from longtake.errors import NotFound
from longtake.models.protocols import ChatModel
from tests.chat_models import KINDS, chat_model, replayed, scorer
from tests.conformance_models import check_chat
from tests.fakes import FakeChat

PASSAGE = "The exam is on 12 June."


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def chat(kind: str, tmp_path: Path) -> Iterator[Any]:
    with chat_model(kind, tmp_path) as made:
        yield made


def reasoner(chat: Any) -> Reasoner:
    return Reasoner(chat, None, Ledger(CHAT))


def check_choice(made: Choice, n: int) -> None:
    assert 0 <= made.best < n
    assert len(made.p) == n
    assert all(isinstance(p, float) and 0.0 <= p <= 1.0 for p in made.p)
    assert math.isclose(sum(made.p), 1.0)
    assert made.p[made.best] == max(made.p)
    assert made.by in ("scores", "letter", "rules")
    assert isinstance(made.robust, bool)
    assert math.isfinite(made.lift)
    json.dumps([made.best, made.p, made.margin, made.by, made.robust, made.lift])


def way(kind: str) -> str:
    return "rules" if kind == "nobody" else "letter" if kind.endswith("letters") else "scores"


def test_a_chat_model_is_one(kind: str, chat: Any) -> None:
    if kind == "nobody":
        return
    assert isinstance(chat, ChatModel)
    assert chat.scores is (way(kind) == "scores")
    best = "A" if kind != "local" else max("AB", key=lambda x: chat.score([("user", "x")], [x])[0])
    check_chat(chat, "x" if kind == "local" else "A. yes\nB. no\nThe exam is on 12 June.",
               ["A", "B"], best)  # fmt: skip


def test_a_reasoner_says_what_it_can(kind: str, chat: Any) -> None:
    made = reasoner(chat)
    assert made.scores is (way(kind) == "scores")
    assert made.writes is (kind != "nobody")
    assert made.name == ("rules" if kind == "nobody" else chat.name)


def test_every_choice_has_the_same_shape(kind: str, chat: Any) -> None:
    made = reasoner(chat)
    for n in (2, 3, 5):
        options = [f"option {i}" for i in range(n)]
        choice = made.choose("which?", options, context=PASSAGE, fallback=[1.0] * n)
        check_choice(choice, n)
        assert choice.by == way(kind)
        assert choice == made.choose("which?", options, context=PASSAGE, fallback=[1.0] * n)


def test_every_judgement_has_the_same_shape_and_the_right_one_wins(kind: str, chat: Any) -> None:
    made = reasoner(chat)
    good = made.judge("When is the exam?", PASSAGE, fallback=0.5)
    bad = made.judge("When is the exam?", "Trains are late.", fallback=0.5)
    for choice in (good, bad):
        check_choice(choice, 2)
        assert choice.by == way(kind)
    if way(kind) == "scores" and kind != "local":
        assert good.lift > 0.5 > abs(bad.lift)
    if kind not in ("nobody", "local"):
        assert good.best == 0


def test_every_text_comes_with_who_wrote_it(kind: str, chat: Any) -> None:
    made = reasoner(chat)
    asked = [("user", "A. yes\nB. no\n12 June?")]
    good = made.write(asked, max_tokens=8, check=lambda _: None, fallback="as it stands")
    assert isinstance(good, Written)
    assert good.text
    assert good.by == ("rules" if kind == "nobody" else "model")
    never = made.write(asked, max_tokens=8, check=lambda _: "it is wrong", fallback="as it stands")
    assert never == Written("as it stands", "rules")
    assert all(isinstance(line, str) for line in made.lines("x", max_tokens=8))


def test_what_was_recorded_is_said_again_without_the_model(tmp_path: Path) -> None:
    def run(chat: Any) -> list[Any]:
        made = reasoner(chat)
        return [
            made.judge("When is the exam?", PASSAGE, fallback=0.5),
            made.choose("which?", ("a", "b", "c"), context=PASSAGE, fallback=[1, 1, 1]),
            made.write([("user", "x")], max_tokens=8, check=lambda _: None, fallback="f"),
        ]

    with chat_model("recorded", tmp_path) as chat:
        before = run(chat)
    assert run(replayed(tmp_path)) == before


def test_a_replay_that_lacks_a_call_says_so_instead_of_going_by_rules(tmp_path: Path) -> None:
    with chat_model("recorded", tmp_path) as chat:
        reasoner(chat).judge("When is the exam?", PASSAGE, fallback=0.5)
    made = reasoner(replayed(tmp_path))
    assert made.judge("When is the exam?", PASSAGE, fallback=0.5).by == "scores"
    for ask in (
        lambda: made.judge("When is the exam?", "Another passage.", fallback=0.5),
        lambda: made.write([("user", "x")], max_tokens=8, check=lambda _: None, fallback="f"),
    ):
        with pytest.raises(NotFound, match="cassette"):
            ask()


def test_the_blind_guess_is_asked_once_for_each_question() -> None:
    chat = FakeChat(scorer=scorer)
    made = reasoner(chat)
    for n in range(3):
        made.judge("When is the exam?", f"Passage {n}.", fallback=0.5)
    blind = [asked for asked in chat.asked if "(nothing)" in asked[-1][1]]
    assert len(blind) == 1
    assert len(chat.asked) == 1 + 3, "the blind guess, the passages"
