"""How many bytes each video takes, and which of its records are the oldest of a kind.

The sums are kept by the tables' triggers (`schema`), so asking costs the same for an hour and for
a month. They count what a library takes on disk, as near as rows tell: a text twice, as the word
index holds it too; a vector twice, as an index file does; what rows and ids cost, and pages that
are half full. An empty library takes about 0.3 MB more. A picture that two videos share counts for
both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from longtake.storage.database import Database
from longtake.timecode import Seconds, Span

Losing: TypeAlias = Literal["picture", "vector", "record"]
Kind: TypeAlias = tuple[str, str]
"""Level and channel."""


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes that a video takes: pictures, vectors, and words with all else of its records."""

    pictures: int
    vectors: int
    text: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.pictures + self.vectors + self.text


_EVER: Seconds = 1e12
# Oldest first; what a person marked is passed over.
_FREE = """r.end <= :before AND NOT EXISTS (SELECT 1 FROM json_each(:spared) s WHERE
    r.start < json_extract(s.value, '$[1]') AND r.end > json_extract(s.value, '$[0]'))"""
_PICTURED = f"""SELECT r.start, r.id FROM records r INDEXED BY records_pictured
    WHERE r.ordinal = :ordinal AND r.thumb IS NOT NULL AND {_FREE} ORDER BY r.start LIMIT :limit"""
_OLD = f"""SELECT r.start, r.id FROM records r INDEXED BY records_by_place
    WHERE r.ordinal = :ordinal AND r.level = :level AND r.channel = :channel AND {_FREE}
    ORDER BY r.start LIMIT :limit"""
_VECTORED = f"""SELECT r.start, r.id FROM vectors x INDEXED BY vectors_by_place
    CROSS JOIN records r ON r.n = x.n
    WHERE x.no = :no AND x.vid BETWEEN :ordinal << 32 AND ((:ordinal + 1) << 32) - 1 AND {_FREE}
    ORDER BY x.vid LIMIT :limit"""


class Sizes:
    """Reads the sums and the oldest records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Held]:
        """Return what each video takes, by its id, in order of arrival."""
        rows = self._database.rows(
            "SELECT v.id, h.pictures, h.vectors, h.text FROM held h "
            "JOIN videos v ON v.ordinal = h.ordinal ORDER BY v.ordinal"
        )
        return {row[0]: Held(*row[1:]) for row in rows}

    def of(self, video: str) -> Held:
        """Return what a video takes."""
        row = self._database.one(
            "SELECT pictures, vectors, text FROM held "
            "WHERE ordinal = (SELECT ordinal FROM videos WHERE id = ?)",
            (video,),
        )
        return Held(*row) if row else Held(0, 0, 0)

    def oldest(
        self,
        ordinal: int,
        losing: Losing,
        until: Mapping[Kind, Seconds],
        *,
        spared: Sequence[Span],
        limit: int,
    ) -> list[str]:
        """Return the ids of a video's oldest records that have this to lose.

        `until` lists the kinds, and by when a record must have ended; for pictures ``("", "")``,
        as they are looked for in every kind. Records are read from the oldest on in an index, so
        the cost is that of `limit` and of what is spared.
        """
        marks = json.dumps([[one.start, one.end] for one in spared])
        found: set[tuple[Seconds, str]] = set()
        for (level, channel), before in until.items():
            values = {"ordinal": ordinal, "level": level, "channel": channel,
                      "before": min(before, _EVER), "spared": marks, "limit": limit}  # fmt: skip
            if losing != "vector":
                query = _PICTURED if losing == "picture" else _OLD
                found.update(self._database.rows(query, values))
                continue
            for no, key in self._database.rows("SELECT no, key FROM indexes"):
                if key.startswith(f"{level}.{channel}."):
                    found.update(self._database.rows(_VECTORED, values | {"no": no}))
        return [name for _, name in sorted(found)[:limit]]
