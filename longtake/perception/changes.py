"""Where pictures change: which frames of a look are worth reading, and sweeps over still pages.

`changing` chooses among frames that are at hand. `swept` goes through a minute of a page that
stands, several frames a second, and keeps only frames in which something new stands, with the part
of the picture where it does: what does not change costs no model anything (DTD, S10, at question
time). Frames are let go as they come, so that memory does not grow with the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from longtake.models.protocols import Image
from longtake.perception.edges import (
    LEAST_MARKS,
    OTHER,
    PATCH,
    WHOLE,
    Box,
    EdgeMap,
    Flags,
    apart,
    edge_map,
    per_patch,
)
from longtake.perception.glimpses import apart as blocks_apart
from longtake.perception.sources import Live
from longtake.timecode import Seconds, Span

SMALL = (320, 180)
"""Pixels at which pictures of a sweep are compared first."""
STIRS = 3.0
"""Grey levels by which a block must differ for the whole picture to be compared."""
MOST_READINGS = 12
MOST_KEPT = 24
"""Frames held of a sweep; where all moves, those in which most is new."""


@dataclass(frozen=True, slots=True)
class Change:
    """How much of the picture looks otherwise than in the frame before, as a share."""

    time: Seconds
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Fresh:
    """A frame in which something new stands: where, in how many patches, and until when."""

    time: Seconds
    until: Seconds
    image: Image
    box: Box
    new: int
    share: float


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep kept, the first frame first, and the times of all frames it compared."""

    fresh: tuple[Fresh, ...]
    times: tuple[Seconds, ...]


def sweep_of(source: Path | Live, span: Span, fps: float) -> Swept:
    """Sweep over a span of a file.

    Raises:
        NoSuchMoment: there is no picture in the span.
    """
    from longtake.perception.frames import small_and_full

    return swept(small_and_full(source, span, fps, SMALL), span.end)


def swept(pictures: Iterable[tuple[Seconds, Image, Image]], end: Seconds) -> Swept:
    """Go through (time, small picture, whole picture) and keep frames in which something is new."""
    sweep, times = _Sweep(end), []
    before: Image | None = None
    for time, small, image in pictures:
        times.append(time)
        if small is not before:  # else one frame is still on display
            sweep.offer(time, small, image)
        before = small
    return Swept(tuple(sweep.kept), tuple(times))


class _Sweep:
    """Compares each picture with the last that looked otherwise."""

    def __init__(self, end: Seconds) -> None:
        self.kept: list[Fresh] = []
        self._end = end
        self._small: Image | None = None
        self._edges: EdgeMap | None = None

    def offer(self, time: Seconds, small: Image, image: Image) -> None:
        """Take the next picture; nothing is done where no block of it differs."""
        if self._small is not None and float(blocks_apart(self._small, small).max()) < STIRS:
            return
        edges = edge_map(image)
        before, self._small = self._edges, small
        if before is None or before.shape != edges.shape:
            self._edges = edges
            self._keep(Fresh(time, self._end, image, WHOLE, edges.grey.size, 1.0))
            return
        other = apart(edges.grey, before.grey) > OTHER
        came = per_patch(other & edges.strong) >= LEAST_MARKS
        if not came.any() and not (per_patch(other & before.strong) >= LEAST_MARKS).any():
            return
        self._edges = edges
        self.kept[-1] = replace(self.kept[-1], until=min(self.kept[-1].until, time))
        if came.any():
            share = round(float(other.mean()), 4)
            box = _around(came, edges.shape)
            self._keep(Fresh(time, self._end, image, box, int(came.sum()), share))

    def _keep(self, one: Fresh) -> None:
        self.kept.append(one)
        if len(self.kept) > MOST_KEPT:
            self.kept.remove(min(self.kept[1:], key=lambda kept: (kept.new, kept.time)))


def _around(patches: Flags, shape: tuple[int, int]) -> Box:
    """The part of the frame that holds all marked patches, with a patch of room."""
    rows, columns = np.flatnonzero(patches.any(axis=1)), np.flatnonzero(patches.any(axis=0))
    high, wide = shape
    return (
        round(max(0.0, (int(columns[0]) - 1) * PATCH / wide), 4),
        round(max(0.0, (int(rows[0]) - 1) * PATCH / high), 4),
        round(min(1.0, (int(columns[-1]) + 2) * PATCH / wide), 4),
        round(min(1.0, (int(rows[-1]) + 2) * PATCH / high), 4),
    )


def changing(
    frames: Sequence[tuple[Seconds, Image]], most: int = MOST_READINGS
) -> tuple[list[tuple[Seconds, Image, Seconds]], tuple[Change, ...]]:
    """Return the frames worth reading, and how much changed from each frame to the next.

    Frames whose edges were all there before are left out; each that is kept stands until the next.
    When more differ than may be read, half are taken evenly over the span, and half are those
    in which most is new: what is there for a moment stands out of what moves all the time.
    """
    kept: list[tuple[Seconds, Image]] = []
    news: list[int] = []
    changes: list[Change] = []
    read: EdgeMap | None = None
    before: EdgeMap | None = None
    for time, image in frames:
        edges = edge_map(image)
        if before is not None and before.shape == edges.shape:
            share = float((apart(edges.grey, before.grey) > OTHER).mean())
            changes += [Change(time, round(share, 4))] if share > 0 else []
        new = _new_patches(edges, read)
        if new:
            kept.append((time, image))
            news.append(new)
            read = edges
        before = edges
    kept = [kept[n] for n in telling(news, most)]
    step = frames[1][0] - frames[0][0] if len(frames) > 1 else 1.0
    ends = [time for time, _ in kept[1:]] + [frames[-1][0] + step if frames else 0.0]
    whole = [(time, image, end) for (time, image), end in zip(kept, ends, strict=True)]
    return whole, tuple(changes)


def telling(news: Sequence[int], most: int) -> list[int]:
    """Choose among frames: half evenly, half those in which most is new."""
    if len(news) <= most:
        return list(range(len(news)))
    even = (most + 1) // 2
    chosen = {round(i * (len(news) - 1) / max(1, even - 1)) for i in range(even)}
    rest = sorted(set(range(len(news))) - chosen, key=lambda n: (-news[n], n))
    return sorted([*chosen, *rest[: most - len(chosen)]])


def _new_patches(edges: EdgeMap, before: EdgeMap | None) -> int:
    """How many patches hold edges that were not there at the last reading."""
    if before is None or before.shape != edges.shape:
        return edges.shape[0] * edges.shape[1]
    other = apart(edges.grey, before.grey) > OTHER
    return int((per_patch(other & (edges.strong | before.strong)) >= 8).sum())
