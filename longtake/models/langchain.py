"""Any LangChain chat model as a `ChatModel`.

What it may be told differs from model to model: the most tokens are passed on where the model has
a setting of that name, and log-probabilities are read where the model was made or bound with them
(``ChatOpenAI(..., logprobs=True, top_logprobs=20)`` or ``model.bind(logprobs=True, ...)``) and
its replies carry them. Otherwise `scores` is False and control asks for one letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from longtake.errors import BackendError, BadReply, LongtakeError, Unreachable, UsageError
from longtake.models.letters import first_tokens, label_scores

if TYPE_CHECKING:
    from longtake.models.protocols import ChatModel

PROBE = (("user", "Reply with one letter, A or B."),)
_LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


class LangChainChat:
    """`ChatModel` over a LangChain chat model, or one with settings bound to it.

    `trouble` is why the last request failed, or None.

    Args:
        model: a `BaseChatModel`, or what its `bind` returns.
        name: what the model is called in caches and calibrations; default: its own name.
    """

    def __init__(self, model: Any, name: str | None = None) -> None:
        if not callable(getattr(model, "invoke", None)):
            raise UsageError(
                f"{type(model).__name__} is no LangChain chat model",
                fix="pass a langchain_core BaseChatModel",
            )
        self._model = model
        self._inner = getattr(model, "bound", model)
        self._scores: bool | None = None if _tells(model, self._inner) else False
        self._length = next((key for key in _LENGTHS if hasattr(self._inner, key)), None)
        self._probing = Lock()
        self.trouble: LongtakeError | None = None
        self.name = name or f"{_named(self._inner)}@langchain"

    @property
    def scores(self) -> bool:
        """Whether replies carry log-probabilities; found out once, with one small request."""
        with self._probing:
            if self._scores is None and self.trouble is None:
                try:
                    self._scores = _tokens(self._ask(PROBE, 1)) is not None
                except BackendError:
                    return False
            return bool(self._scores)

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """Continue a chat of (role, text) pairs.

        Raises:
            Unreachable: the model's server does not answer.
            BackendError: the model failed.
            BadReply: it answered with something else than text.
        """
        text = _text(self._ask(messages, max_tokens, stop))
        if text is None:
            self.trouble = BadReply(f"{self.name} answered without text")
            raise self.trouble
        cuts = [text.find(mark) for mark in stop if mark and mark in text]
        return (text[: min(cuts)] if cuts else text).strip()

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """Return the log-probability of each label as the reply's first word.

        A model that begins its replies otherwise is of no use here: `scores` is False from then on.

        Raises:
            BadReply: no label is among the likeliest first words.
            BackendError: the model gives no log-probabilities (look at `scores` first).
        """
        if not labels or not all(label.strip() for label in labels):
            raise UsageError("a label to score is empty")
        if not self.scores:
            raise BackendError(f"{self.name} gives no log-probabilities; check `scores` first")
        found = label_scores(_tokens(self._ask(messages, 1)) or {}, labels)
        if found is None:
            self._scores = False
            raise BadReply(f"{self.name} began its reply with none of the labels")
        return found

    def _ask(
        self, messages: Sequence[tuple[str, str]], max_tokens: int, stop: Sequence[str] = ()
    ) -> Any:
        """One request. Providers' errors have no common class, so any of them is named here."""
        from langsmith import tracing_context

        if not messages:
            raise UsageError("a chat needs at least one message")
        given: dict[str, Any] = {"stop": list(stop)} if stop else {}
        if self._length:
            given[self._length] = max_tokens
        try:
            with tracing_context(enabled=False):  # what is asked of a private video stays here
                reply = self._model.invoke([(role, text) for role, text in messages], **given)
        except Exception as error:
            self.trouble = _failure(self.name, error)
            raise self.trouble from error
        self.trouble = None
        return reply


def as_chat(model: Any) -> ChatModel:
    """A `ChatModel` as it is, or a LangChain chat model behind the adapter.

    Raises:
        UsageError: it is neither.
    """
    if callable(getattr(model, "generate", None)) and callable(getattr(model, "score", None)):
        made: ChatModel = model
        return made
    return LangChainChat(model)


def _failure(name: str, error: Exception) -> BackendError:
    kind = type(error).__name__
    said = f": {error}" if str(error) else ""
    if isinstance(error, OSError) or "Connect" in kind or "Timeout" in kind:
        return Unreachable(f"{name} does not answer ({kind}{said})", fix="check its server")
    return BackendError(f"{name} failed ({kind}{said})")


def _tells(model: Any, inner: Any) -> bool:
    """Whether log-probabilities were asked for when the model was made or bound."""
    bound = getattr(model, "kwargs", None)
    asked = bound.get("logprobs") if isinstance(bound, Mapping) else None
    return bool(asked or getattr(inner, "logprobs", None))


def _named(inner: Any) -> str:
    for key in ("model_name", "model"):
        told = getattr(inner, key, None)
        if isinstance(told, str) and told:
            return told
    return type(inner).__name__


def _text(reply: Any) -> str | None:
    content = getattr(reply, "content", None)
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    pieces = [
        piece if isinstance(piece, str) else piece.get("text")
        for piece in content
        if isinstance(piece, str | Mapping)
    ]
    texts = [piece for piece in pieces if isinstance(piece, str)]
    return "".join(texts) if texts else None


def _tokens(reply: Any) -> dict[str, float] | None:
    told = getattr(reply, "response_metadata", None)
    return first_tokens(told.get("logprobs")) if isinstance(told, Mapping) else None
