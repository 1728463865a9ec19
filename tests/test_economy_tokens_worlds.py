"""The films and the books of the economy bench; what the small model answers is for the bench."""

from __future__ import annotations

import numpy as np
import pytest

from bench.economy import Asker, measured
from bench.economy_worlds import WORLDS, action, camera, lecture
from bench.tinyvlm import model as models
from longtake.models.kv.tap import RopeTap

needs_weights = pytest.mark.skipif(not models.WEIGHTS.is_file(), reason="no weights are kept")


def changed(a: np.ndarray, b: np.ndarray) -> float:
    """The share of pixels that differ by more than noise."""
    return float((np.abs(a.astype(int) - b).max(axis=2) > 20).mean())


def test_a_lecture_stays_a_camera_sways_and_action_never_rests() -> None:
    still, moved, busy = lecture(2, 5, 3), camera(2, 5, 3), action(5, 3)
    assert len(still.frames) == len(moved.frames) == 20
    assert len(busy.frames) == 10
    assert [changed(a, b) == 0 for a, b in zip(still.frames, still.frames[1:], strict=False)] == [
        n % 5 != 4 for n in range(19)
    ]
    assert not np.array_equal(still.frames[0], still.frames[1])  # Its noise is fresh.
    steps = [changed(a, b) for a, b in zip(moved.frames, moved.frames[1:], strict=False)]
    assert min(steps) > 0.03
    assert min(changed(a, b) for a, b in zip(busy.frames, busy.frames[1:], strict=False)) > 0.01
    assert len(still.questions) == 8
    assert still.questions == moved.questions


def test_a_seed_makes_the_same_film() -> None:
    for make in WORLDS.values():
        one, same, other = make(1), make(1), make(2)
        assert all(map(np.array_equal, one.frames, same.frames))
        assert one.questions == same.questions != other.questions


def test_the_table_keeps_exact_books() -> None:
    with RopeTap(models.built()) as tap:
        rows = {row["way"]: row for row in measured(Asker(tap), "lecture", 8)}
    assert rows["none"]["kept"] == rows["cache"]["kept"] == rows["none"]["encode"] == 1.0
    assert rows["random tokens, as many"]["kept"] == rows["drop"]["kept"]
    assert abs(rows["uniform frames, as many"]["kept"] - rows["drop"]["kept"]) <= 1 / 48
    assert rows["carrier"]["kept"] == round(1 / 9, 4)
    assert rows["one frame of each"]["kept"] == round(1 / 6, 4)
    for name in ("slow and fast", "fit", "merge", "representative frames"):
        assert 0.13 <= rows[name]["kept"] <= 0.1667
    assert all(row["questions"] == 8 and 0 <= row["right"] <= 1 for row in rows.values())


@needs_weights
def test_a_lecture_is_answered_from_a_fifth_of_its_tokens() -> None:
    with RopeTap(models.loaded()) as tap:
        rows = {row["way"]: row for row in measured(Asker(tap), "lecture", 24)}
    assert rows["drop"]["kept"] <= 0.2
    assert rows["drop"]["of_none"] >= 0.95  # Of 24 questions: one is 0.05.
    assert rows["random tokens, as many"]["of_none"] < 0.8  # OFF: which tokens does matter.
