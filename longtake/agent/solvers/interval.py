"""Questions about time between things: found by scan, worked out by the operators on intervals.

How long between A and B, how much is left after X, how often, at the same time, in which order,
the nth of its kind, how many occasions, what a value was at a time and how it changed. Each
operator here names its events by `longtake.agent.reading.anchors`, computes with
`longtake.agent.solvers.operators`, and says what it rests on. None means that the operator found too
little to compute with, and the question is answered as its kind is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import (
    Candidate,
    at,
    clock,
    finding,
    listing,
    page_of,
    sentence,
    stop,
    telling,
)
from longtake.agent.question import patterns as p
from longtake.agent.question.spoken import spoken
from longtake.agent.reading.anchors import all_of, counted_one, event, thing_words, which_of
from longtake.agent.solvers.bearer import solve_bearer
from longtake.agent.solvers.edges import solve_edges
from longtake.agent.solvers.heard import solve_heard
from longtake.agent.solvers.operators import (
    Event,
    allen,
    count,
    duration,
    frequency,
    gap_of,
    largest_gap,
    nth,
    overlap,
    ranked,
)
from longtake.agent.solvers.order import runs_of_slides
from longtake.agent.solvers.series import named_sheet, picked_member
from longtake.agent.solvers.state_at import solve_changes, solve_state
from longtake.agent.solvers.when import absent
from longtake.agent.state import Finding, Part
from longtake.timecode import Span
from longtake.tools.corpus import Term
from longtake.tools.words import stems

MOST = 30


def solve_interval(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding | None:
    """Answer a part that has an operator; None leaves it to the solver of its kind."""
    if part.get("op") == "edges":
        return solve_edges(desk, part, terms, found)
    solver = OPERATORS.get(str(part.get("op")))
    return solver(desk, part, terms) if solver is not None else None


def _gap(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """Seconds from the end of one event to the start of the other."""
    del terms
    known = _events(desk, part)
    if isinstance(known, dict):
        return known
    spans = [span_of(one) for one in known]
    a, b = ranked([[span] for span in spans])
    between = gap_of(spans[a], spans[b])
    names = part["names"]
    if between is None:
        said = f"There is no time between them: {names[b]} begins at {clock(spans[b].start)}, "
        said += f"before {names[a]} ends at {clock(spans[a].end)}."
        seconds = 0.0
    else:
        seconds = round(between.duration, 3)
        said = f"{spoken(seconds)} lie between them: {names[a]} ends at {clock(between.start)}, "
        said += f"{names[b]} begins at {clock(between.end)}."
    return _computed(said, seconds, [known[a], known[b]], 0.8)


def _left(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """Seconds from the end of an event to the end of the video."""
    del terms
    known = _events(desk, part)
    if isinstance(known, dict):
        return known
    one = known[0]
    video = desk.video(one["video"])
    end = desk.limit(video)
    seconds = round(max(0.0, end - one["end"]), 3)
    whole = {"id": f"video:{video.id}", "video": video.id, "start": 0.0, "end": end,
             "source": "caption", "quote": video.name, "score": 0.5, "lex": 1.0, "dense": 0.0}  # fmt: skip
    said = f"{spoken(seconds)} are left: {part['names'][0]} ends at {clock(one['end'])}, "
    said += f"the video at {clock(end)}."
    return _computed(said, seconds, [one, whole], 0.8)


def _often(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """How much time passes from one occasion to the next, or lies in the longest pause."""
    del terms
    places = all_of(desk, part, part["words"])
    if not places:
        return None
    one_video = [c for c in places if c["video"] == places[0]["video"]]
    spans = [span_of(c) for c in one_video]
    if len(spans) < 2:
        return _computed(f"Only once, at {clock(spans[0].start)}.", None, one_video[:1], 0.6)
    if part.get("longest"):
        pause = largest_gap(spans)
        if pause is None:
            return None
        sides = [c for c in one_video if c["end"] == pause.start or c["start"] == pause.end]
        said = f"The longest time between them is {spoken(pause.duration)}: from "
        said += f"{clock(pause.start)} to {clock(pause.end)}."
        return _computed(said, round(pause.duration, 3), sides, 0.75)
    limit = desk.limit(desk.video(places[0]["video"]))
    often = frequency(spans, Span(0.0, limit))
    every = round(often.every or 0.0, 3)
    said = f"{often.count} times, every {spoken(every)} on average: {listing(one_video, MOST)}."
    return _computed(said, every, one_video[:MOST], 0.75)


def _together(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """Whether two things were there at the same time."""
    del terms
    known = _events(desk, part)
    if isinstance(known, dict):
        return known
    sets = [
        _occasions(desk, part, name, one) for name, one in zip(part["names"], known, strict=True)
    ]
    both = overlap(*[[span_of(c) for c in places] for places in sets])
    one, other = known[0], known[1]
    if not both:
        side = allen(span_of(one), span_of(other))
        word = "before" if side in ("before", "meets") else "after"
        said = f"No: {part['names'][0]} is {word} {part['names'][1]}, at {clock(one['start'])} "
        return _computed(said + f"and {clock(other['start'])}.", None, [one, other], 0.75)
    pair = next(
        [a, b] for a in sets[0] for b in sets[1] if span_of(a).overlap(span_of(b)) > 0
    )  # fmt: skip
    seconds = round(duration(both), 3)
    said = f"Yes, for {spoken(seconds)}: from {clock(both[0].start)} to {clock(both[0].end)}."
    return _computed(said, seconds, pair, 0.75)


def _occasions(desk: Desk, part: Part, name: str, one: Candidate) -> list[Candidate]:
    """Every time a thing is in the picture or on screen; of other things the one stretch."""
    places = all_of(desk, part, thing_words(name)) if which_of(name.lower()) is None else []
    shown = [c for c in places if c["source"] in ("sight", "screen")]
    return shown if one["source"] in ("sight", "screen") and shown else [one]


def _in_order(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """The order in which several events begin."""
    del terms
    made = [event(desk, part, name) for name in part["names"]]
    there = [n for n, one in enumerate(made) if one["status"] == "found"]
    if len(there) < 2:
        return _missing(part, made)
    places = [made[n]["evidence"][0] if n in there else None for n in range(len(made))]
    line = ranked([[span_of(one)] if one else [] for one in places])
    shown = [one for n in line if (one := places[n]) is not None]
    names = [part["names"][n] for n in line]
    pieces = [f"{k}. {name} ({clock(one['start'])})" for k, (name, one) in
              enumerate(zip(names, shown, strict=True), 1)]  # fmt: skip
    lost = [part["names"][n] for n in range(len(made)) if n not in there]
    said = "In this order: " + ", ".join(pieces) + "."
    if lost:
        said += f" Not found: {', '.join(lost)}."
    parts = [sentence(said, *range(len(shown)))]
    parts += [sentence(at(one), n) for n, one in enumerate(shown)]
    return finding("found", parts, shown, confidence=0.75 if not lost else 0.5,
                   order=[part["names"][n] for n in line])  # fmt: skip


def _nth(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """The nth of its kind, counted over everything from either end."""
    del terms
    which = part["pick"]
    if part["unit"] == "slide":
        return _nth_slide(desk, which)
    one = counted_one(desk, part, part["words"], part["text"].lower(), which)
    if one is None:
        places = all_of(desk, part, part["words"])
        if not places:
            return None
        return absent([]) | {
            "nearest": places[-1],
            "note": f"There are only {len(places)}: {listing(places)}.",
        }
    said = stop(f"At {clock(one['start'])} {telling(one)}")
    return finding("found", [sentence(said, 0)], [one], confidence=0.75)


def _nth_slide(desk: Desk, which: str | int) -> Finding | None:
    """What the nth slide shows; one that only grows is the same slide."""
    run = nth(runs_of_slides(desk, desk.ids[0]), which)
    if run is None:
        return None
    full = max(run, key=lambda page: (len(page.text), -page.span.start))
    lane = desk.lane(full.video, "screen")
    lines = [candidate(u, 0.8, lex=1.0) for u in lane.at(full.span) if u.record.text in full.text]
    if not lines:
        return None
    text = stop(f"At {clock(lines[0]['start'])} the screen shows: {page_of(lines)}")
    return finding("found", [sentence(text, *range(len(lines[:6])))], lines[:6], confidence=0.8)


def _event(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """When something is that other parts of the question hang on."""
    del terms
    made = event(desk, part, part["names"][0])
    if made["status"] != "found":
        return made
    best = made["evidence"][0]
    return finding("found", [sentence(at(best), 0)], made["evidence"][:3], confidence=0.75)


def _count(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """On how many occasions something happened: mentions near each other speak of one."""
    del terms
    places = all_of(desk, part, part["words"])
    if not places:
        return None
    number = count([Event(span_of(c), c["lex"]) for c in places])
    n = len(places)
    doubt = f" (at least {number.low})" if number.low < n else ""
    said = f"{n} time{'s' if n != 1 else ''}{doubt}: {listing(places, MOST)}."
    made = _computed(said, float(n), places[:MOST], 0.8)
    return made | {"low": number.low, "high": max(n, number.high)}


def _choose(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """Test every option by itself, and choose by what was computed of each."""
    del terms
    made = [event(desk, part, option) for option in part["names"]]
    there = [n for n, one in enumerate(made) if one["status"] == "found"]
    asked = part["relation"]
    if asked == "absent":
        gone = [n for n in range(len(made)) if n not in there]
        if len(gone) != 1:
            return None
        shown = [made[n]["evidence"][0] for n in there]
        return _chosen(part, gone[0], shown, "all the others are there")
    if len(there) < 2:
        return None
    places = {n: all_of(desk, part, thing_words(part["names"][n])) for n in there}
    worth = {n: _worth(asked, made[n]["evidence"][0], places[n]) for n in there}
    line = sorted(there, key=lambda n: (-worth[n], n))
    if worth[line[0]] == worth[line[1]]:
        return None
    shown = [made[n]["evidence"][0] for n in line]
    return _chosen(part, line[0], shown, f"{asked} of {len(there)} that were found")


def _worth(asked: str, first: Candidate, places: Sequence[Candidate]) -> float:
    """What an option is compared by: its first place, or how many places there are."""
    if asked in ("first", "last"):
        return float(-first["start"] if asked == "first" else first["start"])
    return float(len(places) if asked == "most" else -len(places))


def _chosen(part: Part, best: int, shown: Sequence[Candidate], why: str) -> Finding:
    letter = chr(ord("A") + best) if best < 26 else str(best + 1)
    said = f"({letter}) {part['names'][best]}: {why}."
    parts = [sentence(said, *range(len(shown)))]
    parts += [sentence(at(one), n) for n, one in enumerate(shown[:2])]
    return finding("found", parts, shown, confidence=0.7, choice=best)


def _member(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """The first, last or nth of the things that are dealt with in turn."""
    del terms
    return picked_member(desk, part)


def _sheet_lasting(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """How long what has a page of its own goes on: as long as its page is up."""
    del terms
    match = p.LASTING.search(part["text"].lower().strip(" ?.!"))
    one = named_sheet(desk, match.group("on") or match.group("of")) if match else None
    if match is None or one is None:
        return None
    if match.group("of") and not set(stems(match.group("of"))) <= {*stems(one["quote"]), "the"}:
        return None  # "the length of the survey's base line" is told on the page of the survey
    seconds = round(one["end"] - one["start"], 3)
    said = f"{spoken(seconds)}: from {clock(one['start'])} to {clock(one['end'])}."
    return _computed(said, seconds, [one], 0.7)


# -- what the operators share --------------------------------------------------------------


def span_of(one: Candidate) -> Span:
    """The span of a piece of evidence."""
    return Span(one["start"], max(one["start"], one["end"]))


def _events(desk: Desk, part: Part) -> list[Candidate] | Finding:
    """The first place of each event that the part names, or what is missing."""
    made = [event(desk, part, name) for name in part["names"]]
    if any(one["status"] != "found" for one in made):
        return _missing(part, made)
    return [one["evidence"][0] for one in made]


def _missing(part: Part, made: Sequence[Finding]) -> Finding:
    gone = [n for n, one in enumerate(made) if one["status"] != "found"]
    which = " and ".join(part["names"][n] for n in gone)
    return absent([]) | {"nearest": made[gone[0]]["nearest"],
                         "note": f"Nothing was found of {which}."}  # fmt: skip


def _computed(said: str, value: float | None, shown: Sequence[Candidate], sure: float) -> Finding:
    parts = [sentence(said, *range(len(shown)), computed=value)]
    quotes = [one for one in shown[:2] if not one["id"].startswith("video:")]
    parts += [sentence(at(one), n) for n, one in enumerate(quotes)]
    return finding("found", parts, shown, confidence=sure, value=value)


Operator = Callable[[Desk, Part, Sequence[Term]], Finding | None]
OPERATORS: dict[str, Operator] = {
    "gap": _gap,
    "left": _left,
    "often": _often,
    "together": _together,
    "order": _in_order,
    "event": _event,
    "nth": _nth,
    "count": _count,
    "choose": _choose,
    "member": _member,
    "lasting": _sheet_lasting,
    "state": solve_state,
    "changes": solve_changes,
    "bearer": solve_bearer,
    "heard": solve_heard,
}
