"""Small servers on loopback for tests of live sources: HTTP(S), HLS, TCP, UDP and RTSP.

Each is a context manager that gives its address and stops by itself. What they send is a drawn
MPEG-TS (`longtake.perception` reads it as it would from a camera or a broadcaster), as fast as the
reader takes it; `cuts` break connections off, one each, at a byte.
"""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import pytest

PACKET = 188
BURST = 7 * PACKET
Send: TypeAlias = Callable[[BaseHTTPRequestHandler], None]


# HTTP ----------------------------------------------------------------------------------------


@contextmanager
def http_server(send: Send, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve GET with `send`, over TLS with (certificate, key); gives the address of its root."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # the reader went away
                send(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def reply(handler: BaseHTTPRequestHandler, data: bytes, **headers: str) -> None:
    """Answer with all of `data`."""
    handler.send_response(200)
    for name, value in {"Content-Length": str(len(data)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 and its key."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key),
         "-out", str(certificate)],
        check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    return certificate, key


# HLS -----------------------------------------------------------------------------------------


def segments(film: Path, folder: Path, seconds: float = 1.0) -> list[bytes]:
    """Part a film into HLS segments as FFmpeg does it."""
    import av

    folder.mkdir(exist_ok=True)
    options = {"hls_time": str(seconds), "hls_list_size": "0"}
    with (
        av.open(str(film)) as source,
        av.open(str(folder / "live.m3u8"), "w", format="hls", options=options) as out,
    ):
        streams = [out.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    names = [one for one in (folder / "live.m3u8").read_text().split() if one.endswith(".ts")]
    return [(folder / name).read_bytes() for name in names]


@dataclass
class Hls:
    """A playlist whose window of `window` segments slides by `step` each time it is asked for.

    With `ends` it says so when the last one is in; else it stands still there. The `lost`-th
    request for the playlist and the `down` after it are not answered.
    """

    parts: list[bytes]
    window: int = 6
    seconds: float = 0.5
    step: int = 2
    ends: bool = True
    lost: int = 10**6
    down: int = 0
    asked: int = 0
    moved: int = 0
    taken: list[int] = field(default_factory=list)

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        if found := re.search(r"(\d+)\.ts", handler.path):
            self.taken.append(int(found[1]))
            reply(handler, self.parts[int(found[1])], Content_Type="video/mp2t")
            return
        self.asked += 1
        if self.lost <= self.asked <= self.lost + self.down:
            handler.send_error(503)
            return
        text = self.playlist(self.moved).encode()
        self.moved += self.step
        reply(handler, text, Content_Type="application/vnd.apple.mpegurl")

    def playlist(self, moved: int) -> str:
        first = min(moved, max(0, len(self.parts) - self.window))
        last = min(first + self.window, len(self.parts))
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1",
                 f"#EXT-X-MEDIA-SEQUENCE:{first}"]  # fmt: skip
        for number in range(first, last):
            lines += [f"#EXTINF:{self.seconds},", f"{number}.ts"]
        if self.ends and last == len(self.parts):
            lines.append("#EXT-X-ENDLIST")
        return "\n".join(lines) + "\n"


# TCP and UDP ---------------------------------------------------------------------------------


@contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept connections one after another on loopback; gives the port."""
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)

    def run() -> None:
        while not ended.is_set():
            with suppress(OSError), listener.accept()[0] as one:
                one.settimeout(5)
                serve(one)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        thread.join(6)
        listener.close()


@contextmanager
def tcp_server(parts: list[bytes], scheme: str = "tcp") -> Iterator[str]:
    """The n-th connection gets the n-th part and is closed; later ones are closed at once."""
    left = list(parts)

    def serve(one: socket.socket) -> None:
        if left:
            one.sendall(left.pop(0))

    with _listening(serve) as port:
        yield f"{scheme}://127.0.0.1:{port}"


@contextmanager
def silent_server(scheme: str) -> Iterator[str]:
    """Takes connections and says nothing."""
    ended = threading.Event()
    with _listening(lambda _: ended.wait(5) and None) as port:
        try:
            yield f"{scheme}://127.0.0.1:{port}/live.ts"
        finally:
            ended.set()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def udp_sender(data: bytes, pauses: dict[int, float] | None = None) -> Iterator[str]:
    """Send `data` to an address, over and over until somebody listens, then once to its end.

    `pauses` are silences, in seconds, before a byte.
    """
    port, ended = free_port(), threading.Event()

    def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.connect(("127.0.0.1", port))
            while not ended.is_set():  # a refused datagram says that nobody listens yet
                try:
                    out.send(data[:PACKET])
                    time.sleep(0.02)
                    out.send(data[:PACKET])
                    break
                except ConnectionRefusedError:
                    time.sleep(0.02)
            for at in range(0, len(data), BURST):
                for byte, seconds in (pauses or {}).items():
                    if at <= byte < at + BURST:
                        ended.wait(seconds)
                if ended.is_set():
                    return
                with suppress(ConnectionRefusedError):
                    out.send(data[at : at + BURST])
                time.sleep(0.003)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"udp://127.0.0.1:{port}"
    finally:
        ended.set()
        thread.join(5)


# RTSP ----------------------------------------------------------------------------------------

_SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=test
c=IN IP4 127.0.0.1
t=0 0
m=video 0 RTP/AVP 33
a=control:track0
"""


@contextmanager
def rtsp_server(parts: list[bytes], password: str = "") -> Iterator[str]:
    """An RTSP server that sends MPEG-TS in RTP over the same connection.

    The n-th PLAY gets the n-th part; then the connection is closed. With a password ("me:word")
    each request must carry it (Basic).
    """
    left = list(parts)

    def serve(one: socket.socket) -> None:
        said = b""
        while more := one.recv(4096):
            said += more
            while b"\r\n\r\n" in said:
                head, _, said = said.partition(b"\r\n\r\n")
                if not _answer(one, head.decode(), password, left):
                    return

    with _listening(serve) as port:
        yield f"rtsp://127.0.0.1:{port}/cam"


def _answer(one: socket.socket, head: str, password: str, left: list[bytes]) -> bool:
    """Answer one request; False when the connection is over."""
    from base64 import b64encode

    method, address = head.split()[:2]
    found = re.search(r"CSeq:\s*(\d+)", head, re.IGNORECASE)
    number = found[1] if found else "0"
    basic = "Authorization: Basic " + b64encode(password.encode()).decode()
    if password and method != "OPTIONS" and basic not in head:
        one.sendall(f"RTSP/1.0 401 Unauthorized\r\nCSeq: {number}\r\n"
                    'WWW-Authenticate: Basic realm="cam"\r\n\r\n'.encode())  # fmt: skip
        return True
    extra, body = "", ""
    if method == "OPTIONS":
        extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
    elif method == "DESCRIBE":
        body = _SDP.replace("\n", "\r\n")
        extra = (f"Content-Base: {address}/\r\nContent-Type: application/sdp\r\n"
                 f"Content-Length: {len(body)}\r\n")  # fmt: skip
    elif method == "SETUP":
        if "TCP" not in head:
            one.sendall(f"RTSP/1.0 461 Unsupported Transport\r\nCSeq: {number}\r\n\r\n".encode())
            return True
        extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
    elif method == "PLAY":
        extra = "Session: 1\r\n"
    one.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{extra}\r\n{body}".encode())
    if method == "PLAY":
        _play(one, left.pop(0) if left else b"")
    return method not in ("PLAY", "TEARDOWN")


def _play(one: socket.socket, data: bytes) -> None:
    for number, at in enumerate(range(0, len(data), BURST)):
        payload = data[at : at + BURST]
        rtp = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, number * 900, 7) + payload
        one.sendall(struct.pack(">cBH", b"$", 0, len(rtp)) + rtp)
