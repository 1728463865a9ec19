"""The bench of streams: what it draws can be told apart, and its rows tell ours from their controls."""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.streaming import day, needles, represented
from bench.streaming.drawn import HOUR, frames, visits
from bench.streaming.models import MosaicTagger, stand_ins, truth
from tests.media import read_number


def test_a_drawn_day_is_unique_and_its_hours_are_alike() -> None:
    plan = visits(24, 116, 0)
    assert (plan[0].start, plan[-1].end) == (0, 24 * HOUR)
    assert all(one.end == two.start for one, two in pairwise(plan))
    assert len({one.scene for one in plan}) == 116
    lengths = [
        sorted(one.end - one.start for one in plan if one.start // HOUR == h) for h in (1, 23)
    ]
    assert lengths[0] == lengths[1]
    texts = [one.text for one in plan if one.text]
    assert len(set(texts)) == len(texts) == 352
    share = sorted((sum(one.scene == n for one in plan) for n in range(116)), reverse=True)
    assert share[0] > 20 * share[30] >= share[-1] >= 1


def test_pictures_tell_their_scene_number_and_text() -> None:
    plan = visits(1, 116, 0)
    true = truth(range(116))
    models = stand_ins()
    for visit, number in ((plan[0], 3), (plan[5], 2 * plan[5].start + 20)):
        image = next(one for n, one in frames(plan, 2) if n == number)
        near = (MosaicTagger().encode_images([image]) @ true.T)[0]
        assert int(near.argmax()) == visit.scene
        assert near.max() > 0.8 > np.sort(near)[-2] + 0.3
        assert read_number(image) == number
        lines = [line.text for line in models.text_reader.read([image])[0]]
        assert lines == ([visit.text] if visit.text and number - 2 * visit.start < 30 else [])


def test_the_writer_keeps_rare_scenes_and_fifo_does_not() -> None:
    told = represented.run(1, frames=1_500, scenes=50)["represented"]
    assert told["writer"][0] >= 0.95
    assert told["fifo_128"][0] < 0.2
    assert told["uniform_128"][0] < told["writer"][0]


def test_needles_have_words_of_their_own() -> None:
    words = [needles.odd(n, kind) for kind in needles.KINDS for n in range(20)]
    assert len(set(words)) == 60
    spots = sorted(at for kind in needles.KINDS for at in needles.places(1)[kind])
    assert min(np.diff(spots)) >= 10


@pytest.mark.slow
def test_two_hours_through_the_real_path(tmp_path: Path) -> None:
    given = argparse.Namespace(hours=2, capacity=128, budget=1_500_000, scenes=60, chunk=60.0)
    told = day.run(given, tmp_path)
    assert [one["hour"] for one in told["by_hour"]] == [1, 2]
    assert told["frames_kept"] > 500
    assert told["represented"]["every_frame"] == 1.0
    assert sum(told["by_hour"][-1]["held"].values()) <= 1_500_000
    assert max(told["by_hour"][-1]["records"][k] for k in ("frame.sight", "clip.caption")) <= 128
    assert told["represented"]["ours"] >= 0.95 > told["represented"]["fifo"]
