"""What was not perceived of a followed stream: there "it is not in the video" may not be said.

Stretches that were seen in part only, as they came faster than they could be read (sight and screen
text are missing there, speech is not), and stretches that were deleted before they were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import clock
from longtake.agent.state import Part
from longtake.timecode import Span

_NOT_WATCHED = "not watched"
_SEEN = frozenset({"sight", "screen"})


def losses(desk: Desk, part: Part, videos: Sequence[Any]) -> list[str]:
    """Say what was lost of the stretch that a question is about, a sentence for each video."""
    said = []
    for video in videos:
        live = video.media.get("live") or {}
        spans = [Span(one[0], one[1]) for one in live.get("left_out", ())]
        seen = (
            [one for one in spans if _asked(desk, part, one)] if _SEEN & {*part["sources"]} else []
        )
        if seen:
            total = sum(one.duration for one in seen)
            said.append(
                f"{total:.0f} s of {video.name} from {clock(seen[0].start)} to {clock(seen[-1].end)} "
                "came faster than they could be read and were seen in part only."
            )
        for one in live.get("breaks", ()):
            gone = Span(one["at"], one["at"] + max(1.0, one["seconds"] or 0.0))
            if one["why"].startswith(_NOT_WATCHED) and _asked(desk, part, gone):
                where = f"from {clock(gone.start)} to {clock(gone.end)}"
                said.append(f"{video.name} was deleted {where} before it could be watched.")
    return said


def _asked(desk: Desk, part: Part, span: Span) -> bool:
    """Whether a stretch is among what is asked about."""
    scope = part.get("scope")
    known = desk.as_of is None or span.start < desk.as_of
    return known and (scope is None or span.overlap(Span(scope[0], scope[1])) > 0)
