"""Which frames are kept: change against the last kept patch, and against the frame before."""

from __future__ import annotations

import numpy as np

from longtake.perception.carry import pack, unpack
from longtake.perception.economy import HEIGHT, PATCH, WIDTH, Economy, largest, scaled, shrink


def grey(level: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1.5, (HEIGHT, WIDTH, 3))
    return np.clip(level + noise, 0, 255).astype(np.uint8)


def kept(economy: Economy, frames: list[np.ndarray]) -> list[int]:
    return [i for i, frame in enumerate(frames) if economy.offer(frame).keep]


def fade(n: int = 120) -> list[np.ndarray]:
    return [grey(40 + 150 * i / n, i) for i in range(n)]


def test_a_still_picture_is_kept_once() -> None:
    assert kept(Economy(), [grey(100, i) for i in range(200)]) == [0]


def test_a_slow_fade_is_kept_with_the_last_kept_rule() -> None:
    frames = fade()
    economy = Economy()
    indices = kept(economy, frames)
    assert len(indices) >= 10
    end = frames[-1].astype(int)
    assert abs(frames[indices[-1]].astype(int) - end).mean() <= 8 + 2


def test_a_slow_fade_is_lost_against_the_frame_before() -> None:
    assert kept(Economy(against="previous"), fade()) == [0]


def test_share_tells_how_much_changed() -> None:
    economy = Economy()
    economy.offer(grey(100))
    square = grey(100, 1)
    square[: PATCH * 3, : PATCH * 4] = 255
    verdict = economy.offer(square)
    assert int(verdict.changed.sum()) == 12
    assert verdict.changed[:3, :4].all()


def test_a_transition_is_kept_once_it_has_settled() -> None:
    frames = [grey(40)] * 3 + [grey(90), grey(140)] + [grey(200)] * 5
    assert kept(Economy(), frames) == [0, 6]
    assert kept(Economy(patience=0), frames) != [0, 6]


def test_endless_motion_is_kept_every_few_frames() -> None:
    frames = [grey(40 + 80 * (i % 3), i) for i in range(40)]
    indices = kept(Economy(patience=3), frames)
    assert 8 <= len(indices) <= 14


def test_state_goes_through_bytes() -> None:
    frames = [*fade(60), *[grey(40 if i % 2 else 200, i) for i in range(30)]]
    whole = kept(Economy(), frames)
    for stop in (1, 33, 62, 71):
        first, second = Economy(), Economy()
        out = kept(first, frames[:stop])
        second.restore(*unpack(pack(*first.state())))
        out += [stop + i for i in kept(second, frames[stop:])]
        assert out == whole


def test_shrink_gives_the_compared_size() -> None:
    assert shrink(np.zeros((720, 1280, 3), np.uint8)).shape == (HEIGHT, WIDTH, 3)


def test_scaled_averages_and_hits_the_size() -> None:
    rng = np.random.default_rng(1)
    for height, width in ((720, 1280), (1080, 1920), (360, 640), (241, 333), (90, 160), (7, 900)):
        image = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
        small = scaled(image, 192, 108)
        assert small.shape == (108, 192, 3)
        assert abs(float(small.mean()) - float(image.mean())) < 4
    fine = np.zeros((720, 1280, 3), np.uint8)
    fine[:, ::2] = 200  # columns finer than the grid: averaged, not picked
    assert set(np.unique(scaled(fine, 640, 352))) == {100}


def test_largest_is_the_largest_channel() -> None:
    image = np.random.default_rng(2).integers(0, 255, (31, 17, 3), dtype=np.uint8)
    assert np.array_equal(largest(image), image.max(axis=2))
