"""Times and spans.

Inside, a time is a float: seconds from the start of the video, from presentation timestamps.
People read and write `1:02:03.5`, `62m`, `3723.5`. A span is half-open, `[start, end)`.

>>> parse_time("1:02:03.5"), parse_time("62m"), parse_time("1h2m3s")
(3723.5, 3720.0, 3723.0)
>>> format_time(3723.5)
'01:02:03.500'
>>> Span(10, 20).overlap(Span(15, 30))
5.0
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from longtake.errors import UsageError

Seconds = float

_UNITS = re.compile(
    r"^(?:(\d+(?:\.\d+)?)h)?\s*(?:(\d+(?:\.\d+)?)m(?:in)?)?\s*(?:(\d+(?:\.\d+)?)s(?:ec)?)?$"
)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of time `[start, end)` in seconds.

    Raises:
        ValueError: a bound is not finite, or the end lies before the start.
    """

    start: Seconds
    end: Seconds

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end)) or self.end < self.start:
            raise ValueError(f"not a span: [{self.start}, {self.end})")

    @property
    def duration(self) -> Seconds:
        """Length in seconds."""
        return self.end - self.start

    @property
    def middle(self) -> Seconds:
        """The instant halfway."""
        return (self.start + self.end) / 2

    def contains(self, time: Seconds) -> bool:
        """Whether `time` lies in `[start, end)`."""
        return self.start <= time < self.end

    def overlap(self, other: Span) -> Seconds:
        """Seconds that both spans cover."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def iou(self, other: Span) -> float:
        """Intersection over union, 0 to 1."""
        shared = self.overlap(other)
        union = self.duration + other.duration - shared
        return shared / union if union > 0 else 0.0

    def cover(self, other: Span) -> Span:
        """The shortest span that holds both."""
        return Span(min(self.start, other.start), max(self.end, other.end))

    def widen(self, seconds: Seconds, limit: Span | None = None) -> Span:
        """This span with `seconds` more on both sides, kept inside `limit` and at or after 0."""
        low, high = (limit.start, limit.end) if limit else (0.0, math.inf)
        return Span(max(low, self.start - seconds), min(high, self.end + seconds))

    def __str__(self) -> str:
        return f"{format_time(self.start)}–{format_time(self.end)}"


def parse_time(text: str) -> Seconds:
    """Read a time that a person wrote.

    Raises:
        UsageError: the text is no time.
    """
    raw = text.strip().lower()
    try:
        if ":" in raw:
            parts = [float(part) for part in raw.split(":")]
            if len(parts) <= 3 and all(p >= 0 for p in parts) and all(p < 60 for p in parts[1:]):
                return float(sum(p * 60**i for i, p in enumerate(reversed(parts))))
        elif (match := _UNITS.match(raw)) and any(match.groups()):
            hours, minutes, seconds = (float(part or 0) for part in match.groups())
            return hours * 3600 + minutes * 60 + seconds
        else:
            value = float(raw)
            if math.isfinite(value) and value >= 0:
                return value
    except ValueError:
        pass
    raise UsageError(f"{text!r} is not a time", fix="write 1:02:03.5, 62m or 3723.5")


def format_time(seconds: Seconds, *, millis: bool = True) -> str:
    """Write a time for people: `HH:MM:SS.mmm`, or `HH:MM:SS` with `millis=False`."""
    total = round(max(0.0, seconds) * 1000)
    if not millis:
        total = total // 1000 * 1000
    whole, thousandths = divmod(total, 1000)
    stamp = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{stamp}.{thousandths:03d}" if millis else stamp
