"""The recorder's process: started, joined, killed at any instant, taken up, ended when unread."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from longtake.errors import LongtakeError, MediaError, Unreadable
from longtake.perception.recorder import Recording, record
from longtake.perception.sources import open_live
from tests.media import Scene, draw_video, read_number, tone
from tests.test_live_recorder import about, all_of, pictures, segments, sounds

FPS, SECONDS = 5, 90


class Station:
    """Sends a drawn MPEG-TS over TCP at `speed` times real time; who connects joins at now.

    With `once` it begins when the first one connects, and takes no other.
    """

    def __init__(self, film: Path, speed: float, once: bool = False) -> None:
        self._data, self._once = film.read_bytes(), once
        self._rate = len(self._data) / SECONDS * speed
        self._began = time.monotonic()
        self._down = 0.0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._server.accept()
                threading.Thread(target=self._send, args=(peer,), daemon=True).start()
                if self._once:
                    self._server.close()

    def drop(self, seconds: float) -> None:
        """Break all connections off, and take none for so long."""
        self._down = time.monotonic() + seconds

    def _sent(self, since: float) -> int:
        share = int((time.monotonic() - since) * self._rate)
        return min(share, len(self._data)) // 188 * 188

    def _send(self, peer: socket.socket) -> None:
        since = time.monotonic() if self._once else self._began
        at = self._sent(since)
        with peer, suppress(OSError):
            while at < len(self._data) and time.monotonic() > self._down:
                now = self._sent(since)
                peer.sendall(self._data[at:now])
                at = now
                time.sleep(0.02)

    def close(self) -> None:
        self._server.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.ts"
    sound = tone(SECONDS, rate=16_000)
    scenes = [Scene(SECONDS, "blue", moving=True)]
    return draw_video(path, scenes, fps=FPS, size=(160, 90), sound=sound, rate=16_000, gop=FPS)


@pytest.fixture
def station(film: Path) -> Iterator[Callable[..., Station]]:
    made: list[Station] = []

    def make(speed: float, **more: Any) -> Station:
        made.append(Station(film, speed, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def kill(recording: Recording) -> None:
    pid = json.loads((recording.folder / "writer.lock").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def numbers(path: Path, begin: float) -> list[int | None]:
    """The numbers painted into the pictures of a segment."""
    import av

    with av.open(str(path)) as container:
        return [read_number(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def numbered(path: Path, begin: float) -> list[tuple[float, int | None]]:
    """The times of the pictures of a segment, and the numbers painted into them."""
    import av

    with av.open(str(path)) as container:
        return [
            (begin + float(f.time or 0.0), read_number(f.to_ndarray(format="rgb24")))
            for f in container.decode(video=0)
        ]


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_stream_in_real_time_is_recorded_whole_by_a_process(
    film: Path, tmp_path: Path, station: Callable[..., Station]
) -> None:
    source = station(20, once=True)
    recording = Recording.start(source.address, tmp_path / "raw", idle=1.0)
    assert recording.folder.parent == tmp_path / "raw"
    assert recording.alive()
    again = Recording.start(source.address, tmp_path / "raw", idle=1.0)
    assert again.folder == recording.folder  # one recorder to an address
    until(lambda: not recording.alive())
    told = about(recording.folder)
    assert told["ended"]
    assert told["source"] == source.address
    assert len(segments(recording.folder)) >= 8
    shown, truth = all_of(recording.folder, pictures), pictures(film)
    assert [look for _, look in shown] == [look for _, look in truth]


@pytest.mark.parametrize("times", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_kills_at_any_instant_lose_nothing_that_was_on_disk(
    times: int, tmp_path: Path, station: Callable[..., Station]
) -> None:
    source, chance = station(1), random.Random(8)
    held: list[tuple[float, str]] = []
    folders = set()
    for kills in range(times + 1):
        recording = Recording.start(source.address, tmp_path, idle=5.0)
        folders.add(recording.folder)
        now = all_of(recording.folder, pictures)
        assert now[: len(held)] == held
        if kills < times:
            time.sleep(chance.uniform(0.0, 0.6))
            kill(recording)
            held = all_of(recording.folder, pictures)
    time.sleep(1)
    recording.stop()
    assert not recording.alive()
    assert len(folders) == 1
    told = about(recording.folder)
    assert told["ended"]
    assert len(told["breaks"]) == times
    assert {one["why"] for one in told["breaks"]} == {"the recorder was started again"}
    seen = [one for one in all_of(recording.folder, numbers) if one is not None]
    assert all(one < later for one, later in pairwise(seen))  # nothing twice
    shown = [at for at, _ in all_of(recording.folder, pictures)]
    assert all(0 < later - one < 1.5 for one, later in pairwise(shown))
    # The wall clock of stream time: began + t + the seconds of all breaks before it.
    ends = [one for one in all_of(recording.folder, numbered) if one[1] is not None]
    missed = sum(one["seconds"] for one in told["breaks"])
    (first, begun), (last, done) = ends[0], ends[-1]
    assert last + missed - first == pytest.approx((done - begun) / FPS, abs=1.0)


def test_without_taking_up_each_kill_begins_anew(
    tmp_path: Path, station: Callable[..., Station], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longtake.perception.recorder.unfinished", lambda *_: None)
    source = station(8)
    first = Recording.start(source.address, tmp_path, idle=5.0)
    kill(first)
    time.sleep(1.1)  # the key of an address holds the second of its opening
    second = Recording.start(source.address, tmp_path, idle=5.0)
    second.stop()
    assert first.folder != second.folder


def test_a_lost_connection_is_a_break_with_what_is_missing(
    tmp_path: Path, station: Callable[..., Station]
) -> None:
    source = station(1)
    live = open_live(source.address, 5.0)
    recorder = threading.Thread(target=record, args=(live, tmp_path))
    recorder.start()
    until(lambda: live.now > 3)
    source.drop(1.5)
    until(lambda: live.breaks)
    back = live.now
    until(lambda: live.now > back + 3)
    live.stop()
    recorder.join()
    (one,) = about(tmp_path)["breaks"]
    assert one["why"] == "connection lost"
    seen = [number for number in all_of(tmp_path, numbers) if number is not None]
    assert all(number < later for number, later in pairwise(seen))
    (hole,) = [later - number for number, later in pairwise(seen) if later > number + 1]
    assert hole > FPS  # what was sent meanwhile is lost
    assert one["seconds"] == pytest.approx(hole / FPS, abs=1.5)
    shown = [at for at, _ in all_of(tmp_path, pictures)]
    assert all(0 < later - at < 1.5 for at, later in pairwise(shown))  # stream time goes on


def test_sigterm_finishes_the_segment(tmp_path: Path, station: Callable[..., Station]) -> None:
    source = station(8)
    recording = Recording.start(source.address, tmp_path, idle=5.0)
    until(lambda: about(recording.folder)["edge"] > 2)
    os.kill(about(recording.folder)["pid"], signal.SIGTERM)
    until(lambda: not recording.alive())
    told = about(recording.folder)
    assert told["ended"]
    assert told["error"] is None
    assert all_of(recording.folder, sounds)[-1] == pytest.approx(told["edge"], abs=0.3)


def test_a_recorder_that_nobody_reads_ends(
    tmp_path: Path, station: Callable[..., Station], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longtake.perception.recorder.TOUCH", 0.3)
    source = station(4)
    recording = Recording.start(source.address, tmp_path, idle=5.0, leash=1.0)
    with recording.attended():
        time.sleep(2.5)
        assert recording.alive()
    until(lambda: not recording.alive())
    assert about(recording.folder)["error"] == "nobody read it for 1 s"
    assert about(recording.folder)["ended"]


def test_standard_input_is_recorded_by_the_process_that_takes_it_over(
    film: Path, tmp_path: Path
) -> None:
    starts = (
        "import sys; from pathlib import Path; from longtake.perception.recorder import Recording;"
        "print(Recording.start('-', Path(sys.argv[1]), idle=30.0).folder, flush=True)"
    )
    command = [sys.executable, "-c", starts, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdin
        assert starter.stdout
        data = film.read_bytes()
        starter.stdin.write(data[: len(data) // 2])
        starter.stdin.flush()
        folder = Path(starter.stdout.readline().decode().strip())
        assert starter.wait(60) == 0
        starter.stdin.write(data[len(data) // 2 :])  # whoever started it has gone
    recording = Recording(folder)
    until(lambda: not recording.alive())
    told = about(folder)
    assert told["ended"]
    assert told["source"] == "-"
    shown, truth = all_of(folder, pictures), pictures(film)
    assert [look for _, look in shown] == [look for _, look in truth]


def test_a_recording_knows_whether_others_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longtake.perception.recorder.TOUCH", 0.1)
    with Recording(tmp_path).attended() as one:
        assert not one.shared()
        with Recording(tmp_path).attended() as other:
            time.sleep(0.5)  # each shows itself again and again
            assert one.shared()
            assert other.shared()
        assert not one.shared()
    (tmp_path / "reader-1-1").touch()  # of one that was killed
    assert Recording(tmp_path).shared()
    time.sleep(0.5)
    assert not Recording(tmp_path).shared()


def test_a_dead_address_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    server.close()
    with pytest.raises(Unreadable, match="sends no stream") as told:
        Recording.start(address, tmp_path, idle=1.0)
    assert told.value.fix
    assert isinstance(told.value, MediaError)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_process_that_cannot_begin_says_why(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "longtake").mkdir()
    (tmp_path / "longtake" / "__init__.py").write_text("raise ImportError('nothing here')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LongtakeError, match="nothing here"):
        Recording.start("tcp://127.0.0.1:9", tmp_path / "raw", idle=1.0)
