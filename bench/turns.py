"""What it costs to open and close a large library for each chunk, as a follower does.

    python -m bench.turns [--vectors 100000] [--turns 40]

A library gets so many vectors of 384 numbers in one index, whose file is written. Then each turn
opens it for writing, keeps a chunk of 30 records with vectors, and closes it; every tenth turn a
reader that stays open must find the chunk at once. Prints the medians and how often the index file
was written anew; the control is what one such writing takes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import emit, machine
from longtake.storage.records import Record, VectorRow, Video, record_id
from longtake.storage.store import Store
from longtake.timecode import Span

EACH, DIM = 30, 384


def rows_of(video: Video, first: int, count: int) -> tuple[list[Record], list[VectorRow]]:
    """Made-up clips, one a second, with random unit vectors."""
    noise = np.random.default_rng(first)
    vectors = noise.standard_normal((count, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    records, rows = [], []
    for n in range(count):
        at = float(first + n)
        name = record_id(video.ordinal, at, "clip", "caption")
        records.append(
            Record(name, video.id, "clip", "caption", Span(at, at + 1), at + 1, f"clip {at}",
                   "bench", (), {})
        )  # fmt: skip
        rows.append(VectorRow(name, "text", vectors[n], at + 1))
    return records, rows


def put(store: Store, records: list[Record], rows: list[VectorRow]) -> None:
    """Keep a chunk."""
    with store.transaction():
        store.put_records(records)
        store.put_vectors(rows)


def measure(path: Path, vectors: int, turns: int) -> dict[str, Any]:
    """Fill the library, then take turns."""
    with Store.open(path, write=True, create=True) as store:
        video = store.add_video("a" * 64, "/none.ts", "none.ts", 0.0, {})
        for first in range(0, vectors, 5000):
            put(store, *rows_of(video, first, min(5000, vectors - first)))
        began = time.perf_counter()
    closing = time.perf_counter() - began
    file = next((path / "indexes").iterdir())
    size, stamp, written = file.stat().st_size, file.stat().st_mtime_ns, 0
    took: dict[str, list[float]] = {"open": [], "write": [], "close": []}
    found: list[bool] = []
    with Store.open(path) as reader:
        for turn in range(turns):
            records, rows = rows_of(video, vectors + turn * EACH, EACH)
            marks = [time.perf_counter()]
            store = Store.open(path, write=True, wait=5.0)
            marks.append(time.perf_counter())
            put(store, records, rows)
            marks.append(time.perf_counter())
            store.close()
            marks.append(time.perf_counter())
            for name, one, later in zip(took, marks, marks[1:], strict=False):
                took[name].append(1000 * (later - one))
            if file.stat().st_mtime_ns != stamp:
                stamp, written = file.stat().st_mtime_ns, written + 1
            if turn % 10 == 0:
                best = reader.search_vectors("clip", "text", rows[-1].vector, k=1)
                found.append(best[0][0] == records[-1].id)
    return {
        "vectors": vectors,
        "index_megabytes": round(size / 1e6, 1),
        "index_written_in_ms": round(1000 * closing),
        "turns": turns,
        "index_written_anew": written,
        "median_ms": {name: round(statistics.median(row), 1) for name, row in took.items()},
        "worst_ms": {name: round(max(row), 1) for name, row in took.items()},
        "seen_at_once": f"{sum(found)} of {len(found)}",
    }


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = measure(Path(temporary) / "l.longtake", given.vectors, given.turns)
    emit({"bench": "turns", "machine": machine()} | found)


if __name__ == "__main__":
    main()
