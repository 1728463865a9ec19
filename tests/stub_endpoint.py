"""A real HTTP server on loopback that speaks chat completions, well or badly, as it is told.

Like a real model it has opinions: `opinion` maps messages to the log-probabilities of first
tokens; from them come both its log-probabilities and its one-word replies.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Messages = Sequence[tuple[str, str]]
Opinion = Callable[[Messages], dict[str, float]]
Usage = Callable[[dict[str, Any]], dict[str, int]]

MODES = (
    "normal", "no_logprobs", "refuses_logprobs", "few_logprobs", "slow", "trickle", "busy", "500",
    "drops", "malformed", "not_chat", "empty", "prose", "html", "quota", "unauthorized",
    "filtered",
)  # fmt: skip
"""How it may answer any chat; `refuses_images` is for chats with pictures."""


def always_a(messages: Messages) -> dict[str, float]:
    return {"A": -0.1, "B": -2.5, "The": -6.0}


@dataclass
class StubEndpoint:
    """What the server does, and what it was asked.

    `modes` are used up one per request, then `mode` stays; `busy` answers 429 and asks to wait
    `retry_after` seconds. `usage` counts the tokens of a request; without it none are told.
    """

    mode: str = "normal"
    modes: list[str] = field(default_factory=list)
    opinion: Opinion = always_a
    reply: Callable[[Messages], str] | None = None
    usage: Usage | None = None
    retry_after: str = "0"
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def next_mode(self) -> str:
        return self.modes.pop(0) if self.modes else self.mode

    def words(self, asked: dict[str, Any], mode: str) -> str:
        if mode == "empty":
            return ""
        if mode == "prose":
            return "Well, that is a good question, and there is much to be said about it."
        messages = [(m["role"], m["content"]) for m in asked["messages"]]
        if self.reply is not None:
            return self.reply(messages)
        told = self.opinion(messages)
        return max(sorted(told), key=lambda token: told[token])

    def logprobs(self, asked: dict[str, Any], mode: str) -> dict[str, Any] | None:
        if not asked.get("logprobs") or mode in ("no_logprobs", "empty"):
            return None
        told = self.opinion([(m["role"], m["content"]) for m in asked["messages"]])
        if mode == "prose":
            told = {"Well": -0.01, "Sure": -5.0}
        best = sorted(told.items(), key=lambda pair: (-pair[1], pair[0]))[: asked["top_logprobs"]]
        top = [{"token": token, "logprob": value, "bytes": None} for token, value in best]
        return {"content": [{**top[0], "top_logprobs": top}], "refusal": None}


@contextmanager
def stub_endpoint(**options: Any) -> Iterator[StubEndpoint]:
    """A running server; `url` is its base."""
    stub = StubEndpoint(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            asked = json.loads(raw)
            stub.asked.append(asked)
            mode = stub.next_mode()
            getattr(self, f"do_{mode}", self.do_normal)(asked, mode)

        def do_normal(self, asked: dict[str, Any], mode: str) -> None:
            message = {"role": "assistant", "content": stub.words(asked, mode)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            choice["logprobs"] = stub.logprobs(asked, mode)
            told = {"usage": stub.usage(asked)} if stub.usage is not None else {}
            self.say(200, {"id": "1", "object": "chat.completion", "created": 0, "model": "m",
                           "choices": [choice], **told})  # fmt: skip

        def do_refuses_logprobs(self, asked: dict[str, Any], mode: str) -> None:
            if asked.get("logprobs"):
                self.say(400, {"error": {"message": "logprobs is not supported"}})
            else:
                self.do_normal(asked, mode)

        def do_few_logprobs(self, asked: dict[str, Any], mode: str) -> None:
            if asked.get("top_logprobs", 0) > 5:
                self.say(400, {"error": {"message": "top_logprobs must be at most 5"}})
            else:
                self.do_normal(asked, mode)

        def do_slow(self, asked: dict[str, Any], mode: str) -> None:
            stub.release.wait(20)
            self.do_normal(asked, mode)

        def do_trickle(self, asked: dict[str, Any], mode: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            while not stub.release.wait(0.02):
                self.wfile.write(b" ")
                self.wfile.flush()

        def do_busy(self, asked: dict[str, Any], mode: str) -> None:
            headers = {"Retry-After": stub.retry_after} if stub.retry_after else {}
            self.say(429, {"error": {"message": "too many requests"}}, headers)

        def do_500(self, asked: dict[str, Any], mode: str) -> None:
            self.say(500, {"error": {"message": "it broke"}})

        def do_drops(self, asked: dict[str, Any], mode: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"id": "1", "choices": [')
            self.close_connection = True

        def do_malformed(self, asked: dict[str, Any], mode: str) -> None:
            self.say(200, b'{"id": "1", "choices": [{"mess')

        def do_not_chat(self, asked: dict[str, Any], mode: str) -> None:
            self.say(200, {"hello": "world", "choices": [{"text": "A"}]})

        def do_html(self, asked: dict[str, Any], mode: str) -> None:
            page = b"<!doctype html><html><body>Sign in to go on</body></html>"
            self.say(200, page, {"Content-Type": "text/html"})

        def do_quota(self, asked: dict[str, Any], mode: str) -> None:
            why = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
            self.say(429, {"error": why})

        def do_unauthorized(self, asked: dict[str, Any], mode: str) -> None:
            self.say(401, {"error": {"message": "Incorrect API key provided."}})

        def do_refuses_images(self, asked: dict[str, Any], mode: str) -> None:
            if isinstance(asked["messages"][-1]["content"], list):
                self.say(400, {"error": {"message": "image input is not supported"}})
            else:
                self.do_normal(asked, mode)

        def do_filtered(self, asked: dict[str, Any], mode: str) -> None:
            why = {"message": "The response was filtered.", "code": "content_filter"}
            self.say(400, {"error": why})

        def say(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the client had enough
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield stub
    finally:
        stub.release.set()
        server.shutdown()
        server.server_close()
