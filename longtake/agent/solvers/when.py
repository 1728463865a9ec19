"""Answers that are times: when, first, last, nth, every; and whether something is there at all."""

from __future__ import annotations

from collections.abc import Sequence

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import Candidate, at, clock, finding, listing, sentence, stop, telling
from longtake.agent.reading.evidence import ALL_WORDS, confidence, enough
from longtake.agent.reading.sight import sight_candidates
from longtake.agent.solvers.operators import nth
from longtake.agent.state import Finding, Part
from longtake.tools.corpus import Source, Term, coverage
from longtake.tools.scan import ENOUGH, mentions

SAME = 0.04
"""Scores this near are one: the earlier moment is taken."""


def solve_when(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Say when: the best moment, or by scan the first, last, nth or every one."""
    found = preferred(part, terms, found)
    best = found[0] if found else None
    if not enough(best, terms) or best is None or not _of_the_picture(part, best):
        return unseen(part, found)
    if part["pick"] == "best" and not part.get("lower") and best["source"] == "sight":
        return _seen(found, terms)
    if part["pick"] == "best" and not part.get("lower"):
        chosen = earliest(found, SAME)
        sure = confidence(chosen, found, all(t.exact for t in terms))
        return finding("found", [sentence(at(chosen), 0)], _chosen_first(chosen, found, terms),
                       confidence=sure)  # fmt: skip
    places = every_place(desk, part, terms, found)
    places = [p for p in places if p["start"] >= part.get("lower", 0.0)]
    if part["pick"] == "every":
        return _every(places, found)
    one = nth(places, "first" if part["pick"] == "best" else part["pick"])
    if one is None:
        return _too_few(part, places, found)
    rest = [p for p in places if p is not one]
    return finding(
        "found",
        [sentence(_ordinal(part["pick"], one), 0)],
        [one, *rest[:7]],
        confidence=_scan_confidence(one, terms),
        total=len(places),
    )


def solve_exists(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Say yes with the place, or that it is nowhere."""
    found = preferred(part, terms, found)
    best = found[0] if found else None
    if best is None or not enough(best, terms) or not _held(best, terms):
        return unseen(part, found)
    first = earliest(found, SAME)
    return finding(
        "found",
        [sentence(stop(f"Yes: at {clock(first['start'])} {telling(first)}"), 0)],
        _chosen_first(first, found, terms),
        confidence=confidence(first, found, all(t.exact for t in terms)),
    )


def preferred(
    part: Part, terms: Sequence[Term], found: Sequence[Candidate], share: float = 0.7
) -> list[Candidate]:
    """The source that was asked about goes first where it holds an answer that is nearly as good."""
    if part["even"]:
        return list(found)
    first = next((c for c in found if c["source"] == part["sources"][0]), None)
    if first is None or not enough(first, terms) or first["score"] < share * found[0]["score"]:
        return list(found)
    return [c for c in found if c["source"] == first["source"]] + [
        c for c in found if c["source"] != first["source"]
    ]


def _of_the_picture(part: Part, best: Candidate) -> bool:
    """What is looked for in pictures may be named on screen or aloud; a likeness will not do."""
    return bool(
        part["sources"][0] != "sight" or best["source"] == "sight" or best["lex"] >= ALL_WORDS
    )


def _held(best: Candidate, terms: Sequence[Term]) -> bool:
    """A plain yes needs the words, not only a likeness of meaning."""
    return bool(best["source"] == "sight" or best["lex"] >= 0.55 or best["dense"] >= 0.75)


def every_place(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> list[Candidate]:
    """All places in order of time, by scan; from the ranking alone when scanning is off."""
    best = found[0]
    if best["source"] == "sight":
        return sight_occasions(sight_candidates(desk, part, terms))
    if not desk.switches.scan:
        top = desk.toolbox.search(part["text"], videos=desk.ids, k=5, as_of=desk.as_of)
        ids = {moment.record for moment in top.moments}
        kept = [c for c in found if c["id"] in ids] or [best]
        return sorted(kept, key=lambda c: (c["start"], c["id"]))
    wanted: list[Source] = [s for s in part["sources"] if s in ("speech", "screen")]
    for sources in [wanted[:1], wanted[1:]] if wanted else []:
        places = scan_places(desk, part, terms, sources)
        if places:
            return places
    top_score = best["score"]
    kept = [c for c in found if c["score"] >= 0.85 * top_score and c["source"] == best["source"]]
    return sorted(kept, key=lambda c: (c["start"], c["id"]))


def scan_places(
    desk: Desk, part: Part, terms: Sequence[Term], sources: Sequence[Source]
) -> list[Candidate]:
    """Every unit of these sources that holds the topic, as candidates in order of time."""
    units = [u for u in desk.corpus.holding(terms) if u.source in sources]
    top = max((coverage(terms, [u]) for u in units), default=0.0)
    if top < 0.5:
        return []
    least = min(ENOUGH, 0.9 * top)
    places = []
    for mention in mentions(desk.corpus, terms, sources, least=least):
        if desk.in_scope(part, mention.record):
            one = candidate(mention.units[0], mention.score, lex=mention.score)
            one |= {"end": mention.span.end, "quote": mention.text.strip()}
            one["ids"] = [unit.record.id for unit in mention.units]
            places.append(one)
    return places


def sight_occasions(found: Sequence[Candidate], gap: float = 12.0) -> list[Candidate]:
    """Frames that surely show it, joined where little time lies between them."""
    return occasions([c for c in found if c.get("sure")], gap)


def occasions(found: Sequence[Candidate], gap: float) -> list[Candidate]:
    """Candidates in order of time, joined where at most `gap` lies between them."""
    out: list[Candidate] = []
    for one in sorted(found, key=lambda c: (c["video"], c["start"], c["id"])):
        last = out[-1] if out else None
        if last and last["video"] == one["video"] and one["start"] - last["end"] <= gap:
            last["end"] = max(last["end"], one["end"])
            last["ids"].append(one["id"])
            last["score"] = max(last["score"], one["score"])
        else:
            out.append(dict(one) | {"ids": [one["id"]]})
    return out


def earliest(found: Sequence[Candidate], slack: float) -> Candidate:
    """The earliest among those that are as good as the best."""
    top = found[0]["score"]
    return min(
        (c for c in found if c["score"] >= top - slack and c["source"] == found[0]["source"]),
        key=lambda c: (c["start"], c["id"]),
    )


def absent(found: Sequence[Candidate]) -> Finding:
    """Not found; the nearest moment is kept to be shown, not to be believed."""
    nearest = found[0] if found else None
    near = nearest["score"] if nearest else 0.0
    return finding("absent", confidence=round(max(0.3, 0.98 - 0.9 * near), 3), nearest=nearest)


BY_NAME = "Pictures are known offline by the names of objects only."
"""What is said where pictures decide: sight names a thousand things, and nothing else."""
UNSEEN = 0.6
"""Not to have named a thing is no proof that it is not there."""


def unseen(part: Part, found: Sequence[Candidate]) -> Finding:
    """Not found where pictures were asked about: the best places to look at, as no answer."""
    if part["sources"][0] != "sight":
        return absent(found)
    looks = strongest(sight_places(found))
    made = absent([c for c in found if c["source"] != "sight"] or looks)
    if not looks:
        made["confidence"] = min(made["confidence"], UNSEEN)
        return made | {"note": BY_NAME}
    return made | {"status": "weak", "note": BY_NAME, "offered": looks, "confidence": 0.3}


def sight_places(found: Sequence[Candidate], gap: float = 12.0) -> list[Candidate]:
    """Frames joined where little time lies between them; each place is as good as its best."""
    out: list[Candidate] = []
    for one in sorted(found, key=lambda c: (-c["score"], c["start"], c["id"])):
        if one["source"] == "sight" and not any(
            o["video"] == one["video"] and abs(o["start"] - one["start"]) <= gap for o in out
        ):
            out.append(one)
    return out


def strongest(places: Sequence[Candidate], most: int = 3) -> list[Candidate]:
    """The best few."""
    return sorted(places, key=lambda c: (-c["score"], c["start"], c["id"]))[:most]


def _seen(found: Sequence[Candidate], terms: Sequence[Term]) -> Finding:
    """The best place in the picture first, and the next best ones where several are believed."""
    chosen = earliest([c for c in found if c["source"] == "sight"], SAME)
    sure_ones = sight_places([c for c in found if c.get("sure")])
    places = strongest([p for p in sure_ones if abs(p["start"] - chosen["start"]) > 12.0], 2)
    said = [sentence(at(chosen), 0)]
    if places:
        text = f"It may be seen at {listing(places)} too."
        said.append(sentence(text, *range(1, 1 + len(places))))
    sure = confidence(chosen, found, all(t.exact for t in terms))
    return finding("found", said, [chosen, *places], confidence=sure)


def _chosen_first(
    one: Candidate, found: Sequence[Candidate], terms: Sequence[Term]
) -> list[Candidate]:
    good = [c for c in found if c["id"] != one["id"] and enough(c, terms)]
    return [one, *good[:4]]


def _every(places: Sequence[Candidate], found: Sequence[Candidate]) -> Finding:
    n = len(places)
    times = "once" if n == 1 else f"{n} times"
    text = f"{times[0].upper()}{times[1:]}: {listing(places, 30)}."
    shown = list(places[:30])
    return finding(
        "found",
        [
            sentence(text, *range(len(shown)), computed=float(n)),
            sentence(f"The first of them: {at(shown[0])}", 0),
        ],
        shown,
        confidence=0.85,
        value=float(n),
        total=n,
    )


def _ordinal(pick: str | int, one: Candidate) -> str:
    word = {"first": "first", "best": "first", "last": "last"}.get(str(pick)) or _NTH.get(
        str(pick), f"{pick}th"
    )
    return stop(f"At {clock(one['start'])}, for the {word} time, {telling(one)}")


_NTH = {"2": "second", "3": "third", "4": "fourth", "5": "fifth"}


def _too_few(part: Part, places: Sequence[Candidate], found: Sequence[Candidate]) -> Finding:
    made = absent(found)
    if places:
        made["note"] = f"It comes only {len(places)} times: {listing(places)}."
    return made


def _scan_confidence(one: Candidate, terms: Sequence[Term]) -> float:
    sure = 0.55 + 0.4 * one["lex"]
    return float(round(min(0.97, sure - (0.0 if all(t.exact for t in terms) else 0.15)), 3))
