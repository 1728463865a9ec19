"""Small libraries for the tests of storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from longtake.storage.records import Floats, Record, Thumb, VectorRow, Video, record_id
from longtake.storage.store import Store
from longtake.timecode import Span


def fingerprint(seed: int) -> str:
    return hashlib.sha256(str(seed).encode()).hexdigest()


def add_video(
    store: Store, seed: int = 1, name: str = "lecture.mp4", duration: float = 1e5
) -> Video:
    return store.add_video(fingerprint(seed), f"/videos/{name}", name, duration, {"width": 640})


def make(
    video: Video,
    start: float,
    end: float | None = None,
    *,
    level: Any = "clip",
    channel: Any = "caption",
    n: int = 0,
    known: float | None = None,
    text: str = "",
    maker: str = "test",
    **more: Any,
) -> Record:
    end = start + 10 if end is None else end
    return Record(
        id=record_id(video.ordinal, start, level, channel, n),
        video=video.id,
        level=level,
        channel=channel,
        span=Span(start, end),
        known_at=end if known is None else known,
        text=text,
        maker=maker,
        **more,
    )


def unit(rows: int, dim: int = 16, seed: int = 0) -> Floats:
    matrix = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), dtype=np.float32)


def row(
    record: Record, vector: Floats, facet: Any = "text", known: float | None = None
) -> VectorRow:
    return VectorRow(record.id, facet, vector, record.known_at if known is None else known)


def thumb(seed: int) -> Thumb:
    jpeg = b"\xff\xd8" + str(seed).encode()
    return Thumb(hashlib.sha256(jpeg).hexdigest(), jpeg)


@contextmanager
def writer(path: Path) -> Iterator[Store]:
    with Store.open(path, write=True, create=True) as store:
        yield store


def dump(store: Store) -> dict[str, list[Any]]:
    """Everything that is truth or in step with it, so that two libraries can be compared."""
    queries = {
        "records": "SELECT id, start, end, known_at, text, maker, thumb, data FROM records",
        "words": "SELECT r.id, w.text FROM words w LEFT JOIN records r ON r.n = w.rowid",
        "vectors": "SELECT r.id, i.key, x.known_at, x.vector FROM vectors x "
        "LEFT JOIN records r ON r.n = x.n LEFT JOIN indexes i ON i.no = x.no",
        "progress": "SELECT v.id, pass, done, finished, carry FROM progress p "
        "JOIN videos v ON v.ordinal = p.ordinal",
        "thumbs": "SELECT name FROM thumbs",
    }
    return {name: sorted(store.database.rows(sql), key=repr) for name, sql in queries.items()}
