"""The nodes of a turn: from a question to its parts, and from what became of them to an answer.

::

    open_turn ─► classify ─► resolve ─► ask_user ─► decompose ─► schedule ═Send═► solve ×n
                                                                    ▲               │
                                                                    └───────────────┘
    schedule ─► synth ─► ground_check ─► remember

`schedule` sends every part whose dependencies are solved, so that independent parts are worked on
at the same time and a part that needs another's answer waits for it.
"""

from __future__ import annotations

from typing import Any, cast

from longtake.agent.desk import Desk
from longtake.agent.findings import finding
from longtake.agent.question.classify import classify as parts_of
from longtake.agent.question.classify import part as part_of
from longtake.agent.question.classify import wanted
from longtake.agent.question.decompose import decompose as split
from longtake.agent.question.manners import bare
from longtake.agent.question.now import about_now
from longtake.agent.question.resolve import answered
from longtake.agent.question.resolve import resolve as bind
from longtake.agent.state import HISTORY, Solved, State
from longtake.agent.surety.ground import ground
from longtake.agent.talk.dialogue import remembered
from longtake.agent.talk.referents import pronoun_in
from longtake.agent.videos.fan_out import fan_out
from longtake.agent.writing.compose import compose, note, searched
from longtake.agent.writing.phrase import KINDS, phrase
from longtake.tools.now import followed

ASKED_PLAINLY = ("fact", "said", "shown", "when")
NEVER_PLAIN = ("count", "compare", "exists", "choice", "unsupported", "summary", "highlights",
               "at_time")  # fmt: skip
"""A sentence about it is no answer to how often, which of two, or whether."""
COSTS = ("searches", "records_read", "inspections", "frames", "model_calls")


def open_turn(desk: Desk, state: State) -> State:
    """Set every channel of the turn anew; only `history` lives on."""
    step = desk.tell({"step": "open_turn", "videos": desk.ids, "as_of": desk.as_of})
    fresh: dict[str, Any] = {
        "parts": [], "out": None, "sentences": [], "evidence": [], "searched": [], "cost": {},
        "answer": {}, "history": list(state.get("history") or [])[-HISTORY:], "trace": [step],
    }  # fmt: skip
    return cast(State, fresh)


def classify(desk: Desk, state: State) -> State:
    """Cut the question into parts and say what kind of answer each wants."""
    parts = parts_of(state["question"], state.get("options"))
    if desk.as_of is not None or any(followed(video) for video in desk.videos):
        parts = about_now(parts, desk.as_of)
    keys = ("text", "kind", "pick", "words", "sources", "relation", "anchor", "op")
    seen = [{k: p[k] for k in keys if p.get(k)} for p in parts]
    return {"parts": parts, "trace": traced(desk, state, "classify", parts=seen)}


def resolve(desk: Desk, state: State) -> State:
    """Bind parts to times and to earlier turns; what speaks of an earlier part waits for it."""
    history = state["history"] if desk.switches.history else []
    bound = []
    for n, part in enumerate(state["parts"]):
        refers = bool(n and desk.switches.history and pronoun_in(part["text"]))
        if refers or (n and part["follows"]):  # it may speak of what the part before finds
            bound.append(dict(part) | {"refers": refers})
            continue
        made, settled = bind(desk, part, [], history)
        bound.append(dict(made) | {"settled": settled})
    keys = ("words", "scope", "window", "kind", "understood", "referent", "videos", "each")
    told = [{k: p[k] for k in keys if p.get(k)} for p in bound]
    return {"parts": bound, "trace": traced(desk, state, "resolve", parts=told)}


def ask_user(desk: Desk, state: State) -> State:
    """In a chat, ask which of two things was meant; elsewhere the likelier is taken."""
    from langgraph.types import interrupt

    if not state.get("chat"):
        return {}
    parts, asked = [], []
    for part in state["parts"]:
        if part.get("ask"):
            reply = interrupt(part["ask"])
            asked.append({"asked": part["ask"]["text"], "reply": reply})
            part = answered(part, reply)
        parts.append(part)
    return {"parts": parts, "trace": traced(desk, state, "ask_user", asked=asked)} if asked else {}


def decompose(desk: Desk, state: State) -> State:
    """Split what needs another answer first into parts that wait for each other."""
    parts = split(state["parts"], switches=desk.switches, reasoner=desk.reasoner)
    parts = fan_out(desk, parts)
    told = [{"id": p["id"], "deps": p["deps"], "text": p["text"]} for p in parts]
    return {"parts": parts, "trace": traced(desk, state, "decompose", parts=told)}


def schedule(desk: Desk, state: State) -> State:
    """Which parts are ready is worked out by `ready`; when all were in vain, one more may be."""
    if not desk.switches.plain or desk.stop() or desk.ledger.out_of_time():
        return {}
    again = None if state.get("options") else plainly(state)
    if again is None:
        return {}
    step = traced(desk, state, "plainly", text=again["text"], words=again["words"])
    return {"parts": [*state["parts"], again], "trace": step}


def plainly(state: State) -> dict[str, Any] | None:
    """The whole question as one plain part, once its parts found nothing; None where that is no help.

    What was cut at "when", "before" or "who" was perhaps no time, order or second question at all:
    "what did they use for a rudder after theirs had broken?" asks for a thing.
    """
    parts, out = state["parts"], state["out"]
    if not out or len(out) < len(parts) or any(one["finding"]["status"] == "found" for one in out):
        return None
    first = parts[0]
    whole = len(parts) == 1 and not first.get("op") and first["kind"] in ASKED_PLAINLY
    bound = any(p.get("settled") or p.get("window") or p.get("refers") for p in parts)
    known = any(p.get("understood") or p.get("referent") or p.get("now") for p in parts)
    never = any(p.get("plain") or p["kind"] in NEVER_PLAIN for p in parts)
    if whole or bound or known or never:
        return None
    text = bare(state["question"]).rstrip(" ?")
    again = part_of(text, "fact", even=True, pick="best", wants=wanted(text.lower()), plain=True)
    if not again["words"]:
        return None
    return again | {"id": f"s{len(parts) + 1}", "deps": [], "settled": None, "bind": None}


def ready(desk: Desk, state: State) -> list[dict[str, Any]]:
    """What to send to SOLVE now; empty when all is solved, or no more time is left."""
    solved = {one["id"] for one in state["out"]}
    if desk.stop() or (state["out"] and desk.ledger.out_of_time()):
        return []
    return [
        {"part": part, "options": state.get("options"), "history": state["history"],
         "done": [one for one in state["out"] if one["id"] in part["deps"]]}
        for part in state["parts"]
        if part["id"] not in solved and set(part["deps"]) <= solved
    ]  # fmt: skip


def synth(desk: Desk, state: State) -> State:
    """Write the answer from the findings; the model may put it into one more sentence."""
    solved = in_order(state)
    parts, findings = [s["part"] for s in solved], [s["finding"] for s in solved]
    done = sorted(state["out"], key=lambda s: str(s["id"]))
    looks = [look for s in done for look in s["looks"]]
    made = compose(desk, parts, findings, looks)
    said, why = phrased(desk, state, parts, findings, made)
    answer = {k: made[k] for k in ("status", "value", "choice")}
    answer["confidence"] = round(float(made["confidence"]), 3)
    answer["forced"] = any(f.get("forced") for f in findings)
    walked = [step for s in done for step in s["trace"]]
    trace = [
        *state["trace"],
        *walked,
        desk.tell({"step": "synth", "status": made["status"], "phrase": why}),
    ]
    return {"sentences": [*said, *made["sentences"]], "evidence": made["evidence"], "answer": answer,
            "trace": trace, "searched": searched(desk, looks)}  # fmt: skip


def in_order(state: State) -> list[Solved]:
    """What became of each part, in the order of the question; what was not begun is left open.

    The question asked once more plainly stands for all of it where it found something.
    """
    solved = {one["id"]: one for one in state["out"]}
    stopped = finding(
        "weak", confidence=0.2, note="Stopped before this was looked for.", forced=True
    )
    told = [
        solved.get(part["id"])
        or {"id": part["id"], "part": part, "finding": stopped, "looks": [], "trace": []}
        for part in state["parts"]
    ]
    again = [s for s in told if s["part"].get("plain") and s["finding"]["status"] == "found"]
    return again or [s for s in told if not s["part"].get("plain")]


def ground_check(desk: Desk, state: State) -> State:
    """Drop every sentence that its evidence does not bear; without one left, do not answer."""
    if not desk.switches.ground:
        return {"trace": traced(desk, state, "ground_check", off=True)}
    kept, dropped = ground(state["sentences"], state["evidence"], state["question"])
    answer = dict(state["answer"])
    if answer["status"] == "answered" and not any(s["by"] != "note" for s in kept):
        answer |= {"status": "insufficient", "value": None, "confidence": 0.2, "choice": None}
        kept = [note("What was found does not bear an answer."), *kept]
    lost = [{"text": s["text"], "why": s["why"]} for s in dropped]
    step = traced(desk, state, "ground_check", kept=len(kept), dropped=lost)
    return {"sentences": kept, "answer": answer, "trace": step}


def remember(desk: Desk, state: State) -> State:
    """Keep the turn for follow-ups, and finish the answer."""
    text = " ".join(s["text"] for s in state["sentences"])
    solved = in_order(state)
    found = [one for one in solved if one["finding"]["status"] == "found"]
    # A turn that was declined is kept, too: "no, I meant …" speaks of it.
    last = (found if state["answer"]["status"] == "answered" else solved)[-1:]
    turns = [remembered(state["question"], s["part"], s["finding"], desk=desk) for s in last]
    cost = {key: int(desk.cost[key]) for key in COSTS}
    cost["model_calls"] += int(desk.reasoner.calls)
    return {"history": [*state["history"], *turns][-HISTORY:], "cost": cost,
            "answer": dict(state["answer"]) | {"text": text}}  # fmt: skip


def phrased(
    desk: Desk,
    state: State,
    parts: list[dict[str, Any]],
    findings: list[dict[str, Any]],
    made: dict[str, Any],
) -> tuple[list[dict[str, Any]], str]:
    """The model's sentence, where one is of use."""
    plain = made["status"] == "answered" and len(parts) == 1 and parts[0]["kind"] in KINDS
    if not desk.switches.phrase or not plain or not desk.reasoner.writes:
        return [], "not asked"
    short = findings[0].get("short")
    said, why = phrase(desk.reasoner, state["question"], made["evidence"], short,
                       checked=desk.switches.ground)  # fmt: skip
    return ([said] if said else []), why


def traced(desk: Desk, state: State, step: str, **seen: Any) -> list[dict[str, Any]]:
    """The trace with one step more."""
    return [*(state.get("trace") or []), desk.tell({"step": step, **seen})]
