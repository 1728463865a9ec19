"""The bench of questions about now: a stream grows to a time, and both ways are summed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.now import grow, sums
from longtake.perception.newest import newest
from tests.media import Scene, draw_video, silence


def test_a_stream_grows_to_a_time(tmp_path: Path) -> None:
    whole, live = tmp_path / "whole.mp4", tmp_path / "live.ts"
    draw_video(whole, [Scene(6, "red")], fps=4, size=(64, 48), sound=silence(6.0))
    for until in (2.0, 4.0):
        grow(whole, live, until)
        assert newest(live, 1.0).edge == pytest.approx(until, abs=0.5)


def test_each_way_is_summed_up_beyond_a_plain_question() -> None:
    def one(cpu: float, right: bool) -> dict[str, object]:
        return {"cpu": cpu, "wall": 2 * cpu, "right": right}

    rows = [
        {"sort": "screen", "sparing": one(6.0, True), "everything": one(12.0, True)},
        {"sort": "screen", "sparing": one(8.0, False), "everything": one(14.0, True)},
        {"sort": "speech", "sparing": {"cpu": 5.0, "wall": 5.0}},
    ]
    told = sums(rows, 4.0)
    assert told["screen"]["sparing"] == {
        "asked": 2, "cpu": 7.0, "beyond_plain": 3.0, "wall": 14.0, "right": 1,
    }  # fmt: skip
    assert told["screen"]["everything"]["right"] == 2
    assert told["speech"] == {"sparing": {"asked": 1, "cpu": 5.0, "beyond_plain": 1.0, "wall": 5.0}}
