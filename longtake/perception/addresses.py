"""Live sources at an address: HTTP, HLS, RTSP, UDP, TCP.

A file or stream over plain HTTP is read by its bytes. When the connection is lost it is taken up
again, with growing pauses, at the byte where it broke (``Range``); a server that knows no ranges is
read on from what it sends, or past what was there already when it begins anew. So nothing is lost
or read twice where the server allows it, and a break is noted with the seconds it lasted.

The other protocols are read by FFmpeg, each kept to the protocols it needs, none to files. When
such a stream ends it is opened again until it stays silent for `idle` seconds; an HLS playlist
says itself when it has ended. Stream time goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeAlias
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

from longtake.errors import Unreadable, UsageError
from longtake.perception.media import quiet_logs
from longtake.perception.sources import HEAD, Bytes, Live, wall_clock
from longtake.timecode import Seconds

TIMEOUT: Seconds = 10.0
"""The longest that a server may keep silent before the connection counts as lost."""
_NET = "tcp,tls,crypto"
PROTOCOLS = {
    "http": f"http,https,{_NET}", "https": f"https,{_NET}", "tcp": "tcp", "udp": "udp",
    "rtsp": "rtsp,rtp,udp,tcp", "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
}  # fmt: skip
"""What each scheme may open."""
_LOST = (OSError, http.client.HTTPException)  # time-outs and refused connections are OSErrors
Answer: TypeAlias = http.client.HTTPResponse


class Address(Live):
    """A stream that FFmpeg opens by its address."""

    def __init__(self, address: str, idle: Seconds) -> None:
        self.address, self.scheme = address, checked(address)
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]  # what is kept and shown has no password
        shown = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
        super().__init__(shown, parts.path.rpartition("/")[2] or host, idle)
        self.timeout = min(TIMEOUT, idle)
        self._began = wall_clock()

    def key(self) -> str:
        """The address and when it was first opened: what it sends is another thing each time."""
        return hashlib.sha256(f"longtake-live:{self.path}\0{self._began}".encode()).hexdigest()

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the stream, or say in one sentence that it does not answer."""
        import av

        quiet_logs()
        try:
            container = av.open(
                self.address, metadata_errors="replace", timeout=(self.timeout, self.timeout),
                options={"protocol_whitelist": PROTOCOLS[self.scheme]},
            )  # fmt: skip
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self.dead(type(error).__name__) from error
        try:
            yield container
        finally:
            container.close()

    def dead(self, why: str) -> Unreadable:
        """The error of an address that does not answer."""
        return Unreadable(
            f"{self.path} sends no stream that can be read ({why}, within {self.timeout:g} s)",
            fix="check the address, and that the stream is on",
        )

    def legs(self) -> Generator[Any, None, None]:
        """Open the stream, and again when it breaks off."""
        with self.opened() as container:
            yield container
        if urlsplit(self.address).path.endswith(".m3u8"):
            return
        while True:
            lost = time.monotonic()
            with ExitStack() as stack:
                try:
                    container = retrying(self)(lambda: stack.enter_context(self.opened()))
                except Unreadable:
                    return
                if self.stopped:
                    return
                self.note("connection lost", round(time.monotonic() - lost, 1))
                self.begins = self.now
                yield container


class Http(Address):
    """A file or stream over HTTP, read by its bytes."""

    rewinds = False

    def stream(self) -> Bytes:
        """Open it at its first byte."""
        reader = _HttpBytes(self)
        self.rewinds = reader.length is not None
        return reader

    def opened(self) -> Any:
        """Open the stream over the bytes, as with a file."""
        return Live.opened(self)

    def legs(self) -> Generator[Any, None, None]:
        """One leg: lost connections are mended below."""
        return Live.legs(self)


class _HttpBytes:
    """The bytes at an address, over as many connections as it takes."""

    def __init__(self, source: Http) -> None:
        self._source = source
        self._at = 0
        self._head = b""
        self._ahead = b""
        try:
            self._answer = self._connect(0)
        except _LOST as error:
            raise source.dead(_said(error)) from error
        self.length: int | None = self._answer.length

    def read(self, n: int) -> bytes:
        """Return what has come, waiting for it; nothing at the end."""
        lost: float | None = None
        while not self._source.stopped:
            data = self._some(n)
            if data:
                if lost is not None:
                    self._source.note("connection lost", round(time.monotonic() - lost, 1))
                self._at += len(data)
                self._head += data[: HEAD - len(self._head)]
                return data
            ended = data is not None and (lost is not None or self._whole())
            if ended:
                break
            lost = lost or time.monotonic()
            try:
                retrying(self._source)(self._again)
            except _LOST:
                break
        return b""

    def close(self) -> None:
        self._answer.close()

    def _whole(self) -> bool:
        """Whether the server said that this was the end, and did not just fall silent."""
        return self.length is not None or bool(self._answer.chunked)

    def _some(self, n: int) -> bytes | None:
        """Return bytes, none at the connection's end, None when it broke."""
        if self._ahead:
            data, self._ahead = self._ahead[:n], self._ahead[n:]
            return data
        try:
            data = self._answer.read1(n)
        except _LOST:
            return None
        return None if not data and self._answer.length else data

    def _again(self) -> None:
        """Connect again at the byte where the last connection broke."""
        self._answer.close()
        try:
            self._answer = self._connect(self._at)
        except HTTPError as error:
            if error.code != 416:  # there is nothing after what was read
                raise
            self._answer, self._ahead = _nothing(error), b""
            return
        if self._answer.status == 206 or not self._at:
            return
        head = b""
        while len(head) < len(self._head) and (more := self._answer.read1(HEAD)):
            head += more
        if head[: len(self._head)] == self._head:  # the same from its start: pass over it
            done = len(head)
            while done < self._at and (more := self._answer.read1(min(HEAD, self._at - done))):
                done += len(more)
            head = head[self._at :]
        self._ahead = head

    def _connect(self, at: int) -> Answer:
        headers = {"User-Agent": "longtake", "Accept-Encoding": "identity"}
        if at:
            headers["Range"] = f"bytes={at}-"
        request = urllib.request.Request(self._source.address, headers=headers)
        answer: Answer = _opener().open(request, timeout=self._source.timeout)
        return answer


def _nothing(error: HTTPError) -> Any:
    """An answer without bytes, from the server's word that there are none."""
    answer: Any = error.fp
    answer.length = 0
    return answer


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https alone, also after a redirect."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler, urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor, urllib.request.UnknownHandler,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener


def retrying(source: Live) -> Any:
    """Try again with growing pauses until the source has been idle for too long or is stopped."""
    import tenacity

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((*_LOST, Unreadable)),
        wait=tenacity.wait_exponential(multiplier=0.1, max=10.0),
        stop=tenacity.stop_after_delay(source.idle) | tenacity.stop_when_event_set(source.halt),
        sleep=tenacity.sleep_using_event(source.halt),
        reraise=True,
    )


def checked(address: str) -> str:
    """Return the scheme of an address that may be opened.

    Raises:
        UsageError: it may not, or is no address.
    """
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.scheme in PROTOCOLS and parts.netloc:
            return parts.scheme
    raise UsageError(
        f"{address!r} is not an address that can be followed",
        fix=f"these can: {', '.join(f'{scheme}://' for scheme in sorted(PROTOCOLS))}",
    )


def open_address(address: str, idle: Seconds) -> Live:
    """Return the source for an address."""
    plain = checked(address) in ("http", "https")
    if plain and not urlsplit(address).path.endswith(".m3u8"):
        return Http(address, idle)
    return Address(address, idle)


def _said(error: BaseException) -> str:
    if isinstance(error, HTTPError):
        return f"HTTP {error.code}"
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or str(reason) or type(error).__name__
