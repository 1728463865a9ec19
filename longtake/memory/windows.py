"""From proposals on a curve to windows with the times of what was said, shown or seen there.

A curve blurs: ten seconds of a clip glow because of one sentence in it. A window is made of the
records themselves: those of a proposal that bear the description nearly as well as the best one,
joined where they follow each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from longtake.memory.bearing import Bearing
from longtake.memory.curve import Bearer, Traced
from longtake.storage.records import Record
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.store import Store

READ = 48
"""Records that are read word by word for one description."""
EACH = 8
"""Of them in one proposal, at most."""
KEEP = 0.75
"""Share of the best record's score that its neighbours need to belong to its window."""
ALONE = 0.85
"""Share of the best record's score that makes another part of a proposal a window of its own."""
GAP: Seconds = 2.0
CLOSE = 0.5
"""What reading word by word counts in a record's score; the rest is what search found."""
OTHER = 0.5
"""What a record counts that is not of the kind the description asks for."""
UNNAMED = 0.6
"""What a picture counts whose labels do not name what its vector suggests."""
SURE_TAG = 0.4
"""Probability from which a label is wholly believed."""
SEEN_GAP: Seconds = 8.0
"""Frames are kept when the picture changes, so those of one shot may lie so far apart."""
SNAP: Seconds = 10.0
"""How far the edge of what was seen may lie from the cut that it is moved to: a clip."""
LONGEST = 1200
"""Characters of context that are handed to a judge."""

_ASKS = {
    "sight": r"(?:appear\w*|visible|seen|sees?|picture|camera|wearing|film(?:ed)?|in view|looks? like)",
    "screen": r"(?:slides?|written|titled?|headings?|displayed|reads|sign|code|formula)",
    "speech": r"(?:says?|said|saying|mention\w*|talk\w*|tells?|told|speak\w*|spoke|discuss\w*|"
    r"explain\w*|describ\w*|announc\w*|hears?|heard)",
}


@dataclass(frozen=True, slots=True)
class Window:
    """A moment: its span, how sure, and the record that says it best (`text` is quoted)."""

    span: Span
    p: float
    source: str = ""
    text: str = ""
    record: str = ""
    verified: float | None = None


def windows_in(
    store: Store,
    bearing: Bearing,
    traced: Traced,
    proposals: Sequence[tuple[Span, float]],
    as_of: Seconds | None,
) -> list[Window]:
    """Return the windows of all proposals, unordered; the surest proposals are read first."""
    chosen = _chosen(traced.bearers, proposals)
    ids = sorted({one.record for _, row in chosen for one in row})
    known = {r.id: r for r in store.records(ids=ids, as_of=as_of)} if ids else {}
    said = {name: _words(one) for name, one in known.items()}
    texts = sorted(set(said.values()))
    read = dict(zip(texts, bearing.scores(texts), strict=True))
    asked = asked_for(bearing.query.text)
    found: list[Window] = []
    for (span, p), row in chosen:
        scored = [
            (_score(one, known[one.record], read[said[one.record]], asked), one)
            for one in row
            if one.record in known
        ]
        found += _joined(store, scored, known, as_of) or [Window(span, p)]
    return found


def asked_for(query: str) -> str | None:
    """The kind of evidence that a description names: ``sight``, ``screen``, ``speech`` or None.

    >>> asked_for("when is an umbrella visible"), asked_for("a red umbrella")
    ('sight', None)
    """
    low = query.lower()
    hits = [kind for kind, pattern in _ASKS.items() if re.search(rf"\b{pattern}\b", low)]
    return hits[0] if len(hits) == 1 else None


def _chosen(
    bearers: Sequence[Bearer], proposals: Sequence[tuple[Span, float]]
) -> list[tuple[tuple[Span, float], list[Bearer]]]:
    """The strongest records of each proposal, in their order; a record is read once for all."""
    found, left = [], READ
    read: set[str] = set()
    for proposal in proposals:
        inside = [one for one in bearers if one.span.overlap(_least(proposal[0])) > 0]
        # Pictures are many, and need no reading to be grouped; words must not lose their places.
        seen = [one for one in inside if one.channel == "sight"]
        row = [one for one in inside if one.channel != "sight"][: min(EACH, left)]
        left -= len({one.record for one in row} - read)
        read.update(one.record for one in row)
        found.append((proposal, row + seen))
    return found


def _least(span: Span) -> Span:
    return span if span.duration > 0 else Span(span.start, span.start + 0.001)


def _words(record: Record) -> str:
    """What is read of a record: its words, or the first labels of a picture."""
    if record.channel != "sight":
        return record.text
    return ", ".join(str(label) for label, _ in record.data.get("tags", [])[:2])


def _score(one: Bearer, record: Record, read: float, asked: str | None) -> float:
    worth = OTHER if asked is not None and one.channel != asked else 1.0
    if one.channel == "sight":
        # A name that fits makes sure what the picture's vector only suggests.
        top = max((float(p) for _, p in record.data.get("tags", [])), default=0.0)
        named = read * min(1.0, top / SURE_TAG)
        return worth * one.strength * (UNNAMED + (1 - UNNAMED) * named)
    return worth * ((1 - CLOSE) * one.strength + CLOSE * read)


def _joined(
    store: Store,
    scored: Sequence[tuple[float, Bearer]],
    known: dict[str, Record],
    as_of: Seconds | None,
) -> list[Window]:
    """Neighbours of one channel that bear it nearly as well as the best become one window."""
    if not scored:
        return []
    best = max(score for score, _ in scored)
    found: list[Window] = []
    for channel in ("speech", "screen", "sight", "caption"):
        near = [(s, one) for s, one in scored if one.channel == channel and s >= KEEP * best]
        near.sort(key=lambda pair: (pair[1].span, pair[1].record))
        group: list[tuple[float, Bearer]] = []
        gap = SEEN_GAP if channel == "sight" else GAP
        for pair in near:
            if group and pair[1].span.start - max(one.span.end for _, one in group) > gap:
                found += _window(store, group, known, best, as_of)
                group = []
            group.append(pair)
        found += _window(store, group, known, best, as_of)
    return found


def _window(
    store: Store,
    group: Sequence[tuple[float, Bearer]],
    known: dict[str, Record],
    best: float,
    as_of: Seconds | None,
) -> list[Window]:
    if not group:
        return []
    p, told = max(group, key=lambda pair: (pair[0], -pair[1].span.start, pair[1].record))
    if p < ALONE * best:
        return []
    span = Span(min(o.span.start for _, o in group), max(o.span.end for _, o in group))
    record = known[told.record]
    if told.channel == "sight":
        span = _to_cuts(store, record.video, span, as_of)
    if span.duration <= 0:
        span = Span(span.start, span.start + 1.0)
    return [Window(span, round(p, 4), told.channel, record.text.strip(), told.record)]


def _to_cuts(store: Store, video: str, span: Span, as_of: Seconds | None) -> Span:
    """Move the edges of what was seen outwards to the cuts of its shot, where they are near."""
    near = store.records(video=video, level="clip", span=span.widen(SNAP), as_of=as_of)
    cuts = [clip.span.start for clip in near if float(clip.data.get("cut") or 0.0) > 0]
    before = [t for t in cuts if span.start - SNAP <= t <= span.start + 1.0]
    after = [t for t in cuts if span.end - 1.0 <= t <= span.end + SNAP]
    start, end = max(before, default=span.start), min(after, default=span.end)
    return Span(start, end) if end > start else span


def context_of(store: Store, video: str, span: Span, as_of: Seconds | None) -> str:
    """What was said, shown and seen in a span, a line each, in order of time."""
    rows = store.records(video=video, level=["moment", "frame"], span=span, as_of=as_of)
    lines = [
        f"{one.channel}: {' '.join(one.text.split())}"
        for one in rows
        if one.text.strip() and (one.level, one.channel) != ("frame", "screen")
    ]
    text = ""
    for line in dict.fromkeys(lines):
        if len(text) + len(line) > LONGEST:
            break
        text += line + "\n"
    return text.rstrip()
