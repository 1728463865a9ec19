"""The bytes at an HTTP address, over as many connections as it takes.

When a connection is lost it is taken up again, with growing pauses, at the byte where it broke
(``Range``, with ``If-Range`` where the server names a version by ``ETag`` or ``Last-Modified``). A
server that sends everything anew is passed over up to that byte, if those bytes are the ones that
were read. So nothing is lost or read twice where the server allows it, and two contents are never
glued: what is not the continuation ends the bytes, and `more` goes over to it.
"""

from __future__ import annotations

import hashlib
import http.client
import ssl
import time
import urllib.request
from base64 import b64encode
from typing import Any, TypeAlias
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from longtake.perception.sources import HEAD, Live
from longtake.timecode import Seconds

LOST = (OSError, http.client.HTTPException)  # time-outs and refused connections are OSErrors
FIX = "check the address, and that the stream is on"
TLS_FIX = "if you trust it, set SSL_CERT_FILE to the certificate of whoever signed it"
Answer: TypeAlias = http.client.HTTPResponse


class HttpBytes:
    """Reads on over lost connections; `source` is told of each break."""

    def __init__(self, source: Live, address: str, timeout: Seconds, retry: Any) -> None:
        self._source, self._address, self._timeout = source, address, timeout
        self._retry = retry
        self._begin(connect(address, timeout))

    def _begin(self, answer: Answer) -> None:
        """Read from the first byte of what an answer holds."""
        self._answer = answer
        self._at = 0
        self._ahead = b""
        self._read = hashlib.sha256()
        self._version = version(answer)
        self._other: Answer | None = None
        self.length: int | None = answer.length

    def peek(self, n: int) -> bytes:
        """Return the first bytes, to be read again."""
        while len(self._ahead) < n and (more := self._answer.read1(HEAD)):
            self._ahead += more
        return self._ahead[:n]

    def read(self, n: int) -> bytes:
        """Return what has come, waiting for it; nothing at the end, or where it is another."""
        lost: float | None = None
        while not self._source.stopped and self._other is None:
            data = self._some(n)
            if data:
                if lost is not None:
                    self._source.note("connection lost", round(time.monotonic() - lost, 1))
                self._at += len(data)
                self._read.update(data)
                return data
            ended = data is not None and (lost is not None or self._whole())
            if ended:
                break
            lost = lost or time.monotonic()
            try:
                self._retry(self._again)
            except LOST:
                break
        return b""

    def more(self) -> str:
        """Go over to what the address holds instead by now; return why, nothing if it is the end."""
        if self._other is None or self._source.stopped:
            return ""
        self._begin(self._other)
        return "another content"

    def close(self) -> None:
        """Close the connection."""
        self._answer.close()
        if self._other is not None:
            self._other.close()

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
        except LOST:
            return None
        return None if not data and self._answer.length else data

    def _again(self) -> None:
        """Connect again at the byte where the last connection broke."""
        self._answer.close()
        try:
            answer = connect(self._address, self._timeout, self._at, self._version)
        except HTTPError as error:
            if error.code != 416:  # there is nothing after what was read
                raise
            self._answer, self._ahead = _nothing(error), b""
            return
        same = self._continues if answer.status == 206 else self._passed_over
        if same(answer):
            self._answer = answer
        else:
            answer.close()
            self._other = connect(self._address, self._timeout)

    def _continues(self, answer: Answer) -> bool:
        """Whether a part begins where it should, of the version that was read."""
        begins = answer.headers.get("Content-Range", f"bytes {self._at}-").split("-")[0]
        new = version(answer)
        return begins == f"bytes {self._at}" and (
            not new or not self._version or new == self._version
        )

    def _passed_over(self, answer: Answer) -> bool:
        """Read past what was read before; False if it is not the same."""
        done, digest = 0, hashlib.sha256()
        while done < self._at and (more := answer.read1(min(HEAD, self._at - done))):
            done += len(more)
            digest.update(more)
        return done == self._at and digest.digest() == self._read.digest()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https alone; a password goes on to the same server only."""

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> Any:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise URLError(
                f"it points to {urlsplit(newurl).scheme or 'another'}://, which is not followed"
            )
        word = req.unredirected_hdrs.get("Authorization")
        if new and word and urlsplit(newurl)[:2] == urlsplit(req.full_url)[:2]:
            new.add_unredirected_header("Authorization", word)
        return new


def connect(address: str, timeout: Seconds, at: int = 0, of: str = "") -> Answer:
    """Ask for what is at an address, from byte `at` of the version `of` on."""
    parts = urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit((parts.scheme, host, *parts[2:4], "")))
    request.add_header("User-Agent", "longtake")
    request.add_header("Accept-Encoding", "identity")
    if user:
        word = b64encode(unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {word}")
    if at:
        request.add_header("Range", f"bytes={at}-")
        if of:
            request.add_header("If-Range", of)
    answer: Answer = _opener().open(request, timeout=timeout)
    return answer


def version(answer: Answer) -> str:
    """What the server calls this version of the content; nothing if it does not say."""
    tag: str = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


def page(address: str, timeout: Seconds) -> str:
    """Return a playlist; of one that lists others, the first of them."""
    for _ in range(2):
        with connect(address, timeout) as answer:
            text = answer.read(1 << 20).decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        if "#EXT-X-STREAM-INF" not in text or not lines:
            break
        address = urljoin(address, lines[0])
    return text


def said(error: BaseException) -> tuple[str, str]:
    """Say why an address does not answer, and what may mend it."""
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}".splitlines()[0].strip(), FIX
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {reason.verify_message}", TLS_FIX
    if isinstance(reason, TimeoutError):
        return "it does not answer in time", FIX
    return getattr(reason, "strerror", None) or str(reason) or type(error).__name__, FIX


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
        _Redirects, urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor, urllib.request.UnknownHandler,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener
