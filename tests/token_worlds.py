"""Drawn tokens: patches of small pictures as vectors, with what happens in them known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from longtake.models.economy.tokens import Tokens


def planted(vectors: Tensor, grid: tuple[int, int] | None = None) -> Tokens:
    """Tokens of frames [F, P, d], one second apart; deeper layers get their doubles."""
    frames, places, d = vectors.shape
    rows, columns = grid or (1, places)
    frame = torch.arange(frames).repeat_interleave(places)
    cell = torch.arange(places).repeat(frames)
    n = frames * places
    flat = vectors.reshape(n, d)
    return Tokens(flat, torch.arange(n), frame.double(), frame, cell // columns, cell % columns,
                  torch.ones(n, dtype=torch.float64), (flat * 2,), n, frames,
                  (rows, columns))  # fmt: skip


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def patched(frames: np.ndarray, side: int) -> Tokens:
    """Pixels [F, H, W] as tokens: the mean grey of each patch as an angle, and its texture."""
    f, height, width = frames.shape
    rows, columns = height // side, width // side
    cut = frames.reshape(f, rows, side, columns, side).swapaxes(2, 3)
    flat = torch.from_numpy(cut.reshape(f, rows * columns, side * side)).double() / 255
    mean = flat.mean(2, keepdim=True)
    lifted = torch.cat(((2 * mean).cos(), (2 * mean).sin(), (flat - mean) / 2), dim=2)
    return planted(lifted, (rows, columns))


def greys(tokens: Tokens) -> Tensor:
    """The mean grey level of each token of `patched`."""
    return torch.atan2(tokens.embeds[:, 1], tokens.embeds[:, 0]) / 2 * 255


def moving_square(frames: int = 120, size: int = 128, square: int = 24) -> np.ndarray:
    """A bright square that goes from left to right and again, on noise."""
    rng = np.random.default_rng(0)
    made = 60 + rng.normal(0, 1.5, (frames, size, size))
    for n in range(frames):
        x = 2 * n % (size - square)
        made[n, 48 : 48 + square, x : x + square] = 220
    return made


def slow_fade(frames: int = 120, size: int = 128) -> np.ndarray:
    """A whole picture that goes from dark to bright, a little each frame."""
    rng = np.random.default_rng(1)
    levels = np.linspace(30, 220, frames)[:, None, None]
    return levels + rng.normal(0, 1.5, (frames, size, size))


def scenes(lengths: list[int], places: int = 16, d: int = 24, seed: int = 0) -> Tensor:
    """Frames of scenes, each with patches of its own and a little noise [F, P, d]."""
    parts = [noise(1, places, d, seed=seed + n) + 0.05 * noise(length, places, d, seed=900 + n)
             for n, length in enumerate(lengths)]  # fmt: skip
    return torch.cat(parts)


def still_with_mover(frames: int = 64, side: int = 8, d: int = 24,
                     track: int = 64) -> tuple[Tensor, Tensor]:  # fmt: skip
    """A still scene with one moving patch: vectors [F, P, d], and bool [F, P] where it is.

    It goes over the first `track` places, again and again.
    """
    vectors = scenes([frames], side * side, d)
    where = torch.arange(frames)[:, None] % track == torch.arange(side * side)
    vectors[where] = noise(d, seed=77) * 1.5 + 0.05 * noise(frames, d, seed=78)
    return vectors, where
