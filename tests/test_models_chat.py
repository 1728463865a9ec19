"""Chat models of every make come to the same decisions, through faults that pass."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from longtake.agent.ledger import CHAT, Ledger
from longtake.agent.reasoning.cassette import Cached, Recorded
from longtake.agent.reasoning.reasoner import Choice, Reasoner
from longtake.errors import Unreachable
from longtake.models.asking import retry_after
from longtake.models.endpoint import EndpointChat
from longtake.models.langchain import LangChainChat
from longtake.models.letters import label_scores
from longtake.models.protocols import ChatModel
from tests.chat_models import langchain_model
from tests.fakes import FakeChat
from tests.stub_endpoint import stub_endpoint

Messages = Sequence[tuple[str, str]]
OPTIONS = ("red", "blue", "green")
QUICK: dict[str, Any] = {"wait": 0.0, "attempts": 2, "timeout": 5.0, "deadline": 10.0}


def opinion(messages: Messages) -> dict[str, float]:
    """Log-probabilities of first tokens of one who knows that it is blue, and leans to "A"."""
    told = dict(re.findall(r"^([A-J])\. (.*)$", messages[-1][1], flags=re.MULTILINE))
    if "Yes or No" in messages[-1][1]:
        return {"Yes": -0.2, "No": -2.0} if "blue" in messages[-1][1] else {"Yes": -1.0, "No": -0.9}
    if not told or "(nothing)" in messages[-1][1] or "(no passage)" in messages[-1][1]:
        return {"A": -0.3, "B": -1.5, "C": -2.0}
    sure = {letter: (-0.2 if text == "blue" else -3.0) for letter, text in told.items()}
    return {letter: value + (0.1 if letter == "A" else 0.0) for letter, value in sure.items()}


def word(messages: Messages) -> str:
    told = opinion(messages)
    return max(sorted(told), key=lambda token: told[token])


MAKES = (
    "fake", "fake letters", "chain", "chain letters", "endpoint", "endpoint no_logprobs",
    "endpoint refuses_logprobs", "endpoint few_logprobs", "cached", "recorded",
)  # fmt: skip
LETTERS = {"fake letters", "chain letters", "endpoint no_logprobs", "endpoint refuses_logprobs"}


def fake(scores: bool = True) -> FakeChat:
    def scorer(messages: Messages, labels: Sequence[str]) -> list[float]:
        told = opinion(messages)
        return [told.get(label, -9.0) for label in labels]

    return FakeChat(word, scorer=scorer, scores=scores)


@pytest.fixture
def make(tmp_path: Any) -> Iterator[Callable[[str], ChatModel]]:
    with ExitStack() as stack:

        def made(kind: str) -> ChatModel:
            if kind.startswith("endpoint"):
                mode = kind.partition(" ")[2] or "normal"
                stub = stack.enter_context(stub_endpoint(mode=mode, opinion=opinion))
                return EndpointChat(stub.url, "m", **QUICK)
            kept: dict[str, bytes] = {}
            makes: dict[str, Callable[[], ChatModel]] = {
                "fake": fake,
                "fake letters": lambda: fake(scores=False),
                "chain": lambda: LangChainChat(langchain_model(word, opinion, logprobs=True)),
                "chain letters": lambda: LangChainChat(langchain_model(word)),
                "cached": lambda: Cached(fake(), kept.get, kept.__setitem__),
                "recorded": lambda: Recorded(fake(), tmp_path / "calls.jsonl"),
            }
            return makes[kind]()

        yield made


def uses(chat: ChatModel) -> tuple[Choice, Choice, str, list[str]]:
    """All that control does with a model."""
    made = Reasoner(chat, None, Ledger(CHAT))
    chosen = made.choose("which colour?", OPTIONS, context="It was blue.", fallback=(1, 1, 1))
    judged = made.judge("which colour?", "It was blue.", fallback=0.5)
    text = made.write([("user", "x")], max_tokens=8, check=lambda _: None, fallback="rules").text
    assert made.trouble is None
    return chosen, judged, text, made.lines("y")


@pytest.mark.parametrize("kind", MAKES)
def test_control_cannot_tell_one_make_from_another(
    kind: str, make: Callable[[str], ChatModel]
) -> None:
    chosen, judged, text, lines = uses(make(kind))
    by = "letter" if kind in LETTERS else "scores"
    for one, n in ((chosen, 3), (judged, 2)):
        assert one.by == by
        assert len(one.p) == n
        assert sum(one.p) == pytest.approx(1.0)
        assert all(type(p) is float for p in one.p)
        assert one.best == one.p.index(max(one.p))
    assert text
    assert all(line == line.strip() != "" for line in lines)
    assert OPTIONS[chosen.best] == "blue"
    assert chosen.robust


# -- an endpoint with faults -----------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500", "drops", "busy"])
def test_a_fault_that_passes_is_not_noticed(fault: str) -> None:
    with stub_endpoint(modes=[fault], opinion=opinion) as stub:
        chosen, judged, text, _ = uses(EndpointChat(stub.url, "m", **QUICK))
    assert (OPTIONS[chosen.best], chosen.by, judged.by, text) == ("blue", "scores", "scores", "A")


def test_an_endpoint_that_dies_halfway_and_comes_back_serves_the_next_question() -> None:
    with stub_endpoint(opinion=opinion) as stub:
        chat = EndpointChat(stub.url, "m", **QUICK)
        assert uses(chat)[0].by == "scores"
        stub.mode = "drops"
        dead = Reasoner(chat, None, Ledger(CHAT))
        assert dead.choose("which?", OPTIONS, fallback=(0, 1, 0)).by == "rules"
        assert isinstance(dead.trouble, Unreachable)
        stub.mode = "normal"
        assert uses(chat)[0].by == "scores"
        assert chat.trouble is None


def test_retry_after_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    with stub_endpoint(modes=["busy", "500"], retry_after="7", opinion=opinion) as stub:
        chat = EndpointChat(stub.url, "m", **QUICK | {"attempts": 4, "wait": 1.0})
        assert chat.generate([("user", "x")], max_tokens=1) == "A"
    assert slept == [7.0, 2.0]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("-4", 0.0), ("", None), ("soon", None),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after_may_be_seconds_a_date_or_nonsense(told: str, seconds: float | None) -> None:
    class Reply:
        headers = {"retry-after": told}  # noqa: RUF012

    class Refused(Exception):
        response = Reply()

    assert retry_after(Refused()) == seconds
    assert retry_after(Exception()) is None


# -- first tokens ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "best"),
    [({" B": -0.1, "A": -3.0}, "B"), ({"C": -0.1, "B": -4.0}, "C"), ({"A\n": -0.5, "B": -0.6}, "A"),
     ({"Sure": -0.01, " C ": -7.0}, "C")],
)  # fmt: skip
def test_labels_are_found_among_the_first_tokens(tokens: dict[str, float], best: str) -> None:
    labels = ["A", "B", "C"]
    scores = label_scores(tokens, labels)
    assert scores is not None
    assert labels[scores.index(max(scores))] == best
    assert all(score <= 0 for score in scores)
    there = {token.strip() for token in tokens}
    missing = [s for x, s in zip(labels, scores, strict=True) if x not in there]
    assert all(score < min(tokens.values()) for score in missing), "likelier than what was told"


def test_no_label_among_the_first_tokens_is_told() -> None:
    assert label_scores({"Sure": -0.1}, ["A", "B"]) is None
    assert label_scores({}, ["A", "B"]) is None


def test_importing_the_adapters_brings_no_heavy_library() -> None:
    import subprocess

    code = (
        "import sys, longtake.models.endpoint, longtake.models.langchain, longtake.agent.reasoning.cassette,"
        " longtake.agent.reasoning.reasoner, longtake.models.smollm;"
        "print([m for m in ('openai', 'langchain_core', 'torch', 'transformers', 'tenacity')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
