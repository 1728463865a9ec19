"""Collect what bears on a part of the question, and decide whether it is enough.

A moment's score is made of three numbers between 0 and 1:

* `lex`: the share of the topic's weight (rare words weigh most) that its own words hold, plus a
  part of what its surroundings add: neighbouring utterances, other lines of the same page, the
  screen behind the speech.
* `dense`: cosine of the question and the record's text vector, where it is among the nearest.
* `phrase`: the share of the topic's neighbouring words that stand together here, too.

``score = 0.35 lex + 0.6 spread(dense) + 0.05 phrase``, times 0.85 for a source that was not the
one asked about; for questions that name their topic (when, mentioned, said) the words weigh 0.6
and the meaning 0.35. `enough` is the threshold of honesty: ``0.35 lex + 0.65 spread(dense) - 0.3 absent``
must reach 0.52, where `absent` is the share of the topic's weight that is nowhere in the videos,
or all the words must be there. The numbers were set on a two-hour text world with MiniLM (40
answerable and 35 absent questions; no answerable one below, one absent one above).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from longtake.agent.desk import Desk, candidate
from longtake.agent.reading.pages import same_page
from longtake.agent.reading.sight import sight_candidates
from longtake.agent.state import Part
from longtake.agent.videos.quotas import shared_out
from longtake.storage.records import Level
from longtake.tools.corpus import Source, Term, Unit, coverage

LEX, DENSE, TOGETHER = 0.35, 0.6, 0.05
LITERAL = (0.6, 0.35)
LITERAL_KINDS = ("when", "exists", "duration", "said")
ABSENT = 0.3
ENOUGH = 0.52
ALL_WORDS = 0.8
BEARS = 0.46
"""Least score of a candidate that was read closely. On the scripted lecture all moments that hold
an answer but one lie above, and the best moments for questions about nothing in it below."""
OTHER_SOURCE = 0.85
MOST = 40


def spread(cosine: float) -> float:
    """Stretch the useful range of a sentence encoder's cosine, 0.2 to 0.7, over 0 to 1."""
    return min(1.0, max(0.0, (cosine - 0.2) / 0.5))


def collect(desk: Desk, part: Part, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Return the moments that bear on a part, best first; ties by time and id."""
    sources = [s for s in part["sources"] if s != "sight"]
    if part["strict"]:
        sources = sources[:1]
    near = _near(desk, part, sources)
    units = [u for u in desk.corpus.holding(terms) if u.source in sources]
    known = {u.record.id for u in units}
    units += [
        u for u in desk.corpus.of(*_as_sources(sources)) if u.record.id in near.keys() - known
    ]
    found = []
    for unit in units:
        if desk.in_scope(part, unit.record) and not _idle(desk, terms, unit):
            found.append(weighed(desk, part, terms, unit, near.get(unit.record.id, 0.0)))
    if "sight" in part["sources"]:
        found += sight_candidates(desk, part, terms)
    found += _described(desk, part, terms)
    found.sort(key=lambda c: (-c["score"], c["start"], c["id"]))
    return shared_out(found, MOST)


def _described(desk: Desk, part: Part, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """What a model's captions say, unless only words that were said or shown are asked for."""
    units = [u for u in desk.corpus.described if desk.in_scope(part, u.record)]
    if not units or not (part["even"] or "sight" in part["sources"]):
        return []
    near = dict(_similar(desk, part, "moment", "caption"))
    held = [u for u in units if coverage(terms, [u]) > 0 or u.record.id in near]
    return [weighed(desk, part, terms, u, near.get(u.record.id, 0.0)) for u in held]


def _idle(desk: Desk, terms: Sequence[Term], unit: Unit) -> bool:
    """Whether a line is furniture of the screen that was not itself asked for."""
    furniture = unit.record.id in desk.corpus.furniture and desk.switches.furniture
    return furniture and coverage(terms, [unit]) < ALL_WORDS


def _as_sources(names: Sequence[str]) -> list[Source]:
    every: tuple[Source, ...] = ("speech", "screen", "sight", "caption")
    return [source for source in every if source in names]


def _near(desk: Desk, part: Part, sources: Sequence[str]) -> dict[str, float]:
    """Cosines of the question with the nearest records of each source.

    A line on screen is as near as itself or, a little less, as the page it stands on: "Made in
    the Fenwick works" says little without the title above it.
    """
    found: dict[str, float] = {}
    for source in sources:
        found |= dict(_similar(desk, part, "moment", source))
    if "screen" not in sources:
        return found
    pages = dict(_similar(desk, part, "frame", "screen"))
    for page in desk.toolbox.store.records(ids=list(pages), as_of=desk.as_of) if pages else []:
        for line in desk.lane(page.video, "screen").at(page.span):
            if line.record.text in page.text:
                near = max(0.95 * pages[page.id], found.get(line.record.id, 0.0))
                found[line.record.id] = near
    return found


def _similar(desk: Desk, part: Part, level: Level, source: str) -> list[tuple[str, float]]:
    desk.count("searches")
    return desk.toolbox.similar(
        part["text"], level=level, channel=source, videos=desk.ids, as_of=desk.as_of, k=48
    )


def weighed(
    desk: Desk, part: Part, terms: Sequence[Term], unit: Unit, dense: float
) -> dict[str, Any]:
    """A unit as a candidate, scored by its words, its surroundings and its cosine."""
    own = coverage(terms, [unit])
    lex = own
    for more, factor in _surroundings(desk, unit):
        lex = max(lex, own + factor * (coverage(terms, [unit, *more]) - own))
    by_words, by_meaning = LITERAL if part["kind"] in LITERAL_KINDS else (LEX, DENSE)
    score = by_words * lex + by_meaning * spread(dense) + TOGETHER * _together(part, unit)
    asked = "caption" if part["sources"][0] == "sight" else part["sources"][0]
    if unit.source != asked and not part["even"]:
        score *= OTHER_SOURCE
    found = candidate(unit, score, lex=lex, dense=dense)
    found["own"] = round(own, 4)
    found["together"] = round(_together(part, unit), 4)
    return found


def _surroundings(desk: Desk, unit: Unit) -> list[tuple[list[Unit], float]]:
    video, span = unit.record.video, unit.record.span
    page = desk.lane(video, "screen").at(span)
    if unit.source == "speech":
        beside = desk.lane(video, "speech").beside(unit)
        # The page behind a sentence tells what it is about, but its words are not the speaker's:
        # with more than a third of them, any filler beside the right slide outweighs the slide.
        return [(beside, 0.75), (page, 0.3), ([*beside, *page], 0.3)]
    return [([other for other in page if same_page(span, other.record.span)], 0.85)]


def _together(part: Part, unit: Unit) -> float:
    """Share of the topic's neighbouring word pairs that are close together in the unit."""
    from longtake.tools.words import stem

    roots = [stem(word) for word in part["words"]]
    pairs = list(pairwise(roots))
    if not pairs:
        return 0.0
    places = {root: n for n, root in reversed(list(enumerate(unit.stems)))}
    near = sum(
        1 for a, b in pairs if a in places and b in places and abs(places[b] - places[a]) <= 3
    )
    return float(near) / len(pairs)


def enough(best: dict[str, Any] | None, terms: Sequence[Term]) -> bool:
    """Whether the best moment bears the answer."""
    if best is None:
        return False
    if best["source"] == "sight" or best["id"].startswith("look:"):
        return bool(best.get("sure"))
    if "read" in best:
        return bool(best["score"] >= BEARS)
    whole = sum(term.weight for term in terms) or 1.0
    absent = sum(term.weight for term in terms if term.absent) / whole
    held = LEX * best["lex"] + (1 - LEX) * spread(best["dense"]) - ABSENT * absent
    return bool(held >= ENOUGH or best["lex"] >= ALL_WORDS)


def confidence(best: dict[str, Any], others: Sequence[dict[str, Any]], exact: bool) -> float:
    """How sure an answer is, 0 to 1.

    What was read closely: ``0.58 + 0.34 score + 0.05 margin``; else ``0.30 + 0.35 lex +
    0.15 spread(dense) + 0.20 margin``. `margin` is the lead over the best moment elsewhere (1 when it
    is as large as 0.3); 0.05 less when a word matched only nearly. Set so that on the scripted
    lecture answers are as often right as they say.
    """
    rest = [c["score"] for c in others if abs(c["start"] - best["start"]) > 15.0]
    lead = best["score"] - max(rest, default=0.0)
    margin = min(1.0, max(0.0, lead / 0.3))
    if "read" in best:
        p = 0.58 + 0.34 * best["score"] + 0.05 * margin
        return float(round(min(0.99, p - (0.0 if exact else 0.05)), 3))
    p = 0.30 + 0.35 * best["lex"] + 0.15 * spread(best["dense"]) + 0.20 * margin
    return float(round(min(0.99, max(0.05, p - (0.0 if exact else 0.15))), 3))
