"""The tools by name and by method, over a small lecture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.errors import NoSuchMoment, NoSuchVideo, SourceGone, UsageError
from longtake.memory.recall import Recall
from longtake.storage.records import Video
from longtake.timecode import Span
from longtake.tools.registry import TOOLS, Toolbox
from tests.fakes import fake_models
from tests.worlds import ContentEncoder, World, lecture


class Pixels:
    """Stand-ins for what decodes; `there` says whether the file is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.there = True
        self.looks = 0
        path.write_bytes(b"film")

    def of(self, video: Video) -> Path:
        if not self.there:
            raise SourceGone(f"{video.name} is gone")
        return self.path

    def look(
        self, source: Path, video: Video, span: Span, models: Any, **more: Any
    ) -> dict[str, Any]:
        self.looks += 1
        return {"lines": [{"text": f"at {span.start:g}", "score": 0.9}], "tags": [], "frames": 4}

    def cut(self, source: Path, span: Span, out: Path, *, exact: bool) -> Path:
        out.write_text(f"{span.start:g}-{span.end:g}-{exact}")
        return out

    def snap(self, source: Path, time: float) -> Any:
        return np.full((8, 8, 3), 128, np.uint8)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(tmp_path, models.text_encoder)
    pixels = Pixels(tmp_path / "lecture.mp4")
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=pixels.of, look=pixels.look,
                           cut=pixels.cut, snap=pixels.snap)  # fmt: skip
    made.toolbox.pixels = pixels
    yield made
    made.store.close()


def test_every_tool_has_a_doc_a_schema_and_json_results(world: World, tmp_path: Path) -> None:
    given: dict[str, dict[str, Any]] = {
        "search": {"query": "attention sinks"},
        "locate": {"query": "attention sinks", "video": "lecture"},
        "summarize": {"videos": ["lecture"], "sentences": 3},
        "highlights": {"video": "lecture", "n": 2},
        "transcript": {"video": "lecture", "start": 0, "end": 60},
        "screen_text": {"video": "lecture"},
        "timeline": {"video": "lecture", "zoom": "scene"},
        "count": {"query": "attention sinks"},
        "inspect": {"video": "lecture", "start": 10, "end": 12},
        "clip": {"video": "lecture", "start": 1, "end": 3, "out": str(tmp_path / "c.mp4")},
        "frame": {"video": "lecture", "time": 5},
        "status": {"video": "lecture"},
    }
    # They need what other models made: tests/test_kv_tool.py, tests/test_objects_pass.py.
    assert set(given) | {"recall_kv", "objects"} == set(TOOLS)
    for name, arguments in given.items():
        spec = TOOLS[name]
        assert spec.doc.endswith(".")
        assert spec.schema()["parameters"]["type"] == "object"
        json.dumps(world.toolbox.call(name, **arguments))


def test_an_unknown_tool_names_the_nearest(world: World) -> None:
    with pytest.raises(UsageError, match="no tool 'serch'") as caught:
        world.toolbox.call("serch", query="x")
    assert caught.value.fix == "did you mean 'search'?"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("search", {}),
        ("search", {"query": ""}),
        ("search", {"query": "x", "k": 0}),
        ("search", {"query": "x", "colour": "red"}),
        ("timeline", {"video": "lecture", "zoom": "atom"}),
        ("transcript", {"video": "lecture", "start": 9, "end": 3}),
        ("transcript", {"video": "lecture", "start": float("nan")}),
        ("inspect", {"video": "lecture", "start": 0, "end": 600}),
        ("clip", {"video": "lecture", "start": 3, "end": 3, "out": "x"}),
        ("frame", {"video": "lecture", "time": -1}),
    ],
)
def test_wrong_arguments_are_refused(world: World, name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        world.toolbox.call(name, **arguments)


def test_an_unknown_video_is_said(world: World) -> None:
    with pytest.raises(NoSuchVideo):
        world.toolbox.call("status", video="holiday")


def test_count_reads_everything(world: World) -> None:
    found = world.toolbox.call("count", query="attention sinks", within=["speech"])
    assert found["value"] == 3
    assert [row["start"] for row in found["occurrences"]] == [250.0, 470.0, 610.0]
    assert world.toolbox.call("count", query="zebras")["value"] == 0
    early = world.toolbox.call("count", query="attention sinks", within=["speech"], as_of=500.0)
    assert early["value"] == 2
    part = world.toolbox.call(
        "count", query="attention sinks", within=["speech"], start=400, end=500
    )
    assert part["value"] == 1


def test_timeline_zooms(world: World) -> None:
    sizes = {
        zoom: len(world.toolbox.timeline(world.video.id, zoom=zoom))
        for zoom in ("video", "chapter", "scene", "clip", "frame")
    }
    assert sizes == {"video": 1, "chapter": 7, "scene": 7, "clip": 72, "frame": 72}


def test_transcript_and_screen_text_keep_to_the_window(world: World) -> None:
    said = world.toolbox.call("transcript", video="lecture", start=240, end=260)["lines"]
    assert any("attention sinks" in row["text"] for row in said)
    assert all(row["end"] > 240 and row["start"] < 260 for row in said)
    shown = world.toolbox.call("screen_text", video="lecture", start=560, end=570)["lines"]
    assert [row["text"] for row in shown] == [
        "The exam", "Friday 12 June, room 214", "Bring a pocket calculator",
    ]  # fmt: skip


def test_a_second_inspection_costs_nothing(world: World) -> None:
    first = world.toolbox.call("inspect", video="lecture", start=10, end=12)
    again = world.toolbox.call("inspect", video="lecture", start=10, end=12)
    assert first == again
    assert first["lines"][0]["text"] == "at 10"
    assert world.toolbox.pixels.looks == 1
    world.toolbox.call("inspect", video="lecture", start=10, end=13)
    assert world.toolbox.pixels.looks == 2


def test_inspections_outlive_the_process(world: World) -> None:
    world.toolbox.call("inspect", video="lecture", start=10, end=12)
    pixels = world.toolbox.pixels
    other = Toolbox(world.store, world.toolbox.models, world.toolbox.recall, source_of=pixels.of,
                    look=pixels.look)  # fmt: skip
    other.call("inspect", video="lecture", start=10, end=12)
    assert pixels.looks == 1


def test_inspecting_beyond_the_end_or_without_the_file(world: World) -> None:
    with pytest.raises(NoSuchMoment):
        world.toolbox.call("inspect", video="lecture", start=5000, end=5001)
    world.toolbox.pixels.there = False
    with pytest.raises(SourceGone):
        world.toolbox.call("inspect", video="lecture", start=30, end=31)


def test_clip_and_frame_write_files(world: World, tmp_path: Path) -> None:
    out = tmp_path / "part.mp4"
    row = world.toolbox.call("clip", video="lecture", start=715, end=900, out=str(out))
    assert out.read_text() == "715-720-False"
    assert row["path"] == str(out)
    picture = tmp_path / "p.jpg"
    assert world.toolbox.call("frame", video="lecture", time=5, out=str(picture))["path"]
    assert picture.read_bytes()[:2] == b"\xff\xd8"


def test_status_says_what_is_covered(world: World) -> None:
    row = world.toolbox.call("status", video="lecture")
    assert row["passes"]["deep"] == {"done": 720.0, "finished": True, "share": 1.0}
    assert row["covered"] == [{"start": 0.0, "end": 720.0, "pass": "deep"}]
    assert row["levels"]["chapter.caption"] == 7
