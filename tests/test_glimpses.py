"""What is in the picture for a moment only: noted by the deep pass, though nobody read it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from longtake.perception.glimpses import GlimpseTrack
from longtake.perception.pipeline import perceive
from longtake.storage.records import Video
from tests.fakes import fake_models
from tests.media import Scene, draw_video

WALL = np.full((90, 160, 3), 230, np.uint8)


def label(n: int = 0) -> np.ndarray:
    image = WALL.copy()
    image[70 - 10 * n : 74 - 10 * n, 100:130:3] = 20
    return image


def track_of(pictures: list[np.ndarray], *, reach: float = 1.25, start: int = 0) -> GlimpseTrack:
    track = GlimpseTrack(reach=reach)
    for k, small in enumerate(pictures[start:], start):
        track.add(k / 5, small)
    return track


def test_a_label_of_half_a_second_is_a_glimpse_and_a_longer_one_is_none() -> None:
    half = [WALL] * 20 + [label()] * 3 + [WALL.copy()] * 20
    (one,) = track_of(half).between(0.0, 9.0)
    assert (one.start, one.end) == (4.0, 4.6)
    assert track_of(half, reach=0.0).between(0.0, 9.0) == [], "off: nothing is looked back at"
    long = [WALL] * 20 + [label()] * 15 + [WALL.copy()] * 20
    assert track_of(long).between(0.0, 12.0) == []


def test_noise_cuts_and_motion_are_no_glimpses() -> None:
    chance = np.random.default_rng(3)
    grain = [
        np.clip(WALL.astype(int) + chance.integers(-8, 9, WALL.shape), 0, 255).astype(np.uint8)
        for _ in range(60)
    ]
    assert track_of(grain).between(0.0, 20.0) == []
    assert track_of([WALL] * 20 + [label()] * 20 + [label(3)] * 20).between(0.0, 20.0) == []
    wide = chance.integers(0, 255, (90, 400, 3), dtype=np.uint8)
    pan = [np.ascontiguousarray(wide[:, 3 * k : 3 * k + 160]) for k in range(80)]
    assert track_of(pan).between(0.0, 20.0) == []


def test_a_clip_keeps_the_plainest_few_that_do_not_overlap() -> None:
    pictures = []
    for k in range(50):
        pictures.append(label(k % 3) if k % 3 == 1 else WALL.copy())
    found = track_of(pictures).between(0.0, 10.0)
    assert len(found) == 6
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_taken_up_two_seconds_before_a_border_the_same_glimpses_are_found() -> None:
    pictures = [label() if k % 17 in (3, 4) else WALL.copy() for k in range(300)]
    whole = track_of(pictures)
    for border in (10.0, 20.2, 33.4):
        late = track_of(pictures, start=round((border - 2.0) * 5))
        assert late.between(border, 60.0) == whole.between(border, 60.0)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wall for 150 s, with a label for half a second between the frames that are read."""
    scenes = [Scene(83.25, "grey"), Scene(0.5, "grey", "QZ-8823"), Scene(66.25, "grey")]
    folder = tmp_path_factory.mktemp("drawn")
    return draw_video(folder / "film.mp4", scenes, fps=4.0, size=(192, 108), numbered=False)


def test_the_deep_pass_tells_where_something_was_for_a_moment(drawn: Path) -> None:
    video = Video("v0", 1, "f", str(drawn), drawn.name, 150.0, {})
    chunks = list(perceive(drawn, video, fake_models()))
    clips = [r for c in chunks for r in c.records if r.level == "clip"]
    told = {r.span.start: r.data["glimpses"] for r in clips if "glimpses" in r.data}
    assert list(told) == [80.0]
    ((start, end, levels),) = told[80.0]
    assert abs(start - 83.25) <= 0.2
    assert abs(end - 83.75) <= 0.2
    assert levels > 6
    assert len(chunks) > 1
    again = list(perceive(drawn, video, fake_models(), carry=chunks[0].carry))
    assert [r for c in again for r in c.records] == [r for c in chunks[1:] for r in c.records]
