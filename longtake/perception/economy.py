"""Frame economy: which of the frames that come each second are worth a look (DTD, S10).

After TimeChat-Online's Differential Token Drop: a patch that resembles the reference at the same
place is dropped. Our reference is the last KEPT patch, not the previous frame; against the
previous frame a slow fade never differs and is lost. A frame is kept when enough patches differ,
once the picture has settled, or after `patience` frames if it never settles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longtake.models.protocols import Image
from longtake.perception.carry import Arrays

WIDTH, HEIGHT, PATCH = 192, 108, 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the economy says of a frame: `share` of patches changed since they were last kept."""

    keep: bool
    share: float
    changed: NDArray[np.bool_]


def shrink(image: Image, width: int = WIDTH, height: int = HEIGHT) -> Image:
    """Return the picture at the size at which patches are compared."""
    return scaled(image, width, height)


def scaled(image: Image, width: int, height: int) -> Image:
    """Bring a picture to a size, averaging where it shrinks.

    OpenCV averages over areas of whole pixels ten times faster than over broken ones, so a
    picture that shrinks goes first to a whole part of its size.
    """
    import cv2

    high, wide = image.shape[:2]
    if wide < width or high < height:
        return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR))
    times = min(wide // width, high // height)
    whole = next((n for n in range(times, 1, -1) if wide % n == 0 and high % n == 0), 1)
    if whole > 1:
        size = (wide // whole, high // whole)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    if image.shape[:2] == (height, width):
        return image
    near = image.shape[1] * image.shape[0] < 1.1 * width * height
    how = cv2.INTER_LINEAR if near else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def largest(image: Image) -> NDArray[np.uint8]:
    """Return each pixel's largest channel; numpy's `max` over so short an axis is 40 x slower."""
    import cv2

    red, green, blue = cv2.split(image)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def differs(a: Image, b: Image, patch: int, threshold: float) -> NDArray[np.bool_]:
    """Return which patches differ by more than `threshold` grey levels on the mean."""
    import cv2

    away = largest(np.asarray(cv2.absdiff(a, b), np.uint8))
    rows, columns = away.shape[0] // patch, away.shape[1] // patch
    blocks = away[: rows * patch, : columns * patch].reshape(rows, patch, columns, patch)
    return np.asarray(blocks.mean(axis=(1, 3)) > threshold)


class Economy:
    """Keeps a frame when it differs from what was kept.

    Args:
        threshold: mean grey levels by which a patch must differ to count.
        keep_share: share of changed patches that makes a frame worth keeping.
        patience: frames to wait at most for a changing picture to settle.
        against: `kept` compares with the last kept patch; `previous` with the frame before
            (the control in tests: blind to slow change).
    """

    def __init__(
        self,
        *,
        threshold: float = 8.0,
        keep_share: float = 0.08,
        patience: int = 3,
        against: Literal["kept", "previous"] = "kept",
        patch: int = PATCH,
    ) -> None:
        self.threshold = threshold
        self.keep_share = keep_share
        self.patience = patience
        self.against = against
        self.patch = patch
        self._kept: Image | None = None
        self._previous: Image | None = None
        self._waited = 0

    def offer(self, small: Image) -> Verdict:
        """Judge the next frame, given at the size of `shrink`."""
        if self._kept is None or self._previous is None:
            everything = differs(small, small, self.patch, -1.0)
            self._kept = self._previous = small
            return Verdict(True, 1.0, everything)
        moved = differs(small, self._previous, self.patch, self.threshold)
        changed = differs(small, self._kept, self.patch, self.threshold)
        if self.against == "previous":
            changed = moved
        self._previous = small
        share = float(changed.mean())
        if share < self.keep_share:  # the wait is not reset: a blinking picture never settles
            return Verdict(False, share, changed)
        settled = float(moved.mean()) < self.keep_share / 2
        if not settled and self._waited < self.patience and self.against == "kept":
            self._waited += 1
            return Verdict(False, share, changed)
        self._waited = 0
        self._remember(small, changed)
        return Verdict(True, share, changed)

    def _remember(self, small: Image, changed: NDArray[np.bool_]) -> None:
        """Renew the reference where the kept frame differs from it."""
        assert self._kept is not None
        mask = np.repeat(np.repeat(changed, self.patch, axis=0), self.patch, axis=1)
        kept = self._kept.copy()
        kept[: mask.shape[0], : mask.shape[1]][mask] = small[: mask.shape[0], : mask.shape[1]][mask]
        self._kept = kept

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return what `restore` needs to go on exactly."""
        arrays: Arrays = {}
        if self._kept is not None and self._previous is not None:
            arrays = {"kept": self._kept, "previous": self._previous}
        return arrays, {"waited": self._waited}

    def restore(self, arrays: Arrays, facts: dict[str, Any]) -> None:
        """Go on from a state."""
        self._kept, self._previous = arrays.get("kept"), arrays.get("previous")
        self._waited = int(facts["waited"])
