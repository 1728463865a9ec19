"""A chat model behind any OpenAI-compatible endpoint.

How often and how long it is asked says `longtake.models.asking`; after a failure, until something
succeeds, there is one attempt only. Log-probabilities differ from server to server: whether this
one gives them is found out once, when `scores` is first looked at; without them control asks for
one letter instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from longtake.errors import BackendError, BadReply, LongtakeError, UsageError
from longtake.models.asking import NOT_ONE, Patience, ask, openai_client
from longtake.models.letters import first_tokens, label_scores

TOPS = (20, 5)
"""How many of the likeliest tokens are asked for: servers allow different numbers."""
PROBE = (("user", "Reply with one letter, A or B."),)


class EndpointChat:
    """`ChatModel` over `base`/chat/completions, with log-probabilities where they are given.

    `trouble` is why the last request failed, or None: whoever does without the model's words can
    still say what is wrong.

    Args:
        timeout: seconds that one attempt may take.
        attempts: the most attempts of a request that may succeed later.
        wait: seconds before the second attempt, doubled after each.
        deadline: seconds for one request with all its attempts and pauses.
        scores: whether it gives log-probabilities; None: find out when first asked for.
    """

    def __init__(
        self,
        base: str,
        model: str,
        *,
        key: str | None = None,
        timeout: float = 60.0,
        attempts: int = 4,
        wait: float = 1.0,
        deadline: float = 90.0,
        scores: bool | None = None,
    ) -> None:
        self._patience = Patience(timeout, attempts, wait, deadline)
        self._client = openai_client(base, key, self._patience)
        self.trouble: LongtakeError | None = None
        self._base = base
        self._model = model
        self._scores = scores
        self._top = TOPS[0]
        self._probing = Lock()
        self.name = f"{model}@api"

    @property
    def scores(self) -> bool:
        """Whether the server gives log-probabilities; asked once, False while it cannot be known."""
        with self._probing:
            if self._scores is None and self.trouble is None:
                self._scores = self._probe()
            return bool(self._scores)

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """Continue a chat of (role, text) pairs, at temperature 0.

        Raises:
            Unreachable: the endpoint does not answer, or is busy beyond all attempts.
            MissingConfig: it refuses the key.
            BadReply: it answered twice without text, or with something else than a chat's reply.
            BackendError: it refused the request.
        """
        asked = self._request(messages, max_tokens)
        if stop:
            asked["stop"] = list(stop)
        text = text_of(self._choice(asked, lambda choice: text_of(choice) is not None))
        return (text or "").strip()

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """Return the log-probability of each label as the reply's first word.

        A label that is not among the likeliest first words gets the most it could have. A model
        that begins its replies otherwise is of no use here: `scores` is False from then on.

        Raises:
            BadReply: no label is among the likeliest first words, or none are told.
            BackendError: the server gives no log-probabilities (look at `scores` first).
        """
        if not labels or not all(label.strip() for label in labels):
            raise UsageError("a label to score is empty")
        if not self.scores:
            raise BackendError(f"{self.name} gives no log-probabilities; check `scores` first")
        asked = self._request(messages, 1) | {"logprobs": True, "top_logprobs": self._top}
        choice = self._choice(asked, lambda choice: _tokens(choice) is not None)
        found = label_scores(_tokens(choice) or {}, labels)
        if found is None:
            self._scores = False
            raise BadReply(f"{self._model} at {self._base} began its reply with none of the labels")
        return found

    # -- one request -----------------------------------------------------------------------

    def _probe(self) -> bool | None:
        """Whether a small request brings log-probabilities; None when nobody answers."""
        for top in TOPS:
            asked = self._request(PROBE, 1) | {"logprobs": True, "top_logprobs": top}
            try:
                reply = self._ask(asked)
            except BadReply:
                return False
            except BackendError as error:
                if type(error) is BackendError:  # Refused: perhaps fewer are allowed.
                    continue
                self.trouble = error
                return None
            except LongtakeError as error:
                self.trouble = error
                return None
            self._top = top
            return _tokens(first_choice(reply)) is not None
        return False

    def _choice(self, asked: dict[str, Any], good: Any) -> Any:
        """The reply's first choice; one that cannot be used is asked for once more."""
        once = self.trouble is not None
        try:
            for _ in range(1 if once else 2):
                try:
                    choice, bad = first_choice(self._ask(asked)), None
                except BadReply as error:
                    choice, bad = None, error
                if bad is None and good(choice):
                    self.trouble = None
                    return choice
            raise bad or BadReply(
                f"{self._model} at {self._base} answered without {_missing(asked)}", fix=NOT_ONE
            )
        except LongtakeError as error:
            self.trouble = error
            raise

    def _ask(self, asked: dict[str, Any]) -> Any:
        def call(**options: Any) -> Any:
            return self._client.chat.completions.create(**asked, **options)

        once = self.trouble is not None
        return ask(call, self._patience, self._base, self._model, once=once)

    def _request(self, messages: Sequence[tuple[str, str]], max_tokens: int) -> dict[str, Any]:
        return {
            "model": self._model,
            "messages": [{"role": role, "content": text} for role, text in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
        }


# What came over the network may be anything, so it is taken apart carefully.


def first_choice(reply: Any) -> Any:
    """The first choice of a chat's reply, None where there is none."""
    choices = getattr(reply, "choices", None)
    return choices[0] if isinstance(choices, list) and choices else None


def text_of(choice: Any) -> str | None:
    """The words of a choice, None where there are none."""
    content = getattr(getattr(choice, "message", None), "content", None)
    return content if isinstance(content, str) else None


def _tokens(choice: Any) -> dict[str, float] | None:
    return first_tokens(getattr(choice, "logprobs", None))


def _missing(asked: dict[str, Any]) -> str:
    return "log-probabilities" if asked.get("logprobs") else "text"
