"""Probing and identity."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from longtake.errors import EmptyMedia, NoSuchFile, Unreadable
from longtake.perception.media import fingerprint, probe
from tests.media import (
    Scene,
    beeps,
    draw_sound,
    draw_video,
    glued,
    not_a_video,
    read_blocks,
    shifted,
    truncated,
    zero_length,
)


def test_probe_says_what_is_there(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mp4", [Scene(3)], sound=beeps(3, [1.0]), rotation=90)
    info = probe(path)
    assert (info.has_video, info.has_audio) == (True, True)
    assert (info.width, info.height, info.rotation) == (180, 320, 90)
    assert (info.video_codec, info.audio_codec) == ("h264", "aac")
    assert info.fps == pytest.approx(10)
    assert info.duration == pytest.approx(3, abs=0.05)
    assert info.size == path.stat().st_size


def test_probe_of_sound_alone(tmp_path: Path) -> None:
    info = probe(draw_sound(tmp_path / "a.mp3", beeps(3, [1.0])))
    assert (info.has_video, info.has_audio, info.width) == (False, True, 0)
    assert info.duration == pytest.approx(3, abs=0.06)


def test_a_duration_that_cannot_be_is_measured(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mkv", [Scene(4)])
    assert probe(shifted(path, tmp_path / "s.mkv", after=2, by=90_000)).duration < 5
    ts = draw_video(tmp_path / "a.ts", [Scene(4)])
    assert probe(glued([ts] * 3, tmp_path / "g.ts")).duration == pytest.approx(12, abs=0.5)


def test_probe_names_bad_files(tmp_path: Path) -> None:
    with pytest.raises(NoSuchFile):
        probe(tmp_path / "none.mp4")
    with pytest.raises(NoSuchFile):
        probe("https://example.org/a.mp4")
    with pytest.raises(EmptyMedia):
        probe(zero_length(tmp_path / "z.mp4"))
    with pytest.raises(Unreadable):
        probe(not_a_video(tmp_path / "n.mp4"))
    with pytest.raises(Unreadable):
        probe(tmp_path)
    with pytest.raises(Unreadable):
        probe(truncated(draw_video(tmp_path / "a.mp4", [Scene(2)]), tmp_path / "t.mp4"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mp4", [Scene(1)])
    path.chmod(0)
    with pytest.raises(Unreadable, match="permission"):
        probe(path)


def test_names_that_look_like_protocols_or_options_are_files(tmp_path: Path) -> None:
    for name in ("-i.mp4", "concat:a.mp4", "http:x.mp4", "100%d.mp4"):
        path = draw_video(tmp_path / "plain.mp4", [Scene(1)]).rename(tmp_path / name)
        assert probe(path).has_video


def test_fingerprint_follows_the_content_alone(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mp4", [Scene(2, "red")])
    first = fingerprint(path)
    (tmp_path / "sub").mkdir()
    moved = path.rename(tmp_path / "sub" / "b.mkv")
    os.utime(moved, (1, 1))
    assert fingerprint(moved) == first
    data = bytearray(moved.read_bytes())
    data[len(data) // 2] ^= 1
    moved.write_bytes(bytes(data))
    assert fingerprint(moved) != first


def test_drawn_text_can_be_read_back(tmp_path: Path) -> None:
    from longtake.perception.frames import frame_at

    path = draw_video(tmp_path / "a.mp4", [Scene(1, "blue", "Exam: 12 May\nroom 4")])
    assert read_blocks(frame_at(path, 0.5)) == "Exam: 12 May\nroom 4"
