"""Frames as the numbers an image encoder takes: scaled, normalised, cut into patches.

transformers' own video processors need torchvision; these few steps need Pillow and torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from longtake.errors import UsageError
from longtake.models.protocols import Image

if TYPE_CHECKING:
    from torch import Tensor

_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_BICUBIC = 3  # Pillow's number of the filter, as in preprocessor_config.json.


@dataclass(frozen=True, slots=True)
class Look:
    """How frames are scaled.

    Attributes:
        mean: of red, green and blue in [0, 1].
        std: likewise.
        least: the fewest pixels of a frame, where a family keeps its shape.
        most: the most pixels of a frame.
        resample: Pillow's number of the filter.
    """

    mean: tuple[float, ...] = _CLIP[0]
    std: tuple[float, ...] = _CLIP[1]
    least: int = 128 * 28 * 28
    most: int = 768 * 28 * 28
    resample: int = _BICUBIC

    def changed(self, settings: Mapping[str, Any]) -> Look:
        """Return it with what a preprocessor_config.json says."""
        size = settings.get("size") or {}
        given: dict[str, Any] = {
            "mean": settings.get("image_mean") and tuple(settings["image_mean"]),
            "std": settings.get("image_std") and tuple(settings["image_std"]),
            "least": settings.get("min_pixels") or size.get("shortest_edge"),
            "most": settings.get("max_pixels") or size.get("longest_edge"),
            "resample": settings.get("resample"),
        }
        return replace(self, **{name: value for name, value in given.items() if value is not None})


def fit(height: int, width: int, step: int, look: Look) -> tuple[int, int]:
    """The size nearest to a frame's whose sides are multiples of `step` and whose area fits."""
    if min(height, width) < 1:
        raise UsageError(f"a frame of {height}×{width} pixels cannot be looked at")
    sides = [max(step, round(side / step) * step) for side in (height, width)]
    shrink = math.sqrt(height * width / look.most)
    grow = math.sqrt(look.least / (height * width))
    if sides[0] * sides[1] > look.most:
        sides = [max(step, math.floor(side / shrink / step) * step) for side in (height, width)]
    elif sides[0] * sides[1] < look.least:
        sides = [math.ceil(side * grow / step) * step for side in (height, width)]
    return sides[0], sides[1]


def scaled(frames: Sequence[Image], size: tuple[int, int], look: Look) -> Tensor:
    """Return frames [F, H, W, 3] as float32 [F, 3, height, width], normalised."""
    import numpy as np
    import torch
    from PIL import Image as Pillow

    made = []
    for frame in frames:
        picture = Pillow.fromarray(frame)
        if picture.size != (size[1], size[0]):
            picture = picture.resize((size[1], size[0]), Pillow.Resampling(look.resample))
        made.append(np.asarray(picture))
    pixels = torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(three).view(1, 3, 1, 1) for three in (look.mean, look.std))
    return (pixels - mean) / std


def patches(pixels: Tensor, side: int, merge: int, group: int) -> tuple[Tensor, list[int]]:
    """Cut frames [T·group, 3, H, W] into rows of `group` × side × side pixels, as Qwen-VL does.

    Patches that will be merged into one token (merge × merge) follow each other.

    Returns:
        [T·H/side·W/side, 3·group·side²] and the grid [T, H/side, W/side].
    """
    frames, channels, height, width = pixels.shape
    grid = [frames // group, height // side, width // side]
    rows, columns = grid[1] // merge, grid[2] // merge
    cut = pixels.reshape(
        grid[0], group, channels, rows, merge, side, columns, merge, side
    )  # T, frame, colour, row, row in it, y, column, column in it, x
    cut = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return cut.reshape(math.prod(grid), channels * group * side * side), grid
