"""Answers from the object table: where a thing was, when it was seen, how many there were.

Only questions that the table answers whole are taken: one video, every word of the question names a
label of the table, and it asks for a place, a number or whether at a time, for the most at once, or
for when or how long something is seen. Everything else goes on as if there were no table; so does what is first, last,
all or absent while the table is not whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.desk import Desk, row
from longtake.agent.findings import Candidate, clock, finding, sentence
from longtake.agent.question.spoken import spoken
from longtake.agent.solvers.operators import merge
from longtake.agent.state import Finding, Part
from longtake.memory.objects import NEAR, ObjectTable, Place, Seen, roots, where
from longtake.timecode import Seconds, format_time

MOST_TOLD = 6
_ASKING = frozenset(roots("once same seen visible view picture video camera appear"))
_AT_ONCE = re.compile(r"\bat once\b|\bat (?:the same|one) time\b|\btogether\b")
_PLURAL = re.compile(r"(?:s|x|z|ch|sh)$")


def solve_objects(desk: Desk, part: Part) -> Finding | None:
    """What the object table says of a part, or None when it is not for the table."""
    asks = _asks(part)
    named = part.get("videos")
    videos = [v for v in desk.videos if not named or v.id in named]
    if asks is None or len(videos) != 1:
        return None
    table = desk.toolbox.objects(videos[0].id, as_of=desk.as_of)
    labels = table.fitting(" ".join(part["words"])) if table else []
    known = {root for label in labels for root in roots(label)}
    if not labels or set(roots(" ".join(part["words"]))) - known - _ASKING:
        return None
    if not table.whole and asks not in ("where", "is"):
        return None  # What is first, last or all is not known yet.
    desk.count("records_read", len(table.tracks))
    if asks == "when":
        return _when(table, labels, part)
    if asks == "long":
        return _long(table, labels)
    if asks == "most":
        return _most(table, labels)
    found = table.at(float(part["point"]), labels)
    if not found:
        return _unseen(table, labels, float(part["point"])) if table.whole else None
    if asks == "count":
        return _count(found, labels)
    return _where(found, "Yes: at" if asks == "is" else "At")


def _asks(part: Part) -> str | None:
    """What a part wants of a table: where, is, count, most, when, long; or nothing."""
    text, at = part["text"].lower(), part.get("point") is not None
    if part.get("anchor") or part.get("window") or part.get("phrases"):
        return None
    if part["wants"] == "number" and re.search(r"\bhow many\b", text):
        return "count" if at else "most" if _AT_ONCE.search(text) else None
    if part["wants"] == "place" and at:
        return "where"
    if part["sources"][:1] != ["sight"]:
        return None
    if part["kind"] == "exists" and at:
        return "is"
    if part.get("scope"):
        return None
    if part["kind"] == "duration" and part["unit"] == "topic":
        return "long"
    told = part["kind"] == "when" and part["pick"] in ("first", "last", "best", "every")
    return "when" if told else None


def _where(found: Sequence[Place], lead: str) -> Finding:
    said, shown = [], []
    for n, place in enumerate(found[:MOST_TOLD]):
        x0, y0, x1, y1 = (round(100 * v) for v in place.box)
        box = f"{x0}–{x1} % from the left, {y0}–{y1} % from the top"
        near = ", as it was nearest to then" if place.how == "near" else ""
        shown.append(_evidence(place))
        told = f"the picture shows: “{place.seen.label}” {where(place.box)} ({box}){near}."
        said.append(sentence(f"{'At' if n else lead} {clock(shown[n]['start'])} {told}", n))
    return finding("found", said, shown, confidence=_sure(found), short=where(found[0].box))


def _count(found: Sequence[Place], labels: Sequence[str]) -> Finding:
    shown = [_evidence(place) for place in found]
    n = len(shown)
    told = f"At {clock(shown[0]['start'])} {n} {_named(labels, n)} can be seen"
    where_all = ", ".join(where(place.box) for place in found[:MOST_TOLD])
    said = sentence(f"{told}: {where_all}.", *range(n), computed=float(n))
    return finding("found", [said], shown, confidence=_sure(found), value=float(n), short=str(n))


def _most(table: ObjectTable, labels: Sequence[str]) -> Finding | None:
    most = table.most(labels)
    found = table.at(most.span.start, labels) if most else []
    if most is None or not found:
        return None
    shown = [_evidence(place) for place in found]
    n = len(shown)
    text = (
        f"At most {n} {_named(labels, n)} can be seen at once, first at {clock(shown[0]['start'])}."
    )
    said = sentence(text, *range(n), computed=float(n))
    return finding("found", [said], shown, confidence=_sure(found), value=float(n), short=str(n))


def _when(table: ObjectTable, labels: Sequence[str], part: Part) -> Finding | None:
    first, last = table.first(labels), table.last(labels)
    if first is None or last is None:
        return None
    if part["pick"] == "last":
        end = last.span.end
        one = _row(last, max(last.span.start, end - 1.0), end)
        said = [sentence(f"“{last.label}” is last seen at {clock(end)}.", 0)]
        return finding("found", said, [one], confidence=_sure([last]))
    if part["pick"] == "first":
        start = first.span.start
        one = _row(first, start, min(first.span.end, start + 1.0))
        there = where(_first_box(first))
        said = [sentence(f"“{first.label}” is first seen at {clock(start)}, {there}.", 0)]
        return finding("found", said, [one], confidence=_sure([first]))
    tracks = table.of(labels)
    shown = [_row(one, one.span.start, one.span.end) for one in tracks[:30]]
    times = ", ".join(f"{clock(c['start'])}–{clock(c['end'])}" for c in shown[:8])
    more = f" and {len(tracks) - 8} times more" if len(tracks) > 8 else ""
    told = f"The picture shows “{tracks[0].label}”: {times}{more}."
    return finding("found", [sentence(told, *range(len(shown)))], shown, confidence=_sure(tracks),
                   total=len(tracks))  # fmt: skip


def _long(table: ObjectTable, labels: Sequence[str]) -> Finding:
    """Seconds in which at least one of them was in view."""
    tracks = table.of(labels)
    runs = merge([track.span for track in tracks], NEAR)
    seconds = round(sum(run.duration for run in runs), 3)
    times = ", ".join(f"{clock(run.start)}–{clock(run.end)}" for run in runs[:8])
    shown = [_row(track, track.span.start, track.span.end) for track in tracks[:30]]
    text = f"“{labels[0]}” can be seen for {spoken(seconds)}: {times}."
    said = sentence(text, *range(len(shown)), computed=seconds)
    return finding("found", [said], shown, confidence=_sure(tracks), value=seconds,
                   runs=[[run.start, run.end] for run in runs])  # fmt: skip


def _unseen(table: ObjectTable, labels: Sequence[str], time: Seconds) -> Finding:
    """Not in view then; the nearest sighting is shown."""
    near = table.nearest(labels, time)
    assert near is not None, "a fitting label has a track"
    start, end = clock(near.span.start), clock(near.span.end)
    at = format_time(time, millis=False)
    note = f"No {labels[0]} was seen at {at}; the nearest was seen from {start} to {end}."
    one = _row(near, near.span.start, near.span.end)
    return finding("absent", confidence=round(0.5 + 0.4 * near.p, 3), nearest=one, note=note)


def _evidence(place: Place) -> Candidate:
    """The moment asked about, inside of the track."""
    span = place.seen.span
    start = min(max(place.time, span.start), span.end)
    return _row(place.seen, start, min(span.end, start + 1.0))


def _row(seen: Seen, start: Seconds, end: Seconds) -> Candidate:
    return row(seen.record, "sight", seen.p, lex=1.0) | {"start": start, "end": end}


def _sure(found: Sequence[Place] | Sequence[Seen]) -> float:
    """As sure as the least sure of what is told."""
    return round(
        0.5 + 0.45 * min(one.seen.p if isinstance(one, Place) else one.p for one in found), 3
    )


def _named(labels: Sequence[str], n: int) -> str:
    """The label as it is counted: "2 “car”" reads badly.

    >>> _named(["car"], 2), _named(["person"], 3), _named(["dog"], 1)
    ('cars', 'people', 'dog')
    """
    name = " or ".join(labels)
    if n == 1 or len(labels) > 1:
        return name
    if name == "person":
        return "people"
    return f"{name}es" if _PLURAL.search(name) else f"{name}s"


def _first_box(seen: Seen) -> tuple[float, float, float, float]:
    _, x0, y0, x1, y1, _ = seen.boxes[0]
    return x0, y0, x1, y1
