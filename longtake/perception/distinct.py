"""Frames that are worth showing to a vision model: near-identical ones are left out.

For whoever asks a vision model about a span: its frames cost tokens each, and a frame that shows
what another one shows tells it nothing. Frames are compared patch by patch, as the frame economy
compares them, with every frame that is kept, so a picture that comes back is not shown twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from longtake.models.protocols import Image
from longtake.perception.economy import PATCH, differs, shrink

SHARE = 0.02
"""The share of patches that must have changed: less than what makes a frame worth keeping, since
these frames were chosen already."""


def distinct(
    images: Sequence[Image], *, shown: Sequence[Image] = (), share: float = SHARE,
    threshold: float = 8.0,
) -> list[int]:  # fmt: skip
    """Return which of these frames to show, in order.

    Args:
        images: frames of one span, in order of time; of any size.
        shown: what the model is shown besides, such as the key frame of the clip before.
        share: of patches that must differ from each kept frame.
        threshold: mean grey levels by which a patch differs.
    """
    kept = [shrink(image) for image in shown]
    index = []
    for n, image in enumerate(images):
        small = shrink(image)
        if all(float(differs(small, one, PATCH, threshold).mean()) > share for one in kept):
            kept.append(small)
            index.append(n)
    return index
