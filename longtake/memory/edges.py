"""Edges of a window by bisection in the source: four frames a second, then eight.

Frames are kept about once a second, and near-duplicates not at all, so the edge of what a picture
shows is known to a second or worse. A second look at the seconds around it, and a finer one
between the last frame without and the first frame with it, tells it to an eighth of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from longtake.errors import LongtakeError
from longtake.memory.bearing import Bearing
from longtake.memory.windows import Window
from longtake.storage.records import Video
from longtake.timecode import Seconds, Span

Look: TypeAlias = Callable[[Span, float], Mapping[str, Any]]
"""(span, frames a second) → what `tools.inspect` returns: `lines` and `tags` with times."""
AROUND: Seconds = 2.0
RATES = (4.0, 8.0)
SAME = 0.6
"""Share of the best sight's score from which a frame still shows the same."""


def bisected(window: Window, bearing: Bearing, look: Look, video: Video) -> Window:
    """Return the window with edges found in the source; as it was where nothing can be seen."""
    if window.source not in ("screen", "sight"):
        return window  # what is spoken has the times of its words
    try:
        start = _edge(window.span.start, bearing, look, video, begins=True)
        end = _edge(window.span.end, bearing, look, video, begins=False)
    except LongtakeError:
        return window  # the file is gone or cannot be read
    return replace(window, span=Span(start, end)) if end > start else window


def _edge(edge: Seconds, bearing: Bearing, look: Look, video: Video, *, begins: bool) -> Seconds:
    """Where it comes into view, or goes out of it, near `edge`."""
    low, high = max(0.0, edge - AROUND), min(video.duration, edge + AROUND)
    for rate in RATES:
        if high - low <= 1.0 / rate:
            break
        times = _shown(look(Span(low, high), rate), bearing)
        if not times:
            return edge
        step = 1.0 / rate
        first, last = min(s for s, _ in times), max(e for _, e in times)
        border = first if begins else last
        if (begins and border - low < step) or (not begins and high - border < step):
            return border  # it goes on beyond what was looked at
        edge = border
        low, high = max(low, border - step), min(high, border + step)
    return round(edge, 3)


def _shown(seen: Mapping[str, Any], bearing: Bearing) -> list[tuple[Seconds, Seconds]]:
    """The times at which what was asked for is in view, told by the best that is."""
    rows = _rows(seen)
    scores = _weighed(bearing, rows)
    best = max(scores, default=0.0)
    if best <= 0.0:
        return []
    return [row[1:3] for row, score in zip(rows, scores, strict=True) if score >= SAME * best]


def sightings(
    seen: Mapping[str, Any], bearing: Bearing, least: float
) -> list[tuple[Seconds, Seconds]]:
    """The times at which something bears the words by at least so much."""
    rows = _rows(seen)
    scores = _weighed(bearing, rows)
    return [row[1:3] for row, score in zip(rows, scores, strict=True) if score >= least]


def _rows(seen: Mapping[str, Any]) -> list[tuple[str, Seconds, Seconds, float]]:
    """Lines and labels of a look: words, from when to when, how sure."""
    rows: list[tuple[str, Seconds, Seconds, float]] = [
        (str(line["text"]), float(line["start"]), float(line["end"]), 1.0)
        for line in seen.get("lines", [])
    ]
    rows += [
        (str(tag["label"]), float(tag["time"]), float(tag["time"]), float(tag["p"]))
        for tag in seen.get("tags", [])
    ]
    return rows


def _weighed(bearing: Bearing, rows: Sequence[tuple[str, Seconds, Seconds, float]]) -> list[float]:
    read = dict(zip(names := sorted({row[0] for row in rows}), bearing.scores(names), strict=True))
    return [read[text] * p for text, _, _, p in rows]
