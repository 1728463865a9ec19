"""Qwen3-VL: each pair of frames stands between marks, after its time in words.

Vectors of the encoder's middle layers are added to the first layers of the text model at the
places of the picture (DeepStack): `extras` gives them for the units that are run together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from longtake.models.kv.adapters.family import FrameTokens, joined
from longtake.models.kv.adapters.pixels import Look
from longtake.models.kv.adapters.qwen2_5_vl import QwenVL
from longtake.models.protocols import Image

_MASK, _DEEP = "visual_pos_masks", "deepstack_visual_embeds"


class Qwen3VL(QwenVL):
    """Qwen3-VL with interleaved positions of three axes."""

    name: ClassVar[str] = "qwen3_vl"
    writes: ClassVar[bool] = True
    look: ClassVar[Look] = Look(
        mean=(0.5,) * 3, std=(0.5,) * 3, least=128 * 32 * 32, most=768 * 32 * 32
    )

    def see(
        self, frames: Sequence[Image], times: Sequence[float], step: float
    ) -> list[FrameTokens]:
        """Return one unit for each pair of frames: its time, and the picture between marks."""
        seen, count, grid = self.encode(frames)
        vectors = seen.pooler_output[0].chunk(count)
        deep = [feature[0].chunk(count) for feature in seen.deepstack_features]
        units = []
        for number in range(count):
            shown = times[number * self.group : (number + 1) * self.group]
            unit = self._unit(self.picture(vectors[number], grid), shown, step)
            extras = {_MASK: unit.tokens[None] == -1, _DEEP: [part[number] for part in deep]}
            units.append(replace(unit, extras=extras))
        return units

    def _unit(self, picture: FrameTokens, shown: Sequence[float], step: float) -> FrameTokens:
        said = f"<{(shown[0] + shown[-1]) / 2:.1f} seconds>"
        before = self.tokenizer.encode(said, add_special_tokens=False)
        first, last = self.config.vision_start_token_id, self.config.vision_end_token_id
        parts = [self.words([*before, first]), picture, self.words([last])]
        return joined(parts, shown[0], shown[-1] + step)

    def extras(self, units: Sequence[FrameTokens]) -> dict[str, Any]:
        """Return the places of pictures, and what the first layers add there."""
        import torch

        deep = [unit.extras[_DEEP] for unit in units if unit.extras]
        if not deep:
            return {}
        mask = torch.cat([unit.tokens == -1 for unit in units])[None]
        return {_MASK: mask, _DEEP: [torch.cat(layer) for layer in zip(*deep, strict=True)]}
