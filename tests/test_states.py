"""From when to when a state can be seen: nothing is missed, and edges are found in the source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from longtake.memory.recall import Recall
from longtake.memory.states import by_turns, merged, states, tiles_of
from longtake.storage.records import Video
from longtake.timecode import Span
from tests.fakes import FakeImageEncoder, FakeTagger
from tests.memory_world import Encoder, Script, open_store

DIM = 256
LAMP = [Span(40.6, 57.3), Span(205.1, 206.4), Span(431.2, 522.8)]
NOTED = [(41.0, 57.0), (205.0, 206.0), (440.0, 460.0)]
"""What memory has of it: not all of the last state."""
ROUGH = 0.3


class Source:
    """The film itself: a lamp that is on three times."""

    def __init__(self) -> None:
        self.looks: list[tuple[Span, float]] = []

    def look(self, span: Span, fps: float) -> dict[str, object]:
        """Frames of a span in which the lamp is on."""
        self.looks.append((span, fps))
        times = [float(t) for t in np.arange(span.start, span.end, 1 / fps)]
        lit = [t for t in times if any(one.contains(t) for one in LAMP)]
        other = [{"label": "corridor", "time": t, "p": 0.9} for t in times]
        return {"lines": [], "tags": other + [{"label": "lamp", "time": t, "p": 0.9} for t in lit]}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Video, Recall]]:
    from longtake.memory.writer import MemoryWriter
    from tests.memory_world import add_video, chunks

    script = Script(600.0, sight_noise=0.04)
    script.seen = [(60.0 * i, 60.0 * i + 60, f"place{i // 2} wall") for i in range(10)]
    script.seen += [(*span, "lamp") for span in NOTED]
    encoder = Encoder(DIM)
    with open_store(tmp_path_factory.mktemp("states")) as store:
        video = add_video(store, "hall.mp4", script.duration)
        for chunk in chunks(video, script, dim=DIM):
            MemoryWriter(store, video, encoder).write(chunk)
        yield video, Recall(store, encoder, FakeImageEncoder(FakeTagger(encoder)))


@pytest.mark.parametrize("query", ["a lamp", "the lamp", "lamp", "a lamp or so", "some lamp"])
def test_every_state_is_found_with_its_edges(hall: tuple[Video, Recall], query: str) -> None:
    video, recall = hall
    found = states(recall, query, video.id, Source().look)
    assert len(found.spans) == len(LAMP)
    for span, true in zip(found.spans, LAMP, strict=True):
        assert abs(span.start - true.start) <= ROUGH
        assert abs(span.end - true.end) <= ROUGH


def test_without_bisecting_edges_are_rough(hall: tuple[Video, Recall]) -> None:
    video, recall = hall
    fine = states(recall, "a lamp", video.id, Source().look).spans
    rough = states(recall, "a lamp", video.id, Source().look, bisect=False).spans
    off = [sum(abs(s.start - t.start) + abs(s.end - t.end) for s, t in zip(each, LAMP, strict=True))
           for each in (fine, rough)]  # fmt: skip
    assert off[0] < 0.6 * off[1]


def test_no_tile_is_looked_at_twice_and_most_of_the_film_not_at_all(
    hall: tuple[Video, Recall],
) -> None:
    video, recall = hall
    source = Source()
    found = states(recall, "a lamp", video.id, source.look, bisect=False)
    tiles = [span for span, _ in source.looks]
    assert tiles == found.looked
    assert all(a.overlap(b) < 0.01 for n, a in enumerate(tiles) for b in tiles[:n])


def test_a_limit_of_looks_is_kept_and_said(hall: tuple[Video, Recall]) -> None:
    video, recall = hall
    found = states(recall, "a lamp", video.id, Source().look, most=1, bisect=False)
    assert not found.complete
    assert found.spans  # the one that was looked at is followed to its ends


def test_tiles_are_taken_from_all_over_the_time() -> None:
    tiles = [(Span(12.0 * n, 12.0 * n + 12), 0.9 if n < 5 else 0.2) for n in range(20)]
    chosen = by_turns(tiles, 5)
    assert len(chosen) == 5
    assert max(one.start for one in chosen) >= 190  # a ranking would have taken the first minute


def test_a_stretch_is_cut_evenly_and_joined_again() -> None:
    whole = Span(0.0, 100.0)
    tiles = tiles_of(Span(90.0, 130.0), whole)
    assert tiles == [Span(90.0, 100.0)]
    assert merged(tiles_of(Span(0.0, 30.0), whole), 0.01) == [Span(0.0, 30.0)]
