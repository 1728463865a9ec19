"""Recording, replaying without the model, and asking nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.reasoning.cassette import Cached, Recorded, Replayed, call_key
from longtake.errors import (
    BackendError,
    BadReply,
    DiskFull,
    LongtakeError,
    NotFound,
    Unreachable,
    Unreadable,
)
from longtake.models.protocols import ChatModel
from longtake.storage.store import Store
from tests.chat_models import cached
from tests.fakes import FakeChat
from tests.scripted import BrokenChat

ASK = [("user", "when?")]


def scored(*values: float) -> FakeChat:
    return FakeChat(lambda m: f"reply to {m[-1][1]}", scorer=lambda *_: list(values))


def test_a_replay_needs_no_model_and_says_the_same(tmp_path: Path) -> None:
    chat = Recorded(scored(-0.25, -1.5), tmp_path / "c.jsonl")
    assert isinstance(chat, ChatModel)
    before = (
        chat.scores,
        chat.generate(ASK, max_tokens=9, stop=["x"]),
        chat.score(ASK, ["A", "B"]),
    )
    again = Replayed(tmp_path / "c.jsonl")
    assert isinstance(again, ChatModel)
    assert (again.scores, again.generate(ASK, max_tokens=9, stop=["x"]),
            again.score(ASK, ["A", "B"])) == before  # fmt: skip
    assert again.name == chat.name
    assert again.missing == []


def test_a_cassette_is_lines_of_json_that_hold_what_was_asked(tmp_path: Path) -> None:
    chat = Recorded(scored(-1.0), tmp_path / "deep" / "c.jsonl")
    chat.generate([("user", "Übung 日本\nline two \udc80")], max_tokens=9)
    rows = [json.loads(line) for line in (tmp_path / "deep" / "c.jsonl").read_text().splitlines()]
    assert rows[0] == {"cassette": 1, "model": chat.name}
    assert rows[1]["messages"] == [["user", "Übung 日本\nline two \udc80"]]
    assert Replayed(tmp_path / "deep" / "c.jsonl").generate(
        [("user", "Übung 日本\nline two \udc80")], max_tokens=9
    )


@pytest.mark.parametrize(
    "asked",
    [
        lambda c: c.generate([("user", "where?")], max_tokens=9),
        lambda c: c.generate(ASK, max_tokens=8),
        lambda c: c.generate(ASK, max_tokens=9, stop=["\n"]),
        lambda c: c.generate([("system", "when?")], max_tokens=9),
        lambda c: c.score(ASK, ["A", "B"]),
        lambda c: c.score(ASK, ["A"]),
    ],
)
def test_a_call_that_was_not_recorded_is_named(tmp_path: Path, asked: Any) -> None:
    chat = Recorded(scored(-1.0, -1.0), tmp_path / "c.jsonl")
    chat.generate(ASK, max_tokens=9)
    chat.score(ASK, ["B", "A"])
    again = Replayed(tmp_path / "c.jsonl")
    with pytest.raises(NotFound, match=r"c\.jsonl has no (generate|score) call") as caught:
        asked(again)
    assert "wh" in str(caught.value)
    assert "record" in str(caught.value.fix)
    assert len(again.missing) == 1
    assert again.trouble is caught.value


def test_repeated_calls_are_replayed_in_order_and_then_as_last(tmp_path: Path) -> None:
    chat = Recorded(FakeChat(["one", "two"]), tmp_path / "c.jsonl")
    for _ in range(2):
        chat.generate(ASK, max_tokens=9)
    again = Replayed(tmp_path / "c.jsonl")
    assert [again.generate(ASK, max_tokens=9) for _ in range(3)] == ["one", "two", "two"]


def test_failures_are_replayed_too(tmp_path: Path) -> None:
    chat = Recorded(BrokenChat(Unreachable("nobody", fix="start it")), tmp_path / "c.jsonl")
    with pytest.raises(Unreachable):
        chat.generate(ASK, max_tokens=9)
    again = Replayed(tmp_path / "c.jsonl")
    with pytest.raises(Unreachable, match="nobody") as caught:
        again.generate(ASK, max_tokens=9)
    assert caught.value.fix == "start it"
    assert again.trouble is caught.value


def test_failures_without_a_name_are_a_failed_model_in_the_replay(tmp_path: Path) -> None:
    chat = Recorded(BrokenChat(ValueError("odd")), tmp_path / "c.jsonl")
    with pytest.raises(ValueError, match="odd"):
        chat.score(ASK, ["A"])
    with pytest.raises(BackendError, match="ValueError: odd"):
        Replayed(tmp_path / "c.jsonl").score(ASK, ["A"])


class Learns(FakeChat):
    """Finds out, when asked, that it gives no log-probabilities."""

    def score(self, messages: Any, labels: Any) -> list[float]:
        self.scores = False
        raise BadReply("no label")


def test_what_a_model_found_out_about_itself_is_replayed_and_kept(tmp_path: Path) -> None:
    kept: dict[str, bytes] = {}
    makers: list[Callable[[], Any]] = [
        lambda: Recorded(Learns(), tmp_path / "c.jsonl"),
        lambda: Replayed(tmp_path / "c.jsonl"),
        lambda: cached(Learns(), kept),
    ]
    for make in makers:
        chat = make()
        assert chat.scores
        with pytest.raises(BadReply):
            chat.score(ASK, ["A"])
        assert not chat.scores
    assert not cached(Learns(), kept).scores


def test_a_second_recording_replaces_the_first(tmp_path: Path) -> None:
    Recorded(FakeChat(["old"]), tmp_path / "c.jsonl").generate(ASK, max_tokens=9)
    Recorded(FakeChat(["new"]), tmp_path / "c.jsonl").generate([("user", "x")], max_tokens=9)
    with pytest.raises(NotFound):
        Replayed(tmp_path / "c.jsonl").generate(ASK, max_tokens=9)


@pytest.mark.parametrize(
    "text",
    ["", "no json", '{"key": 1', "[1]", '{"cassette": 99, "model": "m"}', "null",
     '{"cassette": 1, "model": "m"}\n{"nokey": 1}', '{"key": "x", "value": "y"}', "\x00\x01"],
)  # fmt: skip
def test_what_is_no_cassette_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.jsonl").write_text(text)
    with pytest.raises(Unreadable, match="cassette"):
        Replayed(tmp_path / "c.jsonl")
    with pytest.raises(Unreadable):
        Replayed(tmp_path / "none.jsonl")


def test_an_unknown_class_of_error_is_a_failed_model(tmp_path: Path) -> None:
    key = call_key("m", "generate", ASK, {"max_tokens": 9, "stop": []})
    for name in ("SystemExit", "annotations", "None"):
        rows = [{"cassette": 1, "model": "m"},
                {"key": key, "error": {"class": name, "message": "x", "fix": None}}]  # fmt: skip
        (tmp_path / "c.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
        with pytest.raises(LongtakeError) as caught:
            Replayed(tmp_path / "c.jsonl").generate(ASK, max_tokens=9)
        assert type(caught.value) is BackendError


# -- the cache -------------------------------------------------------------------------------


def test_the_same_is_asked_once_even_in_another_process(tmp_path: Path) -> None:
    told = []
    for _ in range(2):
        with Store.open(tmp_path / "l.longtake", write=True, create=True) as store:
            inner = scored(-0.5, -1.25)
            chat = Cached(inner, store.cache_get, store.cache_put)
            said = [(chat.generate(ASK, max_tokens=9), chat.score(ASK, ["A", "B"])) for _ in "ab"]
            told.append((said, chat.scores, len(inner.asked)))
    assert told[0][0] == told[1][0]
    assert told[0][0][0] == told[0][0][1]
    assert [asked for _, _, asked in told] == [2, 0]


def test_another_model_another_answer() -> None:
    kept: dict[str, bytes] = {}
    one, two = FakeChat(["one"]), FakeChat(["two"])
    two.name = "other@1"
    assert cached(one, kept).generate(ASK, max_tokens=9) == "one"
    assert cached(two, kept).generate(ASK, max_tokens=9) == "two"


def test_failures_are_not_kept_and_what_is_damaged_is_asked_again() -> None:
    kept: dict[str, bytes] = {}
    with pytest.raises(Unreachable):
        cached(BrokenChat(Unreachable("nobody")), kept).generate(ASK, max_tokens=9)
    assert kept == {}
    assert cached(FakeChat(["one"]), kept).generate(ASK, max_tokens=9) == "one"
    for raw in (b"", b"\xff", b"{", b"7", b"[1]"):
        kept.update(dict.fromkeys(kept, raw))
        inner = FakeChat(["two"])
        assert cached(inner, kept).generate(ASK, max_tokens=9) == "two"
        assert len(inner.asked) == 1


@pytest.mark.parametrize("error", [DiskFull("no room"), OSError("read-only")])
def test_a_cache_that_fails_is_done_without(error: Exception) -> None:
    def fail(*_: Any) -> Any:
        raise error

    for get, put in ((fail, fail), ({}.get, fail)):
        assert Cached(FakeChat(["one"]), get, put).generate(ASK, max_tokens=9) == "one"
