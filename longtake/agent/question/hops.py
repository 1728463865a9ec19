"""Bind what one part of a question has found into the part that waits for it.

A place in time limits where the next part looks; a value (a person, a thing) is put into its
words; values are compared. When a part was not found, what waits for it is settled: it says which
step failed. The answer of the last step cites the evidence of all of them (`with_hops`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import SOFT, Desk, candidate
from longtake.agent.findings import Candidate, clock, finding, page_of, sentence, stop, telling
from longtake.agent.question.classify import classify
from longtake.agent.question.clauses import MARK
from longtake.agent.question.linked import value_of
from longtake.agent.question.reducing import reduced
from longtake.agent.reading.anchors import ends_at
from longtake.agent.reading.evidence import collect, enough
from longtake.agent.reading.pages import span_of
from longtake.agent.reading.sorts import holds, sort_of
from longtake.agent.solvers.order import runs_of_slides
from longtake.agent.solvers.series import beside_member
from longtake.agent.state import Finding, Part
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import coverage
from longtake.tools.topic import content_words
from longtake.tools.words import tokens

NEAR: tuple[Seconds, ...] = (60.0, 300.0, 1200.0, 1e9)
"""How far beyond an event is looked, step by step, for what comes next to it."""
TOLD = 6
"""What is told at most of a stretch of time."""
Done = dict[str, tuple[Part, Finding]]


def bind_results(desk: Desk, part: Part, done: Done) -> tuple[Part, Finding | None]:
    """Fill a part from the parts it waits for; or settle it, when one of them was not found."""
    bind = part.get("bind")
    waits = [done[name] for name in part.get("deps") or [] if name in done]
    if not bind or not waits:
        return part, None
    for earlier, made in waits:
        if made["status"] != "found" or not made["evidence"]:
            return _at_once(desk, part, None) or (part, _failed(earlier, made))
    findings = [made for _, made in waits]
    part = dict(part) | {"hops": [proof for made in findings for proof in made["evidence"][:1]]}
    if bind["how"] == "reduce":
        return part, reduced(part, waits)
    if bind["how"] == "value":
        return _with_value(desk, part, *waits[0])
    return _in_time(desk, part, bind["how"], [_when(*one) for one in waits])


def _when(earlier: Part, made: Finding) -> Finding:
    """An event that is over when it has happened ends as it begins: "the card comes up"."""
    if not earlier.get("onset"):
        return made
    first = made["evidence"][0]
    return made | {"evidence": [first | {"end": first["start"]}, *made["evidence"][1:]]}


def _failed(earlier: Part, made: Finding) -> Finding:
    note = f"First “{earlier['text']}” had to be found, and it was not."
    sure = made["confidence"] or 0.5
    return finding("absent", confidence=sure, nearest=made["nearest"], note=note, dependent=True)


def with_hops(part: Part, made: Finding) -> Finding:
    """Let the first sentence of a found answer cite what the steps before it rest on."""
    hops = part.get("hops") or []
    if made["status"] != "found" or not hops or not made["sentences"]:
        return made
    known = {(e["id"], e["quote"]) for e in made["evidence"]}
    more = [dict(h) | {"score": round(0.5 * h["score"], 4)} for h in hops
            if (h["id"], h["quote"]) not in known]  # fmt: skip
    evidence = [*made["evidence"], *more]
    cites = range(len(made["evidence"]), len(evidence))
    first = dict(made["sentences"][0])
    first["cites"] = [*first["cites"], *cites]
    spans = [{"video": e["video"], "start": e["start"], "end": e["end"]} for e in evidence]
    return made | {"sentences": [first, *made["sentences"][1:]], "evidence": evidence,
                   "spans": spans}  # fmt: skip


def unused(part: Part, found: Sequence[Candidate]) -> list[Candidate]:
    """The candidates without the sentence that the step before rests on: it says who, not when."""
    told = part.get("told") or []
    return [one for one in found if one["id"] not in told]


def _at_once(desk: Desk, part: Part, proof: Candidate | None) -> tuple[Part, Finding | None] | None:
    """The whole question instead of a step of it, where one sentence holds all of its words.

    "The keeper of the mill collects clocks" needs no name; `proof` is the step's own sentence.
    """
    made = classify(part["whole"]) if part.get("whole") else []
    if len(made) != 1 or len(made[0]["words"]) < 2:
        return None
    whole, terms = made[0], desk.terms(made[0]["words"], blur=False)
    if not terms or any(term.absent for term in terms):
        return None
    sort = sort_of(whole["text"])
    for unit in desk.corpus.holding(terms):
        if unit.source not in ("speech", "screen") or (proof and unit.record.id == proof["id"]):
            continue
        fits = sort is None or holds(sort, whole["text"], unit.record.text)
        if fits and coverage(terms, [unit]) >= 0.99:
            kept = {k: part[k] for k in ("id", "deps", "bind", "scope", "point") if k in part}
            return whole | kept | {"follows": False}, None
    return None


# -- a value -------------------------------------------------------------------------------


def _with_value(
    desk: Desk, part: Part, earlier: Part, made: Finding
) -> tuple[Part, Finding | None]:
    """Put the person or thing that was found into the words of the part."""
    value, proof = value_of(earlier, made, part["bind"])
    once = _at_once(desk, part, proof)
    if once is not None:
        return once
    if value is None:
        return part, _failed(earlier, made)
    part["hops"] = [proof]
    told = _as_told(desk, value, proof)
    text = part["text"].replace(MARK, value)
    fresh = classify(text)[0]
    words = [w for w in content_words(part["text"].replace(MARK, " ")) if w in fresh["words"]]
    names = [w for w in tokens(told) if w in fresh["words"] or w in content_words(told)]
    kept = {k: part[k] for k in ("id", "deps", "bind", "hops", "scope", "point") if k in part}
    made_part = fresh | kept | {"text": text, "follows": False, "told": [proof["id"]]}
    made_part["words"] = list(dict.fromkeys([*words, *names])) or fresh["words"]
    if part.get("op") == "bearer":
        made_part |= {k: part[k] for k in ("op", "role", "cues", "kind", "silent")}
        return made_part | {"thing": names}, None
    if _told_together(desk, made_part, words, proof):
        made_part["scope"] = [proof["start"], max(proof["end"], proof["start"] + 0.001)]
        made_part["told"] = []
    return made_part, None


def _as_told(desk: Desk, value: str, proof: Candidate) -> str:
    """The value as the rest of the video names it: in full, by surname, or by first name."""
    pieces = value.split()
    ways = [value, *([pieces[-1], pieces[0]] if len(pieces) > 1 and value[:1].isupper() else [])]
    for way in ways:
        terms = desk.terms(tokens(way), blur=False)
        others = [
            u for u in desk.corpus.holding(terms)
            if u.source in ("speech", "screen") and u.record.id != proof["id"]
            and coverage(terms, [u]) >= 0.99
        ]  # fmt: skip
        if others:
            return way
    return value


def _told_together(desk: Desk, part: Part, words: Sequence[str], proof: Candidate) -> bool:
    """Whether the sentence of the first step answers the second one, too."""
    sort = sort_of(part["text"])
    unit = desk.lane(proof["video"], proof["source"]).get(proof["id"])
    if unit is None or not words or sort is None:
        return False
    return coverage(desk.terms(words), [unit]) >= 0.99 and holds(sort, part["text"], proof["quote"])


# -- a stretch of time ---------------------------------------------------------------------


def _in_time(
    desk: Desk, part: Part, how: str, findings: Sequence[Finding]
) -> tuple[Part, Finding | None]:
    """Limit a part to the time that its events leave it."""
    anchors = [made["evidence"][0] for made in findings]
    video = anchors[0]["video"]
    if len(anchors) > 1 and anchors[1]["video"] != video:
        return part, finding("absent", note="They are in two different videos.", dependent=True)
    if how in ("after", "before", "between"):
        member = beside_member(desk, part, how, anchors)
        if member is not None:
            return part, member
    end = desk.limit(desk.video(video))
    span = _window(how, [span_of(one) for one in anchors], end)
    made = part | {"anchored": video, "relation": how, "follows": False}
    if made["kind"] in ("fact", "said", "shown"):
        # in so short a stretch "colour" need not be said where a colour is
        made["words"] = [w for w in made["words"] if w not in SOFT] or made["words"]
    if made["kind"] == "summary":
        return made, _digest(desk, video, span)
    if how == "at" and part.get("op") == "state":
        return made | {"point": anchors[0]["start"]}, None
    if how == "at":
        return made | _there(made, anchors[0]), None
    if not made["words"] and how in ("after", "before"):
        return made | {"kind": "order", "anchor_span": anchors[0], "anchor": ["it"]}, None
    if not made["words"]:
        return made | {"kind": "at_time", "window": [span.start, span.end]}, None
    if how in ("after", "before") and made["kind"] not in ("count", "duration", "exists", "when"):
        span = _nearest(desk, made, span, how) or span
    if made["kind"] == "when" and how == "before" and made["pick"] == "best":
        made |= {"pick": "last"}
    elif made["kind"] == "when" and made["pick"] == "best":
        made |= {"pick": "first"}
    return made | {"scope": [span.start, ends_at(desk, video, span.end)]}, None


def _window(how: str, spans: Sequence[Span], end: Seconds) -> Span:
    first = spans[0]
    if how == "between":
        a, b = sorted(spans)
        return Span(a.end, max(a.end, b.start))
    if how == "after":
        return Span(min(first.end, end), end)
    return Span(0.0, first.start) if how == "before" else first


def _there(part: Part, anchor: Candidate) -> dict[str, Any]:
    """A look at the moment of the event: what is said or shown there, whatever it is about."""
    strict = part["sources"][:1] if part["strict"] or part["kind"] in ("shown", "said") else None
    begin = anchor["start"]
    return {"kind": "at_time", "window": [begin, min(anchor["end"], begin + 10.0)], "point": begin,
            "sources": strict or part["sources"], "only": bool(strict)}  # fmt: skip


def _nearest(desk: Desk, part: Part, span: Span, how: str) -> Span | None:
    """Where the thing asked about is next to the event; further away only if it is not nearer."""
    terms = desk.terms(part["words"])
    sort = sort_of(part["text"])
    for reach in NEAR:
        low = max(span.start, span.end - reach) if how == "before" else span.start
        high = min(span.end, span.start + reach) if how == "after" else span.end
        found = collect(desk, part | {"scope": [low, max(high, low + 0.001)]}, terms)
        good = [c for c in found if enough(c, terms) and c["video"] == part["anchored"]
                and c["end"] > low and c["start"] >= low - 0.5]  # fmt: skip
        sorted_so = [c for c in good if sort is None or holds(sort, part["text"], c["quote"])]
        if sorted_so:
            side = (lambda c: (-c["end"], c["id"])) if how == "before" else (
                lambda c: (c["start"], c["id"]))  # fmt: skip
            return span_of(min(sorted_so, key=side))
    return None


def _digest(desk: Desk, video: str, span: Span) -> Finding:
    """What a stretch of time holds: its pages in order, or the first words of its scenes."""
    shown: list[Candidate] = []
    sentences: list[dict[str, Any]] = []

    lane = desk.lane(video, "screen")
    for run in runs_of_slides(desk, video):
        if not (span.start - 0.5 <= run[0].span.start < span.end):
            continue
        lines = [u for u in lane.at(run[0].span) if u.record.text in run[0].text][:2]
        rows = [candidate(u, 0.8, lex=1.0) for u in lines]
        if rows and len(sentences) < TOLD:
            text = stop(f"At {clock(rows[0]['start'])} the screen shows: {page_of(rows)}")
            sentences.append(sentence(text, *range(len(shown), len(shown) + len(rows))))
            shown += rows
    if not sentences:
        for unit in [u for u in desk.lane(video, "speech").at(span)
                     if u.record.span.start >= span.start - 0.5][:TOLD]:  # fmt: skip
            shown.append(candidate(unit, 0.7, lex=1.0))
            text = stop(f"At {clock(shown[-1]['start'])} {telling(shown[-1])}")
            sentences.append(sentence(text, len(shown) - 1))
    if not shown:
        return finding("absent", confidence=0.5, note="Nothing is told between them.")
    return finding("found", sentences, shown, confidence=0.6)
