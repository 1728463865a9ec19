"""The program from end to end: a drawn video goes in, what was watched comes out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.cli_program import SCENES, Program, good, program
from tests.cli_world import schema
from tests.media import draw_video, not_a_video

__all__ = ["good", "program"]


def test_a_good_video_goes_all_the_way(program: Program, good: Path) -> None:
    result = program.run("ingest", good)
    assert result.exit_code == 0, result.output
    found = json.loads(program.run("search", "exam march", "--json").stdout)["data"]["moments"]
    assert found[0]["source"] == "screen"
    assert found[0]["text"] == "EXAM ON 14 MARCH"
    assert found[0]["end"] <= 7.0
    assert "EXAM ON 14 MARCH" in program.run("show", "good", "5").stdout
    page = program.run("export", "good").stdout
    assert "ROOM B2" in page
    assert "data:image/jpeg;base64," in page
    again = program.run("ingest", good)
    assert again.exit_code == 0
    assert json.loads(program.run("videos", "list", "--json").stdout)["count"] == 1


def test_clip_and_frame_are_real(program: Program, good: Path) -> None:
    from longtake.perception.media import probe

    program.run("ingest", good)
    result = program.run("clip", "good", "0:07-0:11", "-o", "c.mp4", "--exact")
    assert result.exit_code == 0, result.output
    assert probe(program.folder / "c.mp4").duration == pytest.approx(4, abs=0.6)
    assert program.run("show", "good", "9", "-o", "f.jpg").exit_code == 0
    from PIL import Image

    with Image.open(program.folder / "f.jpg") as picture:
        assert picture.size == (320, 180)
        assert picture.convert("RGB").getpixel((300, 60))[2] > 120  # type: ignore[index]


def test_moved_file_is_found_again(program: Program, good: Path) -> None:
    here = program.folder / "here.mp4"
    here.write_bytes(good.read_bytes())
    program.run("ingest", here)
    there = program.folder / "sub" / "there.mp4"
    there.parent.mkdir()
    here.rename(there)
    lost = program.run("clip", "here", "1-2", "-o", "c.mp4")
    assert lost.exit_code == 6
    assert "videos relink" in lost.stderr
    result = program.run("videos", "relink", there.parent)
    assert result.exit_code == 0, result.output
    assert str(there) in result.stdout
    assert program.run("clip", "here", "1-2", "-o", "c.mp4").exit_code == 0
    other = not_a_video(program.folder / "other.mp4")
    program.fails(6, "videos", "relink", "here", other)


def test_estimate_watches_nothing(program: Program, good: Path) -> None:
    result = program.run("ingest", good, "--estimate", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["data"]
    assert told["video_seconds"] == pytest.approx(12, abs=0.5)
    assert told["seconds"] > 0
    assert told["bytes"] > 0
    assert told["passes"] == ["quick", "deep"]
    assert not program.library.exists()
    part = program.run("ingest", good, "--estimate", "--from", "5", "--to", "10", "--json")
    assert json.loads(part.stdout)["data"]["video_seconds"] == pytest.approx(5)
    text = program.run("ingest", good, "--estimate").stdout
    assert "about 00:00:0" in text
    assert "passes: quick, deep" in text
    program.run("ingest", good)
    done = json.loads(program.run("ingest", good, "--estimate", "--json").stdout)["data"]
    assert done["video_seconds"] == 0
    program.fails(6, "ingest", "nix.mp4", "--estimate")


def test_watching_a_part_then_the_rest(program: Program) -> None:
    path = draw_video(program.folder / "long.mp4", SCENES, fps=5)
    assert program.run("ingest", path, "--to", "6").exit_code == 0
    status = json.loads(program.run("status", "long", "--json").stdout)["data"]
    assert 0 < status["passes"]["deep"]["share"] < 1
    assert "ROOM" not in program.run("search", "room").stdout
    assert program.run("ingest", path).exit_code == 0
    assert "ROOM B2" in program.run("search", "room").stdout


def test_questions_are_answered_with_proof_or_declined(program: Program, good: Path) -> None:
    result = program.run(good, "when is the exam?", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    jsonschema.validate(told, schema("ask"))
    assert told["data"]["status"] == "answered"
    assert told["data"]["evidence"][0]["quote"] == "EXAM ON 14 MARCH"
    assert told["data"]["evidence"][0]["end"] <= 7
    told = json.loads(program.run("ask", "good", "how much is the textbook?", "--json").stdout)
    jsonschema.validate(told, schema("ask"))
    assert told["data"]["status"] == "not_in_video"
    assert told["data"]["searched"]
    program.run("ask", "good", "which room?")
    assert "ROOM B2" in program.run("show", "1").stdout
    chat = program.run_with("when is the exam?\n/why\n/quit\n", "chat", "good")
    assert chat.exit_code == 0, chat.output
    assert "EXAM ON 14 MARCH" in chat.stdout
    assert "classify" in chat.stdout


SLOW = """
import sys, time
import longtake.cli.session as session
from longtake.library import Library
from tests.fakes import FakeReader, fake_models
from longtake.cli.main import cli

class Slow(FakeReader):
    def reread(self, image, known):
        print("reading", file=sys.stderr, flush=True)
        time.sleep(PAUSE)
        return super().reread(image, known)

models = fake_models(text_reader=Slow(lambda image: ["line"]))
session.open_library = lambda settings: Library(settings, models=models)
cli(prog_name="longtake")
"""


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(program: Program) -> None:
    path = draw_video(program.folder / "long.mp4", SCENES * 4, fps=4)
    command = [sys.executable, "-c", SLOW.replace("PAUSE", "30"), "ingest", str(path), "--deep"]
    env = {**os.environ, "LONGTAKE_CHUNK_SECONDS": "10"}
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    assert child.stderr is not None
    for line in child.stderr:
        if "reading" in line:
            break
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=50)
    assert child.returncode == 130, said
    assert "Traceback" not in said
    assert f"go on with: longtake ingest {path} --deep" in said
    command[2] = SLOW.replace("PAUSE", "0")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert "deep pass done" in done.stdout
