"""`ingest --redo`, work that a later pass left undone, and how status tells of later passes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from longtake.cli.commands.ingest import coverage
from longtake.errors import PartlyDone, Unreadable
from longtake.perception.later import Mark
from longtake.storage.records import Progress
from longtake.storage.store import Store
from tests.cli_world import World, world
from tests.fakes import FakeModels

__all__ = ["world"]

LEFT = PartlyDone(
    "lecture.mp4 is watched, but captions failed: no answer",
    fix="then longtake ingest lecture.mp4 --redo captions",
)


def plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the profile name a vision model."""
    monkeypatch.setattr(FakeModels, "names", lambda self: {"vision": "seer@1"})


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        ("caption", 2, "did you mean captions?"),
        ("captions,xyzzy", 2, "one of: captions"),
        (" , ", 2, "--redo names no pass"),
        ("captions", 4, "the profile fake has no model for captions"),
    ],
)
def test_redo_is_checked_before_anything_is_done(
    world: World, names: str, code: int, said: str
) -> None:
    result = world.run("ingest", world.source, "--redo", names)
    assert result.exit_code == code
    assert said in result.stderr
    assert world.script.watched == []


def test_redo_and_the_choice_of_passes_reach_the_library(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(monkeypatch)
    for flags in (["--redo", "captions"], [], ["--deep"], ["--no-quick"], ["--quick"]):
        world.run("ingest", world.source, *flags)
    told = [(more.get("redo"), more.get("later", True)) for _, more in world.script.watched]
    assert told == [(("captions",), True), (None, True), (None, False), (None, True), (None, False)]


def test_what_a_later_pass_left_undone_is_told_with_exit_code_7(world: World) -> None:
    world.script.ingest_raises["lecture.mp4"] = LEFT
    result = world.run("ingest", world.source)
    assert result.exit_code == 7
    assert "lecture.mp4  v" in result.stdout
    assert "captions failed: no answer" in result.stderr
    assert "--redo captions" in result.stderr
    assert "not watched" not in result.stderr
    envelope = json.loads(world.run("ingest", world.source, "--json").stdout)
    assert envelope["error"]["code"] == "partly_done"
    (video,) = envelope["data"]["videos"]
    assert video["unfinished"]["code"] == "partly_done"
    assert video["passes"]["deep"]["finished"]


def test_other_files_go_on_and_both_troubles_are_told(world: World) -> None:
    for name in ("other.mp4", "broken.mp4"):
        (world.source.parent / name).write_bytes(b"x")
    world.script.ingest_raises["lecture.mp4"] = LEFT
    world.script.ingest_raises["broken.mp4"] = Unreadable("broken.mp4 is no media file")
    result = world.run("ingest", world.source.parent)
    assert result.exit_code == 7
    assert "1 of 3 not watched" in result.stderr
    assert "captions failed" in result.stderr
    assert len(world.script.watched) == 3


def test_a_question_is_answered_all_the_same(world: World) -> None:
    with Store.open(world.library, write=True) as store:
        video = store.videos()[0]
        store.set_progress(video.id, "deep", Progress(10.0, False, b""))
    world.script.ingest_raises["lecture.mp4"] = LEFT
    result = world.run(str(world.source), "when is the exam?")
    assert result.exit_code == 0, result.output
    assert "captions failed" in result.stderr


def test_status_tells_later_passes_and_by_whom(world: World) -> None:
    with Store.open(world.library, write=True) as store:
        video = store.videos()[0].id
        store.set_progress(
            video, "captions", Progress(600.0, False, Mark("captions:seer@1", 0.0, b"x").pack())
        )
        store.set_progress(
            video, "objects", Progress(1200.0, True, Mark("objects:boxes@1", 1200.0, b"").pack())
        )
    passes: dict[str, Any] = world.data("videos", "show", video)["passes"]
    assert passes["captions"] == {"done": 600.0, "finished": False, "share": 0.5, "by": "seer@1"}
    assert passes["objects"]["finished"]
    assert "pictures" not in passes
    assert "by" not in passes["deep"]
    said = coverage({"passes": passes})
    assert "captions 50 %, to 00:10:00, objects done" in said
    assert "captions 50 %" in world.run("videos").stdout
