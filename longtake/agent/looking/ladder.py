"""Backtracking to pixels: the rungs from what was stored of a place down to crops of one frame.

========  ==================================================================================
R3        what earlier looks saw of the place; nothing is decoded
R4        10 s at 2 frames per second
R4s       a page that stands, at 4 frames per second, of which only what changes is read
R5        2-4 s at 8 frames per second, double size
R6        crops at full resolution, enlarged, around what was not read
========  ==================================================================================

VideoLucy's backtracking (S51) with a compact track that is always read and a detailed one that is
only opened by a question (S22). `plan` says which step to take next at a place, `climb` takes it.
Where something was there for a moment only, as the deep pass noted, is looked at first. Where to go
below 10 s is told by the step before: lines that were read unsurely come first, then changes
between frames, then edges that promise text; where nothing points anywhere, all of the place is
gone through. When two rungs of a place brought nothing, no finer one is tried, except
at a line that is there and was not read. No step is taken twice.

A step is JSON: video, start, end, rung, why, fit, boxes; once taken it also says how many `new`
claims it brought and where it `points`. `climb` may run in several threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate
from longtake.agent.looking.observations import claims, contest, earlier, question_of
from longtake.agent.looking.places import glimpses, stands, stretch
from longtake.agent.state import Part
from longtake.errors import MediaError, NoSuchMoment, SourceGone
from longtake.storage.observations import Observation
from longtake.timecode import Span
from longtake.tools.corpus import Term
from longtake.tools.observed import COVERS, plain

Step = dict[str, Any]
Looked = dict[str, Any]
DECODED = ("R4", "R4s", "R5", "R6")
SWEEP = "R4s"
SWEPT = 90.0
"""Longest span of one sweep."""
COMPARED = 8
"""So many frames that are only compared count in the budget as one that models look at."""
TILE = 12.0
"""Longest span of R4; a clip is 10 s, and up to 2 s more where it ends at a cut."""
WINDOW = 3.0
CLOSE = 1.0
UNSURE = 0.7
"""Weight from which a pointer is a line that was not read surely, and not only edges."""
CHANGED = 0.004
"""Least share of a frame that must change to point somewhere."""
MOST_POINTS = 8
MOST_BOXES = 4
VISUAL = ("shown", "at_time")
NEVER = ("summary", "highlights", "unsupported", "duration", "compare")
"""Kinds whose answer does not hang on one detail: an overview never opens the ladder."""
EITHER = ("fact", "shown", "at_time")
"""Kinds of questions that may be read off a page, wherever they ask to look first."""


def worth_looking(desk: Desk, part: Part) -> bool:
    """Whether pixels may hold what is asked: something to be seen or read, not an overview."""
    if not desk.switches.inspect or part["kind"] in NEVER:
        return False
    either = part["kind"] in EITHER and "screen" in part["sources"]
    return sight_first(part) or (either and desk.switches.sweep)


def sight_first(part: Part) -> bool:
    """Whether what is asked for is to be seen or read; else only pages that name it are opened."""
    first: str = part["sources"][0]
    return first in ("screen", "sight") or part["kind"] in VISUAL


def plan(
    desk: Desk, part: Part, terms: Sequence[Term], place: dict[str, Any], opened: Sequence[Step]
) -> Step | None:
    """The next step at a place, or None when there is none left that could help.

    Args:
        desk: the question's means.
        part: what is asked.
        terms: its words.
        place: video, start, end, and `fit` or `sim`: how well its surroundings fit the part.
        opened: the steps taken so far, as `climb` gave them back, and those on their way.
    """
    if not worth_looking(desk, part):
        return None
    video = desk.video(place["video"])
    whole = _bounded(_widened(desk, place), desk.limit(video))
    if whole is None:
        return None
    here = [s for s in opened if s["video"] == video.id and _span(s).overlap(whole) > 0]
    if any("new" not in step for step in here):
        return None  # what is on its way tells where to go next
    fit = float(place.get("fit", place.get("sim", 0.0)))
    stored = desk.switches.reuse and bool(earlier(desk, video.id, whole))
    if stored and not _visited(here, whole, "R3"):
        return _step(video.id, whole, "R3", "seen for an earlier question", fit)
    if not stored and not desk.toolbox.looker.has_source(video, whole):
        return None
    options = [*_first(desk, video.id, whole), *_options(here, whole)]
    if any(o[2] == SWEEP for o in options):  # a sweep reads all that other frames could show
        options = [o for o in options if o[2] != "R4"]
    options = [o for o in options if not _visited(here, o[1], o[2])]
    if _barren(here):
        options = [o for o in options if o[2] == "R4" or o[0] >= 2.0]
    if not options:
        return None
    _, span, rung, why, boxes = min(options, key=lambda o: (-o[0], o[1].start, o[2]))
    return _step(video.id, span, rung, why, fit) | {"boxes": boxes}


def refused(desk: Desk, part: Part, place: dict[str, Any]) -> str | None:
    """Why no pixels of a place can be looked at any more, in a sentence; None where they can."""
    video = desk.video(place["video"])
    whole = _bounded(_widened(desk, place), desk.limit(video))
    if whole is None or not worth_looking(desk, part):
        return None
    why: str | None = desk.toolbox.looker.why_gone(video, whole)
    return why


def climb(desk: Desk, part: Part, terms: Sequence[Term], step: Step) -> Looked:
    """Take one step, and say what it brought.

    Returns a dict of JSON values: `step` (with `new` and `points`), `candidates` best first, ids
    of the `observations`, `frames` the look rests on, whether it was `reused`, `contradicted`
    record ids, and `gone` when the source is not there: then nothing is claimed. The budget is
    debited first; when it does not allow the look, nothing is looked at and `why` says so.
    """
    fit, span = float(step.get("fit", 0.0)), _span(step)
    if step["rung"] == "R3":
        seen = earlier(desk, step["video"], span)
        return _looked(step, claims(desk, part, terms, seen, span, fit), seen, frames=0)
    video = desk.video(step["video"])
    looker = desk.toolbox.looker
    boxes, text = step.get("boxes", []), part["sources"][0] != "sight"
    wanted = looker.wanted(video.id, span, step["rung"], part["text"], boxes, text=text)
    question = question_of(desk)
    if not _afford(desk, _price(step["rung"], math.ceil(wanted.span.duration * wanted.fps))):
        return _looked(step, [], [], frames=0) | {"why": "the budget is spent"}
    try:
        one, reused = looker.observe(
            video, wanted, asked=question, as_of=desk.as_of, reuse=desk.switches.reuse
        )
    except (SourceGone, NoSuchMoment, MediaError) as error:
        return _looked(step, [], [], frames=0) | {"gone": True, "why": error.message}
    # Asked again, a question goes over its own looks and says that they cost what they cost.
    frames = one.frames if not reused or one.asked == question else 0
    desk.count("inspections")
    _spend(desk, frames, _price(step["rung"], frames))
    desk.count("readings", int(one.seen.get("readings", 0)) if frames else 0)
    against = contest(desk, one)
    found = claims(desk, part, terms, [one], span, fit)
    told = one.asked != question and reused  # R3 has said it already
    fresh = 0 if told else len(_beyond(desk, found, one))
    looked = _looked(step, found, [one], frames=frames, fresh=fresh)
    return looked | {"reused": reused, "contradicted": against}


def _beyond(desk: Desk, found: Sequence[Candidate], one: Observation) -> list[Candidate]:
    """The claims that no coarser look at the place has made."""
    kept = desk.toolbox.store.observations.read([one.video], span=one.span, as_of=desk.as_of)
    coarser = [o for o in kept if o.rung in DECODED and o.rung < one.rung]
    known = {plain(str(line["text"])) for o in coarser for line in o.seen["lines"]}
    return [c for c in found if c["source"] != "screen" or plain(c["quote"]) not in known]


def _looked(
    step: Step,
    found: list[Candidate],
    seen: Sequence[Observation],
    *,
    frames: int,
    fresh: int | None = None,
) -> Looked:
    points = [p for one in seen for p in points_of(one)] if step["rung"] != "R3" else []
    return {
        "step": step | {"new": len(found) if fresh is None else fresh, "points": points},
        "candidates": found,
        "observations": [one.id for one in seen],
        "frames": frames,
        "reused": step["rung"] == "R3",
        "contradicted": [],
        "gone": False,
    }


def points_of(one: Observation) -> list[dict[str, Any]]:
    """Where a look could not see well: unread regions and changes, heaviest first."""
    points: list[dict[str, Any]] = [
        {"kind": "unread", "start": float(u["start"]), "end": float(u["end"]),
         "weight": float(u["weight"]), "box": [round(float(x), 4) for x in u["box"]]}
        for u in one.seen.get("unread", ())
    ]  # fmt: skip
    step = 1.0 / max(one.fps, 1e-6)
    points += [
        {"kind": "change", "start": float(c["time"]) - step, "end": float(c["time"]),
         "weight": float(c["share"]), "box": []}
        for c in one.seen.get("changes", ())
        if float(c["share"]) >= CHANGED or one.rung == SWEEP
    ]  # fmt: skip
    found: list[dict[str, Any]] = []
    for kind in ("unread", "change"):
        mine = [p for p in points if p["kind"] == kind]
        mine.sort(key=_heaviest)
        found += mine[:MOST_POINTS]
    return found


def _heaviest(point: dict[str, Any]) -> tuple[float, float, list[float]]:
    return (-point["weight"], point["start"], point["box"])


Option = tuple[float, Span, str, str, list[list[float]]]
"""How much it promises, where, on which rung, why, and which parts of the frame."""


def _widened(desk: Desk, place: dict[str, Any]) -> dict[str, Any]:
    """A place with all of the page it lies on; a time that was named stays what it is."""
    span = Span(float(place["start"]), float(place["end"]))
    if not desk.switches.sweep or str(place.get("id", "")).startswith("window:"):
        return place
    page = stretch(desk, place["video"], span)
    return place | {"start": page.start, "end": page.end}


def _first(desk: Desk, video: str, whole: Span) -> list[Option]:
    """Where to begin on a page that stands: what was there for a moment, then all that changes."""
    options: list[Option] = []
    if desk.switches.glimpses:
        for n, (at, _) in enumerate(glimpses(desk, video, whole)):
            near = _around(at.middle, WINDOW, whole)
            options.append((1.95 - 0.01 * n, near, "R5", "something was there for a moment", []))
    if desk.switches.sweep and stands(desk, video, whole):
        why = "the page stands: what changes is read"
        options += [(1.7, tile, SWEEP, why, []) for tile in _tiles(whole, SWEPT)]
    return options


def _options(here: Sequence[Step], whole: Span) -> list[Option]:
    """Every step that could come next: 2 and more is an unread line, 1 to 2 a change."""
    options: list[Option] = [
        (1.6, tile, "R4", "not looked at yet", []) for tile in _tiles(whole, TILE)
    ]
    for step in here:
        if step["rung"] not in ("R4", SWEEP, "R5"):
            continue
        for point in step["points"]:
            at = Span(point["start"], point["end"])
            if point["kind"] == "change" and step["rung"] in ("R4", SWEEP):
                near = _around(at.middle, WINDOW, whole)
                options.append((1.0 + 0.5 * point["weight"], near, "R5", "the picture changes", []))
            elif point["kind"] == "unread":
                options.append(_zoom(step, point, whole))
        if step["rung"] == "R4":
            tiles = _tiles(_span(step), WINDOW + 1.0)
            options += [(0.1, tile, "R5", "nothing points elsewhere", []) for tile in tiles]
    return options


def _zoom(step: Step, point: dict[str, Any], whole: Span) -> Option:
    """Crops around what was not read, with the other unread parts of that moment."""
    middle = (max(point["start"], whole.start) + min(point["end"], whole.end)) / 2
    unsure = point["weight"] >= UNSURE
    same = [
        p["box"]
        for p in step["points"]
        if p["kind"] == "unread" and p["start"] <= middle <= p["end"]
        and (p["weight"] >= UNSURE) == unsure
    ]  # fmt: skip
    near = _around(middle, CLOSE, whole)
    if unsure:
        return 2.0 + point["weight"], near, "R6", "a line was read unsurely", same[:MOST_BOXES]
    return 0.5 + point["weight"], near, "R6", "there may be text too small to read", []


def _barren(here: Sequence[Step]) -> bool:
    """Whether two rungs have been tried at this place, and none brought anything new."""
    tried = [step for step in here if step["rung"] in DECODED]
    return len({s["rung"] for s in tried}) >= 2 and not any(s["new"] for s in tried)


def _visited(here: Sequence[Step], span: Span, rung: str) -> bool:
    """Whether nearly all of a span was looked at on this rung."""
    return any(
        step["rung"] == rung and _span(step).overlap(span) >= COVERS * span.duration
        for step in here
    )


def _tiles(span: Span, longest: float) -> list[Span]:
    """Cut a span into equal parts no longer than asked for."""
    n = max(1, -int(-(span.duration - 1e-6) // longest))
    step = span.duration / n
    edges = [round(span.start + i * step, 3) for i in range(n)] + [span.end]
    return [Span(edges[i], edges[i + 1]) for i in range(n)]


def _around(time: float, length: float, whole: Span) -> Span:
    """A span of a length around a time, inside the whole."""
    length = min(length, whole.duration)
    start = round(min(max(whole.start, time - length / 2), whole.end - length), 3)
    return Span(start, round(start + length, 3))


def _bounded(place: dict[str, Any], limit: float) -> Span | None:
    """The place without what may not be known yet; a moment gets a second on both sides."""
    start, end = float(place["start"]), min(float(place["end"]), limit)
    if end - start < 0.5:
        start, end = max(0.0, start - 1.0), min(limit, start + 1.0)
    return Span(start, end) if end - start > 0.05 else None


def _span(step: Step) -> Span:
    return Span(float(step["start"]), float(step["end"]))


def _step(video: str, span: Span, rung: str, why: str, fit: float) -> Step:
    return {"video": video, "start": float(span.start), "end": float(span.end), "rung": rung,
            "why": why, "fit": round(fit, 4), "boxes": []}  # fmt: skip


def _afford(desk: Desk, frames: int) -> bool:
    """Debit one look before it is made, if the budget has it and the frames it may need."""
    ledger = getattr(desk, "ledger", None)
    if ledger is None:
        return True
    return bool(ledger.left("frames") >= frames and ledger.spend("inspections", 1))


def _spend(desk: Desk, frames: int, price: int) -> None:
    """Note frames that were decoded, and take their price from the budget."""
    desk.count("frames", frames)
    ledger = getattr(desk, "ledger", None)
    if ledger is not None and price:
        ledger.spend("frames", price)


def _price(rung: str, frames: int) -> int:
    """What frames cost in the budget: in a sweep nearly all are only compared."""
    return -(-frames // COMPARED) if rung == SWEEP else frames
