"""A folder of segments watched into a library: killed at any instant, it goes on to the same records."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.config import load_settings
from longtake.errors import UsageError
from longtake.library import Library
from longtake.perception.segments import parts, recording
from tests.fakes import FakeReader, FakeTranscriber, fake_models, tone
from tests.media import read_blocks
from tests.test_live_segments import RATE, STEP, about, draw, name_of

WORDS = ("harbour", "orchestra", "mountain", "library of glass", "tram")


def library(folder: Path) -> Library:
    settings = load_settings(library=folder / "l.longtake", profile="offline", chunk_seconds=10)
    reads = FakeReader(lambda image: [one for one in read_blocks(image).split("\n") if one])
    tones = FakeTranscriber(tones={400.0: "welcome to the lecture", 800.0: "the second part"})
    return Library(settings, models=fake_models(text_reader=reads, transcriber=tones))


def recorded(folder: Path, kind: str, count: int = 9) -> Path:
    """Segments with pages, and speech that runs over their borders."""
    folder.mkdir()
    sound = np.zeros(round(count * STEP) * RATE, np.float32)
    for at, hertz in ((3, 400.0), (13.5, 800.0), (27.5, 400.0), (37.0, 800.0)):
        sound[round(at * RATE) :][: 3 * RATE] = tone(hertz, 3.0, RATE)
    for number in range(count):
        part = sound[round(number * STEP * RATE) :][: round(STEP * RATE)]
        draw(folder / name_of(kind, number), WORDS[number // 2], sound=part)
    if kind == "own":
        about(folder)
    return folder


@pytest.fixture(scope="module", params=["own", "ts"])
def camera(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("camera") / request.param, request.param)


def told(records: Any) -> list[Any]:
    """All of the records but the video they belong to."""
    return [(r.id, r.level, r.span, r.known_at, r.text, r.data) for r in records]


def kept(lib: Library, video: str) -> list[Any]:
    lib.close()
    return told(lib.store.records(video=video, as_of=None))


@pytest.fixture
def undisturbed(camera: Path, tmp_path: Path) -> list[Any]:
    """What following to the end in one go keeps; made once for each camera."""
    if camera not in _UNDISTURBED:
        with library(tmp_path / "whole") as lib:
            _UNDISTURBED[camera] = kept(lib, lib.ingest(camera, follow=0.2).id)
    return _UNDISTURBED[camera]


_UNDISTURBED: dict[Path, list[Any]] = {}


def test_a_folder_is_followed_into_a_library(camera: Path, tmp_path: Path) -> None:
    with library(tmp_path) as lib:
        video = lib.ingest(camera, follow=0.2)
        assert video.path == str(camera.resolve())
        assert video.duration == pytest.approx(45.0, abs=0.3)
        said = " ".join(one.text for one in lib.transcript(video.id))
        assert said.count("welcome to the lecture") == said.count("the second part") == 2
        pages = {r.text for r in lib.store.records(video=video.id, channel="screen", as_of=None)}
        assert set(WORDS) <= pages
        live = video.media["live"]
        assert live["breaks"] == []
        assert live["content"]
        own = recording(camera)
        assert own is None or live["began"] == own.began
        assert lib.ingest(camera, follow=0.2).id == video.id
        assert len(lib.videos()) == 1
        moved = shutil.copytree(camera, tmp_path / "moved")
        assert lib.relink(video, moved).path == str(moved)
        parts(moved)[0].path.unlink()
        with pytest.raises(UsageError, match="is not the content"):
            lib.relink(video, moved)


def test_going_on_after_a_kill_reads_no_more_than_it_needs(
    camera: Path, tmp_path: Path, undisturbed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when what was watched is no longer kept: the oldest segments are deleted."""
    place = tmp_path / camera.name
    shutil.copytree(camera, place)

    class Killed(Exception):
        pass

    def die(event: dict[str, Any]) -> None:
        if event["done"] > 15.0:
            raise Killed

    with library(tmp_path) as lib:
        with pytest.raises(Killed):
            lib.ingest(place, follow=0.2, on_progress=die)
        lib.close()
        first = lib.videos()[0]
        assert 15.0 < first.duration < 40.0
        gone = [part for part in parts(place) if (part.end or 99.0) <= first.duration - 4.0]
        assert gone
        for part in gone:
            part.path.unlink()
        video = lib.ingest(place, follow=0.2)
        assert video.id == first.id
        assert kept(lib, video.id) == undisturbed
        assert video.media["live"]["breaks"] == []


CHILD = """
import sys
from pathlib import Path
from longtake.cli import session
from longtake.cli.main import cli
from tests.test_live_segments_kept import library
session.open_library = lambda settings: library(Path(settings.library).parent)
cli(sys.argv[1:])
"""


def killed(folder: Path, home: Path, chunks: int, after: float) -> bool:
    """Follow in a process of its own, and kill that so long after some chunks; whether it was."""
    command = [sys.executable, "-c", CHILD, "--library", str(home / "l.longtake"), "ingest",
               str(folder), "--follow", "--idle", "0.2", "--progress", "json"]  # fmt: skip
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert child.stderr is not None
    for _ in range(chunks):
        child.stderr.readline()
    time.sleep(after)
    child.kill()
    said = child.communicate()[1]
    assert child.returncode in (0, -signal.SIGKILL), said
    return child.returncode != 0


@pytest.mark.parametrize(
    "kills",
    [pytest.param(1, id="once"), pytest.param(12, id="often", marks=pytest.mark.slow)],
)
def test_killed_at_any_instant_nothing_is_lost_and_nothing_twice(
    kills: int, camera: Path, tmp_path: Path, undisturbed: list[Any]
) -> None:
    pick = random.Random(7)
    done = 0
    for turn in range(kills):
        home = tmp_path / str(turn // 3)  # some kills in a row, then anew
        chunks = 1 if kills == 1 else pick.randrange(2)
        done += killed(camera, home, chunks, pick.uniform(*((0.0, 0.5) if chunks else (1.0, 3.0))))
    assert done >= min(kills, 3)
    for home in sorted(tmp_path.glob("?")):
        with library(home) as lib:
            video = lib.ingest(camera, follow=0.2)
            assert len(lib.videos()) == 1
            assert kept(lib, video.id) == undisturbed
