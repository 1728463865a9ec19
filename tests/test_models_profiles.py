"""Profiles choose models without loading them; an endpoint is asked and its failures named."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from longtake.errors import (
    BackendError,
    BadReply,
    MissingConfig,
    MissingModel,
    Unreachable,
    UsageError,
)
from longtake.library import open_library
from longtake.models import doctor
from longtake.models.catalog import CATALOG, OPTIONAL
from longtake.models.endpoint import EndpointChat
from longtake.models.parts import SPEAKER
from longtake.models.profiles import KINDS, WATCHING, open_models
from longtake.models.store import ModelStore
from tests.conformance_models import check_chat
from tests.media import Scene, draw_video


def test_offline_names_everything_and_loads_nothing(tmp_path: Path) -> None:
    models = open_models("offline", models_dir=tmp_path)
    assert set(models.names()) == set(KINDS)
    assert models.names()["transcriber"] == "whisper-tiny.en@1a5afae0"
    assert models.missing() == [name for name in CATALOG if name != SPEAKER]
    for kind in ("transcriber", "text_encoder", "image_tagger", "chat"):
        with pytest.raises(MissingModel) as caught:
            getattr(models, kind)
        assert str(caught.value.fix).startswith("longtake models pull ")


def test_voice_and_reader_need_no_pull_and_are_made_once(tmp_path: Path) -> None:
    models = open_models("offline", models_dir=tmp_path)
    assert models.voice_activity is models.voice_activity
    assert models.voice_activity.name == models.names()["voice_activity"]
    assert models.text_reader.name == models.names()["text_reader"]


def test_auto_takes_the_endpoint_when_one_is_set_and_else_offline(tmp_path: Path) -> None:
    assert open_models(models_dir=tmp_path).profile == "offline"
    models = open_models(models_dir=tmp_path, api_base="http://127.0.0.1:9/v1", api_model="m")
    assert models.profile == "api"
    assert models.names()["chat"] == "m@api"
    assert "smollm2-135m-instruct" not in models.missing()


def test_auto_takes_hub_models_that_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {"Systran/faster-whisper-small"}
    monkeypatch.setattr("longtake.models.hub.cached", lambda name: name in here)
    assert open_models(models_dir=tmp_path).profile == "offline"
    here |= {"sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "Qwen/Qwen3-0.6B"}
    models = open_models(models_dir=tmp_path)
    assert models.profile == "cpu"
    assert models.names()["transcriber"] == "whisper-small@hub"
    assert models.missing() == ["efficientnet-lite0"]


def test_wrong_profiles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ofline"):
        open_models("ofline", models_dir=tmp_path)
    with pytest.raises(MissingConfig) as caught:
        open_models("api", models_dir=tmp_path)
    assert "LONGTAKE_API_BASE" in str(caught.value.fix)


def test_doctor_names_the_command_for_each_missing_model(tmp_path: Path) -> None:
    found = {check.name: check for check in doctor.check(tmp_path)}
    assert found["voice model"].ok
    assert found["screen text model"].ok
    assert found["torch"].ok
    for name in set(CATALOG) - OPTIONAL:
        assert not found[name].ok
        assert found[name].fix == f"longtake models pull {name}"


def test_doctor_says_what_is_optional_and_how_it_comes(tmp_path: Path) -> None:
    found = {check.name: check for check in doctor.check(tmp_path)}
    for name in OPTIONAL:
        assert found[name].ok
        assert "optional" in found[name].detail
        assert f"longtake models pull {name}" in found[name].detail


def test_only_what_the_kinds_need_is_missing(tmp_path: Path) -> None:
    models = open_models("offline", models_dir=tmp_path)
    assert models.missing(["voice_activity", "text_reader"]) == []
    assert models.missing(["transcriber"]) == ["whisper-tiny.en"]
    assert models.missing(["image_tagger", "text_encoder"]) == [
        "efficientnet-lite0", "all-minilm-l6-v2",
    ]  # fmt: skip
    assert set(models.missing()) - set(models.missing(WATCHING)) == OPTIONAL - {SPEAKER}


def test_watching_brings_what_watching_needs_and_no_language_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled: list[str] = []

    def pull(self: ModelStore, names: list[str], on_progress: Any = None) -> list[str]:
        pulled.extend(names)
        raise Unreachable("no index")

    monkeypatch.setattr(ModelStore, "pull", pull)
    video = draw_video(tmp_path / "v.mp4", [Scene(1, (9, 9, 9))], fps=5)
    library = open_library(tmp_path / "l.longtake", "offline", models_dir=tmp_path / "models")
    with library, pytest.raises(Unreachable):
        library.ingest(video)
    assert set(pulled) == set(CATALOG) - OPTIONAL


@dataclass
class Stub:
    """An OpenAI-compatible server that answers from a list of (status, content)."""

    replies: list[tuple[int, Any]]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@pytest.fixture
def stub() -> Iterator[Stub]:
    state = Stub([])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            state.asked.append(json.loads(self.rfile.read(length)))
            state.keys.append(self.headers.get("Authorization"))
            status, content = state.replies.pop(0) if state.replies else (200, "done")
            message = {"role": "assistant", "content": content}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            body: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0}
            body |= {"model": "m", "choices": [] if content == "NONE" else choices}
            raw = json.dumps(body if status == 200 else {"error": {"message": content}}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield state
    server.shutdown()
    server.server_close()


def chat_of(stub: Stub, **options: Any) -> EndpointChat:
    return EndpointChat(stub.url, "m", **{"wait": 0.0, "attempts": 3, **options})


def test_an_endpoint_conforms_and_is_asked_at_temperature_0(stub: Stub) -> None:
    check_chat(chat_of(stub, key="secret", scores=False), "is the exam in June?", ["a", "b"], "a")
    assert stub.asked[0]["temperature"] == 0
    assert stub.asked[0]["messages"] == [{"role": "user", "content": "is the exam in June?"}]
    assert stub.keys == ["Bearer secret"]


def test_what_may_pass_is_repeated(stub: Stub) -> None:
    stub.replies = [(429, "busy"), (500, "oops"), (200, "at last")]
    assert chat_of(stub).generate([("user", "x")], max_tokens=5, stop=["END"]) == "at last"
    assert len(stub.asked) == 3
    assert stub.asked[0]["stop"] == ["END"]


@pytest.mark.parametrize(
    ("status", "content", "error", "times"),
    [
        (503, "down", Unreachable, 3),
        (401, "who", MissingConfig, 1),
        (404, "what", BackendError, 1),
        (400, "no", BackendError, 1),
        (200, None, BadReply, 2),
        (200, "NONE", BadReply, 2),
        (200, ["a"], BadReply, 2),
    ],
)
def test_failures_have_names(
    stub: Stub, status: int, content: Any, error: type[Exception], times: int
) -> None:
    stub.replies = [(status, content)] * 5
    with pytest.raises(error) as caught:
        chat_of(stub).generate([("user", "x")], max_tokens=5)
    assert type(caught.value) is error
    assert len(stub.asked) == times


def test_nobody_there_is_unreachable() -> None:
    chat = EndpointChat("http://127.0.0.1:9/v1", "m", attempts=2, wait=0.0)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
        chat.generate([("user", "x")], max_tokens=5)


def test_trouble_is_kept_until_something_succeeds_and_shortens_the_next_try(stub: Stub) -> None:
    chat = chat_of(stub)
    assert chat.trouble is None
    stub.replies = [(503, "down")] * 4
    for attempts in (3, 1):
        before = len(stub.asked)
        with pytest.raises(Unreachable) as caught:
            chat.generate([("user", "x")], max_tokens=5)
        assert chat.trouble is caught.value
        assert len(stub.asked) - before == attempts
    assert chat.generate([("user", "x")], max_tokens=5) == "done"
    assert chat.trouble is None


def test_a_time_out_is_not_repeated(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    import openai

    chat, asked = chat_of(stub, timeout=7.0), []

    def late(**_: Any) -> None:
        asked.append(1)
        raise openai.APITimeoutError(httpx.Request("POST", stub.url))

    monkeypatch.setattr(chat._client.chat.completions, "create", late)
    with pytest.raises(Unreachable, match="within 7 s"):
        chat.generate([("user", "x")], max_tokens=5)
    assert len(asked) == 1
