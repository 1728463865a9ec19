"""A folder of segments is one stream: in order, without a seam, while it grows, with its holes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.errors import EmptyMedia, NoSuchFile, SourceGone, Unreadable
from longtake.perception.decode import Decoder, Picture, Sound
from longtake.perception.frames import frame_at
from longtake.perception.segment_names import missing
from longtake.perception.segments import SegmentFolder, edge, is_folder, parts, recording
from longtake.perception.sources import open_live
from tests.media import Scene, beeps, draw_video, onsets, read_blocks

RATE = 16_000
STEP = 5.0


def draw(path: Path, text: str, seconds: float = STEP, **more: Any) -> Path:
    """A segment that shows `text` and beeps after one second."""
    scenes = [Scene(seconds, "white" if sum(map(ord, text)) % 2 else "blue", text)]
    options = {"fps": 5, "size": (160, 90), "sound": beeps(seconds, [1.0], rate=RATE), "rate": RATE}
    return draw_video(path, scenes, **(options | more))


def name_of(kind: str, number: int) -> str:
    return f"{int(number * STEP * 1000):012d}.mkv" if kind == "own" else f"cam-{number}.{kind}"


def about(folder: Path, *, ended: bool = True, **more: Any) -> None:
    """What a recorder writes about its folder."""
    starts = [int(one.stem) / 1000 for one in folder.glob("*.mkv")]
    told = {
        "format": "longtake-recording@1", "source": "rtsp://camera/1", "name": "camera",
        "began": "2026-11-23T10:00:00+00:00", "ended": "2026-11-23T10:00:20+00:00" if ended else None,
        "edge": max(starts, default=0.0) + STEP, "edge_wall": "2026-11-23T10:00:20+00:00",
        "bytes": sum(one.stat().st_size for one in folder.glob("*.mkv")), "breaks": [], "pid": 1,
    }  # fmt: skip
    draft = folder / "about.part"
    draft.write_text(json.dumps(told | more))
    draft.replace(folder / "about.json")


@pytest.fixture(scope="module", params=["own", "ts", "mp4"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four segments of one kind; also what is no segment."""
    folder = tmp_path_factory.mktemp(request.param)
    for number in range(4):
        draw(folder / name_of(request.param, number + 8), f"page {number}")
    (folder / "notes.txt").write_text("1")
    (folder / "poster.mp4").write_bytes(b"no segment: its name has no number")
    if request.param == "own":
        for number in range(4):
            (folder / name_of("own", number + 8)).rename(folder / name_of("own", number))
        about(folder)
    return folder


@pytest.fixture
def folder(drawn: Path, tmp_path: Path) -> Path:
    """The same in a place where a test may change it."""
    place = tmp_path / "camera"
    place.mkdir()
    for one in drawn.iterdir():
        os.link(one, place / one.name) if one.suffix != ".json" else None
    if (drawn / "about.json").exists():
        (place / "about.json").write_bytes((drawn / "about.json").read_bytes())
    return place


def times(source: Any) -> list[float]:
    return [item.time for item in Decoder(source) if isinstance(item, Picture)]


def heard(source: Any) -> list[float]:
    line = np.zeros(30 * RATE, np.float32)
    for item in Decoder(source, picture=False):
        if isinstance(item, Sound):
            at = round(item.start * RATE)
            line[at : at + len(item.samples)] = item.samples
    return onsets(line, RATE)


def page(source: Path, time: float) -> str:
    return read_blocks(frame_at(source, time))


def test_segments_follow_each_other_without_a_seam(folder: Path) -> None:
    assert is_folder(folder)
    assert [round(part.start, 2) for part in parts(folder)] == [0.0, 5.0, 10.0, 15.0]
    assert edge(folder) == pytest.approx(20.0, abs=0.2)
    grid = times(folder)
    assert np.diff(grid) == pytest.approx(0.2)
    assert (grid[0], grid[-1]) == (0.0, pytest.approx(20.0, abs=0.3))
    assert heard(folder) == pytest.approx([1.0, 6.0, 11.0, 16.0], abs=0.07)
    assert [page(folder, time) for time in (0.0, 4.9, 5.0, 9.8, 10.0, 17.0)] == [
        "page 0", "page 0", "page 1", "page 1", "page 2", "page 3",
    ]  # fmt: skip
    assert times(open_live(folder, idle=0.2)) == grid


def test_names_sort_by_number(folder: Path) -> None:
    names = [part.path.name for part in parts(folder)]
    assert names != sorted(names) or recording(folder)  # cam-8, cam-9, cam-10
    assert len(names) == 4


class Arriving(SegmentFolder):
    """A folder in which something happens at each wait, until nothing is left to happen."""

    def __init__(self, folder: Path, steps: list[Any]) -> None:
        super().__init__(folder, idle=5.0)
        self.steps = steps

    def wait(self, since: float) -> bool:
        if not self.steps:
            return False
        self.steps.pop(0)()
        return True


def arriving(folder: Path) -> Arriving:
    """All segments but the first come later: empty, half written, whole."""
    files = [part.path for part in parts(folder)]
    data = {path: path.read_bytes() for path in files}
    for path in files:
        path.unlink()
    own = recording(folder)
    if own:
        about(folder, ended=False)
    steps = []
    for path in files:
        whole = data[path]
        for share in (0.0, 0.3, 0.6, 1.0):
            part = whole[: int(len(whole) * share)]
            steps.append(lambda path=path, part=part: path.write_bytes(part))
    if own:
        steps.append(lambda: about(folder))
    return Arriving(folder, steps)


def test_what_grows_is_waited_for_and_reads_the_same(folder: Path, drawn: Path) -> None:
    source = arriving(folder)
    assert [hash_of(item) for item in Decoder(source)] == [
        hash_of(item) for item in Decoder(open_live(drawn, idle=0.2))
    ]
    assert source.breaks == []


def hash_of(item: Any) -> tuple[Any, ...]:
    if isinstance(item, Sound):
        return ("sound", item.start, item.samples.tobytes())
    small = item.small
    return ("picture", item.time, small.tobytes() if small is not None else b"")


def test_a_missing_segment_is_a_break_and_the_stream_goes_on(folder: Path) -> None:
    parts(folder)[1].path.unlink()
    source = open_live(folder, idle=0.2)
    shown = [time for time in times(source) if time >= 5.0]
    [one] = source.breaks
    if recording(folder):
        assert (one.why, one.seconds) == ("segment missing", pytest.approx(5.0, abs=0.1))
        assert next(time for time in shown if time > 5.1) == 10.0  # the sound runs that long
    else:
        assert one.why == "segment 9 missing"
    assert one.at == pytest.approx(5.0, abs=0.2)


def test_what_cannot_be_read_is_a_break_and_the_stream_goes_on(folder: Path) -> None:
    files = [part.path for part in parts(folder)]
    files[1].unlink()
    files[1].write_bytes(os.urandom(20_000))
    files[2].unlink()
    files[2].touch()
    source = open_live(folder, idle=0.2)
    grid = times(source)
    assert page(folder, 1.0) == "page 0"
    assert len(grid) == pytest.approx(50, abs=1)
    [one] = source.breaks
    assert "cannot be read" in one.why or "empty" in one.why


def test_the_recorders_own_breaks_are_handed_on(tmp_path: Path) -> None:
    draw(tmp_path / name_of("own", 0), "page 0")
    lost = {"at": 5.0, "wall": "2026-11-23T10:00:09+00:00", "seconds": 4.0, "why": "lost"}
    about(tmp_path, breaks=[lost])
    source = SegmentFolder(tmp_path, idle=0.2)
    times(source)
    assert [(one.at, one.seconds, one.why) for one in source.taken()] == [(5.0, 4.0, "lost")]


def test_it_begins_at_the_segment_that_holds_a_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(Decoder(SegmentFolder(folder, idle=0.2)))
    opened: list[float] = []
    began = SegmentFolder._note_what_broke

    def tell(source: SegmentFolder, part: Any, container: Any) -> None:
        opened.append(part.start)
        began(source, part, container)

    monkeypatch.setattr(SegmentFolder, "_note_what_broke", tell)
    source = SegmentFolder(folder, idle=0.2)
    rest = [hash_of(item) for item in Decoder(source, start=13.0)]
    assert [round(one) for one in opened] == [10, 15]
    assert source.breaks == []
    assert rest == [
        hash_of(item)
        for item in whole
        if (item.time >= 13.0 if isinstance(item, Picture) else item.end > 12.0)
    ]


def test_times_of_others_are_remembered_when_the_oldest_are_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = parts(folder)
    before[0].path.unlink()
    before[1].path.unlink()
    monkeypatch.setattr("longtake.perception.segment_times.measured", None)  # nothing is measured
    assert parts(folder) == before[2:]
    with pytest.raises(SourceGone, match="is kept from 00:00:10 on"):
        frame_at(folder, 7.0)
    assert page(folder, 12.0) == "page 2"
    if not recording(folder):
        monkeypatch.undo()
        monkeypatch.setenv("LONGTAKE_STATE", str(folder / "forgotten"))
        assert parts(folder)[0].start == 0.0  # what the memory of them is for


def test_what_is_remembered_does_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longtake.perception.segment_times.SPARE", 2)
    whole = draw(tmp_path / "whole.ts", "page")
    place = tmp_path / "ring"
    place.mkdir()
    for number in range(24):
        os.link(whole, place / f"cam-{number}.ts")
        if number >= 3:
            (place / f"cam-{number - 3}.ts").unlink()
        assert parts(place)[-1].start == pytest.approx(number * STEP)
    [kept] = (tmp_path / "state" / "segments").iterdir()
    assert len(kept.read_text().splitlines()) <= 2 * 3 + 2
    assert [part.start for part in parts(place)] == pytest.approx([105.0, 110.0, 115.0])


def test_a_row_that_was_lost_is_measured_again_and_a_late_file_left_out(
    folder: Path, tmp_path: Path
) -> None:
    if recording(folder):
        return
    before = parts(folder)
    [kept] = (tmp_path / "state" / "segments").iterdir()
    lines = kept.read_text().splitlines()
    kept.write_text("\n".join([lines[0], lines[1], lines[2][:40], *lines[3:]]))
    assert parts(folder) == before
    late = before[0].path.with_stem("cam-8.5")  # sorts after cam-8
    os.link(before[0].path, late)
    assert parts(folder) == before


def test_another_recording_in_the_same_place_is_measured_anew(folder: Path) -> None:
    if recording(folder):
        return
    first = parts(folder)
    key = open_live(folder, idle=0.2).key()
    for part in first:
        part.path.unlink()
        draw(part.path, "other", seconds=2.0)
    assert [part.start for part in parts(folder)] == pytest.approx([0, 2, 4, 6], abs=0.1)
    assert open_live(folder, idle=0.2).key() != key


def test_a_time_in_a_hole_is_gone(folder: Path) -> None:
    parts(folder)[1].path.unlink()
    with pytest.raises(SourceGone, match=r"00:00:0[57] is no longer there"):
        frame_at(folder, 7.0)
    assert page(folder, 12.0) == "page 2"


def test_what_holds_no_segments_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("7")
    assert not is_folder(tmp_path)
    with pytest.raises(Unreadable, match="is a folder that holds no segments"):
        open_live(tmp_path, idle=0.2).probe()
    with pytest.raises(Unreadable, match="is a folder that holds no segments"):
        times(tmp_path)
    with pytest.raises(NoSuchFile, match="no folder"):
        SegmentFolder(tmp_path / "none", idle=0.2).probe()
    (tmp_path / "a1.ts").write_bytes(os.urandom(9000))
    with pytest.raises(EmptyMedia, match="can be read"):
        open_live(tmp_path, idle=0.2).probe()


def test_missing_numbers_count_where_the_folder_counts() -> None:
    names = ["c1.ts", "c2.ts", "c6.ts"]
    assert missing("c2.ts", "c6.ts", names) == "segments 3 to 5 missing"
    assert missing("c1.ts", "c2.ts", names) == ""
    clocks = ["20261123-140000.mp4", "20261123-140500.mp4"]
    assert missing(*clocks, clocks) == ""
