"""A picture from a file: a photo, a screenshot, a frame that was cut out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from longtake.errors import EmptyMedia, NoSuchFile, Unreadable, UsageError
from longtake.perception.items import Image

_MOST_PIXELS = 100_000_000


def read_picture(path: Path | str) -> Image:
    """Return a picture file upright, as RGB [height, width, 3]; of an animation the first frame.

    Raises:
        NoSuchFile: there is no file at this path.
        EmptyMedia: the file is empty.
        Unreadable: it is no picture, is damaged, or is too large.
        UsageError: it is a folder.
    """
    from PIL import Image as Pillow
    from PIL import ImageOps, UnidentifiedImageError

    file = Path(path).expanduser()
    if file.is_dir():
        raise UsageError(f"{file} is a folder", fix="name a picture file")
    if not file.exists():
        raise NoSuchFile(f"there is no file {file}", fix="check the path")
    if file.stat().st_size == 0:
        raise EmptyMedia(f"{file.name!r} is empty", fix="copy or download it again")
    try:
        with Pillow.open(file) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise Unreadable(
                    f"{file.name!r} has {picture.width}×{picture.height} pixels, too many to be read",
                    fix="scale it down",
                )
            upright = ImageOps.exif_transpose(picture)
            return np.asarray(upright.convert("RGB"), np.uint8)
    except UnidentifiedImageError as error:
        raise Unreadable(
            f"{file.name!r} is no picture", fix="name a JPEG, PNG, WebP, GIF or BMP file"
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, Pillow.DecompressionBombError) as error:
        raise Unreadable(
            f"the picture {file.name!r} cannot be read: {error}", fix="copy or download it again"
        ) from error
