"""A watch gives freed memory back after every chunk, and that returns it to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from longtake import watch
from longtake.config import load_settings
from longtake.library import Library
from tests.fakes import fake_models
from tests.media import Scene, draw_video

HOLES = """
import sys
from longtake.models.quiet import give_back

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

pieces = [bytes(2000) for _ in range(100_000)]
kept = pieces[::50]
del pieces
before = held()
if sys.argv[1] == "on":
    give_back()
print(before - held())
"""


def test_every_chunk_gives_memory_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[int] = []
    monkeypatch.setattr(watch, "give_back", lambda: times.append(1))
    video = draw_video(tmp_path / "v.mp4", [Scene(30, (9, 9, 9)), Scene(30, (200, 9, 9))], fps=5)
    settings = load_settings(library=tmp_path / "l.longtake", profile="offline", chunk_seconds=10)
    with Library(settings, models=fake_models()) as library:
        library.ingest(video, quick=False)
    assert len(times) >= 2


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux keeps freed memory")
def test_holes_between_what_lives_on_go_back_to_the_system() -> None:
    def pages(switch: str) -> int:
        told = subprocess.run(
            [sys.executable, "-c", HOLES, switch], capture_output=True, text=True, check=True
        )
        return int(told.stdout)

    assert pages("off") < 1_000
    assert pages("on") > 10_000
