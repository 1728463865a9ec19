"""Rung R3, its other half: what a model read of a video's text tells where to look.

Asked when the records alone gave no sure answer. The blocks that the question attends to name
records, and those are raised among the candidates; the model's own words choose between the
records of a block and are told in the trace, but never become evidence. A memory that cannot be
used is told once and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk, row
from longtake.agent.findings import Candidate
from longtake.agent.looking.reflect import SURE
from longtake.agent.state import Finding, Part
from longtake.errors import BackendError, KVError, MissingError
from longtake.tools.corpus import Term, coverage
from longtake.tools.recall_kv import Tried
from longtake.tools.words import stem, tokens

KINDS = ("fact", "said", "when", "shown", "exists")
"""Kinds of questions whose answer is at one place."""
LEAST = 0.2
"""Least confidence of an attempt whose records are raised."""
RAISED = 0.25
"""The most that a record gains."""
MOST = 6
BLOCKS = 2
"""Read at once, in one go: each further reading takes seconds, and named no record on a real film."""


def worth_asking(desk: Desk, part: Part, made: Finding) -> bool:
    """Whether a stream may help: one place is asked for, and the records gave no sure answer."""
    if not desk.switches.kv or part["settled"] or part["kind"] not in KINDS:
        return False
    if part["pick"] != "best" or (made["status"] == "found" and made["confidence"] >= SURE):
        return False
    return any(desk.toolbox.has_kv(video) for video in desk.ids)


def ask_streams(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> tuple[list[Candidate], dict[str, Any]]:
    """The candidates with those that streams name raised, and what is to be told of it."""
    scores: dict[str, float] = {}
    read: list[dict[str, Any]] = []
    said: list[str] = []
    trouble: list[str] = []
    for video in desk.ids:
        if not desk.toolbox.has_kv(video):
            continue
        try:
            tried = desk.toolbox.recall_kv(part["text"], video=video, k=BLOCKS, as_of=desk.as_of)
        except (KVError, BackendError, MissingError) as error:
            trouble.append(f"{error.message}; {error.fix}" if error.fix else error.message)
            continue
        desk.count("model_calls", len(tried))
        for one in tried:
            read += [{"video": video, "start": b.span.start, "end": b.span.end,
                      "block": b.block, "p": round(b.p, 4)} for b in one.blocks]  # fmt: skip
            said.append(one.text)
        _weigh(desk, video, tried, scores)
    rest, changed = _raised(desk, part, terms, found, scores)
    once = {one["block"]: one for one in reversed(read)}
    told = {"read": [one for one in read if once[one["block"]] is one], "said": said,
            "raised": changed, "trouble": trouble}  # fmt: skip
    return rest, told


def _weigh(desk: Desk, video: str, tried: Sequence[Tried], scores: dict[str, float]) -> None:
    """Score the records of the attempt that is believed most."""
    one = max(tried, key=lambda t: (t.accepted, t.confidence), default=None)
    if one is None or one.confidence < LEAST:
        return
    words = {stem(word) for word in tokens(one.text)}
    for n, block in enumerate(one.blocks):
        for name in block.refs:
            unit = next((u for source in ("speech", "screen", "sight")
                         if (u := desk.lane(video, source).get(name)) is not None), None)  # fmt: skip
            if unit is None:
                continue
            held = len(words & unit.bag) / max(1, len(words))
            score = one.confidence * (0.3 + 0.7 * held) / (1 + n)
            scores[name] = max(scores.get(name, 0.0), score)


def _raised(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate],
    scores: dict[str, float],
) -> tuple[list[Candidate], list[dict[str, Any]]]:  # fmt: skip
    best = sorted(scores, key=lambda name: (-scores[name], name))[:MOST]
    units = {u.record.id: u for u in desk.corpus.units if u.record.id in best}
    known = {one["id"]: one for one in found}
    made = list(found)
    changed: list[dict[str, Any]] = []
    for name in best:
        unit = units.get(name)
        if unit is None or not desk.in_scope(part, unit.record):
            continue
        held = coverage(terms, [unit])
        old = known.get(name) or row(unit.record, unit.source, 0.4 * held, lex=held)
        new = old | {"score": round(old["score"] + RAISED * scores[name], 4)}
        made = [new if one is old else one for one in made]
        if name not in known:
            made.append(new)
        changed.append({"id": name, "quote": new["quote"], "score": new["score"],
                        "was": old["score"] if name in known else None})  # fmt: skip
    return sorted(made, key=lambda c: (-c["score"], c["start"], c["id"])), changed
