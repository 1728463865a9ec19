"""The steps of the graph: each takes the state and returns the channels that it changed.

They decide by rules over numbers, and write into the trace what they saw. `longtake.agent.graph`
says in which order they run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.classify import classify as parts_of
from longtake.agent.close_reading import read_closely
from longtake.agent.compose import compose, note, searched
from longtake.agent.desk import Desk, row
from longtake.agent.evidence import collect, enough
from longtake.agent.findings import finding
from longtake.agent.followups import remembered
from longtake.agent.ground import ground
from longtake.agent.phrase import KINDS, phrase
from longtake.agent.resolve import beyond
from longtake.agent.resolve import resolve as bind
from longtake.agent.second_look import MOST as MOST_LOOKS
from longtake.agent.second_look import look_again, regions, wanted
from longtake.agent.solve import solve
from longtake.agent.state import HISTORY, State, part_of
from longtake.tools.corpus import Term, coverage

TRIES = 2


def open_turn(desk: Desk, state: State) -> State:
    """Set every channel of the turn anew; only `history` lives on."""
    return {
        "parts": [], "at": 0, "tries": 0, "regions": [], "candidates": [], "looks": [],
        "findings": [], "sentences": [], "evidence": [], "searched": [], "cost": {}, "answer": {},
        "history": list(state.get("history") or [])[-HISTORY:],
        "trace": [{"step": "open_turn", "videos": desk.ids, "as_of": desk.as_of}],
    }  # fmt: skip


def classify(desk: Desk, state: State) -> State:
    """Cut the question into parts and say what kind of answer each wants."""
    parts = parts_of(state["question"], state.get("options"))
    keys = ("text", "kind", "pick", "words", "sources", "relation", "anchor")
    seen = [{k: p[k] for k in keys if p.get(k)} for p in parts]
    return {"parts": parts, "trace": _trace(state, "classify", parts=seen)}


def resolve(desk: Desk, state: State) -> State:
    """Bind the current part to times, and to earlier parts and turns."""
    at = state["at"]
    earlier = list(zip(state["parts"][:at], state["findings"], strict=False))
    part, settled = bind(desk, part_of(state), earlier, state["history"])
    gone = beyond(desk, part)
    if gone:
        said = f"The time lies beyond the end ({gone['end']:g} s)."
        settled = finding("absent", confidence=0.95, note=said)
    part = dict(part) | {"settled": settled}
    parts = [*state["parts"][:at], part, *state["parts"][at + 1 :]]
    keys = ("words", "scope", "window", "kind", "anchor")
    seen = {k: part[k] for k in keys if part.get(k)}
    return {"parts": parts, "tries": 0, "candidates": [], "regions": [],
            "trace": _trace(state, "resolve", settled=bool(settled), **seen)}  # fmt: skip


def coarse(desk: Desk, state: State) -> State:
    """Find the regions that may hold it, on the coarse levels and by hybrid search."""
    part = part_of(state)
    if part["settled"] or not part["words"]:
        return {"regions": []}
    places = regions(desk, part, _terms(desk, state))
    top = [{k: p[k] for k in ("start", "end", "fit")} for p in places[:3]]
    return {"regions": places, "trace": _trace(state, "coarse", regions=len(places), top=top)}


def open_finer(desk: Desk, state: State) -> State:
    """Read the moments themselves: utterances, screen lines, frames; all of them are scanned."""
    part = part_of(state)
    if part["settled"] or not part["words"]:
        return {"candidates": []}
    terms = _terms(desk, state)
    found = collect(desk, part, terms) if desk.switches.finer else _captions(desk, terms)
    if desk.switches.finer and desk.switches.closely:
        found = read_closely(desk, part, terms, found)
    top = [{k: c[k] for k in ("id", "score", "lex", "dense", "quote")} for c in found[:5]]
    absent = [term.text for term in terms if term.absent]
    step = _trace(state, "open_finer", candidates=len(found), top=top, absent=absent)
    return {"candidates": found, "trace": step}


def inspect(desk: Desk, state: State) -> State:
    """Decode promising spans again when the detail is missing and the source is there."""
    part = part_of(state)
    left = MOST_LOOKS - len(state["looks"])
    if part["settled"] or not desk.switches.inspect or left <= 0 or not desk.switches.finer:
        return {}
    terms = _terms(desk, state)
    places = _places(desk, state, terms)
    if not places:
        return {}
    seen, done = look_again(desk, part, terms, places, min(left, 2))
    best = [c for c in seen if c["lex"] > 0][:6]
    looks = [*state["looks"], *done]
    found = sorted([*best, *state["candidates"]], key=lambda c: (-c["score"], c["start"], c["id"]))
    quotes = [c["quote"] for c in best[:3]]
    return {"candidates": best + [c for c in found if c not in best] if best else found,
            "looks": looks, "trace": _trace(state, "inspect", looked=done, new=quotes)}  # fmt: skip


def weigh(desk: Desk, state: State) -> State:
    """Judge what was found: settle this part, or leave it open for a rewrite."""
    part, terms = part_of(state), _terms(desk, state)
    made = part["settled"] or solve(desk, part, terms, state["candidates"], state.get("options"))
    retry = made["status"] in ("absent", "weak") and not part["settled"]
    if retry and state["tries"] + 1 < TRIES and _can_rewrite(desk, state):
        return {"trace": _trace(state, "weigh", verdict="not enough")}
    step = _trace(state, "weigh", verdict=made["status"], confidence=made["confidence"])
    return {"findings": [*state["findings"], made], "trace": step}


def rewrite(desk: Desk, state: State) -> State:
    """Ask again in wider words: near spellings count, and no source is left out."""
    return {"tries": state["tries"] + 1, "trace": _trace(state, "rewrite", blur=desk.switches.blur)}


def next_part(desk: Desk, state: State) -> State:
    """Go on to the next part of the question."""
    return {"at": state["at"] + 1}


def synth(desk: Desk, state: State) -> State:
    """Write the answer from the findings; the model may put it into one more sentence."""
    made = compose(desk, state["parts"], state["findings"])
    said, why = _phrased(desk, state, made)
    sentences = [*said, *made["sentences"]]
    answer = {k: made[k] for k in ("status", "value", "choice")}
    answer["confidence"] = round(float(made["confidence"]), 3)
    step = _trace(state, "synth", status=made["status"], phrase=why)
    return {"sentences": sentences, "evidence": made["evidence"], "answer": answer, "trace": step,
            "searched": searched(desk, state["looks"])}  # fmt: skip


def ground_check(desk: Desk, state: State) -> State:
    """Drop every sentence that its evidence does not bear; without one left, do not answer."""
    if not desk.switches.ground:
        return {"trace": _trace(state, "ground_check", off=True)}
    kept, dropped = ground(state["sentences"], state["evidence"], state["question"])
    answer = dict(state["answer"])
    if answer["status"] == "answered" and not any(s["by"] != "note" for s in kept):
        answer |= {"status": "insufficient", "value": None, "confidence": 0.2, "choice": None}
        kept = [note("What was found does not bear an answer."), *kept]
    lost = [{"text": s["text"], "why": s["why"]} for s in dropped]
    step = _trace(state, "ground_check", kept=len(kept), dropped=lost)
    return {"sentences": kept, "answer": answer, "trace": step}


def remember(desk: Desk, state: State) -> State:
    """Keep the turn for follow-ups, and finish the answer."""
    text = " ".join(s["text"] for s in state["sentences"])
    turns = [
        remembered(state["question"], part, one)
        for part, one in zip(state["parts"], state["findings"], strict=False)
        if one["status"] == "found"
    ] if state["answer"]["status"] == "answered" else []  # fmt: skip
    cost = {key: int(desk.cost[key]) for key in _COSTS}
    return {"history": [*state["history"], *turns[:1]][-HISTORY:], "cost": cost,
            "answer": dict(state["answer"]) | {"text": text}}  # fmt: skip


_COSTS = ("searches", "records_read", "inspections", "frames", "model_calls")


def after_weigh(state: State) -> str:
    """Where to go when a part has been judged."""
    if len(state["findings"]) <= state["at"]:
        return "rewrite"
    return "next_part" if state["at"] + 1 < len(state["parts"]) else "synth"


def _terms(desk: Desk, state: State) -> list[Term]:
    """The part's words as terms; near spellings from the second try on."""
    blur = desk.switches.blur and state["tries"] > 0
    return desk.terms(part_of(state)["words"], blur=blur)


def _can_rewrite(desk: Desk, state: State) -> bool:
    return desk.switches.blur and any(term.absent for term in _terms(desk, state))


def _captions(desk: Desk, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Only what the coarse levels say."""
    found = []
    for unit in desk.corpus.of("caption"):
        held = coverage(terms, [unit])
        if held > 0:
            found.append(row(unit.record, "caption", 0.8 * held, lex=held))
    return sorted(found, key=lambda c: (-c["score"], c["start"], c["id"]))[:40]


def _places(desk: Desk, state: State, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Where a second look may help: the fitting regions, or a window without screen text."""
    part = part_of(state)
    if part.get("window") and part["sources"][0] in ("screen", "sight"):
        known = solve(desk, part, terms, [], None)["status"] == "found"
        video = part.get("anchored") or desk.ids[0]
        low, high = part["window"]
        return [] if known else [{"video": video, "start": low, "end": high, "fit": 1.0}]
    best = state["candidates"][0] if state["candidates"] else None
    read = best is not None and best["source"] in ("screen", "sight")
    return state["regions"] if wanted(part, read and enough(best, terms)) else []


def _phrased(desk: Desk, state: State, made: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The model's sentence, where one is of use."""
    plain = made["status"] == "answered" and len(state["parts"]) == 1
    if desk.chat is None or not desk.switches.phrase or not plain:
        return [], "not asked"
    if state["parts"][0]["kind"] not in KINDS:
        return [], "not asked"
    text, why = phrase(desk.chat, state["question"], made["evidence"])
    desk.count("model_calls")
    cites = list(range(min(6, len(made["evidence"]))))
    return ([{"text": text, "cites": cites, "by": "model", "computed": None}] if text else []), why


def _trace(state: State, step: str, **seen: Any) -> list[dict[str, Any]]:
    return [*(state.get("trace") or []), {"step": step, **seen}]
