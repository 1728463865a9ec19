"""The now-window and the buffer: what is newest in the source, nothing older, and no more work later."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.perception import newest as newest_module
from longtake.perception.media import probe
from longtake.perception.recorder import record
from longtake.perception.sources import GrowingFile
from longtake.storage.records import Video
from longtake.tools import now as module
from longtake.tools.now import Now, followed
from tests.fakes import FakeReader, FakeTranscriber, fake_models, tone
from tests.media import Scene, draw_video, read_blocks

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


def texts(lines: list[dict[str, Any]]) -> list[str]:
    return [line["text"] for line in lines]


def test_the_window_is_there_before_the_watch_has_come_so_far(whole: Path, tmp_path: Path) -> None:
    video = entry(whole, 20.0)
    seen = Now(tmp_path, models()).window(video)
    assert seen.edge > 118.0
    assert seen.span.duration == pytest.approx(8.0)
    assert len(seen.pictures) == 16
    assert texts(seen.shown["lines"]) == ["the exam is in room 214"]
    assert {tag["label"] for tag in seen.shown["tags"]} >= {"red"}
    (said,) = seen.said
    assert said.text == "please hand in the forms"
    assert said.span.start == pytest.approx(115.0, abs=0.2)
    assert {r.channel for r in seen.records} == {"screen", "sight", "speech"}
    assert all(seen.span.overlap(r.span) > 0 for r in seen.records)


def test_what_was_seen_a_minute_ago_is_in_neither(whole: Path, tmp_path: Path) -> None:
    now = Now(tmp_path, models())
    video = entry(whole, 120.0)
    late = now.buffer(video)
    assert len(late.pictures) == 60
    assert texts(late.shown["lines"]) == ["budget 42", "the exam is in room 214"]
    for shown in (now.window(video), late):
        assert "old slide" not in texts(shown.shown["lines"])
        assert min(shown.pictures) >= shown.edge - 61.0


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
    assert texts(now.window(video).shown["lines"]) == ["the exam is in room 214"]


def test_a_window_costs_no_more_late_than_early(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest_module, "LEAST", 1 << 15)
    data = whole.read_bytes()
    path = tmp_path / "live.ts"
    now, bytes_read, readings = Now(tmp_path, models()), [], []
    for share in (0.3, 0.5, 0.7, 0.9, 1.0):
        path.write_bytes(data[: int(len(data) * share)])
        video = entry(path, 10.0)
        before = now.models.text_reader.calls
        now.window(video)
        now.window(video)  # nothing came since: it is not looked at again
        readings.append(now.models.text_reader.calls - before)
        bytes_read.append(sum(p.high - p.low for p in now.newest(video, 8.0).pieces))
        assert len(now._kept) <= module.KEPT
    assert max(bytes_read[1:]) < 0.5 * len(data)
    assert max(readings) <= module.READINGS
