"""What is true of a world: questions, right answers and gold spans, for a scorer's eyes only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

KINDS = (
    "speech", "screen", "sight", "order", "first_last", "how_long", "how_many", "two_hop", "count",
    "state", "between", "absent",
)  # fmt: skip
"""`how_many` counts mentions and `count` events; a `two_hop` answer needs another answer first."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question and how to mark its answer.

    `spans` are the gold spans, any of which proves the answer. The answer is right if one of the
    patterns `right` is found in it before any of `wrong`; or, with `value`, if its number lies
    within `tolerance`; with neither, if the first evidence lies on a gold span ("when is …?").
    """

    id: str
    kind: str
    text: str
    spans: tuple[tuple[float, float], ...] = ()
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    value: float | None = None
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Thread:
    """Questions of one talk, in order; the later ones lean on those before."""

    id: str
    turns: tuple[Question, ...]


_COUNTS = (
    (r"\bno\b|\bnever\b|\bnone\b",), ("once",), ("twice",), (r"\bthree\b",), (r"\bfour\b",),
    (r"\bfive\b",), (r"\bsix\b",), (r"\bseven\b",), (r"\beight\b",), (r"\bnine\b",),
)  # fmt: skip
_WORDS = {1: r"\bone time\b", 2: r"\btwo\b"}


def lasting(text: str, span: tuple[float, float]) -> Question:
    """Return a question for the length of a span, right within 15 % or five seconds."""
    length = span[1] - span[0]
    return Question("", "how_long", text, (span,), value=round(length, 2),
                    tolerance=round(max(5.0, 0.15 * length), 2))  # fmt: skip


def count_patterns(count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return patterns for a small count as word or digit, and for the other counts.

    Digits of timecodes and decimals are no counts.

    >>> import re
    >>> right, wrong = count_patterns(2)
    >>> [any(re.search(p, t) for p in right) for t in ("2 breaks", "twice", "at 00:02:02", "2.5")]
    [True, True, False, False]
    """

    def forms(number: int) -> tuple[str, ...]:
        word = (_WORDS[number],) if number in _WORDS else ()
        return (*_COUNTS[number], *word, rf"(?<![\d:.,]){number}(?![\d:]|[.,]\d)")

    others = [form for number in range(len(_COUNTS)) if number != count for form in forms(number)]
    return forms(count), (*others, r"(?<![\d:.,])\d\d+(?![\d:]|[.,]\d)")


@dataclass(frozen=True, slots=True)
class Truth:
    """All that a scorer knows of one video; `settings` say how the world was made."""

    duration: float
    questions: tuple[Question, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    threads: tuple[Thread, ...] = ()

    def save(self, path: Path) -> None:
        """Write to a JSON file; a world without threads has none in it."""
        raw = asdict(self)
        if not self.threads:
            del raw["threads"]
        path.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Truth:
        """Read what `save` wrote."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        threads = tuple(
            Thread(one["id"], tuple(map(_question, one["turns"]))) for one in raw.get("threads", ())
        )
        questions = tuple(map(_question, raw["questions"]))
        return cls(raw["duration"], questions, raw["settings"], threads)


def numbered(
    makers: Mapping[str, Callable[[T], Iterable[Question]]], film: T
) -> tuple[Question, ...]:
    """Questions of a film, kind after kind as the makers stand, each told its kind and number."""
    return tuple(
        replace(question, id=f"{kind}-{number}", kind=kind)
        for kind, make in makers.items()
        for number, question in enumerate(make(film), 1)
    )


def _question(raw: dict[str, Any]) -> Question:
    spans = tuple((float(start), float(end)) for start, end in raw["spans"])
    patterns = {name: tuple(raw[name]) for name in ("right", "wrong")}
    return Question(**{**raw, "spans": spans, **patterns})
