"""Which frames a vision model is shown."""

from __future__ import annotations

import numpy as np

from longtake.models.protocols import Image
from longtake.perception.distinct import distinct


def slide(seed: int, noise: int = 0) -> Image:
    """A picture of its own, with a little noise."""
    ground = np.random.default_rng(seed).integers(0, 256, (9, 16, 3)).repeat(40, 0).repeat(40, 1)
    grain = np.random.default_rng(noise).integers(-6, 7, ground.shape) if noise else 0
    return (ground + grain).clip(0, 255).astype(np.uint8)


def test_near_identical_frames_are_shown_once() -> None:
    frames = [slide(1), slide(1, 5), slide(2), slide(2, 6), slide(1, 7)]
    assert distinct(frames) == [0, 2]
    assert distinct(frames, share=-1.0) == [0, 1, 2, 3, 4]  # OFF.


def test_what_is_shown_besides_counts() -> None:
    assert distinct([slide(1, 3), slide(2)], shown=[slide(1)]) == [1]
    assert distinct([slide(1, 3)], shown=[slide(1)]) == []
    assert distinct([]) == []


def test_a_small_change_is_a_change() -> None:
    other = slide(1)
    other[100:180, 100:260] = 255
    assert distinct([slide(1), other]) == [0, 1]
    other = slide(1)
    other[100:110, 100:110] = 255  # A pointer is not.
    assert distinct([slide(1), other]) == [0]
