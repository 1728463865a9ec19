"""Tracks: drawn boxes that cross, hide each other, leave and come back, over cuts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from longtake.models.protocols import Detection
from longtake.perception.tracks import (
    MOST_BOXES,
    MOST_ENDED,
    Rules,
    Track,
    Tracker,
    between,
    colour_looks,
    nearness,
)
from longtake.timecode import Seconds
from tests.object_world import Thing, box_at, draw, in_turn, moving, told

PLAIN = Rules(looks=False, motion=False)
"""By overlap alone: the control."""


def follow(
    things: Sequence[Thing],
    times: Sequence[Seconds],
    rules: Rules | None = None,
    *,
    seed: int = 0,
    jitter: float = 0.0,
    cuts: Sequence[Seconds] = (),
) -> tuple[list[Track], dict[int, list[int]]]:
    """Return the tracks, and for each thing the identities its sightings were given, in order."""
    tracker = Tracker(rules or Rules())
    ended: list[Track] = []
    given: list[tuple[Seconds, int, tuple[float, ...]]] = []
    before = -1.0
    for time in times:
        if any(before < cut <= time for cut in cuts):
            ended += tracker.end()
        found = told(things, time, seed, jitter)
        boxes = [one.box for one, _ in found]
        ended += tracker.see(
            time, [one for one, _ in found], colour_looks(draw(things, time), boxes)
        )
        given += [(time, n, tuple(round(v, 4) for v in one.box)) for one, n in found]
        before = time
    ended += tracker.end()
    ended.sort(key=lambda track: track.n)
    return ended, _identities(ended, given)


def _identities(
    tracks: Sequence[Track], given: Sequence[tuple[Seconds, int, tuple[float, ...]]]
) -> dict[int, list[int]]:
    """Whose track each sighting is on: the one that passes nearest to it then."""
    out: dict[int, list[int]] = {}
    for time, thing, box in given:
        near = []
        for track in tracks:
            rows = track.closed()
            for a, b in zip(rows, rows[1:] or rows, strict=False):
                if a[0] <= time <= b[0]:
                    off = np.abs(np.subtract(between(a, b, time), box)).max()
                    near.append((float(off), track.same or track.n))
        if near:
            out.setdefault(thing, []).append(min(near)[1])
    return out


def switches(identities: dict[int, list[int]]) -> int:
    """How often a thing's sightings change from one identity to another."""
    return sum(a != b for rows in identities.values() for a, b in pairwise(rows))


def crossing(seed: int, colours: tuple[str, str]) -> list[Thing]:
    """Two squares that cross at some pace, one a little higher than the other."""
    draws = np.random.default_rng(seed)
    pace, rise = draws.uniform(0.06, 0.12), draws.uniform(-0.04, 0.04)
    end = 0.8 / pace
    return [
        Thing("square", colours[0], moving((0.1, 0.5), (pace, 0.0), 0.0, end)),
        Thing("square", colours[1], moving((0.9, 0.5 + rise), (-pace, 0.0), 0.0, end)),
    ]


def swapped(rules: Rules | None, colours: tuple[str, str]) -> int:
    """Identity switches in 20 clips of a crossing pair, one frame a second."""
    total = 0
    for seed in range(20):
        _, identities = follow(
            crossing(seed, colours), [float(t) for t in range(14)], rules, seed=seed, jitter=0.005
        )
        total += switches(identities)
    return total


def test_squares_of_one_colour_that_cross_stay_themselves() -> None:
    assert swapped(None, ("red", "red")) <= 1
    assert swapped(PLAIN, ("red", "red")) >= 10  # off: overlap alone confuses them


def test_looks_tell_a_crossing_pair_apart_without_motion() -> None:
    assert swapped(None, ("red", "blue")) == 0
    assert swapped(Rules(motion=False), ("red", "blue")) <= 4  # one clip of 20: half hidden
    assert swapped(PLAIN, ("red", "blue")) >= 10


def test_a_short_absence_is_one_track_a_long_one_two_of_one_thing() -> None:
    def away(seconds: float) -> list[Thing]:
        path = in_turn(
            moving((0.2, 0.5), (0.02, 0.0), 0.0, 6.0),
            moving((0.32 + 0.02 * seconds, 0.5), (0.02, 0.0), 6.0 + seconds, 14.0 + seconds),
        )
        return [Thing("dog", "brown", path)]

    times = [float(t) for t in range(40)]
    short, _ = follow(away(2.0), times)
    assert [(t.boxes[0][0], t.last[0]) for t in short] == [(0.0, 15.0)]
    long, identities = follow(away(12.0), times)
    assert [(t.boxes[0][0], t.last[0]) for t in long] == [(0.0, 5.0), (18.0, 25.0)]
    assert [t.same for t in long] == [None, 1]
    assert switches(identities) == 0
    alone, _ = follow(away(12.0), times, Rules(looks=False))
    assert [t.same for t in alone] == [None, None]  # off: nothing to know it by


def test_after_a_cut_a_thing_is_known_by_looks_and_label_alone() -> None:
    def scene(label: str, colour: str) -> list[Thing]:
        still = moving((0.3, 0.5), (0.0, 0.0), 0.0, 10.0)
        later = moving((0.3, 0.5), (0.0, 0.0), 10.0, 20.0)
        return [Thing("car", "red", still), Thing(label, colour, later)]

    times = [float(t) for t in range(20)]
    for label, colour, same in (("car", "red", 1), ("car", "blue", None), ("bus", "red", None)):
        tracks, _ = follow(scene(label, colour), times, cuts=[10.0])
        assert [(t.n, t.same) for t in tracks] == [(1, None), (2, same)]
        assert tracks[0].last[0] == 9.0
    uncut, _ = follow(scene("car", "red"), times)
    assert len(uncut) == 1  # off: without the cut it is one


def test_two_alike_in_view_together_are_never_one_thing() -> None:
    early = moving((0.2, 0.5), (0.0, 0.0), 0.0, 5.0)
    pair = [moving((x, 0.5), (0.0, 0.0), 12.0, 20.0) for x in (0.3, 0.7)]
    things = [Thing("car", "green", path) for path in (early, *pair)]
    tracks, _ = follow(things, [float(t) for t in range(24)])
    assert len(tracks) == 3
    assert sorted(t.same or 0 for t in tracks) == [0, 0, 1]


def test_a_single_unsure_sighting_is_no_track() -> None:
    tracker = Tracker()
    looks = np.ones((1, 1), np.float32)
    box = box_at(0.5, 0.5)
    tracker.see(0.0, [Detection("dog", 0.4, box)], looks)
    assert tracker.end() == []
    tracker.see(9.0, [Detection("dog", 0.8, box)], looks)
    assert [t.seen for t in tracker.end()] == [1]
    for time in (20.0, 21.0):
        tracker.see(time, [Detection("dog", 0.4, box)], looks)
    assert [t.p for t in tracker.end()] == [0.4]


def test_a_tracker_restored_goes_on_exactly() -> None:
    things = [*crossing(3, ("red", "blue")),
              Thing("dog", "brown", in_turn(moving((0.5, 0.2), (0.0, 0.0), 0.0, 3.0),
                                            moving((0.5, 0.2), (0.0, 0.0), 9.0, 14.0)))]  # fmt: skip
    frames = [(float(t), told(things, float(t), 1, 0.004)) for t in range(16)]

    def run(stops: Sequence[int]) -> list[Track]:
        tracker, ended = Tracker(), []
        for n, (time, found) in enumerate(frames):
            if n in stops:
                state = json.loads(json.dumps(tracker.state()))
                tracker = Tracker()
                tracker.restore(state)
            rows = [one for one, _ in found]
            looks = colour_looks(draw(things, time), [one.box for one in rows])
            ended += tracker.see(time, rows, looks)
        return ended + tracker.end()

    assert run(range(1, 16)) == run([7]) == run([])


def test_what_is_held_is_bounded_however_long_it_lasts() -> None:
    tracker = Tracker()
    looks = colour_looks(draw([], 0.0), [box_at(0.5, 0.5)])
    draws = np.random.default_rng(0)
    ended: list[Track] = []
    for time in range(3 * MOST_BOXES):  # it jumps about, so no box lies on a line
        x = 0.5 + float(draws.uniform(-0.04, 0.04))
        ended += tracker.see(float(time), [Detection("fly", 0.9, box_at(x, 0.5))], looks)
    ended += tracker.end()
    assert len(ended) >= 3
    assert {t.same for t in ended[1:]} == {1}
    assert all(len(t.closed()) <= MOST_BOXES + 1 for t in ended)
    assert all(a.last[0] == b.boxes[0][0] for a, b in pairwise(ended))
    for n in range(2 * MOST_ENDED):
        tracker.see(5000.0 + 10 * n, [Detection(f"thing {n}", 0.9, box_at(0.5, 0.5))], looks)
    assert len(tracker.state()["ended"]) <= MOST_ENDED


def test_boxes_on_a_line_are_kept_at_its_ends_only() -> None:
    tracks, _ = follow(
        [Thing("ball", "red", moving((0.1, 0.5), (0.02, 0.01), 0.0, 30.0))],
        [float(t) for t in range(30)],
    )
    assert len(tracks) == 1
    rows = tracks[0].closed()
    assert len(rows) <= 4
    truth = moving((0.1, 0.5), (0.02, 0.01), 0.0, 30.0)
    for time in np.linspace(0.0, 29.0, 100):
        a, b = next((a, b) for a, b in pairwise(rows) if a[0] <= time <= b[0])
        assert np.abs(np.subtract(between(a, b, float(time)), truth(float(time)))).max() < 0.011  # type: ignore[arg-type]


def test_looks_are_of_the_colours_inside_a_box() -> None:
    things = [Thing("a", "red", moving((0.3, 0.5), (0.0, 0.0), 0.0, 1.0)),
              Thing("b", "blue", moving((0.7, 0.5), (0.0, 0.0), 0.0, 1.0))]  # fmt: skip
    image = draw(things, 0.0)
    red, blue, again = colour_looks(image, [box_at(0.3, 0.5), box_at(0.7, 0.5), box_at(0.31, 0.5)])
    assert np.linalg.norm(red) == pytest.approx(1.0, abs=1e-5)
    assert float(red @ blue) < 0.1
    assert float(red @ again) > 0.95
    dim = colour_looks((image * 0.8).astype(np.uint8), [box_at(0.3, 0.5)])[0]
    assert float(red @ dim) > 0.9
    assert colour_looks(image, [(0.999, 0.999, 1.0, 1.0)]).shape == (1, len(red))
    assert colour_looks(image, []).shape == (0, len(red))


def test_nearness_goes_on_beyond_overlap() -> None:
    here = (0.1, 0.1, 0.3, 0.3)
    assert nearness(here, here) == pytest.approx(1.0)
    shifts = [nearness(here, (0.1 + d, 0.1, 0.3 + d, 0.3)) for d in (0.1, 0.2, 0.4, 0.6)]
    assert shifts == sorted(shifts, reverse=True)
    assert shifts[-1] < 0
