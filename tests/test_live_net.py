"""Streams at an address, over loopback: each protocol read, cut, taken up again, and refused."""

from __future__ import annotations

import itertools
import re
import secrets
import time
import zlib
from base64 import b64encode
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from longtake.cli.sources import find_sources
from longtake.errors import MediaError, Unreadable, UsageError
from longtake.perception import addresses, http_bytes, legs
from longtake.perception.addresses import open_address
from longtake.perception.decode import Decoder, Sound
from longtake.perception.hushed import hushed
from longtake.perception.recorder import record
from longtake.perception.segments import SegmentFolder
from longtake.perception.sources import Live
from tests import live_servers as servers
from tests.live_servers import Hls, http_server, reply
from tests.media import Scene, beeps, draw_video, onsets, read_number
from tests.test_live_file import library

SECONDS, FPS = 12, 10
BEEPS = [2.0, 5.0, 8.0]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "live.ts"
    scenes = [Scene(6, "white", "alpha", moving=True), Scene(6, "blue", "beta", moving=True)]
    return draw_video(
        path, scenes, fps=FPS, size=(160, 90), gop=5, sound=beeps(SECONDS, BEEPS)
    )  # fmt: skip


@pytest.fixture(scope="module")
def parts(film: Path) -> list[bytes]:
    return servers.segments(film, film.parent / "hls", seconds=0.5)


def halves(film: Path) -> tuple[bytes, bytes]:
    data = film.read_bytes()
    middle = len(data) // 2 // servers.PACKET * servers.PACKET
    return data[:middle], data[middle:]


def seen(source: Live) -> tuple[list[int | None], list[float], list[float]]:
    """The numbers of the frames shown, their times, and when beeps began."""
    numbers, times, loud = [], [], []
    for item in Decoder(source, fine_fps=FPS, coarse_fps=FPS):
        if isinstance(item, Sound):
            loud += [item.start + at for at in onsets(item.samples, item.rate)]
        elif item.full is not None:
            numbers.append(read_number(item.full))
            times.append(item.time)
    heard = [at for i, at in enumerate(loud) if not i or at - loud[i - 1] > 0.3]
    return numbers, times, heard


def once(numbers: list[int | None]) -> list[int | None]:
    """Without the repeats of a frame that stays on display."""
    return [one for i, one in enumerate(numbers) if not i or one != numbers[i - 1]]


def test_https_wants_a_certificate_that_is_trusted(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: list[bytes]
) -> None:
    tls = servers.self_signed(tmp_path)
    playlist = Hls(parts, window=99, step=0)

    def send(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/hls/"):
            playlist.send(handler)
        else:
            reply(handler, film.read_bytes())

    with http_server(send, tls) as root:
        for path in ("/live.ts", "/hls/live.m3u8"):
            with pytest.raises(Unreadable, match="certificate is not trusted: self-signed") as told:
                seen(open_address(root + path, idle=2))
            assert "SSL_CERT_FILE" in str(told.value.fix)
        monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
        for path in ("/live.ts", "/hls/live.m3u8"):
            numbers, _, heard = seen(open_address(root + path, idle=2))
            assert once(numbers) == list(range(120))
            assert heard == pytest.approx(BEEPS, abs=0.05)


@pytest.mark.parametrize("name", [pytest.param("live.m3u8", marks=pytest.mark.slow), "play?id=7"])
def test_a_playlist_that_slides_is_read_to_the_end_it_tells(parts: list[bytes], name: str) -> None:
    playlist = Hls(parts, window=12, step=2)
    with http_server(playlist.send) as root:
        source = open_address(f"{root}/{name}", idle=3)
        numbers, times, _ = seen(source)
    first = numbers[0]
    assert first == playlist.taken[0] * 5  # near the live edge, as players do
    assert once(numbers) == list(range(first, 120))
    assert times[-1] == pytest.approx((119 - first) / FPS, abs=0.15)
    assert source.breaks == []


def test_a_playlist_that_fails_for_a_while_is_taken_up_without_a_frame_twice(
    parts: list[bytes],
) -> None:
    playlist = Hls(parts, window=12, step=2, lost=3, down=2)
    with http_server(playlist.send) as root:
        source = open_address(f"{root}/live.m3u8", idle=3)
        numbers, times, heard = seen(source)
    first = numbers[0]
    assert once(numbers) == list(range(first, 120))
    assert times == sorted(set(times))
    assert [(one.why, one.seconds) for one in source.breaks] == [("connection lost", 0.0)]
    assert heard == pytest.approx([at - first / FPS for at in BEEPS if at * FPS >= first], abs=0.1)
    assert len(set(playlist.taken)) < len(playlist.taken)  # the server did send some twice


@pytest.mark.slow
def test_without_knowing_packets_again_frames_come_twice(
    parts: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = itertools.count()
    monkeypatch.setattr(legs, "_mark", lambda packet: (next(count), 0, 0))
    playlist = Hls(parts, window=12, step=2, lost=3, down=2)
    with http_server(playlist.send) as root:
        numbers = once(seen(open_address(f"{root}/live.m3u8", idle=1.0))[0])
    assert len(numbers) > len(set(numbers))


@pytest.mark.slow
def test_a_playlist_that_stands_still_has_ended_after_idle(parts: list[bytes]) -> None:
    playlist = Hls(parts, window=12, step=2, ends=False)
    with http_server(playlist.send) as root:
        source = open_address(f"{root}/live.m3u8", idle=1.0)
        numbers, _, _ = seen(source)
    assert once(numbers) == list(range(numbers[0], 120))
    assert source.breaks == []


def test_tcp_is_taken_up_and_ends_when_the_server_is_gone(film: Path) -> None:
    with servers.tcp_server(list(halves(film))) as address:
        source = open_address(address, idle=1.5)
        numbers, times, heard = seen(source)
    assert numbers[0] == 0
    assert numbers[-1] == 119
    assert len(set(numbers)) > 105  # up to a second is lost, to the next keyframe
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(12.0, abs=0.6)
    assert [one.why for one in source.breaks] == ["connection lost"]
    assert source.breaks[0].at == pytest.approx(6.0, abs=0.5)
    assert heard[:2] == pytest.approx(BEEPS[:2], abs=0.05)


def test_udp_is_read_over_a_silence(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "TIMEOUT", 0.7)  # the connection's; the stream's is `idle`
    first, second = halves(film)
    with servers.udp_sender(first + second, {len(first): 1.2}) as address:
        source = open_address(address, idle=2.0)
        numbers, times, _ = seen(source)
    assert numbers[-1] == 119
    assert len(set(numbers)) > 100
    assert times == sorted(set(times))


@pytest.mark.parametrize("password", ["", "me:w%40rd"])
def test_rtsp_is_read_and_taken_up(film: Path, password: str) -> None:
    plain = password.replace("%40", "@")
    with servers.rtsp_server(list(halves(film)), plain) as address:
        asked = address.replace("//", f"//{password}@") if password else address
        source = open_address(asked, idle=1.5)
        numbers, times, heard = seen(source)
    assert source.path == address
    assert numbers[0] == 0
    assert numbers[-1] in (118, 119)  # FFmpeg keeps the last one of RTSP to itself
    assert len(set(numbers)) > 105
    assert times == sorted(set(times))
    assert [one.why for one in source.breaks] == ["connection lost"]
    assert heard[:2] == pytest.approx(BEEPS[:2], abs=0.05)


# What does not work ---------------------------------------------------------------------------


def refused(address: str, idle: float = 0.6) -> str:
    """The one sentence with which an address is refused."""
    with pytest.raises(MediaError) as told:
        seen(open_address(address, idle))
    assert told.value.exit_code == 6
    assert told.value.fix
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("scheme", ["http", "https", "tcp", "rtsp"])
def test_nobody_there_and_nothing_said(scheme: str) -> None:
    dead = f"{scheme}://127.0.0.1:{servers.free_port()}/live.ts"
    assert "refused" in refused(dead)
    with servers.silent_server(scheme) as address:
        assert "nothing came" in refused(address) or "not answer in time" in refused(address)


def test_a_playlist_or_datagrams_that_never_come() -> None:
    port = servers.free_port()
    assert "refused" in refused(f"http://127.0.0.1:{port}/live.m3u8")
    assert "nothing came" in refused(f"udp://127.0.0.1:{port}")


class Pages:
    """Answers with one thing for each path; counts what was asked."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts
        self.asked: list[tuple[str, str]] = []
        self.processes: set[bytes] = set()

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.path, handler.headers.get("Authorization", "")))
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                self.processes.add(process.read_bytes())
        path, _, query = handler.path.partition("?")
        to = query.removeprefix("to=")
        if path == "/page":
            reply(
                handler,
                b"<!DOCTYPE html><html>" + b"<p>Not here</p>" * 99,
                Content_Type="text/html",
            )
        elif path == "/noise":
            reply(handler, bytes(range(256)) * 50)
        elif path == "/empty":
            reply(handler, b"")
        elif path in ("/film", "/film.ts"):
            reply(handler, b"".join(self.parts))
        elif path == "/locked":
            handler.send_error(401)
        elif path in ("/to", "/loop"):
            handler.send_response(302)
            handler.send_header("Location", to if path == "/to" else "/loop")
            handler.end_headers()
        elif path.endswith("m3u8"):
            lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1.0,", to, "#EXT-X-ENDLIST"]
            reply(handler, "\n".join(lines).encode())
        else:
            handler.send_error(404)


def test_wrong_content_and_redirects_are_told(parts: list[bytes], film: Path) -> None:
    pages = Pages(parts)
    with http_server(pages.send) as root:
        assert "web page or text" in refused(f"{root}/page")
        assert "not media" in refused(f"{root}/noise")
        assert "sends no stream" in refused(f"{root}/empty")
        assert "HTTP 404 Not Found" in refused(f"{root}/none.ts")
        assert "404" in refused(f"{root}/none/m")
        assert "HTTP 401" in refused(f"{root}/locked")
        assert "redirect" in refused(f"{root}/loop")
        for target in ("file:///etc/passwd", "ftp://127.0.0.1/a", "rtsp://127.0.0.1/a", "data:,a"):
            assert "not allowed" in (said := refused(f"{root}/to?to={target}")) or "not fol" in said
        numbers, _, _ = seen(open_address(f"{root}/to?to=/film", idle=1))
        assert once(numbers) == list(range(120))


def test_a_playlist_opens_no_files(
    parts: list[bytes], film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Pages(parts)
    with http_server(pages.send) as root:
        for name in ("p.m3u8", "m3u8"):
            assert "sends no stream" in refused(f"{root}/{name}?to=file://{film}", idle=1)
        assert seen(open_address(f"{root}/p.m3u8?to=/film.ts", idle=1))[0]
        open_wide = dict.fromkeys(addresses.PROTOCOLS, "http,tcp,file")
        monkeypatch.setattr(addresses, "PROTOCOLS", open_wide)
        assert seen(open_address(f"{root}/p.m3u8?to=file://{film}", idle=1))[0]


def test_a_password_is_used_and_never_shown(
    parts: list[bytes], film: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pages, word = Pages(parts), secrets.token_hex(8)  # no other process has it by chance
    basic = "Basic " + b64encode(f"me:{word}".encode()).decode()
    with http_server(pages.send) as root, http_server(pages.send) as other:
        mine = root.replace("//", f"//me:{word}@")
        source = open_address(f"{mine}/film?token={word}&n=1", idle=1)
        assert once(seen(source)[0]) == list(range(120))
        assert re.fullmatch(re.escape(root) + r"/film\?token=…[0-9a-f]{4}&n=1", source.path)
        assert pages.asked[-1] == (f"/film?token={word}&n=1", basic)
        seen(open_address(f"{mine}/to?to=/film", idle=1))
        assert pages.asked[-1] == ("/film", basic)
        seen(open_address(f"{mine}/to?to={other}/film", idle=1))
        assert pages.asked[-1] == ("/film", "")  # it is not for other servers
        said = [refused(f"{mine}/{name}") for name in ("page", "none", "loop", "to?to=file:///a")]
        for scheme in ("http", "rtsp", "tcp"):
            said.append(refused(f"{scheme}://me:{word}@127.0.0.1:{servers.free_port()}/a"))
        with pytest.raises(UsageError) as told:
            open_address(f"gopher://me:{word}@host/a", idle=1)
        said += [str(told.value), str(told.value.fix)]
        with library(tmp_path) as lib:
            lib.ingest(f"{mine}/film", follow=0.5)
            with pytest.raises(MediaError, match="is an address") as told_too:
                lib.ingest(f"{mine}/film")
        _, lost = find_sources([f"{mine}/film"])
        said += [str(told_too.value), *(f"{name} {error}" for name, error in lost)]
        kept = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert word not in " ".join([*said, *capfd.readouterr()])
    assert word.encode() not in kept
    assert word.encode() not in b" ".join(pages.processes)
    assert len(pages.processes) > 1
    assert root.encode() in kept


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("rtsp://me:word@host:554/a?x=1", "rtsp://host:554/a?x=1"),
        ("http://a@b:c@host/x", "http://host/x"),
        (
            "https://host/x?access_token=1&sig=2&n=3#me",
            "https://host/x?access_token=…6b86&sig=…d473&n=3",
        ),
        ("udp://239.0.0.1:1234", "udp://239.0.0.1:1234"),
        ("http://host?key=1", "http://host?key=…6b86"),
        ("http://me:wo/rd@host/x", "http://host/x"),
    ],
)
def test_addresses_are_shown_without_what_opens_them(address: str, safe: str) -> None:
    assert hushed(address) == safe


# Taking up over HTTP --------------------------------------------------------------------------


class Changing:
    """Breaks off the first answer at `cut`; then serves `then`, under the version it names."""

    def __init__(
        self, first: bytes, then: bytes, cut: int, *, named: bool, lax: bool = False
    ) -> None:
        self.data, self.then, self.cut, self.named, self.lax = first, then, cut, named, lax
        self.asked: list[tuple[str, str]] = []

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        wanted, of = handler.headers.get("Range", ""), handler.headers.get("If-Range", "")
        data = self.then if self.asked else self.data
        tag = f'"{zlib.crc32(data)}"'
        begin = int(wanted[6:-1]) if wanted and (self.lax or of in ("", tag)) else 0
        handler.send_response(206 if begin else 200)
        if self.named:
            handler.send_header("ETag", tag)
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - begin))
        handler.end_headers()
        stop = len(data) if self.asked else self.cut
        self.asked.append((wanted, of))
        handler.wfile.write(data[begin:stop])


def taken_up(server: Changing) -> tuple[list[int | None], Live]:
    with http_server(server.send) as root:
        source = open_address(f"{root}/live.ts", idle=3.0)
        numbers, times, _ = seen(source)
    assert times == sorted(set(times))
    return once(numbers), source


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Another film, of another size; it begins with frame 0, too."""
    path = tmp_path_factory.mktemp("another") / "other.ts"
    return draw_video(path, [Scene(8, "red", "new")], fps=FPS, size=(320, 180), gop=10).read_bytes()


@pytest.mark.parametrize("lax", [False, True])
def test_a_file_that_changed_is_not_glued(film: Path, another: bytes, lax: bool) -> None:
    data = film.read_bytes()
    server = Changing(data, another, len(data) // 2, named=True, lax=lax)
    numbers, source = taken_up(server)
    assert server.asked[1] == (f"bytes={len(data) // 2}-", f'"{zlib.crc32(data)}"')
    assert [one.why for one in source.breaks] == ["another content"]
    second = numbers.index(0, 1)
    assert second > 50
    assert numbers[second:] == list(range(80))


def test_without_versions_a_changed_file_would_be_glued(
    film: Path, another: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = film.read_bytes()
    monkeypatch.setattr(http_bytes, "version", lambda answer: "")
    numbers, source = taken_up(Changing(data, another, len(data) // 2, named=True))
    assert 0 not in numbers[1:]  # the beginning of the new file is missing
    assert "another content" not in [one.why for one in source.breaks]


@pytest.mark.parametrize("named", [False, True])
def test_a_file_that_only_grew_goes_on(film: Path, named: bool) -> None:
    data = film.read_bytes()
    server = Changing(data[: len(data) * 3 // 4], data, len(data) // 2, named=named)
    numbers, source = taken_up(server)
    assert numbers == list(range(120))
    assert [one.why for one in source.breaks] == ["connection lost"]


# Joined far from a keyframe --------------------------------------------------------------------


@pytest.mark.parametrize("patient", [True, False])
def test_joined_long_before_a_keyframe(
    patient: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, options = [Scene(20, "white", "alpha", moving=True)], {"sc_threshold": "0"}
    path = draw_video(
        tmp_path / "rare.ts", scene, fps=5, size=(160, 90), gop=60, sound=beeps(20, [15.0]),
        options=options,
    )  # fmt: skip
    data = path.read_bytes()
    begin = len(data) // 30 // servers.PACKET * servers.PACKET
    if not patient:
        monkeypatch.setattr(addresses, "PATIENCE", {})
    with servers.tcp_server([data[begin:]]) as address:
        source = open_address(address, idle=1.0)
        if not patient:
            with pytest.raises(MediaError):
                record(source, tmp_path / "raw")
            return
        record(source, tmp_path / "raw")
    numbers, times, heard = seen(SegmentFolder(tmp_path / "raw", idle=0))
    assert once(numbers) == list(range(60, 100))
    assert times[-1] - times[0] == pytest.approx(8.0, abs=0.4)
    assert heard[0] == pytest.approx(times[0] + 3.0, abs=0.4)


# Back-off --------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_asked_less_and_less_often(film: Path) -> None:
    data = film.read_bytes()
    asked: list[float] = []

    def send(handler: BaseHTTPRequestHandler) -> None:
        asked.append(time.monotonic())
        if len(asked) > 1:
            handler.send_error(503)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2])

    with http_server(send) as root:
        source = open_address(f"{root}/live.ts", idle=1.5)
        numbers, _, _ = seen(source)
    assert once(numbers) == list(range(numbers[-1] + 1))
    assert source.breaks == []  # it did not come back
    assert 3 < len(asked) < 10


def test_a_wrong_password_is_told(film: Path) -> None:
    with servers.rtsp_server([film.read_bytes()], "me:word") as address:
        said = refused(address.replace("//", "//me:hush@"), idle=1.0)
    assert "401" in said
    assert "hush" not in said
