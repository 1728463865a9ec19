"""Put the findings of all parts together: one text, one list of proofs, one status.

When several videos are asked, every sentence that tells a time names its video. An answer that is
declined says why, what was searched and how finely, the nearest there is with how likely it is the
answer, and one concrete thing that would help.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, clock, quoted, stop, telling
from longtake.agent.question.spoken import spoken
from longtake.agent.reading.evidence import confidence
from longtake.agent.reading.likely import asked, likeliest
from longtake.agent.reading.pages import readable
from longtake.agent.state import Finding, Part
from longtake.agent.videos.fan_out import told_together
from longtake.agent.videos.naming import named
from longtake.agent.writing.losses import losses
from longtake.timecode import format_time
from longtake.tools.jsonable import rounded
from longtake.tools.now import followed

MOST_EVIDENCE = 30
UNLIKELY = 0.45
"""The most that a declined answer's best guess may be said to be worth, where nothing was measured."""
PERHAPS = 0.3
"""From this measured probability on the best guess is told first, and not after what was searched."""
NOTHING = 0.6
"""How sure it is at most that nothing is there: of 95 such answers about four films 42 were right;
of questions in the film's own words nearly all, of vague ones a third."""
Composed = dict[str, Any]


def compose(
    desk: Desk,
    parts: Sequence[Part],
    findings: Sequence[Finding],
    looks: Sequence[dict[str, Any]] = (),
) -> Composed:
    """Sentences with citations into one evidence list, status, value and confidence.

    Args:
        desk: the question's means.
        parts: what was asked, and what became of each in `findings`.
        findings: one for each part.
        looks: second looks at the source, each with video, start and end.
    """
    parts, findings = _grouped(desk, parts, findings)
    # What was only needed on the way is told last, and does not make an answer by itself.
    pairs = sorted(zip(parts, findings, strict=False), key=lambda pair: bool(pair[0].get("silent")))
    parts, findings = [p for p, _ in pairs], [f for _, f in pairs]
    told = [f for p, f in pairs if f["status"] == "found" and not p.get("silent")]
    found = [f for f in findings if f["status"] == "found"]
    made: Composed = {"sentences": [], "evidence": [], "value": None, "choice": None}
    if not told:
        declined = made | _declined(desk, parts, findings, looks)
        return declined | {"evidence": known(desk, declined["evidence"])}
    for part, one in zip(parts, findings, strict=False):
        if one["status"] == "found":
            if part.get("unseen_now"):
                made["sentences"].append(note(part["unseen_now"]))
            _add(made, one)
            if part.get("understood"):
                made["sentences"].append(note(part["understood"]))
        elif not part.get("silent"):
            made["sentences"].append(_gap(desk, part, one))
    whole = len(found) == len(findings)
    made["confidence"] = min(f["confidence"] for f in found) * (1.0 if whole else 0.8)
    made["status"] = "answered"
    values = [f["value"] for f in told if f["value"] is not None]
    made["value"] = values[0] if values else None
    made["choice"] = next((f["choice"] for f in told if f.get("choice") is not None), None)
    made["evidence"] = known(desk, _descending(made["evidence"]))
    made["sentences"] = named(desk, made["sentences"], made["evidence"])
    return made


def known(desk: Desk, evidence: Sequence[Candidate]) -> list[Candidate]:
    """Evidence as far as it may be known: a span that lasts beyond `as_of` ends there."""
    if desk.as_of is None:
        return list(evidence)
    limit = float(desk.as_of)
    return [dict(e) | {"end": max(e["start"], min(e["end"], limit))} for e in evidence]


def _grouped(
    desk: Desk, parts: Sequence[Part], findings: Sequence[Finding]
) -> tuple[list[Part], list[Finding]]:
    """Parts that are one question asked of several videos, with their findings put together."""
    groups: dict[str, list[int]] = {}
    for n, part in enumerate(parts):
        groups.setdefault(str(part.get("group") or f"#{n}"), []).append(n)
    told: list[Part] = []
    results: list[Finding] = []
    for places in groups.values():
        whole = {"videos": [v for n in places for v in parts[n].get("videos") or []]}
        told.append(dict(parts[places[0]]) | (whole if len(places) > 1 else {}))
        if len(places) == 1:
            results.append(findings[places[0]])
            continue
        mine = [parts[n] for n in places]
        each = [findings[n] for n in places]
        results.append(told_together(desk, mine, each, MOST_EVIDENCE))
    return told, results


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


# -- declining ---------------------------------------------------------------------------------

_STATUS = {"weak": "insufficient", "absent": "not_in_video"}
_LEAD = {
    "not_in_video": "Nothing in the video was found that answers this.",
    "not_seen_yet": "This has not been seen so far.",
    "insufficient": "What was found does not answer this.",
}


def _declined(
    desk: Desk,
    parts: Sequence[Part],
    findings: Sequence[Finding],
    looks: Sequence[dict[str, Any]],
) -> Composed:
    """Nothing was found: why, what was searched, the nearest there is, and what would help."""
    open_ = [n for n, f in enumerate(findings) if f["status"] != "found"] or [0]
    place = next((n for n in open_ if not findings[n].get("dependent")), open_[0])
    first, part = findings[place], parts[place]
    status = _status(desk, part, first)
    help_ = note(next_step(desk, part, first, status))
    if status in ("ambiguous", "unsupported"):
        open_ask = status == "ambiguous" and not first.get("help")
        text = "Please say what to look for." if open_ask else ""
        said = [note(piece) for piece in (first.get("note"), text) if piece]
        return {"sentences": [*said, help_], "status": status, "confidence": 0.5, "evidence": []}
    videos = [v for v in desk.videos if v.id in (part.get("videos") or desk.ids)]
    lead = _LEAD[status]
    if len(videos) > 1 and status == "not_in_video":
        lead = "Nothing in any of the videos was found that answers this."
    elif len(desk.videos) > 1 and status == "not_in_video":
        lead = f"Nothing in {videos[0].name} was found that answers this."
    if (first.get("declined") or 0.0) >= PERHAPS and status == "insufficient":
        lead = "Nothing found answers this for sure."
    lead = first.get("lead") or lead
    told = (lead, part.get("unseen_now"), first.get("note"), part.get("understood"),
            scope(desk, videos, looks), *losses(desk, part, videos), *behind(desk, videos))  # fmt: skip
    said = [note(piece) for piece in dict.fromkeys(told) if piece]
    pointed, evidence, leads = _pointed(desk, part, first, status)
    said[1 if leads else len(said) :] = [*pointed, *(said[1:] if leads else [])]
    said = named(desk, said, evidence)
    sure = first["confidence"] or 0.5
    if not part.get("settled"):
        sure = min(sure, NOTHING)
    return {"sentences": [*said, help_], "status": status, "evidence": evidence,
            "confidence": sure}  # fmt: skip


def _pointed(
    desk: Desk, part: Part, first: Finding, status: str
) -> tuple[list[dict[str, Any]], list[Candidate], bool]:
    """Where a person may look, its proofs, and whether that is told before what was searched.

    A guess whose worth was measured goes first; then the places nearest in meaning, which are right
    for a third to a half of the questions that the video answers; then whatever came nearest by its words.
    """
    if first.get("offered"):
        evidence = _descending(first["offered"])
        return [_offer(evidence)], evidence, False
    nearest, p = first.get("nearest"), first.get("declined")
    if nearest and nearest["source"] == "screen" and not readable(nearest["quote"]):
        nearest = None  # a stray glyph is like nothing
    if nearest and p is not None and p >= PERHAPS:
        return [_nearest(nearest, status, p)], [dict(nearest)], True
    if not part.get("settled") and part["words"] and len(desk.videos) == 1 and desk.switches.likely:
        found = likeliest(desk, part, asked(desk, part))
        if found:
            return [_likely(found)], _descending(found), True
    return ([_nearest(nearest, status, p)], [dict(nearest)], False) if nearest else ([], [], False)


def _likely(found: Sequence[Candidate]) -> dict[str, Any]:
    """The place nearest in meaning with its words, and the next ones by their times."""
    first, *rest = found
    text = (
        f"The likeliest place, by meaning alone, is {clock(first['start'])}, where {telling(first)}"
    )
    text = stop(
        f"{text}, then {' or '.join(clock(one['start']) for one in rest)}" if rest else text
    )
    return {"text": text, "cites": list(range(len(found))), "by": "code", "computed": None}


def _status(desk: Desk, part: Part, first: Finding) -> str:
    """What a declined answer is called; "it is not there" is only said of what was all searched."""
    status = _STATUS.get(first["status"], str(first["status"]))
    unseen = [v for v in desk.videos if not desk.watched(v)]
    if status == "not_in_video" and unseen:
        return "not_seen_yet"
    if status == "not_in_video" and left_out(desk) and not part.get("videos"):
        return "insufficient"
    if status == "not_in_video" and losses(desk, part, desk.videos):
        return "insufficient"
    return status


def left_out(desk: Desk) -> int:
    """How many videos of the library were not opened, because others fit better."""
    return len(getattr(desk, "left_out", ()))


def _nearest(one: Candidate, status: str, measured: float | None) -> dict[str, Any]:
    """The best guess: raw words, never an answer; weak ones with how likely they are it.

    `measured` is the calibrated probability for which it was declined, None where there is none.
    """
    p = min(UNLIKELY, confidence(one, [], False)) if measured is None else measured
    guess = f" (best guess, p {p:.2f})" if status == "insufficient" else ""
    near = stop(f"The nearest, at {clock(one['start'])}{guess}: {quoted(one)}")
    return {"text": near, "cites": [0], "by": "code", "computed": None}


def next_step(desk: Desk, part: Part, first: Finding, status: str) -> str:
    """One concrete thing that would help."""
    unseen = [v for v in desk.videos if not desk.watched(v)]
    if first.get("help"):
        return f"Next: {first['help']}"
    if status == "unsupported":
        return "Next: ask about what is said, shown or written in the video."
    if status == "ambiguous":
        return "Next: ask again with the name of what is meant."
    live = [v for v in unseen if followed(v)]
    if status == "not_seen_yet" and desk.as_of is None and live:
        asked = shlex.quote(part["text"])
        return f"Next: longtake watch {live[0].id} --ask {asked} tells when it comes."
    if status == "not_seen_yet" and unseen and desk.as_of is None:
        return (
            f"Next: longtake ingest {shlex.quote(unseen[0].path)} watches the rest; then ask again."
        )
    if status == "not_seen_yet":
        return "Next: ask again at a later time."
    if left_out(desk):
        return "Next: name one of the other videos to search it."
    if first.get("offered") or part["sources"][0] == "sight":
        return "Next: look at a place yourself with longtake show VIDEO TIME, or name the thing otherwise."
    if first.get("nearest") and status == "insufficient":
        return f"Next: ask “what is said at {clock(first['nearest']['start'])}?” to read on there."
    words = " or ".join(f"“{word}”" for word in part["words"][:2])
    return f"Next: ask in other words{f' than {words}' if words else ''}, or name a time."


def _offer(places: Sequence[Candidate]) -> dict[str, Any]:
    """Places worth a look, which nothing proves: "It may be here: 00:01:34 (“bird”)."."""
    shown = [f"{clock(one['start'])} ({quoted(one)})" for one in places]
    cites = list(range(len(places)))
    text = f"It may be here: {', '.join(shown)}."
    return {"text": text, "cites": cites, "by": "code", "computed": None}


def scope(desk: Desk, videos: Sequence[Any], looks: Sequence[dict[str, Any]] = ()) -> str:
    """What was searched, for people: "Searched 100 % of lecture.mp4 (00:00:00–01:00:00)."."""
    pieces = []
    for video in videos[:3]:
        spans = desk.toolbox.covered(video.id, desk.as_of)
        end = max((s["end"] for s in spans), default=0.0)
        # What is followed may have grown since the question was put.
        share = min(100, round(100 * end / video.duration)) if video.duration else 0
        pieces.append(f"{share} % of {video.name} (00:00:00–{clock(end)})")
    more = f" and {len(videos) - 3} more videos" if len(videos) > 3 else ""
    closer = ""
    if looks:
        places = sorted({(look["start"], look["end"]) for look in looks})
        shown = ", ".join(
            f"{clock(low)}–{format_time(high, millis=False)}" for low, high in places[:3]
        )
        also = f" and {len(places) - 3} more places" if len(places) > 3 else ""
        closer = f"; the pictures again at {shown}{also}"
    rest = f" Not opened: {left_out(desk)} videos that fit less." if left_out(desk) else ""
    found = "speech, screen text, pictures" if desk.switches.finer else "captions only"
    return f"Searched {', '.join(pieces)}{more}: {found}{closer}.{rest}"


def behind(desk: Desk, videos: Sequence[Any]) -> list[str]:
    """How far the watch of what is still being made is behind it, for people."""
    if desk.as_of is not None:
        return []
    said = []
    for video in (v for v in videos if followed(v)):
        known, edge = desk.read_to(video), desk.reach(video)
        lag = spoken(round(max(0.0, edge - known)))
        said.append(f"{video.name} was watched until {clock(known)}; the stream is at {clock(edge)}, "
                    f"so the watch is {lag} behind.")  # fmt: skip
    return said


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
