"""Where it most likely is, when nothing found is an answer: places by meaning alone.

People who saw a film ask in other words than were said. Then no sentence holds the question's
words, and yet the clip nearest in meaning is the right place as often as not: the vector of a clip
knows what was said, shown and seen together, and that of a line which of its lines is meant, so the
two are added (late fusion at the grain of clips). On films asked vaguely the first place so chosen
was right for half of the questions, and one of three for three quarters (on a film held out the
first for a third); how near it is does not tell whether the film holds an answer at all, so it is
told as a place, and not as an answer.

Contract: `likeliest(desk, part, text)` returns candidates, nearest first, `APART` seconds apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import Candidate
from longtake.agent.question.manners import bare
from longtake.agent.reading.pages import readable
from longtake.agent.state import Part
from longtake.storage.records import Record
from longtake.timecode import Seconds
from longtake.tools.corpus import Unit

CLIPS = 10
"""The nearest clips, whose lines are compared one by one."""
MOST = 3
APART: Seconds = 10.0
LONGEST = 300
"""Characters of a line that are compared."""


def asked(desk: Desk, part: Part) -> str:
    """What to compare: all that was asked, unless the part was understood from turns before."""
    bound = part.get("understood") or part.get("referent") or not desk.question
    return str(part["text"]) if bound else bare(desk.question)


def likeliest(desk: Desk, part: Part, text: str, most: int = MOST) -> list[Candidate]:
    """The likeliest moments of the clips nearest in meaning to a text, nearest first."""
    near = _clips(desk, part, text)[:CLIPS]
    lines = [_lines(desk, part, record) for record in near]
    units = {unit.record.id: unit for found in lines for unit in found}
    if not units:
        return []
    joined = [_joined(record, found) for record, found in zip(near, lines, strict=True)]
    short = [unit.record.text[:LONGEST] for unit in units.values()]
    rows = np.asarray(desk.toolbox.embed([text, *joined, *short]), np.float32)
    cosines = [float(x) for x in rows[1:] @ rows[0]]
    own = dict(zip(units, cosines[len(near) :], strict=True))
    whole = dict.fromkeys(units, -1.0)
    for found, cosine in zip(lines, cosines, strict=False):
        for unit in found:
            whole[unit.record.id] = max(whole[unit.record.id], cosine)
    made = [
        candidate(unit, max(0.0, 0.5 * (own[name] + whole[name])), dense=own[name])
        for name, unit in units.items()
    ]
    made.sort(key=lambda c: (-c["score"], c["start"], c["id"]))
    return _apart(made, most)


def _clips(desk: Desk, part: Part, text: str) -> list[Record]:
    """All clips in scope, nearest first."""
    known = {u.record.id: u.record for u in desk.corpus.of("caption") if u.record.level == "clip"}
    near = [known[name] for name, _ in desk.near(text, "clip") if name in known]
    return [record for record in near if desk.in_scope(part, record)]


def _lines(desk: Desk, part: Part, clip: Record) -> list[Unit]:
    """What is said and shown during a clip, furniture and stray glyphs left out."""
    return [
        unit
        for source in ("speech", "screen")
        for unit in desk.lane(clip.video, source).at(clip.span)
        if unit.record.id not in desk.corpus.furniture
        and (source == "speech" or readable(unit.record.text))
        and desk.in_scope(part, unit.record)
    ]


def _joined(clip: Record, lines: Sequence[Unit]) -> str:
    """All that was said, shown and seen during a clip, in order of time."""
    inside = sorted(lines, key=lambda unit: (unit.record.span.start, unit.record.id))
    return " ".join([*(unit.record.text for unit in inside), clip.text])


def _apart(found: Sequence[Candidate], most: int) -> list[Candidate]:
    """The best, each some way from those before it."""
    kept: list[Candidate] = []
    for one in found:
        if all(one["video"] != k["video"] or abs(one["start"] - k["start"]) > APART for k in kept):
            kept.append(one)
        if len(kept) == most:
            break
    return kept
