"""Recordings of live sources: what is kept, cut and deleted, and how it goes on after a break."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from longtake.errors import Locked
from longtake.perception.recorder import record
from longtake.perception.sources import GrowingFile
from longtake.storage.lock import WriterLock
from tests.media import Scene, draw_video, tone

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


def test_the_newest_segment_is_read_while_it_grows(film: Path, tmp_path: Path) -> None:
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
