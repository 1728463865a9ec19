"""Reads of a late span: the same records as ever, and the same work however long the video is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longtake.storage import rows
from longtake.storage.records import Record, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.memory_world import add_video, open_store


def fill(store: Store, hours: float) -> str:
    """Speech and lines, one every two seconds; some stand for long, some for no time."""
    video = add_video(store, "a.mp4", hours * 3600)
    drawn = np.random.default_rng(5)
    found = []
    for n in range(int(hours * 1800)):
        start = 2.0 * n
        length = float(drawn.choice([0.0, 1.5, 4.0, 59.0, 60.0, 61.0, 900.0]))
        channel = "speech" if n % 3 else "screen"
        name = record_id(video.ordinal, start, "moment", channel)  # type: ignore[arg-type]
        found.append(
            Record(name, video.id, "moment", channel, Span(start, start + length), start,  # type: ignore[arg-type]
                   "said", "quick:x" if n % 2 else "x", (f"p{n % 7}",), {})
        )  # fmt: skip
    store.put_records(found)
    return video.id


SPANS = (Span(10, 20), Span(61, 62), Span(1500, 1500), Span(1500, 1560), Span(2900, 1e9))


def test_a_late_span_holds_the_same_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path) as store:
        video = fill(store, 1.0)

        def read() -> list[list[Record]]:
            return [
                found
                for span in SPANS
                for found in (
                    store.records(video=video, level="moment", channel="speech", span=span),
                    store.records(video=video, channel="screen", span=span),
                    store.records(video=video, span=span, limit=3, newest_first=True),
                    store.records(video=video, span=span, as_of=1510.0),
                    store.children(video, ["p3"], span=span),
                )
            ]

        near = read()
        assert all(near[0::5])
        monkeypatch.setattr(rows, "narrow", lambda *more: False)
        assert read() == near


def work(store: Store, video: str, end: float) -> int:
    """Steps, in hundreds, that SQLite takes for what a chunk at the end reads and deletes."""
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    span = Span(end - 70, end - 10)
    store.database.connection.set_progress_handler(count, 100)
    store.records(video=video, level="moment", channel="speech", span=span)
    store.records(video=video, level=("moment", "frame"), channel="screen", span=span)
    store.children(video, ["p3"], span=span)
    store.delete_records(video, maker_prefix="none:", span=span)
    store.database.connection.set_progress_handler(None, 0)
    return steps[0]


def test_work_does_not_grow_with_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path / "short") as short, open_store(tmp_path / "long") as long:
        one, ten = fill(short, 1.0), fill(long, 10.0)
        assert work(long, ten, 36_000) <= 1.1 * work(short, one, 3600)
        monkeypatch.setattr(rows, "narrow", lambda *more: False)
        assert work(long, ten, 36_000) > 4 * work(short, one, 3600)
