"""One part a video: how a question about each of several videos is worked on and told.

Contract: `fan_out` turns a part with ``each`` (or one whose answer adds up over videos) into one
part for each video, bound to it by ``videos`` and held together by ``group``; `desk_for` gives the
desk that a bound part is worked on with; `told_together` writes the findings of a group as one.
Every video has its own search and its own share of the evidence, so that a long one does not crowd
out the others (quotas).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import Candidate, finding, sentence
from longtake.agent.state import Finding, Part
from longtake.agent.talk.mentions import names_in

MOST_FANNED = 8
_ADDS_UP = ("count", "duration")
_PER_VIDEO_PICKS = ("first", "last", "every")


def fan_out(desk: Desk, parts: Sequence[Part]) -> list[Part]:
    """Parts with those that ask of each video replaced by one part a video.

    What others wait for, and what waits for others, stays whole.
    """
    waited = {name for part in parts for name in part.get("deps") or []}
    made: list[Part] = []
    for n, part in enumerate(parts):
        ids = [v for v in part.get("videos") or desk.ids if v in desk.ids][:MOST_FANNED]
        waits = (
            part.get("deps") or part["follows"] or part.get("id") in waited or part.get("settled")
        )
        if waits or len(ids) < 2 or not asks_each(part):
            made.append(part)
            continue
        name = part.get("id") or f"s{n + 1}"
        shared = {"group": name, "each": part.get("each") or "sum"}
        made += [
            dict(part) | shared | {"id": f"{name}.{k + 1}", "videos": [video]}
            for k, video in enumerate(ids)
        ]
    return made


def asks_each(part: Part) -> bool:
    """Whether each video has an answer of its own: asked so, counted, first, last or every."""
    if part.get("window") or part["kind"] in ("choice", "unsupported", "compare"):
        return False
    if part.get("each"):
        return True
    if part["kind"] in _ADDS_UP:
        return True
    nth = isinstance(part["pick"], int) or part["pick"] in _PER_VIDEO_PICKS
    return part["kind"] == "when" and nth


def desk_for(desk: Desk, part: Part) -> Desk:
    """The desk of the videos that a part is bound to; made once for each set of videos."""
    names = part.get("videos")
    if not names or set(names) >= set(desk.ids):
        return desk
    made: dict[tuple[str, ...], Desk] = vars(desk).setdefault("_narrowed", {})
    key = tuple(names)
    if key not in made:
        made[key] = replace(desk, videos=[v for v in desk.videos if v.id in key])
    return made[key]


# -- telling -----------------------------------------------------------------------------------


def told_together(
    desk: Desk, parts: Sequence[Part], findings: Sequence[Finding], most: int
) -> Finding:
    """The findings of one group as one: what is in which video, each with its own proofs."""
    names = {v.id: v.name for v in desk.videos}
    rows = [(names[p["videos"][0]], p, f) for p, f in zip(parts, findings, strict=True)]
    good = [(name, f) for name, _, f in rows if f["status"] == "found"]
    missing = [name for name, _, f in rows if f["status"] != "found"]
    if not good:
        return findings[0] | {"confidence": min(f["confidence"] for f in findings)}
    summed = parts[0]["kind"] in _ADDS_UP and all(f["value"] is not None for _, f in good)
    quota = max(2, most // len(rows))
    evidence: list[Candidate] = []
    sentences: list[dict[str, Any]] = []
    for _, one in good:
        begin = len(evidence)
        evidence += one["evidence"][: max(quota, _needed(one))]
        said = one["sentences"] if len(good) == 1 else one["sentences"][: 1 if summed else 2]
        for s in said:
            sentences.append(dict(s) | {"cites": [begin + n for n in s["cites"]]})
    firsts = _firsts(good)
    lead = (
        _sum(parts[0], good, missing, firsts)
        if summed
        else _lead(parts[0], good, missing, rows, firsts)
    )
    value = sum(f["value"] for _, f in good) if summed else None
    sure = min(f["confidence"] for _, f in good)
    made = finding("found", [*lead, *sentences], evidence, confidence=sure, value=value)
    return made | {"total": int(value) if value is not None and value == int(value) else None}


def _needed(one: Finding) -> int:
    return 1 + max((n for s in one["sentences"] for n in s["cites"]), default=-1)


def _firsts(good: Sequence[tuple[str, Finding]]) -> list[int]:
    """Where the first proof of each video will stand."""
    places, at = [], 0
    for _, one in good:
        places.append(at)
        at += len(one["evidence"])
    return places


def _sum(
    part: Part, good: Sequence[tuple[str, Finding]], missing: Sequence[str], firsts: Sequence[int]
) -> list[dict[str, Any]]:
    """ "5 in all: 3 in a.mp4, 2 in b.mp4."; durations in seconds."""
    total = sum(float(f["value"]) for _, f in good)
    unit = " s" if part["kind"] == "duration" else ""
    pieces = [f"{f['value']:g}{unit} in {name}" for name, f in good]
    pieces += [f"none in {name}" for name in missing]
    text = f"{total:g}{unit} in all: {', '.join(pieces)}."
    return [sentence(text, *firsts, computed=total)]


def _lead(
    part: Part,
    good: Sequence[tuple[str, Finding]],
    missing: Sequence[str],
    rows: Sequence[Any],
    firsts: Sequence[int],
) -> list[dict[str, Any]]:
    names = ", ".join(name for name, _ in good)
    if part["each"] == "which":
        return [sentence(f"In {len(good)} of {len(rows)} videos: {names}.", *firsts)]
    lead = []
    if part["each"] == "both" and part["kind"] == "exists":
        text = f"Yes, in all of them: {names}." if not missing else f"Only in {names}."
        lead = [sentence(text, *firsts)]
    if missing:
        note = f"In {', '.join(missing)} nothing was found about it."
        lead.append({"text": note, "cites": [], "by": "note", "computed": None})
    return lead


def first_names(desk: Desk, video: str) -> dict[str, tuple[int, Candidate]]:
    """Names of one video: how often, and the first place of each; screen text and speech."""
    found: dict[str, tuple[int, Candidate]] = {}
    for unit in desk.corpus.of("speech", "screen"):
        if unit.record.video != video:
            continue
        for name in names_in(unit.record.text):
            key = name.lower()
            times, first = found.get(key) or (0, candidate(unit, 0.8, lex=1.0) | {"name": name})
            found[key] = (times + 1, first)
    return found
