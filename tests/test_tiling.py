"""Event changes in vector streams whose scene borders are known."""

from __future__ import annotations

import numpy as np
import pytest

from longtake.perception.carry import pack, unpack
from longtake.perception.tiling import Tiling


def stream(scenes: int, seed: int = 0, width: int = 64) -> tuple[np.ndarray, list[float]]:
    """Unit vectors of `scenes` scenes of 8-40 frames, and the times of the borders."""
    rng = np.random.default_rng(seed)
    rows, borders = [], []
    for scene in range(scenes):
        if scene:
            borders.append(float(len(rows)))
        mean = rng.standard_normal(width)
        mean /= np.linalg.norm(mean)
        for _ in range(int(rng.integers(8, 41))):
            row = mean + rng.standard_normal(width) * 0.02
            rows.append(row / np.linalg.norm(row))
    return np.asarray(rows, np.float32), borders


def found(tiling: Tiling, rows: np.ndarray) -> list[float]:
    out = []
    for i, row in enumerate(rows):
        out += tiling.add(float(i), row)
    return [time for time, _ in out + tiling.flush()]


def f1(guess: list[float], truth: list[float], within: float = 1.0) -> float:
    hits = sum(any(abs(g - t) <= within for g in guess) for t in truth)
    right = sum(any(abs(g - t) <= within for t in truth) for g in guess)
    if not hits or not right:
        return 0.0
    recall, precision = hits / len(truth), right / len(guess)
    return 2 * recall * precision / (recall + precision)


@pytest.mark.parametrize("scenes", [10, 60, 400])
def test_changes_are_found_however_many(scenes: int) -> None:
    scores = []
    for seed in range(3):
        rows, truth = stream(scenes, seed)
        scores.append(f1(found(Tiling(), rows), truth))
    assert np.mean(scores) >= 0.98, scores


@pytest.mark.parametrize(("scenes", "at_most"), [(60, 0.45), (400, 0.1)])
def test_a_cap_on_cuts_loses_most(scenes: int, at_most: float) -> None:
    rows, truth = stream(scenes)
    assert f1(found(Tiling(cap=15), rows), truth) <= at_most


def test_without_the_running_threshold_noise_makes_changes() -> None:
    rows, truth = stream(60)
    naive = f1(found(Tiling(alpha=-100.0, least=0.0), rows), truth)
    assert naive < 0.5 < f1(found(Tiling(least=0.0), rows), truth)


def test_decisions_come_within_the_lag() -> None:
    rows, _ = stream(20)
    tiling, late = Tiling(), []
    for i, row in enumerate(rows):
        late += [i - time for time, _ in tiling.add(float(i), row)]
    assert late
    assert max(late) <= tiling.lag


def test_a_still_stream_has_no_changes() -> None:
    assert found(Tiling(), np.tile(stream(1)[0][:1], (300, 1))) == []


def test_state_goes_through_bytes_at_any_place() -> None:
    rows, _ = stream(30)
    whole = found(Tiling(), rows)
    for stop in (1, 57, 200, len(rows) - 3):
        first, second = Tiling(), Tiling()
        out = [t for i, row in enumerate(rows[:stop]) for t in first.add(float(i), row)]
        second.restore(*unpack(pack(*first.state())))
        for i, row in enumerate(rows[stop:], stop):
            out += second.add(float(i), row)
        assert [time for time, _ in out + second.flush()] == whole
