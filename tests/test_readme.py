"""What the README shows is what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from longtake.models.profiles import Models

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line[2:], comments=True)
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]


def program(*words: str, library: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "longtake", "--library", str(library), *words],
        check=False, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_shown_exists() -> None:
    from longtake.cli.main import cli

    named = {words[1] for words in COMMANDS if words[0] == "longtake"}
    named |= set(re.findall(r"`longtake ([a-z]+)[ `]", README))
    assert {"demo", "ingest", "ask", "search", "doctor"} <= named
    context = click.Context(cli)
    assert not [name for name in named if cli.get_command(context, name) is None]


def test_first_commands_are_install_and_demo() -> None:
    assert COMMANDS[:2] == [["pip", "install", "."], ["longtake", "demo"]]


@pytest.mark.slow
def test_the_demo_prints_the_transcript(offline_models: Models, tmp_path: Path) -> None:
    shown = re.search(r"three questions:\n\n```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    printed = program("demo", "--keep", str(tmp_path / "demo.longtake"), library=tmp_path / "x")
    lines = [line.strip() for line in shown[1].splitlines() if line.strip()]
    assert len(lines) >= 6
    assert [line for line in lines if line not in printed] == []

    asked = next(words for words in COMMANDS if words[:2] == ["longtake", "ask"])
    answer = re.search(r"what did the slide say\?\"\n```\n\n```text\n(.*?)```", README, re.DOTALL)
    assert answer is not None
    printed = program(*asked[1:], library=tmp_path / "demo.longtake")
    lines = [line.strip() for line in answer[1].splitlines() if line.strip()]
    assert [line for line in lines if line not in printed] == []


@pytest.mark.slow
def test_the_python_example_runs(
    offline_models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from longtake.demo import write_video

    monkeypatch.chdir(tmp_path)
    write_video(tmp_path).rename(tmp_path / "lecture.mp4")
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    exec(compile(code[1], "README.md", "exec"), {})  # noqa: S102
    assert "9 June" in capsys.readouterr().out
