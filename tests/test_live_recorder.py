"""Recordings of live sources: what is kept, cut and deleted, and how it goes on after a break."""

from __future__ import annotations

import errno
import hashlib
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from longtake.errors import DiskFull, EmptyMedia, Locked, StoreError, Unreadable
from longtake.perception import reencode, ring, tape
from longtake.perception.devices import Camera
from longtake.perception.recorder import record
from longtake.perception.sources import GrowingFile, Live, open_live
from longtake.storage.lock import WriterLock
from tests.media import Scene, draw_sound, draw_video, glued, not_a_video, shifted, tone

FPS = 10


def draw(path: Path, seconds: int = 35, **more: Any) -> Path:
    scenes = [
        Scene(seconds // 2, "white", "alpha", moving=True),
        Scene(seconds - seconds // 2, moving=True),
    ]
    more = {"fps": FPS, "gop": 2 * FPS, "options": {"preset": "veryfast", "bf": "2"}} | more
    more = {"sound": tone(seconds, rate=16_000), "rate": 16_000} | more
    return draw_video(path, scenes, size=(160, 90), **more)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("film") / "film.ts")


def pictures(path: Path, begin: float = 0.0) -> list[tuple[float, str]]:
    import av

    with av.open(str(path)) as container:
        return [
            (begin + float(f.pts * f.time_base), hashlib.md5(f.to_ndarray().tobytes()).hexdigest())
            for f in container.decode(video=0)
        ]


def sounds(path: Path, begin: float = 0.0) -> list[float]:
    import av

    with av.open(str(path)) as container:
        packets = [p for p in container.demux(audio=0) if p.size]
        return [begin + float(p.pts * p.time_base) for p in packets]


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.mkv"))


def all_of(folder: Path, reader: Any) -> list[Any]:
    """What `reader` finds in all segments, each opened by itself, in stream time."""
    return [one for path in segments(folder) for one in reader(path, int(path.stem) / 1000)]


def about(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "about.json").read_text())
    return told


def even(times: list[float]) -> list[float]:
    """Times counted from the first."""
    return [time - times[0] for time in times]


def test_segments_hold_the_same_pictures_and_sound(film: Path, tmp_path: Path) -> None:
    record(GrowingFile(film, idle=0.1), tmp_path / "raw")
    truth, found = pictures(film), all_of(tmp_path / "raw", pictures)
    assert [shown for _, shown in found] == [shown for _, shown in truth]
    assert even([t for t, _ in found]) == pytest.approx(even([t for t, _ in truth]), abs=0.002)
    heard, kept = sounds(film), all_of(tmp_path / "raw", sounds)
    assert even(kept) == pytest.approx(even(heard), abs=0.002)
    assert found[0][0] - kept[0] == pytest.approx(truth[0][0] - heard[0], abs=0.002)
    names = [int(path.stem) for path in segments(tmp_path / "raw")]
    assert len(names) >= 3
    assert names[0] == 0
    assert all(10_000 <= later - one <= 12_100 for one, later in pairwise(names))
    told = about(tmp_path / "raw")
    assert told["format"] == "longtake-recording@1"
    assert told["began"] <= told["edge_wall"] <= told["ended"]
    assert told["edge"] == pytest.approx(35, abs=0.2)
    assert told["bytes"] == sum(path.stat().st_size for path in segments(tmp_path / "raw"))
    assert told["breaks"] == []
    assert told["error"] is None


def test_each_segment_begins_at_the_time_of_its_name(film: Path, tmp_path: Path) -> None:
    import av

    record(GrowingFile(film, idle=0.1), tmp_path)
    for path in segments(tmp_path):
        with av.open(str(path)) as container:
            packets = [p for p in container.demux() if p.size]
            assert min(float(p.pts * p.time_base) for p in packets) == pytest.approx(0, abs=0.002)
            first = next(p for p in packets if p.stream.type == "video")
            assert first.is_keyframe


def test_the_newest_segment_is_read_while_it_grows(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tape, "SETTLED", -1.0)  # a file comes faster than a stream settles
    data = film.read_bytes()
    path, folder = tmp_path / "live.ts", tmp_path / "raw"
    parts = [data[: len(data) // 7], data[len(data) // 7 : len(data) // 5]]
    path.write_bytes(parts.pop(0))
    seen: list[float] = []

    class Waiting(GrowingFile):
        """Looks at the segment each time when the recorder has taken all that is there."""

        def wait(self, since: float) -> bool:
            newest = segments(folder)[-1]
            seen.append(pictures(newest)[-1][0])
            seen.append(folder.joinpath("about.json").exists() and about(folder)["ended"])
            if parts:
                with path.open("ab") as file:
                    file.write(parts.pop(0))
                return True
            return False

    record(Waiting(path), folder)
    assert seen[0] > 35 / 7 - 1.5  # clusters reach the disk at least each 0.5 s
    assert seen[2] > 35 / 5 - 1.5
    assert seen[1] is seen[3] is None
    assert about(folder)["ended"]


def test_the_oldest_segments_go_when_the_folder_is_full(tmp_path: Path) -> None:
    film = draw(tmp_path / "long.ts", 150, fps=2, gop=4, sound=None)

    def kept(keep_bytes: int) -> list[Path]:
        record(GrowingFile(film, idle=0.1), tmp_path / str(keep_bytes), keep_bytes=keep_bytes)
        return segments(tmp_path / str(keep_bytes))

    whole = sum(path.stat().st_size for path in kept(10**9))
    assert len(kept(10**9)) > 12
    least = [int(path.stem) / 1000 for path in kept(1)]
    assert 75 <= least[0] <= 90  # never the newest 60 s, nor the segment that holds their start
    assert len(least) >= 6
    most = whole * 3 // 4
    assert whole // 2 < sum(path.stat().st_size for path in kept(most)) <= most


def test_one_recorder_to_a_folder(film: Path, tmp_path: Path) -> None:
    lock = WriterLock.take(tmp_path / "writer.lock")
    with pytest.raises(Locked):
        record(GrowingFile(film, idle=0.1), tmp_path)
    lock.release()
    assert not segments(tmp_path)


# What streams do ------------------------------------------------------------------------------


def recorded(source: Path | Live, folder: Path) -> Path:
    """Record a file as it stands."""
    record(source if isinstance(source, Live) else GrowingFile(source, idle=0.1), folder)
    return folder


def looks(shown: list[tuple[float, str]]) -> list[str]:
    return [look for _, look in shown]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("short") / "short.ts", 12)


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_b_frames_and_edit_lists_keep_their_times(ending: str, tmp_path: Path) -> None:
    pieces = {"movflags": "frag_keyframe+empty_moov"} if ending == ".mp4" else {}
    film = draw(tmp_path / f"film{ending}", 12, container_options=pieces)
    folder = recorded(film, tmp_path / "raw")
    truth, found = pictures(film), all_of(folder, pictures)
    assert len(segments(folder)) == 2
    assert looks(found) == looks(truth)
    assert [t for t, _ in found] == pytest.approx([t for t, _ in truth], abs=0.002)
    assert all_of(folder, sounds)[1:] == pytest.approx(sounds(film)[1:], abs=0.002)


def test_a_clock_that_falls_back_or_leaps_is_a_break(short: Path, tmp_path: Path) -> None:
    twice = recorded(glued([short, short], tmp_path / "twice.ts"), tmp_path / "fall")
    leap = recorded(shifted(short, tmp_path / "l.ts", after=7, by=26 * 3600), tmp_path / "leap")
    for folder, at, lasts in ((twice, 12, 24), (leap, 7, 12)):
        told = about(folder)
        assert told["edge"] == pytest.approx(lasts, abs=0.3)
        (one,) = told["breaks"]
        assert one["at"] == pytest.approx(at, abs=0.3)
        assert "clock jumps" in one["why"]
        assert one["seconds"] < 1  # nothing is missing
    assert looks(all_of(twice, pictures)) == looks(pictures(short)) * 2


def test_a_stream_that_begins_between_keyframes(short: Path, tmp_path: Path) -> None:
    data = short.read_bytes()
    (tmp_path / "mid.ts").write_bytes(data[len(data) // 15 // 188 * 188 :])
    folder = recorded(tmp_path / "mid.ts", tmp_path / "raw")
    whole = looks(pictures(short))
    found = looks(all_of(folder, pictures))
    assert found == whole[-len(found) :]
    assert len(found) >= len(whole) - 2 * FPS
    assert all_of(folder, sounds)[0] == pytest.approx(0, abs=0.01)  # sound waits for no keyframe


def test_packets_without_timestamps_follow_one_another(tmp_path: Path) -> None:
    film = draw(tmp_path / "raw.h264", 12, sound=None, options={"preset": "ultrafast", "bf": "0"})
    times = [t for t, _ in all_of(recorded(film, tmp_path / "raw"), pictures)]
    assert len(times) == 12 * FPS
    assert len({round(later - one, 3) for one, later in pairwise(times)}) == 1


def test_other_parameters_midway_begin_a_segment(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = tone(8, rate=44_100)
    other = draw_video(tmp_path / "other.ts", [Scene(8, "red", moving=True)], fps=FPS, gop=20,
                       size=(320, 180), sound=sound, rate=44_100)  # fmt: skip
    stream = glued([short, other], tmp_path / "stream.ts")
    folder = recorded(stream, tmp_path / "raw")

    def heads(path: Path, begin: float) -> list[tuple[int, int]]:
        import av

        with av.open(str(path)) as container:
            picture = next(container.decode(video=0))
            rate = next(container.decode(audio=0)).sample_rate
            return [(picture.width, rate)]

    assert all_of(folder, heads) == [(160, 16_000)] * 2 + [(320, 44_100)]
    assert looks(all_of(folder, pictures)) == looks(pictures(short)) + looks(pictures(other))
    assert len(all_of(folder, sounds)) == len(sounds(short)) + len(sounds(other))
    monkeypatch.setattr(tape, "parameters", lambda *_: b"")
    blind = recorded(stream, tmp_path / "blind")
    assert len(segments(blind)) < len(segments(folder))


def test_data_tracks_are_left_out(short: Path, tmp_path: Path) -> None:
    import av

    path = tmp_path / "more.ts"
    with av.open(str(short)) as source, av.open(str(path), "w") as out:
        to = [out.add_stream_from_template(stream) for stream in source.streams]
        data = out.add_data_stream("klv")
        for number, packet in enumerate(source.demux()):
            if packet.dts is not None:
                packet.stream = to[packet.stream.index]
                if number % 50 == 0:
                    more = av.Packet(b"measured: 7")
                    more.stream, more.time_base = data, packet.time_base
                    more.pts = more.dts = packet.dts
                    out.mux(more)
                out.mux(packet)
    with av.open(str(path)) as container:
        assert len(container.streams) == 3
    folder = recorded(path, tmp_path / "raw")
    assert looks(all_of(folder, pictures)) == looks(pictures(short))


def test_what_matroska_cannot_hold_is_encoded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = draw_sound(tmp_path / "call.wav", tone(12, 400, rate=8000), 8000, codec="pcm_mulaw")
    folder = recorded(film, tmp_path / "raw")
    assert len(segments(folder)) == 2
    assert about(folder)["edge"] == pytest.approx(12, abs=0.01)

    def waves(path: Path, begin: float) -> list[Any]:
        import av

        with av.open(str(path)) as container:
            return [f.to_ndarray().ravel() for f in container.decode(audio=0)]

    import numpy as np

    assert np.array_equal(np.concatenate(all_of(folder, waves)), np.concatenate(waves(film, 0)))
    monkeypatch.setattr(reencode, "_RAW", set())
    monkeypatch.setattr(reencode, "_held_by_matroska", lambda: {"pcm_mulaw"})
    with pytest.raises(Unreadable, match="cannot be kept"):
        recorded(film, tmp_path / "copied")


def test_a_camera_is_encoded(tmp_path: Path) -> None:
    # No camera here: FFmpeg's own test picture and tone come through the same door.
    drawn = "testsrc2=size=161x91:rate=10:duration=13[out0];sine=frequency=440:duration=13[out1]"
    folder = recorded(Camera("camera:test", drawn, "lavfi", 2.0), tmp_path)
    times = [t for t, _ in all_of(folder, pictures)]
    assert times == pytest.approx([n / 10 for n in range(130)], abs=0.002)
    assert len(segments(folder)) == 2
    assert all_of(folder, sounds)[-1] == pytest.approx(13, abs=0.1)
    assert about(folder)["source"] == "camera:test"


def test_a_camera_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="camera:99") as told:
        record(open_live("camera:99", 1.0), tmp_path / "raw")
    assert told.value.fix
    assert "ffmpeg" in told.value.fix


def test_what_is_no_media_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises((Unreadable, EmptyMedia)):
        recorded(not_a_video(tmp_path / "n.ts"), tmp_path / "raw")
    assert not segments(tmp_path / "raw")


# The disk -------------------------------------------------------------------------------------


class Disk:
    """Files that have no room beyond `size` bytes in their folder."""

    def __init__(self, size: int) -> None:
        self.size = size

    def open(self, path: Path) -> Any:
        file, disk = path.open("w+b", buffering=0), self

        class File:
            def write(self, data: bytes) -> int:
                free = disk.size - sum(one.stat().st_size for one in path.parent.glob("*.mkv"))
                if free <= 0:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return int(file.write(data[:free]))

            def __getattr__(self, name: str) -> Any:
                return getattr(file, name)

        return File()


def test_a_full_disk_ends_the_recording_and_keeps_it_sound(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "_new_file", Disk(250_000).open)
    with pytest.raises(DiskFull, match="full") as told:
        recorded(film, tmp_path / "raw")
    assert told.value.fix
    found = looks(all_of(tmp_path / "raw", pictures))
    assert found == looks(pictures(film))[: len(found)]
    assert len(found) > 35 * FPS // 3
    assert about(tmp_path / "raw")["ended"]
    assert about(tmp_path / "raw")["error"] == told.value.message


def test_on_a_full_disk_the_oldest_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = draw(tmp_path / "long.ts", 150, fps=2, gop=4, sound=None)
    whole = sum(path.stat().st_size for path in segments(recorded(film, tmp_path / "whole")))
    monkeypatch.setattr(ring, "_new_file", Disk(whole * 2 // 3).open)
    folder = recorded(film, tmp_path / "raw")
    assert about(folder)["error"] is None
    assert about(folder)["edge"] == pytest.approx(150, abs=1)
    assert int(segments(folder)[0].stem) > 0
    found = looks(all_of(folder, pictures))
    assert found == looks(pictures(film))[-len(found) :]


def test_what_waited_in_a_buffer_came_earlier() -> None:
    class Packet:
        time_base = 1

        def __init__(self, pts: float) -> None:
            self.pts = pts

    # Probed for 3 s, then in real time: second t came at 100 + t.
    walls = [(103.0, 0.0), (103.01, 1.0), (103.02, 2.0), (103.03, 3.0), (104.0, 4.0), (105.0, 5.0)]
    came = tape.arrived((wall, Packet(at), "") for wall, at in walls)
    assert [wall for wall, *_ in came] == pytest.approx([100, 101, 102, 103, 104, 105], abs=0.04)


def test_old_breaks_are_forgotten_and_the_wall_clock_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "MOST_BREAKS", 3)
    one = ring.Ring(tmp_path, "s", "n", 1)
    one.begin(1e9)
    began = datetime.fromisoformat(one.about["began"])
    for at in range(1, 6):
        one.note(float(at), 10.0, "lost")
    assert [each["at"] for each in one.about["breaks"]] == [3, 4, 5]
    moved = datetime.fromisoformat(one.about["began"]) - began
    assert moved.total_seconds() + sum(each["seconds"] for each in one.about["breaks"]) == 50


@pytest.mark.parametrize(
    ("edge", "told", "left"),
    [
        (100.0, "10:02:44", "10:02:40"),
        (100.0, "10:00:50", "10:00:50"),
        (40.0, "10:02:44", "10:01:40"),
    ],
    ids=["steady", "faster than real time", "less on disk than was told"],
)
def test_a_recording_is_taken_up_by_the_wall_clock_of_its_stream(
    edge: float, told: str, left: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = "2026-11-23T"
    (tmp_path / "000000000000.mkv").write_bytes(b"-")
    monkeypatch.setattr(ring, "end_of", lambda _: edge)
    said = {
        "format": ring.FORMAT, "began": f"{day}10:00:00+00:00", "edge": 100.0,
        "edge_wall": f"{day}{told}+00:00", "breaks": [{"at": 20.0, "seconds": 60.0}],
    }  # fmt: skip
    (tmp_path / "about.json").write_text(json.dumps(said))
    wanted = datetime.fromisoformat(f"{day}{left}+00:00").timestamp()
    assert ring.Ring(tmp_path, "s", "n", 1).left == wanted
    monkeypatch.setattr(ring, "STEADY", 0.0)
    off = ring.Ring(tmp_path, "s", "n", 1).left
    assert (off == wanted) == (left == told)


def test_about_is_rewritten_in_place_when_there_is_no_room_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "about.json"
    path.write_text(json.dumps({"edge": 1.0, "more": "x" * 100}))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ring.os, "replace", full)
    ring._replace(path, json.dumps({"edge": 2.0}))
    assert json.loads(path.read_text()) == {"edge": 2.0}
    assert [one.name for one in tmp_path.iterdir()] == ["about.json"]


def test_a_disk_that_fails_is_one_sentence(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def write(self, data: bytes) -> int:
            raise OSError(errno.EIO, "Input/output error")

        def __getattr__(self, name: str) -> Any:
            return lambda *_: 0

    monkeypatch.setattr(ring, "_new_file", lambda _: Broken())
    with pytest.raises(StoreError, match="Input/output error"):
        recorded(short, tmp_path / "raw")
    assert about(tmp_path / "raw")["error"]
