"""Qwen2.5-VL: two frames make one picture in time; positions along time are seconds.

All pictures of a video share the rows and columns of its start; along time they stand
`tokens_per_second` apart for each second. Text after it goes on from its rows and columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from longtake.errors import UsageError
from longtake.models.kv.adapters.family import Family, FrameTokens
from longtake.models.kv.adapters.pixels import fit, patches, scaled
from longtake.models.protocols import Image


class QwenVL(Family):
    """What the models of this maker share: frames in groups, cut into patches."""

    def __init__(
        self, model: Any, tokenizer: Any = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(model, tokenizer, settings)
        self.vision = model.config.vision_config
        self.group = int(self.vision.temporal_patch_size)

    def encode(self, frames: Sequence[Image]) -> tuple[Any, int, tuple[int, int]]:
        """Return the encoder's answer, how many pictures it is, and the grid of each in tokens."""
        import torch

        if len(frames) % self.group:
            raise UsageError(f"{self.name} looks at frames in groups of {self.group}")
        side, merge = int(self.vision.patch_size), int(self.vision.spatial_merge_size)
        size = fit(frames[0].shape[0], frames[0].shape[1], side * merge, self.scaling)
        rows, grid = patches(scaled(frames, size, self.scaling), side, merge, self.group)
        weight = self.embeddings.weight
        with torch.no_grad():
            seen = self.model.get_video_features(
                rows.to(weight), torch.tensor([grid], device=weight.device), return_dict=True
            )
        return seen, grid[0], (grid[1] // merge, grid[2] // merge)


class Qwen25VL(QwenVL):
    """Qwen2.5-VL with positions of three axes."""

    name: ClassVar[str] = "qwen2_5_vl"

    def see(
        self, frames: Sequence[Image], times: Sequence[float], step: float
    ) -> list[FrameTokens]:
        """Return one unit for each pair of frames."""
        seen, count, grid = self.encode(frames)
        made = seen.pooler_output[0].chunk(count)
        starts, lasts = times[:: self.group], times[self.group - 1 :: self.group]
        return [
            replace(self.picture(vectors, grid), start=start, end=last + step)
            for vectors, start, last in zip(made, starts, lasts, strict=True)
        ]

    def lead(self, passed: int, seconds: float) -> tuple[int, ...]:
        """Later along time only; times are floats, and 3 × 1.3333 s is 4 s."""
        return (int(seconds * self.vision.tokens_per_second + 1e-6), 0, 0)

    def after(self, passed: int, unit: FrameTokens) -> int:
        """However long a video is, text after it goes on from its rows and columns."""
        return unit.width

    def opening(self) -> FrameTokens | None:
        """Return the mark before a video."""
        return self.words([self.config.vision_start_token_id])

    def closing(self) -> FrameTokens | None:
        """Return the mark after a video."""
        return self.words([self.config.vision_end_token_id])
