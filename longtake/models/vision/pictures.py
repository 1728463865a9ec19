"""Pictures as vision models are given them: no larger than they need, if asked as JPEG."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from longtake.errors import UsageError
from longtake.models.protocols import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

QUALITIES = (85, 70, 55)
"""How good a JPEG is tried to be before the picture is made smaller."""
_LEAST = 32


def fitted(image: Image, longest: int) -> Picture:
    """Return the picture, its longer side at most `longest` pixels; never made larger."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image)
    share = longest / max(picture.size)
    if share >= 1:
        return picture
    size = [max(1, round(side * share)) for side in picture.size]
    return picture.resize((size[0], size[1]), Pillow.Resampling.LANCZOS)


def jpeg(image: Image, longest: int, most: int) -> bytes:
    """Return the picture as a JPEG of at most `longest` pixels a side and `most` bytes.

    What is too heavy loses quality first, then size.

    Raises:
        UsageError: not even a tiny picture has so few bytes.
    """
    side = min(longest, max(image.shape[:2]))
    while side >= _LEAST or side == min(longest, max(image.shape[:2])):
        picture = fitted(image, side)
        for quality in QUALITIES:
            held = io.BytesIO()
            picture.save(held, "JPEG", quality=quality)
            if held.tell() <= most:
                return held.getvalue()
        side = side * 3 // 4
    raise UsageError(f"no picture fits into {most} bytes", fix="allow more bytes for each picture")


def data_url(raw: bytes) -> str:
    """A JPEG as a ``data:`` URL."""
    return f"data:image/jpeg;base64,{base64.b64encode(raw).decode('ascii')}"
