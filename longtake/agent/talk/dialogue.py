"""What a thread keeps of its turns: dialogue records, JSON in the thread's own state.

A record says how a question was understood, what the answer told and where, what it spoke of, and
how far each video was known then (`known_until`). An answer holds for good when it rests on its own
span; one that rests on everything watched so far (the last time, a count) holds while no more has
been watched, and is worked out anew after that (EgoStream's answers with a validity interval).
Nothing of another thread is ever looked at (the sessions of SVBench's dialogues, S11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import clock
from longtake.agent.reading.evidence import collect
from longtake.agent.solvers.by_kind import solve
from longtake.agent.state import Finding, Part
from longtake.agent.talk.mentions import referents_of

Turn = dict[str, Any]

_OF_THE_TURN = ("settled", "ask", "id", "deps", "asked_of", "known_until", "group")
_WHOLE = ("last", "every")
"""Picks that rest on everything that was watched so far."""
_UNSAID = "What was spoken of before was in {names}, which is not among the videos asked now."


def remembered(question: str, part: Part, found: Finding, *, desk: Desk | None = None) -> Turn:
    """A turn as the thread keeps it; declined ones too, so that they can be corrected.

    `desk` is needed for a part only that did not come out of `resolve`.
    """
    if desk is not None and "known_until" not in part:
        part = asked_of(desk, part)
    keys = ("kind", "words", "phrases", "sources", "strict", "pick", "wants", "unit")
    turn = {"channel": "dialogue", "question": question, "text": part["text"],
            **{k: part.get(k) for k in keys}, "status": found["status"]}  # fmt: skip
    ok = found["status"] == "found"
    evidence = found["evidence"] if ok else []
    turn["spans"] = found["spans"][:4] if ok else []
    turn["quote"] = evidence[0]["quote"] if evidence else question
    turn["at"] = evidence[0]["source"] if evidence else None
    turn["told"] = [*(part.get("without") or []), *_spans(evidence[: _cited(found)])][-24:]
    turn["total"] = found.get("total") or found.get("value")
    turn["guess"] = _guess(found)
    turn["proofs"] = [e["id"] for e in evidence[: _cited(found)]][:6]
    turn["referents"] = referents_of(part, found)
    turn["part"] = {k: v for k, v in part.items() if k not in _OF_THE_TURN}
    turn["videos"] = part.get("asked_of") or {}
    turn["known_until"] = part.get("known_until") or {}
    turn["words"] = part["words"] or part["anchor"] or part.get("topic") or []
    return turn


LIKELY = 0.5
"""Share of a declined question's words that its nearest line must hold to be gone on from."""


def _guess(found: Finding) -> dict[str, Any] | None:
    """The nearest line of a declined answer, where it is likely what was meant."""
    near = found.get("nearest")
    if found["status"] != "weak" or not near or float(near.get("lex") or 0.0) < LIKELY:
        return None
    return {k: near[k] for k in ("video", "start", "end", "source", "quote")}


def _cited(found: Finding) -> int:
    return 1 + max((n for said in found["sentences"] for n in said["cites"]), default=0)


def _spans(evidence: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: e[k] for k in ("video", "start", "end", "source", "quote")} for e in evidence]


def asked_of(desk: Desk, part: Part) -> Part:
    """The part with the names of the videos asked, and how far each is known, for later turns."""
    names = {v.id: v.name for v in desk.videos}
    return dict(part) | {"asked_of": names, "known_until": known_until(desk)}


def known_until(desk: Desk) -> dict[str, float]:
    """How far each video may be known now."""
    return {
        v.id: max((float(c["end"]) for c in desk.toolbox.covered(v.id, desk.as_of)), default=0.0)
        for v in desk.videos
    }


def usable(desk: Desk, history: Sequence[Turn]) -> list[Turn]:
    """Turns as far as they hold now: nothing later than `as_of`, no video that is not asked."""
    turns = []
    for turn in history:
        spans = [s for s in turn["spans"] if s["video"] in desk.ids and _past(desk, s)]
        guess = turn.get("guess")
        kept = guess if guess and guess["video"] in desk.ids and _past(desk, guess) else None
        turns.append(dict(turn) | {"spans": spans, "guess": kept, "told": [
            s for s in turn.get("told") or [] if s["video"] in desk.ids and _past(desk, s)]})  # fmt: skip
    return turns


def _past(desk: Desk, span: dict[str, Any]) -> bool:
    return desk.as_of is None or float(span["end"]) <= desk.as_of


def gone(turns: Sequence[Turn], history: Sequence[Turn], desk: Desk) -> str | None:
    """Why an earlier answer cannot be followed up: its video is not asked, or not there any more."""
    if last_found(turns) is not None:
        return None
    before = last_found(history)
    if before is None:
        return None
    lost = {s["video"] for s in before["spans"]} - set(desk.ids)
    names = sorted(str(before.get("videos", {}).get(video, video)) for video in lost)
    return _UNSAID.format(names=" and ".join(names)) if names else None


def last_found(history: Sequence[Turn]) -> Turn | None:
    """The latest turn that found something."""
    return next((turn for turn in reversed(history) if turn["spans"]), None)


_AFTER_GUESS = (
    "The question before was not answered for sure; this goes on from its best guess, at {at}."
)
_AFTER_OTHER = "The question before was not answered; this goes on from “{question}”."


def gone_on_from(desk: Desk, turns: Sequence[Turn]) -> Turn | None:
    """The turn that "that" and "then" allude to, as it stands now.

    It is the latest that found something or has a likely guess; what was asked in vain may be
    answered by now. ``note`` says so when it is not simply the last answer.
    """
    latest = current(desk, turns[-1]) if turns else None
    if latest is None or latest["spans"]:
        return latest
    if guess := latest.get("guess"):
        span = {k: guess[k] for k in ("video", "start", "end")}
        told = {"spans": [span], "quote": guess["quote"], "at": guess["source"], "told": []}
        return latest | told | {"note": _AFTER_GUESS.format(at=clock(guess["start"]))}
    before = last_found(turns)
    if before is None or before["kind"] in ("summary", "highlights"):
        return None  # a whole film is no place to go on from
    return current(desk, before) | {"note": _AFTER_OTHER.format(question=before["question"])}


def current(desk: Desk, turn: Turn) -> Turn:
    """The turn as it stands now: worked out anew when more has been watched since, and it rests on
    all that was watched, or was not answered then."""
    grown = any(now > turn["known_until"].get(v, now) + 0.5 for v, now in known_until(desk).items())
    whole = turn["pick"] in _WHOLE or turn["kind"] in ("count", "duration")
    whole = whole or turn["status"] not in ("found", "unsupported")
    part = turn.get("part")
    if not (grown and whole and part):
        return turn
    terms = desk.terms(part["words"])
    made = solve(desk, part, terms, collect(desk, part, terms), None)
    if made["status"] != "found":
        return turn
    return remembered(turn["question"], asked_of(desk, part), made) | {"renewed": True}
