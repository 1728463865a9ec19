"""What recall returns: moments with the parts they rest on, and what was searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from longtake.storage.records import Channel, Level
from longtake.timecode import Seconds, Span

How = Literal["dense", "context", "sight", "words"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that a query found, and how.

    `score` is raw: a cosine for ``dense``, ``context`` and ``sight``; for ``words`` the share of
    the query's terms that the record holds, each term weighted by its rarity.
    """

    channel: Channel
    record: str
    span: Span
    text: str
    score: float
    how: How


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in a video that fits a query.

    `span`, `text`, `source` and `record` are those of the record that says it best, quoted as it
    is; `level` is the grain it stands for. `score` 0..1 falls with rank. `parts` are all records
    that speak for it. `cosine`, `coverage` and `sight` are the absolute measures behind the score:
    the best text cosine, the share of the query's terms found, and how far the picture's cosine
    stands out from this video's others, in standard deviations (0 without sight).
    """

    video: str
    span: Span
    score: float
    source: Channel
    text: str
    record: str
    level: Level
    parts: tuple[Hit, ...] = ()
    cosine: float = 0.0
    coverage: float = 0.0
    sight: float = 0.0
    evidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Searched:
    """A stretch of a video that was looked through, and the finest level there."""

    video: str
    start: Seconds
    end: Seconds
    level: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """The answer of a search, best first.

    `best` is the strongest evidence 0..1 whatever the rank, `hint` says what was searched and what
    to try when little was found, "" otherwise. `notes` tell what could not be searched, and why.
    """

    moments: list[Moment]
    searched: list[Searched]
    best: float
    hint: str
    notes: tuple[str, ...] = ()

    def in_time(self) -> list[tuple[Moment, Seconds]]:
        """Return the moments by video and time, each with the gap in seconds before it."""
        ordered = sorted(self.moments, key=lambda m: (m.video, m.span, m.record))
        gaps: list[tuple[Moment, Seconds]] = []
        for i, moment in enumerate(ordered):
            before = ordered[i - 1] if i and ordered[i - 1].video == moment.video else None
            start = before.span.end if before else 0.0
            gaps.append((moment, max(0.0, moment.span.start - start)))
        return gaps


@dataclass(frozen=True, slots=True)
class Curve:
    """Relevance of each second of a video to a query: `scores[i]` is that of `times[i]`."""

    times: list[Seconds]
    scores: list[float]
