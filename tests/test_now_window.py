"""The now-window and the buffer: what is newest in the source, nothing older, and no work not needed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.perception import newest as newest_module
from longtake.perception.media import probe
from longtake.perception.recorder import record
from longtake.perception.sources import GrowingFile
from longtake.storage.records import Record, Video
from longtake.timecode import Span
from longtake.tools import now as module
from longtake.tools.now import SOURCES, Glance, Now, followed
from tests.fakes import FakeReader, FakeTranscriber, fake_models, tone
from tests.media import Scene, bytes_until, draw_video, read_blocks

RATE = 16_000
SCENES = [Scene(40, "white", "old slide"), Scene(30, "blue", "budget 42"),
          Scene(50, "red", "the exam is in room 214", noise=3)]  # fmt: skip
TONES = {400.0: "welcome to the lecture", 800.0: "please hand in the forms"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 s in three slides; a sentence at 5 s, another that ends at 118 s."""
    sound = np.zeros(120 * RATE, np.float32)
    for at, hertz in ((5, 400.0), (115, 800.0)):
        sound[at * RATE :][: 3 * RATE] = tone(hertz, 3.0, RATE)
    path = tmp_path_factory.mktemp("window") / "live.ts"
    return draw_video(path, SCENES, fps=4, size=(160, 90), sound=sound, rate=RATE, gop=20)


def models() -> Any:
    reader = FakeReader(lambda image: [one for one in read_blocks(image).split("\n") if one])
    return fake_models(text_reader=reader, transcriber=FakeTranscriber(tones=TONES))


def entry(path: Path, duration: float, *, ended: str | None = None) -> Video:
    """A video of which only the beginning has been watched."""
    live = {"began": "2026-01-01T00:00:00+00:00", "ended": ended, "content": None, "breaks": []}
    media = asdict(probe(path)) | {"live": live}
    return Video("v1", 1, "f" * 64, str(path), path.name, duration, media)


class Asked:
    """Models that note which of them are opened."""

    def __init__(self, models: Any) -> None:
        self._models = models
        self.opened: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name not in ("names", "captioner"):
            self.opened.add(name)
        return getattr(self._models, name)


class Counting:
    """A tagger that counts the pictures that it names."""

    def __init__(self, tagger: Any) -> None:
        self._tagger = tagger
        self.name = tagger.name
        self.calls = 0

    def look(self, images: Any) -> Any:
        self.calls += len(images)
        return self._tagger.look(images)


def line(at: float, text: str) -> Record:
    """A line on the screen, as the memory has it."""
    span = Span(at, at + 5.0)
    return Record(f"v1-{at:g}", "v1", "moment", "screen", span, span.end, text, "fake", (), {})


def texts(one: Glance, source: str = "screen", since: float = 0.0) -> list[str]:
    return [record.text for record in one.records([source], since)]


def test_the_window_is_there_before_the_watch_has_come_so_far(whole: Path, tmp_path: Path) -> None:
    video = entry(whole, 20.0)
    seen = Now(tmp_path, models()).window(video)
    assert seen.edge > 118.0
    assert seen.span.duration == pytest.approx(8.0)
    assert texts(seen) == ["the exam is in room 214"]
    assert "red" in texts(seen, "sight")[-1]
    (said,) = seen.said
    assert said.text == "please hand in the forms"
    assert said.span.start == pytest.approx(115.0, abs=0.2)
    records = seen.records(SOURCES, 0.0)
    assert {r.channel for r in records} == {"screen", "sight", "speech"}
    assert all(seen.span.overlap(r.span) > 0 for r in records)


def test_what_was_seen_a_minute_ago_is_in_neither(whole: Path, tmp_path: Path) -> None:
    video, did = entry(whole, 120.0), Counter[str]()
    now = Now(tmp_path, models())
    window = now.window(video)
    late = now.buffer(window, count=lambda what, n: did.update({what: n}))
    assert {*texts(late)} == {"budget 42", "the exam is in room 214"}
    assert "old slide" not in texts(window)
    assert did["frames"] == pytest.approx(52, abs=1)  # the window is not decoded again
    assert min(r.span.start for r in late.records(SOURCES, 0.0)) >= window.edge - 61.0


def test_a_glance_does_only_what_it_is_asked_for(whole: Path, tmp_path: Path) -> None:
    asked, did = Asked(models()), Counter[str]()
    one = Now(tmp_path, asked).window(entry(whole, 20.0), "", lambda what, n: did.update({what: n}))
    assert not asked.opened
    assert not did
    one.records(["speech"], 0.0)
    assert asked.opened == {"voice_activity", "transcriber"}
    assert not did
    one.records(["screen"], one.edge)
    assert asked.opened == {"voice_activity", "transcriber", "text_reader"}
    assert did["frames"] == 16
    one.records(["sight"], one.edge)
    assert asked.opened == {"voice_activity", "transcriber", "text_reader", "image_tagger"}
    assert did["frames"] == 16


def test_the_newest_picture_is_read_first_and_each_once(whole: Path, tmp_path: Path) -> None:
    path, fakes = tmp_path / "live.ts", models()
    path.write_bytes(whole.read_bytes()[: bytes_until(whole, 73.0)])
    one = Now(tmp_path, fakes).window(entry(path, 10.0))
    assert texts(one, since=one.edge) == ["the exam is in room 214"]
    assert fakes.text_reader.calls == 1
    assert texts(one) == ["budget 42", "the exam is in room 214"]
    assert one.times(["screen"])[0] >= 70.0 > one.times(["screen"])[-1]
    calls = fakes.text_reader.calls
    assert 1 < calls <= module.READINGS
    texts(one)
    assert fakes.text_reader.calls == calls


def test_pictures_that_look_alike_are_named_once(whole: Path, tmp_path: Path) -> None:
    path, fakes = tmp_path / "live.ts", models()
    path.write_bytes(whole.read_bytes()[: bytes_until(whole, 74.0)])
    tagger = fakes.image_tagger = Counting(fakes.image_tagger)
    one = Now(tmp_path, fakes).window(entry(path, 10.0))
    (newest,) = one.records(["sight"], one.edge)
    assert "red" in newest.text
    assert newest.span.end == pytest.approx(one.edge, abs=0.3)
    assert tagger.calls == 1
    found = one.records(["sight"], 0.0)
    assert [any(name in r.text for r in found) for name in ("blue", "red", "yellow")] == [
        True, True, False,
    ]  # fmt: skip
    assert tagger.calls < 16
    assert tagger.calls == len(found)


def test_what_the_memory_holds_of_the_minute_is_not_looked_at(whole: Path, tmp_path: Path) -> None:
    did = Counter[str]()
    now = Now(tmp_path, models())
    window = now.window(entry(whole, 100.0))
    told = [line(at, f"line {at:g}") for at in (50.0, 65.0, 99.0)]
    late = now.buffer(window, held=100.0, known=told, count=lambda what, n: did.update({what: n}))
    assert late.span.start == 100.0
    assert {*texts(late)} == {"line 65", "line 99", "the exam is in room 214"}
    assert did["frames"] < 13
    did.clear()
    fresh = now.buffer(
        window, held=window.edge, known=told, count=lambda what, n: did.update([what])
    )
    assert {*texts(fresh)} == {"line 65", "line 99", "the exam is in room 214"}
    assert not did


def test_the_edge_is_that_of_the_file_while_it_is_followed(whole: Path, tmp_path: Path) -> None:
    now = Now(tmp_path, models())
    assert now.edge(entry(whole, 20.0)) == pytest.approx(119.8, abs=0.5)
    done = entry(whole, 20.0, ended="2026-01-01T00:02:00+00:00")
    assert not followed(done)
    assert now.edge(done) == 20.0
    assert now.edge(replace(entry(whole, 20.0), path=str(tmp_path / "gone.ts"))) == 20.0


def test_what_was_recorded_is_read_from_its_recording(whole: Path, tmp_path: Path) -> None:
    source = tmp_path / "gone.ts"
    source.write_bytes(whole.read_bytes())
    video = entry(source, 20.0)
    for name, seconds in (("old", 0.3), ("new", 1.0)):
        source.write_bytes(whole.read_bytes()[: int(seconds * whole.stat().st_size)])
        record(GrowingFile(source, idle=0.01), tmp_path / "raw" / name)
    about = json.loads((tmp_path / "raw" / "new" / "about.json").read_text())
    later = about | {"began": "2999-01-01T00:00:00+00:00"}
    (tmp_path / "raw" / "new" / "about.json").write_text(json.dumps(later))
    source.unlink()
    now = Now(tmp_path, models())
    assert now.edge(video) > 118.0
    assert texts(now.window(video)) == ["the exam is in room 214"]


def test_a_window_costs_no_more_late_than_early(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest_module, "LEAST", 1 << 15)
    data = whole.read_bytes()
    path = tmp_path / "live.ts"
    now, bytes_read, readings = Now(tmp_path, models()), [], []
    for share in (0.3, 0.5, 0.7, 0.9, 1.0):
        path.write_bytes(data[: int(len(data) * share)])
        before = now.models.text_reader.calls
        texts(now.window(entry(path, 10.0)))
        readings.append(now.models.text_reader.calls - before)
        bytes_read.append(sum(p.high - p.low for p in now.newest(entry(path, 10.0), 8.0).pieces))
    assert max(bytes_read[1:]) < 0.5 * len(data)
    assert max(readings) <= module.READINGS
