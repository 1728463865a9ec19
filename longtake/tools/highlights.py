"""The moments of a video that stand out, each with why, at least some time apart.

A moment is scored by what is measured: how much its words tell (see `longtake.tools.digest`), how
new they are against the ten minutes before, whether the speaker says that it matters, hurries or
slows down there, whether the screen changes, and, when highlights are about something, how well
it bears on that. Nothing here likes or dislikes a scene; `why` says which measures spoke for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from longtake.storage.records import Record, Video
from longtake.timecode import Seconds, Span
from longtake.tools.digest import Digest, Told, like
from longtake.tools.jsonable import jsonable, rounded
from longtake.tools.summary import quoted_in

if TYPE_CHECKING:
    from longtake.tools.registry import Toolbox

MIN_GAP: Seconds = 30.0
SHORTEST: Seconds = 8.0
"""A clip shorter than this shows too little of what is around it."""
LONGEST: Seconds = 30.0
BEFORE: Seconds = 600.0
TELLS, NEW, RATE, CHANGE, ASKED = 1.0, 0.3, 0.1, 0.15, 1.0
"""What each measure counts."""
FAST = 1.5
"""Robust deviations of the speech rate that a hearer notices."""
NEAR: Seconds = 3.0
SILENT: Seconds = 20.0
"""A stretch without speech this long is offered by what is seen in it."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """One moment: its clip, what is quoted and the records it is in, its score and why."""

    span: Span
    title: str
    text: str
    source: str
    records: tuple[Record, ...]
    score: float
    why: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON values; `cites` are the ids of the records that are quoted."""
        return {
            "video": self.records[0].video,
            **jsonable(self.span),
            "title": self.title,
            "text": self.text,
            "source": self.source,
            "score": rounded(self.score),
            "why": list(self.why),
            "cites": [r.id for r in self.records],
        }


def highlights(
    box: Toolbox,
    video: Video,
    *,
    n: int = 5,
    about: str = "",
    min_gap: Seconds = MIN_GAP,
    length: Seconds | None = None,
    span: Span | None = None,
    as_of: Seconds | None = None,
) -> list[Highlight]:
    """Return at most `n` highlights in order of time.

    Args:
        box: the tools.
        video: which.
        n: how many at most.
        about: only moments that bear on this.
        min_gap: seconds between the end of one and the start of the next.
        length: seconds for all of them together.
        span: only here.
        as_of: nothing known later is used.
    """
    limit = video.duration if as_of is None else min(video.duration, as_of)
    asked = span or Span(0.0, limit)
    digest = Digest(box, as_of)
    rows = _candidates(box, digest, video, asked, about)
    kept: list[Highlight] = []
    for told, score, why in rows:
        if len(kept) >= n:
            break
        clip = _grown(digest, told, asked)
        if all(_apart(clip, other.span) >= min_gap for other in kept):
            kept.append(
                Highlight(clip, _title(box, told, as_of), told.text, told.source, told.records, score, why)
            )  # fmt: skip
    if length is not None:
        kept = _shortened(kept, length)
    return sorted(kept, key=lambda h: (h.span, h.records[0].id))


def _candidates(
    box: Toolbox, digest: Digest, video: Video, span: Span, about: str
) -> list[tuple[Told, float, tuple[str, ...]]]:
    """Every sentence, and what is seen where nobody speaks, with score and reasons; best first."""
    said = digest.sentences(video.id, span)
    every = digest.sentences(video.id)
    rates = _rates(every)
    changes = _changes(box, video.id, digest.as_of)
    bears = _bearing(box, digest, video, span, about) if about else {}
    offered = [told for told, _ in bears.values()]
    rows = []
    for told in offered if about else [*said, *_silent(box, digest, video.id, span)]:
        p = bears[told.records[0].id][1] if about else 0.0
        score, why = _scored(told, every, rates, changes)
        if about:
            score, why = score + ASKED * p, (f"it is about {about}", *why)
        if score > 0.1:
            rows.append((told, round(min(1.0, score / (2.0 if about else 1.25)), 4), why))
    return sorted(rows, key=lambda r: (-r[1], r[0].span, r[0].records[0].id))


def _scored(
    told: Told, every: Sequence[Told], rates: dict[str, float], changes: Sequence[Seconds]
) -> tuple[float, tuple[str, ...]]:
    why = [f"says {one}" if one.startswith("“") else one for one in told.why]
    score = TELLS * told.worth
    if told.source == "speech" and told.worth > 0.1:
        fresh = _novelty(told, every)
        score += NEW * max(0.0, fresh - 0.4)
        if fresh >= 0.75:
            why.append("a new subject")
        rate = rates.get(told.records[0].id, 0.0)
        if abs(rate) >= FAST:
            why.append("spoken fast" if rate > 0 else "spoken slowly")
            score += RATE
    at = bisect_left(changes, told.span.start - NEAR)
    if at < len(changes) and changes[at] <= told.span.end:
        why.append("the screen changes")
        score += CHANGE * (1.0 if told.worth > 0.1 else 0.0)
    return score, tuple(dict.fromkeys(why))


def _novelty(told: Told, every: Sequence[Told]) -> float:
    """How unlike it is to all that was said in the ten minutes before."""
    before = [
        other for other in every
        if told.span.start - BEFORE <= other.span.start < told.span.start
    ]  # fmt: skip
    return 1.0 - max((like(told, other) for other in before), default=0.0)


def _rates(every: Sequence[Told]) -> dict[str, float]:
    """How far each sentence's words a second lie from the usual, in robust deviations."""
    long_ = [t for t in every if t.words >= 6 and t.span.duration > 1.0]
    if len(long_) < 12:
        return {}
    rates = np.array([t.words / t.span.duration for t in long_])
    middle = float(np.median(rates))
    scale = 1.4826 * float(np.median(np.abs(rates - middle))) or 1.0
    return {t.records[0].id: float((r - middle) / scale) for t, r in zip(long_, rates, strict=True)}


def _changes(box: Toolbox, video: str, as_of: Seconds | None) -> list[Seconds]:
    """When a page came on screen, or the picture was cut."""
    pages = [r.span.start for r in box.pages(video, as_of=as_of)]
    clips = box.timeline(video, zoom="clip", as_of=as_of)
    cuts = [r.span.start for r in clips if float(r.data.get("cut") or 0.0) >= 0.5]
    return sorted({*pages, *cuts})


def _bearing(
    box: Toolbox, digest: Digest, video: Video, span: Span, about: str
) -> dict[str, tuple[Told, float]]:
    """What the windows quote that the topic fits, each with the window's confidence."""
    found: dict[str, tuple[Told, float]] = {}
    plain = {told.records[0].id: told for told in digest.sentences(video.id)}
    located = box.locate(about, video=video.id, span=span, as_of=digest.as_of)
    for window in located.windows:
        for told in quoted_in(digest, video.id, window):
            inside = told if told.source == "speech" else replace(told, span=window.span)
            name = told.records[0].id
            found.setdefault(name, (plain.get(name, inside), window.p))
    return found


def _silent(box: Toolbox, digest: Digest, video: str, span: Span) -> list[Told]:
    """Scenes in which hardly anybody speaks, by what the memory notes of them."""
    found = []
    for scene in box.timeline(video, zoom="scene", span=span, as_of=digest.as_of):
        spoken = sum(t.span.overlap(scene.span) for t in digest.sentences(video))
        text = " ".join(scene.text.split())
        if text and scene.span.duration >= SILENT and spoken < 0.1 * scene.span.duration:
            inside = Span(max(span.start, scene.span.start), min(span.end, scene.span.end))
            lines = digest.lines(video, inside) if inside.duration > 0 else []
            lines = [line for line in lines if line.words >= 3][:1]
            if lines:
                found.append(replace(lines[0], why=("it stands on screen",)))
            else:
                why = ("a scene without words",)
                found.append(Told(video, scene.span, text, (scene,), "caption", 0.3, why))
    return found


def _grown(digest: Digest, told: Told, limit: Span) -> Span:
    """The clip of a moment: whole sentences around it, until it is long enough to follow."""
    start, end = told.span.start, told.span.end
    if end - start > LONGEST:
        end = start + LONGEST
    after = [t.span for t in digest.sentences(told.video) if t.span.start >= told.span.end]
    for nxt in after:
        if end - start >= SHORTEST or nxt.end - start > LONGEST or nxt.start - end > 2.0:
            break
        end = nxt.end
    if end - start < SHORTEST:
        end = start + SHORTEST
    return Span(max(limit.start, start), max(min(limit.end, end), start + 0.1))


def _apart(one: Span, other: Span) -> Seconds:
    return max(one.start - other.end, other.start - one.end)


def _shortened(kept: Sequence[Highlight], length: Seconds) -> list[Highlight]:
    """The best that fit together; the last one may be cut where that leaves enough of it."""
    left, found = length, []
    for one in sorted(kept, key=lambda h: (-h.score, h.span)):
        if one.span.duration <= left:
            found.append(one)
        elif left >= SHORTEST or not found:
            found.append(replace(one, span=Span(one.span.start, one.span.start + left)))
        else:
            continue
        left -= found[-1].span.duration
    return found


def _title(box: Toolbox, told: Told, as_of: Seconds | None) -> str:
    """The name of its scene, or its first words."""
    at = Span(told.span.start, told.span.start + 0.001)
    scenes = box.timeline(told.video, zoom="scene", span=at, as_of=as_of)
    name = str(scenes[0].data.get("title") or "").strip() if scenes else ""
    if name and not name.endswith("…"):
        return name
    words = told.text.split()
    return " ".join(words[:8]).rstrip(".,;: ") + ("…" if len(words) > 8 else "")
