"""`longtake watch`: a line for each alert, one envelope at the end, and clean ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from longtake.cli.commands.watch import line
from tests.cli_program import SCENES, Program, good, program
from tests.media import draw_video

__all__ = ["good", "program"]

EXAM = '"exam on 14 March" is on the slide'
ROOM = '"room B2" is on the slide'


def test_each_event_is_one_line(program: Program, good: Path) -> None:
    done = program.run("watch", good, "--from", "start", "--tell-me", EXAM, "--tell-me", ROOM)
    assert done.exit_code == 0
    first, second = done.stdout.splitlines()
    assert first.startswith("00:00:0")
    assert "later) " + EXAM in first
    assert "on screen “EXAM ON 14 MARCH”" in first
    assert "“ROOM B2”" in second
    assert "2 alerts" in done.stderr


def test_with_json_each_alert_is_a_line_and_the_envelope_comes_last(
    program: Program, good: Path
) -> None:
    done = program.run("watch", good, "--from", "start", "--tell-me", ROOM, "--json")
    alert, _, rest = done.stdout.partition("\n")
    told = json.loads(alert)["alert"]
    assert told["delay"] == pytest.approx(told["at"] - told["onset"])
    envelope = json.loads(rest)
    assert envelope["ok"] is True
    assert envelope["count"] == 1
    assert envelope["data"]["skipped_seconds"] == 0


def test_once_ends_it(program: Program, good: Path) -> None:
    words = ("--tell-me", EXAM, "--tell-me", ROOM)
    done = program.run("watch", good, "--from", "start", *words, "--once")
    assert len(done.stdout.splitlines()) == 1


def test_a_part_of_the_stream_is_watched(program: Program, good: Path) -> None:
    done = program.run("watch", good, "--from", "start", "--tell-me", ROOM, "--for", "4")
    assert (done.exit_code, done.stdout) == (0, "")


def test_a_command_is_run_for_each_alert(program: Program, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "told"
    run = f'printf "%s\\n" "$LONGTAKE_QUERY" >> {out}'
    program.run("watch", good, "--from", "start", "--tell-me", ROOM, "--exec", run)
    assert out.read_text() == ROOM + "\n"


def test_a_command_that_fails_is_an_error_at_the_end(program: Program, good: Path) -> None:
    done = program.run("watch", good, "--from", "start", "--tell-me", ROOM, "--exec", "exit 1")
    assert done.exit_code == 3
    assert "ROOM B2" in done.stdout


def test_bad_requests_are_one_sentence(program: Program, good: Path, tmp_path: Path) -> None:
    program.fails(2, "watch", good)
    program.fails(2, "watch", good, "--tell-me", "  ")
    program.fails(2, "watch", good, "--tell-me", ROOM, "--webhook", "http://192.0.2.1/")
    program.fails(2, "watch", good, "--tell-me", ROOM, "--k", "3", "--of", "2")
    program.fails(6, "watch", "nothing.mp4", "--tell-me", ROOM)
    (tmp_path / "no.mp4").write_text("this is no video")
    os.utime(tmp_path / "no.mp4", (0, 0))
    program.fails(6, "watch", tmp_path / "no.mp4", "--tell-me", ROOM)


def test_ctrl_c_ends_it_with_a_summary(program: Program, tmp_path: Path) -> None:
    path = draw_video(tmp_path / "growing.ts", SCENES, fps=5)
    words = ("--tell-me", EXAM, "--exec", "kill -INT $PPID")  # as if pressed after an alert
    done = program.run("watch", path, "--from", "start", "--idle", "60", *words)
    assert done.exit_code == 130
    assert "watched " in done.stderr
    assert "1 alert" in done.stderr


def test_a_line_holds_no_control_characters(program: Program, good: Path) -> None:
    from longtake.agent.standing.watcher import Alert

    alert = Alert("a\x1b[2J", "spoken", 3.0, 3.8, 0.83, "x\r\ny\x1b]0;t\x07", 2.5, "", 0.1)
    assert line(alert).count("\x1b") == line(alert).count("\x1b[1m") + line(alert).count("\x1b[0m")
    assert "00:00:03.000 (0.8 s later)" in line(alert)


def test_a_question_is_kept_answered(program: Program, good: Path) -> None:
    program.run("ingest", good, "--no-quick")
    done = program.run("watch", "good.mp4", "--ask", "which room is on the slide?")
    assert done.exit_code == 0
    assert "ROOM B2" in done.stdout
    told = json.loads(
        program.run("watch", "good.mp4", "--ask", "which room?", "--json").stdout.split("\n", 1)[1]
    )
    assert told["data"]["answers"] == 1
    program.fails(2, "watch", "good.mp4", "--ask", "which room?", "--tell-me", ROOM)
