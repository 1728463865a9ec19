"""Mark answers about a world: right or wrong, on the gold span or not, declined or not.

A question is *declined* unless its status is ``answered``. For questions about nothing in the
video, declining is right. *Hit@1*: the first evidence overlaps a gold span. IoU is that of the
first evidence with its best gold span, 0 for a declined question. Abstention precision: absent
among declined; recall: declined among absent; false declines: declined among answerable.
Timecodes in an answer are no answer to "how many?", so they are not read as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.surety import by_chance, expected_error
from bench.worlds.truth import KINDS, Question
from longtake.timecode import Span

if TYPE_CHECKING:
    from longtake.agent.answer import Answer

_UNITS = {"hour": 3600.0, "h": 3600.0, "minute": 60.0, "min": 60.0, "m": 60.0,
          "second": 1.0, "sec": 1.0, "s": 1.0}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(hour|h|minute|min|m|second|sec|s)s?\b")
_TIMECODE = re.compile(r"\b\d{1,2}:\d{2}:\d{2}(?:\.\d+)?\b")
_CLOCK = re.compile(r"\b(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)\b")

COVERAGE = 0.8
"""The share of questions that `accuracy_at` answers."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system answered; `spans` are its evidence, strongest first."""

    text: str
    status: str = "answered"
    value: float | None = None
    spans: tuple[tuple[float, float], ...] = ()
    confidence: float | None = None

    @classmethod
    def of(cls, answer: Answer) -> Prediction:
        """Take what is marked from the program's own answer."""
        spans = tuple((proof.start, proof.end) for proof in answer.evidence)
        return cls(answer.text, answer.status, answer.value, spans, answer.confidence)


@dataclass(frozen=True, slots=True)
class Mark:
    """How one prediction did."""

    id: str
    kind: str
    right: bool
    hit: bool
    iou: float
    declined: bool
    confidence: float | None = None


def mark(question: Question, given: Prediction) -> Mark:
    """Mark one prediction."""
    declined = given.status != "answered"
    if declined or question.kind == "absent":
        right = declined and question.kind == "absent"
        return Mark(question.id, question.kind, right, False, 0.0, declined, given.confidence)
    first = Span(*given.spans[0]) if given.spans else None
    golds = [Span(*span) for span in question.spans]
    hit = first is not None and any(first.overlap(gold) > 0 for gold in golds)
    iou = max((first.iou(gold) for gold in golds), default=0.0) if first else 0.0
    right = _right(question, given, hit)
    return Mark(question.id, question.kind, right, hit, iou, False, given.confidence)


def _right(question: Question, given: Prediction, hit: bool) -> bool:
    if question.value is not None:
        number = given.value if given.value is not None else seconds_in(given.text)
        return number is not None and abs(number - question.value) <= question.tolerance
    if not question.right:
        return hit
    return _earliest(question.right, given.text) < _earliest(question.wrong, given.text)


def _earliest(patterns: Sequence[str], text: str) -> float:
    """Return where the first of the patterns is found, infinity if none is."""
    plain = _TIMECODE.sub("", text.casefold())
    found = (re.search(pattern, plain) for pattern in patterns)
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
        "calibration": {
            **surety(marks),
            f"accuracy_at_{COVERAGE:.0%}": accuracy_at(answerable),
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


def surety(marks: Sequence[Mark]) -> dict[str, Any]:
    """Return the calibration error of the answers that tell their confidence, and what is chance.

    Declined questions are left out; see `bench.surety`.
    """
    sure = [(one.confidence, one.right) for one in marks
            if not one.declined and one.confidence is not None]  # fmt: skip
    return {"expected_error": expected_error(sure),
            "expected_error_by_chance": by_chance([c for c, _ in sure])}  # fmt: skip


def accuracy_at(marks: Sequence[Mark], coverage: float = COVERAGE) -> float | None:
    """Return the accuracy when only the most confident share of the questions is answered.

    Declined questions come last: a system that declines more than the rest has to answer them
    wrongly. None when no answer tells its confidence.
    """
    if all(one.confidence is None for one in marks):
        return None
    ranked = sorted(marks, key=lambda one: (one.declined, -(one.confidence or 0.0), one.id))
    return _share([one.right for one in ranked[: max(1, round(coverage * len(ranked)))]])


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
