"""Clips in their place: context vectors tell apart what the words alone cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from longtake.memory.recall import Recall
from tests.fakes import FakeImageEncoder
from tests.memory_world import Encoder, Script, open_store, remember

COLOURS = ("red", "blue", "green", "yellow", "purple", "orange", "white", "black", "brown", "pink")
SHAPES = ("square", "circle")
STEP = 30.0
HALF = STEP * len(COLOURS) * len(SHAPES)


def game() -> Script:
    """Two levels of ten minutes whose clips have the same captions."""
    script = Script(2 * HALF, frames=False)
    for half, name in enumerate(("Level one meadow", "Level two volcano")):
        begin = half * HALF
        script.shown.append((begin, begin + HALF, name, 0.06))
        for i, colour in enumerate(COLOURS):
            for j, shape in enumerate(SHAPES):
                time = begin + STEP * (2 * i + j)
                script.captions.append((time, time + STEP, f"A {colour} {shape} moves."))
    return script


class BareClips(Encoder):
    """Sees captions only: titles on the page are kept out of the clip's own vector."""

    def encode(self, texts):  # type: ignore[no-untyped-def]
        return super().encode([t.split(". Level")[0] for t in texts])


def hits(path: Path, *, context: bool) -> float:
    right, asked = 0, 0
    with open_store(path) as store:
        video = remember(store, "game.mp4", game(), encoder=BareClips())
        encoder = BareClips()
        for half, name in enumerate(("level one meadow", "level two volcano")):
            for i, colour in enumerate(COLOURS):
                for j, shape in enumerate(SHAPES):
                    vector = encoder.encode([f"{colour} {shape} in {name}"])[0]
                    facet = "context" if context else "text"
                    found = store.search_vectors("clip", facet, vector, k=1, video=video.id)
                    start = store.record(found[0][0]).span.start
                    time = half * HALF + STEP * (2 * i + j)
                    right += time <= start < time + STEP
                    asked += 1
    return right / asked


def test_context_tells_equal_clips_apart(tmp_path: Path) -> None:
    (tmp_path / "on").mkdir()
    (tmp_path / "off").mkdir()
    assert hits(tmp_path / "on", context=True) >= 0.95
    assert hits(tmp_path / "off", context=False) <= 0.6


def test_search_uses_context(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "game.mp4", game())
        recall = Recall(store, Encoder(), FakeImageEncoder())
        for half, name in enumerate(("level one meadow", "level two volcano")):
            found = recall.search(f"green circle in {name}", videos=[video.id], k=3, level="clip")
            time = half * HALF + STEP * 5
            assert time <= found.moments[0].span.start < time + STEP
            assert any(hit.how == "context" for hit in found.moments[0].parts)


def test_context_is_known_when_its_chapter_is(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "game.mp4", game())
        chapter = store.records(video=video.id, level="chapter")[0]
        before = store.vectors("clip", "context", video=video.id, as_of=chapter.known_at - 0.001)
        after = store.vectors("clip", "context", video=video.id, as_of=chapter.known_at)
        assert before[0] == []
        assert len(after[0]) == len(store.records(video=video.id, level="clip", span=chapter.span))
        assert np.allclose(np.linalg.norm(after[2], axis=1), 1, atol=1e-5)
