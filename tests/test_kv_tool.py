"""The agent asks what a model read: records are raised, words never become answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.agent.looking import stream as r3
from longtake.agent.state import Switches
from longtake.config import load_settings
from longtake.errors import KVMismatch, KVMissing, UsageError
from longtake.library import Library
from longtake.models.kv.streamer import Streamer
from longtake.timecode import Span
from longtake.tools.recall_kv import Read, Tried
from tests.fakes import fake_models
from tests.kv_library import add, tiny_streamer, watched

QUESTION = "when is the exam?"


@pytest.fixture(scope="module")
def streamer(tmp_path_factory: pytest.TempPathFactory) -> Streamer:
    return tiny_streamer(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def library(tmp_path: Path, streamer: Streamer) -> Iterator[Library]:
    """A watched video with a key–value memory by a model of random weights."""
    models: Any = fake_models()
    models.streamer, models.streamer_name = streamer, streamer.name
    settings = load_settings(library=watched(tmp_path), models_dir=tmp_path / "models")
    with Library(settings, models=models) as made:
        made.kv_build("lecture")
        yield made


def kv_steps(answer: Any) -> list[dict[str, Any]]:
    return [step for step in answer.trace if step["step"] == "kv"]


def without_kv(answer: Any) -> list[dict[str, Any]]:
    return [step for step in answer.trace if step["step"] != "kv"]


def test_attempts_tell_blocks_times_and_records(library: Library) -> None:
    made = library.toolbox.call("recall_kv", question=QUESTION, video="lecture")
    json.dumps(made)
    first = made["attempts"][0]
    assert set(first) == {"blocks", "text", "confidence", "accepted"}
    ids = {r.id for r in library.store.records()}
    for attempt in made["attempts"]:
        for block in attempt["blocks"]:
            assert block["end"] > block["start"]
            assert block["refs"]
            assert set(block["refs"]) <= ids
    one = library.toolbox.call("recall_kv", question=QUESTION, video="lecture", k=1)["attempts"]
    assert [len(one), len(one[0]["blocks"])] == [1, 1]


def test_spans_and_as_of_bound_what_is_read(library: Library) -> None:
    made = library.toolbox.recall_kv(QUESTION, video=library.videos()[0].id, as_of=30.0)
    assert made
    assert all(b.span.end <= 30.0 for one in made for b in one.blocks)
    near = library.toolbox.recall_kv(QUESTION, video=library.videos()[0].id, spans=[Span(200, 230)])
    assert near
    assert all(b.span.end > 200 for one in near for b in one.blocks)
    with pytest.raises(KVMissing, match="known by then"):
        library.toolbox.recall_kv(QUESTION, video=library.videos()[0].id, as_of=0.5)
    with pytest.raises(UsageError):
        library.toolbox.call("recall_kv", question="x", video="lecture", spans=[[5, 1]])


def test_another_model_is_refused_with_what_mends_it(library: Library, streamer: Streamer) -> None:
    video = library.videos()[0].id
    library.close()
    library.models.streamer_name = "other@1"  # type: ignore[misc]
    with pytest.raises(KVMismatch, match="tiny@0, not by other@1") as caught:
        library.toolbox.recall_kv(QUESTION, video=video)
    assert caught.value.fix == f"longtake kv build {video}"


class Told:
    """Streams that name one record, and a model that says something no record says."""

    def __init__(self, ref: str, text: str = "zeppelin") -> None:
        self.ref, self.text = ref, text

    def __call__(self, question: str, *, video: str, **more: Any) -> list[Tried]:
        block = Read(3, Span(20.0, 24.0), 0.4, (self.ref,))
        return [Tried((block,), self.text, 0.9, True)]


def hidden(library: Library) -> str:
    """A record that answers in other words than the question's."""
    return "00001-00000020000-moment-speech-0"


def ask(library: Library, question: str, **switches: bool) -> Any:
    agent = Agent(library.toolbox, None, None, switches=Switches(**switches))
    return agent.ask(question, videos=library.videos())


def test_records_are_raised_and_words_are_not_believed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library.toolbox, "recall_kv", Told(hidden(library)))
    monkeypatch.setattr(r3, "SURE", 2.0)  # no answer is sure enough: always asked
    question = "What did they say about the test?"
    on, off = ask(library, question), ask(library, question, kv=False)
    (step,) = kv_steps(on)
    assert step["read"] == [
        {"video": library.videos()[0].id, "start": 20.0, "end": 24.0, "block": 3, "p": 0.4}
    ]
    assert [one["id"] for one in step["raised"]] == [hidden(library)]
    assert step["said"] == ["zeppelin"]
    assert "zeppelin" not in on.text
    assert all("zeppelin" not in proof.quote for proof in on.evidence)
    assert kv_steps(off) == []


def test_a_raised_record_stands_before_its_equals(library: Library) -> None:
    """Of two records that fit alike, the one that a stream names comes first; off: it does not."""
    library.close()
    add(library.path, "moment", "speech", 40.0, 44.0, "the exam is on the fifteenth of April")
    seen = {}
    desk_of = Agent(library.toolbox, None, None)._desk
    desk = desk_of(library.videos(), None, None, None)
    desk.prepare()
    part = {"text": "when is the exam?", "kind": "when", "scope": None}
    terms = desk.terms(["exam"])
    late = "00001-00000040000-moment-speech-0"
    units = {u.record.id: u for u in desk.corpus.of("speech")}
    from longtake.agent.desk import candidate

    found = [candidate(units[name], 0.5, lex=1.0) for name in (hidden(library), late)]
    desk.toolbox.has_kv = lambda video: True  # type: ignore[method-assign]
    for named in (hidden(library), late):
        desk.toolbox.recall_kv = Told(named, "April")  # type: ignore[method-assign]
        made, told = r3.ask_streams(desk, part, terms, found)
        seen[named] = made[0]["id"]
        assert told["raised"][0]["was"] == 0.5
    assert seen == {hidden(library): hidden(library), late: late}


def test_damage_leaves_the_text_answer_and_is_told(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(r3, "SURE", 2.0)
    video = library.videos()[0].id
    off = library.ask(QUESTION, "lecture", kv=False)
    library.close()
    for path in (library.path / "kv" / video).glob("*/manifest.sqlite*"):
        path.unlink() if path.suffix != ".sqlite" else path.write_bytes(b"rubbish" * 999)
    on = library.ask(QUESTION, "lecture")
    assert (on.text, on.evidence, on.status) == (off.text, off.evidence, off.status)
    assert without_kv(on) == list(off.trace)
    (step,) = kv_steps(on)
    assert len(step["trouble"]) == 1
    assert "kv build" in step["trouble"][0]


def test_off_changes_nothing_else(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the switch, a library without such memories answers byte for byte alike."""
    monkeypatch.setattr(r3, "SURE", 2.0)
    assert kv_steps(library.ask(QUESTION, "lecture"))
    off = library.ask(QUESTION, "lecture", kv=False)
    library.kv_drop("lecture")
    gone = library.ask(QUESTION, "lecture")
    assert gone.to_dict() == off.to_dict()
    assert gone.trace == off.trace


def test_a_removed_video_takes_its_memory_along(library: Library) -> None:
    place = library.path / "kv" / library.videos()[0].id
    assert place.exists()
    library.remove("lecture")
    assert not place.exists()
