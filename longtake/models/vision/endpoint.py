"""A vision-language model behind any OpenAI-compatible endpoint.

Pictures go as JPEG ``data:`` URLs, several requests at a time, each with the patience of
`longtake.models.asking`. `used` counts what was sent and, where the server tells, its tokens;
with prices given, `cost` is what that comes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from longtake.errors import BackendError, BadReply, LongtakeError, Unreachable
from longtake.models.asking import NOT_ONE, Patience, ask, openai_client
from longtake.models.endpoint import first_choice, text_of
from longtake.models.protocols import Asked
from longtake.models.vision.pictures import data_url, jpeg
from longtake.models.vision.used import Used

_FILTERED = ("content_filter", "content_policy_violation")
_TAKES_NONE = (400, 413, 415, 422)
"""Statuses by which a server refuses what a request holds."""


class EndpointVision:
    """`VisionModel` over `base`/chat/completions.

    Args:
        longest: pixels of a picture's longer side; larger ones are scaled down.
        most: bytes of a picture; heavier ones lose quality, then size.
        threads: requests under way at once.
        prices: what a million tokens read and a million written cost, in any currency.
        timeout: seconds that one attempt may take.
        attempts: the most attempts of a request that may succeed later.
        wait: seconds before the second attempt, doubled after each.
        deadline: seconds for one request with all its attempts and pauses.
    """

    def __init__(
        self,
        base: str,
        model: str,
        *,
        key: str | None = None,
        longest: int = 768,
        most: int = 1_000_000,
        threads: int = 4,
        prices: tuple[float, float] | None = None,
        timeout: float = 60.0,
        attempts: int = 4,
        wait: float = 1.0,
        deadline: float = 120.0,
    ) -> None:
        self._patience = Patience(timeout, attempts, wait, deadline)
        self._client = openai_client(base, key, self._patience)
        self._base = base
        self._model = model
        self._longest = longest
        self._most = most
        self._threads = threads
        self._prices = prices
        self.used = Used()
        self.name = f"{model}@api"

    @property
    def cost(self) -> float | None:
        """What was asked so far comes to; None without prices, or where tokens were not told."""
        if self._prices is None or self.used.untold:
            return None
        return self.used.cost(*self._prices)

    def write(self, asked: Sequence[Asked], *, max_tokens: int) -> list[str]:
        """Answer each request by itself, in the order given, at temperature 0.

        A request that the server's own filter stops has an empty answer. Any other failure ends
        the whole: what has not begun yet is not sent any more.

        Raises:
            Unreachable: the endpoint does not answer, or is busy beyond all attempts.
            MissingConfig: it refuses the key.
            BadReply: it answered twice without text, or with something else than a chat's reply.
            BackendError: it refused the request or its pictures.
        """
        failures: list[LongtakeError] = []

        def answer(one: Asked) -> str:
            try:
                return "" if failures else self._one(one, max_tokens)
            except LongtakeError as error:
                failures.append(error)
                return ""

        with ThreadPoolExecutor(self._threads, "vision") as pool:
            waiting = [pool.submit(answer, one) for one in asked]
            try:
                written = [one.result() for one in waiting]
            finally:  # Stopped by hand: what waits for a thread is not begun.
                pool.shutdown(wait=False, cancel_futures=True)
        if failures:
            raise failures[0]
        return written

    # -- one request -----------------------------------------------------------------------

    def _one(self, asked: Asked, max_tokens: int) -> str:
        """The answer to one request; a reply that cannot be used is asked for once more."""
        request = {
            "model": self._model,
            "messages": [{"role": "user", "content": self._content(asked)}],
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        bad: BadReply | None = None
        for _ in range(2):
            try:
                reply = self._ask(request, asked)
            except BadReply as error:
                bad = error
                continue
            if reply is None:
                return ""
            choice = first_choice(reply)
            self._count(asked, reply)
            text = text_of(choice)
            if text is not None:
                return text.strip()
            if getattr(choice, "finish_reason", None) in _FILTERED:
                return ""
            bad = BadReply(f"{self._model} at {self._base} {_instead(reply)}", fix=NOT_ONE)
        assert bad is not None
        raise bad

    def _content(self, asked: Asked) -> Any:
        if not asked.images:
            return asked.text
        shown = [
            {
                "type": "image_url",
                "image_url": {"url": data_url(jpeg(i, self._longest, self._most))},
            }
            for i in asked.images
        ]
        return [*shown, {"type": "text", "text": asked.text}]

    def _ask(self, request: dict[str, Any], asked: Asked) -> Any:
        """The reply; None when the server's filter stopped it."""

        def call(**options: Any) -> Any:
            return self._client.chat.completions.create(**request, **options)

        try:
            return ask(call, self._patience, self._base, self._model, once=False)
        except (BadReply, Unreachable):
            raise
        except BackendError as error:
            why = error.__cause__
            if getattr(why, "code", None) in _FILTERED:
                return None
            if asked.images and getattr(why, "status_code", None) in _TAKES_NONE:
                raise BackendError(
                    f"the endpoint {self._base} refused pictures for {self._model}: {_told(why)}",
                    fix="choose a model there that takes pictures, or allow fewer or smaller ones",
                ) from error
            raise

    def _count(self, asked: Asked, reply: Any) -> None:
        usage = getattr(reply, "usage", None)
        read, written = (
            value if isinstance(value := getattr(usage, name, None), int) else None
            for name in ("prompt_tokens", "completion_tokens")
        )
        self.used.add(len(asked.images), read, written)


def _instead(reply: Any) -> str:
    if isinstance(reply, str):
        page = reply.lstrip()[:15].lower().startswith(("<!doctype", "<html"))
        return f"sent {'a web page (HTML)' if page else 'plain text'} in place of a reply"
    return "answered without text"


def _told(error: Any) -> str:
    """What the server said, without the client's frame around it."""
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else None
    return str(told or error).strip().rstrip(".")[:200]
