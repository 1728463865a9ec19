"""The nodes of SOLVE, the graph that works on one part of a question.

::

    bind ─► coarse ─► read ─► weigh ─► reflect ─┬─► finish            (done, give_up)
              ▲                  ▲              ├─► rewrite ─► coarse
              └──────────────────┼──────────────┤
                                 │              └─► propose ─► look ×n
                                 └── extract ◄──────────────────┘

`read` goes over everything that is remembered; `propose` walks the time tree best first, `look`
goes back to the pixels, one rung of the ladder at a time, several spans in parallel. Decisions
are rules over numbers (`longtake.agent.looking.reflect`); a model weighs in through them, and never alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk, row
from longtake.agent.findings import Candidate, finding
from longtake.agent.looking.elsewhere import believed, elsewhere
from longtake.agent.looking.frontier import LEAF, Walk, looked_at, tree_of, walk
from longtake.agent.looking.ladder import climb, plan, refused, sight_first, worth_looking
from longtake.agent.looking.observations import settle
from longtake.agent.looking.places import abreast, pages
from longtake.agent.looking.reflect import SURE, Seen, decide
from longtake.agent.looking.stream import ask_streams, worth_asking
from longtake.agent.question.decompose import bind_results, unused, with_hops
from longtake.agent.question.resolve import beyond
from longtake.agent.question.resolve import resolve as bind_times
from longtake.agent.reading.close_reading import read_closely
from longtake.agent.reading.evidence import collect, enough
from longtake.agent.reading.guess import guess, may_guess
from longtake.agent.solvers.by_kind import solve
from longtake.agent.solvers.now import solve_now
from longtake.agent.solvers.objects import solve_objects
from longtake.agent.state import Finding, Part, Sub
from longtake.agent.surety.confidence import confident
from longtake.timecode import format_time
from longtake.tools.corpus import Term, coverage

TRIES = 2
AT_ONCE = 2
"""Spans looked at in parallel."""
NEAR = 0.15
"""By so much less another place may fit and still be looked at beside the best."""
OPENED = 40
"""Spans of the time tree opened for one proposal."""
FITS = 0.45
"""Least likeness of a span to the part for its pixels to be worth decoding."""


def bind(desk: Desk, sub: Sub) -> Sub:
    """Bind the part to times and to what the parts it depends on have found."""
    part, settled = dict(sub["part"]), None
    done = {one["id"]: (one["part"], one["finding"]) for one in sub["done"]}
    if part.get("deps"):
        part, settled = bind_results(desk, part, done)
    if settled is None and (part.get("follows") or part.get("refers")) and not part.get("bind"):
        earlier = [done[name] for name in part["deps"] if name in done]
        part, settled = bind_times(desk, part, earlier, sub["history"])
    gone = None if settled else beyond(desk, part)
    if gone:
        said = f"The time lies beyond the end ({format_time(gone['end'], millis=False)})."
        settled = finding("absent", confidence=0.95, note=said)
    settled = settled or part.get("settled")
    if settled is None:
        part, settled = solve_now(desk, part)
    settled = settled or solve_objects(desk, part)
    part = part | {"settled": settled}
    keys = ("words", "scope", "window", "kind", "anchor", "op")
    seen = {k: part[k] for k in keys if part.get(k)}
    step = desk.tell({"step": "bind", "part": part["id"], "text": part["text"], **seen})
    return {"part": part, "tries": 0, "frontier": [], "steps": [], "opened": [], "looked": [],
            "taken": 0, "novelty": [], "candidates": [], "trace": [step]}  # fmt: skip


def coarse(desk: Desk, sub: Sub) -> Sub:
    """Put the most promising spans of every level on the frontier, where pixels may be wanted."""
    part = sub["part"]
    if idle(part) or not sight_first(part) or not worth_looking(desk, part):
        return {}
    frontier = tree_of(desk, part, terms_of(desk, sub)).coarse([])
    top = [{k: n[k] for k in ("level", "start", "end", "score")} for n in frontier[:3]]
    return {
        "frontier": frontier,
        "trace": traced(desk, sub, "coarse", nodes=len(frontier), top=top),
    }


def read(desk: Desk, sub: Sub) -> Sub:
    """Read the moments themselves: utterances, screen lines, frames; all of them are scanned."""
    part = sub["part"]
    if idle(part):
        return {}
    terms = terms_of(desk, sub)
    found = collect(desk, part, terms) if desk.switches.finer else captions(desk, terms)
    if desk.switches.finer and desk.switches.closely:
        found = read_closely(desk, part, terms, found)
    found = settle(desk, unused(part, found))
    top = [{k: c[k] for k in ("id", "score", "lex", "dense", "quote")} for c in found[:5]]
    absent = [term.text for term in terms if term.absent]
    step = traced(desk, sub, "read", candidates=len(found), top=top, absent=absent)
    return {"candidates": found, "trace": step}


def weigh(desk: Desk, sub: Sub) -> Sub:
    """Solve the part from what was found so far, and say how sure that is."""
    part, terms = sub["part"], terms_of(desk, sub)
    if part["settled"]:
        step = traced(desk, sub, "weigh", verdict=part["settled"]["status"], settled=True)
        return {"finding": part["settled"], "trace": step}
    found = sub["candidates"]
    made, told = weighed(desk, sub, terms, found)
    asked = any(one["step"] == "kv" for one in sub["trace"])
    if not asked and worth_asking(desk, part, made):
        found, made, told, seen = read_streams(desk, sub, terms, (made, told))
        sub = {**sub, "trace": [*sub["trace"], seen]}
    step = traced(desk, sub, "weigh", verdict=made["status"], confidence=made["confidence"],
                  signals=made.get("signals", {}), group=made.get("group"),
                  judged=made.get("judged", {}), **told)  # fmt: skip
    return {"candidates": found, "finding": made, "trace": step}


def weighed(
    desk: Desk, sub: Sub, terms: Sequence[Term], found: list[Candidate]
) -> tuple[Finding, dict[str, Any]]:
    """The finding that these candidates bear, and what is to be told of a guess."""
    part = sub["part"]
    made = solve(desk, part, terms, found, sub["options"])
    made = confident(desk, part, terms, found, made, desk.calibration)
    made, told = guessed(desk, part, terms, found, made)
    return believed(desk, part, terms, with_hops(part, made), sub["opened"]), told


def read_streams(
    desk: Desk, sub: Sub, terms: Sequence[Term], before: tuple[Finding, dict[str, Any]]
) -> tuple[list[Candidate], Finding, dict[str, Any], dict[str, Any]]:
    """Weigh again with what streams name; what was found before stays unless this is surer."""
    old, told = before
    found, seen = ask_streams(desk, sub["part"], terms, sub["candidates"])
    made, fresh = weighed(desk, sub, terms, found) if seen["raised"] else before
    better = (made["status"] == "found", made["confidence"]) > (
        old["status"] == "found", old["confidence"]
    ) and made["status"] in ("found", old["status"])  # fmt: skip
    step = desk.tell({
        "step": "kv", "part": sub["part"]["id"], **seen, "before": old["status"],
        "after": made["status"], "changed": better,
    })  # fmt: skip
    if not better:
        return sub["candidates"], old, told, step
    return found, made, fresh, step


def guessed(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate], made: Finding
) -> tuple[Finding, dict[str, Any]]:
    """The finding, or a guess in its place that is sure enough to be told; and the guess's signals."""
    if made["status"] not in ("absent", "weak") or not may_guess(desk, part):
        return made, {}
    one = guess(desk, part, terms, found)
    if one is None:
        return made, {}
    one = confident(desk, part, terms, one["evidence"], one, desk.calibration)
    told = {"guess": {k: one.get(k) for k in ("signals", "group", "confidence", "judged")}}
    told["guess"] |= {"instead": made["status"], "declined": made.get("signals")}
    return (one if one["status"] == "found" else made), told


def reflect(desk: Desk, sub: Sub) -> Sub:
    """Decide what to do next."""
    terms = terms_of(desk, sub)
    seen = _seen(desk, sub, terms)
    decision, why = decide(seen)
    step = traced(desk, sub, "reflect", decision=decision, why=why, **seen.row())
    return {"decision": decision, "trace": step}


def rewrite(desk: Desk, sub: Sub) -> Sub:
    """Ask again in wider words: near spellings count, and no source is left out."""
    desk.ledger.spend("rewrites")
    step = traced(desk, sub, "rewrite", blur=desk.switches.blur)
    return {"tries": sub["tries"] + 1, "trace": step}


def propose(desk: Desk, sub: Sub) -> Sub:
    """Walk the time tree best first to the next spans worth a look, and choose their rungs."""
    part, terms, seen = sub["part"], terms_of(desk, sub), sub["opened"]
    going = walked(desk, sub, terms) if sight_first(part) else Walk()
    leaves = [n for n in going.leaves if n["sim"] >= FITS]
    named = pages(desk, part, terms) if desk.switches.sweep else []
    named = [*elsewhere(desk, part, terms, sub["finding"]), *named]
    places = [*window_of(desk, part), *abreast(named, leaves)]
    steps: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for place in places:
        step = plan(desk, part, terms, place, [*seen, *steps])
        if step is not None or any(_on(place, going_on) for going_on in steps):
            again.append(place)  # a finer rung of it may be the best to open next
        if step is None:
            continue
        if len(steps) < min(AT_ONCE, looks_left(desk)) and place["sim"] >= again[0]["sim"] - NEAR:
            steps.append(step)
    gone = None if steps else next(filter(None, (refused(desk, part, p) for p in places)), None)
    more = {"gone": gone} if gone else {}
    told = traced(desk, sub, "propose", opened=len(going.opened), steps=steps, **more)
    left = [*(n for n in again if n["level"] == LEAF), *going.rest] if steps else []
    return {"frontier": left, "steps": steps, "trace": told}


def walked(desk: Desk, sub: Sub, terms: Sequence[Term]) -> Walk:
    """The next leaves of the time tree, best first."""
    part, seen, hits = sub["part"], sub["opened"], sub["candidates"][:5]
    tree = tree_of(desk, part, terms)
    return walk(
        [looked_at(node, seen) for node in sub["frontier"]],
        lambda node: [looked_at(child, seen) for child in tree.children(node, hits)],
        lambda node: node["level"] == LEAF,
        budget=OPENED,
        leaves=AT_ONCE,
        best_first=desk.switches.best_first,
    )


def look(desk: Desk, payload: dict[str, Any]) -> Sub:
    """Take one span one rung finer; several run at the same time."""
    part, step = payload["part"], payload["step"]
    terms = desk.terms(part["words"], blur=payload["blur"])
    return {"looked": [climb(desk, part, terms, step)]}


def extract(desk: Desk, sub: Sub) -> Sub:
    """Turn what the looks saw into candidates beside those of the memory."""
    fresh = sub["looked"][sub["taken"] :]
    seen = [c for one in fresh for c in one["candidates"]]
    seen.sort(key=lambda c: (-c["score"], c["start"], c["id"]))
    known = {(c["quote"], c["start"]) for c in sub["candidates"]}
    best = [c for c in seen if c["lex"] > 0 and (c["quote"], c["start"]) not in known][:6]
    rest = sorted([*best, *sub["candidates"]], key=lambda c: (-c["score"], c["start"], c["id"]))
    steps = [one["step"] for one in fresh]
    free = bool(fresh) and all(step["rung"] == "R3" for step in steps)  # nothing was looked at yet
    told = traced(desk, sub, "extract", looked=[_brief(one) for one in fresh],
                  new=[c["quote"] for c in best[:3]])  # fmt: skip
    found = settle(desk, [*best, *(c for c in rest if c not in best)] if best else rest)
    return {"candidates": found,
            "opened": [*sub["opened"], *steps], "taken": len(sub["looked"]),
            "novelty": [*sub["novelty"], *([] if free and not best else [len(best)])],
            "trace": told}  # fmt: skip


def finish(desk: Desk, sub: Sub) -> Sub:
    """Hand the finding back to the turn."""
    made = with_gone(sub)
    forced = sub["decision"] == "give_up" and (desk.stop() or bool(desk.ledger.exhausted))
    solved = {"id": sub["part"]["id"], "part": sub["part"], "finding": made | {"forced": forced},
              "looks": sub["opened"], "trace": sub["trace"]}  # fmt: skip
    return {"out": [solved]}


def with_gone(sub: Sub) -> Finding:
    """The finding; where it holds no answer, with why the source could not be looked at."""
    made = sub["finding"]
    why = next((one["gone"] for one in reversed(sub["trace"]) if one.get("gone")), None)
    if why is None or made["status"] == "found":
        return made
    said = f"No finer look was possible: {why}."
    told = f"{made['note']} {said}" if made.get("note") else said
    # What cannot be looked at may have held it: nothing is claimed to be absent.
    return made | {"status": "weak" if made["status"] == "absent" else made["status"], "note": told}


# -- what the nodes share ------------------------------------------------------------------


def idle(part: dict[str, Any]) -> bool:
    """Whether there is nothing to search for."""
    return bool(part["settled"] or not part["words"])


def terms_of(desk: Desk, sub: Sub) -> list[Term]:
    """The part's words as terms; near spellings from the second try on."""
    return desk.terms(sub["part"]["words"], blur=desk.switches.blur and sub["tries"] > 0)


def captions(desk: Desk, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Only what the coarse levels say."""
    found = []
    for unit in desk.corpus.of("caption"):
        held = coverage(terms, [unit])
        if held > 0:
            found.append(row(unit.record, "caption", 0.8 * held, lex=held))
    return sorted(found, key=lambda c: (-c["score"], c["start"], c["id"]))[:40]


def window_of(desk: Desk, part: dict[str, Any]) -> list[dict[str, Any]]:
    """The stretch of time the part is bound to, as a place to look at."""
    if not part.get("window"):
        return []
    low, high = part["window"]
    video = part.get("anchored") or desk.ids[0]
    return [{"id": f"window:{video}:{low:g}", "video": video, "start": low, "end": high,
             "level": LEAF, "sim": 1.0, "score": 1.0}]  # fmt: skip


def _on(place: dict[str, Any], step: dict[str, Any]) -> bool:
    """Whether a place lies where a step goes."""
    same = bool(place["video"] == step["video"])
    return same and place["start"] < step["end"] and place["end"] > step["start"]


def looks_left(desk: Desk) -> int:
    """How many second looks the budget still allows."""
    return int(desk.ledger.left("inspections"))


def traced(desk: Desk, sub: Sub, step: str, **seen: Any) -> list[dict[str, Any]]:
    """The trace with one step more."""
    told = {"step": step, "part": sub["part"]["id"], **seen}
    return [*sub.get("trace", []), desk.tell(told)]


def _brief(one: dict[str, Any]) -> dict[str, Any]:
    step = one["step"]
    keys = ("video", "start", "end", "rung")
    return {k: step[k] for k in keys} | {"frames": one["frames"], "reused": one["reused"]}


def _seen(desk: Desk, sub: Sub, terms: Sequence[Term]) -> Seen:
    part, made = sub["part"], sub["finding"]
    whole = sum(term.weight for term in terms) or 1.0
    absent = sum(term.weight for term in terms if term.absent) / whole
    if any(e["id"].startswith("look:") for e in made["evidence"][:1]):
        absent = 0.0  # what memory lacked, a look has read
    best = sub["candidates"][0] if sub["candidates"] else None
    looking = desk.switches.inspect and desk.switches.finer and worth_looking(desk, part)
    read_off = best is not None and best["source"] in ("screen", "sight") and enough(best, terms)
    ways = len(sub["frontier"]) + (len(window_of(desk, part)) if not sub["opened"] else 0)
    sure = made["status"] == "found" and made["confidence"] >= SURE
    away = looking and bool(elsewhere(desk, part, terms, made))
    if looking and not sub["opened"] and not sight_first(part) and (away or not sure):
        ways += len(pages(desk, part, terms))
    return Seen(
        status=made["status"],
        p=float(made["confidence"]),
        direct=read_off and not away,
        settled=bool(part["settled"]),
        absent=absent,
        coverage=desk.coverage(),
        novelty=tuple(sub["novelty"]),
        rewrites_left=(TRIES - 1 - sub["tries"]) if desk.switches.blur else 0,
        looks_left=looks_left(desk) if looking else 0,
        frontier=ways,
        promising=bool(sub["frontier"] and sub["frontier"][0]["sim"] >= 0.5),
        stopped=desk.stop() or desk.ledger.out_of_time(),
    )
