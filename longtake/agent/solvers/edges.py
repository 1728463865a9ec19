"""From when to when something is shown: "until when is the board up", "when does the break end".

The thing is found as an event (a page, a part of the day, what the picture holds). What memory
knows of its ends is as fine as its clips; where the thing is in the picture only and the film is
there, the scan of `longtake.memory.states` asks the frames around it and bisects both ends. A
thing that was only spoken of has no ends of its own: then the question is answered as its kind is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, clock, finding, quoted, sentence, stop
from longtake.agent.question import patterns as p
from longtake.agent.reading.anchors import event
from longtake.agent.reading.evidence import enough
from longtake.agent.state import Finding, Part
from longtake.errors import LongtakeError
from longtake.memory.states import states
from longtake.timecode import Span
from longtake.tools.corpus import Term

AROUND = 20.0
"""Seconds around what memory knows of a thing in which its ends are looked for."""
MOST = 5
"""Candidates among which the one that was shown is looked for."""
LOOKS = 6
"""Looks, beside those that follow it on and bisect its ends."""
HOW = {"screen": "on screen", "sight": "in the picture", "caption": "dealt with"}


def solve_edges(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding | None:
    """Tell when the part's thing begins, ends, or both; None: it is only spoken of, or not there."""
    place = _place(desk, part, terms, found)
    if place is None or place["source"] == "speech":
        return None
    seen = _looked_at(desk, part, place) if place["source"] == "sight" else None
    span = seen or Span(place["start"], place["end"])
    how = HOW.get(place["source"], "there")
    end = part["edge"] == "end"
    told = f"until {clock(span.end)}, from {clock(span.start)}" if end else (
        f"from {clock(span.start)} until {clock(span.end)}"
    )  # fmt: skip
    value = round(span.end if end else span.start, 3)
    shown = dict(place) | {"start": span.start, "end": span.end}
    return finding(
        "found",
        [
            sentence(f"It is {how} {told}.", 0, computed=value),
            sentence(stop(f"There: {quoted(place)}"), 0),
        ],
        [shown],
        confidence=0.8,
        value=value,
    )


def _place(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Candidate | None:
    """The page that fits best; else the event of that name."""
    if re.search(rf"\b(?:{p.SAY})\b", part["text"].lower()):
        return None
    shown = [one for one in found[:MOST] if one["source"] != "speech"]
    if shown and shown[0]["source"] == "screen" and enough(shown[0], terms):
        return shown[0]
    made = event(desk, part, part["names"][0])
    return made["evidence"][0] if made["status"] == "found" else None


def _looked_at(desk: Desk, part: Part, place: Candidate) -> Span | None:
    """The thing's ends as the frames show them; None where the film or the budget is not there."""
    box, video = desk.toolbox, desk.video(place["video"])
    span = Span(
        max(0.0, place["start"] - AROUND), min(desk.limit(video), place["end"] + AROUND)
    )  # fmt: skip
    if not (desk.switches.scan and desk.switches.inspect and box.looker.has_source(video, span)):
        return None

    def look(where: Span, fps: float) -> dict[str, Any]:
        desk.ledger.spend("inspections", 1)
        made: dict[str, Any] = box.looker.inspect(video, where, fps=fps, question=part["text"])
        desk.count("inspections")
        desk.count("frames", int(made["frames"]))
        return made

    if desk.ledger.left("inspections") < LOOKS:
        return None
    try:
        found = states(box.recall, part["names"][0], video.id, look, span=span,
                       as_of=desk.as_of, most=LOOKS)  # fmt: skip
    except LongtakeError:
        return None
    held = Span(place["start"], place["end"])
    near = [one for one in found.spans if one.overlap(held) > 0]
    return max(near, key=lambda one: (one.overlap(held), -one.start)) if near else None
