"""`ingest`: sources, passes, progress in every form, interruption, and work done in part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longtake.cli.commands.ingest import which_passes
from longtake.cli.progress import Bars, JsonLines, PlainLines, Silent, describe, reporter
from longtake.cli.sources import find_sources, natural
from longtake.errors import DiskFull, Locked, Unreadable, UsageError
from tests.cli_world import World, empty_world, event, stopped

__all__ = ["empty_world"]


@pytest.fixture
def folder(empty_world: World) -> Path:
    """A folder with three videos and a text file, one of them deeper down."""
    root = empty_world.folder / "talks"
    (root / "more").mkdir(parents=True)
    for name in ("part10.mp4", "part2.mp4", "more/a.MKV", "notes.txt"):
        (root / name).write_bytes(b"x")
    return root


def test_folder_pattern_and_file(empty_world: World, folder: Path) -> None:
    found, lost = find_sources([str(folder), str(folder / "part2.mp4")])
    assert [path.name for path in found] == ["a.MKV", "part2.mp4", "part10.mp4"]
    assert lost == []
    found, _ = find_sources([str(folder / "part*.mp4")])
    assert [path.name for path in found] == ["part2.mp4", "part10.mp4"]
    found, lost = find_sources([str(folder / "**" / "*.MKV"), str(folder / "no*.mp4")])
    assert [path.name for path in found] == ["a.MKV"]
    assert "no file fits" in lost[0][1].message
    assert natural(Path("a2")) < natural(Path("a10"))


def test_file_with_a_pattern_in_its_name(empty_world: World) -> None:
    odd = empty_world.folder / "a[1].mp4"
    odd.write_bytes(b"x")
    assert find_sources([str(odd)])[0] == [odd]


def test_missing_file_names_the_nearest(empty_world: World, folder: Path) -> None:
    result = empty_world.run("ingest", folder / "part3.mp4")
    assert result.exit_code == 6
    assert "did you mean part2.mp4" in result.stderr
    assert empty_world.data("ingest", folder / "no" / "x.mp4", code=6)["code"] == "no_such_file"
    (empty_world.folder / "empty").mkdir()
    assert "holds no video" in empty_world.run("ingest", "empty").stderr


def test_ingest_says_what_is_known_then(empty_world: World, folder: Path) -> None:
    result = empty_world.run("ingest", folder / "part2.mp4")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("part2.mp4  v")
    assert "deep pass done; ask: longtake ask v" in result.stdout
    data = empty_world.data("ingest", folder / "part2.mp4", command="ingest")
    assert data["videos"][0]["name"] == "part2.mp4"
    assert data["failed"] == []


def test_flags_reach_the_library(empty_world: World, folder: Path) -> None:
    empty_world.run("ingest", folder / "part2.mp4", "--from", "1m", "--to", "2:00", "--no-quick")
    assert empty_world.script.watched[-1][1] == {
        "start": 60.0,
        "until": 120.0,
        "quick": False,
        "deep": True,
    }


@pytest.mark.parametrize(
    ("quick", "deep", "passes"),
    [
        (None, None, (True, True)),
        (True, None, (True, False)),
        (None, True, (False, True)),
        (True, True, (True, True)),
        (False, None, (False, True)),
        (None, False, (True, False)),
    ],
)
def test_passes(quick: bool | None, deep: bool | None, passes: tuple[bool, bool]) -> None:
    assert which_passes(quick, deep) == passes


def test_no_pass_left() -> None:
    with pytest.raises(UsageError):
        which_passes(False, False)


def test_some_fail_and_the_rest_is_listed(empty_world: World, folder: Path) -> None:
    broken = Unreadable("part10.mp4 is no media file", fix="look at it")
    empty_world.script.ingest_raises["part10.mp4"] = broken
    result = empty_world.run("ingest", folder, folder / "gone.mp4")
    assert result.exit_code == 7
    assert "2 of 4 not watched" in result.stderr
    assert "part10.mp4 is no media file" in result.stderr
    assert "gone.mp4" in result.stderr
    result = empty_world.run("ingest", folder, folder / "gone.mp4", "--json")
    envelope = json.loads(result.stdout)
    assert (result.exit_code, envelope["error"]["code"]) == (7, "partly_done")
    assert [one["name"] for one in envelope["data"]["videos"]] == ["a.MKV", "part2.mp4"]
    assert [one["code"] for one in envelope["data"]["failed"]] == ["no_such_file", "unreadable"]


def test_all_fail(empty_world: World, folder: Path) -> None:
    for name in ("part2.mp4", "part10.mp4"):
        empty_world.script.ingest_raises[name] = Unreadable("it is no media file")
    result = empty_world.run("ingest", folder / "part*.mp4")
    assert result.exit_code == 6
    assert "2 of 2 not watched" in result.stderr


@pytest.mark.parametrize("error", [Locked("process 7 writes"), DiskFull("no room")])
def test_what_concerns_all_stops_at_once(
    empty_world: World, folder: Path, error: Exception
) -> None:
    empty_world.script.ingest_raises["a.MKV"] = error
    result = empty_world.run("ingest", folder)
    assert result.exit_code == 3
    assert [name for name, _ in empty_world.script.watched] == ["a.MKV"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), stopped()], ids=["signal", "library"])
def test_ctrl_c_prints_the_same_command(
    empty_world: World, folder: Path, stop: BaseException
) -> None:
    odd = folder / "it's.mp4"
    odd.write_bytes(b"x")
    empty_world.script.ingest_raises["it's.mp4"] = stop
    result = empty_world.run("ingest", odd, "--no-quick")
    assert result.exit_code == 130
    assert "kept" in result.stderr
    assert "go on with: longtake ingest" in result.stderr
    assert "--no-quick" in result.stderr
    assert empty_world.data("ingest", odd, code=130)["code"] == "interrupted"


EVENTS = (
    {"stage": "models", "name": "whisper", "done": 1e6, "total": 4e6},
    event(0.0, stage="quick"),
    event(240.0, stage="quick"),
    event(60.0),
    event(240.0, eta=None),
)


def test_progress_is_talk_and_never_data(empty_world: World, folder: Path) -> None:
    empty_world.script.events = EVENTS
    result = empty_world.run("ingest", folder / "part2.mp4")
    told = result.stderr.splitlines()
    assert told[0] == "part2.mp4: models whisper 1.0 of 4.0 MB, 25 %"
    assert "deep 00:01:00 of 00:04:00, 25 %, 8.0× real time, ETA 00:00:10, askable now" in told[3]
    assert "MB" not in result.stdout
    assert empty_world.run("-q", "ingest", folder / "part2.mp4").stderr == ""
    assert empty_world.run("ingest", folder / "part2.mp4", "--progress", "none").stderr == ""


def test_progress_as_json_lines(empty_world: World, folder: Path) -> None:
    empty_world.script.events = EVENTS
    result = empty_world.run("ingest", folder / "part2.mp4", "--progress", "json", "--json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert [one["stage"] for one in events] == ["models", "quick", "quick", "deep", "deep"]
    assert events[3]["speed"] == 8.0
    assert {one["source"] for one in events} == {"part2.mp4"}
    assert json.loads(result.stdout)["ok"] is True


def test_plain_lines_come_every_so_often(capsys: pytest.CaptureFixture[str]) -> None:
    clock = [100.0]
    report = PlainLines("a.mp4", every=10.0, now=lambda: clock[0])
    for done in range(0, 241, 10):
        report(event(float(done)))
        clock[0] += 3.0
    lines = capsys.readouterr().err.splitlines()
    times = [line.split()[2] for line in lines]
    assert times[0] == "00:00:00"
    assert times[-1] == "00:04:00"
    assert times[1:4] == ["00:00:40", "00:01:20", "00:02:00"]
    report(event(240.0))
    assert capsys.readouterr().err == ""


def test_bars_do_not_read_marks_in_names(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars("[red]x[/red].mp4") as report:
        for one in EVENTS:
            report(one)
    said = capsys.readouterr().err
    assert said.startswith("[red]x[/red].mp4\n")
    assert "00:04:00 of 00:04:00" in said
    assert "askable now" in said


def test_mode_picks_the_reporter() -> None:
    assert isinstance(reporter("none", every=1, name="x"), Silent)
    assert isinstance(reporter("json", every=1, name="x"), JsonLines)
    assert isinstance(reporter("plain", every=1, name="x"), PlainLines)
    assert isinstance(reporter("auto", every=1, name="x"), PlainLines)


def test_unknown_total_and_speed() -> None:
    bare = {"stage": "models", "name": "m", "done": 2e6, "total": None}
    assert describe(bare) == "models m 2.0 MB"
    assert describe({"stage": "deep", "done": 1, "total": 2}) == "deep 00:00:01 of 00:00:02, 50 %"
