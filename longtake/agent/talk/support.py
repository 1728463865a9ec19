"""Which of several readings of a pronoun the video bears out.

Contract: `support(desk, words, one)` is the share of a follow-up's own words that stands where the
referent is named, 0 to 1: in one utterance or line, or half as much beside it. A person asks about
what may be asked about; so among things spoken of in the same answer the one that the video says
something about in these words is likelier (selectional preference, taken from the film itself and
not from a corpus; Dagan and Itai, "Automatic processing of large corpora for the resolution of
anaphora references").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.tools.corpus import Unit, coverage
from longtake.tools.topic import FUNCTION

BY_SUPPORT = 0.5
"""What full support adds to a referent's score; more than any difference in its role."""
NEARBY = 0.5
"""What words beside the utterance that names it count for."""
_NAMED = 0.99
_MOST = 60


def support(desk: Desk, words: Sequence[str], one: dict[str, Any]) -> float:
    """How much of what is asked is told where the referent is named."""
    asked = [w for w in words if w not in one["words"]]
    names = [w for w in one["words"] if w not in FUNCTION]
    if not asked or not names:
        return 0.0
    terms, name = desk.terms(asked, blur=False), desk.terms(_called(one, names), blur=False)
    if not any(term.weight for term in terms):
        return 0.0
    best = 0.0
    units = [u for u in desk.corpus.holding(name) if u.source in ("speech", "screen")]
    for unit in [u for u in units if coverage(name, [u]) >= _NAMED][:_MOST]:
        here = coverage(terms, [unit])
        beside = desk.lane(unit.record.video, unit.source).beside(unit)
        near = NEARBY * coverage(terms, [unit, *_after(unit, beside)])
        best = max(best, here, near)
    return round(best, 4)


def told_together(desk: Desk, new: Sequence[str], rest: Sequence[str]) -> list[str]:
    """Which of the other words stand where the new ones do: as many as one utterance holds."""
    name, others = desk.terms(new, blur=False), desk.terms(rest, blur=False)
    units = [u for u in desk.corpus.holding(name) if u.source in ("speech", "screen")]
    best: list[str] = []
    most = 0.0
    for unit in [u for u in units if coverage(name, [u]) >= _NAMED][:_MOST]:
        near = [unit, *_after(unit, desk.lane(unit.record.video, unit.source).beside(unit))]
        for place in ([unit], near):
            held = coverage(others, place) * (1.0 if place == [unit] else NEARBY)
            if held > most:
                most = held
                best = [t.text for t in others if max(t.match(u) for u in place) > 0]
    return best


def _called(one: dict[str, Any], names: Sequence[str]) -> list[str]:
    """A person goes by the last name as well as by all of them."""
    return list(names[-1:]) if one["kind"] == "person" and len(names) > 1 else list(names)


def _after(unit: Unit, beside: Sequence[Unit]) -> list[Unit]:
    return [u for u in beside if u.record.span.start >= unit.record.span.start]
