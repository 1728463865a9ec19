"""Pictures: the right frame at every instant, the same after a resume, whatever the file is like."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.errors import EmptyMedia, NoSuchFile, NoSuchMoment, Unreadable
from longtake.perception import pictures
from longtake.perception.decode import Decoder, Picture, Sound
from longtake.perception.frames import frame_at, frames_in, keyframes
from longtake.timecode import Span
from tests.media import (
    Scene,
    Track,
    beeps,
    damaged,
    draw_frames,
    draw_picture,
    draw_sound,
    draw_video,
    glued,
    not_a_video,
    read_number,
    shifted,
    truncated,
    zero_length,
)

# B-frames and an open GOP, so that frames are reordered and some are referred to by none.
REORDERED = {"preset": "fast", "crf": "18", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}
MOVING = [Scene(4, "blue", moving=True), Scene(4, "red", moving=True)]


def shown(path: Path, **options: Any) -> list[Picture]:
    return [item for item in Decoder(path, **options) if isinstance(item, Picture)]


def numbers(found: list[Picture]) -> list[int | None]:
    return [read_number(picture.small) for picture in found if picture.small is not None]


def same(one: list[Picture], two: list[Picture]) -> bool:
    return len(one) == len(two) and all(
        a.time == b.time
        and np.array_equal(a.small, b.small)
        and (a.full is None) == (b.full is None)
        and (a.full is None or np.array_equal(a.full, b.full))
        for a, b in zip(one, two, strict=True)
    )


def test_every_instant_shows_the_frame_on_display(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mp4", MOVING, fps=24, options=REORDERED, gop=24)
    found = shown(path)
    assert [p.time for p in found] == [k / 5 for k in range(40)]
    assert numbers(found) == [int(k / 5 * 24 + 1e-6) for k in range(40)]
    assert [p.time for p in found if p.full is not None] == [float(k) for k in range(8)]
    assert found[0].small is not None
    assert found[0].small.shape == (90, 160, 3)
    assert found[0].full is not None
    assert found[0].full.shape == (180, 320, 3)


def test_skipping_decodes_less_and_shows_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw_video(tmp_path / "a.mp4", MOVING, fps=25, options=REORDERED, gop=50)
    counts: list[int] = []
    take = pictures.PictureFlow._take

    def counting(self: Any, frames: list[Any]) -> Any:
        counts[-1] += len(frames)
        return take(self, frames)

    monkeypatch.setattr(pictures.PictureFlow, "_take", counting)
    counts.append(0)
    skipping = shown(path)
    monkeypatch.setattr(pictures.PictureFlow, "_needed", lambda *_: True)
    counts.append(0)
    everything = shown(path)
    assert same(skipping, everything)
    assert counts[1] == 200
    assert counts[0] < 150


def test_a_long_still_repeats_the_very_same_array(tmp_path: Path) -> None:
    slides = [
        draw_picture(Scene(1, c), (320, 180), number=i) for i, c in enumerate(("red", "blue"))
    ]
    frames = [(0.0, slides[0]), (30.0, slides[1]), (31.0, slides[1])]
    path = draw_frames(tmp_path / "v.mkv", frames, fps=30)
    found = shown(path)
    assert [p.time for p in found[:155]] == [k / 5 for k in range(155)]
    assert all(p.small is found[0].small for p in found[:150])
    assert all(p.full is found[0].full for p in found[:150:5])
    assert numbers(found) == [0] * 150 + [1] * (len(found) - 150)
    assert found[149].small is not found[150].small


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "ts", "avi", "mpg"])
def test_a_resumed_run_is_bit_identical(tmp_path: Path, suffix: str) -> None:
    options = REORDERED if suffix in ("mp4", "mkv", "ts") else None
    path = draw_video(
        tmp_path / f"a.{suffix}", [Scene(10, "blue", moving=True), Scene(4, "green", noise=20)],
        fps=25 if suffix == "mpg" else 12, size=(160, 90), gop=30, options=options, sound=beeps(14, [1, 5, 9]),
    )  # fmt: skip
    whole = shown(path)
    for start in (0.3, 3.0, 7.77, 11.2):
        later = shown(path, start=start)
        assert later[0].time == pytest.approx(np.ceil(start * 5 - 1e-6) / 5)
        assert same(later, [p for p in whole if p.time >= start - 1e-6])
    part = shown(path, start=5, until=9)
    assert same(part, [p for p in whole if 5 <= p.time < 9])


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_brings_pictures_upright(tmp_path: Path, degrees: int) -> None:
    upright = np.zeros((90, 160, 3), np.uint8)
    upright[:20, :20] = 255  # a white top left corner
    stored = np.rot90(upright, -degrees // 90)
    height, width = stored.shape[:2]
    path = draw_frames(
        tmp_path / "r.mp4", [(i / 10, stored) for i in range(10)], size=(width, height),
        rotation=degrees,
    )  # fmt: skip
    first = shown(path)[0]
    assert first.full is not None
    assert first.small is not None
    assert first.full.shape == (90, 160, 3)
    assert first.small.shape == (90, 160, 3)
    for image in (first.full, first.small):
        assert image[5:15, 5:15].mean() > 200
        assert image[-15:, -15:].mean() < 50


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mkv", "libx264", "yuv444p10le"), ("b.mkv", "libx264", "gray"),
        ("c.mkv", "libx264rgb", "rgb24"), ("d.avi", "mjpeg", "yuvj420p"),
        ("e.mkv", "ffv1", "yuv422p"), ("f.mov", "png", "rgba"), ("g.gif", "gif", "rgb8"),
    ],
)  # fmt: skip
def test_odd_pixel_formats(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    path = draw_video(tmp_path / name, [Scene(2, "red")], codec=codec, pix_fmt=pix_fmt)
    found = shown(path)
    assert numbers(found)[:5] == [0, 2, 4, 6, 8]
    assert found[0].small is not None
    red, green, _ = found[0].small[20:].mean(axis=(0, 1))
    assert pix_fmt == "gray" or red > green + 100


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "l.mp4", [Scene(1)], size=(640, 320))
    full = shown(path, max_side=200)[0].full
    assert full is not None
    assert full.shape == (100, 200, 3)


def test_resolution_may_change_midway(tmp_path: Path) -> None:
    small = draw_video(tmp_path / "s.ts", [Scene(2, "red")], size=(160, 90))
    large = draw_video(tmp_path / "l.ts", [Scene(2, "blue")], size=(320, 180))
    found = shown(glued([small, large], tmp_path / "both.ts"))
    shapes = {p.full.shape for p in found if p.full is not None}
    assert shapes == {(90, 160, 3), (180, 320, 3)}


def test_a_clock_that_falls_back_goes_on(tmp_path: Path) -> None:
    parts = [
        draw_video(tmp_path / f"{i}.ts", [Scene(3, c)], sound=beeps(3, [1.0]))
        for i, c in enumerate(("red", "blue", "green"))
    ]
    decoder = Decoder(glued(parts, tmp_path / "all.ts"))
    found = [item for item in decoder if isinstance(item, Picture)]
    assert 8.5 <= found[-1].time <= 9.3
    assert [p.time for p in found] == sorted({p.time for p in found})
    assert len(decoder.warnings) == 2
    assert "jump" in decoder.warnings[0]
    resumed = shown(decoder.path, start=5.0)
    assert same(resumed, [p for p in found if p.time >= 5])


def test_an_absurd_leap_is_taken_out_and_a_plain_gap_is_kept(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mkv", [Scene(4, "red")], sound=beeps(4, [1.0]))
    decoder = Decoder(shifted(path, tmp_path / "leap.mkv", after=2.0, by=90_000.0))
    assert 3.5 < list(decoder)[-1].time < 4.5
    assert any("jump" in warning for warning in decoder.warnings)
    decoder = Decoder(shifted(path, tmp_path / "gap.mkv", after=2.0, by=20.0))
    found = [item for item in decoder if isinstance(item, Picture)]
    assert 23.5 < found[-1].time < 24.5
    assert len(found) == round(found[-1].time * 5) + 1
    assert decoder.warnings == []


def test_without_timestamps_frames_follow_the_rate(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.h264", [Scene(4, "red", moving=True)], fps=25)
    assert numbers(shown(path)) == [5 * k for k in range(20)]


def test_a_truncated_file_gives_what_is_there(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mkv", [Scene(20, "red", noise=10)], fps=10)
    decoder = Decoder(truncated(path, tmp_path / "t.mkv", 0.5))
    found = [item for item in decoder if isinstance(item, Picture)]
    assert 5 < found[-1].time < 15
    assert any("ends at" in warning for warning in decoder.warnings)


def test_decoding_goes_on_over_damage(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.ts", [Scene(20, "red", moving=True, noise=10)], fps=10, gop=10)
    decoder = Decoder(damaged(path, tmp_path / "d.ts", at=0.4, length=20_000))
    found = [item for item in decoder if isinstance(item, Picture)]
    assert found[-1].time > 19
    assert numbers(found)[-3:] == [194, 196, 198]


def test_items_come_in_order_and_sound_before_the_picture_it_precedes(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mp4", MOVING, fps=25, sound=beeps(8, [2.0]))
    heard = seen = -1.0
    for item in Decoder(path):
        if isinstance(item, Sound):
            assert item.start >= seen - 1e-9
            heard = item.end
        else:
            assert item.time > seen
            assert heard >= min(item.time, 7.9)
            seen = item.time


def test_sound_longer_than_picture_keeps_showing_the_last_frame(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mp4", [Scene(3, "red")], sound=beeps(30, [1.0, 29.0]))
    seen = 0.0
    for item in Decoder(path):
        if isinstance(item, Picture):
            seen = item.time
        else:
            assert item.start - seen < 10  # not all the pictures after all the sound
    assert seen == pytest.approx(29.8, abs=0.3)


def test_sound_alone_has_no_pictures(tmp_path: Path) -> None:
    items = list(Decoder(draw_sound(tmp_path / "a.mp3", beeps(3, [1.0]))))
    assert items
    assert all(isinstance(item, Sound) for item in items)


def test_frame_at_and_frames_in(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mp4", MOVING, fps=25, options=REORDERED, gop=50)
    assert [read_number(frame_at(path, t)) for t in (0.0, 1.0, 3.99, 7.95)] == [0, 25, 99, 198]
    found = frames_in(path, Span(2, 3), 10)
    assert (
        [read_number(image) for _, image in found]
        == [int(t * 25 + 1e-6) for t, _ in found]
        == [50 + int(2.5 * k + 1e-6) for k in range(10)]
    )
    with pytest.raises(NoSuchMoment, match="ends at"):
        frame_at(path, 60)
    with pytest.raises(NoSuchMoment, match="sound only"):
        frame_at(draw_sound(tmp_path / "s.m4a", beeps(2, [1.0])), 1.0)


def test_keyframes_are_spaced_and_exact(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "a.mp4", [Scene(12, "red", moving=True)], fps=10, gop=10)
    found = list(keyframes(path, every=3.0))
    assert [time for time, _ in found] == [0.0, 3.0, 6.0, 9.0]
    assert [read_number(image) for _, image in found] == [0, 30, 60, 90]


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "folder.mp4").mkdir()
    return tmp_path / "folder.mp4"


def _picture(tmp_path: Path) -> Path:
    from PIL import Image

    Image.new("RGB", (64, 64)).save(tmp_path / "p.png")
    return tmp_path / "p.png"


BAD: list[tuple[Callable[[Path], Path], type[Exception], str]] = [
    (lambda d: d / "none.mp4", NoSuchFile, "no file"),
    (_folder, Unreadable, "is a folder"),
    (lambda d: zero_length(d / "z.mp4"), EmptyMedia, "empty"),
    (lambda d: not_a_video(d / "n.mp4"), Unreadable, "not media"),
    (_picture, Unreadable, "still picture"),
    (
        lambda d: truncated(draw_video(d / "a.mp4", [Scene(2)]), d / "t.mp4", 0.5),
        Unreadable,
        "index is missing",
    ),
]


@pytest.mark.parametrize(("make", "error", "words"), BAD)
def test_bad_files_are_named_in_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        list(Decoder(make(tmp_path)))
    assert getattr(caught.value, "fix", None)
    assert "\n" not in str(caught.value)


def test_the_container_is_closed_when_the_reader_stops(tmp_path: Path) -> None:
    import os

    path = draw_video(
        tmp_path / "a.mp4", [Scene(2)], tracks=[Track(beeps(2, [1.0]))]
    )  # fmt: skip
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(5):
        running = iter(Decoder(path))
        next(running)
        running.close()  # type: ignore[attr-defined]
    after = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    assert after == before


def test_decoders_side_by_side_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """While FFmpeg has much to say of a damaged file; its messages must not need Python's lock."""
    import av

    path = damaged(draw_video(tmp_path / "whole.mp4", MOVING), tmp_path / "a.mp4")
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(shown, path) for _ in range(8)]
        counts = {len(run.result(timeout=120)) for run in runs}
    assert len(counts) == 1
    assert av.logging.get_level() is None


def test_a_live_source_is_not_opened_again_when_enough_was_read(tmp_path: Path) -> None:
    from longtake.perception.sources import GrowingFile

    class Legs(GrowingFile):
        opened_times = 0

        def legs(self) -> Any:
            while not self.stopped:
                self.opened_times += 1
                with self.opened() as container:
                    yield container

    path = draw_video(tmp_path / "two.ts", [Scene(2, "blue", moving=True)])
    live = Legs(path, idle=0.2)
    times = [item.time for item in Decoder(live, until=1.0) if isinstance(item, Picture)]
    assert times[-1] < 1.0
    assert live.opened_times == 1
