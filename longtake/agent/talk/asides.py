"""Follow-ups beside the matter: what else, why, and who said that.

Contract: each returns the part as it is to be understood, with a finding when it is settled by
that, or None when it does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import finding
from longtake.agent.question.patterns import SAY
from longtake.agent.reading.evidence import collect
from longtake.agent.solvers.by_kind import solve
from longtake.agent.state import Finding, Part
from longtake.agent.talk.alluding import window_at
from longtake.agent.talk.dialogue import Turn, last_found
from longtake.agent.talk.referents import pronoun_in

Followed = tuple[Part, Finding | None]
_ELSE = re.compile(
    r"^(?:(?:please|can you|could you|and) )*(?:tell|show|give) (?:me |us )?more\b|^more\b|\bmore (?:about|on) (?:it|that|this|them)\W*$|"
    r"\bwhat (?:else|more)\b|\banything (?:else|more)\b|\bsomething else\b"
)

MOST_TOLD = 48
"""Places told before that are left out when more is asked for."""


def more(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
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
        "text": f"what is said about {' '.join(words)}", "videos": where(turn),
    }  # fmt: skip
    terms = desk.terms(asked["words"])
    fresh = [c for c in collect(desk, asked, terms) if not _told(asked["without"], c)]
    made = solve(desk, asked, terms, fresh, None)
    if made["status"] != "found":
        return asked, made | {"lead": "Nothing else about it was found.", "nearest": None}
    return asked, made


def where(turn: Turn) -> list[str] | None:
    """The videos that a turn was asked of, where it named any."""
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


def why(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
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


def speaker(desk: Desk, part: Part, turns: Sequence[Turn]) -> Followed | None:
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
