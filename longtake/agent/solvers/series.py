"""Which member of a series: the next one, the one between two, the first or last of all.

Where the pages of a video are numbered ("Item 4 / Umbrella"), "which thing came after the kettle"
asks for a member and not for the next page or sentence: a member has many pages. What members came
to ("Sold", "Not sold") is told by their pages, and compared with the words of the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, clock, finding, sentence
from longtake.agent.question import patterns as p
from longtake.agent.reading.anchors import thing_words, which_of
from longtake.agent.reading.sheets import Sheet, evidence_of, series, sheet_of, state_lines
from longtake.agent.solvers.operators import nth
from longtake.agent.state import Finding, Part

SLACK = 1.5
"""Pages are read once a second: a member may begin so long before the other has ended."""
LIKE = 0.38
"""Least cosine of what is asked of a member with what its page came to."""
COMMON = 2
"""A line is a state that members come to where so many of them do."""
MOST = 6
_CLAUSE = re.compile(
    r"\b(?:that|which|thing did|item did) (?P<asked>(?!(?:is|was) (?:\w+)$)[^,]+?)"
    r"(?=\W*$|,| (?:once|after|before|between)\b)"
)
_NOT = re.compile(r"\b(?:not|no|nobody|none|never|nothing|un\w+)\b|n['’]t\b", re.IGNORECASE)


def asks_member(desk: Desk, video: str, text: str) -> bool:
    """Whether a thing of the series is asked for: "which thing was offered", "what was shown"."""
    members = series(desk, video)
    if not members or not desk.switches.sections:
        return False
    low = text.lower().strip(" ?,.")
    named = re.search(rf"\b(?:what|which) (?:\w+ ){{0,4}}?{members[0].label}s?\b", low)
    return bool(p.MEMBER.match(low) or p.MEMBER_PICK.match(low) or named)


def beside_member(desk: Desk, part: Part, how: str, anchors: Sequence[Candidate]) -> Finding | None:
    """The member next to an event, or those between two; None where there is no such series."""
    video = anchors[0]["video"]
    if not asks_member(desk, video, part["text"]):
        return None
    low, high = _bounds(how, anchors)
    members = [one for one in series(desk, video)
               if one.span.start >= low - SLACK and one.span.end <= high + SLACK]  # fmt: skip
    members = _came_to(desk, members, part["text"]) or members
    if not members:
        return None
    if how != "between":
        members = members[:1] if how == "after" else members[-1:]
    return _told(desk, members, anchors)


def _bounds(how: str, anchors: Sequence[Candidate]) -> tuple[float, float]:
    if how == "after":
        return anchors[0]["end"], float("inf")
    if how == "before":
        return 0.0, anchors[0]["start"]
    one, other = sorted(anchors[:2], key=lambda c: (c["start"], c["end"]))
    return one["end"], other["start"]


def picked_member(desk: Desk, part: Part) -> Finding | None:
    """The first, last or nth member: "the very last thing to be offered"."""
    which = which_of(part["text"].lower().replace("very ", ""))
    if which is None:
        return None
    for video in desk.ids:
        members = series(desk, video) if asks_member(desk, video, part["text"]) else []
        one = nth(_came_to(desk, members, part["text"]) or members, which)
        if one is not None:
            return _told(desk, [one], [])
    return None


def _came_to(desk: Desk, members: Sequence[Sheet], text: str) -> list[Sheet]:
    """The members that came to what is asked; none where no page tells it."""
    match = _CLAUSE.search(text.lower())
    if match is None:
        return []
    asked = match.group("asked")
    lines = {n: state_lines(one) for n, one in enumerate(members)}
    known = sorted({line for found in lines.values() for line in found})
    known = [line for line in known if sum(line in found for found in lines.values()) >= COMMON]
    refused = bool(_NOT.search(asked))
    fitting = [line for line in known if bool(_NOT.search(line)) == refused]
    if not fitting:
        return []
    rows = np.asarray(desk.toolbox.embed([asked, *fitting]), np.float32)
    near = rows[1:] @ rows[0]
    if not refused and near.max() < LIKE:
        return []
    best = fitting[int(np.argmax(near))]
    return [one for n, one in enumerate(members) if best in lines[n]]


def _told(desk: Desk, members: Sequence[Sheet], anchors: Sequence[Candidate]) -> Finding:
    shown = [evidence_of(desk, one) for one in members[:MOST]]
    pieces = [f"{one.name} ({one.label} {one.number}, at {clock(one.span.start)})"
              for one in members[:MOST]]  # fmt: skip
    known = {one["id"] for one in shown}
    rest = [dict(a) | {"score": round(0.5 * a["score"], 4)} for a in anchors
            if a["id"] not in known]  # fmt: skip
    text = f"{'; '.join(pieces)}."
    sure = 0.75 if len(shown) == 1 else 0.6
    return finding("found", [sentence(text, *range(len(shown)))], [*shown, *rest],
                   confidence=sure, short=members[0].name if len(members) == 1 else None)  # fmt: skip


def anchor_sheet(desk: Desk, words: Sequence[str]) -> Candidate | None:
    """The sheet that some words name, with its whole span; None when no heading does."""
    if not desk.switches.sections:
        return None
    for video in desk.ids:
        sheet = sheet_of(desk, video, words)
        if sheet is not None:
            return evidence_of(desk, sheet)
    return None


def named_sheet(desk: Desk, name: str) -> Candidate | None:
    """The sheet of a thing as it was written in a question."""
    return anchor_sheet(desk, thing_words(name)) if which_of(name.lower()) is None else None
