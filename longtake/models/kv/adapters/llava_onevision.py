"""LLaVA-OneVision: a frame is a square of pooled vectors, a line vector ends the whole video.

The model's own `get_video_features` puts that vector behind every call, so a stream cut into
chunks would hold many of them: here it is taken off each chunk and given once, by `closing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from longtake.models.kv.adapters.family import Family, FrameTokens
from longtake.models.kv.adapters.pixels import scaled
from longtake.models.protocols import Image


class LlavaOnevision(Family):
    """LLaVA-OneVision on Qwen2, 196 tokens a frame."""

    name: ClassVar[str] = "llava_onevision"

    def see(
        self, frames: Sequence[Image], times: Sequence[float], step: float
    ) -> list[FrameTokens]:
        """Return one unit for each frame."""
        import torch

        side = int(self.config.vision_config.image_size)
        pixels = scaled(frames, (side, side), self.scaling)
        with torch.no_grad():
            seen = self.model.get_video_features(
                pixels[None].to(self.embeddings.weight), return_dict=True
            ).pooler_output
        made = seen[0, :-1].reshape(len(frames), -1, seen.shape[-1])
        return [
            replace(self.picture(vectors), start=time, end=time + step)
            for vectors, time in zip(made, times, strict=True)
        ]

    def closing(self) -> FrameTokens | None:
        """Return the line vector that ends a video."""
        return self.picture(self.model.model.image_newline.detach()[None])
