"""Durations as people say them."""

from __future__ import annotations

from longtake.timecode import Seconds


def spoken(seconds: Seconds) -> str:
    """A duration for people: "1 min 12.5 s".

    >>> spoken(72.5), spoken(8), spoken(7265)
    ('1 min 12.5 s', '8 s', '2 h 1 min 5 s')
    """
    whole = round(float(seconds), 1)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{int(hours)} h"] if hours else []
    if minutes:
        parts.append(f"{int(minutes)} min")
    if left or not parts:
        parts.append(f"{left:g} s" if left < 10 else f"{round(left, 1):g} s")
    return " ".join(parts)
