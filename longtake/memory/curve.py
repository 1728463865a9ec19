"""Relevance of each second of a video to a query.

Every record paints its evidence over its span; a second has the strongest of each kind, combined
as in `evidence.strength`, then a running mean over three seconds (agent-side moment retrieval in
the manner of highlight detection: the curve and the spans read from it agree by construction).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from longtake.memory.channels import WORD_CHANNELS, Column, Scope, columns
from longtake.memory.encoders import Encoders
from longtake.memory.evidence import Background, Lexicon, strength
from longtake.memory.fusion import grain
from longtake.memory.moments import Curve
from longtake.memory.terms import Query
from longtake.storage.records import Channel, Level, Record
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.store import Store

SMOOTH = 3
"""Seconds of the running mean."""
_FINE = ("moment", "frame", "clip")
_HITS = 400
LEAST = 0.05
"""Strength under which a record is not named as bearing on a query."""

Line = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bearer:
    """A fine record that speaks for a query: what it is, when, and how strongly alone."""

    record: str
    span: Span
    level: Level
    channel: Channel
    strength: float


@dataclass(frozen=True, slots=True)
class Traced:
    """A curve, and the utterances, lines, pages and frames that it is made of, strongest first."""

    curve: Curve
    bearers: list[Bearer]


def curve(store: Store, encoders: Encoders, query: Query, scope: Scope) -> Curve:
    """Return the relevance 0..1 of each second of the scope's video."""
    return trace(store, encoders, query, scope).curve


def trace(store: Store, encoders: Encoders, query: Query, scope: Scope) -> Traced:
    """Return the relevance of each second of the scope's video, and what it rests on."""
    video = scope.known[0]
    limit = min(video.duration, scope.as_of if scope.as_of is not None else math.inf)
    asked = scope.span or Span(0.0, limit)
    low, high = math.floor(asked.start), math.ceil(min(asked.end, limit))
    if high <= low:
        return Traced(Curve([], []), [])
    canvas = _Canvas(low, high)
    for column, vector in columns(store, encoders, query, scope).columns:
        if column.level not in _FINE or column.name == "moment.caption.context":
            continue
        ids, spans, matrix = store.vectors(
            column.level,
            column.facet,
            video=video.id,
            span=asked,
            as_of=scope.as_of,
            channel=column.stored,
        )
        if spans:
            canvas.vectors(column, ids, spans, matrix @ vector)
    _paint_words(store, query, scope, canvas)
    return Traced(canvas.curve(), canvas.bearers())


@dataclass(slots=True)
class _Mark:
    """What is known of one record: where it is, and each kind of evidence."""

    span: Span
    level: Level
    channel: Channel
    cosine: float = 0.0
    words: float = 0.0
    sight: float = 0.0


class _Canvas:
    """The strongest of each kind at each second."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.cosine: Line = np.zeros(high - low)
        self.words: Line = np.zeros(high - low)
        self.sight: Line = np.zeros(high - low)
        self.marks: dict[str, _Mark] = {}

    def vectors(
        self,
        column: Column,
        ids: Sequence[str],
        spans: Sequence[Span],
        cosines: NDArray[np.float32],
    ) -> None:
        sight = column.sight
        usual = Background.of(cosines) if sight else None
        if sight and usual is None:
            return
        for name, span, cosine in zip(ids, spans, cosines, strict=True):
            value = usual.deviations(float(cosine)) if usual is not None else float(cosine)
            self.paint(self.sight if sight else self.cosine, span, value)
            if column.level != "clip":
                mark = self._mark(name, span, column.level, column.stored)
                mark.sight = max(mark.sight, value if sight else 0.0)
                mark.cosine = max(mark.cosine, 0.0 if sight else value)

    def words_of(self, record: Record, coverage: float) -> None:
        self.paint(self.words, record.span, coverage)
        if record.level != "clip":
            mark = self._mark(record.id, record.span, record.level, record.channel)
            mark.words = max(mark.words, coverage)

    def _mark(self, name: str, span: Span, level: Level, channel: Channel) -> _Mark:
        return self.marks.setdefault(name, _Mark(span, level, channel))

    def bearers(self) -> list[Bearer]:
        found = [
            Bearer(name, m.span, m.level, m.channel, round(p, 4))
            for name, m in self.marks.items()
            if (p := strength(m.cosine, m.words, m.sight)) >= LEAST
        ]
        return sorted(found, key=lambda b: (-b.strength, b.span, b.record))

    def paint(self, line: Line, span: Span, value: float) -> None:
        first = max(0, math.floor(span.start + 0.5) - self.low)
        last = max(first + 1, math.ceil(span.end - 0.5) - self.low)
        np.maximum(line[first:last], value, out=line[first:last])

    def curve(self) -> Curve:
        kernel = np.ones(SMOOTH) / SMOOTH
        sight = _smooth(self.sight, kernel)
        values = [
            strength(float(c), float(w), float(s))
            for c, w, s in zip(self.cosine, self.words, sight, strict=True)
        ]
        scores = _smooth(np.array(values), kernel)
        times = [float(self.low + i) for i in range(len(scores))]
        return Curve(times, [round(float(score), 4) for score in scores])


def _smooth(line: Line, kernel: Line) -> Line:
    """Running mean that repeats the ends instead of fading to zero there."""
    half = len(kernel) // 2
    padded = np.pad(line, half, mode="edge")
    return np.convolve(padded, kernel, mode="valid")


def _paint_words(store: Store, query: Query, scope: Scope, canvas: _Canvas) -> None:
    if not (query.terms or query.phrases):
        return
    lexicon = Lexicon.of(query, partial(store.document_frequency, as_of=scope.as_of))
    for channel in WORD_CHANNELS:
        if channel not in scope.within:
            continue
        found = store.search_words(
            [*query.phrases, *query.terms],
            k=_HITS,
            video=scope.videos,
            span=scope.span,
            level=list(_FINE),
            channel=channel,
            as_of=scope.as_of,
        )
        for record in (one for one, _ in found if grain(one) in _FINE):
            canvas.words_of(record, lexicon.coverage([record.text]))


def seconds_of(times: Sequence[Seconds], span: Span) -> slice:
    """Return the entries of a curve that lie in a span.

    >>> seconds_of([0.0, 1.0, 2.0, 3.0], Span(1, 3))
    slice(1, 3, None)
    """
    first = next((i for i, t in enumerate(times) if t >= span.start), len(times))
    last = next((i for i, t in enumerate(times) if t >= span.end), len(times))
    return slice(first, last)
