"""Inspect: decode a promising span again when the memory lacks the detail.

The memory reads about one picture a second; what was there for half a second, or too small, is
only in the source. A second look is made where the surroundings fit the question (captions,
speech and screen text of the span hold a good share of its words) but no moment answers it, and
only for questions about what can be seen or read. Looks are few, short and cached (S37, S51).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate
from longtake.agent.state import Part
from longtake.storage.records import Record
from longtake.timecode import Span
from longtake.tools.corpus import Corpus, Term, Unit, coverage

MOST = 3
LONGEST = 20.0
FPS = 5.0
FITS = 0.45
LEAST_LINE = 0.5
OPEN_KINDS = ("shown", "fact", "at_time", "said")


def regions(desk: Desk, part: Part, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Spans of clips and found moments, with the share of the words that all in them hold."""
    spans: dict[tuple[str, float, float], str] = {}
    found = desk.toolbox.search(part["text"], videos=desk.ids, k=8, as_of=desk.as_of)
    desk.count("searches")
    for moment in found.moments:
        spans[(moment.video, moment.span.start, moment.span.end)] = moment.record
    for unit in desk.corpus.holding(terms):
        if unit.source == "caption" and unit.record.level in ("clip", "scene"):
            span = unit.record.span
            spans[(unit.record.video, span.start, span.end)] = unit.record.id
    made: list[dict[str, Any]] = []
    for (video, start, end), record in spans.items():
        if part.get("scope") and Span(*part["scope"]).overlap(Span(start, end)) <= 0:
            continue
        held = coverage(terms, units_in(desk, video, Span(start, end)))
        made.append({"video": video, "start": start, "end": end, "record": record,
                     "fit": round(held, 4)})  # fmt: skip
    made.sort(key=lambda r: (-r["fit"], r["end"] - r["start"], r["start"], r["video"]))
    return made[:12]


def units_in(desk: Desk, video: str, span: Span) -> list[Unit]:
    """Everything said, shown or noted during a span."""
    lanes = ("speech", "screen", "sight", "caption")
    units = [u for source in lanes for u in desk.lane(video, source).at(span)]
    return [u for u in units if u.record.level not in ("chapter", "video")]


def wanted(part: Part, satisfied: bool) -> bool:
    """Whether a second look may help: something to be seen or read, and not found yet."""
    return not satisfied and part["sources"][0] == "screen"  # of pictures it learns nothing new


def look_again(
    desk: Desk, part: Part, terms: Sequence[Term], places: Sequence[dict[str, Any]], left: int
) -> tuple[list[Candidate], list[dict[str, Any]]]:
    """Inspect the fitting places whose source is present; new lines and tags as candidates."""
    found: list[Candidate] = []
    done: list[dict[str, Any]] = []
    for place in places:
        if len(done) >= left:
            break
        video = desk.video(place["video"])
        if place["fit"] < FITS or any(_covered(place, other) for other in done):
            continue
        span = _bounded(place, desk.limit(video))
        if span is None or not desk.toolbox.looker.has_source(video):
            continue
        seen = desk.toolbox.inspect(video.id, span, fps=FPS)
        desk.count("inspections")
        desk.count("frames", int(seen["frames"]))
        done.append({"video": video.id, "start": span.start, "end": span.end})
        found += _new(desk, part, terms, place, span, seen)
    found.sort(key=lambda c: (-c["score"], c["start"], c["id"]))
    return found, done


def _covered(place: dict[str, Any], other: dict[str, Any]) -> bool:
    span, seen = Span(place["start"], place["end"]), Span(other["start"], other["end"])
    return place["video"] == other["video"] and span.overlap(seen) >= 0.8 * span.duration


def _bounded(place: dict[str, Any], limit: float) -> Span | None:
    """At most `LONGEST` seconds, nothing of what may not be known yet."""
    start, end = place["start"], min(place["end"], limit)
    if end - start < 0.2:
        start, end = max(0.0, start - 1.0), min(limit, start + 1.0)
    if end - start > LONGEST:
        end = start + LONGEST
    return Span(start, end) if end > start else None


def _new(
    desk: Desk,
    part: Part,
    terms: Sequence[Term],
    place: dict[str, Any],
    span: Span,
    seen: dict[str, Any],
) -> list[Candidate]:
    known = {_plain(u.record.text) for u in desk.lane(place["video"], "screen").at(span)}
    found = []
    for n, line in enumerate(seen["lines"]):
        text = str(line.get("text", "")).strip()
        if len(text) < 3 or float(line.get("score", 1.0)) < LEAST_LINE or _plain(text) in known:
            continue
        held = _held(desk, terms, text)
        if part["kind"] not in OPEN_KINDS and held < 0.6:
            continue
        found.append(
            {
                "id": f"look:{place['video']}:{round(span.start * 1000):011d}:{n}",
                "video": place["video"],
                "start": float(line["start"]),
                "end": float(line["end"]),
                "source": "screen",
                "quote": text,
                "score": round(0.45 + 0.25 * place["fit"] + 0.25 * held, 4),
                "lex": round(max(held, place["fit"]), 4),
                "dense": 0.0,
                "sure": True,
            }
        )
    return found


def _held(desk: Desk, terms: Sequence[Term], text: str) -> float:
    """Share of the question's words in a line that is in no record."""
    record = Record("look", desk.ids[0], "moment", "screen", Span(0, 0), 0.0, text, "look")
    corpus = Corpus([record], desk.ids[:1])
    fresh = corpus.terms([term.text for term in terms])
    weighed = [
        Term(old.text, old.stem, old.weight, new.forms, new.joined)
        for old, new in zip(terms, fresh, strict=False)
    ]
    return coverage(weighed, corpus.units)


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())
