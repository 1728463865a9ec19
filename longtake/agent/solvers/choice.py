"""Multiple choice: score each option by the evidence for it, minus what it would score anyway.

An option's score is how well one moment holds the question's and the option's words together,
plus likeness of meaning of the two read as one sentence. What the option scores without the
question is subtracted by half (lift), so that an option that is everywhere in the video does not
win by that. Options are not compared by their length or place, and the order they come in does
not change the result.
"""

from __future__ import annotations

from collections.abc import Sequence

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, at, finding, sentence
from longtake.agent.reading.evidence import collect, spread
from longtake.agent.solvers.when import absent
from longtake.agent.state import Finding, Part
from longtake.agent.surety.consensus import Vote, consensus
from longtake.tools.corpus import Term, coverage
from longtake.tools.topic import content_words

Scored = tuple[float, "Candidate | None"]
LEAST = 0.42
MOST = 3
"""Options that a model is asked about when they are close."""
MARGIN = 0.04


def solve_choice(desk: Desk, part: Part, terms: Sequence[Term], options: Sequence[str]) -> Finding:
    """Choose the option that the evidence bears out, or say that none is borne out."""
    scored = [_score(desk, part, terms, option) for option in options]
    order = sorted(range(len(options)), key=lambda n: (-scored[n][0], options[n]))
    best, proof = order[0], scored[order[0]][1]
    margin = scored[best][0] - (scored[order[1]][0] if len(order) > 1 else 0.0)
    rows = [{"option": options[n], "score": round(scored[n][0], 4)} for n in order]
    if proof is None or scored[best][0] < LEAST:
        return absent([proof] if proof else []) | {"scores": rows}
    if margin < MARGIN:
        settled = _between(desk, part, options, scored, order)
        if settled is None:
            return absent([proof]) | {"status": "weak", "scores": rows}
        best, proof = settled, scored[settled][1] or proof
    sure = min(0.95, 0.4 + 0.4 * scored[best][0] + 0.6 * margin)
    letter = chr(ord("A") + best) if best < 26 else str(best + 1)
    text = f"({letter}) {options[best]}"
    return finding(
        "found",
        [sentence(text if text.endswith((".", "!", "?")) else text + ".", 0),
         sentence(at(proof), 0)],
        [proof],
        confidence=round(sure, 3),
        choice=best,
        scores=rows,
    )  # fmt: skip


def _between(
    desk: Desk, part: Part, options: Sequence[str], scored: Sequence[Scored], order: Sequence[int]
) -> int | None:
    """The option that evidence and a model agree on, where the evidence alone is undecided."""
    if not desk.switches.judge or not desk.reasoner.writes:
        return None
    close = [n for n in order[:MOST] if scored[n][1] is not None and scored[n][0] >= LEAST]
    votes = [Vote(str(n), p=min(1.0, scored[n][0]), evidence=min(1.0, scored[n][0]))
             for n in close]  # fmt: skip

    voted: list[str] = []

    def more(candidates: list[str]) -> list[Vote]:
        told = [options[int(name)] for name in candidates]
        quotes = " / ".join(proof["quote"] for n in close if (proof := scored[n][1]))
        weights = [scored[int(name)][0] for name in candidates]
        made = desk.reasoner.choose(part["text"], told, context=quotes, fallback=weights)
        name = candidates[made.best]
        held = min(1.0, scored[int(name)][0])
        if made.by == "rules":
            return []
        voted.append(name)
        return [Vote(name, p=made.p[made.best], evidence=held)]

    # They are undecided already, so one more round is asked whatever the sums say.
    made = consensus(votes, more, desk.ledger, kind="llm", theta=1.0)
    asked = made is not None and made.rounds > 1 and bool(voted)
    return int(made.answer) if made is not None and asked else None


def _score(
    desk: Desk, part: Part, terms: Sequence[Term], option: str
) -> tuple[float, Candidate | None]:
    words = content_words(option) or option.lower().split()
    own = desk.terms([w for w in words if w not in part["words"]] or words)
    asked = dict(part) | {
        "text": f"{part['text']} {option}",
        "words": [*part["words"], *words],
        "sources": ["speech", "screen", "sight"],
        "strict": False,
    }
    best: tuple[float, Candidate | None] = (0.0, None)
    for one in collect(desk, asked, [*terms, *own]):
        units = desk.lane(one["video"], one["source"]).units
        unit = next((u for u in units if u.record.id == one["id"]), None)
        held = coverage(own, [unit]) if unit else 0.0
        score = 0.45 * held + 0.35 * one["lex"] + 0.2 * spread(one["dense"])
        if score > best[0]:
            best = (score, one)
    everywhere = len(desk.corpus.holding(own)) / max(1, desk.corpus.size)
    return best[0] - 0.5 * everywhere, best[1]
