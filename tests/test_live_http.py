"""Streams at an address, from a real server on loopback that breaks off and is taken up again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from longtake.errors import MediaError, UsageError
from longtake.perception import addresses, http_bytes
from longtake.perception.addresses import Address, Http, open_address
from longtake.perception.sources import open_live
from tests.media import Scene, draw_video, silence
from tests.test_live_file import items, kept, library


@dataclass
class Server:
    """Sends `data`; the first connections break off at the bytes of `cuts`, one each."""

    data: bytes
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    length: bool = True
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range", "")
        self.asked.append(wanted)
        begin = int(wanted[6:-1]) if wanted and self.ranges else 0
        if begin >= len(self.data):
            handler.send_error(416)
            return
        handler.send_response(206 if begin else 200)
        if self.length:
            handler.send_header("Content-Length", str(len(self.data) - begin))
        handler.end_headers()
        stop = len(self.data)
        if len(self.asked) > 1 and self.cuts:  # the first connection is the probe
            stop = self.cuts.pop(0)
        for at in range(begin, stop, 20_000):
            handler.wfile.write(self.data[at : min(stop, at + 20_000)])


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # the reader went away
                server.send(self)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server.address = f"http://127.0.0.1:{http.server_address[1]}/live.ts"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "live.ts"
    scenes = [Scene(9, "white", "alpha", moving=True), Scene(9, "blue", "beta")]
    return draw_video(path, scenes, fps=5, size=(160, 90), sound=silence(18) + 0.01)


@pytest.mark.parametrize(("ranges", "length"), [(True, True), (False, True), (True, False)])
def test_cut_connections_are_taken_up_without_loss(film: Path, ranges: bool, length: bool) -> None:
    data = film.read_bytes()
    cuts = [len(data) // 3, len(data) * 2 // 3]
    with serving(Server(data, cuts, ranges, length)) as server:
        source = open_address(server.address, idle=2.0)
        source.probe()
        assert items(source) == items(film)
        assert server.asked[2] == f"bytes={len(data) // 3}-"
        assert [one.why for one in source.breaks] == ["connection lost"] * 2
        assert 0 <= source.breaks[0].at < source.breaks[1].at < 18
        assert "T" in source.breaks[0].wall


def test_without_taking_up_the_rest_is_lost(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Any) -> None:
        raise OSError("switched off")

    monkeypatch.setattr(http_bytes.HttpBytes, "_again", never)
    data = film.read_bytes()
    with serving(Server(data, [len(data) // 3])) as server:
        source = open_address(server.address, idle=0.3)
        source.probe()
        assert 0 < len(items(source)) < len(items(film))


def test_ingest_follows_an_address(film: Path, tmp_path: Path) -> None:
    data = film.read_bytes()
    with serving(Server(data, [len(data) // 2])) as server, library(tmp_path) as lib:
        open_address(server.address, idle=1.0).probe()  # the first connection is not cut
        video = lib.ingest(server.address, follow=1.0)
        assert video.media["live"]["source"] == server.address
        assert Path(video.path).parent == lib.path / "raw"  # recorded, to be looked at again
        assert video.name == "live.ts"
        assert video.media["live"]["began"] <= video.media["live"]["ended"]
        assert video.duration == pytest.approx(18.0, abs=0.3)
        assert [one["why"] for one in video.media["live"]["breaks"]] == ["connection lost"]
        clips = [r for r in kept(lib, video.id).values() if r.level == "clip"]
        assert clips[-1].span.end == pytest.approx(18.0, abs=0.3)


def test_a_stream_begun_later_goes_on_in_time(film: Path) -> None:
    with serving(Server(film.read_bytes(), length=False)) as server:
        source = open_address(server.address, idle=1.0)
        source.begins = 100.0
        found = items(source)
        assert min(time for _, time, _ in found) == pytest.approx(100.0, abs=0.3)
        assert max(time for _, time, _ in found) == pytest.approx(118.0, abs=0.5)


def test_dead_addresses_say_so_in_one_sentence(film: Path, tmp_path: Path) -> None:
    with serving(Server(film.read_bytes())) as server:
        address = server.address
    for scheme in ("http", "tcp", "rtsp"):
        dead = scheme + address[4:]
        with pytest.raises(MediaError, match="sends no stream") as told:
            open_address(dead, idle=0.5).probe()
        assert told.value.exit_code == 6
    with library(tmp_path) as lib, pytest.raises(MediaError):
        lib.ingest(address, follow=0.5)
    assert not (tmp_path / "l.longtake").exists()


def test_only_streams_of_known_schemes_are_opened() -> None:
    for address in ("file:///etc/passwd", "concat://a|b", "ftp://host/a.ts", "http://", "udp:x"):
        with pytest.raises(UsageError):
            addresses.checked(address)
    assert isinstance(open_live("https://host/a.ts"), Http)
    assert type(open_live("https://host/a.m3u8")) is Address
    secret = open_live("rtsp://me:word@host/cam?id=1")
    assert secret.path == "rtsp://host/cam?id=1"
