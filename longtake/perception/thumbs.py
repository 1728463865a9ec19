"""Small JPEGs of frames, the same bytes for the same picture."""

from __future__ import annotations

import hashlib
import io

from longtake.models.protocols import Image
from longtake.storage.records import Thumb

WIDTH = 256
QUALITY = 75


def thumbnail(image: Image, width: int = WIDTH) -> Thumb:
    """Return the picture `width` pixels wide (never enlarged), named by its bytes."""
    from PIL import Image as Pictures

    picture = Pictures.fromarray(image)
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Pictures.Resampling.BOX)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, optimize=False, progressive=False)
    jpeg = out.getvalue()
    return Thumb(hashlib.sha256(jpeg).hexdigest(), jpeg)
