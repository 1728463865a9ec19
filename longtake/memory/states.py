"""From when to when a state can be seen: a scan that misses little, and edges found by bisection.

"When does the red light go on", "until when is the board up": a ranking tells one moment of a
state, never all of them nor their ends. The scan goes (after VideoAgent's and DVD's per-clip
questions, and the bisection of `longtake.memory.edges`):

1. prefilter: every stretch of the curve that is not plainly irrelevant, and every picture or line
   that bears on the words at all, cut into tiles; never only the best few of a ranking. Where
   there are more than may be looked at, they are taken by turns from all over the time;
2. yes or no: one look at two frames a second; does what it reads or names bear the words?
3. merge: frames that follow each other are one state; one that reaches the end of its tile is
   followed into the next, whether that was proposed or not;
4. edges: bisected at 4 and 8 frames a second.

Pixels come through `look`, so that who pays for them decides; none is looked at twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from longtake.memory.bearing import Bearing
from longtake.memory.edges import Look, bisected, sightings
from longtake.memory.windows import Window
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.memory.curve import Traced
    from longtake.memory.recall import Recall

TILE: Seconds = 12.0
RATE = 2.0
"""Frames a second at which it is asked whether the state is there."""
LEAST = 0.1
"""Relevance under which a second is plainly irrelevant."""
YES = 0.5
"""How well what a frame shows must bear the words."""
GAP: Seconds = 1.5
"""Frames that lie no farther apart show one state."""
MOST = 24
"""Looks, beside those that follow a state on and those that find its edges."""
FOLLOWED = 24
"""Tiles into which states are followed in all."""


@dataclass(frozen=True, slots=True)
class States:
    """When the state is there, in order; how many tiles there were, and how many were looked at."""

    spans: list[Span]
    tiles: int
    looked: list[Span] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every tile that might hold it was looked at."""
        return len(self.looked) >= self.tiles


def states(
    recall: Recall,
    query: str,
    video: str,
    look: Look,
    *,
    span: Span | None = None,
    as_of: Seconds | None = None,
    most: int = MOST,
    bisect: bool = True,
) -> States:
    """Return from when to when what the query describes can be seen.

    Args:
        recall: search over the memory.
        query: the state, in words: "red light".
        video: its id.
        look: (span, frames a second) → lines and tags, as `tools.inspect` gives them.
        span, as_of: only here, only what was known then.
        most: tiles that may be looked at; those that follow a state come on top.
        bisect: False leaves edges at half a second (the control).

    Raises:
        LongtakeError: the source cannot be looked at.
    """
    known = recall.store.video(video, as_of=as_of)
    bearing = Bearing.of(recall, query, video, as_of)
    end = min(known.duration, as_of if as_of is not None else known.duration)
    whole = _inside(span, Span(0.0, end)) if span is not None else Span(0.0, end)
    tiles = prefiltered(recall.trace(query, video, span=span, as_of=as_of), whole)
    scan = _Scan(bearing, look, whole)
    for tile in by_turns(tiles, most):
        scan.look_at(tile)
    scan.follow()
    found = scan.runs()
    if bisect:
        edged = [bisected(Window(one, 1.0, "sight"), bearing, look, known) for one in found]
        found = merged([one.span for one in edged], 0.0)
    return States(found, max(len(tiles), len(scan.looked)), scan.looked)


def prefiltered(traced: Traced, whole: Span) -> list[tuple[Span, float]]:
    """Tiles that are not plainly irrelevant, in order of time, with their relevance."""
    curve = traced.curve
    spans = [Span(t, t + 1.0) for t, p in zip(curve.times, curve.scores, strict=True) if p >= LEAST]
    spans += [one.span for one in traced.bearers if one.channel in ("sight", "screen")]
    found = []
    at = dict(zip(curve.times, curve.scores, strict=True))
    for one in merged([s for s in spans if s.overlap(whole) > 0], TILE / 2):
        for tile in tiles_of(one, whole):
            seconds = range(int(tile.start), int(tile.end) + 1)
            found.append((tile, max((at.get(float(t), 0.0) for t in seconds), default=0.0)))
    return found


def tiles_of(span: Span, whole: Span) -> list[Span]:
    """A stretch cut into equal tiles, inside the whole."""
    start, end = max(span.start, whole.start), min(span.end, whole.end)
    count = max(1, -int(-(end - start - 1e-6) // TILE))
    step = (end - start) / count
    if step <= 0:
        return []
    edges = [round(start + n * step, 3) for n in range(count)] + [end]
    return [Span(edges[n], edges[n + 1]) for n in range(count)]


def by_turns(tiles: Sequence[tuple[Span, float]], most: int) -> list[Span]:
    """So many tiles: all, or the best of each of as many stretches of equal count, in time."""
    if len(tiles) <= most:
        return [tile for tile, _ in tiles]
    chosen = []
    for n in range(max(0, most)):
        part = tiles[n * len(tiles) // most : (n + 1) * len(tiles) // most]
        chosen.append(max(part, key=lambda one: (one[1], -one[0].start))[0])
    return chosen


def merged(spans: Sequence[Span], gap: Seconds) -> list[Span]:
    """Spans joined where no more than a gap lies between them.

    >>> merged([Span(5, 6), Span(0, 2), Span(2, 3)], 1.0)
    [Span(start=0, end=3), Span(start=5, end=6)]
    """
    found: list[Span] = []
    for one in sorted(spans):
        if found and one.start - found[-1].end <= gap:
            found[-1] = found[-1].cover(one)
        else:
            found.append(one)
    return found


def _inside(span: Span, whole: Span) -> Span:
    """What of a span lies inside another; nothing of it may."""
    start = min(max(span.start, whole.start), whole.end)
    return Span(start, max(start, min(span.end, whole.end)))


class _Scan:
    """The tiles that were looked at, and the frames in which the state was there."""

    def __init__(self, bearing: Bearing, look: Look, whole: Span) -> None:
        self.bearing = bearing
        self.whole = whole
        self.looked: list[Span] = []
        self._look = look
        self._there: list[Span] = []

    def look_at(self, tile: Span) -> None:
        """One look, yes or no for each of its frames."""
        self.looked.append(tile)
        seen = sightings(self._look(tile, RATE), self.bearing, YES)
        self._there += [Span(start, max(end, start + 1.0 / RATE)) for start, end in seen]

    def runs(self) -> list[Span]:
        """The states so far."""
        found = [_inside(one, self.whole) for one in merged(self._there, GAP)]
        return [one for one in found if one.duration > 0]

    def follow(self) -> None:
        """Go on where a state reaches the border of what was looked at."""
        for _ in range(FOLLOWED):
            step = self._next()
            if step is None:
                return
            self.look_at(step)

    def _next(self) -> Span | None:
        for run in self.runs():
            seen = next((s for s in merged(self.looked, 0.05) if s.overlap(run) > 0), None)
            if seen is None:
                continue
            if run.start - seen.start <= GAP and seen.start > self.whole.start:
                return Span(max(self.whole.start, seen.start - TILE), seen.start)
            if seen.end - run.end <= GAP and seen.end < self.whole.end:
                return Span(seen.end, min(self.whole.end, seen.end + TILE))
        return None
