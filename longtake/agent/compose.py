"""Put the findings of all parts together: one text, one list of proofs, one status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, clock, quoted, stop
from longtake.agent.state import Finding, Part
from longtake.tools.jsonable import rounded

MOST_EVIDENCE = 30
Composed = dict[str, Any]


def compose(desk: Desk, parts: Sequence[Part], findings: Sequence[Finding]) -> Composed:
    """Sentences with citations into one evidence list, status, value and confidence."""
    found = [f for f in findings if f["status"] == "found"]
    made: Composed = {"sentences": [], "evidence": [], "value": None, "choice": None}
    if not found:
        declined = made | _declined(desk, findings)
        return declined | {"evidence": known(desk, declined["evidence"])}
    for part, one in zip(parts, findings, strict=False):
        if one["status"] == "found":
            _add(made, one)
        elif not part.get("silent"):
            made["sentences"].append(_gap(desk, part, one))
    whole = len(found) == len(findings)
    made["confidence"] = min(f["confidence"] for f in found) * (1.0 if whole else 0.8)
    made["status"] = "answered"
    values = [f["value"] for f in found if f["value"] is not None]
    made["value"] = values[0] if values else None
    made["choice"] = next((f["choice"] for f in found if f.get("choice") is not None), None)
    made["evidence"] = known(desk, _descending(made["evidence"]))
    return made


def known(desk: Desk, evidence: Sequence[Candidate]) -> list[Candidate]:
    """Evidence as far as it may be known: a span that lasts beyond `as_of` ends there."""
    if desk.as_of is None:
        return list(evidence)
    limit = float(desk.as_of)
    return [dict(e) | {"end": max(e["start"], min(e["end"], limit))} for e in evidence]


def _add(made: Composed, one: Finding) -> None:
    """Append a finding; evidence that is cited already is cited again, not repeated."""
    places: list[int] = []
    for proof in one["evidence"]:
        known = next((n for n, e in enumerate(made["evidence"]) if _same(e, proof)), None)
        if known is None:
            made["evidence"].append(dict(proof))
            known = len(made["evidence"]) - 1
        places.append(known)
    for said in one["sentences"]:
        made["sentences"].append(dict(said) | {"cites": [places[n] for n in said["cites"]]})


def _same(one: Candidate, other: Candidate) -> bool:
    return bool(one["id"] == other["id"] and one["quote"] == other["quote"])


def _descending(evidence: Sequence[Candidate]) -> list[Candidate]:
    """Strongest first: the order is that of the answer, and no score may exceed one before it."""
    out: list[Candidate] = []
    for proof in evidence:
        top = out[-1]["score"] if out else 1.0
        out.append(dict(proof) | {"score": round(min(top, proof["score"], 1.0), 4)})
    return out


def note(text: str) -> dict[str, Any]:
    """A sentence about the search, not about the video; it cites nothing."""
    return {"text": text, "cites": [], "by": "note", "computed": None}


def _gap(desk: Desk, part: Part, one: Finding) -> dict[str, Any]:
    """Say which part of a question was not found."""
    where = {"screen": "on screen", "speech": "in the speech", "sight": "in the picture"}
    place = where.get(part["sources"][0], "")
    if part.get("window"):
        return note(f"Nothing was found {place} at that time.")
    return note(
        one.get("note") or f"For “{part['text']}” nothing was found {place}.".replace(" .", ".")
    )


_STATUS = {"weak": "insufficient", "absent": "not_in_video"}


def _declined(desk: Desk, findings: Sequence[Finding]) -> Composed:
    """Nothing was found: why, what was searched, and the nearest there is."""
    first = next((f for f in findings if not f.get("dependent")), findings[0])
    status = _STATUS.get(first["status"], str(first["status"]))
    unseen = [v for v in desk.videos if not desk.watched(v)]
    if status == "not_in_video" and unseen:
        status = "not_seen_yet"
    if status in ("ambiguous", "unsupported"):
        text = {"ambiguous": "Please say what to look for.", "unsupported": ""}[status]
        said = [note(piece) for piece in (first.get("note"), text) if piece]
        return {"sentences": said, "status": status, "confidence": 0.5, "evidence": []}
    lead = {
        "not_in_video": "This is not in the video.",
        "not_seen_yet": "This has not been seen so far.",
        "insufficient": "What was found does not answer this.",
    }[status]
    if len(desk.videos) > 1 and status == "not_in_video":
        lead = "This is in none of the videos."
    said = [note(piece) for piece in (lead, first.get("note"), _scope(desk)) if piece]
    evidence: list[Candidate] = []
    nearest = first.get("nearest")
    if first.get("offered"):
        evidence = _descending(first["offered"])
        said.append(_offer(evidence))
    elif nearest:
        evidence = [dict(nearest)]
        near = stop(f"The nearest, at {clock(nearest['start'])}: {quoted(nearest)}")
        said.append({"text": near, "cites": [0], "by": "code", "computed": None})
    sure = first["confidence"] or 0.5
    return {"sentences": said, "status": status, "evidence": evidence,
            "confidence": sure if status != "not_seen_yet" else min(sure, 0.6)}  # fmt: skip


def _offer(places: Sequence[Candidate]) -> dict[str, Any]:
    """Places worth a look, which nothing proves: "It may be here: 00:01:34 (“bird”)."."""
    shown = [f"{clock(one['start'])} ({quoted(one)})" for one in places]
    cites = list(range(len(places)))
    text = f"It may be here: {', '.join(shown)}."
    return {"text": text, "cites": cites, "by": "code", "computed": None}


def _scope(desk: Desk) -> str:
    """What was searched, for people: "Searched 100 % of lecture.mp4 (00:00:00–01:00:00)."."""
    pieces = []
    for video in desk.videos[:3]:
        spans = desk.toolbox.covered(video.id, desk.as_of)
        end = max((s["end"] for s in spans), default=0.0)
        share = round(100 * end / video.duration) if video.duration else 0
        pieces.append(f"{share} % of {video.name} (00:00:00–{clock(end)})")
    more = f" and {len(desk.videos) - 3} more videos" if len(desk.videos) > 3 else ""
    return f"Searched {', '.join(pieces)}{more}: speech, screen text, pictures."


def searched(desk: Desk, looks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was looked through, and how finely: `moment` where the deep pass has been."""
    rows = []
    for video in desk.videos:
        for span in desk.toolbox.covered(video.id, desk.as_of):
            level = "moment" if span["pass"] == "deep" else "frame"
            rows.append({"video": video.id, "start": span["start"], "end": span["end"],
                         "level": level if desk.switches.finer else "clip"})  # fmt: skip
    for look in looks:
        rows.append({"video": look["video"], "start": rounded(look["start"]),
                     "end": rounded(look["end"]), "level": "source"})  # fmt: skip
    return rows
