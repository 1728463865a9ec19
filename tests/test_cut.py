"""Cutting clips: the span asked for, nothing overwritten, names taken literally, errors said."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from longtake.errors import BackendError, MissingDependency, NoSuchMoment, UsageError
from longtake.perception.cut import cut_clip, find_ffmpeg
from longtake.perception.frames import frame_at
from longtake.perception.media import probe
from longtake.timecode import Span
from tests.media import Scene, beeps, draw_video, read_number


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cut") / "a.mp4"
    return draw_video(path, [Scene(8, "red", moving=True)], gop=20, sound=beeps(8, [2.0]))


def test_copy_begins_at_the_keyframe_and_exact_where_asked(video: Path, tmp_path: Path) -> None:
    copied = cut_clip(video, Span(2.5, 5), tmp_path / "copy.mkv")
    assert read_number(frame_at(copied, 0)) == 20
    assert probe(copied).video_codec == "h264"
    exact = cut_clip(video, Span(2.5, 5), tmp_path / "exact.mp4", exact=True)
    assert read_number(frame_at(exact, 0)) == 25
    assert probe(exact).duration == pytest.approx(2.5, abs=0.1)
    assert probe(exact).has_audio
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.mkv", "exact.mp4"]


def test_nothing_is_overwritten_unasked(video: Path, tmp_path: Path) -> None:
    before = video.read_bytes()
    with pytest.raises(UsageError, match="source"):
        cut_clip(video, Span(0, 1), video, overwrite=True)
    taken = tmp_path / "taken.mp4"
    taken.write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        cut_clip(video, Span(0, 1), taken)
    assert taken.read_text() == "mine"
    assert video.read_bytes() == before
    assert probe(cut_clip(video, Span(0, 1), taken, overwrite=True)).has_video


def test_names_are_taken_literally(video: Path, tmp_path: Path) -> None:
    for name in ("-y.mp4", "concat:b.mp4", "pipe:1.mp4", "%d.mp4"):
        source = tmp_path / name
        shutil.copy(video, source)
        out = cut_clip(source, Span(0, 1), tmp_path / f"-out {name}")
        assert probe(out).has_video


def test_bad_requests(video: Path, tmp_path: Path) -> None:
    with pytest.raises(NoSuchMoment, match="ends at"):
        cut_clip(video, Span(100, 101), tmp_path / "x.mp4")
    with pytest.raises(UsageError, match="no time"):
        cut_clip(video, Span(1, 1), tmp_path / "x.mp4")
    with pytest.raises(UsageError, match="folder"):
        cut_clip(video, Span(0, 1), tmp_path / "none" / "x.mp4")
    with pytest.raises(BackendError, match="could not cut") as caught:
        cut_clip(video, Span(0, 1), tmp_path / "x.nonsense")
    assert "\n" not in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_finding_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "")
    assert find_ffmpeg(str(program)) == str(program)
    monkeypatch.setenv("LONGTAKE_FFMPEG", str(program))
    assert find_ffmpeg() == str(program)
    monkeypatch.setenv("LONGTAKE_FFMPEG", str(tmp_path / "none"))
    with pytest.raises(MissingDependency, match="none"):
        find_ffmpeg()
    monkeypatch.delenv("LONGTAKE_FFMPEG")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingDependency) as caught:
        find_ffmpeg()
    assert "LONGTAKE_FFMPEG" in (caught.value.fix or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == str(program)
