"""What happens when a watch speaks: a webhook is called, a command is run; the watch never waits.

Each `Outlet` has a thread and a bounded queue; when the other side is too slow, the oldest alert
that waits is let go and counted. A webhook is a POST of the alert's JSON: to this machine alone
unless remote hosts are allowed, without redirects, tried again a few times. A command is the
person's own: it gets the JSON on its standard input and the main values in the environment.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import subprocess
import threading
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from longtake.errors import UsageError
from longtake.timecode import Seconds

WAITING = 32
"""Alerts that may wait for an outlet."""
TIMEOUT: Seconds = 10.0
TRIES = 3
_FAILED = (OSError, URLError, http.client.HTTPException, ValueError, subprocess.SubprocessError)

Act = Callable[[Mapping[str, Any]], None]


class Outlet:
    """Hands alerts to `act` in a thread; `failures` tells what went wrong, `lost` how many waited
    too long.

    Args:
        tries: how often a failed call is made again.
        pause: seconds before the second try, doubled before each other.
    """

    def __init__(self, act: Act, *, tries: int = 1, pause: Seconds = 0.5) -> None:
        self._act, self._tries, self._pause = act, tries, pause
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._turn = threading.Condition()
        self._closed = threading.Event()
        self._busy = False
        self.lost = self.done = 0
        self.failures: list[str] = []
        self._thread = threading.Thread(target=self._run, name="longtake-outlet", daemon=True)
        self._thread.start()

    def put(self, alert: Mapping[str, Any]) -> None:
        """Hand over an alert; returns at once."""
        with self._turn:
            if len(self._waiting) >= WAITING:
                self._waiting.popleft()
                self.lost += 1
            self._waiting.append(alert)
            self._turn.notify_all()

    def close(self, wait: Seconds = TIMEOUT) -> None:
        """Wait so long for what is still to be done, then let go."""
        with self._turn:
            self._turn.wait_for(lambda: not self._waiting and not self._busy, timeout=wait)
            self.lost += len(self._waiting)
            self._waiting.clear()
            self._closed.set()
            self._turn.notify_all()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while True:
            with self._turn:
                self._busy = False
                self._turn.notify_all()
                self._turn.wait_for(lambda: self._waiting or self._closed.is_set())
                if not self._waiting:
                    return
                alert, self._busy = self._waiting.popleft(), True
            self._try(alert)

    def _try(self, alert: Mapping[str, Any]) -> None:
        pause = self._pause
        for left in reversed(range(self._tries)):
            try:
                self._act(alert)
            except _FAILED as error:
                if not left or self._closed.wait(pause):
                    self.failures.append(f"{type(error).__name__}: {error}"[:200])
                    return
                pause *= 2
            else:
                self.done += 1
                return


def webhook(url: str, *, remote: bool = False) -> Outlet:
    """Return what posts alerts to an address.

    Raises:
        UsageError: it is no http address, or one of another machine without leave.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no address for a webhook", fix="http://127.0.0.1:8080/path")
    if not remote and not _loopback(parts.hostname):
        raise UsageError(
            f"{parts.hostname} is not this machine, and alerts hold what was said and shown",
            fix="say --allow-remote if they may leave it",
        )
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
                    urllib.request.HTTPErrorProcessor, urllib.request.HTTPDefaultErrorHandler):  # fmt: skip
        opener.add_handler(handler())

    def post(alert: Mapping[str, Any]) -> None:
        request = urllib.request.Request(
            url, json.dumps(alert).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        with opener.open(request, timeout=TIMEOUT) as answer:
            answer.read(1)

    return Outlet(post, tries=TRIES)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def command(line: str, *, timeout: Seconds = 30.0) -> Outlet:
    """Return what runs a person's own command line, through their shell, for each alert."""
    if not line.strip():
        raise UsageError("--exec needs a command", fix='--exec "notify-send longtake"')

    def run(alert: Mapping[str, Any]) -> None:
        told = {f"LONGTAKE_{k.upper()}": str(alert[k]) for k in _TOLD if alert.get(k) is not None}
        told["LONGTAKE_QUOTE"] = str(alert.get("evidence", {}).get("quote", "")).replace("\0", " ")
        subprocess.run(
            line, shell=True, input=json.dumps(alert).encode(), env=os.environ | told,
            timeout=timeout, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    return Outlet(run)


_TOLD = ("query", "onset", "at", "delay", "p", "video")
