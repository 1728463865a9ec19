"""Follow-ups: questions that need the turns before them.

`follow` tries the readings one after another; each returns the part as it is to be understood, with
a finding when it is settled by that, or None when the reading does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from longtake.agent.desk import Desk
from longtake.agent.findings import finding
from longtake.agent.question.patterns import SAY, SCREEN, SIGHT
from longtake.agent.state import Finding, Part
from longtake.agent.talk.alluding import alluding, beside, bind, window_at
from longtake.agent.talk.asides import more, speaker, where, why
from longtake.agent.talk.dialogue import Turn, current, gone_on_from, last_found, remembered
from longtake.agent.talk.elliptic import (
    how_long_it_took,
    slots_only,
    sluice,
    then_and_there,
    what_about,
    who_was_it,
)
from longtake.agent.talk.mentions import phrases, topic_of
from longtake.agent.talk.pronouns import in_place, reread
from longtake.agent.talk.support import told_together
from longtake.tools.topic import content_words

__all__ = ["alluding", "follow", "last_found", "remembered"]
Followed = tuple[Part, Finding | None]
Reading = Callable[[Desk, Part, Sequence[Turn]], Followed | None]

_BACK = re.compile(
    r"^(?:and |now |please |let us |let's )*(?:(?:go|come) back|back)\b(?:\s+to\s+(?P<to>.+))?"
)
_MEANT = re.compile(
    r"^(?:no|nope|sorry|actually|wait)\b[,.!]?\s*(?:no,?\s*)?(?:i (?:meant?|mean)|not (?:that|this)|"
    r"rather|the)\b\s*(?P<what>.*)|^i (?:meant?|mean)\s+(?P<else>.*)"
)
_NTH = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "2nd": 2,
    "3rd": 3,
}
_ONE = re.compile(
    rf"\bthe (?P<which>{'|'.join(_NTH)}|last|next|previous|other) (?:one|time|mention|place|of (?:them|those))\b|"
    rf"\bthe (?P<bare>{'|'.join(_NTH)}|last)\W*$|"
    r"\bthe one (?P<side>before|after)(?: (?:that|this|it))?\W*$"
)


_LEANS = re.compile(
    r"\b(?:it|its|that|this|these|those|there|then|next|before|after|afterwards|previous|"
    r"following|they|them)\b|^(?:and|but|so)\b"
)


def _leaning(part: Part) -> bool:
    """Whether a question that names no more than "a card" or "a sign" needs the turn before."""
    return bool(_LEANS.search(part["text"].lower())) and not part["anchor"]


# -- the readings -----------------------------------------------------------------------------


def follow(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """The part as it is meant after these turns; None when it stands by itself."""
    if not turns or part["kind"] in ("choice", "unsupported"):
        return None
    if slots_only(part["words"]) and _leaning(part):
        part = dict(part) | {"words": [], "follows": True}
    for reading in READINGS:
        made = reading(desk, part, turns)
        if made is not None:
            return made
    return None


def _corrected(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "No, I meant …": the last question again, about something else."""
    match = _MEANT.match(part["text"].lower())
    if match is None:
        return None
    what = (match.group("what") or match.group("else") or "").strip()
    before = turns[-1]
    if part.get("videos"):
        return _again(before, part) | {"videos": part["videos"]}, None
    words = content_words(what)
    if not words:
        return part, finding("ambiguous", note="It is not clear what was meant instead.")
    again = _again(before, part)
    old = str((before.get("part") or {}).get("text") or "")
    name = _corrected_phrase(before.get("part"), words)
    at = old.lower().find(name) if name else -1
    if at >= 0:
        text = old[:at] + what + old[at + len(name) :]
        return again | reread(text) | {"follows": False, "bound": True}, None
    return again | {"words": words, "phrases": [], "text": what, "kind": _plain(before)}, None


def _corrected_phrase(old: Part | None, words: Sequence[str]) -> str:
    """What of an earlier question is put right: the phrase that shares a word, else its topic."""
    if not old:
        return ""
    shared = (run for run in phrases(old["text"]) if set(run) & set(words))
    alike = next(shared, None)
    if alike is not None:
        return "the " + " ".join(alike)
    topic = topic_of(old)
    return str(topic["name"]).lower() if topic is not None else ""


def _plain(turn: Turn) -> str:
    settled = ("order", "compare", "at_time", "choice", "summary", "highlights", "unsupported")
    return "said" if turn["kind"] in settled else str(turn["kind"])


def _again(turn: Turn, part: Part) -> Part:
    """An earlier question once more, under the name of the new one."""
    old = turn.get("part") or {}
    kept = {k: old[k] for k in old if k not in ("videos", "without", "understood")}
    return dict(part) | kept | {"follows": False, "bound": True, "again": turn["question"]}


def _elsewhere(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "And in the other lecture?": the last question again, there."""
    if not part.get("videos") or part["words"] or part.get("window") or part.get("moment"):
        return None
    bare = not re.search(rf"\b(?:{SAY}|{SCREEN}|{SIGHT})\b", part["text"].lower())
    if not bare or part["kind"] in ("summary", "highlights", "duration", "count") or part["anchor"]:
        return None
    return _again(turns[-1], part) | {"videos": part["videos"]}, None


def _backward(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "Go back": the question before the last one, or the latest that was about something."""
    match = _BACK.match(part["text"].lower())
    if match is None:
        return None
    words = set(content_words(match.group("to") or ""))
    about = [t for t in turns[:-1] if words & set(t["words"])] if words else list(turns[:-1])
    if not about:
        return part, finding("ambiguous", note="There is no earlier question to go back to.")
    return _again(about[-1], part), None


def _picked(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "The second one", "the one before": another of the places that were told."""
    low = part["text"].lower()
    match = _ONE.search(low)
    turn = last_found(turns)
    if match is None or turn is None or part["words"]:
        return None
    turn = current(desk, turn)
    which = match.group("which") or match.group("bare") or match.group("side")
    mentions = turn["kind"] == "when" or (turn["kind"] == "count" and turn["unit"] == "mention")
    if mentions and (turn.get("part") or {}).get("words"):
        pick = _place(which, turn)
        if pick is None:
            return part, finding("absent", lead=f"There is none {_side(which)} it.")
        return _again(turn, part) | {
            "kind": "when",
            "pick": pick,
            "unit": None,
            "wants": None,
        }, None
    if which in ("before", "after", "next", "previous"):
        side = "before " if which in ("before", "previous") else "after "
        return dict(part) | beside(side + "that " + low, turn), None
    told = turn.get("told") or []
    n = len(told) if which == "last" else 2 if which == "other" else _NTH[which]
    if not 1 <= n <= len(told):
        return part, finding("absent", lead=f"The answer before told of {len(told)} only.")
    return window_at(part, told[n - 1]) | {"sources": [told[n - 1]["source"]], "only": True}, None


def _place(which: str, turn: Turn) -> str | int | None:
    """The number of the place that is asked for."""
    if which in _NTH:
        return _NTH[which]
    total = int(turn["total"] or 1)
    pick = turn["pick"] if turn["kind"] == "when" else "every"
    now = {"first": 1, "best": 1, "last": total, "every": total}.get(str(pick), pick)
    if which == "last":
        return "last"
    if which == "other":
        return 2 if now == 1 else 1
    n = int(now) + (1 if which in ("next", "after") else -1)
    return n if n >= 1 else None


def _side(which: str) -> str:
    return "after" if which in ("next", "after") else "before"


def _named(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "What does it cost?": with the name of what was spoken of in the place of "it"."""
    made = in_place(desk, part, turns)
    return (made, None) if made is not None else None


def _besides(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "When is pruning mentioned after that?": words of its own, on one side of the last answer."""
    low = part["text"].lower()
    turn = gone_on_from(desk, turns)
    later = re.search(r"\b(?:after|before) (?:that|this|it)\b|\b(?:afterwards|later on)\b", low)
    if later is None or turn is None or not part["words"]:
        return None
    span = turn["spans"][0]
    video = desk.video(span["video"])
    scope = [0.0, span["start"]] if "before" in later.group() else [span["end"], video.duration]
    pick = (
        {"pick": "last" if "before" in later.group() else "first"} if part["kind"] == "when" else {}
    )
    return dict(part) | {
        "scope": scope,
        "videos": [video.id],
        "follows": False,
        "bound": True,
    } | pick, None


def _alluded(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """What has hardly words of its own: at, after or about what was told last."""
    whole = part.get("window") or part["kind"] in ("summary", "highlights")
    if whole or not alluding(part):
        return None
    turn = gone_on_from(desk, turns)
    if turn is None:
        return None
    return _noted(bind(part, turn), turn), None


def _noted(part: Part, turn: Turn) -> Part:
    """Say where a follow-up goes on from, when that is not simply the last answer."""
    return part | {"understood": turn["note"]} if turn.get("note") else part


def _elliptic(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """What leaves out most of a question: the last one again, with something else in it."""
    turn = turns[-1]
    for reading in (sluice, who_was_it, how_long_it_took, what_about):
        made = reading(part, turn)
        if made is not None and reading is what_about:
            made = _as_told(desk, part, made)
        if made is not None:
            return made | {"videos": part.get("videos") or where(turn)}, None
    return None


def _as_told(desk: Desk, part: Part, made: Part) -> Part | None:
    """The exchanged question with those of the old one's words that are told of the new thing.

    None when nothing of it is: then the new thing itself is asked for.
    """
    new = [w for w in part["words"] if w in made["words"]]
    rest = [w for w in made["words"] if w not in new]
    kept = told_together(desk, new, rest) if rest else []
    if rest and not kept:
        return None
    return made | {"words": [w for w in made["words"] if w in new or w in kept]}


def _there(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "What does a slice cost there?": words of its own, near what was told last."""
    turn = gone_on_from(desk, turns)
    made = then_and_there(part, turn) if turn is not None and not part.get("window") else None
    return (_noted(made, turn), None) if made is not None and turn is not None else None


READINGS: tuple[Reading, ...] = (
    _corrected, _elsewhere, _backward, _picked, more, why, speaker, _elliptic, _besides,
    _named, _there, _alluded,
)  # fmt: skip
