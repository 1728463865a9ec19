"""A watch from end to end: files, growing files, folders of segments, and falling behind."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.agent.standing import inlet
from longtake.agent.standing.inlet import Inlet
from longtake.agent.standing.streams import opened
from longtake.agent.standing.watching import Options, queries, watching
from longtake.config import load_settings
from longtake.errors import NoSuchFile, UsageError
from longtake.library import Library
from longtake.perception.items import Picture
from tests.fakes import FakeReader, fake_models
from tests.live_servers import http_server
from tests.media import Scene, draw_video, read_blocks

QUERY = '"final budget" is on the slide'
SCENES = [
    Scene(10, "white", "timetable"),
    Scene(10, "blue", "final budget"),
    Scene(6, "red", "end"),
]


def models() -> Any:
    return fake_models(
        text_reader=FakeReader(lambda image: [x for x in read_blocks(image).split("\n") if x])
    )


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streams") / "f.ts"
    return draw_video(path, SCENES, fps=5, size=(160, 90), numbered=False)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    settings = load_settings(library=tmp_path / "l.longtake", profile="offline")
    with Library(settings, models=models()) as made:
        yield made


def test_a_file_is_replayed_from_its_start(film: Path, library: Library) -> None:
    (alert,) = library.watch(film, [QUERY], begin="start", idle=0.5)
    assert alert.onset == pytest.approx(10.0, abs=0.6)


def test_a_file_that_is_being_written_is_watched_from_now_on(
    film: Path, library: Library, tmp_path: Path
) -> None:
    path, data = tmp_path / "growing.ts", film.read_bytes()
    path.write_bytes(data[: len(data) // 2])

    def write() -> None:
        for n in range(8):
            time.sleep(0.1)
            low = len(data) // 2 + n * len(data) // 16
            with path.open("ab") as file:
                file.write(data[low : low + len(data) // 16 + 16 * (n == 7)])

    writer = threading.Thread(target=write)
    writer.start()
    options = Options(idle=1.0)
    with library.watching(path, [QUERY, "the picture turns red"], options) as watch:
        alerts = list(watch)
    writer.join()
    assert watch.stream.live
    assert watch.stream.start > 8.0
    assert [one.channel for one in alerts][-1] == "seen"


def test_a_folder_of_segments_is_watched(film: Path, library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "segments"
    folder.mkdir()
    shutil.copy(film, folder / "part1.ts")
    options = Options(idle=0.5, begin="start")
    with library.watching(folder, [QUERY], options) as watch:
        assert len(list(watch)) == 1


def test_an_address_is_recorded_and_its_files_are_watched(film: Path, library: Library) -> None:
    data = film.read_bytes()

    def send(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        for n in range(10):
            handler.wfile.write(data[n * len(data) // 10 : (n + 1) * len(data) // 10])
            time.sleep(0.05)

    with http_server(send) as root:
        options = Options(idle=2.0, begin="start")
        with library.watching(f"{root}/live.ts", [QUERY], options) as watch:
            (alert,) = watch
    assert alert.onset == pytest.approx(10.0, abs=0.6)
    (folder,) = (one for one in (library.path / "raw").iterdir() if one.is_dir())
    assert list(folder.glob("*.mkv"))


def test_a_video_of_the_library_is_watched_by_its_name(film: Path, library: Library) -> None:
    library.ingest(film, quick=False, later=False)
    library.close()
    assert len(list(library.watch("f.ts", [QUERY], begin="start", idle=0.5))) == 1


def test_what_is_not_there_is_said_in_one_sentence(library: Library, tmp_path: Path) -> None:
    with pytest.raises(NoSuchFile), opened("nothing", tmp_path, find=library.video):
        pass


def test_a_watch_ends_when_it_is_told_to(film: Path, library: Library) -> None:
    with library.watching(film, ['"timetable" is on the slide'], Options(begin="start")) as watch:
        for _ in watch:
            watch.halt()
    assert watch.watcher.now < 20.0
    assert watch.summary()["alerts"] == 1


@pytest.mark.parametrize(("k", "of"), [(3, 2), (5, 1)])
def test_numbers_that_cannot_be_met_are_refused(k: int, of: int) -> None:
    with pytest.raises(UsageError):
        queries([QUERY], Options(k=k, of=of))
    with pytest.raises(UsageError):
        queries([], Options())


def test_k_and_of_are_taken() -> None:
    (query,) = queries([QUERY], Options(k=2, of=5))
    assert (query.rules["screen"].k, query.rules["screen"].n) == (2, 5)


class _Fast:
    """A source of which a hundred seconds come at once."""

    def __iter__(self) -> Iterator[Picture]:
        image = np.zeros((2, 2, 3), np.uint8)
        for n in range(200):
            yield Picture(n / 2, image, image)

    def stop(self) -> None:
        """Nothing to stop."""


def pulled(skips: Any) -> list[float]:
    source: Any = _Fast()
    flow = Inlet(source, skips)
    times = []
    for item in flow:
        assert isinstance(item, Picture)
        times.append(item.time)
        coming = Picture(flow.newest + 0.5, item.small, item.full)
        while skips and not flow._ended and not flow._full(coming):
            coming = Picture(flow.newest + 0.5, item.small, item.full)
            time.sleep(0.001)  # the source is faster than the watch
    flow.close()
    return times


def test_a_watch_from_now_on_never_falls_behind_and_tells_what_it_skipped() -> None:
    skipped: list[tuple[float, float]] = []
    times = pulled(lambda *stretch: skipped.append(stretch))
    assert skipped
    gone = sum(end - start for start, end in skipped)
    assert len(times) * 0.5 + gone == pytest.approx(100.0)
    assert times[-1] == 99.5


def test_a_watch_from_the_start_takes_everything() -> None:
    assert pulled(None) == [n / 2 for n in range(200)]


def test_little_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlet, "MOST", 1.0)
    source: Any = _Fast()
    flow = Inlet(source)
    for item in flow:
        assert isinstance(item, Picture)
        assert flow.newest - item.time <= 1.5
    flow.close()


def test_watching_needs_no_library(film: Path, tmp_path: Path) -> None:
    with watching(
        film, [QUERY], models(), tmp_path, options=Options(begin="start", idle=0.5)
    ) as watch:
        assert len(list(watch)) == 1
    assert not list(tmp_path.iterdir())
