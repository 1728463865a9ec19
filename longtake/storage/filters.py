"""Which records a read may see, as one SQL condition over `records r`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from longtake.storage.schema import LONG, place
from longtake.timecode import Seconds, Span

# Records of the same millisecond take the next free numbers; more than 256 of them spill into
# the next ones. A window of `n` is widened by this many milliseconds, and the exact times decide.
_SPILL = 1.0


@dataclass(slots=True)
class Filter:
    """Conditions joined by AND, with their values in order."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    @property
    def sql(self) -> str:
        """The condition; true when there is none."""
        return " AND ".join(self.parts) or "1"

    def add(self, part: str, *values: Any) -> None:
        """Demand one more thing."""
        self.parts.append(part)
        self.values.extend(values)

    def among(self, column: str, wanted: str | int | Sequence[str] | Sequence[int] | None) -> None:
        """Demand that a column has the value, or one of the values; None demands nothing."""
        if wanted is None:
            return
        if isinstance(wanted, str | int):
            self.add(f"{column} = ?", wanted)
        elif len(wanted) == 1:
            self.add(f"{column} = ?", wanted[0])
        else:
            self.add(f"{column} IN (SELECT value FROM json_each(?))", json.dumps(list(wanted)))


def visible(
    *,
    ordinals: Sequence[int] | None = None,
    level: str | Sequence[str] | None = None,
    channel: str | Sequence[str] | None = None,
    span: Span | None = None,
    as_of: Seconds | None = None,
) -> Filter:
    """Build the condition that every read shares."""
    found = Filter()
    found.among("r.ordinal", ordinals)
    found.among("r.level", level)
    found.among("r.channel", channel)
    if span is not None:
        overlapping(found, span)
    if as_of is not None:
        found.add("r.known_at <= ?", as_of)
        if span is not None and span.start >= as_of:  # Nothing that was known lasted so long.
            found.add("r.start >= ?", span.start)
    return found


def overlapping(found: Filter, span: Span) -> None:
    """Demand an overlap with `span`; an instant counts as inside where `start <= t < end`."""
    if span.duration > 0:
        found.add("r.start < ? AND (r.end > ? OR r.start >= ?)", span.end, span.start, span.start)
    else:
        found.add(
            "r.start <= ? AND (r.end > ? OR (r.end = r.start AND r.start = ?))", *[span.start] * 3
        )


def window(ordinal: int, span: Span | None) -> tuple[int, int]:
    """Return the range of `n` that holds every record of a video that may overlap `span`."""
    last = place(ordinal + 1, 0.0) - 1
    if span is None:
        return place(ordinal, 0.0), last
    return place(ordinal, 0.0), min(last, place(ordinal, span.end + _SPILL))


def narrow(
    found: Filter,
    ordinals: Sequence[int] | None,
    level: str | Sequence[str] | None,
    channel: str | Sequence[str] | None,
    span: Span | None,
) -> bool:
    """Name by number what may overlap a late span of one video; the exact condition decides.

    What overlaps began shortly before, or is long, and long records have an index by their end. So a
    read of the newest minute costs the same after an hour and after a month. SQLite would take an
    index by video in its stead: where this says True, `records` is to be read NOT INDEXED.
    """
    if span is None or ordinals is None or len(ordinals) != 1 or span.start <= LONG:
        return False
    near = Filter()
    near.among("r.ordinal", ordinals)
    near.among("r.level", level)
    near.among("r.channel", channel)
    near.add("r.start >= ? AND r.start <= ?", span.start - LONG, span.end)
    how = ""
    if level is None or channel is None:
        near.add("r.n BETWEEN ? AND ?", *after(ordinals[0], span.start - LONG, span.end))
        how = "NOT INDEXED"
    found.add(
        f"r.n IN (SELECT r.n FROM records r {how} WHERE {near.sql} UNION ALL SELECT n FROM records "
        f"WHERE ordinal = ? AND end - start > {LONG} AND end > ?)",
        *near.values, ordinals[0], span.start,
    )  # fmt: skip
    return True


def after(ordinal: int, start: Seconds, end: Seconds) -> tuple[int, int]:
    """Return the range of `n` that holds every record of a video that starts between two times."""
    first = place(ordinal, max(0.0, start - _SPILL))
    return first, min(place(ordinal + 1, 0.0) - 1, place(ordinal, end + _SPILL))
