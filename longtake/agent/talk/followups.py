"""Follow-ups: questions that need the turns before them.

`follow` tries the readings one after another; each returns the part as it is to be understood, with
a finding when it is settled by that, or None when the reading does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import finding
from longtake.agent.question.classify import classify
from longtake.agent.question.patterns import SAY, SCREEN, SIGHT
from longtake.agent.reading.evidence import collect
from longtake.agent.solvers.by_kind import solve
from longtake.agent.state import Finding, Part
from longtake.agent.talk.alluding import AFTER, BEFORE, alluding, beside, bind, window_at
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
from longtake.agent.talk.referents import EQUAL, Pronoun, pronoun_in, put, ranked
from longtake.agent.talk.support import BY_SUPPORT, support
from longtake.tools.corpus import coverage
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
_ELSE = re.compile(r"\bwhat (?:else|more)\b|\banything (?:else|more)\b|\bsomething else\b")


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


MOST_TOLD = 48
"""Places told before that are left out when more is asked for."""


def _more(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "What else did he say about it?": the same, without what was told."""
    turn = last_found(turns)
    pronoun = pronoun_in(part["text"])
    if (
        not _ELSE.search(part["text"].lower())
        or turn is None
        or (part["words"] and pronoun is None)
    ):
        return None
    words = part["words"] or turn["words"]
    if not words:
        return None
    low = part["text"].lower()
    source = "screen" if re.search(r"\b(?:slides?|screen|written|shown)\b", low) else "speech"
    asked = dict(part) | {
        "kind": "shown" if source == "screen" else "said", "words": list(words), "pick": "best",
        "phrases": turn["phrases"], "sources": [source], "strict": False, "even": False,
        "follows": False, "bound": True, "without": [t for one in turns for t in one.get("told") or []][-MOST_TOLD:], "wants": None,
        "text": f"what is said about {' '.join(words)}", "videos": _where(turn),
    }  # fmt: skip
    terms = desk.terms(asked["words"])
    fresh = [c for c in collect(desk, asked, terms) if not _told(asked["without"], c)]
    made = solve(desk, asked, terms, fresh, None)
    if made["status"] != "found":
        return asked, made | {"lead": "Nothing else about it was found.", "nearest": None}
    return asked, made


def _where(turn: Turn) -> list[str] | None:
    return (turn.get("part") or {}).get("videos")


def _told(told: Sequence[dict[str, Any]], one: dict[str, Any]) -> bool:
    return any(
        t["video"] == one["video"] and t["source"] == one["source"]
        and t["start"] < one["end"] and one["start"] < t["end"] for t in told
    )  # fmt: skip


_CAUSE = re.compile(
    r"\b(?:because|since|due to|reason|therefore|so that|in order to|that is why|which is why|"
    r"as a result|caused?|thanks to|owing to)\b"
)
NEAR_CAUSE = 60.0
"""Seconds around what was told in which its reason is looked for."""


def _why(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "Why?": the sentence near it that gives a reason; what was told, when none does."""
    turn = last_found(turns)
    if turn is None or not re.match(r"^(?:and |but |so )*why\b(?:\s+(?:is|was|so|that|this|not|then)\b)*\W*$",
                                    part["text"].lower()):  # fmt: skip
        return None
    span = turn["spans"][0]
    lane = desk.lane(span["video"], "speech").units
    near = [u.record for u in lane if _CAUSE.search(u.record.text.lower())
            and u.record.span.start <= span["end"] + NEAR_CAUSE
            and u.record.span.end >= span["start"] - NEAR_CAUSE]  # fmt: skip
    near.sort(key=lambda r: (abs(r.span.start - span["start"]), r.id))
    if not near:
        told = {"video": span["video"], "start": span["start"], "end": span["end"], "id": "turn:0",
                "source": turn["sources"][0], "quote": turn["quote"], "score": 0.4, "lex": 0.0, "dense": 0.0}  # fmt: skip
        return part, finding(
            "weak", note="No reason is given near it.", nearest=told, confidence=0.3
        )
    made = window_at(
        part, {"video": span["video"], "start": near[0].span.start, "end": near[0].span.end}
    )
    return made | {"sources": ["speech"], "only": True}, None


_INTRODUCES = re.compile(
    r"\b(?:my name is|i am|i'm|this is|speaking is|here is|welcome)\s+((?:(?:dr|prof|professor)\.? )?[a-z]+ [a-z]+)",
    re.IGNORECASE,
)
_WHO_SAID = re.compile(rf"^(?:and |so )*who (?:was it that )?(?:{SAY}|is (?:it|that|speaking))\b")


def _speaker(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "Who said that?": whoever was introduced last before it, if anybody was; voices are one."""
    turn = last_found(turns)
    low = part["text"].lower()
    if turn is None or part["words"] or not _WHO_SAID.match(low):
        return None
    span = turn["spans"][0]
    lane = desk.lane(span["video"], "speech").units
    named = [u.record for u in lane if u.record.span.start <= span["start"]
             and (m := _INTRODUCES.search(u.record.text)) and m.group(1).split()[-1][:1].isupper()]  # fmt: skip
    if not named:
        note = "Voices are not told apart, and nobody was introduced before it."
        return part, finding("weak", note=note, confidence=0.3, nearest=None)
    record = named[-1]
    made = window_at(
        part, {"video": record.video, "start": record.span.start, "end": record.span.end}
    )
    note = "Voices are not told apart; this is who was introduced last before it."
    return made | {"sources": ["speech"], "only": True, "understood": note}, None


def _pronoun(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """A question with words of its own and a word that stands for something: put the name in."""
    low = part["text"].lower()
    pronoun = pronoun_in(part["text"])
    if pronoun is None or _of_time(low, pronoun):
        return None
    scans = part["kind"] in ("count", "exists") or (
        part["kind"] == "when" and part["pick"] != "best"
    )
    bare = bool(_IDENTITY.match(low)) and _names_anew(turns[-1], low)
    telling = part["words"] or scans or pronoun.gender or pronoun.kinds == ("place",)
    if not (telling or bare):
        return None
    scored = weighed(desk, part, ranked(pronoun, turns, part["text"]))
    if not scored:
        return None
    made = _meant(part, pronoun, scored[0][1])
    if not part["words"]:
        made["told"] = _told_already(desk, turns[-1], scored[0][1])
    rivals = [one for score, one in scored if scored[0][0] - score < EQUAL][:4]
    if len(rivals) > 1:
        names = [one["name"] for one in rivals]
        made["understood"] = (
            f"Here “{pronoun.word}” was taken to be {names[0]}; {_or(names[1:])} could be meant too."
        )
        choices = [{"label": one["name"], "bind": _meant(part, pronoun, one)} for one in rivals]
        made["ask"] = {"text": f"Who or what is “{pronoun.word}”?", "choices": choices}
    return made, None


_IDENTITY = re.compile(
    r"^(?:and |so |but )*(?:where|who|what|how) (?:exactly )?(?:is|are|was|were) "
    r"(?:it|they|that|this|those|these)(?: exactly| called| named)?\W*$"
)
_PLACE_IN_TIME = re.compile(r"\b(?:was|were) (?:that|this|it)\b")


def _names_anew(turn: Turn, low: str) -> bool:
    """Whether the last answer named something that "where is it?" may ask about."""
    told = any(one["role"] == "subject" for one in turn.get("referents") or [])
    timed = turn["kind"] in ("when", "order", "at_time", "said", "compare")
    return told and not timed and not _PLACE_IN_TIME.search(low)


def _of_time(low: str, pronoun: Pronoun) -> bool:
    """Whether the word belongs to "after that" or "before it"."""
    sides = (AFTER.search(low), BEFORE.search(low))
    return any(m and m.start() <= pronoun.start < m.end() for m in sides)


def _told_already(desk: Desk, turn: Turn, one: dict[str, Any]) -> list[str]:
    """What the last answer told, where the video says more about the thing than that."""
    proofs = list(turn.get("proofs") or [])
    names = desk.terms(one["words"], blur=False)
    others = [u for u in desk.corpus.holding(names)
              if u.source in ("speech", "screen") and u.record.id not in proofs
              and coverage(names, [u]) >= 0.99]  # fmt: skip
    return proofs if others else []


def weighed(
    desk: Desk, part: Part, scored: Sequence[tuple[float, dict[str, Any]]]
) -> list[tuple[float, dict[str, Any]]]:
    """Referents of the latest turn that has any, weighed by what the video says of them."""
    latest = min((one["age"] for _, one in scored), default=0)
    rows = [
        (score + BY_SUPPORT * support(desk, part["words"], one) * (one["age"] == latest), n, one)
        for n, (score, one) in enumerate(scored)
    ]
    return [(score, one) for score, _, one in sorted(rows, key=lambda row: (-row[0], row[1]))]


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)


def _meant(part: Part, pronoun: Any, one: dict[str, Any]) -> Part:
    """The part with a name for the pronoun, classified anew; every word of the name counts."""
    text = put(part["text"], pronoun, one)
    made = dict(part) | reread(text)
    extra = [w for w in one["words"] if w not in made["words"]]
    bound = {"follows": False, "bound": True, "referent": one["name"]}
    keys = ("words", "anchor")
    held = "anchor" if made["anchor"] and set(one["words"]) & set(made["anchor"]) else "words"
    return made | {k: [*made[k], *extra] for k in keys if k == held} | bound


def reread(text: str) -> Part:
    """Classify a question again that was put into other words; its first part."""
    return classify(text)[0]


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
        if made is not None:
            return made | {"videos": part.get("videos") or _where(turn)}, None
    return None


def _there(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
    """ "What does a slice cost there?": words of its own, near what was told last."""
    turn = gone_on_from(desk, turns)
    made = then_and_there(part, turn) if turn is not None and not part.get("window") else None
    return (_noted(made, turn), None) if made is not None and turn is not None else None


READINGS: tuple[Reading, ...] = (
    _corrected, _elsewhere, _backward, _picked, _more, _why, _speaker, _elliptic, _besides,
    _pronoun, _there, _alluded,
)  # fmt: skip
