"""The deep pass with the real models on a drawn video with real text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from longtake.perception.decode import Decoder, Picture
from longtake.perception.lines import readable, similarity
from longtake.perception.pipeline import perceive
from longtake.storage.records import Video
from tests.media import Scene, draw_video

if TYPE_CHECKING:
    from longtake.models.profiles import Models

SCENES = (
    Scene(8, "white", "Gradient descent\nStep size matters", blocks=False),
    Scene(7, "grey", "", moving=True, blocks=False, noise=20),
    Scene(8, "blue", "Momentum averages\nPage 12 of 30", blocks=False),
    Scene(7, "white", "Thank you\nQuestions please", blocks=False),
)


class Counting:
    """A reader that counts the images it reads."""

    def __init__(self, reader: object) -> None:
        self.reader, self.calls = reader, 0
        self.name = reader.name  # type: ignore[attr-defined]

    def read(self, images: list) -> list:
        self.calls += len(images)
        return self.reader.read(images)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.slow
def test_it_finds_what_reading_every_second_finds(tmp_path: Path, offline_models: Models) -> None:
    path = Path(
        draw_video(tmp_path / "slides.mp4", SCENES, fps=10, size=(640, 360), numbered=False)
    )
    reader = Counting(offline_models.text_reader)
    models = SimpleNamespace(text_reader=reader, image_tagger=offline_models.image_tagger)
    video = Video("v0000000000", 1, "f", str(path), path.name, 30.0)
    chunks = list(perceive(path, video, models))
    found = {r.text: r.span for c in chunks for r in c.records if r.level == "moment"}

    naive: set[str] = set()
    for item in Decoder(path):
        if isinstance(item, Picture) and item.full is not None:
            lines = offline_models.text_reader.read([item.full])[0]
            naive |= {line.text for line in readable(lines)}
    missed = [n for n in naive if max(similarity(n, f) for f in found) < 0.9]
    assert not missed
    assert reader.calls <= 10, "30 frames, 4 states"
    assert {"Gradient descent", "Thank you"} <= found.keys()
    assert found["Thank you"].start == pytest.approx(23.0, abs=1.0)
    assert any(row.facet == "sight" for chunk in chunks for row in chunk.vectors)
