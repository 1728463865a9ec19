"""Relevance of each second of a video to a query.

Every record paints its evidence over its span; a second has the strongest of each kind, combined
as in `evidence.strength`, then a running mean over three seconds (agent-side moment retrieval in
the manner of highlight detection: the curve and the spans read from it agree by construction).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from longtake.memory.channels import WORD_CHANNELS, Encoders, Scope, columns
from longtake.memory.evidence import Background, Lexicon, strength
from longtake.memory.moments import Curve
from longtake.memory.terms import Query
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.store import Store

SMOOTH = 3
"""Seconds of the running mean."""
_FINE = ("moment", "frame", "clip")
_HITS = 400

Line = NDArray[np.float64]


def curve(store: Store, encoders: Encoders, query: Query, scope: Scope) -> Curve:
    """Return the relevance 0..1 of each second of the scope's video."""
    video = scope.known[0]
    limit = min(video.duration, scope.as_of if scope.as_of is not None else math.inf)
    asked = scope.span or Span(0.0, limit)
    low, high = math.floor(asked.start), math.ceil(min(asked.end, limit))
    if high <= low:
        return Curve([], [])
    canvas = _Canvas(low, high)
    for column, vector in columns(encoders, query, scope):
        if column.level not in _FINE:
            continue
        _, spans, matrix = store.vectors(
            column.level,
            column.facet,
            video=video.id,
            span=asked,
            as_of=scope.as_of,
            channel=column.stored,
        )
        if spans:
            canvas.vectors(column.facet == "sight", spans, matrix @ vector)
    _paint_words(store, query, scope, canvas)
    return canvas.curve()


class _Canvas:
    """The strongest of each kind at each second."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.cosine: Line = np.zeros(high - low)
        self.words: Line = np.zeros(high - low)
        self.sight: Line = np.zeros(high - low)

    def vectors(self, sight: bool, spans: Sequence[Span], cosines: NDArray[np.float32]) -> None:
        usual = Background.of(cosines) if sight else None
        if sight and usual is None:
            return
        for span, cosine in zip(spans, cosines, strict=True):
            value = usual.deviations(float(cosine)) if usual is not None else float(cosine)
            self.paint(self.sight if sight else self.cosine, span, value)

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
    lexicon = Lexicon.of(query, store.document_frequency)
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
        for record, _ in found:
            canvas.paint(canvas.words, record.span, lexicon.coverage([record.text]))


def seconds_of(times: Sequence[Seconds], span: Span) -> slice:
    """Return the entries of a curve that lie in a span.

    >>> seconds_of([0.0, 1.0, 2.0, 3.0], Span(1, 3))
    slice(1, 3, None)
    """
    first = next((i for i, t in enumerate(times) if t >= span.start), len(times))
    last = next((i for i, t in enumerate(times) if t >= span.end), len(times))
    return slice(first, last)
