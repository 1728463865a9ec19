"""Turn words for times and for earlier things into numbers, before anything is searched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, finding
from longtake.agent.followups import alluding, bind, last_found
from longtake.agent.state import Finding, Part
from longtake.errors import UsageError
from longtake.memory.when import parse_when
from longtake.timecode import Seconds, parse_time
from longtake.tools.topic import FUNCTION, content_words
from longtake.tools.words import tokens

_CLOCK = re.compile(
    r"(?:\bat|@|\baround|\bminute|\bof|\bto)?\s*\b(\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)\b"
)
_AT = re.compile(
    r"(?:\bat|@)\s+(?:the\s+)?(\d+(?:\.\d+)?)\s*(h|m|s|hours?|min(?:ute)?s?|sec(?:ond)?s?)\b"
)
_MINUTE = re.compile(r"\b(?:at |around |in )?(minute|second|hour)\s+(\d+(?:\.\d+)?)\b")
NOW = 6.0
"""Seconds on both sides of a time asked about, for speech."""
_WIDELY = ("summary", "choice", "unsupported")


def resolve(
    desk: Desk, part: Part, earlier: Sequence[tuple[Part, Finding]], history: Sequence[Any]
) -> tuple[Part, Finding | None]:
    """Bind a part to times and to what was found before.

    Returns the bound part, and a finding when it is settled already (it alludes to nothing, or
    to something that was not found).
    """
    part = _timed(desk, part)
    if earlier and part["follows"]:
        return _after_part(part, *earlier[-1])
    if not earlier and alluding(part) and part["kind"] not in _WIDELY and not part.get("window"):
        turn = last_found(history)
        if turn is not None:
            return bind(part, turn), None
        if not part["words"]:
            return part, finding("ambiguous", note="It is not clear what the question refers to.")
    return part, _settled(desk, part)


def _settled(desk: Desk, part: Part) -> Finding | None:
    if part["kind"] == "unsupported":
        return finding("unsupported", note="This cannot be done by asking a video.")
    if part["kind"] in _WIDELY or part.get("window") or part["anchor"]:
        return None
    if part["unit"] in ("video", "slide", "page", "scene", "chapter", "clip", "section"):
        return None
    if not part["words"]:
        return finding("ambiguous", note="The question names nothing to look for.")
    if _foreign(desk, part):
        return finding("unsupported", note="The question is in no language of these videos.")
    return None


def _foreign(desk: Desk, part: Part) -> bool:
    """Hardly an English function word, and hardly a word that the videos hold."""
    words = tokens(part["text"])
    if len(words) < 3 or 5 * sum(word in FUNCTION for word in words) >= len(words):
        return False
    terms = desk.corpus.terms(words, blur=False)
    return sum(term.absent for term in terms) >= 0.75 * len(terms)


def _after_part(part: Part, before: Part, found: Finding) -> tuple[Part, Finding | None]:
    """ "…, and what did the slide say?": at the time that the part before has found."""
    if found["status"] != "found" or not found["spans"]:
        return part, finding("absent", note="", dependent=True)
    made = dict(part) | {"follows": False}
    if part["kind"] in ("duration", "count", "exists"):
        return made | {"words": before["words"], "phrases": before["phrases"]}, None
    span = found["spans"][0]
    only = part["sources"][:1] if part["strict"] or part["kind"] in ("shown", "said") else None
    sources = only or part["sources"]
    made |= {"kind": "at_time", "window": [span["start"], span["end"]], "anchored": span["video"],
             "sources": sources, "only": bool(only), "point": None}  # fmt: skip
    return made, None


def _timed(desk: Desk, part: Part) -> Part:
    """Read "at 12:30" and "in the first five minutes" out of the words."""
    text = part["text"]
    duration = desk.videos[0].duration if len(desk.videos) == 1 else None
    kept = [(m.start(), m.end()) for m in re.finditer(r"[\"“][^\"”]+[\"”]", text)]
    point = _point(text, kept)
    if point is not None:
        when, rest = [max(0.0, point - NOW), point + NOW], _unclocked(text)
    else:
        read = parse_when(text, duration, keep=kept)
        if read is None or part["anchor"]:
            return part
        when, rest = [read.span.start, read.span.end], read.rest
    words = [w for w in content_words(rest) if not re.fullmatch(r"[\d:.]+|minute|second|hour", w)]
    made = dict(part) | {"words": words, "scope": when, "point": point, "follows": False}
    if point is not None:
        made["scope"] = [max(0.0, point - 30.0), point + 30.0]
    if not words and part["kind"] not in ("summary", "count", "duration", "choice"):
        made |= {"kind": "at_time", "window": when, "only": part["sources"][0] != "speech"
                 or bool(re.search(r"\bsa(?:y|id|ying)|talk", text.lower()))}  # fmt: skip
    return made


def _point(text: str, kept: Sequence[tuple[int, int]]) -> Seconds | None:
    """A single instant that the question names, unless it is quoted or one end of a range."""
    clocks = [m for m in _CLOCK.finditer(text) if not any(a <= m.start(1) < b for a, b in kept)]
    if len(clocks) == 1 and not re.search(r"\b(?:after|before|since|until|till)\s*$",
                                          text[: clocks[0].start(1)]):  # fmt: skip
        try:
            return parse_time(clocks[0].group(1))
        except UsageError:
            return None
    if found := _AT.search(text.lower()):
        return float(found.group(1)) * {"h": 3600.0, "m": 60.0, "s": 1.0}[found.group(2)[0]]
    if found := _MINUTE.search(text.lower()):
        return float(found.group(2)) * {"h": 3600.0, "m": 60.0, "s": 1.0}[found.group(1)[0]]
    return None


def _unclocked(text: str) -> str:
    return _MINUTE.sub(" ", _AT.sub(" ", _CLOCK.sub(" ", text)))


def beyond(desk: Desk, part: Part) -> Candidate | None:
    """A stand-in for "that time does not exist": set when a point lies beyond every video."""
    point = part.get("point")
    if point is None or any(point <= video.duration for video in desk.videos):
        return None
    return {"point": point, "end": max(video.duration for video in desk.videos)}
