"""An address is recorded first and followed from its recording; each of the two may be killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from longtake.errors import Interrupted, SourceGone
from longtake.follow import Follow
from longtake.library import Library
from longtake.perception.frames import frame_at
from longtake.perception.recorder import Recording, record
from longtake.perception.segments import ROLLED, parts, recording
from longtake.perception.sources import GrowingFile
from tests.media import Scene, draw_video, tone
from tests.test_live_file import Killed, kept, library, told
from tests.test_live_recording import Station, kill, until

SECONDS = 90


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.ts"
    sound = tone(SECONDS, rate=16_000)
    scenes = [Scene(SECONDS // 2, "blue", "alpha", moving=True), Scene(SECONDS // 2, "white")]
    return draw_video(path, scenes, fps=5, size=(160, 90), sound=sound, rate=16_000, gop=5)


@pytest.fixture
def station(film: Path) -> Iterator[Callable[..., Station]]:
    made: list[Station] = []

    def make(speed: float, **more: Any) -> Station:
        made.append(Station(film, speed, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def recorded(lib: Library) -> Recording:
    """The one recording of a library."""
    (folder,) = [path for path in (lib.path / "raw").iterdir() if path.is_dir()]
    return Recording(folder)


def test_an_address_is_looked_at_again_and_its_recording_goes_with_it(
    tmp_path: Path, station: Callable[..., Station]
) -> None:
    source = station(60, once=True)
    with library(tmp_path) as lib:
        seen: list[dict[str, Any]] = []
        video = lib.ingest(source.address, follow=1.0, on_progress=seen.append)
        assert video.duration == pytest.approx(SECONDS, abs=0.5)
        assert all(event["lag"] >= 0 for event in seen)
        folder = recorded(lib).folder
        assert lib.source_of(video) == folder
        assert frame_at(lib.source_of(video), 30.0).shape == (90, 160, 3)
        live = lib.status(video)["live"]
        assert live["source"] == source.address
        assert live["ended"]
        assert live["lag"] == 0
        whole = len(parts(folder))
        assert lib.forget(video, before=40.0, dry_run=True).recording > 0
        assert len(parts(folder)) == whole
        assert lib.forget(video, before=40.0).recording > 0
        assert 30.0 < parts(folder)[0].start <= 40.0
        with pytest.raises(SourceGone):
            frame_at(lib.source_of(video), 5.0)
        assert frame_at(lib.source_of(video), 60.0).shape == (90, 160, 3)
        lib.remove(video)
        assert not folder.exists()


def test_a_killed_reader_finds_the_recorder_at_work_and_goes_on(
    tmp_path: Path, station: Callable[..., Station], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Follow, "_thrift", lambda self, end: 0)  # it comes faster than in life
    source = station(5, once=True)
    with library(tmp_path) as lib:

        def tell(event: dict[str, Any]) -> None:
            raise Killed

        with pytest.raises(Killed):
            lib.ingest(source.address, follow=2.0, on_progress=tell)
        first = lib.videos()[0]
        assert recorded(lib).alive()
        assert 0 < first.duration < SECONDS - 20
        begun: list[float] = []
        lib.close()
        video = lib.ingest(
            source.address, follow=2.0, on_progress=lambda event: begun.append(event["done"])
        )
        assert video.id == first.id
        assert begun[0] > first.duration  # what was kept is not read again
        assert video.duration == pytest.approx(SECONDS, abs=0.5)
        assert len(lib.videos()) == 1
        assert not recorded(lib).alive()
        with library(tmp_path / "calm") as calm:
            shutil.copytree(recorded(lib).folder, tmp_path / "copy")
            other = calm.ingest(tmp_path / "copy", follow=0.2)
            assert told(kept(lib, video.id)) == told(kept(calm, other.id))


def test_a_killed_recorder_is_begun_again_and_the_gap_is_noted(
    tmp_path: Path, station: Callable[..., Station]
) -> None:
    source = station(4)
    warned: list[str] = []
    with library(tmp_path) as lib:

        def kill_early() -> None:
            """Not with the first chunk: where reading is slow the stream would have ended."""
            until(lambda: (lib.path / "raw").is_dir() and any(lib.path.glob("raw/*/*.mkv")))
            kill(recorded(lib))

        def tell(event: dict[str, Any]) -> None:
            warned.extend(event["warnings"])

        killer = Thread(target=kill_early)
        killer.start()
        video = lib.ingest(source.address, follow=3.0, on_progress=tell)
        killer.join()
        assert any("begun again" in one for one in warned)
        about = recording(recorded(lib).folder)
        assert about is not None
        assert about.ended
        assert about.breaks
        noted = [(one["at"], one["seconds"]) for one in video.media["live"]["breaks"]]
        assert [(one.at, one.seconds) for one in about.breaks] == noted
        assert video.duration == pytest.approx(about.edge, abs=0.5)


def test_ctrl_c_ends_the_recorder_too(tmp_path: Path, station: Callable[..., Station]) -> None:
    source = station(5, once=True)
    with library(tmp_path) as lib:

        def tell(event: dict[str, Any]) -> None:
            raise KeyboardInterrupt

        with pytest.raises(Interrupted, match="is kept up to"):
            lib.ingest(source.address, follow=3.0, on_progress=tell)
        until(lambda: not recorded(lib).alive())
        about = recording(recorded(lib).folder)
        assert about is not None
        assert about.ended
        assert about.edge < SECONDS - 5


@pytest.mark.parametrize("begun", [False, True])
def test_what_was_deleted_before_it_was_read_is_a_break(
    begun: bool, film: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "raw"
    record(GrowingFile(film, idle=0.1), folder)
    with library(tmp_path) as lib:
        if begun:

            def tell(event: dict[str, Any]) -> None:
                raise Killed

            with pytest.raises(Killed):
                lib.ingest(folder, follow=0.2, on_progress=tell)
            lib.close()
            assert lib.videos()[0].media["live"]["breaks"] == []
        done = lib.videos()[0].duration if begun else 0.0
        for part in parts(folder)[:5]:  # as the recorder does when its room is full
            part.path.unlink()
        first = parts(folder)[0].start
        assert done < first - 10
        video = lib.ingest(folder, follow=0.2)
        (lost,) = video.media["live"]["breaks"]
        assert lost["why"] == ROLLED
        assert lost["at"] == pytest.approx(done, abs=3.0)
        assert lost["at"] + lost["seconds"] == pytest.approx(first, abs=0.1)
        assert video.duration == pytest.approx(SECONDS, abs=0.5)
