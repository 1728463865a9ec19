"""A chat model behind any OpenAI-compatible endpoint.

The client's own retries are off; tenacity repeats what may pass by itself (no connection, time
out, too many requests, server error) and nothing else. Log-probabilities differ from server to
server, so `scores` is False and control asks for one letter instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.errors import BackendError, BadReply, MissingConfig, Unreachable


class EndpointChat:
    """`ChatModel` without log-probabilities, over `base`/chat/completions."""

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
        self._base = base
        self._model = model
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
            BadReply: it answered without text.
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
        reply = self._ask(asked)
        if not getattr(reply, "choices", None) or reply.choices[0].message.content is None:
            raise BadReply(f"{self._model} at {self._base} answered without text")
        return str(reply.choices[0].message.content).strip()

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """Always refuse: `scores` is False."""
        raise BackendError(f"{self.name} gives no log-probabilities; check `scores` first")

    def _ask(self, asked: dict[str, Any]) -> Any:
        import openai
        import tenacity

        passing = (
            openai.APIConnectionError,  # APITimeoutError is one of these.
            openai.RateLimitError,
            openai.InternalServerError,
        )
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(passing),
            stop=tenacity.stop_after_attempt(self._attempts),
            wait=tenacity.wait_exponential(multiplier=self._wait, max=20),
            reraise=True,
        )
        try:
            return again(self._client.chat.completions.create, **asked)
        except passing as error:
            raise Unreachable(
                f"the endpoint {self._base} did not answer in {self._attempts} attempts: {error}",
                fix="check LONGTAKE_API_BASE and that the server runs",
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
