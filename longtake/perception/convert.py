"""Decoded frames to RGB arrays: scaled once, turned upright, any pixel format."""

from __future__ import annotations

from typing import Any

import numpy as np

from longtake.perception.items import Image


def turns(frame: Any) -> int:
    """Quarter turns counter-clockwise that bring the frame upright."""
    return round(getattr(frame, "rotation", 0) / 90) % 4


def fitted(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """The size of a picture whose longest side is at most `max_side`."""
    if not max_side or max(width, height) <= max_side:
        return width, height
    scale = max_side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


class Converter:
    """Turns frames into upright RGB arrays of one target size; keeps the scaler between frames.

    Give `size` (width, height as shown) or `max_side`. Scaling is bilinear in one thread, so the
    result does not depend on the machine's number of cores.
    """

    def __init__(self, *, size: tuple[int, int] | None = None, max_side: int | None = None) -> None:
        from av.video.reformatter import VideoReformatter

        self._size = size
        self._max_side = max_side
        self._scaler: Any = VideoReformatter()
        self._extra: dict[str, Any] = {"threads": 1}

    def image(self, frame: Any) -> Image:
        """Return the frame as an array [height, width, 3]."""
        quarter = turns(frame)
        if self._size:
            width, height = self._size if quarter % 2 == 0 else self._size[::-1]
        else:
            width, height = fitted(frame.width, frame.height, self._max_side)
        rgb = self._scale(frame, width, height).to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, quarter)) if quarter else rgb

    def _scale(self, frame: Any, width: int, height: int) -> Any:
        options = {"width": width, "height": height, "format": "rgb24", "interpolation": "BILINEAR"}
        try:
            return self._scaler.reformat(frame, **options, **self._extra)
        except TypeError:  # an older PyAV, which does not thread the scaler
            self._extra = {}
            return self._scaler.reformat(frame, **options)
