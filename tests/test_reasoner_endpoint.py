"""Endpoints, well and badly behaved, over real HTTP on loopback."""

from __future__ import annotations

import math
import time
from email.utils import formatdate
from typing import Any

import pytest

from longtake.agent.ledger import CHAT, Ledger
from longtake.agent.reasoning.reasoner import Reasoner
from longtake.errors import BackendError, BadReply, LongtakeError, Unreachable, UsageError
from longtake.models.endpoint import EndpointChat
from longtake.models.letters import first_tokens, label_scores
from tests.stub_endpoint import MODES, StubEndpoint, stub_endpoint

ASK = [("user", "A or B?")]


def chat_of(stub: StubEndpoint, **options: Any) -> EndpointChat:
    return EndpointChat(stub.url, "m", **{"wait": 0.0, "attempts": 3, "timeout": 5.0, **options})


def test_log_probabilities_are_found_out_once_and_used() -> None:
    with stub_endpoint() as stub:
        chat = chat_of(stub)
        assert chat.scores
        assert chat.scores
        assert len(stub.asked) == 1
        assert stub.asked[0]["top_logprobs"] == 20
        assert chat.score(ASK, ["A", "B"]) == pytest.approx([-0.1, -2.5])
        assert (stub.asked[1]["logprobs"], stub.asked[1]["max_tokens"]) == (True, 1)


@pytest.mark.parametrize("mode", ["no_logprobs", "refuses_logprobs", "malformed", "not_chat"])
def test_without_log_probabilities_scores_is_false(mode: str) -> None:
    with stub_endpoint(mode=mode) as stub:
        chat = chat_of(stub)
        assert not chat.scores
        asked = len(stub.asked)
        assert not chat.scores
        assert len(stub.asked) == asked <= 2
        with pytest.raises(BackendError, match="no log-probabilities"):
            chat.score(ASK, ["A", "B"])


def test_a_server_that_allows_few_likeliest_tokens_is_asked_for_few() -> None:
    with stub_endpoint(mode="few_logprobs") as stub:
        chat = chat_of(stub)
        assert chat.scores
        assert chat.score(ASK, ["A", "B"])[0] == pytest.approx(-0.1)
        assert [asked["top_logprobs"] for asked in stub.asked] == [20, 5, 5]


def test_nobody_there_does_not_settle_whether_it_scores() -> None:
    with stub_endpoint(modes=["500"] * 3) as stub:
        chat = chat_of(stub)
        assert not chat.scores
        assert isinstance(chat.trouble, Unreachable)
        assert len(stub.asked) == 3
        assert not chat.scores, "not asked again while it is in trouble"
        assert len(stub.asked) == 3
        assert chat.generate(ASK, max_tokens=3) == "A"
        assert chat.scores


def test_prose_instead_of_a_label_ends_the_scoring() -> None:
    with stub_endpoint(mode="prose") as stub:
        chat = chat_of(stub)
        assert chat.scores
        with pytest.raises(BadReply, match="none of the labels"):
            chat.score(ASK, ["A", "B"])
        assert not chat.scores
        assert chat.trouble is None, "the server works; it only says something else"


def test_a_named_pause_is_kept_and_the_request_repeated() -> None:
    with stub_endpoint(modes=["busy"], retry_after="0.2") as stub:
        begun = time.monotonic()
        assert chat_of(stub).generate(ASK, max_tokens=3) == "A"
        assert time.monotonic() - begun >= 0.2
        assert len(stub.asked) == 2


@pytest.mark.parametrize("dated", [False, True])
def test_a_pause_beyond_the_deadline_is_not_waited_for(dated: bool) -> None:
    retry_after = formatdate(time.time() + 3700, usegmt=True) if dated else "3600"
    with stub_endpoint(mode="busy", retry_after=retry_after) as stub:
        with pytest.raises(Unreachable, match="asks to wait 3"):
            chat_of(stub, deadline=5.0).generate(ASK, max_tokens=3)
        assert len(stub.asked) == 1


def test_a_strange_pause_is_no_pause() -> None:
    with stub_endpoint(modes=["busy"], retry_after="soon") as stub:
        assert chat_of(stub).generate(ASK, max_tokens=3) == "A"


def test_attempts_end_at_the_deadline() -> None:
    with stub_endpoint(mode="500") as stub:
        with pytest.raises(Unreachable):
            chat_of(stub, attempts=50, wait=0.2, deadline=0.5).generate(ASK, max_tokens=3)
        assert 1 <= len(stub.asked) <= 3


@pytest.mark.parametrize("mode", ["slow", "trickle"])
def test_a_reply_that_takes_too_long_is_given_up_and_not_asked_again(mode: str) -> None:
    with stub_endpoint(mode=mode) as stub:
        chat = chat_of(stub, timeout=0.3)
        with pytest.raises(Unreachable, match=r"within 0\.3 s"):
            chat.generate(ASK, max_tokens=3)
        stub.release.set()
        assert len(stub.asked) == 1


def test_a_dropped_connection_is_repeated() -> None:
    with stub_endpoint(modes=["drops"]) as stub:
        assert chat_of(stub).generate(ASK, max_tokens=3) == "A"
    with stub_endpoint(mode="drops") as stub, pytest.raises(Unreachable, match="3 attempts"):
        chat_of(stub).generate(ASK, max_tokens=3)


@pytest.mark.parametrize("mode", ["malformed", "not_chat"])
def test_a_malformed_reply_is_asked_for_once_more(mode: str) -> None:
    with stub_endpoint(modes=[mode]) as stub:
        chat = chat_of(stub)
        assert chat.generate(ASK, max_tokens=3) == "A"
        assert len(stub.asked) == 2
        assert chat.trouble is None
    with stub_endpoint(mode=mode) as stub:
        chat = chat_of(stub)
        for times in (2, 1):  # after a failure there is one attempt only
            before = len(stub.asked)
            with pytest.raises(BadReply):
                chat.generate(ASK, max_tokens=3)
            assert len(stub.asked) - before == times
        assert isinstance(chat.trouble, BadReply)


@pytest.mark.parametrize("labels", [[], [""], ["A", " "]])
def test_empty_labels_are_refused(labels: list[str]) -> None:
    with stub_endpoint() as stub, pytest.raises(UsageError):
        chat_of(stub).score(ASK, labels)


@pytest.mark.parametrize("mode", MODES)
def test_whatever_the_server_does_a_decision_is_made(mode: str) -> None:
    with stub_endpoint(mode=mode, retry_after="60") as stub:
        chat = chat_of(stub, attempts=2, timeout=0.5, deadline=2.0)
        made = Reasoner(chat, None, Ledger(CHAT))
        choice = made.choose("which?", ("red", "blue"), fallback=(0.3, 0.7))
        text = made.write([("user", "x")], max_tokens=5, check=lambda _: None, fallback="f")
        stub.release.set()
    works = {"normal": "scores", "few_logprobs": "scores", "no_logprobs": "letter",
             "refuses_logprobs": "letter"}  # fmt: skip
    assert choice.by == works.get(mode, "rules")
    assert sum(choice.p) == pytest.approx(1.0)
    if choice.by == "rules":
        assert choice.best == 1
    assert text.text
    assert text.by == ("model" if mode in (*works, "prose") else "rules")
    if mode not in (*works, "prose", "empty"):
        assert isinstance(made.trouble or chat.trouble, LongtakeError)


def test_an_endpoint_that_dies_halfway_leaves_the_rest_to_the_rules() -> None:
    with stub_endpoint() as stub:
        made = Reasoner(chat_of(stub, attempts=1), None, Ledger(CHAT))
        assert made.choose("1?", ("red", "blue"), fallback=(0.3, 0.7)).by == "scores"
        stub.mode = "drops"
        assert made.choose("2?", ("red", "blue"), fallback=(0.3, 0.7)).by == "rules"
        asked = len(stub.asked)
        assert made.choose("3?", ("red", "blue"), fallback=(0.3, 0.7)).by == "rules"
        assert len(stub.asked) == asked, "a dead endpoint is left alone"


# -- labels out of tokens --------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [None, {}, {"content": None}, {"content": []}, {"content": "A"}, {"content": [{}]}, 7,
     {"content": [{"top_logprobs": []}]}, {"content": [{"top_logprobs": [{"token": 1}]}]},
     {"content": [{"top_logprobs": [{"token": "A", "logprob": "x"}]}]},
     {"content": [{"top_logprobs": [{"token": "A", "logprob": math.nan}]}]}],
)  # fmt: skip
def test_log_probabilities_of_another_shape_are_none(told: Any) -> None:
    assert first_tokens(told) is None


def test_spellings_count_together_and_beginnings_for_one_label_alone() -> None:
    yes = label_scores({"Yes": -1.0, " Yes": -1.0, "No": -3.0}, ["Yes", "No"])
    assert yes == pytest.approx([-1.0 + math.log(2), -3.0])
    parts = label_scores({"bl": -0.5, "gre": -1.5}, ["blue", "green"])
    assert parts == pytest.approx([-0.5, -1.5])
    shared = label_scores({"b": -0.1, "blue": -4.0}, ["blue", "black"])
    assert shared is not None
    assert shared[0] == pytest.approx(-4.0)


def test_a_label_that_is_not_there_gets_no_more_than_the_last_that_is() -> None:
    found = label_scores({"A": -0.1, "C": -5.0}, ["A", "B"])
    assert found is not None
    assert found[1] <= -5.0
    sure = label_scores({"A": 0.0}, ["A", "B"])
    assert sure is not None
    assert sure[1] < -15
