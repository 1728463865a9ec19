"""What the levels above the clip have in common: reading what lies below, writing one record.

Nothing is remembered between calls: which segment is open is read from the store, and every text
is made from records that were known when the segment closed. So a rerun after a kill, or another
size of chunk, gives the same records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from longtake.memory.segment import Unit
from longtake.models.protocols import TextEncoder
from longtake.storage.records import Facet, Floats, Level, Record, VectorRow, Video, record_id
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.store import Store

QUICK = "quick:"
"""Makers of the quick first pass begin so; their records never become scenes."""
MAKER = "longtake-extract@2"
"""Maker of titles and summaries: this code; the number goes up when its output changes."""
LEVELS = "levels"
"""The pass whose progress says what is consolidated."""
FOREVER = 1e9


@dataclass(frozen=True, slots=True)
class Memory:
    """A video's memory as the writer sees it."""

    store: Store
    video: Video
    encoder: TextEncoder

    def deep(self, level: Level, channel: str, span: Span, as_of: Seconds | None) -> list[Record]:
        """Return the deep pass's records of a level and channel that overlap a span."""
        found = self.store.records(
            video=self.video.id, level=level, channel=channel, span=span, as_of=as_of
        )
        return [one for one in found if not one.maker.startswith(QUICK)]

    def utterances(self, span: Span, as_of: Seconds | None) -> list[Record]:
        """Return the utterances whose middles lie in a span."""
        found = self.deep("moment", "speech", span, as_of)
        return [one for one in found if span.contains(one.span.middle)]

    def end_of(self, level: Level) -> Seconds:
        """Return where the last closed segment of a level ends, 0 when none is."""
        last = self.store.records(
            video=self.video.id,
            level=level,
            channel="caption",
            as_of=None,
            limit=1,
            newest_first=True,
        )
        return last[0].span.end if last else 0.0

    def units(self, level: Level, span: Span) -> tuple[list[Record], list[Unit]]:
        """Return the records of a level in a span, with the vectors they are compared by."""
        records = self.deep(level, "caption", span, None)
        records = [one for one in records if one.span.start >= span.start]
        text = self.vectors_of(level, "text", span)
        sight = self.vectors_of(level, "sight", span)
        units = [
            Unit(
                one.span,
                (text.get(one.id), sight.get(one.id)),
                float(one.data.get("cut", 0.0)),
            )
            for one in records
        ]
        return records, units

    def vectors_of(self, level: Level, facet: Facet, span: Span) -> dict[str, Floats]:
        """Return the vectors of a level in a span, by record."""
        ids, _, matrix = self.store.vectors(
            level, facet, video=self.video.id, span=span, as_of=None
        )
        return dict(zip(ids, matrix, strict=True))

    def write(self, record: Record) -> None:
        """Keep one record with the vector of its text."""
        self.store.put_records([record])
        if record.text:
            vector = self.encoder.encode([record.text])[0]
            self.store.put_vectors([VectorRow(record.id, "text", vector, record.known_at)])

    def record(
        self,
        level: Level,
        span: Span,
        known_at: Seconds,
        text: str,
        parents: Sequence[Record],
        data: dict[str, Any],
        n: int = 0,
    ) -> Record:
        """Make a record of a level above the clip."""
        return Record(
            id=record_id(self.video.ordinal, span.start, level, "caption", n),
            video=self.video.id,
            level=level,
            channel="caption",
            span=span,
            known_at=known_at,
            text=text,
            maker=MAKER,
            parents=tuple(parent.id for parent in parents),
            data=data,
        )


def mean_unit(vectors: Sequence[Floats | None]) -> Floats | None:
    """Return the direction of the mean of vectors, None when there is none."""
    rows = [vector for vector in vectors if vector is not None]
    if not rows:
        return None
    middle = np.mean(np.stack(rows), axis=0)
    scale = float(np.linalg.norm(middle))
    return np.asarray(middle / scale, np.float32) if scale > 0 else None
