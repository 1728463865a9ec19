"""`ask`, the bare question, `chat` and `search`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from longtake.cli.answers import answer_markdown, searched_lines, shorten
from longtake.cli.commands.chat import greeting, player
from longtake.cli.threads import Thread, Threads
from longtake.timecode import Span
from tests.cli_world import EVIL, World, empty_world, fill, refused, schema, world

__all__ = ["empty_world", "world"]


def test_answer_comes_first_then_evidence_then_how_sure(world: World) -> None:
    lines = world.run("ask", "lecture", "when is the exam?").stdout.splitlines()
    assert lines[0] == "On 14 March, in room B2."
    assert lines[2].startswith("  [1] 00:12:31.200–00:12:36.900 speech  “the exam will be")
    assert lines[3].startswith("  [2] 00:12:25.000–00:13:20.000 screen")
    assert lines[-1].startswith("answered · confidence 0.91 · ")


def test_refusal_says_what_was_searched_and_what_to_try(world: World) -> None:
    world.script.answer = refused
    result = world.run("ask", "lecture", "what does the textbook cost?")
    assert result.exit_code == 0
    assert "searched: 00:00:00–00:20:00  clip, chapter" in result.stdout
    assert "try: ask it in other words" in result.stdout
    assert "not_in_video · confidence 0.84" in result.stdout


@pytest.mark.parametrize("flag", [["--json"], ["--format", "json"]])
def test_ask_json_fits_its_schema(world: World, flag: list[str]) -> None:
    result = world.run("ask", "lecture", "when?", *flag)
    envelope = json.loads(result.stdout)
    jsonschema.validate(envelope, schema("ask"))
    assert envelope["count"] == 2
    assert envelope["data"]["evidence"][0]["start"] == 751.2
    assert "trace" not in envelope["data"]
    world.script.answer = refused
    jsonschema.validate(json.loads(world.run("ask", "lecture", "q", *flag).stdout), schema("ask"))
    failed = world.run("ask", "nothing", "when?", *flag)
    assert failed.exit_code == 5
    jsonschema.validate(json.loads(failed.stdout), schema("ask"))


def test_trace_is_told_and_kept(world: World) -> None:
    assert "· search found=2" in world.run("ask", "lecture", "when?", "--trace").stderr
    data = world.data("ask", "lecture", "when?", "--trace")
    assert [step["step"] for step in data["trace"]] == ["classify", "search"]


def test_markdown_takes_the_meaning_out_of_marks(world: World) -> None:
    text = world.run("ask", "lecture", "when?", "--format", "md").stdout
    assert text.startswith("**when?**")
    assert EVIL not in text
    assert "\\<script\\>" in text
    odd = {"text": "[a](javascript:x) *b*", "evidence": [], "status": "answered", "confidence": 1}
    assert "\\[a\\](javascript:x) \\*b\\*" in answer_markdown("q", odd, {})


def test_flags_reach_the_library(world: World) -> None:
    world.run("ask", "lecture", "when?", "--at", "10m", "--thread", "t7")
    asked = world.script.asked[-1]
    assert (asked["video"], asked["at"], asked["thread"]) == ("lecture", 600.0, "t7")
    world.run("ask", "--all", "when?")
    assert world.script.asked[-1]["video"] is None
    world.run("ask", "-", input="from a pipe?\n")
    assert world.script.asked[-1]["question"] == "from a pipe?"


def test_several_videos_are_named(world: World) -> None:
    fill(world.library, world.folder / "videos" / "second.mp4", print_="cd" * 32)
    lines = world.run("search", "exam").stdout
    assert "second.mp4" in lines
    assert "lecture.mp4" in lines


def test_bare_question_watches_first_and_only_once(empty_world: World) -> None:
    source = empty_world.folder / "talk.mp4"
    source.write_bytes(b"x")
    result = empty_world.run("talk.mp4", "when is the exam?")
    assert result.exit_code == 0, result.output
    assert "watching talk.mp4 first" in result.stderr
    assert result.stdout.startswith("On 14 March")
    assert empty_world.run("talk.mp4", "and where?", "--json").exit_code == 0
    assert [name for name, _ in empty_world.script.watched] == ["talk.mp4"]
    assert [one["question"] for one in empty_world.script.asked] == [
        "when is the exam?",
        "and where?",
    ]


def test_bare_question_takes_a_known_name_and_id(world: World) -> None:
    for name in ("lecture", "vababab", str(world.source)):
        result = world.run(name, "when?")
        assert result.exit_code == 0, result.output
    assert world.script.watched == []


def test_bare_question_about_no_such_file(world: World) -> None:
    result = world.run("nix.mp4", "when?")
    assert result.exit_code == 6
    assert "there is no file nix.mp4" in result.stderr
    assert world.data("nix.mp4", "when?", code=6)["code"] == "no_such_file"
    assert world.run("nix", "when?").exit_code == 2
    assert world.run(str(world.source)).exit_code == 2


def test_ask_about_a_video_that_is_not_known(world: World) -> None:
    result = world.run("ask", "lectrue", "when?")
    assert result.exit_code == 5
    assert "lecture.mp4" in result.stderr


def test_chat_works_from_a_pipe(world: World) -> None:
    talk = "when?\n\n/why\n/play 2\n/help\nand where?\n/quit\nnever asked\n"
    result = world.run("chat", "lecture", input=talk)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("On 14 March") == 3  # two answers, and one of them explained
    assert "· classify kind=when" in result.stdout
    assert f"{world.source}#t=745.000,800.000" in result.stdout
    assert "/clip N" in result.stdout
    asked = world.script.asked
    assert [one["question"] for one in asked] == ["when?", "and where?"]
    assert asked[0]["thread"] == asked[1]["thread"]
    assert asked[0]["thread"].startswith("lecture-")


def test_chat_is_gone_on_with_by_its_name(world: World) -> None:
    assert "No chat yet" in world.run("chat", "--list").stdout
    first = world.run("chat", "lecture", input="when?\nwhere?\n")
    name = world.script.asked[0]["thread"]
    assert f"go on with: longtake chat --thread {name}" in first.stderr
    again = world.run("--library", world.library, "chat", "--thread", name, input="and who?\n")
    assert again.exit_code == 0, again.output
    told = f"go on with: longtake --library {world.library} chat --thread {name}"
    assert told in again.stderr
    asked = world.script.asked[-1]
    assert (asked["thread"], asked["question"]) == (name, "and who?")
    assert asked["video"] == world.script.asked[0]["video"] == "vababababab"
    world.run("chat", input="what?\n")
    assert world.script.asked[-1]["thread"] != name
    assert world.script.asked[-1]["video"] is None
    listed = world.run("chat", "--list").stdout.splitlines()
    assert listed[1].split() == [name, "3", "lecture.mp4", "and", "who?"]
    assert listed[2].startswith("the-whole-library-")


def test_chat_may_be_named_by_hand_and_says_nothing_when_nothing_was_asked(world: World) -> None:
    assert world.run("chat", "lecture", "--thread", "exam", input="").stderr == ""
    assert "exam" not in world.run("chat", "--list").stdout
    world.run("chat", "lecture", "--thread", "exam", input="when?\n")
    assert "exam" in world.run("chat", "--list").stdout


def test_chat_on_a_terminal_greets_with_thread_and_last_question(
    world: World,
) -> None:
    world.run("chat", "lecture", "--thread", "exam", input="when?\n")
    known = Threads(world.library).find("exam")
    assert known is not None
    assert (known.questions, known.last, known.title) == (1, "when?", "lecture.mp4")
    text = greeting(known)
    assert text.startswith("lecture.mp4, thread exam: ask away")
    assert text.endswith("asked before: 1; the last: when?")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"LIBRARY": [{"name": 1}]}'])
def test_a_spoilt_list_of_threads_is_begun_anew(world: World, text: str) -> None:
    threads = Threads(world.library)
    threads.path.parent.mkdir(parents=True, exist_ok=True)
    threads.path.write_text(text.replace("LIBRARY", str(world.library)))
    assert threads.all() == []
    threads.keep(Thread("a", None, "x").asked("q"))
    assert [one.name for one in threads.all()] == ["a"]
    assert threads.path.stat().st_mode & 0o077 == 0


def test_chat_about_an_empty_library_is_refused(empty_world: World) -> None:
    result = empty_world.run("chat", input="when?\n")
    assert result.exit_code == 5
    assert "holds no video yet" in result.stderr


@pytest.mark.parametrize(
    ("talk", "code", "said"),
    [
        ("/foo\nwhen?\n", 2, "there is no command /foo"),
        ("/why\nwhen?\n", 5, "nothing was asked yet"),
        ("when?\n/clip 9\n", 5, "2 pieces of evidence"),
        ("when?\n/play x\n", 5, "2 pieces of evidence"),
    ],
)
def test_chat_goes_on_after_a_mistake_and_says_so_in_the_end(
    world: World, talk: str, code: int, said: str
) -> None:
    result = world.run("chat", "lecture", input=talk)
    assert result.exit_code == code
    assert said in result.stderr
    assert "On 14 March" in result.stdout


def test_player_is_given_the_span_and_no_flags_from_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name == "mpv" else None)
    command = player(Path("-x.mp4"), Span(1, 3))
    assert command is not None
    assert command[:3] == ["/bin/mpv", "--start=1.000", "--length=2.000"]
    assert command[-1].startswith("/")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert player(Path("x.mp4"), Span(1, 3)) is None


def test_search_finds_and_fits_its_schema(world: World) -> None:
    result = world.run("search", "exam", "--in", "speech")
    assert "00:12:31–00:12:36" in result.stdout
    assert "the exam will be on the fourteenth" in result.stdout
    envelope = json.loads(world.run("search", "exam", "--in", "speech", "--json").stdout)
    jsonschema.validate(envelope, schema("search"))
    assert [one["source"] for one in envelope["data"]["moments"]] == ["speech"]
    assert envelope["count"] == 1


def test_search_filters(world: World) -> None:
    def starts(*flags: str) -> list[float]:
        return [one["start"] for one in world.data("search", "exam", *flags)["moments"]]

    assert 751.2 in starts()
    assert starts("--to", "10m", "--in", "speech") == []
    assert starts("--at", "10m", "--in", "speech") == []
    assert starts("--from", "12m", "--in", "speech,text", "-k", "1") != []
    assert len(starts("-k", "1")) == 1
    assert starts("--video", "lecture", "--in", "speech") == [751.2]
    assert world.run("search", "exam", "--video", "nothing").exit_code == 5


def test_number_of_moments_comes_from_the_configuration(world: World) -> None:
    assert world.run("config", "set", "search.k", "1", "--project").exit_code == 0
    assert len(world.data("search", "exam attention")["moments"]) == 1
    assert len(world.data("search", "exam attention", "-k", "3")["moments"]) > 1


def test_nothing_found_says_what_was_searched(world: World) -> None:
    result = world.run("search", "zebra quark")
    assert result.exit_code == 0
    assert result.stdout.startswith("Nothing found.")
    assert "searched: 00:00:00–00:20:00" in result.stdout
    assert "best score: 0.00" in result.stdout
    assert "Try" in result.stdout
    envelope = json.loads(world.run("search", "zebra quark", "--json").stdout)
    jsonschema.validate(envelope, schema("search"))
    assert envelope["data"]["moments"] == []


def test_what_was_searched_is_merged_and_kept_short() -> None:
    rows = [{"start": i * 10.0, "end": i * 10.0 + 10, "level": "clip"} for i in range(6)]
    assert searched_lines(rows) == ["00:00:00–00:01:00  clip"]
    apart = [{"start": i * 60.0, "end": i * 60.0 + 10, "level": "clip"} for i in range(9)]
    assert searched_lines(apart)[-1] == "and 5 more spans"
    assert searched_lines([]) == []


def test_quotes_are_cut_at_words() -> None:
    assert shorten("a b\nc") == "a b c"
    assert len(shorten("word " * 100)) <= 162
