"""What is left out where a live stream comes faster than it can be read.

In order of value: first `ECONOMY` (half of the frames are looked at, screen text is read at new
shots only), then `SIGHT` (no tags, no reading; thumbnails stay). Never speech, never time. A clip
that lost something says so in ``data["left_out"]``.

>>> thrift = Thrift(late=60.0)
>>> [thrift.at(lag) for lag in (50, 70, 130, 100, 80, 50, 40)]
[0, 1, 2, 2, 1, 1, 0]
"""

from __future__ import annotations

from longtake.timecode import Seconds

NOTHING, ECONOMY, SIGHT = 0, 1, 2
LEFT_OUT = {ECONOMY: "economy", SIGHT: "sight"}
LATE: Seconds = 60.0
"""What is kept may be behind what has come by so much: it comes in chunks, and some at a time."""
FULL = 0.8
"""Share of a recording's room that may wait to be read, as the oldest is deleted in the end."""
_BACK = 0.75
"""What was left out is taken up again when the strain falls below this share of its threshold."""


class Thrift:
    """Decides how much to leave out; `level` is what it decided last."""

    def __init__(self, late: Seconds = LATE) -> None:
        self.level = NOTHING
        self._late = late

    def at(self, lag: Seconds, full: float = 0.0) -> int:
        """Return what to leave out when reading lags so far and so much of the room waits."""
        strain = max(lag / self._late, 1.0 + 10 * (full - FULL))  # 2 where 0.9 of the room waits
        while self.level < SIGHT and strain > self.level + 1:
            self.level += 1
        while self.level > NOTHING and strain < _BACK * self.level:
            self.level -= 1
        return self.level
