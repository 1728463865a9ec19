"""Cuts on the fine grid, and the clips that end at them."""

from __future__ import annotations

import numpy as np

from longtake.perception.clips import clip_end, decided_at, rest_end
from longtake.perception.shots import ShotRule, ShotTrack, change, stir

COLOURS = ((200, 40, 40), (40, 60, 200), (60, 180, 60), (220, 220, 220), (20, 20, 20))


def shot(colour: tuple[int, int, int], k: int, noise: int = 6) -> np.ndarray:
    grain = np.random.default_rng(k).integers(-noise, noise + 1, (90, 160, 3))
    return np.clip(np.array(colour) + grain, 0, 255).astype(np.uint8)


def track_of(pictures: list[np.ndarray], rule: ShotRule | None = None) -> ShotTrack:
    track = ShotTrack(rule) if rule else ShotTrack()
    for k, small in enumerate(pictures):
        track.add(k / 5, small)
    return track


def test_cuts_are_found_where_they_are() -> None:
    pictures = [shot(COLOURS[k // 40], k) for k in range(200)]
    found = track_of(pictures).cuts(0.0, 40.0)
    assert [time for time, _ in found] == [8.0, 16.0, 24.0, 32.0]
    assert all(0 < strength <= 1 for _, strength in found)


def test_a_slow_fade_and_steady_motion_are_no_cuts() -> None:
    fade = [shot((40 + k, 40 + k, 40 + k), k) for k in range(150)]
    assert track_of(fade).cuts(0.0, 30.0) == []
    rng = np.random.default_rng(0)
    wild = [rng.integers(0, 255, (90, 160, 3), dtype=np.uint8) for _ in range(100)]
    assert track_of(wild).cuts(0.2, 19.0) == []


def test_without_the_ratio_motion_is_full_of_cuts() -> None:
    rng = np.random.default_rng(0)
    wild = [rng.integers(0, 255, (90, 160, 3), dtype=np.uint8) for _ in range(100)]
    assert len(track_of(wild, ShotRule(ratio=0.0)).cuts(0.2, 19.0)) > 10


def test_a_change_of_slide_is_a_cut_though_little_changes() -> None:
    first, second = np.full((90, 160, 3), 250, np.uint8), np.full((90, 160, 3), 250, np.uint8)
    first[20:30, 10:120] = 30
    second[40:50, 10:90] = 30
    assert change(first, second) < ShotRule().least * 3
    found = track_of([first] * 40 + [second] * 40).cuts(0.0, 16.0)
    assert [time for time, _ in found] == [8.0]
    assert track_of([first] * 40 + [second] * 40, ShotRule(step=1e9, least=1e9)).cuts(0, 16) == []


def test_cuts_are_the_same_from_two_seconds_earlier() -> None:
    pictures = [shot(COLOURS[k // 23 % 5], k) for k in range(300)]
    whole = track_of(pictures).cuts(20.0, 50.0)
    late = ShotTrack()
    for k in range(90, 300):
        late.add(k / 5, pictures[k])
    assert late.cuts(20.0, 50.0) == whole
    assert whole


def test_something_stirring_soon_is_announced() -> None:
    still, word = np.full((90, 160, 3), 250, np.uint8), np.full((90, 160, 3), 250, np.uint8)
    word[40:50, 40:80] = 0
    track = track_of([still] * 10 + [word] * 10)
    assert stir(still, word) > 10 > change(still, word)
    assert track.about_to_change(1.2)
    assert not track.about_to_change(0.4)
    assert not track.about_to_change(2.4)


def test_a_clip_ends_at_the_strongest_cut_in_reach() -> None:
    cuts = [(105.0, 0.9), (108.4, 0.3), (111.0, 0.6), (111.8, 0.6), (113.0, 0.9)]
    assert clip_end(100.0, cuts, 10.0) == 111.0
    assert clip_end(100.0, [], 10.0) == 110.0
    assert decided_at(100.0, 10.0) == 114.0


def test_the_last_clip_is_what_is_left() -> None:
    assert rest_end(100.0, 103.0, 10.0) == 103.0
    assert rest_end(100.0, 111.5, 10.0) == 111.5
    assert rest_end(100.0, 115.0, 10.0) == 110.0
