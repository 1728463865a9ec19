"""Past turns explained, Ctrl-C, asking back, and the thread of a video that is gone."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from longtake.agent.answer import Answer
from longtake.agent.turns import Turns
from longtake.cli.answers import answer_markdown, refusal_lines
from longtake.cli.walk import tree, why_lines
from longtake.storage.records import Video
from tests.cli_world import Scripted, World, answered, empty_world, world

__all__ = ["empty_world", "world"]

WALK = (
    {"step": "open_turn", "videos": ["vababababab"]},
    {"step": "classify", "parts": [{"text": "when is the exam", "kind": "when", "words": ["exam"]}]},
    {"step": "bind", "part": "s1", "text": "when is the exam", "kind": "when", "words": ["exam"]},
    {"step": "read", "part": "s1", "candidates": 7, "top": [{"quote": "the exam", "score": 0.9}]},
    {"step": "weigh", "part": "s1", "verdict": "found", "signals": {"margin": 0.31, "lift": 0.2}},
    {"step": "extract", "part": "s1",
     "looked": [{"video": "v", "start": 750.0, "end": 760.0, "rung": "R4", "reused": False}]},
    {"step": "reflect", "part": "s1", "decision": "done", "why": "sure enough"},
    {"step": "synth", "status": "answered"},
)  # fmt: skip


def walked(video: Video) -> Answer:
    return answered(video, trace=WALK)


def kept(world: World, *questions: str, thread: str = "exam") -> Turns:
    """Turns as the library keeps them."""
    turns = Turns(world.library)
    video = Scripted(_settings(world), world.script).videos()[0]
    for question in questions:
        turns.keep(thread, question, walked(video), videos=[video.id])
    return turns


def _settings(world: World) -> Any:
    from longtake.config import load_settings

    return load_settings(library=world.library)


# -- why and cost -------------------------------------------------------------------------------


def test_why_explains_a_past_turn(world: World) -> None:
    kept(world, "when is the exam?", "and where?")
    text = world.run("why", "exam", "1").stdout
    assert text.startswith("question: when is the exam?\nanswer: On 14 March, in room B2.")
    assert "asked for: “when is the exam” (when; words exam)" in text
    assert "read: 7 moments" in text
    assert "looked again: 00:12:30–00:12:40 at R4" in text
    assert "then: done, because sure enough" in text
    assert "searched: 00:00:00–00:20:00  clip" in text
    assert "[1] 00:12:31.200" in text
    assert "answered, confidence 0.91 (from margin 0.31, lift 0.2)" in text
    assert "and where?" in world.run("why", "exam").stdout
    assert "and where?" in world.run("why").stdout


def test_why_and_cost_as_json(world: World) -> None:
    kept(world, "when?", "where?")
    told = world.data("why", "exam", "2")
    assert (told["thread"], told["turn"], told["question"]) == ("exam", 2, "where?")
    assert [step["step"] for step in told["trace"]][:2] == ["open_turn", "classify"]
    cost = world.data("cost", "exam")
    assert [row["cost"] for row in cost["turns"]] == [{"searches": 2}, {"searches": 2}]
    lines = world.run("cost").stdout.splitlines()
    assert lines[0].split() == ["turn", "searches", "question"]
    assert lines[-1].split() == ["all", "4"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("why", "nothing"), "no answer of a thread nothing is kept"),
        (("why", "exam", "9"), "thread exam has 1 answers, not 9"),
        (("cost", "nothing"), "threads: exam"),
    ],
)
def test_turns_that_are_not_there_are_said(world: World, args: tuple[str, ...], said: str) -> None:
    kept(world, "when?")
    result = world.run(*args)
    assert result.exit_code == 5
    assert said in result.stderr


def test_nothing_asked_yet_is_said(world: World) -> None:
    for command in ("why", "cost"):
        result = world.run(command)
        assert result.exit_code == 5
        assert "no answer is kept in this library yet" in result.stderr


def test_the_walk_is_a_tree(world: World) -> None:
    lines = tree(WALK)
    assert lines[:3] == [
        "· open_turn videos=[vababababab]",
        "· classify parts=[“when is the exam” when]",
        "· s1 “when is the exam”",
    ]
    assert lines[3].startswith("  ├─ bind kind=when")
    assert lines[7].startswith("  └─ reflect decision=done")
    assert lines[8] == "· synth status=answered"
    world.script.answer = walked
    result = world.run("ask", "lecture", "when?", "--trace")
    assert "\n".join(lines) in result.stderr
    assert "├─" not in result.stdout


def test_several_videos_are_compared_in_a_table() -> None:
    evidence = [
        {"video": "a", "start": 10.0, "end": 12.0, "source": "speech", "quote": "one | two", "score": 1.0},
        {"video": "b", "start": 5.0, "end": 6.0, "source": "screen", "quote": "three", "score": 0.9},
        {"video": "a", "start": 1.0, "end": 2.0, "source": "speech", "quote": "zero", "score": 0.8},
    ]  # fmt: skip
    data = {"text": "t", "status": "answered", "confidence": 0.5, "evidence": evidence}
    lines = answer_markdown("q", data, {"a": "A.mp4", "b": "B.mp4"}).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert rows[2].startswith("| A.mp4 | 00:00:01")
    assert rows[2].index("zero") < rows[2].index("one")
    assert "one \\| two" in rows[2]
    assert "three" in rows[3]
    one = answer_markdown("q", data | {"evidence": evidence[:1]}, {"a": "A.mp4"})
    assert "| A.mp4" not in one


def test_a_next_step_is_not_told_twice() -> None:
    data = {"text": "Not there.", "status": "not_in_video", "searched": []}
    assert refusal_lines(data) == [
        "  try: ask it in other words, or `longtake search` for a word you remember"
    ]
    assert refusal_lines(data | {"text": "Not there. Next: name a time."}) == []


def test_what_a_slide_says_moves_no_cursor_in_an_explanation() -> None:
    evil = {"text": "\x1b[2Jx", "status": "answered", "confidence": 1.0, "evidence": [],
            "searched": [], "trace": [{"step": "read", "part": "s1", "text": "\x1b[31mred"}]}  # fmt: skip
    assert "\x1b" not in "".join(why_lines("\x1b[1mq", evil, {})).replace("\x1b[0m", "")


# -- the chat -----------------------------------------------------------------------------------


def test_chat_explains_any_turn_and_shows_cost_and_walk(world: World) -> None:
    world.script.answer = walked
    talk = "when?\nwhere?\n/why 1\n/cost\n/trace on\nwho?\n/trace off\n/threads\n"
    result = world.run("chat", "lecture", "--thread", "exam", input=talk)
    assert result.exit_code == 0, result.output
    assert "question: when?" in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines() if line.startswith("all ")] == [
        "all"
    ]
    assert "  └─ reflect decision=done" in result.stderr
    assert result.stderr.count("· synth") == 1
    assert "exam" in result.stdout.splitlines()[-1]


@pytest.mark.parametrize("line", ["/why 9", "/why x", "/trace maybe", "/cost"])
def test_chat_goes_on_after_a_wrong_command(world: World, line: str) -> None:
    result = world.run("chat", "lecture", input=f"{line}\nwhen?\n")
    assert "On 14 March" in result.stdout
    assert result.exit_code in (2, 5)


def test_turns_kept_before_are_explained_in_a_later_chat(world: World) -> None:
    kept(world, "when is the exam?")
    result = world.run("chat", "lecture", "--thread", "exam", input="/why 1\n")
    assert "question: when is the exam?" in result.stdout


class Asking(Scripted):
    """A library that asks back before it answers."""

    replies: ClassVar[list[Any]] = []

    def ask(self, question: str, video: Any = None, **more: Any) -> Answer:
        ask = {
            "text": "Who is “she”?",
            "choices": [{"label": "Anna", "bind": {}}, {"label": "Clara", "bind": {}}],
        }
        self.replies.append(more["on_ask"](ask) if more.get("on_ask") else "not asked")
        return super().ask(question, video, **more)


@pytest.mark.parametrize(
    ("reply", "taken"), [("2", 1), ("Clara", "Clara"), ("", None), ("7", None)]
)
def test_chat_asks_back_with_numbers(
    world: World, monkeypatch: pytest.MonkeyPatch, reply: str, taken: Any
) -> None:
    Asking.replies = []
    monkeypatch.setattr(
        "longtake.cli.session.open_library", lambda given: Asking(given, world.script)
    )
    talk = f"where was she born?\n{reply}\n" if reply else "where was she born?\n"
    result = world.run("chat", "lecture", input=talk)
    assert result.exit_code == 0, result.output
    assert "Who is “she”?\n  1. Anna\n  2. Clara" in result.stderr
    assert Asking.replies == [taken]
    world.run("ask", "lecture", "where was she born?")
    assert Asking.replies[-1] == "not asked"


def test_the_thread_of_a_video_that_is_gone_goes_on_with_another(world: World) -> None:
    from tests.cli_world import fill

    world.run("chat", "lecture", "--thread", "exam", input="when?\n")
    fill(world.library, world.folder / "videos" / "second.mp4", print_="cd" * 32)
    assert world.run("videos", "rm", "lecture", "--yes").exit_code == 0
    result = world.run("chat", "--thread", "exam", input="when?\n")
    assert result.exit_code == 5
    assert "lecture.mp4, which thread exam is about, is no longer in the library" in result.stderr
    again = world.run("chat", "second", "--thread", "exam", input="when?\n")
    assert again.exit_code == 0, again.output
    assert world.script.asked[-1]["thread"] == "exam"


# -- Ctrl-C -------------------------------------------------------------------------------------


class Slow(Scripted):
    """A library in whose answer Ctrl-C is pressed."""

    times = 1
    stopped: ClassVar[list[bool]] = []

    def ask(self, question: str, video: Any = None, **more: Any) -> Answer:
        before = more["stop"]()
        for _ in range(self.times):
            os.kill(os.getpid(), signal.SIGINT)
        self.stopped += [before, more["stop"]()]
        return super().ask(question, video, **more)


@pytest.mark.parametrize("command", ["ask", "chat"])
def test_ctrl_c_keeps_the_best_answer_so_far(
    world: World, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    Slow.times, Slow.stopped = 1, []
    monkeypatch.setattr(
        "longtake.cli.session.open_library", lambda given: Slow(given, world.script)
    )
    before = signal.getsignal(signal.SIGINT)
    args, talk = (
        (("lecture", "when?"), None) if command == "ask" else (("lecture",), "when?\nwhere?\n")
    )
    result = world.run(command, *args, input=talk)
    assert result.exit_code == 0, result.output
    assert Slow.stopped[:2] == [False, True]
    assert "On 14 March" in result.stdout
    assert "the best answer so far follows" in result.stderr
    if command == "chat":
        assert [one["question"] for one in world.script.asked] == ["when?", "where?"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_leaves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    Slow.times, Slow.stopped = 2, []
    monkeypatch.setattr(
        "longtake.cli.session.open_library", lambda given: Slow(given, world.script)
    )
    result = world.run("chat", "lecture", input="when?\nwhere?\n")
    assert result.exit_code == 130
    assert "On 14 March" not in result.stdout


# -- the diary ----------------------------------------------------------------------------------


def _keep(path: str, name: str, times: int) -> None:
    turns = Turns(Path(path))
    for n in range(times):
        turns.keep(name, f"question {n}", Answer("text", "answered", 0.5, trace=({"step": "x"},)))


def test_turns_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    work = [multiprocessing.Process(target=_keep, args=(str(tmp_path), name, 20))
            for name in ("a", "b", "a")]  # fmt: skip
    for one in work:
        one.start()
    for one in work:
        one.join()
    turns = Turns(tmp_path)
    assert [one.turn for one in turns.of("a")] == list(range(1, 41))
    assert [one.question for one in turns.of("b")] == [f"question {n}" for n in range(20)]
    assert turns.threads() == [("a", 40, turns.of("a")[-1].question), ("b", 20, "question 19")]


def test_a_fresh_thread_forgets_what_was_kept_under_its_name(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    one = Answer("text", "answered", 0.5)
    assert [turns.keep("t", "q", one), turns.keep("t", "r", one)] == [1, 2]
    assert turns.keep("t", "q", one, fresh=True) == 1
    assert [kept.question for kept in turns.of("t")] == ["q"]
    assert turns.latest() == "t"
    assert json.dumps(turns.get("t").answer) if turns.get("t") else None


def test_a_diary_that_cannot_be_kept_or_read_fails_nothing(tmp_path: Path) -> None:
    missing = Turns(tmp_path / "nowhere")
    assert missing.keep("t", "q", Answer("text", "answered", 0.5)) == 0
    assert missing.of("t") == []
    assert missing.latest() is None
    broken = Turns(tmp_path)
    broken.path.write_bytes(b"no database at all, but long enough to look like one" * 20)
    assert broken.keep("t", "q", Answer("text", "answered", 0.5)) == 0
    assert broken.threads() == []
