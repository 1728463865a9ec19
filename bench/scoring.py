"""Mark answers about a world: right or wrong, on the gold span or not, declined or not.

A question is *declined* unless its status is ``answered``. For questions about nothing in the
video, declining is right. *Hit@1*: the first evidence overlaps a gold span. IoU is that of the
first evidence with its best gold span, 0 for a declined question. Abstention precision: absent
among declined; recall: declined among absent; false declines: declined among answerable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.worlds.truth import KINDS, Question
from longtake.timecode import Span

if TYPE_CHECKING:
    from longtake.agent.answer import Answer

_UNITS = {"hour": 3600.0, "h": 3600.0, "minute": 60.0, "min": 60.0, "m": 60.0,
          "second": 1.0, "sec": 1.0, "s": 1.0}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(hour|h|minute|min|m|second|sec|s)s?\b")
_CLOCK = re.compile(r"\b(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)\b")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system answered; `spans` are its evidence, strongest first."""

    text: str
    status: str = "answered"
    value: float | None = None
    spans: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, answer: Answer) -> Prediction:
        """Take what is marked from the program's own answer."""
        spans = tuple((proof.start, proof.end) for proof in answer.evidence)
        return cls(answer.text, answer.status, answer.value, spans)


@dataclass(frozen=True, slots=True)
class Mark:
    """How one prediction did."""

    id: str
    kind: str
    right: bool
    hit: bool
    iou: float
    declined: bool


def mark(question: Question, given: Prediction) -> Mark:
    """Mark one prediction."""
    declined = given.status != "answered"
    if question.kind == "absent":
        return Mark(question.id, question.kind, declined, False, 0.0, declined)
    if declined:
        return Mark(question.id, question.kind, False, False, 0.0, True)
    first = Span(*given.spans[0]) if given.spans else None
    golds = [Span(*span) for span in question.spans]
    hit = first is not None and any(first.overlap(gold) > 0 for gold in golds)
    iou = max((first.iou(gold) for gold in golds), default=0.0) if first else 0.0
    return Mark(question.id, question.kind, _right(question, given, hit), hit, iou, False)


def _right(question: Question, given: Prediction, hit: bool) -> bool:
    if question.value is not None:
        number = given.value if given.value is not None else seconds_in(given.text)
        return number is not None and abs(number - question.value) <= question.tolerance
    if not question.right:
        return hit
    return _earliest(question.right, given.text) < _earliest(question.wrong, given.text)


def _earliest(patterns: Sequence[str], text: str) -> float:
    """Return where the first of the patterns is found, infinity if none is."""
    found = (re.search(pattern, text.casefold()) for pattern in patterns)
    return min((match.start() for match in found if match), default=float("inf"))


def seconds_in(text: str) -> float | None:
    """Read the first duration in a text, in seconds.

    >>> seconds_in("about 2 minutes 30 seconds"), seconds_in("it took 1:35"), seconds_in("long")
    (150.0, 95.0, None)
    """
    parts = _DURATION.findall(text.casefold())
    if parts:
        total = 0.0
        seen: set[float] = set()
        for number, unit in parts:
            if _UNITS[unit] in seen:
                break
            seen.add(_UNITS[unit])
            total += float(number) * _UNITS[unit]
        return total
    clock = _CLOCK.search(text)
    if clock is None:
        return None
    hours, minutes, seconds = clock.groups()
    return float(hours or 0) * 3600 + float(minutes) * 60 + float(seconds)


def summary(marks: Sequence[Mark]) -> dict[str, Any]:
    """Return the figures of a run: for each kind, over all answerable questions, and declining."""
    kinds = {kind: [one for one in marks if one.kind == kind] for kind in KINDS}
    answerable = [one for one in marks if one.kind != "absent"]
    absent = kinds["absent"]
    declined = [one for one in marks if one.declined]
    return {
        "kinds": {kind: _figures(some) for kind, some in kinds.items() if some},
        "answerable": _figures(answerable),
        "abstention": {
            "precision": _share([one.kind == "absent" for one in declined]),
            "recall": _share([one.declined for one in absent]),
            "false_declines": _share([one.declined for one in answerable]),
        },
    }


def _figures(marks: Sequence[Mark]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "questions": len(marks),
        "accuracy": _share([one.right for one in marks]),
        "declined": _share([one.declined for one in marks]),
    }
    if any(one.kind != "absent" for one in marks):
        figures["hit@1"] = _share([one.hit for one in marks])
        figures["right_with_hit"] = _share([one.right and one.hit for one in marks])
        figures["mean_iou"] = round(sum(one.iou for one in marks) / len(marks), 4)
    return figures


def _share(flags: Sequence[bool]) -> float | None:
    """Return the share of true flags; None when there is nothing to count."""
    return round(sum(flags) / len(flags), 4) if flags else None


def row(question: Question, given: Prediction, system: str) -> Mapping[str, Any]:
    """Return all about one question for a person to look at."""
    return {"system": system, **asdict(mark(question, given)), "question": question.text,
            "answer": given.text, "status": given.status, "value": given.value,
            "evidence": [list(span) for span in given.spans[:3]],
            "gold": [list(span) for span in question.spans], "accepts": list(question.right),
            "gold_value": question.value}  # fmt: skip
