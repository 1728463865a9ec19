"""Answers that are orders: what comes after or before something, and which of two comes first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.desk import Desk, candidate, row
from longtake.agent.findings import Candidate, at, clock, finding, page_of, quoted, sentence, stop
from longtake.agent.question import patterns as p
from longtake.agent.reading.anchors import anchor_of, section
from longtake.agent.reading.evidence import enough
from longtake.agent.reading.pages import page_lines
from longtake.agent.solvers.operators import order
from longtake.agent.solvers.series import anchor_sheet, asks_member, beside_member
from longtake.agent.solvers.when import absent, scan_places
from longtake.agent.state import Finding, Part
from longtake.storage.records import Record
from longtake.timecode import Span
from longtake.tools.corpus import Term, Unit


def solve_order(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Say what comes directly after or before the anchor: the next slide, sentence or subject."""
    sources = part.get("anchor_sources") or part["sources"]
    made = None if part.get("anchor_span") else _member_beside(desk, part)
    if made:
        return made
    if part.get("section") and desk.switches.sections and not part.get("anchor_span"):
        made = _beside_section(desk, part)
        if made:
            return made
    if part.get("anchor_span"):
        anchor = dict(part["anchor_span"])
    else:
        known = anchor_of(desk, part, part["anchor"], sources)
        if known["status"] != "found" and "sight" not in sources:  # it may only have been seen
            known = anchor_of(desk, part, part["anchor"], [*sources, "sight"])
        if known["status"] != "found":
            return known
        anchor = dict(known["evidence"][0])
    if part["words"] and enough(found[0] if found else None, terms):
        return _among(part, found, terms, anchor)
    if _asks_subject(part):
        made = _next_subject(desk, part, anchor)
        if made:
            return made
    if made := _next_described(desk, part, anchor):
        return made
    for source in part["sources"]:
        made = _next_slide(desk, part, anchor) if source == "screen" else (
            _next_said(desk, part, anchor) if source == "speech" else None)  # fmt: skip
        if made:
            return made
    side = "after" if part["relation"] == "after" else "before"
    return absent([]) | {"nearest": anchor, "note": f"Nothing comes {side} it."}


def _member_beside(desk: Desk, part: Part) -> Finding | None:
    """The member of a series of numbered pages that comes next to what the anchor names."""
    if not any(asks_member(desk, video, part["text"]) for video in desk.ids):
        return None
    one = anchor_sheet(desk, part["anchor"] or [])
    return beside_member(desk, part, part["relation"], [one]) if one is not None else None


def _asks_subject(part: Part) -> bool:
    text = part["text"].lower()
    return any(word in text for word in ("subject", "topic", "chapter", "section", "part "))


def _among(
    part: Part, found: Sequence[Candidate], terms: Sequence[Term], anchor: Candidate
) -> Finding:
    """The part has words of its own: the nearest moment about them on the right side."""
    good = [c for c in found if enough(c, terms)]
    if part["relation"] == "after":
        good = [c for c in good if c["start"] >= anchor["end"] - 0.5]
        good.sort(key=lambda c: (c["start"], c["id"]))
    else:
        good = [c for c in good if c["end"] <= anchor["start"] + 0.5]
        good.sort(key=lambda c: (-c["start"], c["id"]))
    if not good:
        return absent(found)
    return finding("found", [sentence(at(good[0]), 0)], [good[0], anchor], confidence=0.7)


def _next_described(desk: Desk, part: Part, anchor: Candidate) -> Finding | None:
    """What a model saw happen directly after or before something that it saw."""
    if not anchor.get("by"):
        return None
    units = [u for u in desk.corpus.described if u.record.video == anchor["video"]]
    if part["relation"] == "after":
        units = [u for u in units if u.record.span.start >= anchor["end"] - 0.5][:1]
    else:
        units = [u for u in units if u.record.span.end <= anchor["start"] + 0.5][-1:]
    shown = [candidate(unit, 0.85, lex=1.0) for unit in units]
    said = [sentence(at(one), 0) for one in shown]
    return finding("found", said, [*shown, anchor], confidence=0.75) if shown else None


def _next_said(desk: Desk, part: Part, anchor: Candidate) -> Finding | None:
    lane = desk.lane(anchor["video"], "speech")
    if part["relation"] == "after":
        units = lane.after(anchor["end"] - 0.3, 2)
    else:
        units = lane.before(anchor["start"], 1)
    if not units:
        return None
    shown = [candidate(u, 0.85 - 0.05 * n, lex=1.0) for n, u in enumerate(units)]
    side = "after" if part["relation"] == "after" else "before"
    said = quoted(dict(shown[0]) | {"quote": " ".join(c["quote"] for c in shown)})
    text = stop(f"Right {side} that, at {clock(shown[0]['start'])}, the speaker says: {said}")
    return finding("found", [sentence(text, *range(len(shown)))], [*shown, anchor],
                   confidence=0.75)  # fmt: skip


def _next_slide(desk: Desk, part: Part, anchor: Candidate) -> Finding | None:
    """The slide next to the one that is up at the anchor; one that only grows is the same."""
    pages = runs_of_slides(desk, anchor["video"])
    now = next((n for n, run in enumerate(pages) if run[0].span.start <= anchor["start"] + 0.5
                and anchor["start"] < run[-1].span.end), None)  # fmt: skip
    if now is None:
        return None
    n = now + (1 if part["relation"] == "after" else -1)
    if not 0 <= n < len(pages):
        return None
    run = pages[n]
    lane = desk.lane(anchor["video"], "screen")
    full = max(run, key=lambda page: (len(page.text), -page.span.start))
    lines = [u for u in lane.at(full.span) if u.record.text in full.text]
    if not lines:
        return None
    title = min(lines, key=_height)
    shown = page_lines(desk, candidate(title, 0.85, lex=1.0))
    side = "next" if part["relation"] == "after" else "slide before it"
    lead = "The next slide" if side == "next" else "The slide before it"
    text = stop(f"{lead}, at {clock(shown[0]['start'])}, shows: {page_of(shown)}")
    return finding(
        "found", [sentence(text, *range(min(6, len(shown))))], [*shown, anchor], confidence=0.75
    )


def _height(unit: Unit) -> tuple[float, float, str]:
    box = unit.record.data.get("box")
    return (float(box[1]) if box else 0.0, unit.record.span.start, unit.record.id)


def runs_of_slides(desk: Desk, video: str) -> list[list[Record]]:
    """Pages in order, those put together that share most of their lines: one slide each."""
    runs: list[list[Record]] = []
    for page in desk.toolbox.pages(video, as_of=desk.as_of):
        if not page.text.strip():
            continue
        if runs and _same_slide(runs[-1][-1].text, page.text):
            runs[-1].append(page)
        else:
            runs.append([page])
    return runs


def _same_slide(one: str, other: str) -> bool:
    a, b = ({line.strip().lower() for line in text.splitlines()} for text in (one, other))
    return len(a & b) >= 0.5 * min(len(a), len(b))


def _next_subject(desk: Desk, part: Part, anchor: Candidate) -> Finding | None:
    """The first slide title or sentence beyond the stretch that deals with the anchor.

    The stretch ends where the anchor's words have been neither said nor shown for a while.
    """
    terms = desk.terms(part["anchor"] or [])
    places = [c for c in scan_places(desk, part, terms, ["speech", "screen"])
              if c["video"] == anchor["video"]]  # fmt: skip
    if not places:
        return None
    stretch = max(_stretches(places), key=lambda s: s.duration)
    runs = runs_of_slides(desk, anchor["video"])
    if part["relation"] == "after":
        later = [r for r in runs if r[0].span.start >= stretch.end - 1.0]
        pick = later[0] if later else None
    else:
        earlier = [r for r in runs if r[-1].span.end <= stretch.start + 1.0]
        pick = earlier[-1] if earlier else None
    if pick is None:
        return None
    return _subject_at(desk, part, pick, anchor)


def _beside_section(desk: Desk, part: Part) -> Finding | None:
    """What is on when a part of the day is over, or what was on before it began.

    That is the first page or the first words of the next scene, whichever comes first; a slide
    that follows within the part itself is not meant.
    """
    anchor = section(desk, part, part["anchor"] or [], part.get("anchor_text"))
    if anchor is None:
        return None
    later = part["relation"] == "after"
    runs = runs_of_slides(desk, anchor["video"])
    if later:
        beyond = [r for r in runs if r[0].span.start >= anchor["end"] - 1.0]
    else:
        beyond = [r for r in runs if r[-1].span.end <= anchor["start"] + 1.0][::-1]
    scene = _scene_beside(desk, anchor, later=later)
    page = beyond[0] if beyond else None
    if scene is not None and (page is None or page[0].span.overlap(scene.span) <= 0):
        return _scene_told(desk, part, scene, anchor)
    return _subject_at(desk, part, page, anchor) if page is not None else None


def _scene_beside(desk: Desk, anchor: Candidate, *, later: bool) -> Record | None:
    """The scene that begins when the anchor ends, or the one that ends when it begins."""
    scenes = [u.record for u in desk.corpus.of("caption")
              if u.record.level == "scene" and u.record.video == anchor["video"]]  # fmt: skip
    if later:
        beyond = [r for r in scenes if r.span.start >= anchor["end"] - 1.0]
    else:
        beyond = [r for r in scenes if r.span.end <= anchor["start"] + 1.0][::-1]
    return beyond[0] if beyond else None


def _scene_told(desk: Desk, part: Part, scene: Record, anchor: Candidate) -> Finding | None:
    """The next part of the day has no page of its own: its title, and what is said first."""
    said = desk.lane(scene.video, "speech").at(scene.span)[:2]
    shown = [row(scene, "caption", 0.8, lex=1.0), *(candidate(u, 0.7, lex=1.0) for u in said)]
    title = str(scene.data.get("title") or "").strip()
    if title:
        shown[0] |= {"quote": title}
    elif not said:
        return None
    side = "Next" if part["relation"] == "after" else "Before it"
    sentences = [
        sentence(stop(f"{side}, at {clock(shown[0]['start'])}, comes: {quoted(shown[0])}"), 0)
    ]
    sentences += [sentence(at(one), n) for n, one in enumerate(shown[1:], 1)]
    return finding("found", sentences, [*shown, row_of(anchor)], confidence=0.6)


def _stretches(places: Sequence[Candidate], gap: float = 90.0) -> list[Span]:
    from longtake.agent.solvers.operators import merge

    return merge([Span(c["start"], c["end"]) for c in places], gap)


def _subject_at(desk: Desk, part: Part, run: list[Record], anchor: Candidate) -> Finding | None:
    lane = desk.lane(anchor["video"], "screen")
    lines = [u for u in lane.at(run[0].span) if u.record.text in run[0].text]
    if not lines:
        return None
    shown = page_lines(desk, candidate(min(lines, key=_height), 0.8, lex=1.0))
    said = desk.lane(anchor["video"], "speech").at(run[0].span)[:1]
    spoken = [candidate(u, 0.7, lex=1.0) for u in said]
    side = "Next" if part["relation"] == "after" else "Before it"
    sentences = [
        sentence(stop(f"{side}, at {clock(shown[0]['start'])}, comes: {page_of(shown)}"),
                 *range(min(6, len(shown))))
    ]  # fmt: skip
    if spoken:
        sentences.append(sentence(at(spoken[0]), len(shown)))
    return finding("found", sentences, [*shown, *spoken, row_of(anchor)], confidence=0.65)


def row_of(one: Candidate) -> Candidate:
    """The anchor as supporting evidence: it ranks after what was asked for."""
    return dict(one) | {"score": round(0.5 * one["score"], 4)}


def solve_compare(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Say which of two comes first, by the first place of each."""
    del terms, found
    sides = [anchor_of(desk, part, part[key], part["sources"]) for key in ("words", "anchor")]
    sides = [_on_sheet(side, own) for side, own in zip(sides, _sheets(desk, part), strict=True)]
    names = part["names"]
    missing = [n for n, side in enumerate(sides) if side["status"] != "found"]
    if missing:
        which = " and ".join(f"“{names[n]}”" for n in missing)
        return absent([]) | {"note": f"Nothing about {which} was found.",
                             "nearest": sides[missing[0]]["nearest"]}  # fmt: skip
    firsts = [side["evidence"][0] for side in sides]
    spans = [[Span(c["start"], c["end"]) for c in side["evidence"]] for side in sides]
    relation = order(spans[0], spans[1])
    a, b = (0, 1) if relation <= 0 else (1, 0)
    text = _comparison(part, names, a, b)
    shown = [firsts[a], firsts[b]]
    sentences = [
        sentence(text, 0, 1),
        sentence(at(shown[0]), 0),
        sentence(at(shown[1]), 1),
    ]
    return finding("found", sentences, shown, confidence=0.8 if relation else 0.4)


def _sheets(desk: Desk, part: Part) -> list[Candidate | None]:
    """Both things as pages of their own, where both have one and no mention is asked for."""
    if re.search(rf"\b{p.SAY}\b", part["text"].lower()):
        return [None, None]
    found = [anchor_sheet(desk, part[key] or []) for key in ("words", "anchor")]
    return [None, None] if None in found or found[0] == found[1] else found


def _on_sheet(side: Finding, own: Candidate | None) -> Finding:
    """The place of a thing, if it lies on the thing's own page; else that page."""
    if own is None:
        return side
    first = side["evidence"][0] if side["status"] == "found" else None
    if first and first["video"] == own["video"] and own["start"] <= first["start"] < own["end"]:
        return side
    return finding("found", evidence=[own])


def _comparison(part: Part, names: Sequence[str], a: int, b: int) -> str:
    asked = part["relation"]
    if asked == "later":
        return f"“{names[b]}” comes later, “{names[a]}” earlier."
    if asked == "first":
        return f"“{names[a]}” comes first, “{names[b]}” later."
    side = "before" if a == 0 else "after"
    if asked in ("before", "after"):
        said = "Yes" if asked == side else "No"
        return f"{said}: “{names[0]}” comes {side} “{names[1]}”."
    return f"“{names[0]}” comes {side} “{names[1]}”."
