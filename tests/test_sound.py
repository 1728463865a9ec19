"""Sound: placed by timestamps, the same after a resume, the same however it arrived."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from longtake.perception import hearing
from longtake.perception.decode import Decoder, Sound
from longtake.perception.hearing import PERIOD, SoundFlow
from longtake.perception.sound import SoundTrack
from tests.media import (
    Scene,
    Track,
    beeps,
    draw_sound,
    draw_video,
    glued,
    joined,
    onsets,
    silence,
    tone,
)


def heard(path: Path, start: float = 0.0) -> list[Sound]:
    return [item for item in Decoder(path, start=start) if isinstance(item, Sound)]


def track_of(blocks: list[Sound]) -> SoundTrack:
    track = SoundTrack()
    for block in blocks:
        track.add(block)
    return track


def noisy(seconds: int) -> NDArray[np.float32]:
    grain = np.random.default_rng(1).normal(0, 0.1, seconds * 48_000)
    return (tone(seconds, 300, level=0.3) + grain).astype(np.float32)


def errors(found: list[float], truth: list[float]) -> list[float]:
    return [min((abs(t - f) for f in found), default=9.0) for t in truth]


def test_joined_clips_do_not_drift(tmp_path: Path) -> None:
    import av

    # Each clip's sound is 0.06 s shorter than its picture, as real clips' is.
    part = draw_video(tmp_path / "part.mp4", [Scene(2, "red")], sound=beeps(1.94, [1.0]))
    path = joined([part] * 24, tmp_path / "joined.mp4")
    blocks = heard(path)
    with av.open(str(path)) as container:  # each clip's picture begins with a keyframe
        zero = container.start_time / 1e6
        keys = [p.pts * p.time_base for p in container.demux(video=0) if p.size and p.is_keyframe]
    truth = [float(time) - zero + 1.0 for time in keys]
    found = onsets(track_of(blocks).cut(0, 60), 16_000)
    assert len(found) == 24
    assert max(errors(found, truth)) < 0.02
    counting = np.concatenate([block.samples for block in blocks])
    assert max(errors(onsets(counting, blocks[0].rate), truth)) > 0.3


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mp4", "aac"), ("mkv", "libopus"), ("mkv", "vorbis"), ("webm", "libopus"),
        ("mkv", "libmp3lame"), ("ts", "aac"), ("avi", "pcm_s16le"), ("mkv", "pcm_s16le"),
    ],
)  # fmt: skip
def test_a_resumed_run_hears_bit_for_bit_the_same(
    tmp_path: Path, suffix: str, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "PERIOD", 10.0)
    track = Track(noisy(25), 48_000, codec)
    if codec == "vorbis":
        track = replace(track, channels=2, options={"strict": "-2"})
    path = draw_video(
        tmp_path / f"a.{suffix}", [Scene(25, "red")], fps=5, size=(64, 36), gop=25,
        tracks=[track], numbered=False,
    )  # fmt: skip
    whole = track_of(heard(path))
    for start in (1.5, 11.3, 15.0, 21.7):
        later = track_of(heard(path, start)).cut(start, 24.5)
        assert np.array_equal(later, whole.cut(start, 24.5))
        assert np.abs(later).max() > 0.1


def test_without_starting_anew_a_resumed_decoder_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: AAC's substituted noise remembers where it began."""
    monkeypatch.setattr(hearing, "PERIOD", 10.0)
    path = draw_sound(tmp_path / "a.m4a", noisy(25), codec="aac")
    whole = track_of(heard(path)).cut(15, 24)
    assert np.array_equal(track_of(heard(path, 15.0)).cut(15, 24), whole)
    monkeypatch.setattr(SoundFlow, "_new_context", lambda self: self._context)
    whole = track_of(heard(path)).cut(15, 24)
    assert not np.array_equal(track_of(heard(path, 15.0)).cut(15, 24), whole)


def test_starting_anew_leaves_no_seam(tmp_path: Path) -> None:
    sound = tone(2 * PERIOD + 10, 200, level=0.4)
    track = track_of(heard(draw_sound(tmp_path / "a.m4a", sound, codec="aac")))
    for seam in (PERIOD, 2 * PERIOD):
        samples = track.cut(seam - 0.5, seam + 0.5)
        assert np.abs(np.diff(samples)).max() < 0.4 * 2 * np.pi * 200 / 16_000 * 1.3


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
def test_cut_does_not_depend_on_the_blocks(rate: int) -> None:
    rng = np.random.default_rng(2)
    samples = (0.3 * rng.standard_normal(rate * 6)).clip(-1, 1).astype(np.float32)
    whole = track_of([Sound(0.0, samples, rate)])
    track, at = SoundTrack(), 0
    while at < len(samples):
        size = int(rng.integers(1, rate // 3))
        track.add(Sound(at / rate, samples[at : at + size], rate))
        at += size
    assert np.array_equal(track.cut(1.234, 4.9), whole.cut(1.234, 4.9))
    track.drop_before(1.2)
    assert np.array_equal(track.cut(1.234, 4.9), whole.cut(1.234, 4.9))
    joint = np.concatenate([whole.cut(1.0, 2.5), whole.cut(2.5, 4.0)])
    assert np.allclose(joint, whole.cut(1.0, 4.0), atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_pitch_level_and_place(rate: int) -> None:
    track = track_of([Sound(0.0, tone(5, 440, rate), rate)])
    expected = tone(5, 440, 16_000)
    assert np.abs(track.cut(1, 4) - expected[16_000:64_000]).max() < 0.01


def test_gaps_are_silent_and_overlaps_keep_the_earlier_sound() -> None:
    one = np.ones(16_000, np.float32)
    track = track_of([Sound(0.0, one * 0.5, 16_000), Sound(3.0, one * 0.25, 16_000)])
    track.add(Sound(3.5, one * 0.75, 16_000))
    cut = track.cut(0, 5)
    assert np.allclose(cut[:16_000], 0.5)
    assert not cut[16_000:48_000].any()
    assert np.allclose(cut[48_000:64_000], 0.25)
    assert np.allclose(cut[64_000:72_000], 0.75)
    assert not cut[72_000:].any()
    assert track.end == 4.5
    assert not track.heard(1.5, 2.5)
    assert track.heard(0.5, 2.5)


def test_missing_sound_costs_no_memory() -> None:
    track = track_of([Sound(t, silence(1), 48_000) for t in (0.0, 36_000.0)])
    held = sum(len(block) for run in track._runs for block in run.blocks)
    assert held == 96_000
    track.drop_before(40_000)
    assert track._runs == []
    assert not track.cut(36_000, 36_001).any()


def test_rates_may_change(tmp_path: Path) -> None:
    track = track_of(
        [Sound(0.0, tone(2, 440, 48_000), 48_000), Sound(2.0, tone(2, 440, 22_050), 22_050)]
    )
    expected = tone(2, 440, 16_000)
    assert np.abs(track.cut(0.5, 1.5) - expected[8_000:24_000]).max() < 0.01
    assert np.abs(track.cut(2.5, 3.5) - expected[8_000:24_000]).max() < 0.01


def test_the_default_audio_track_is_heard(tmp_path: Path) -> None:
    tracks = [Track(beeps(4, [1.0])), Track(beeps(4, [3.0]))]
    path = draw_video(tmp_path / "two.mkv", [Scene(4)], tracks=tracks)
    found = onsets(track_of(heard(path)).cut(0, 4), 16_000)
    assert found == pytest.approx([1.0], abs=0.02)


def test_a_track_that_starts_late_stays_late(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "late.mkv", [Scene(6)], tracks=[Track(beeps(2, [1.0]), start=3.0)])
    assert onsets(track_of(heard(path)).cut(0, 6), 16_000) == pytest.approx([4.0], abs=0.02)


def test_sound_stays_with_the_picture_where_the_clock_falls_back(tmp_path: Path) -> None:
    parts = [draw_video(tmp_path / f"{i}.ts", [Scene(3)], sound=beeps(3, [1.0])) for i in range(3)]
    found = onsets(track_of(heard(glued(parts, tmp_path / "g.ts"))).cut(0, 12), 16_000)
    assert found == pytest.approx([1.02, 4.05, 7.08], abs=0.15)


def test_stereo_is_averaged(tmp_path: Path) -> None:
    path = draw_sound(tmp_path / "s.wav", tone(1, level=0.5), channels=2)
    block = np.concatenate([b.samples for b in heard(path)])
    assert np.abs(block - tone(1, level=0.5)).max() < 1e-3
