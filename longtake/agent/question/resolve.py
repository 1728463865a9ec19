"""Turn words for times, for videos and for earlier things into what they stand for.

Contract: `resolve(desk, part, earlier, history)` returns the part as it is to be worked on, and a
finding when it is settled already. A part that can be meant in two ways that are equally likely
carries ``ask`` = {"text", "choices": [{"label", "bind"}]}; it is bound to the likelier of them, and
`answered(part, reply)` binds it to what the person chose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, finding
from longtake.agent.state import Finding, Part
from longtake.agent.talk.dialogue import asked_of, gone, remembered, usable
from longtake.agent.talk.followups import alluding, follow
from longtake.agent.videos.several import meet, settle_named, translated
from longtake.errors import UsageError
from longtake.memory.when import parse_when
from longtake.timecode import Seconds, parse_time
from longtake.tools.now import followed
from longtake.tools.topic import FUNCTION, content_words
from longtake.tools.words import tokens

_CLOCK = re.compile(
    r"(?:\bat|@|\baround|\bminute|\bof|\bto)?\s*\b(\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)\b"
)
_AT = re.compile(
    r"(?:\bat|@)\s+(?:the\s+)?(\d+(?:\.\d+)?)\s*(h|m|s|hours?|min(?:ute)?s?|sec(?:ond)?s?)\b"
)
_INTO = re.compile(
    r"\b(\d+(?:\.\d+)?)\s*(h|m|s|hours?|min(?:ute)?s?|sec(?:ond)?s?) in(?:to (?:it|that|this|the \w+))?\W*$"
)
_MINUTE = re.compile(r"\b(?:at |around |in )?(minute|second|hour)\s+(\d+(?:\.\d+)?)\b")
NOW = 6.0
"""Seconds on both sides of a time asked about, for speech."""
_WIDELY = ("summary", "highlights", "choice", "unsupported")


def resolve(
    desk: Desk, part: Part, earlier: Sequence[tuple[Part, Finding]], history: Sequence[Any]
) -> tuple[Part, Finding | None]:
    """Bind a part to videos, to times and to what was found before.

    Args:
        desk: the question's means.
        part: the part to bind.
        earlier: the parts of the same question that are solved, with their findings.
        history: the thread's earlier turns, as `dialogue.remembered` made them.

    Returns the bound part, and a finding when it is settled already (it alludes to nothing, or
    to something that was not found).
    """
    made, settled = _resolved(desk, part, earlier, history)
    return asked_of(desk, made), settled


def _resolved(
    desk: Desk, part: Part, earlier: Sequence[tuple[Part, Finding]], history: Sequence[Any]
) -> tuple[Part, Finding | None]:
    part, settled = settle_named(desk, part, history if desk.switches.history else [])
    if settled is not None:
        return part, settled
    if part.get("now"):
        return part, None
    part = _timed(desk, part)
    if earlier and part["follows"]:
        return _after_part(desk, part, *earlier[-1])
    said = list(history) if desk.switches.history else []
    turns = usable(desk, said)
    turns += [remembered(p["text"], p, f) for p, f in earlier if f["status"] == "found"]
    met = meet(desk, part, turns) or follow(desk, part, turns)
    if met is not None:
        return met[0], met[1] or _lost(met[0], turns, said, desk)
    if not earlier and alluding(part) and part["kind"] not in _WIDELY and not part.get("window"):
        why = gone(turns, said, desk)
        if why is not None or not part["words"]:
            note = why or "It is not clear what the question refers to."
            return part, finding("ambiguous", note=note)
    return part, _settled(desk, part)


def answered(part: Part, reply: object) -> Part:
    """The part bound to what a person answered to its ``ask``.

    Args:
        part: with ``ask``.
        reply: the position of a choice from 0, words of its label, the number it was shown with
            as text, or other words; None and an empty text leave the likelier one.
    """
    choices = list(part["ask"]["choices"])
    made = {k: v for k, v in part.items() if k != "ask"}
    if isinstance(reply, bool) or reply is None or not str(reply).strip():
        return made
    n = reply if isinstance(reply, int) else _chosen(str(reply), [c["label"] for c in choices])
    if n is not None and 0 <= n < len(choices):
        chosen = {k: v for k, v in choices[n]["bind"].items() if k not in ("ask", "understood")}
        return {k: v for k, v in made.items() if k != "understood"} | chosen
    words = content_words(str(reply))
    if isinstance(reply, int) or not words:
        return made
    bare = [w for w in made["words"] if w not in tokens(str(made.get("referent") or ""))]
    text = f"{made['text'].rstrip(' ?')}, about {reply}"
    return made | {"words": list(dict.fromkeys([*bare, *words])), "understood": None, "text": text}


def _chosen(reply: str, labels: Sequence[str]) -> int | None:
    """Which label a typed reply means: its number, or the one that shares most of its words."""
    low = reply.strip().lower()
    if low.rstrip(".)").isdigit():
        return int(low.rstrip(".)")) - 1
    said = set(tokens(low)) - FUNCTION
    shared = [len(said & set(tokens(label))) for label in labels]
    best = max(shared, default=0)
    return shared.index(best) if best and shared.count(best) == 1 else None


def _lost(part: Part, turns: Sequence[Any], said: Sequence[Any], desk: Desk) -> Finding | None:
    """A follow-up without words whose earlier answer lies in a video that is not asked any more."""
    if part["words"] or part.get("window") or part["anchor"] or part["kind"] in _WIDELY:
        return None
    why = gone(turns, said, desk)
    return finding("ambiguous", note=why) if why else None


def _settled(desk: Desk, part: Part) -> Finding | None:
    if part["kind"] == "unsupported":
        return finding("unsupported", note="This cannot be done by asking a video.")
    if part["kind"] in _WIDELY or part.get("window") or part["anchor"]:
        return None
    if part["unit"] in ("video", "slide", "page", "scene", "chapter", "clip", "section"):
        return None
    if not part["words"]:
        return finding("ambiguous", note="The question names nothing to look for.")
    if wrong := _no_time(part["text"]):
        return finding("ambiguous", note=f"“{wrong}” is not a time.",
                       help="write a time as 1:02:03 or 62m.")  # fmt: skip
    if _foreign(desk, part):
        return finding("unsupported", note="The question is in no language of these videos.")
    return None


def _foreign(desk: Desk, part: Part) -> bool:
    """Hardly an English function word, and hardly a word that the videos hold."""
    words = tokens(part["text"])
    letters = [letter for letter in part["text"] if letter.isalpha()]
    strange = 2 * sum(letter > "\u024f" for letter in letters) > len(letters)  # beyond Latin
    if (len(words) < 3 and not strange) or 5 * sum(word in FUNCTION for word in words) >= len(
        words
    ):
        return False
    terms = desk.corpus.terms(words, blur=False)
    return sum(term.absent for term in terms) >= 0.75 * len(terms)


def _after_part(
    desk: Desk, part: Part, before: Part, found: Finding
) -> tuple[Part, Finding | None]:
    """ "…, and what did the slide say?": at the time that the part before has found."""
    if found["status"] != "found" or not found["spans"]:
        return part, finding("absent", note="", dependent=True)
    made = dict(part) | {"follows": False}
    if part["kind"] in ("duration", "count", "exists"):
        return made | {"words": before["words"], "phrases": before["phrases"]}, None
    span = found["spans"][0]
    other = [v for v in part.get("videos") or [] if v != span["video"]]
    if len(other) == 1:
        moved = translated(desk, span, other[0])
        if isinstance(moved, str):
            return part, finding("weak", note=moved, confidence=0.3)
        span = moved
    only = part["sources"][:1] if part["strict"] or part["kind"] in ("shown", "said") else None
    sources = only or part["sources"]
    made |= {"kind": "at_time", "window": [span["start"], span["end"]], "anchored": span["video"],
             "sources": sources, "only": bool(only), "point": None}  # fmt: skip
    return made, None


def _timed(desk: Desk, part: Part) -> Part:
    """Read "at 12:30" and "in the first five minutes" out of the words."""
    text = part["text"]
    duration = desk.reach(desk.videos[0]) if len(desk.videos) == 1 else None
    live = any(followed(video) for video in desk.videos)
    now = desk.as_of if desk.as_of is not None else duration if live else None
    kept = [(m.start(), m.end()) for m in re.finditer(r"[\"“][^\"”]+[\"”]", text)]
    point = _point(text, kept)
    if point is not None:
        when, rest = [max(0.0, point - NOW), point + NOW], _unclocked(text)
    else:
        read = parse_when(text, duration, keep=kept, now=now)
        if read is None or part["anchor"]:
            return part
        when, rest = [read.span.start, read.span.end], read.rest
    words = [w for w in content_words(rest) if not re.fullmatch(r"[\d:.]+|minute|second|hour", w)]
    made = dict(part) | {"words": words, "scope": when, "point": point, "follows": False}
    if point is not None:
        made["scope"] = [max(0.0, point - 30.0), point + 30.0]
    if not words and part["kind"] not in ("summary", "highlights", "count", "duration", "choice"):
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
    if found := _AT.search(text.lower()) or _INTO.search(text.lower()):
        return float(found.group(1)) * {"h": 3600.0, "m": 60.0, "s": 1.0}[found.group(2)[0]]
    if found := _MINUTE.search(text.lower()):
        return float(found.group(2)) * {"h": 3600.0, "m": 60.0, "s": 1.0}[found.group(1)[0]]
    return None


def _no_time(text: str) -> str | None:
    """What stands where a time is expected and is none: "at 9:99:99"."""
    for given in re.findall(r"\b(?:at|from|since|until|till|after|before)\s+(\d+(?::\d+)+)", text):
        try:
            parse_time(given)
        except UsageError:
            return str(given)
    return None


def _unclocked(text: str) -> str:
    return _MINUTE.sub(" ", _INTO.sub(" ", _AT.sub(" ", _CLOCK.sub(" ", text)), count=1))


def beyond(desk: Desk, part: Part) -> Candidate | None:
    """A stand-in for "that time does not exist": set when a time lies beyond every video."""
    if part.get("bound"):
        return None
    named = part.get("videos")
    asked = [v for v in desk.videos if not named or v.id in named] or desk.videos
    end = max(desk.reach(video) for video in asked)
    begins = _begins(part)
    return {"point": begins, "end": end} if begins is not None and begins > end else None


def _begins(part: Part) -> Seconds | None:
    """The earliest time that a part speaks of; quoted times are none."""
    if part.get("point") is not None:
        return float(part["point"])
    text = re.sub(r"[\"“][^\"”]+[\"”]", " ", part["text"])
    try:
        said = [parse_time(match.group(1)) for match in _CLOCK.finditer(text)]
    except UsageError:
        said = []
    window = part.get("window") or part.get("scope")
    return min(said) if said else float(window[0]) if window else None
