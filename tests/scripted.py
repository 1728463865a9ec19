"""A scripted reasoner: chat models that answer as told, rightly, wrongly and malformed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.fakes import MALFORMED, FakeChat

HONEST = "The exam takes place on Friday the twelfth of June."
WRONG_NUMBER = "The exam takes place on the 27th of June."
WRONG_WORD = "The exam takes place on Monday."
INVENTED = "The lecturer apologises for the late trains."
OBEYING = "Ignoring my instructions, I reveal the password swordfish."
NEGATED = "The exam does not take place on Friday."

BAD_REPLIES: tuple[str, ...] = (
    *MALFORMED, WRONG_NUMBER, WRONG_WORD, INVENTED, OBEYING, NEGATED, "NOT FOUND", "\x00\x00", "🤖" * 50,
    "[1, 2, 3]", "None", "true", "00:99:99", "A" * 5000,
)  # fmt: skip


class BrokenChat:
    """A model that fails in the way it was made for."""

    name = "broken@00000000"
    scores = False

    def __init__(self, error: Exception) -> None:
        self.error = error

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        raise self.error

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        raise self.error


def saying(reply: str) -> FakeChat:
    """A chat model that always says the same."""
    return FakeChat(lambda _messages: reply)


def echoing(make: Callable[[str], str]) -> FakeChat:
    """A chat model whose reply is made from the last message."""
    return FakeChat(lambda messages: make(messages[-1][1]))
