"""How sure a finding is: signals that can be read, and what was measured for such signals.

Nearness alone cannot tell an answer from a near miss: "Where was the piano made?" is as near to
"The piano stands in the hall" as many questions are to their answers. So a finding is looked at
from several sides, each a number that stands in the trace (CyberV's sensors, S13; TimeSearch's
reflection, S49), and `longtake.agent.surety.calibration` turns them into a probability that was fitted
on made-up films. What is then too unsure to be said is declined, with the nearest moment shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate
from longtake.agent.reading.evidence import enough, spread
from longtake.agent.reading.extract import short_answer
from longtake.agent.reading.kinds import Sought
from longtake.agent.reading.pages import place_of
from longtake.agent.reading.sorts import holds, sort_of
from longtake.agent.state import Finding, Part
from longtake.agent.surety.judge import weighed
from longtake.tools.corpus import Term

if TYPE_CHECKING:
    from longtake.agent.surety.calibration import Calibration

ELSEWHERE = 15.0
"""Seconds beyond which a moment is another one."""
GLIMPSE = 0.45
"""A guess from pictures is told when it is about even: labels are either near or not at all."""
NEARLY = 0.9
"""A rival is a moment elsewhere that is at least this share as good."""
OTHER_QUESTIONS = (
    "Who made {x}?",
    "Who is in charge of {x}?",
    "Where is {x}?",
    "Where does {x} come from?",
    "When is {x}?",
    "How much does {x} cost?",
    "How many {x}?",
    "How big is {x}?",
    "What colour is {x}?",
    "What is {x} made of?",
    "Why {x}?",
    "What do people think of {x}?",
)
"""What else might be asked of the same thing; a near miss answers one of these better."""

SIGNALS = {
    "hand": "log-odds of the solver's own number",
    "score": "score of the best evidence, words and meaning together",
    "read": "how well it fits when read word by word; 0.5 where nothing was read",
    "lex": "share of the question's weight that its words and surroundings hold",
    "own": "share that its own words hold",
    "dense": "cosine of question and record, spread over 0 to 1",
    "near": "cosine of the question and the passage around the evidence, spread likewise",
    "together": "share of neighbouring question words that stand together there",
    "margin": "lead over the best moment elsewhere, 1 when it is 0.3",
    "rivals": "1 / (1 + moments elsewhere that are nearly as good)",
    "first": "1 when the evidence is what ranked first, less the lower it ranked",
    "lift": "how much nearer it is to this question than to others of the same thing, 0.5 is none",
    "subject": "cosine of the passage with the subject's words alone: the blind part of nearness",
    "weakest": "how well the question's least supported word is supported",
    "held": "weighted mean support of the question's words, read in context",
    "absent": "share of the question's weight that is nowhere in the videos",
    "exact": "1 when no word matched only nearly",
    "sort": "1 when its words hold the sort of thing asked for, 0 when not, 0.5 when no sort is",
    "short": "1 when a short answer was taken out",
    "conflict": "share of the good moments whose short answer is another one",
    "agreement": "how good the best moment of another source at the same time is",
    "speech": "1 when the evidence is spoken",
    "screen": "1 when it is written",
    "sight": "1 when it is in the picture",
    "cell": "1 when it is a cell of a table",
    "words": "number of words asked for, 1 when eight",
    "coverage": "share of the scope that was read finely",
    "novelty": "1 when the evidence came from a second look",
    "hops": "1 / (1 + parts that this one rests on)",
    "least": "how well the least supported of all its evidence holds the question's words",
    "many": "1 / number of pieces of evidence",
    "checks": "1 for a yes-or-no question",
    "counts": "1 where a number of times was asked",
    "lasting": "1 where a length of time was asked",
    "orders": "1 where an order was asked",
    "lists": "1 when what is first, last or all of something was asked",
}
"""Every signal and what it says; the order is that of the stored weights."""


def signals(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate], made: Finding
) -> dict[str, float]:
    """Return what speaks for and against a finding; see `SIGNALS`."""
    best = _evidence(found, made)
    told = dict.fromkeys(SIGNALS, 0.0)
    told |= {"hand": _log_odds(float(made["confidence"])), "first": 0.0}
    told |= _of_the_question(desk, part, terms, made)
    if best is not None:
        told |= _of_the_evidence(desk, part, terms, best, made)
        told |= _of_the_field(terms, found, best)
        told |= _of_meaning(desk, part, terms, best)
        told["conflict"] = _conflict(part, terms, found, made)
    return {name: round(float(told[name]), 4) for name in SIGNALS}


def confident(
    desk: Desk,
    part: Part,
    terms: Sequence[Term],
    found: Sequence[Candidate],
    made: Finding,
    calibration: Calibration | None,
) -> Finding:
    """Return the finding with its signals and how sure it is; declined where that is too little.

    Without a calibration, or with `calibrate` switched off, the solver's own number stays.
    """
    if not desk.switches.calibrate or calibration is None or not _weighable(made):
        return made
    told = signals(desk, part, terms, found, made)
    group = group_of(part, made)
    if group == "declined":
        return made | {"signals": told, "group": group}  # the solver knows why it found nothing
    p, said = weighed(desk, part, group, made, calibration.probability(group, told))
    sure = dict(made) | {"signals": told, "group": group, "confidence": round(p, 3)}
    sure |= {"judged": said} if said else {}
    return _declined(sure, found) if declines(sure, calibration) else sure


def declines(made: Finding, calibration: Calibration) -> bool:
    """Whether a finding with `group` and `confidence` is too unsure to be said."""
    least = calibration.threshold(str(made["group"]))
    if made.get("guess") and made["evidence"][0]["source"] == "sight":
        least = min(least, GLIMPSE)
    if made["status"] == "found":
        return bool(made["confidence"] < least)
    return bool(made["status"] == "absent" and made["confidence"] < least)


def _declined(made: Finding, found: Sequence[Candidate]) -> Finding:
    """What was found becomes the nearest there is; what was called absent becomes unsettled."""
    nearest = made["evidence"][0] if made["evidence"] else made.get("nearest")
    nearest = nearest or (found[0] if found else None)
    if made["status"] == "absent":
        return made | {"status": "weak", "nearest": nearest}
    dropped: Finding = {"value": None, "sentences": [], "evidence": [], "spans": [], "choice": None}
    return made | dropped | {
        "status": "weak", "nearest": nearest, "declined": made["confidence"],
        "confidence": round(1.0 - made["confidence"], 3),
    }  # fmt: skip


def group_of(part: Part, made: Finding) -> str:
    """Which findings are alike: their signals are weighed by the same weights."""
    if made["status"] != "found":
        return "declined"
    if made.get("guess"):
        return "guess"
    if part.get("op"):
        return "operator"  # its evidence was computed, and not found by nearness
    if any(str(e["id"]).startswith("look:") for e in made["evidence"][:1]):
        return "look"  # nothing of it was in memory when the signals were fitted
    if part.get("window"):
        return "moment"
    if any(e["source"] == "sight" for e in made["evidence"][:1]):
        return "sight"
    if part["kind"] in ("said", "shown", "fact"):
        return "words"
    if part["kind"] in ("when", "exists") and part["pick"] == "best" and not part.get("op"):
        return "when"
    return "computed"


def _weighable(made: Finding) -> bool:
    return made["status"] in ("found", "absent", "weak") and "settled" not in made


def _evidence(found: Sequence[Candidate], made: Finding) -> Candidate | None:
    """The finding's first evidence as it was scored; for what was declined, the nearest."""
    one = made["evidence"][0] if made["evidence"] else made.get("nearest")
    if one is None:
        return found[0] if found else None
    return next((c for c in found if c["id"] == one["id"]), one)


def _of_the_question(
    desk: Desk, part: Part, terms: Sequence[Term], made: Finding
) -> dict[str, float]:
    whole = sum(term.weight for term in terms) or 1.0
    hops = len(part.get("deps") or []) + bool(part.get("follows"))
    return {
        "absent": sum(term.weight for term in terms if term.absent) / whole,
        "exact": float(all(term.exact or term.absent for term in terms)),
        "words": min(1.0, len(part["words"]) / 8),
        "coverage": desk.coverage(),
        "hops": 1.0 / (1 + hops),
        "least": min((float(e["lex"]) for e in made["evidence"]), default=0.0),
        "many": 1.0 / max(1, len(made["evidence"])),
        "checks": float(part["kind"] == "exists"),
        "counts": float(part["kind"] == "count"),
        "lasting": float(part["kind"] == "duration"),
        "orders": float(part["kind"] in ("order", "compare")),
        "lists": float(part["pick"] != "best"),
        "short": float(bool(made.get("short"))),
    }


def _of_the_evidence(
    desk: Desk, part: Part, terms: Sequence[Term], best: Candidate, made: Finding
) -> dict[str, float]:
    quote = str((made["evidence"] or [best])[0]["quote"])
    return {
        "score": min(1.0, float(best["score"])),
        "read": float(best.get("read", 0.5)),
        "lex": float(best["lex"]),
        "own": float(best["own"] if "own" in best else best["lex"]),
        "dense": spread(float(best["dense"])),
        "together": float(best.get("together", 0.0)),
        "sort": _sort(desk, part, quote),
        "cell": float(best["source"] == "screen" and place_of(desk, best).cell),
        "novelty": float(str(best["id"]).startswith("look:")),
        **{name: float(best["source"] == name) for name in ("speech", "screen", "sight")},
    }


def _sort(desk: Desk, part: Part, quote: str) -> float:
    """Whether the words hold the sort of thing asked for: a person, a price, a place, a time."""
    sort = sort_of(part["text"])
    if sort is not None:
        by_kind = sort in ("person", "colour") and desk.switches.sort
        held = holds(sort, part["text"], quote)
        return float(held or (by_kind and bool(Sought(desk, part["text"], sort).words(quote))))
    if part["wants"] is None:
        return 0.5
    return float(short_answer(quote, part["wants"], part["words"]) is not None)


def _of_the_field(
    terms: Sequence[Term], found: Sequence[Candidate], best: Candidate
) -> dict[str, float]:
    """How the evidence stands among the others."""
    away = [c for c in found if c["video"] != best["video"]
            or abs(c["start"] - best["start"]) > ELSEWHERE]  # fmt: skip
    top = max((c["score"] for c in away), default=0.0)
    close = [c for c in away if enough(c, terms) and c["score"] >= NEARLY * best["score"]]
    rank = next((n for n, c in enumerate(found) if c["id"] == best["id"]), len(found))
    beside = [c["score"] for c in found if c not in away and c["source"] != best["source"]]
    return {
        "margin": min(1.0, max(0.0, (best["score"] - top) / 0.3)),
        "rivals": 1.0 / (1 + len(close)),
        "first": 1.0 / (1 + rank) if found else 0.0,
        "agreement": min(1.0, max(beside, default=0.0)),
    }


def _of_meaning(desk: Desk, part: Part, terms: Sequence[Term], best: Candidate) -> dict[str, float]:
    """What the encoder says of question and passage: nearness, lift, and each word's support."""
    if best["source"] == "sight" or not part["words"]:
        return {"lift": 0.5, "weakest": float(best["lex"]), "held": float(best["lex"])}
    passage = _passage(desk, best)
    support = _support(desk, part, terms, best, passage)
    subject = _subject(part, terms, support)
    others = [question.format(x=subject) for question in OTHER_QUESTIONS]
    rows = desk.toolbox.embed([passage, part["text"], subject, *others])
    cosines = [float(x) for x in rows[1:] @ rows[0]]
    lift = cosines[0] - 0.5 * (max(cosines[2:]) + float(np.mean(cosines[2:])))
    weights = [term.weight for term in terms]
    mean = sum(w * s for w, s in zip(weights, support, strict=True)) / (sum(weights) or 1.0)
    return {
        "near": spread(cosines[0]),
        "lift": min(1.0, max(0.0, 0.5 + lift)),
        "subject": spread(cosines[1]),
        "weakest": min(support, default=0.0),
        "held": mean,
    }


def _passage(desk: Desk, one: Candidate) -> str:
    """The evidence with what belongs to it: title, head and label of a line."""
    quote = str(one["quote"])[:400]
    if one["source"] != "screen":
        return quote
    around = [unit.record.text.strip() for unit in place_of(desk, one).around()]
    return " / ".join(dict.fromkeys([*around, quote]))


def _support(
    desk: Desk, part: Part, terms: Sequence[Term], best: Candidate, passage: str
) -> list[float]:
    """How well the passage supports each term: by its letters, or by its like in context."""
    question, held = desk.toolbox.words_of([part["text"], passage])
    text = part["text"].lower()
    unit = desk.lane(best["video"], best["source"]).get(best["id"])
    units = [unit] if unit is not None else []
    if best["source"] == "screen":
        units += place_of(desk, best).around()
    out = []
    for term in terms:
        at = text.find(term.text)
        pieces = [n for n, (start, end) in enumerate(question.spans)
                  if at >= 0 and start < at + len(term.text) and end > at]  # fmt: skip
        like = 0.0
        if pieces and len(held.spans):
            like = float((question.vectors[pieces] @ held.vectors.T).max())
        spelled = max((term.match(u) for u in units), default=0.0)
        out.append(min(1.0, max(like, spelled)))
    return out


def _subject(part: Part, terms: Sequence[Term], support: Sequence[float]) -> str:
    """The question's words that the passage holds: what it is about, whatever is asked of it."""
    held = [term.text for term, s in zip(terms, support, strict=True) if s >= 0.8]
    return "the " + " ".join(held or part["words"][-1:])


def _conflict(
    part: Part, terms: Sequence[Term], found: Sequence[Candidate], made: Finding
) -> float:
    """Share of the other good moments that hold another short answer."""
    own = made.get("short")
    if not own or not part["wants"]:
        return 0.0
    ids = {e["id"] for e in made["evidence"]}
    good = [c for c in found[:12] if c["id"] not in ids and enough(c, terms)]
    others = [short_answer(c["quote"], part["wants"], part["words"]) for c in good]
    told = [other.lower() for other in others if other]
    return float(sum(other != own.lower() for other in told)) / (1 + len(told))


def _log_odds(p: float) -> float:
    held = min(0.99, max(0.01, p))
    return float(np.log(held / (1 - held)))
