"""What decoding yields: pictures and blocks of sound, both placed on one clock that starts at 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from longtake.timecode import Seconds

Image: TypeAlias = NDArray[np.uint8]
Samples: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The frame on display at instant `time`.

    `small` is there at every instant of the fine grid, `full` at every instant of the coarse
    one. While one frame stays on display, consecutive pictures hold the same array objects, so
    `picture.small is previous.small` tells at no cost that nothing changed. Do not write to them.
    """

    time: Seconds
    small: Image | None
    full: Image | None


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Mono samples at their native `rate`; the first one is heard at `start`."""

    start: Seconds
    samples: Samples
    rate: int

    @property
    def end(self) -> Seconds:
        """The instant after the last sample."""
        return self.start + len(self.samples) / self.rate
