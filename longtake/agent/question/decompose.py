"""Cut a question that needs another one's answer first into parts that wait for each other.

Most questions are one question, and splitting them only loses words, so there is a gate: nothing
is split but what fits a template (`longtake.agent.question.templates`), or holds a clause or a second event
for which there is none and a model proposes a split that stands the checks. This is the question
decomposition of D-CoDe (S15): each part has its own search, what it finds is bound into the next
(`longtake.agent.question.hops`), and each keeps its own evidence. At most four parts, in an order without
circles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from longtake.agent.question.classify import classify
from longtake.agent.question.clauses import MARK, Split
from longtake.agent.question.hops import bind_results, unused, with_hops
from longtake.agent.question.templates import TEMPLATES
from longtake.agent.state import Part, Switches
from longtake.tools.topic import content_words

__all__ = ["bind_results", "decompose", "needs_split", "unused", "with_hops"]

MOST = 4
"""Parts of one question."""
ALIKE = 0.9
"""A part this like its question, or another part, asks nothing new."""
_CLAUSE = re.compile(
    r"\b(?:the|a|an) (?:\w+ ){1,3}(?:who|that|which|whose|whom|where)\b|\bwhose\b|"
    r"\b\w+['’]s \w+['’]s\b|\bof the \w+ of the\b"
)
_EVENTS = re.compile(r"\b(?:after|before|when|while|during|between|until|since)\b")


def decompose(parts: Sequence[Part], *, switches: Switches, reasoner: Any = None) -> list[Part]:
    """Return the parts with ids, what each waits for (`deps`) and how it uses it (`bind`).

    Args:
        parts: as `classify` made them, bound to times and earlier turns or not.
        switches: with `decompose` off only ids are given.
        reasoner: a model that may write lines and embed (`Reasoner`); asked only when no template fits.
    """
    out: list[Part] = []
    for n, one in enumerate(parts):
        room = MOST - len(out) - (len(parts) - n - 1)
        made = _split(one, room, reasoner) if switches.decompose and _free(one) else None
        base = len(out)
        if made is None:
            waits = [base - 1] if base and (one["follows"] or one.get("refers")) else []
            out.append(dict(one) | {"deps": waits, "bind": one.get("bind")})
            continue
        out += [sub | {"deps": [base + d for d in sub["deps"]]} for sub in made]
    return [
        one | {"id": f"s{n}", "deps": [f"s{d + 1}" for d in one["deps"]]}
        for n, one in enumerate(out, 1)
    ]


def _free(one: Part) -> bool:
    """Whether a part is whole: not settled, not a look at a time, not hanging on another."""
    return not (
        one.get("settled")
        or one.get("window")
        or one["follows"]
        or one.get("refers")
        or one.get("bound")
        or one.get("now")
    )


def _split(one: Part, room: int, reasoner: Any) -> Split | None:
    for template in TEMPLATES:
        made = template(one)
        if made is not None:
            return made if len(made) <= room else None
    if reasoner is None or not reasoner.embeds or room < 2 or needs_split(one) is None:
        return None
    return _proposed(one, room, reasoner)


def needs_split(one: Part) -> str | None:
    """Why a question seems to hold another one; None for a simple one.

    >>> needs_split(classify("When is the exam announced?")[0]) is None
    True
    """
    low = one["text"].lower()
    if one["kind"] in (
        "choice",
        "summary",
        "highlights",
        "unsupported",
        "at_time",
        "compare",
    ) or one.get("op"):
        return None
    if re.search(r"\b(?:name|title) of\b|\b(?:is|was|are|were) .*\bcalled\b", low):
        return None  # the clause says which one is meant, and its name is all that is asked
    if len(content_words(low)) < 3:
        return None
    if _CLAUSE.search(low):
        return "a clause describes what is asked about"
    return "two events" if len(_EVENTS.findall(low)) >= 2 else None


def _proposed(one: Part, room: int, reasoner: Any) -> Split | None:
    """A split that a model wrote, when it stands: new, different, each a question, in a chain."""
    prompt = (
        "Split the question into simpler questions, each on its own line, in the order in which "
        f"they must be answered. Write {MARK} where the answer of the line before belongs.\n"
        f"Question: {one['text']}"
    )
    told = reasoner.lines(prompt)
    lines = [re.sub(r"^\W*\d*[.)]?\s*", "", line).strip() for line in told or []]
    lines = [line for line in dict.fromkeys(lines) if content_words(line)]
    if not 2 <= len(lines) <= min(room, MOST) or not _different(one["text"], lines, reasoner):
        return None
    made: Split = []
    for n, line in enumerate(lines):
        parts = classify(line.replace(MARK, "it"))
        if len(parts) != 1 or parts[0]["kind"] in ("unsupported", "summary", "highlights"):
            return None
        waits = [n - 1] if n and MARK in line else []
        if n and not waits:
            return None
        words = [w for w in content_words(line.replace(MARK, " "))]
        bind = {"how": "value", "wants": None, "head": None} if waits else None
        sub = parts[0] | {"text": line, "words": words, "follows": False, "deps": waits}
        made.append(sub | {"bind": bind, "silent": n + 1 < len(lines)})
    return made if acyclic(made) else None


def _different(question: str, lines: Sequence[str], reasoner: Any) -> bool:
    """Whether no line repeats the question or another line."""
    rows = np.asarray(reasoner.embed([question, *lines]), np.float32)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    near = rows @ rows.T
    np.fill_diagonal(near, 0.0)
    return bool(near.max() < ALIKE)


def acyclic(parts: Sequence[Part]) -> bool:
    """Whether every part waits only for parts before it.

    >>> acyclic([{"deps": []}, {"deps": [0]}]), acyclic([{"deps": [1]}, {"deps": []}])
    (True, False)
    """
    return all(0 <= d < n for n, one in enumerate(parts) for d in one["deps"])
