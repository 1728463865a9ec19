"""Time expressions in a question, read by plain code.

Reads "after 10 minutes", "between 0:30 and 1:00", "from 2m to 3m", "in the last five minutes",
"in the first half", "at 1:02:03", "around minute 12", "at the end of the video". A bare number is
never a time, "after 10 minutes of boiling" is about boiling, and quoted words are left alone.

>>> parse_when("what is said between 0:30 and 1:00?", 600.0)
When(span=Span(start=30.0, end=60.0), rest='what is said ?')
>>> parse_when("who speaks in the last five minutes", 600.0).span
Span(start=300.0, end=600.0)
>>> parse_when("what was shown in the last minute?", 600.0).span
Span(start=540.0, end=600.0)
>>> parse_when("what was on screen half an hour ago?", 3600.0, now=3600.0).span
Span(start=1785.0, end=1815.0)
>>> parse_when("stir after 10 minutes of boiling", 3600.0) is None
True
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from longtake.timecode import Seconds, Span

AT = 15.0
"""Seconds on both sides of "at 1:02:03"."""
AROUND = 60.0
"""Seconds on both sides of "around 1:02:03"."""

_NUMBERS = {
    name: float(i)
    for i, name in enumerate(
        [
            *(
                "zero",
                "one",
                "two",
                "three",
                "four",
                "five",
                "six",
                "seven",
                "eight",
                "nine",
                "ten",
            ),
            *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
            *("eighteen", "nineteen", "twenty"),
        ]
    )
} | {"thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "ninety": 90.0}
_NUMBERS |= {"a": 1.0, "an": 1.0, "half an": 0.5, "a couple of": 2.0, "few": 3.0}
_UNIT = {"h": 3600.0, "m": 60.0, "s": 1.0}

_CLOCK = r"(?:\d{1,2}:)?\d{1,3}:\d{2}(?:\.\d+)?"
_COUNT = (
    r"(?:\d+(?:\.\d+)?|half an|a couple of|"
    + "|".join(sorted((n for n in _NUMBERS if " " not in n), key=len, reverse=True))
    + r")"
)
_UNITS = r"(?:hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
_AMOUNT = rf"{_COUNT}[\s-]*{_UNITS}(?:\s*(?:and\s+)?{_COUNT}[\s-]*{_UNITS}){{0,2}}"
_ONE = r"(?:minute|half\s+(?:a\s+)?minute|hour|half\s+(?:an\s+)?hour)"
_TIME = rf"(?:{_CLOCK}|(?:minute|second|hour)s?\s+{_COUNT}|(?:the\s+)?{_AMOUNT}(?:\s+mark)?)"
_WHOLE = r"(?:video|recording|lecture|talk|film|movie|clip|meeting|stream|session|footage)"
_START = r"(?:start|beginning|opening)"
_ONLY = rf"\b(?!\s+of\b(?!\s+the\s+{_WHOLE}))(?:\s+(?:of|in)\s+the\s+{_WHOLE}\b)?"


@dataclass(frozen=True, slots=True)
class When:
    """A stretch of time, and the question without the words that named it."""

    span: Span
    rest: str


_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("range", rf"\b(?:between|from)\s+({_TIME})\s+(?:and|to|until|till)\s+({_TIME}){_ONLY}"),
        ("range", rf"\b({_CLOCK})\s*(?:-|–|to)\s*({_CLOCK})"),
        ("first", rf"\b(?:in|during|within|for)?\s*the\s+first\s+({_AMOUNT}){_ONLY}"),
        ("last", rf"\b(?:in|during|within|for)?\s*the\s+(?:last|final)\s+({_AMOUNT}){_ONLY}"),
        ("first", rf"\b(?:in|during|within|of|throughout)\s+the\s+first\s+({_ONE}){_ONLY}"),
        ("last", rf"\b(?:in|during|within|of|throughout)\s+the\s+(?:last|past)\s+({_ONE}){_ONLY}"),
        ("ago", rf"\b(?:about\s+|around\s+|some\s+)?({_AMOUNT}|half\s+an\s+hour)\s+ago\b"),
        ("half", rf"\b(?:in|during)\s+the\s+(first|second|last)\s+half{_ONLY}"),
        ("after", rf"\b(?:any\s*time\s+)?(?:after|since)\s+({_TIME}){_ONLY}"),
        ("before", rf"\b(?:before|until|till|up\s+to)\s+({_TIME}){_ONLY}"),
        ("around", rf"\b(?:around|about|near|roughly\s+at)\s+({_CLOCK}|minute\s+{_COUNT}){_ONLY}"),
        (
            "at",
            rf"(?:\bat|@)\s*({_CLOCK}|minute\s+{_COUNT}|(?:the\s+)?{_AMOUNT}(?:\s+mark)?){_ONLY}",
        ),
        (
            "end",
            rf"\b(?:at|near|towards?)\s+the\s+(?:very\s+)?end(?:\s+of\s+the\s+{_WHOLE}\b|\W*$)",
        ),
        (
            "start",
            rf"\b(?:at|near|in)\s+the\s+(?:very\s+)?{_START}(?:\s+of\s+the\s+{_WHOLE}\b|\W*$)",
        ),
    )
)


def parse_when(
    text: str, duration: Seconds | None = None, *, keep: Sequence[tuple[int, int]] = (),
    now: Seconds | None = None,
) -> When | None:  # fmt: skip
    """Return the first time expression of a question, or None.

    Args:
        text: the question.
        duration: of the video; without it, times counted from the end are not read.
        keep: character ranges that are quotations and are not looked into.
        now: the time from which "ago" counts; without it, that is not read.
    """
    for form, pattern in _FORMS:
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in keep):
                continue
            span = _span(form, [_seconds(part) for part in match.groups()], match, duration, now)
            if span is not None:
                return When(
                    span, text[: match.start()].rstrip() + " " + text[match.end() :].lstrip()
                )
    return None


def _span(
    form: str, times: list[Seconds], match: re.Match[str], duration: Seconds | None,
    now: Seconds | None,
) -> Span | None:  # fmt: skip
    end = duration if duration is not None else 1e9
    if form == "half":
        bounds = (0.0, end / 2) if match.group(1).lower() == "first" else (end / 2, end)
    elif form == "ago":
        if now is None:
            return None
        bounds = (now - times[0] - AT, now - times[0] + AT)
    elif form == "last":
        bounds = (max(0.0, end - times[0]), end)
    elif form == "end":
        bounds = (end - max(60.0, end / 10), end)
    elif form == "start":
        bounds = (0.0, max(60.0, end / 10) if duration is not None else 60.0)
    else:
        bounds = {
            "range": lambda: (min(times), max(times)),
            "first": lambda: (0.0, times[0]),
            "after": lambda: (times[0], end),
            "before": lambda: (0.0, times[0]),
            "around": lambda: (times[0] - AROUND, times[0] + AROUND),
            "at": lambda: (times[0] - AT, times[0] + AT),
        }[form]()
    if duration is None and form in ("half", "last", "end"):
        return None
    low, high = max(0.0, bounds[0]), min(end, bounds[1])
    return Span(low, high) if high > low else None


def _seconds(text: str) -> Seconds:
    """Read a clock time, "minute 12", or an amount such as "1 hour and 5 minutes"."""
    raw = text.lower().removeprefix("the ").strip()
    if ":" in raw:
        return sum(float(part) * 60.0**i for i, part in enumerate(reversed(raw.split(":"))))
    if match := re.fullmatch(rf"(hour|minute|second)s?\s+({_COUNT})", raw):
        return _number(match.group(2)) * _UNIT[match.group(1)[0]]
    if re.fullmatch(_ONE, raw):
        return (0.5 if raw.startswith("half") else 1.0) * (3600.0 if "hour" in raw else 60.0)
    parts = re.findall(rf"({_COUNT})[\s-]*({_UNITS})", raw)
    return sum(_number(count) * _UNIT[unit[0]] for count, unit in parts)


def _number(text: str) -> float:
    return _NUMBERS[text] if text in _NUMBERS else float(text)
