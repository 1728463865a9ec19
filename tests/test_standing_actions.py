"""What happens when a watch speaks: webhooks and commands, which the watch never waits for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.standing import actions
from longtake.errors import UsageError

ALERT = {
    "query": "the exam", "onset": 1.0, "at": 2.0, "delay": 1.0, "p": 0.9,
    "evidence": {"source": "spoken", "start": 0.5, "quote": "the exam; rm -rf $HOME"},
}  # fmt: skip


class Server(HTTPServer):
    """Keeps what is posted; the first `fails` posts are refused."""

    def __init__(self, fails: int = 0, moved: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[Any] = []
        self.fails, self.moved = fails, moved
        self.url = f"http://127.0.0.1:{self.server_port}/alerts"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code = 500 if self.server.fails > 0 else 302 if self.server.moved else 200
        self.server.fails -= 1
        if code == 200:
            self.server.got.append(json.loads(body))
        self.send_response(code)
        self.send_header("Location", self.server.moved)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    made = Server(**getattr(request, "param", {}))
    yield made
    made.shutdown()
    made.server_close()


def test_a_webhook_gets_the_alert(server: Server) -> None:
    hook = actions.webhook(server.url)
    hook.put(ALERT)
    hook.close()
    assert server.got == [ALERT]
    assert (hook.done, hook.lost, hook.failures) == (1, 0, [])


@pytest.mark.parametrize("server", [{"fails": 2}], indirect=True)
def test_a_webhook_that_fails_is_tried_again(server: Server) -> None:
    hook = actions.webhook(server.url)
    hook._pause = 0.01
    hook.put(ALERT)
    hook.close()
    assert server.got == [ALERT]


@pytest.mark.parametrize("server", [{"fails": 99}], indirect=True)
def test_a_webhook_that_always_fails_is_told_of(server: Server) -> None:
    hook = actions.webhook(server.url)
    hook._pause = 0.01
    hook.put(ALERT)
    hook.close()
    assert not server.got
    assert len(hook.failures) == 1


@pytest.mark.parametrize("server", [{"moved": "http://192.0.2.1/"}], indirect=True)
def test_a_webhook_does_not_go_where_it_is_sent_on_to(server: Server) -> None:
    hook = actions.webhook(server.url)
    hook._pause = 0.01
    hook.put(ALERT)
    hook.close()
    assert "302" in hook.failures[0]


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/x", "https://example.org", "http://127.0.0.1.example.org/"]
)
def test_alerts_stay_on_this_machine_unless_told_otherwise(url: str) -> None:
    with pytest.raises(UsageError):
        actions.webhook(url)
    actions.webhook(url, remote=True).close()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1:80", ""])
def test_only_http_is_a_webhook(url: str) -> None:
    with pytest.raises(UsageError):
        actions.webhook(url, remote=True)


def test_a_slow_outlet_never_holds_the_watch_and_lets_the_oldest_go() -> None:
    go, taken = threading.Event(), []

    def slow(alert: Any) -> None:
        go.wait(10)
        taken.append(alert["n"])

    outlet = actions.Outlet(slow)
    for n in range(actions.WAITING + 10):
        outlet.put({"n": n})  # would wait for ever if it waited
    assert outlet.lost >= 9
    go.set()
    outlet.close()
    assert taken[-1] == actions.WAITING + 9
    assert len(taken) == actions.WAITING + 10 - outlet.lost


def test_a_command_gets_the_alert_and_its_words_are_never_run(tmp_path: Path) -> None:
    out, told = tmp_path / "alert.json", tmp_path / "quote.txt"
    run = actions.command(f'cat > {out}; printf %s "$LONGTAKE_QUOTE" > {told}')
    run.put(ALERT)
    run.close()
    assert json.loads(out.read_text()) == ALERT
    assert told.read_text() == ALERT["evidence"]["quote"]  # type: ignore[index]


def test_a_command_that_fails_or_hangs_is_told_of() -> None:
    failing = actions.command("exit 3")
    hanging = actions.command("sleep 60", timeout=0.2)
    for one in (failing, hanging):
        one.put(ALERT)
        one.close()
        assert len(one.failures) == 1
    with pytest.raises(UsageError):
        actions.command("  ")
