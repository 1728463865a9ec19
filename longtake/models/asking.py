"""Asking over HTTP with patience, but not without end.

What may pass by itself (no connection, too many requests, a server's error) is asked again after
a growing pause, or after the pause the server names in `Retry-After`. What timed out once is not:
it has cost the person a minute already. All attempts of one request share a deadline, and a reply
that trickles in keeps nobody waiting beyond it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from threading import local
from typing import Any

from longtake.errors import BackendError, BadReply, LongtakeError, MissingConfig, Unreachable

DEAD = "check LONGTAKE_API_BASE and that the server runs"
NOT_ONE = "check LONGTAKE_API_BASE: an OpenAI-compatible one mostly ends in /v1"
LONGEST_PAUSE = 20.0


class Patience:
    """How often and how long one request may be asked.

    Args:
        timeout: seconds that one attempt may take.
        attempts: the most attempts.
        wait: seconds before the second attempt; doubled after each.
        deadline: seconds for all attempts and pauses together.
    """

    def __init__(self, timeout: float, attempts: int, wait: float, deadline: float) -> None:
        self.timeout = timeout
        self.attempts = attempts
        self.wait = wait
        self.deadline = deadline
        self._until = local()

    def begin(self) -> None:
        """Start the clock of a request."""
        self._until.all = time.monotonic() + self.deadline

    def attempt(self) -> float:
        """Start the clock of one attempt; returns its seconds."""
        left = max(0.05, min(self.timeout, self.left()))
        self._until.one = time.monotonic() + left
        return left

    def left(self) -> float:
        """Seconds until the deadline."""
        return float(self._until.all - time.monotonic())

    def late(self) -> bool:
        """Whether the attempt has taken too long."""
        return time.monotonic() >= float(self._until.one)

    def pause(self, retry: Any) -> float:
        """Seconds to wait before the next attempt."""
        asked = retry_after(retry.outcome.exception())
        grown = min(LONGEST_PAUSE, self.wait * 2.0 ** (retry.attempt_number - 1))
        return grown if asked is None else asked

    def over(self, retry: Any) -> bool:
        """Whether the next attempt would begin after the deadline."""
        return self.pause(retry) >= self.left()


def retry_after(error: Any) -> float | None:
    """The seconds a server asks to wait for, if it does."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    told = str(headers.get("retry-after", "")).strip()
    if not told:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def http_client(patience: Patience) -> Any:
    """An HTTP client whose replies end when an attempt's time is over, however they come in."""
    import httpx

    class Clocked(httpx.SyncByteStream):
        def __init__(self, stream: Any, request: Any) -> None:
            self._stream, self._request = stream, request

        def __iter__(self) -> Iterator[bytes]:
            for piece in self._stream:
                if patience.late():
                    raise httpx.ReadTimeout("the reply took too long", request=self._request)
                yield piece

        def close(self) -> None:
            self._stream.close()

    class Transport(httpx.HTTPTransport):
        def handle_request(self, request: Any) -> Any:
            reply = super().handle_request(request)
            reply.stream = Clocked(reply.stream, request)
            return reply

    return httpx.Client(transport=Transport())


def openai_client(base: str, key: str | None, patience: Patience) -> Any:
    """A client of an OpenAI-compatible endpoint; asking again is left to `ask`."""
    from openai import OpenAI

    # Servers on the own machine need no key, but the client insists on one.
    return OpenAI(
        base_url=base,
        api_key=key or "none",
        max_retries=0,
        timeout=patience.timeout,
        http_client=http_client(patience),
    )


def spent(error: Any) -> bool:
    """Whether an endpoint refuses since the account has nothing left: waiting does not help."""
    return getattr(error, "code", None) == "insufficient_quota"


def ask(call: Callable[..., Any], patience: Patience, base: str, model: str, *, once: bool) -> Any:
    """Call until it works, its patience ends, or it fails for good; failures get names.

    Args:
        call: asks the server once; takes `timeout` in seconds.
        once: do not ask again, whatever happens.
    """
    import openai
    import tenacity

    passing = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)
    most = 1 if once else patience.attempts
    tried = 0

    def attempt() -> Any:
        nonlocal tried
        tried += 1
        return call(timeout=patience.attempt())

    patience.begin()
    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception(
            lambda e: (
                isinstance(e, passing)
                and not isinstance(e, openai.APITimeoutError)
                and not spent(e)
            )
        ),
        stop=lambda retry: retry.attempt_number >= most or patience.over(retry),
        wait=patience.pause,
        reraise=True,
    )
    try:
        return again(attempt)
    except passing as error:
        if spent(error):
            raise _refused(error, base, model) from error
        raise _unreachable(error, patience, base, tried) from error
    except openai.OpenAIError as error:
        raise _refused(error, base, model) from error
    except ValueError as error:  # It said JSON and sent something else.
        raise BadReply(f"the endpoint {base} sent no JSON", fix=NOT_ONE) from error


def _unreachable(error: Exception, patience: Patience, base: str, tried: int) -> LongtakeError:
    import openai

    if isinstance(error, openai.APITimeoutError):
        waited = min(patience.timeout, patience.deadline)
        return Unreachable(f"the endpoint {base} did not answer within {waited:g} s", fix=DEAD)
    why = str(error).rstrip(".")
    times = f"in {tried} attempts" if tried > 1 else "again" if patience.attempts > 1 else ""
    pause = retry_after(error)
    if pause is not None and pause >= patience.left():
        why = f"it asks to wait {pause:g} s ({why})"
    return Unreachable(
        f"the endpoint {base} did not answer{' ' if times else ''}{times}: {why}", fix=DEAD
    )


def _refused(error: Exception, base: str, model: str) -> LongtakeError:
    import openai

    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return MissingConfig(f"the endpoint {base} refused the key", fix="set LONGTAKE_API_KEY")
    if isinstance(error, openai.NotFoundError):
        return BackendError(
            f"the endpoint {base} knows no model {model!r}",
            fix="set LONGTAKE_API_MODEL to one it serves, and check LONGTAKE_API_BASE",
        )
    if spent(error):
        return Unreachable(
            f"the endpoint {base} serves no more: the quota of the key is used up",
            fix="add credit to the account, or set LONGTAKE_API_KEY to another key",
        )
    return BackendError(f"the endpoint {base} failed: {error}")
