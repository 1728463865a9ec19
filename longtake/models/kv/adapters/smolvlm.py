"""SmolVLM: each frame is its time in words and one square of vectors between marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from longtake.models.kv.adapters.family import Family, FrameTokens, joined
from longtake.models.kv.adapters.pixels import Look, scaled
from longtake.models.protocols import Image

_AROUND, _WHOLE = "<fake_token_around_image>", "<global-img>"
_LANCZOS = 1


class SmolVLM(Family):
    """SmolVLM and SmolVLM2 on Llama; frames are not split into tiles."""

    name: ClassVar[str] = "smolvlm"
    writes: ClassVar[bool] = True
    look: ClassVar[Look] = Look(mean=(0.5,) * 3, std=(0.5,) * 3, resample=_LANCZOS)

    def see(
        self, frames: Sequence[Image], times: Sequence[float], step: float
    ) -> list[FrameTokens]:
        """Return one unit for each frame: its time, and the picture between marks."""
        import torch

        side = int(self.config.vision_config.image_size)
        pixels = scaled(frames, (side, side), self.scaling)
        with torch.no_grad():
            seen = self.model.get_image_features(
                pixels[None].to(self.embeddings.weight), return_dict=True
            ).pooler_output
        made = torch.cat(list(seen)).chunk(len(frames))
        around, whole = (self.tokenizer.convert_tokens_to_ids(mark) for mark in (_AROUND, _WHOLE))
        units = []
        for vectors, time in zip(made, times, strict=True):
            said = f"\nFrame from {int(time // 60):02d}:{int(time % 60):02d}:"
            before = self.tokenizer.encode(said, add_special_tokens=False)
            parts = [
                self.words([*before, around, whole]),
                self.picture(vectors),
                self.words([around]),
            ]
            units.append(joined(parts, time, time + step))
        return units
