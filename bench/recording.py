"""What recording costs: lag in real time, and memory and disk over a day.

    python -m bench.recording --seconds 60 --hours 24

`lag`: a drawn 720p stream is sent over TCP in real time; twice a second the newest segment is
read and held against what was sent. Control: the same with clusters of 5 s, the muxer's own way.
`day`: a drawn minute is sent again and again as fast as it is taken (its clock falls back each
time, which is a break); memory is looked at every hour, the disk at the end. Nothing is decoded.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.machine import emit, machine, peak_mib, say
from longtake.perception import muxer
from longtake.perception.recorder import record
from longtake.perception.ring import read_about
from longtake.perception.sources import Bytes, Live, open_live


def draw(path: Path, seconds: int, size: tuple[int, int], fps: int, sound: bool) -> Path:
    """Draw a test picture, and a tone, as MPEG-TS."""
    import ffmpeg

    picture = f"testsrc2=size={size[0]}x{size[1]}:rate={fps}:duration={seconds}"
    inputs = [ffmpeg.input(picture, f="lavfi")]
    if sound:
        inputs.append(ffmpeg.input(f"sine=frequency=440:duration={seconds}", f="lavfi"))
    ffmpeg.output(
        *inputs, str(path), vcodec="libx264", preset="veryfast", g=2 * fps, acodec="aac",
        pix_fmt="yuv420p", loglevel="error",
    ).overwrite_output().run()  # fmt: skip
    return path


class Again(Live):
    """A film sent `times` times over the same connection."""

    rewinds = False

    def __init__(self, film: Path, times: int) -> None:
        super().__init__(str(film), film.name, 1.0)
        self._data, self._times = film.read_bytes(), times

    def stream(self) -> Bytes:
        """Read it from its first byte."""
        return _Looped(self._data, self._times)


class _Looped:
    def __init__(self, data: bytes, times: int) -> None:
        self._data, self._left, self._at = data, times, 0

    def read(self, n: int) -> bytes:
        """The next bytes; after the last, the first again."""
        if self._at >= len(self._data):
            self._at, self._left = 0, self._left - 1
        if not self._left:
            return b""
        data = self._data[self._at : self._at + n]
        self._at += len(data)
        return data

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def station(film: Path, seconds: int) -> Iterator[tuple[str, list[float]]]:
    """Send a film over TCP in real time; gives its address and, then, when sending began."""
    server, began = socket.create_server(("127.0.0.1", 0)), list[float]()
    data = film.read_bytes()

    def send() -> None:
        peer, _ = server.accept()
        server.close()
        began.append(time.monotonic())
        at = 0
        with peer:
            while at < len(data):
                passed = (time.monotonic() - began[0]) / seconds
                now = min(int(passed * len(data)), len(data))
                peer.sendall(data[at:now])
                at = now
                time.sleep(0.02)

    threading.Thread(target=send, daemon=True).start()
    yield f"tcp://127.0.0.1:{server.getsockname()[1]}", began


def newest(folder: Path) -> float | None:
    """The stream time up to which the newest segment can be read."""
    import av

    found = sorted(folder.glob("*.mkv"))
    if not found:
        return None
    with av.open(str(found[-1])) as container:
        times = [p.pts * p.time_base for p in container.demux(video=0) if p.pts is not None]
    return int(found[-1].stem) / 1000 + float(max(times, default=0))


def lag(film: Path, seconds: int) -> dict[str, Any]:
    """How far behind the sender what can be read is, and what the recorder works."""
    folder, behind = Path(tempfile.mkdtemp()), list[float]()
    with station(film, seconds) as (address, began):
        live, work = open_live(address, 3.0), list[float]()

        def run() -> None:
            record(live, folder)
            work.append(time.thread_time())

        recorder = threading.Thread(target=run)
        recorder.start()
        while recorder.is_alive():
            time.sleep(0.5)
            sent = time.monotonic() - began[0] if began else 0.0
            if 10 < sent < seconds - 1 and (at := newest(folder)) is not None:
                behind.append(time.monotonic() - began[0] - at)
        recorder.join()
    shutil.rmtree(folder)
    ordered = sorted(behind)
    return {
        "looks": len(behind), "median_s": round(statistics.median(behind), 2),
        "p95_s": round(ordered[int(0.95 * len(ordered))], 2), "most_s": round(ordered[-1], 2),
        "cpu_share": round(work[0] / seconds, 4),
    }  # fmt: skip


def day(film: Path, minutes: int, keep_bytes: int) -> dict[str, Any]:
    """Memory at each hour, and the disk."""
    folder = Path(tempfile.mkdtemp())
    memory: list[float] = []
    live = Again(film, minutes)

    def look() -> None:
        while not live.halt.wait(0.05):
            if live.now >= 3600 * (len(memory) + 1):
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                memory.append(round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1))

    threading.Thread(target=look, daemon=True).start()
    began = time.process_time()
    record(live, folder, keep_bytes=keep_bytes)
    took = time.process_time() - began
    about = read_about(folder) or {}
    files = [path.stat().st_size for path in folder.glob("*.mkv")]
    told = (folder / "about.json").stat().st_size
    shutil.rmtree(folder)
    return {
        "hours": round(about["edge"] / 3600, 2), "keep_bytes": keep_bytes, "bytes": sum(files),
        "segments": len(files), "about_bytes": told, "breaks": len(about["breaks"]),
        "rss_mib_each_hour": memory, "last_over_second_hour": round(memory[-1] / memory[min(1, len(memory) - 1)], 3),
        "peak_mib": peak_mib(),
        "cpu_s_per_hour": round(took / (about["edge"] / 3600), 2),
    }  # fmt: skip


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--keep-bytes", type=int, default=20_000_000)
    given = parser.parse_args()
    told: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        if given.hours:
            say("day")
            minute = draw(Path(folder) / "minute.ts", 60, (320, 180), 5, sound=False)
            told["day"] = day(minute, given.hours * 60, given.keep_bytes)
        if given.seconds:
            say("lag")
            film = draw(Path(folder) / "film.ts", given.seconds, (1280, 720), 25, sound=True)
            told["lag"] = lag(film, given.seconds)
            slow = {name: v for name, v in muxer.OPTIONS.items() if name != "cluster_time_limit"}
            with patch.object(muxer, "OPTIONS", slow):
                told["lag_control"] = lag(film, given.seconds)
    emit(told)


if __name__ == "__main__":
    main()
