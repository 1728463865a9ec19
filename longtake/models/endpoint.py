"""A chat model behind any OpenAI-compatible endpoint.

The client's own retries are off; tenacity repeats what may pass by itself (no connection, too
many requests, server error) and nothing else: what timed out once has cost the person a minute
already. After a failure, until something succeeds, there is one attempt only. Log-probabilities differ from server to
server, so `scores` is False and control asks for one letter instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.errors import BackendError, BadReply, LongtakeError, MissingConfig, Unreachable

_DEAD = "check LONGTAKE_API_BASE and that the server runs"
_NOT_ONE = "check LONGTAKE_API_BASE: an OpenAI-compatible one mostly ends in /v1"


class EndpointChat:
    """`ChatModel` without log-probabilities, over `base`/chat/completions.

    `trouble` is why the last request failed, or None: whoever does without the model's words can
    still say what is wrong.
    """

    scores = False

    def __init__(
        self,
        base: str,
        model: str,
        *,
        key: str | None = None,
        timeout: float = 60.0,
        attempts: int = 4,
        wait: float = 1.0,
    ) -> None:
        from openai import OpenAI

        # Servers on the own machine need no key, but the client insists on one.
        self._client: Any = OpenAI(
            base_url=base, api_key=key or "none", max_retries=0, timeout=timeout
        )
        self.trouble: LongtakeError | None = None
        self._base = base
        self._model = model
        self._timeout = timeout
        self._attempts = attempts
        self._wait = wait
        self.name = f"{model}@api"

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """Continue a chat of (role, text) pairs, at temperature 0.

        Raises:
            Unreachable: the endpoint does not answer, or is busy beyond all attempts.
            MissingConfig: it refuses the key.
            BadReply: it answered without text, or with something else than a chat's reply.
            BackendError: it refused the request.
        """
        asked: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": role, "content": text} for role, text in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        if stop:
            asked["stop"] = list(stop)
        try:
            text = self._text(self._ask(asked))
        except LongtakeError as error:
            self.trouble = error
            raise
        self.trouble = None
        return text

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """Always refuse: `scores` is False."""
        raise BackendError(f"{self.name} gives no log-probabilities; check `scores` first")

    def _text(self, reply: Any) -> str:
        """Take the text out of a reply; what came over the network may be anything."""
        try:
            content = reply.choices[0].message.content
        except (AttributeError, IndexError, TypeError):
            content = None
        if not isinstance(content, str):
            raise BadReply(f"{self._model} at {self._base} answered without text", fix=_NOT_ONE)
        return content.strip()

    def _ask(self, asked: dict[str, Any]) -> Any:
        import openai
        import tenacity

        attempts = 1 if self.trouble else self._attempts
        passing = (
            openai.APIConnectionError,
            openai.RateLimitError,
            openai.InternalServerError,
        )
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda e: isinstance(e, passing) and not isinstance(e, openai.APITimeoutError)
            ),
            stop=tenacity.stop_after_attempt(attempts),
            wait=tenacity.wait_exponential(multiplier=self._wait, max=20),
            reraise=True,
        )
        try:
            return again(self._client.chat.completions.create, **asked)
        except openai.APITimeoutError as error:
            raise Unreachable(
                f"the endpoint {self._base} did not answer within {self._timeout:g} s", fix=_DEAD
            ) from error
        except passing as error:
            why = str(error).rstrip(".")
            tried = f"in {attempts} attempts" if attempts > 1 else "again"
            raise Unreachable(
                f"the endpoint {self._base} did not answer {tried}: {why}", fix=_DEAD
            ) from error
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise MissingConfig(
                f"the endpoint {self._base} refused the key", fix="set LONGTAKE_API_KEY"
            ) from error
        except openai.NotFoundError as error:
            raise BackendError(
                f"the endpoint {self._base} knows no model {self._model!r}",
                fix="set LONGTAKE_API_MODEL to one it serves, and check LONGTAKE_API_BASE",
            ) from error
        except openai.OpenAIError as error:
            raise BackendError(f"the endpoint {self._base} failed: {error}") from error
        except ValueError as error:  # It said JSON and sent something else.
            raise BadReply(f"the endpoint {self._base} sent no JSON", fix=_NOT_ONE) from error
