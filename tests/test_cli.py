"""The program's frame: help, exit codes, envelopes, typos, pipes, quiet and colour."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from longtake import __version__, errors
from longtake.cli import edge
from longtake.cli.main import ENTRIES, cli
from longtake.cli.output import clean, dump, save, table
from longtake.cli.reference import reference
from longtake.cli.session import Session
from tests.cli_world import World, empty_world, schema, world

__all__ = ["empty_world", "world"]

HEAVY = {
    "torch", "numpy", "pydantic", "pydantic_settings", "av", "langgraph", "rich", "sqlite_utils",
    "transformers", "faiss", "openai", "platformdirs", "PIL", "longtake.library",
}  # fmt: skip


def program(*args: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "longtake", *args],
        capture_output=True, text=True, timeout=60, check=False, **more,  # type: ignore[call-overload]
    )  # fmt: skip


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom longtake.cli.main import cli\n"
        "try:\n    cli(['--help'], prog_name='longtake')\n"
        f"except SystemExit:\n    print('heavy:', sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: longtake" in done.stdout
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_table_of_commands_agrees_with_the_commands() -> None:
    ctx = click.Context(cli)
    for entry in ENTRIES:
        command = cli.get_command(ctx, entry.name)
        assert command is not None
        assert command.name == entry.name
        assert (command.help or "").split("\n")[0] == entry.help


def test_docs_hold_the_help_of_every_command() -> None:
    page = (Path(__file__).parent.parent / "docs" / "cli.md").read_text("utf-8")
    for entry in ENTRIES:
        assert f"### longtake {entry.name}\n" in page
    assert page == reference(), "run: python -m longtake.cli.reference > docs/cli.md"


def test_version() -> None:
    done = program("--version")
    assert (done.returncode, done.stdout) == (0, f"longtake {__version__}\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["serch", "x"], "did you mean search?"),
        (["export"], "Missing argument 'VIDEO'"),
        (["search", "x", "-k", "0"], "-k"),
        (["timeline", "lecture", "--zoom", "shot"], "--zoom"),
        (["videos", "lst"], "did you mean list?"),
        (["search", "x", "--frm", "3"], "--from"),
        (["search", "  "], "the query is empty"),
        (["search", "x", "--in", "smell"], "no channel 'smell'"),
        (["search", "x", "--from", "20", "--to", "10"], "not after"),
        (["search", "x", "--from", "-5"], "is not a time"),
        (["search", "x", "--at", "nan"], "is not a time"),
        (["search", "x", "--to", "1:99:00"], "is not a time"),
        (["search", "x", "--profile", "fast"], "--profile"),
        (["ask", "lecture", ""], "the question is empty"),
        (["ask", "a", "b", "c"], "put the question in quotes"),
        (["ask", "--all", "lecture", "q"], "both a video and --all"),
        (["clip", "lecture", "12:00"], "needs a start and an end"),
        (["clip", "lecture", "2:00-1:00"], "not after"),
        (["show", "lecture"], "name a video and a time"),
        (["videos", "rm", "lecture"], "--yes"),
        (["config", "set", "thread", "2"], "near: threads"),
        (["ingest", "x.mp4", "--no-quick", "--no-deep"], "neither"),
    ],
)
def test_wrong_usage_exits_2_and_helps(world: World, args: list[str], said: str) -> None:
    result = world.run(*args)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    error = world.data(*args, code=2)
    assert error["code"] == "usage"


def tree(kind: type[errors.LongtakeError]) -> list[type[errors.LongtakeError]]:
    return [kind, *(one for sub in kind.__subclasses__() for one in tree(sub))]


@pytest.mark.parametrize("kind", tree(errors.LongtakeError), ids=lambda kind: kind.__name__)
def test_every_error_has_its_exit_code(world: World, kind: type[errors.LongtakeError]) -> None:
    world.script.ask_raises = kind("it went wrong", fix="mend it")
    result = world.run("ask", "lecture", "when?")
    assert result.exit_code == kind.exit_code
    assert result.stderr.splitlines() == ["error: it went wrong", "  fix: mend it"]
    error = world.data("ask", "lecture", "when?", code=kind.exit_code, command="ask")
    assert error == {"code": kind.code, "message": "it went wrong", "fix": "mend it"}


def test_a_bug_is_one_sentence_and_debug_shows_it(world: World) -> None:
    world.script.ask_raises = KeyError("lost")
    result = world.run("ask", "lecture", "when?")
    assert result.exit_code == 1
    assert "internal error (KeyError: 'lost')" in result.stderr
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in world.run("ask", "lecture", "when?", "--debug").stderr
    assert "Traceback" in world.run("--debug", "ask", "lecture", "when?").stderr


def test_missing_package_and_full_disk_are_named() -> None:
    session = Session()
    lost = edge.translate(ModuleNotFoundError("no", name="faiss.swig"), session)
    assert (lost.code, lost.fix) == ("missing_dependency", "pip install faiss")
    full = edge.translate(OSError(28, "No space left on device"), session)
    assert (full.code, full.exit_code) == ("disk_full", 3)
    own = edge.translate(ModuleNotFoundError("no", name="longtake.nothing"), session)
    assert own.exit_code == 1


def test_common_flags_stand_on_either_side(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other.longtake"
    for args in (["--library", other, "db", "path"], ["db", "path", "--library", other]):
        assert world.run(*args).stdout.strip() == str(other)


def test_quiet_says_nothing_but_errors(world: World) -> None:
    assert world.run("ask", "lecture", "when?", "--trace").stderr.startswith("· classify")
    assert world.run("-q", "ask", "lecture", "when?", "--trace").stderr == ""
    assert world.run("-q", "show", "lecture", "9:9:9").stderr.startswith("error:")


def test_colour_only_where_wanted(world: World) -> None:
    plain = world.run("ask", "lecture", "when?").stdout
    assert "\x1b[" not in plain
    forced = world.run("ask", "lecture", "when?", FORCE_COLOR="1").stdout
    assert re.sub(r"\x1b\[[0-9;]*m", "", forced).split("·")[0] == plain.split("·")[0]
    assert forced != plain
    none = world.run("ask", "lecture", "when?", FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b[" not in none


def test_reader_that_leaves_is_no_failure(world: World) -> None:
    listing = f"({sys.executable} -m longtake config sample; echo code $? >&2) | true"
    done = subprocess.run(
        ["bash", "-c", listing], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.stderr.strip() == "code 0"


def test_ctrl_c_exits_130_with_the_command_to_go_on(world: World) -> None:
    world.script.ask_raises = KeyboardInterrupt()
    result = world.run("ask", "lecture", "when is it?")
    assert result.exit_code == 130
    assert "go on with: longtake ask lecture 'when is it?'" in result.stderr


def test_real_signal_ends_the_program_cleanly(tmp_path: Path) -> None:
    code = (
        "import time, longtake.cli.session as s\n"
        "class Slow:\n"
        "    def videos(self):\n        print('ready', flush=True); time.sleep(60)\n"
        "    def close(self): pass\n"
        "s.open_library = lambda settings: Slow()\n"
        "from longtake.cli.main import cli\ncli(['videos', 'list'], prog_name='longtake')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "Traceback" not in said


def test_terminal_never_obeys_text_from_a_video() -> None:
    assert clean("a\x1b[31mred\x07\x9b2J\u202egnp\r\nb") == "a[31mred2Jgnp b"


def test_json_holds_no_nan_and_readable_text() -> None:
    assert json.loads(dump({"a": float("nan"), "b": (1, "é"), "c": Path("x")})) == {
        "a": None,
        "b": [1, "é"],
        "c": "x",
    }
    assert "é" in dump(["é"])


def test_table_lines_up() -> None:
    assert table([("a", "1"), ("bcd", "22")], right=(1,)) == "a     1\nbcd  22"
    assert table([]) == ""


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    save(target, "one")
    with pytest.raises(errors.UsageError, match="exists"):
        save(target, "two", overwrite=False)
    with pytest.raises(errors.UsageError, match="is a folder"):
        save(tmp_path, "x")
    with pytest.raises(errors.UsageError, match="there is no folder"):
        save(tmp_path / "no" / "a", "x")
    assert target.read_text() == "one"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(world: World, shell: str) -> None:
    result = world.run("completion", shell)
    assert result.exit_code == 0
    assert "_LONGTAKE_COMPLETE" in result.stdout


def test_completion_knows_the_commands() -> None:
    env = {**os.environ, "_LONGTAKE_COMPLETE": "bash_complete", "COMP_WORDS": "longtake tim"}
    done = program(env=env | {"COMP_CWORD": "1"})
    assert "timeline" in done.stdout


def test_completion_knows_the_videos(world: World) -> None:
    env = {**os.environ, "_LONGTAKE_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    done = program(env=env | {"COMP_WORDS": "longtake timeline lec"})
    assert done.stdout.split() == ["plain,lecture.mp4"]
    done = program(env=env | {"COMP_WORDS": "longtake ask ./vid"})
    assert done.stdout.split() == ["file,./vid"]


def test_schemas_are_schemas() -> None:
    for name in ("envelope", "ask", "search"):
        assert schema(name)["title"] == name


def test_library_that_is_not_there(empty_world: World) -> None:
    assert empty_world.run("videos", "list").exit_code == 0
    for args in (["search", "x"], ["ask", "x"], ["timeline", "x"], ["db", "check"]):
        result = empty_world.run(*args)
        assert result.exit_code == 5, args
        assert "longtake ingest" in result.stderr
