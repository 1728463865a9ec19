"""Answers that are numbers which code computes: how many, how long."""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.desk import Desk, row
from longtake.agent.findings import Candidate, clock, finding, listing, quoted, sentence, stop
from longtake.agent.question.patterns import ORDINALS
from longtake.agent.question.spoken import spoken
from longtake.agent.reading.anchors import own_pages
from longtake.agent.reading.evidence import ALL_WORDS, enough
from longtake.agent.reading.sight import sight_candidates
from longtake.agent.solvers.operators import duration, merge, nth
from longtake.agent.solvers.when import absent, scan_places, sight_occasions, unseen
from longtake.agent.state import Finding, Part
from longtake.storage.records import Level, Record
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Source, Term, Unit, coverage
from longtake.tools.words import stems

TALK_GAP = 60.0
"""Mentions this near belong to one stretch of talk."""


def solve_count(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Count by reading everything: mentions, occasions in the picture, slides, scenes, chapters."""
    unit = part["unit"]
    if unit in ("slide", "page"):
        return _slides(desk, part, terms)
    if unit in ("scene", "chapter", "clip", "section"):
        return _parts(desk, "chapter" if unit == "section" else unit, unit)
    best = found[0] if found else None
    if best is None or not terms:
        return absent(found)
    if best["source"] == "sight":
        if not enough(best, terms):
            return unseen(part, found)
        seen = sight_candidates(desk, part, terms) if desk.switches.scan else found
        return _counted(sight_occasions(seen), "appearance")
    if all(term.absent for term in terms):
        return absent(found)
    if not desk.switches.scan:
        top = desk.toolbox.search(part["text"], videos=desk.ids, k=5, as_of=desk.as_of)
        ids = {moment.record for moment in top.moments}
        return _counted([c for c in found if c["id"] in ids], "mention")
    wanted: list[Source] = [s for s in part["sources"] if s in ("speech", "screen")]
    for source in wanted:
        places = scan_places(desk, part, terms, [source])
        if places:
            return _counted(places, "mention")
    return absent(found)


def _counted(places: Sequence[Candidate], what: str) -> Finding:
    if not places:
        return absent([])
    n = len(places)
    text = f"{n} {what}{'s' if n != 1 else ''}: {listing(places, 30)}."
    shown = list(places[:30])
    return finding(
        "found",
        [sentence(text, *range(len(shown)), computed=float(n))],
        shown,
        confidence=0.85,
        value=float(n),
    )


def _slides(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding:
    shown: list[Candidate] = []
    for video in desk.ids:
        for page, fullest in slides(desk, video):
            if terms and coverage(terms, _units_on(desk, fullest)) < 0.7:
                continue
            if desk.in_scope(part, page):
                shown.append(row(fullest if terms else page, "screen", 0.8, lex=1.0))
    return _counted(shown, "slide")


def _units_on(desk: Desk, page: Record) -> list[Unit]:
    lines = desk.lane(page.video, "screen").at(page.span)
    return [u for u in lines if u.record.text in page.text]


def slides(desk: Desk, video: str) -> list[tuple[Record, Record]]:
    """The distinct pages of a video, each as it came and at its fullest.

    One that only grows, or comes back, is not a new one.
    """
    pages = desk.toolbox.pages(video, as_of=desk.as_of)
    desk.count("records_read", len(pages))
    kept: list[tuple[Record, Record, set[str]]] = []
    for page in pages:
        words = set(stems(page.text))
        if len(words) == 0:
            continue
        place = next((n for n, (_, _, other) in enumerate(kept) if _one_slide(words, other)), None)
        if place is None:
            kept.append((page, page, words))
        elif len(words) > len(kept[place][2]):
            kept[place] = (kept[place][0], page, words)
    return [(first, fullest) for first, fullest, _ in kept]


def _one_slide(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= 0.8 * min(len(one), len(other))


def _parts(desk: Desk, level: Level, what: str) -> Finding:
    shown = [
        row(record, "caption", 0.8, lex=1.0)
        for video in desk.ids
        for record in desk.toolbox.timeline(video, zoom=level, as_of=desk.as_of)
    ]
    return _counted(shown, what)


def solve_duration(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Seconds that something is on screen, in the picture, or talked about."""
    if part["unit"] == "video":
        return _whole(desk)
    best = found[0] if found else None
    if best is None or not enough(best, terms):
        return unseen(part, found)
    if best["source"] == "sight":
        return _lasting(sight_occasions(found), "in the picture", 2.0)
    if part["sources"][0] == "speech":
        told = _told(desk, part, terms)
        if told is not None:
            return told
    shown = scan_places(desk, part, terms, ["screen"])
    if shown and (part["sources"][0] != "speech" or best["source"] == "screen"):
        return _lasting(shown, "on screen", 1.0)
    spoken = scan_places(desk, part, terms, ["speech"])
    if spoken:
        return _lasting(spoken, "talked about", TALK_GAP)
    return absent(found)


def _told(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """How long a subject is dealt with: from the first place of its densest stretch to the last."""
    places = scan_places(desk, part, terms, ["speech"]) + scan_places(desk, part, terms, ["screen"])
    if not places:
        return None
    by_video = sorted(places, key=lambda c: (c["video"], c["start"], c["id"]))
    groups: list[list[Candidate]] = []
    for one in by_video:
        last = groups[-1] if groups else None
        end = max(c["end"] for c in last) if last else 0.0
        if last and last[0]["video"] == one["video"] and one["start"] - end <= TALK_GAP:
            last.append(one)
        else:
            groups.append([one])
    longest = max(groups, key=lambda g: (max(c["end"] for c in g) - g[0]["start"], -g[0]["start"]))
    whole = dict(longest[0]) | {"end": max(c["end"] for c in longest)}
    whole["ids"] = [c["id"] for c in longest]
    return _lasting([_with_scenes(desk, terms, whole)], "talked about", TALK_GAP)


def _with_scenes(desk: Desk, terms: Sequence[Term], one: Candidate) -> Candidate:
    """Widen a stretch to the whole of those scenes at it that are about the topic.

    Nobody names the subject in every sentence; a scene ends where the subject does.
    """
    span = Span(one["start"], one["end"])
    about = [
        unit.record.span
        for unit in desk.corpus.of("caption")
        if unit.record.level == "scene"
        and unit.record.video == one["video"]
        and unit.record.span.overlap(span) > 0
        and coverage(terms, [unit]) >= ALL_WORDS
    ]
    for scene in about:
        span = span.cover(scene)
    return one | {"start": span.start, "end": span.end}


def solve_lasting(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """How long a thing lasts that has a page of its own, a break or an exercise; or its talk.

    "The second break" is the second time that such a page is shown.
    """
    one = nth(own_pages(desk, part, terms), _which(part["text"]))
    return _lasting([one], "on screen", 1.0) if one is not None else _told(desk, part, terms)


def solve_pages(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """How many of a thing there are that has pages of its own: breaks, exercises."""
    runs = own_pages(desk, part, terms)
    return _counted(runs, "time") if runs else None


def _which(text: str) -> str | int:
    """Which of several is meant: "the second break"."""
    words = re.findall(r"\w+", text.lower())
    if "last" in words:
        return "last"
    for word in words:
        if word in ORDINALS:
            return ORDINALS[word]
    return "first"


def _whole(desk: Desk) -> Finding:
    sentences, evidence, total = [], [], 0.0
    for n, video in enumerate(desk.videos):
        total += video.duration
        sentences.append(
            sentence(f"{video.name} lasts {spoken(video.duration)}.", n, computed=video.duration)
        )
        span = {"id": f"video:{video.id}", "video": video.id, "start": 0.0}
        evidence.append(
            span | {"end": video.duration, "source": "caption", "quote": video.name, "score": 1.0,
                    "lex": 1.0, "dense": 0.0}
        )  # fmt: skip
    return finding("found", sentences, evidence, confidence=0.99, value=total)


def _lasting(places: Sequence[Candidate], how: str, gap: Seconds) -> Finding:
    if not places:
        return absent([])
    ordered = sorted(places, key=lambda c: (-c["score"], c["start"], c["id"]))
    spans = [Span(c["start"], c["end"]) for c in places]
    runs = merge(spans, gap)
    seconds = round(duration(spans, gap), 3)
    text = f"It is {how} for {spoken(seconds)}: " + ", ".join(
        f"{clock(run.start)}–{clock(run.end)}" for run in runs[:8]
    )
    shown = ordered[:8]
    return finding(
        "found",
        [
            sentence(text + ".", *range(len(shown)), computed=seconds),
            sentence(stop(f"There: {quoted(shown[0])}"), 0),
        ],
        shown,
        confidence=0.8,
        value=seconds,
        runs=[[run.start, run.end] for run in runs],
    )
