"""Where a stream comes faster than it is read, sight goes first; speech and time never do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.perception.pipeline import perceive
from longtake.perception.segments import ROLLED
from longtake.perception.thrift import ECONOMY, NOTHING, SIGHT, Thrift
from longtake.storage.records import Record, Video
from longtake.storage.store import Store
from tests.asking import ask, scripted
from tests.fakes import FakeReader, FakeTagger, FakeTranscriber, fake_models, tone
from tests.media import Scene, draw_video, read_blocks
from tests.worlds import SECTIONS

SECONDS = 240
RATE = 8_000
TONES = {400.0: "first words", 800.0: "second words"}
SPOKEN = (3, 81, 142, 177, 230)


class Clock:
    """The time that passes while fakes work; nothing sleeps."""

    def __init__(self) -> None:
        self.now = 0.0


class SlowTagger(FakeTagger):
    """Takes so many seconds for each picture."""

    def __init__(self, clock: Clock, cost: float) -> None:
        super().__init__()
        self.clock, self.cost = clock, cost

    def look(self, images: Sequence[Any]) -> Any:
        self.clock.now += self.cost * len(images)
        return super().look(images)


class SlowReader(FakeReader):
    """Takes so many seconds for each reading."""

    def __init__(self, clock: Clock, cost: float) -> None:
        super().__init__(lambda image: [one for one in read_blocks(image).split("\n") if one])
        self.clock, self.cost = clock, cost

    def reread(self, image: Any, known: Any) -> Any:
        self.clock.now += self.cost
        return super().reread(image, known)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another picture with other text every second; five times somebody speaks."""
    colours = ("white", "blue", "red", "green", "yellow", "purple")
    scenes = [Scene(1, colours[n % 6], f"line {n}") for n in range(SECONDS)]
    sound = np.zeros(SECONDS * RATE, np.float32)
    for n, at in enumerate(SPOKEN):
        sound[at * RATE :][: 3 * RATE] = tone(400.0 if n % 2 else 800.0, 3.0, RATE)
    path = tmp_path_factory.mktemp("busy") / "busy.mkv"
    return draw_video(path, scenes, fps=2, size=(160, 90), sound=sound, rate=RATE)


def watched(path: Path, thrift: Thrift | None) -> tuple[list[Record], list[float]]:
    """Read a film as if it came live while the clock runs; return what was kept, and the lags."""
    clock = Clock()
    models = fake_models(
        image_tagger=SlowTagger(clock, 3.0),
        text_reader=SlowReader(clock, 1.5),
        transcriber=FakeTranscriber(tones=TONES),
    )
    kept: list[Record] = []
    lags: list[float] = []
    done = 0.0

    def leave_out(end: float) -> int:
        clock.now = max(clock.now, end)  # nothing is seen before it comes
        lags.append(clock.now - done)
        return thrift.at(lags[-1]) if thrift else NOTHING

    video = Video("v", 1, "f", str(path), path.name, 0.0)
    for chunk in perceive(path, video, models, chunk_seconds=10.0, thrift=leave_out):
        kept += chunk.records
        done = chunk.span.end
    return kept, lags


def clips(records: Sequence[Record]) -> list[Record]:
    return [one for one in records if one.level == "clip"]


def speech(records: Sequence[Record]) -> list[tuple[Any, ...]]:
    said = {one.id: one for one in records if one.channel == "speech"}
    return [(one.span, one.text) for one in said.values()]


def test_with_thrift_the_lag_is_bounded_and_speech_is_whole(busy: Path) -> None:
    off, growing = watched(busy, None)
    on, lags = watched(busy, Thrift())
    assert growing[-1] > 2 * max(lags)
    assert growing[-1] > 1.5 * growing[len(growing) // 2]
    assert max(lags) < 180
    assert len(speech(on)) == len(SPOKEN)
    assert speech(on) == speech(off)
    assert [one.span for one in clips(on)] == [one.span for one in clips(off)]
    lost = [tuple(one.data.get("left_out", ())) for one in clips(on)]
    assert {("economy",), ("sight",)} <= set(lost)
    assert not any("left_out" in one.data for one in clips(off))


def test_what_was_left_out_comes_in_order_of_value(busy: Path) -> None:
    read = []
    for level, looks, tags in ((NOTHING, 12, True), (ECONOMY, 6, True), (SIGHT, 6, False)):
        clock = Clock()
        reader = SlowReader(clock, 1.0)
        models = fake_models(image_tagger=SlowTagger(clock, 0.0), text_reader=reader)
        video = Video("v", 1, "f", str(busy), busy.name, 0.0)
        found = perceive(busy, video, models, until=30.0, thrift=lambda end, level=level: level)
        records = [one for chunk in found for one in chunk.records]
        middle = clips(records)[1]
        assert middle.data["thumb"]
        assert len(middle.data["frames"]) <= looks
        assert bool(middle.data["tags"]) == tags
        read.append(clock.now)
        sight = [one for one in records if one.level == "frame" and one.channel == "sight"]
        assert all(bool(one.data["tags"]) == tags for one in sight)
    assert read[NOTHING] > read[ECONOMY] > read[SIGHT] == 0


def test_it_is_taken_up_again_when_the_lag_is_small_but_not_at_the_same_point() -> None:
    thrift = Thrift(late=60.0)
    assert [thrift.at(lag) for lag in (59, 61, 59, 46, 44)] == [0, 1, 1, 1, 0]
    assert [thrift.at(lag) for lag in (300, 100, 89, 44)] == [2, 2, 1, 0]


def test_a_recording_whose_room_fills_counts_as_late() -> None:
    assert Thrift().at(5.0, full=0.79) == NOTHING
    assert Thrift().at(5.0, full=0.85) == ECONOMY
    assert Thrift().at(5.0, full=0.95) == SIGHT


def asked(folder: Path, live: dict[str, Any], question: str) -> Any:
    """Ask about the lecture as if it had been followed and lost something."""
    world = scripted(folder, SECTIONS)
    try:
        with Store.open(world.path, write=True) as store:
            media = world.video.media | {"live": {"ended": "2026-01-01", "breaks": []} | live}
            world.video = store.update_video(world.video.id, media=media)
        return ask(world, question)
    finally:
        world.store.close()


def test_what_may_have_been_lost_is_not_called_absent(tmp_path: Path) -> None:
    question = "Is there a helicopter in the video?"
    lost = {"left_out": [[100.0, 160.0, "sight"]]}
    gone = {"breaks": [{"at": 40.0, "seconds": 20.0, "why": ROLLED, "wall": ""}]}
    for name, live, status, words in (
        ("whole", {}, "not_in_video", ""),
        ("lost", lost, "insufficient", "60 s of lecture.mp4 from 00:01:40 to 00:02:40 came faster"),
        ("gone", gone, "insufficient", "deleted from 00:00:40 to 00:01:00 before it could"),
    ):
        (tmp_path / name).mkdir()
        answer = asked(tmp_path / name, live, question)
        assert (answer.status, words in answer.text) == (status, True), answer.text
