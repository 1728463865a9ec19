"""`locate`, `summarize`, `highlights` and the chapters of `export` on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from longtake.cli.cuts import concat, edl
from longtake.cli.export.chapters import chapters
from longtake.cli.main import cli
from longtake.config import Settings
from longtake.library import Library
from tests.fakes import fake_models
from tests.worlds import ContentEncoder, World, lecture


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(tmp_path, models.text_encoder)

    def opened(settings: Settings) -> Library:
        return Library(settings, models=models)

    monkeypatch.setattr("longtake.cli.session.open_library", opened)
    monkeypatch.setenv("LONGTAKE_LIBRARY", str(made.path))
    yield made
    made.store.close()


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args))


def data(*args: str) -> dict[str, Any]:
    result = run(*args, "--json")
    assert result.exit_code == 0, result.output
    envelope = json.loads(result.stdout)
    assert envelope["ok"]
    assert envelope["command"] == args[0]
    made: dict[str, Any] = envelope["data"]
    return made


def test_locate_gives_windows_with_the_times_of_sentences(world: World) -> None:
    found = data("locate", "lecture", "tokens per second on the old laptop", "-k", "3")
    first = found["windows"][0]
    assert first["start"] == pytest.approx(world.at("Quantization", 40))
    assert first["source"] == "speech"
    assert 0 < first["p"] <= 1
    assert "saliency" not in found
    text = run("locate", "lecture", "tokens per second on the old laptop", "--saliency").stdout
    assert "forty two tokens" in text
    assert "█" in text or "▇" in text
    rows = data("locate", "lecture", "old laptop", "--saliency")["saliency"]
    assert len(rows["scores"]) == 360


def test_locate_says_when_nothing_fits(world: World) -> None:
    result = run("locate", "lecture", "volcano submarine giraffe")
    assert result.exit_code == 0
    assert "Nothing fits" in result.stdout


def test_locate_without_the_file_says_that_edges_are_remembered(world: World) -> None:
    result = run("locate", "lecture", "attention sinks", "--fine")
    assert result.exit_code == 0
    assert "is gone" in result.stderr


def test_summarize_quotes_with_times_and_keeps_its_length(world: World) -> None:
    text = run("summarize", "lecture").stdout
    assert "Attention sinks" in text
    assert "00:02:48" not in text or "Quantization" in text
    three = data("summarize", "lecture", "--sentences", "3")["sentences"]
    assert len(three) == 3
    assert all(one["cites"] for one in three)
    short = data("summarize", "lecture", "--words", "25")["sentences"]
    assert sum(len(one["text"].split()) for one in short) <= 25
    spoken = data("summarize", "lecture", "--seconds", "10")["sentences"]
    assert sum(len(one["text"].split()) for one in spoken) <= 25


def test_summarize_about_and_between(world: World) -> None:
    about = data("summarize", "lecture", "--about", "attention sinks")["sentences"]
    assert sum("sinks" in one["text"] for one in about) >= 3
    assert not [one for one in about if "weights" in one["text"] or "laptop" in one["text"]]
    late = data("summarize", "lecture", "--from", "7:00")["sentences"]
    assert all(one["start"] >= 420 for one in late)
    none = run("summarize", "lecture", "--about", "volcanoes")
    assert none.exit_code == 0
    assert "Nothing that bears on “volcanoes”" in none.stdout


def test_highlights_as_text_cues_and_cut_lists(world: World, tmp_path: Path) -> None:
    rows = data("highlights", "lecture", "-n", "3")["highlights"]
    assert len(rows) == 3
    assert all(one["why"] and one["cites"] and one["title"] for one in rows)
    cues = run("highlights", "lecture", "-n", "3", "--vtt").stdout
    assert cues.startswith("WEBVTT\n")
    assert cues.count(" --> ") == 3
    cuts = run("highlights", "lecture", "-n", "3", "--edl").stdout
    assert cuts.count("FROM CLIP NAME: lecture.mp4") == 3
    out = tmp_path / "reel.txt"
    assert run("highlights", "lecture", "-n", "3", "--ffmpeg", "-o", str(out)).exit_code == 0
    assert out.read_text("utf-8").count("inpoint") == 3


def test_chapters_are_exported_as_cues_without_gaps(world: World, tmp_path: Path) -> None:
    out = tmp_path / "chapters.vtt"
    assert run("export", "lecture", "-o", str(out)).exit_code == 0
    text = out.read_text("utf-8")
    assert text.startswith("WEBVTT\n")
    assert "00:04:00.000 --> 00:06:00.000\nAttention sinks\n" in text
    assert text == run("export", "lecture", "--format", "vtt").stdout


def test_a_title_from_a_video_cannot_break_a_list() -> None:
    evil = "a --> b\n\n1\n<b>x</b>\x1b[31m"
    part = {"start": 0.0, "end": 5.0, "title": evil, "text": evil}
    cues = chapters({"chapters": [part], "duration": 5.0})
    assert cues.count("-->") == 1
    assert "<b>" not in cues
    assert "\x1b" not in cues
    cuts = edl("n\nTITLE: other", [part], 25.0)
    assert cuts.count("\nTITLE") == 0
    assert cuts.splitlines()[3].endswith("00:00:00:00 00:00:05:00 00:00:00:00 00:00:05:00")
    joined = concat("/a/it's\nfile 'x'.mp4", [part])
    assert joined.splitlines()[1].startswith("file '/a/it'\\''s")
    assert len(joined.splitlines()) == 4


def test_a_chapter_without_a_name_is_numbered() -> None:
    parts = [{"start": 0.0, "end": 4.0, "title": ""}, {"start": 5.0, "end": 8.0, "title": "B"}]
    cues = chapters({"chapters": parts, "duration": 9.0})
    assert "00:00:00.000 --> 00:00:05.000\nPart 1\n" in cues
    assert "00:00:05.000 --> 00:00:09.000\nB\n" in cues


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["locate", "lecture", "  "], 2, "the description is empty"),
        (["locate", "lecture", "exam", "--from", "9:00:00"], 5, "beyond the end"),
        (["locate", "lecture", "exam", "--in", "smell"], 2, "no channel"),
        (["summarize", "lecture", "--words", "9", "--sentences", "2"], 2, "one length"),
        (["summarize", "lecture", "--from", "9:00:00"], 5, "beyond the end"),
        (["summarize", "lecture", "--from", "5:00", "--to", "4:00"], 2, "not after"),
        (["summarize", "nothing-like-it"], 5, "nothing-like-it"),
        (["highlights", "lecture", "--from", "9:00:00"], 5, "beyond the end"),
        (["highlights", "lecture", "-n", "0"], 2, "-n"),
        (["highlights", "lecture", "--min-gap", "-3"], 2, "--min-gap"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    world: World, args: list[str], code: int, said: str
) -> None:
    result = run(*args)
    assert result.exit_code == code
    assert said in result.stderr + result.stdout
