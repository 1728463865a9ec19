"""A guess where nothing was found surely: the likeliest sentence or line of the nearest clips.

People ask in other words than were said. Then no single sentence is near enough, though the clip
around it is, because a clip holds what was said and shown together (Goldfish's clip retrieval,
S42). The guess is made from the clips nearest in meaning, and said as one: "Perhaps". How often
such guesses are right is measured, and where that was not done, none is made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, clock, finding, sentence, stop, telling
from longtake.agent.reading.close_reading import read_closely
from longtake.agent.reading.evidence import spread, weighed
from longtake.agent.reading.kinds import Sought
from longtake.agent.reading.sight import HUES
from longtake.agent.reading.sorts import holds, sort_of
from longtake.agent.state import Finding, Part
from longtake.storage.records import Record
from longtake.timecode import Span
from longtake.tools.corpus import Term
from longtake.tools.words import stem

KINDS = ("fact", "said", "shown", "when")
CLIPS = 4
"""Clips whose moments are weighed."""
BY_KIND = 6
"""The best of them whose words' kinds are looked at."""
FOUND = 10
"""The best moments so far that are weighed with them."""
LETTERS = 8
"""Letters of a line that tells something by itself; "Lot 6" tells little."""
_LETTERS = re.compile(r"[^\W\d_]")
AROUND = 2.0
"""Seconds beyond a clip that still belong to it: sentences end where they end."""
BY_CLIP = 0.35
"""What the clip's own nearness adds to that of a sentence in it."""
OF_SORT = 0.2
"""What it adds to hold a person where a person is asked for, or a price where a price is."""
MORE = 2
"""Further moments of the same clip that are quoted with the guess."""


def may_guess(desk: Desk, part: Part) -> bool:
    """Whether guesses about such a part were measured, so that one can be told for what it is."""
    measured = desk.calibration is not None and desk.calibration.guesses
    wanted = (
        part["kind"] in KINDS and part["words"] and not part.get("silent")
    )  # no step on a guess
    return bool(desk.switches.guess and measured and wanted)


def guess(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding | None:
    """The likeliest moment as a finding marked ``guess``; None when there is not even one."""
    if part["sources"][0] == "sight":
        pool = [c for c in found if c["source"] == "sight" and _names(desk, part, c)][:1]
    else:
        pool = _pool(desk, part, terms, found)
    if not pool:
        return None
    best = pool[0]
    beside = [c for c in pool[1:] if c["clip"] == best["clip"]][:MORE] if "clip" in best else []
    said = [sentence(stop(f"Perhaps at {clock(best['start'])}: {telling(best)}"), 0)]
    said += [
        sentence(stop(f"At {clock(c['start'])} {telling(c)}"), n) for n, c in enumerate(beside, 1)
    ]
    sure = 0.25 + 0.3 * min(1.0, best["score"])
    return finding("found", said, [best, *beside], confidence=round(sure, 3), guess=True)


def _names(desk: Desk, part: Part, one: Candidate) -> bool:
    """Whether a frame names a thing; colours alone are a guess only where one was asked for."""
    unit = desk.lane(one["video"], "sight").get(one["id"])
    named = unit is None or bool(unit.record.data.get("tags"))
    return named or any(stem(word) in HUES for word in part["words"])


def _pool(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> list[Candidate]:
    """The moments of the nearest clips and the best there were, best first, each with its clip."""
    near = _clips(desk, part)
    made = {c["id"]: dict(c) for c in found if c["source"] in ("speech", "screen")}
    made = dict(list(made.items())[:FOUND])
    for record, _ in near[:CLIPS]:
        span = Span(max(0.0, record.span.start - AROUND), record.span.end + AROUND)
        for source in ("speech", "screen"):
            for unit in desk.lane(record.video, source).at(span):
                name = unit.record.id
                if name not in desk.corpus.furniture and name not in made:
                    made[name] = weighed(desk, part, terms, unit, 0.0)
    likeliest = sorted(made.values(), key=lambda c: (-c["score"], c["start"], c["id"]))
    pool = [_with_clip(part, one, near) for one in read_closely(desk, part, terms, likeliest)]
    pool.sort(key=_order)
    sought = Sought(desk, part["text"], sort_of(part["text"]))
    if not desk.switches.sort or not sought:
        return pool
    # The kind of a word is a matter of vectors, so only the best are asked for it.
    likely = [
        one | {"score": round(min(1.0, one["score"] + OF_SORT), 4)}
        if not one["fits"] and sought.words(one["quote"]) else one
        for one in pool[:BY_KIND]
    ]  # fmt: skip
    return sorted([*likely, *pool[BY_KIND:]], key=_order)


def _order(one: Candidate) -> tuple[float, float, str]:
    return (-one["score"], one["start"], one["id"])


def _with_clip(part: Part, one: Candidate, near: Sequence[tuple[Record, float]]) -> Candidate:
    """A candidate scored with its clip's nearness, and with what sort of thing it holds."""
    around = ((r.id, c) for r, c in near
              if r.video == one["video"] and r.span.start - AROUND <= one["start"] < r.span.end)  # fmt: skip
    clip, cosine = next(around, ("", 0.0))
    sort = sort_of(part["text"])
    telling_ = len(_LETTERS.findall(one["quote"])) >= LETTERS
    fits = sort is not None and telling_ and holds(sort, part["text"], one["quote"])
    score = one["score"] + BY_CLIP * spread(cosine) + (OF_SORT if fits else 0.0)
    return one | {
        "score": round(min(1.0, score if telling_ else 0.7 * score), 4),
        "clip": clip,
        "fits": fits,
    }


def _clips(desk: Desk, part: Part) -> list[tuple[Record, float]]:
    """All clips in scope with their cosine, nearest first."""
    known = {u.record.id: u.record for u in desk.corpus.of("caption") if u.record.level == "clip"}
    found = [(known[i], cosine) for i, cosine in desk.near(part["text"], "clip") if i in known]
    return [(r, c) for r, c in found if desk.in_scope(part, r)]
