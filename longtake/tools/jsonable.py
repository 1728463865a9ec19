"""Results of tools as JSON values: plain dicts, lists, strings and Python floats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longtake.storage.records import Record
from longtake.timecode import Span

DIGITS = 3
"""Times and scores are rounded to thousandths, so that they print alike everywhere."""


def rounded(value: float) -> float:
    """Round a time or score for output; −0.0 becomes 0.0."""
    return round(float(value), DIGITS) + 0.0


def jsonable(value: Any) -> Any:
    """Turn records, spans, numpy values and dataclasses into JSON values.

    >>> jsonable({"span": Span(1, 2.00049)})
    {'start': 1.0, 'end': 2.0}
    >>> jsonable([np.float32(0.5), (1, "a")])
    [0.5, [1, 'a']]
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, np.floating)):
        return rounded(float(value))
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (bytes, bytearray)):
        raise TypeError("bytes are not JSON; say what they stand for")
    if isinstance(value, Record):
        return record_row(value)
    if isinstance(value, Span):
        return {"start": rounded(value.start), "end": rounded(value.end)}
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, dict):
        return _fields(value.items())
    if is_dataclass(value) and not isinstance(value, type):
        return _fields((f.name, getattr(value, f.name)) for f in fields(value))
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Iterable):
        return [jsonable(one) for one in value]
    raise TypeError(f"no JSON for {type(value).__name__}")


def _fields(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, one in items:
        if key == "span" and isinstance(one, Span):
            out |= jsonable(one)
        else:
            out[str(key)] = jsonable(one)
    return out


def record_row(record: Record) -> dict[str, Any]:
    """A record as a row for people and programs; the maker's own data is left out."""
    row = {
        "id": record.id,
        "video": record.video,
        "level": record.level,
        "start": rounded(record.span.start),
        "end": rounded(record.span.end),
        "source": record.channel,
        "text": record.text,
    }
    title = record.data.get("title")
    return row | {"title": title} if title else row
