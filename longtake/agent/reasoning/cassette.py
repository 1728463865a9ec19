"""Record what a model answers, replay it without the model, and ask nothing twice.

Calls are known by their content: the model's name, the kind of call, the messages and what was
asked of the reply. A cassette is a file of JSON lines, so it can be read, cut and sent with a
report of a bug; nothing in it is ever executed. Failures are recorded too: a replay goes the way
the run went.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from longtake import errors
from longtake.errors import BackendError, LongtakeError, NotFound, Unreadable

if TYPE_CHECKING:
    from longtake.models.protocols import ChatModel

Messages = Sequence[tuple[str, str]]
VERSION = 1
_FAILURES = (LongtakeError, OSError, ValueError, RuntimeError, LookupError, TypeError)


def call_key(model: str, kind: str, messages: Messages, asked: dict[str, Any]) -> str:
    """The name of a call: the same content has the same one, on every machine."""
    told = [model, kind, [[role, text] for role, text in messages], asked]
    raw = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


class _Keyed:
    """Turns the calls of a `ChatModel` into keyed ones that give JSON values."""

    name: str

    def generate(self, messages: Messages, *, max_tokens: int, stop: Sequence[str] = ()) -> str:
        """Continue a chat of (role, text) pairs."""
        asked = {"max_tokens": max_tokens, "stop": list(stop)}
        return str(self._call("generate", messages, asked))

    def score(self, messages: Messages, labels: Sequence[str]) -> list[float]:
        """Return the log-probability of each label as the assistant's next words."""
        told = self._call("score", messages, {"labels": list(labels)})
        return [float(value) for value in told]

    def _call(self, kind: str, messages: Messages, asked: dict[str, Any]) -> Any:
        raise NotImplementedError


class Recorded(_Keyed):
    """A chat model whose calls are written to a cassette as they are made."""

    def __init__(self, chat: ChatModel, path: str | Path) -> None:
        self._chat = chat
        self._path = Path(path)
        self._lock = Lock()
        self._told_scores = False
        self.name = chat.name
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("", "utf-8")
        self._write({"cassette": VERSION, "model": self.name})

    @property
    def scores(self) -> bool:
        """Whether the model gives log-probabilities."""
        scores = bool(self._chat.scores)
        if not self._told_scores:
            self._told_scores = True
            self._write({"scores": scores})
        return scores

    @property
    def trouble(self) -> LongtakeError | None:
        """Why the model's last request failed."""
        trouble: LongtakeError | None = getattr(self._chat, "trouble", None)
        return trouble

    def _call(self, kind: str, messages: Messages, asked: dict[str, Any]) -> Any:
        row = {"key": call_key(self.name, kind, messages, asked), "kind": kind,
               "messages": [list(one) for one in messages], **asked}  # fmt: skip
        try:
            value: Any = _made(self._chat, kind, messages, asked)
        except _FAILURES as error:
            known = isinstance(error, LongtakeError)
            told = {"class": type(error).__name__ if known else "BackendError",
                    "message": str(error) if known else f"{type(error).__name__}: {error}",
                    "fix": getattr(error, "fix", None),
                    "scores": kind == "score" and bool(self._chat.scores)}  # fmt: skip
            self._write(row | {"error": told})
            raise
        self._write(row | {"value": value})
        return value

    def _write(self, row: dict[str, Any]) -> None:
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=True) + "\n")


class Replayed(_Keyed):
    """A chat model that says what a cassette holds, and needs no other.

    A call that was recorded several times is answered in that order, and then as it was last.
    One that was not recorded raises `NotFound`; `missing` lists the keys of those.

    Raises:
        Unreadable: the file is missing or is no cassette.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._lock = Lock()
        self.trouble: LongtakeError | None = None
        self.missing: list[str] = []
        self.name, self.scores = "", False
        for number, line in enumerate(self._lines(), 1):
            self._take(number, line)
        if not self.name:
            raise Unreadable(f"{self._path} is no cassette", fix="record one with Recorded")

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise Unreadable(f"the cassette {self._path} cannot be read: {error}") from error

    def _take(self, number: int, line: str) -> None:
        try:
            row = json.loads(line)
            if "cassette" in row:
                if row["cassette"] != VERSION:
                    raise ValueError(f"version {row['cassette']}")
                self.name = str(row["model"])
            elif "scores" in row:
                self.scores = bool(row["scores"])
            else:
                self._rows[row["key"]].append(row)
        except (ValueError, TypeError, KeyError) as error:
            raise Unreadable(
                f"line {number} of the cassette {self._path} cannot be read: {error}"
            ) from error

    def _call(self, kind: str, messages: Messages, asked: dict[str, Any]) -> Any:
        key = call_key(self.name, kind, messages, asked)
        with self._lock:
            rows = self._rows.get(key)
            if not rows:
                self.trouble = NotFound(
                    f"the cassette {self._path} has no {kind} call {key[:12]} "
                    f'("{_ending(messages)}")',
                    fix="record the run again: its prompts have changed",
                )
                self.missing.append(key)
                raise self.trouble
            row = rows.pop(0) if len(rows) > 1 else rows[0]
        self.trouble = _error(row["error"]) if "error" in row else None
        if self.trouble is not None:
            if kind == "score":
                self.scores = bool(row["error"].get("scores"))
            raise self.trouble
        return row["value"]


class Cached(_Keyed):
    """A chat model that is asked each thing once; what it said is kept by `put`.

    Failures are not kept. What cannot be read back is asked for again, and a cache that cannot be
    written is done without.

    Args:
        get, put: a cache of bytes by key, such as a library's `cache_get` and `cache_put`.
    """

    def __init__(
        self,
        chat: ChatModel,
        get: Callable[[str], bytes | None],
        put: Callable[[str, bytes], None],
    ) -> None:
        self._chat = chat
        self._get = get
        self._put = put
        self._lock = Lock()
        self.name = chat.name

    @property
    def scores(self) -> bool:
        """Whether the model gives log-probabilities; what was found out is kept, too."""
        kept = self._kept(self._scores_key())
        if isinstance(kept, bool):
            return kept
        scores = bool(self._chat.scores)
        if self.trouble is None:
            self._keep(self._scores_key(), scores)
        return scores

    @property
    def trouble(self) -> LongtakeError | None:
        """Why the model's last request failed."""
        trouble: LongtakeError | None = getattr(self._chat, "trouble", None)
        return trouble

    def _call(self, kind: str, messages: Messages, asked: dict[str, Any]) -> Any:
        key = "chat:" + call_key(self.name, kind, messages, asked)
        kept = self._kept(key)
        if isinstance(kept, str if kind == "generate" else list):
            return kept
        try:
            value = _made(self._chat, kind, messages, asked)
        except LongtakeError:
            if kind == "score" and not self._chat.scores:  # that was just found out
                self._keep(self._scores_key(), False)
            raise
        self._keep(key, value)
        return value

    def _scores_key(self) -> str:
        return "chat:" + call_key(self.name, "scores", (), {})

    def _kept(self, key: str) -> Any:
        try:
            with self._lock:
                raw = self._get(key)
            return None if raw is None else json.loads(raw)
        except (LongtakeError, OSError, ValueError):
            return None

    def _keep(self, key: str, value: Any) -> None:
        with self._lock, suppress(LongtakeError, OSError):
            self._put(key, json.dumps(value).encode())


def _made(chat: ChatModel, kind: str, messages: Messages, asked: dict[str, Any]) -> Any:
    if kind == "score":
        return [float(value) for value in chat.score(messages, asked["labels"])]
    return chat.generate(messages, max_tokens=asked["max_tokens"], stop=asked["stop"])


def _error(told: dict[str, Any]) -> LongtakeError:
    kind = getattr(errors, str(told.get("class")), BackendError)
    known = isinstance(kind, type) and issubclass(kind, LongtakeError)
    made: LongtakeError = (kind if known else BackendError)(
        str(told.get("message")), fix=told.get("fix")
    )
    return made


def _ending(messages: Messages, most: int = 60) -> str:
    text = " ".join(messages[-1][1].split()) if messages else ""
    return text if len(text) <= most else "…" + text[-most:]
