"""Live sources at an address: HTTP, HLS, RTSP, UDP, TCP.

A file or stream over plain HTTP is read by its bytes (see `http_bytes`). The other protocols are
read by FFmpeg, each kept to the protocols it needs, none to files. When such a stream breaks off
or keeps silent it is opened again, with growing pauses, until that has lasted for `idle` seconds;
an HLS playlist says itself when it has ended. What a server sends once more is passed over (see
`legs`). Stream time goes on where it stopped, and a break is noted with the seconds it lasted.

A password or key in an address is used and never shown or kept: `path` is without it.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from longtake.errors import Unreadable, UsageError
from longtake.perception.http_bytes import FIX, LOST, HttpBytes, connect, page, said
from longtake.perception.hushed import hushed
from longtake.perception.legs import Leg
from longtake.perception.media import quiet_logs
from longtake.perception.sources import PATIENCE, Live, wall_clock
from longtake.timecode import Seconds

TIMEOUT: Seconds = 10.0
"""The longest that a server may keep silent before the connection counts as lost."""
_NET = "tcp,tls,crypto"
PROTOCOLS = {
    "http": f"http,https,{_NET}", "https": f"https,{_NET}", "tcp": "tcp", "udp": "udp",
    "rtsp": "rtsp,rtp,udp,tcp", "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
}  # fmt: skip
"""What each scheme may open."""
_SHORT = 2_000_000  # µs; a playlist's lengths are rounded
_LIST = b"#EXTM3U"


class Address(Live):
    """A stream that FFmpeg opens by its address."""

    def __init__(self, address: str, idle: Seconds) -> None:
        self.address, self.scheme = address, checked(address)
        parts = urlsplit(address)
        name = parts.path.rpartition("/")[2] or parts.netloc.rpartition("@")[2]
        super().__init__(hushed(address), name, idle)
        self.playlist = parts.path.endswith(".m3u8")
        self._began = wall_clock()

    @property
    def timeout(self) -> Seconds:
        """How long nothing may come; segments of a playlist come seldom."""
        return self.idle if self.playlist else min(TIMEOUT, self.idle)

    def key(self) -> str:
        """The address and when it was first opened: what it sends is another thing each time."""
        return hashlib.sha256(f"longtake-live:{self.path}\0{self._began}".encode()).hexdigest()

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the stream, or say in one sentence that it does not answer."""
        import av

        quiet_logs()
        began = time.monotonic()
        try:
            container = av.open(
                self.address, metadata_errors="replace", timeout=(self.timeout, self.timeout),
                options=self._options(),
            )  # fmt: skip
        except (av.error.FFmpegError, OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            if isinstance(error, av.error.ExitError | av.error.InvalidDataError):
                silent = time.monotonic() - began >= self.timeout
                why = f"nothing came for {self.timeout:g} s" if silent else "it is not media"
            raise self._over_http() or self.dead(why) from error
        try:
            if any(one.type == "video" and not one.width for one in container.streams):
                raise self.dead("no keyframe came")
            yield container
        finally:
            container.close()

    def _over_http(self) -> Unreadable | None:
        """What a plain request says that FFmpeg does not, of a certificate above all."""
        if self.scheme not in ("http", "https"):
            return None
        try:
            connect(self.address, self.timeout).close()
        except LOST as error:
            return self.dead(*said(error))
        return None

    def _options(self) -> dict[str, str]:
        options = PATIENCE | {"protocol_whitelist": PROTOCOLS[self.scheme]}
        if self.playlist:
            options["max_reload"] = "1000000"  # until the time-out, not three times
        if self.scheme.startswith("rtsp"):
            options["rtsp_flags"] = "prefer_tcp"
        if self.scheme in ("https", "rtsps"):
            trusted = ssl.get_default_verify_paths()
            options |= {"tls_verify": "1", "ca_file": trusted.cafile or ""}
        return options

    def dead(self, why: str, fix: str = FIX) -> Unreadable:
        """The error of an address that does not answer."""
        return Unreadable(f"{self.path} sends no stream that can be read ({why})", fix=fix)

    def legs(self) -> Generator[Any, None, None]:
        """Open the stream, and again when it breaks off."""
        with self.opened() as container:
            leg = Leg(container)
            yield leg
        while not self._over(leg):
            lost = time.monotonic()
            with ExitStack() as stack:
                try:
                    leg = retrying(self)(self._taken_up, stack, leg)
                except Unreadable:
                    return
                if self.stopped or leg.empty:
                    return
                passed = time.monotonic() - lost
                self.note(
                    "connection lost", round(passed if leg.missing is None else leg.missing, 1)
                )
                self.begins = self.now
                yield leg

    def _taken_up(self, stack: ExitStack, before: Leg) -> Leg:
        """Open the stream again, at what is new."""
        stack.close()
        leg = Leg(stack.enter_context(self.opened()), before)
        if leg.empty and not self._over(leg):
            raise self.dead("nothing new came")
        return leg

    def _over(self, leg: Leg) -> bool:
        """Whether the server says that nothing follows."""
        if self.stopped:
            return True
        if not (self.playlist and leg.finished):
            return False
        if leg.ends and leg.reached * 1_000_000 < leg.ends - _SHORT:
            return False
        with suppress(*LOST):
            return "#EXT-X-ENDLIST" in page(self.address, self.timeout)
        return False


class Http(Address):
    """A file or stream over HTTP, read by its bytes; a playlist among them is left to FFmpeg."""

    rewinds = False

    def __init__(self, address: str, idle: Seconds) -> None:
        super().__init__(address, idle)
        self._ready: HttpBytes | None = None

    def stream(self) -> HttpBytes:
        """Open it at its first byte."""
        reader, self._ready = self._ready, None
        if reader is None:
            try:
                reader = HttpBytes(self, self.address, self.timeout, retrying(self))
            except LOST as error:
                raise self.dead(*said(error)) from error
        self.rewinds = reader.length is not None
        return reader

    def opened(self) -> Any:
        """Open the stream over the bytes, as with a file."""
        return Address.opened(self) if self._lists() else Live.opened(self)

    def legs(self) -> Generator[Any, None, None]:
        """Lost connections are mended below the container."""
        return Address.legs(self) if self._lists() else Live.legs(self)

    def unreadable(self, head: bytes) -> Unreadable:
        """The error of bytes that are not media."""
        text = head.lstrip()[:1] in (b"<", b"{")
        return self.dead("it is a web page or text" if text else "it is not media")

    def _lists(self) -> bool:
        """Whether the address holds a playlist."""
        if not self.playlist:
            reader = self.stream()
            self.playlist = reader.peek(len(_LIST)) == _LIST
            if self.playlist:
                reader.close()
            else:
                self._ready = reader
        return self.playlist


def retrying(source: Live) -> Any:
    """Try again with growing pauses until the source has been idle for too long or is stopped."""
    import tenacity

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((*LOST, Unreadable)),
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
        if parts.scheme in PROTOCOLS and parts.hostname and (parts.port is None or parts.port):
            return parts.scheme
    raise UsageError(
        f"{hushed(address)!r} is not an address that can be followed",
        fix=f"these can: {', '.join(f'{scheme}://' for scheme in sorted(PROTOCOLS))}",
    )


def open_address(address: str, idle: Seconds) -> Live:
    """Return the source for an address."""
    plain = checked(address) in ("http", "https")
    if plain and not urlsplit(address).path.endswith(".m3u8"):
        return Http(address, idle)
    return Address(address, idle)
