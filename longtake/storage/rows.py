"""The table of records: put, delete, read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from longtake.storage.database import Database, Row
from longtake.storage.filters import after, narrow, visible
from longtake.storage.records import Record
from longtake.storage.schema import place
from longtake.storage.videos import Videos
from longtake.timecode import Seconds, Span

COLUMNS = (
    "r.id, v.id, r.level, r.channel, r.start, r.end, r.known_at, r.text, r.maker, r.parents, r.data"
)
BATCH = 2_000
"""Records that are put with one set of statements."""
_FROM = "records r JOIN videos v ON v.ordinal = r.ordinal"
_NEAR = "records r NOT INDEXED CROSS JOIN videos v ON v.ordinal = r.ordinal"
_UPDATE = """
    UPDATE records SET end = ?, known_at = ?, maker = ?, parents = ?, thumb = ?, text = ?, data = ?
    WHERE n = ?"""
_INSERT = """
    INSERT INTO records (end, known_at, maker, parents, thumb, text, data,
        n, id, ordinal, level, channel, start)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


class Records:
    """The table of records. Triggers keep its words and vectors in step."""

    def __init__(self, database: Database, videos: Videos) -> None:
        self._database = database
        self._videos = videos

    def put(self, records: Iterable[Record]) -> list[str]:
        """Insert records, or replace those with the same id; return thumbs no longer named.

        A replaced record keeps its vectors, unless its place (video, start, level, channel)
        is another one now.
        """
        dropped: list[str] = []
        ordinals: dict[str, int] = {}
        coming = iter(records)
        with self._database.transaction():
            while batch := list(islice(coming, BATCH)):
                for video in {record.video: None for record in batch}:
                    if video not in ordinals:
                        ordinals[video] = self._videos.get(video).ordinal
                dropped += self._put(batch, ordinals)
        return dropped

    def delete(
        self,
        ordinals: Sequence[int],
        *,
        maker_prefix: str | None = None,
        level: str | Sequence[str] | None = None,
        span: Span | None = None,
        ids: Sequence[str] | None = None,
    ) -> tuple[int, list[str]]:
        """Delete the records that start in `span`; return how many, and the thumbs they named."""
        found = visible(ordinals=ordinals, level=level)
        found.among("r.id", ids)
        if span is not None:
            found.add("r.start >= ? AND r.start < ?", span.start, span.end)
        how = ""
        if span is not None and len(ordinals) == 1 and ids is None:
            found.add("r.n BETWEEN ? AND ?", *after(ordinals[0], span.start, span.end))
            how = "NOT INDEXED"  # SQLite would read all of the video
        if maker_prefix is not None:
            found.add("substr(r.maker, 1, ?) = ?", len(maker_prefix), maker_prefix)
        with self._database.transaction():
            rows = self._database.rows(
                f"SELECT n, thumb FROM records r {how} WHERE {found.sql}", found.values
            )
            numbers = json.dumps([row[0] for row in rows])
            self._database.run(
                "DELETE FROM records WHERE n IN (SELECT value FROM json_each(?))", (numbers,)
            )
        return len(rows), sorted({row[1] for row in rows if row[1] is not None})

    def read(
        self,
        *,
        ordinals: Sequence[int] | None,
        level: str | Sequence[str] | None = None,
        channel: str | Sequence[str] | None = None,
        span: Span | None = None,
        ids: Sequence[str] | None = None,
        as_of: Seconds | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Record]:
        """Return the records that match, by video, start and id."""
        found = visible(ordinals=ordinals, level=level, channel=channel, span=span, as_of=as_of)
        source = _NEAR if narrow(found, ordinals, level, channel, span) else _FROM
        found.among("r.id", ids)
        way = "DESC" if newest_first else "ASC"
        sql = (
            f"SELECT {COLUMNS} FROM {source} WHERE {found.sql} "
            f"ORDER BY r.ordinal {way}, r.start {way}, r.id {way} LIMIT ?"
        )
        rows = self._database.rows(sql, (*found.values, -1 if limit is None else max(0, limit)))
        return [as_known(to_record(row), as_of) for row in rows]

    def children(
        self,
        ordinals: Sequence[int],
        parents: Sequence[str],
        level: str | Sequence[str] | None = None,
        span: Span | None = None,
    ) -> list[Record]:
        """Return the records that were made from any of these, by start and id."""
        found = visible(ordinals=ordinals, level=level, span=span)
        source = _NEAR if narrow(found, ordinals, level, None, span) else _FROM
        sql = (
            f"SELECT {COLUMNS} FROM {source} WHERE {found.sql} AND r.parents != '[]' AND EXISTS "
            "(SELECT 1 FROM json_each(r.parents) p WHERE p.value IN "
            "(SELECT value FROM json_each(?))) ORDER BY r.start, r.id"
        )
        rows = self._database.rows(sql, (*found.values, json.dumps(list(parents))))
        return [to_record(row) for row in rows]

    def count(
        self,
        *,
        ordinals: Sequence[int] | None,
        level: str | Sequence[str] | None = None,
        channel: str | Sequence[str] | None = None,
        span: Span | None = None,
        as_of: Seconds | None = None,
    ) -> int:
        """Count the records that match."""
        found = visible(ordinals=ordinals, level=level, channel=channel, span=span, as_of=as_of)
        row = self._database.one(f"SELECT count(*) FROM records r WHERE {found.sql}", found.values)
        return int(row[0]) if row else 0

    def numbered(self, numbers: Sequence[int], as_of: Seconds | None = None) -> dict[int, Record]:
        """Return records by `records.n`."""
        rows = self._database.rows(
            f"SELECT r.n, {COLUMNS} FROM {_FROM} WHERE r.n IN (SELECT value FROM json_each(?))",
            (json.dumps(list(numbers)),),
        )
        return {row[0]: as_known(to_record(row[1:]), as_of) for row in rows}

    def _put(self, batch: Sequence[Record], ordinals: Mapping[str, int]) -> list[str]:
        """Put records in a handful of statements, with the outcome of one at a time.

        Where one leaves its place, or comes twice, the order counts: these go one at a time.
        """
        known = self._known([record.id for record in batch])
        moved = any(
            record.id in known and known[record.id][1:5] != _place_of(record, ordinals)
            for record in batch
        )
        if len(batch) > 1 and (moved or len({record.id for record in batch}) < len(batch)):
            return [name for record in batch for name in self._put([record], ordinals)]
        if moved:
            self._database.run("DELETE FROM records WHERE n = ?", (known[batch[0].id][0],))
        dropped: list[str] = []
        old: list[Row] = []
        new: list[tuple[Record, Row]] = []
        for record in batch:
            values = _values(record)
            was = known.get(record.id)
            if was is not None and was[5] not in (None, values[4]):
                dropped.append(was[5])
            if was is None or moved:
                new.append((record, values))
            else:
                old.append((*values, was[0]))
        self._database.run_many(_UPDATE, old)
        places = [_place_of(record, ordinals) for record, _ in new]
        numbers = self._free([place(ordinal, start) for ordinal, *_, start in places])
        self._database.run_many(
            _INSERT,
            [
                (*values, number, record.id, *where)
                for (record, values), number, where in zip(new, numbers, places, strict=True)
            ],
        )
        return dropped

    def _known(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return (n, ordinal, level, channel, start, thumb) of the records that are here."""
        rows = self._database.rows(
            "SELECT id, n, ordinal, level, channel, start, thumb FROM records "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return {row[0]: row[1:] for row in rows}

    def _free(self, wanted: Sequence[int]) -> list[int]:
        """Give each place its next free number: behind the last one of its millisecond."""
        rows = self._database.rows(
            "SELECT value, (SELECT max(n) FROM records WHERE n BETWEEN value AND value + 255) "
            "FROM json_each(?)",
            (json.dumps(sorted(set(wanted))),),
        )
        last = {start: n for start, n in rows if n is not None}
        numbers: list[int] = []
        given: set[int] = set()
        for start in wanted:
            number = last.get(start, start - 1) + 1
            # A full millisecond spills into the next ones, where others may be.
            while number > start + 255 and (number in given or self._holds(number)):
                number += 1
            block = number & ~255
            last[block] = max(number, last.get(block, number))
            given.add(number)
            numbers.append(number)
        return numbers

    def _holds(self, number: int) -> bool:
        return self._database.one("SELECT 1 FROM records WHERE n = ?", (number,)) is not None


def _place_of(record: Record, ordinals: Mapping[str, int]) -> tuple[int, str, str, float]:
    return ordinals[record.video], record.level, record.channel, record.span.start


def to_record(row: Row) -> Record:
    """Build a record from a row of `COLUMNS`."""
    name, video, level, channel, start, end, known_at, text, maker, parents, data = row
    return Record(
        id=name,
        video=video,
        level=level,
        channel=channel,
        span=Span(start, end),
        known_at=known_at,
        text=text,
        maker=maker,
        # Many records have neither, and reading JSON takes most of the time of building one.
        parents=() if parents == "[]" else tuple(json.loads(parents)),
        data={} if data == "{}" else json.loads(data),
    )


def as_known(record: Record, as_of: Seconds | None) -> Record:
    """The record as it stood at a time: what lasted beyond had not ended yet."""
    if as_of is None or record.span.end <= as_of:
        return record
    return replace(record, span=Span(record.span.start, max(record.span.start, as_of)))


def _values(record: Record) -> Row:
    thumb = record.data.get("thumb")
    return (
        record.span.end,
        record.known_at,
        record.maker,
        _json(list(record.parents)),
        thumb if isinstance(thumb, str) else None,
        clean(record.text),
        _json(record.data),
    )


def clean(text: str) -> str:
    """Replace what is no character (half of a surrogate pair), which SQLite cannot hold."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _json(value: Any) -> str:
    # Not NaN: other readers of the file could not parse it.
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
    )
    return clean(text)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value")
