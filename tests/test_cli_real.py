"""The program from end to end: a drawn video goes in, what was watched comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_program import SCENES, Program, good, program
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
