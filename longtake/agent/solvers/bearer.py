"""Who bears a role: the captain of the ferry, the keeper of the mill, the woman behind the show.

A video names people in its own words: "It is Captain Odell who steers the ferry", "The mill is kept
by Hedda Lund", or "The ferry is old. Odell has been at her helm for years". So every sentence
and line is read that holds the thing, or stands beside one that does; those that name somebody
are weighed by how much of the thing they hold, whether a word of the role is among them, and how
near they are in meaning to the question. Where nothing holds the thing, nobody has the role: the
conductor of another orchestra is not meant. None means that nobody is named near it, and the
question is answered like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import at, finding, sentence
from longtake.agent.reading.evidence import spread
from longtake.agent.reading.extract import headline
from longtake.agent.state import Finding, Part
from longtake.tools.corpus import Term, Unit, coverage
from longtake.tools.words import stem, tokens

HOLDS = 0.75
"""Least share of the thing's words in a sentence and the ones beside it."""
MOST = 32
"""Sentences compared by meaning."""
THING, CUE, NEAR = 0.4, 0.3, 0.3
ENOUGH = 0.58
"""Least weight of a sentence that tells who: the whole thing, a word of the role or much nearness."""
_CAPITALS = re.compile(r"\b[A-Z][\w'’-]+(?: (?:van |von |de |of )?[A-Z][\w'’-]+)*")
_HE = re.compile(r"\b(?:he|she|his|her|him|its|it|they|their)\b", re.IGNORECASE)
_DESCRIBED = re.compile(
    r"\b(?:[Tt]he|[Aa]n?|[Hh]er|[Hh]is|[Oo]ur|[Tt]wo|[Tt]hree) ((?:[\w-]+ ){0,2}?(?:[A-Z]\w+ )?(?:brothers|sisters|twins|family|"
    r"couple|widow|farmer|fisherman|monks?|nuns?|students?|teacher|doctor|priest|carpenter|club|council|"
    r"company|firm|school|choir|team|crew))\b"
)


def solve_bearer(desk: Desk, part: Part, terms: Sequence[Term]) -> Finding | None:
    """The sentence that tells who it is, with the name as its short answer."""
    del terms
    thing = desk.terms(part["thing"], blur=desk.switches.blur)
    if not thing:
        return None
    roots = {stem(w) for w in part["cues"]}
    asked = {stem(w) for w in [*part["thing"], *part["cues"]]}
    near_it = _near_the_thing(desk, part, thing)
    if not near_it:
        return finding("absent", confidence=0.6, note="Nothing was found that is called so.")
    told = [one for one in near_it if _named(one[0], asked)]
    told = sorted(told, key=lambda one: (-one[1], one[0].record.span.start, one[0].record.id))[
        :MOST
    ]
    if not told:
        return None
    means = _means(desk, part["text"], [unit for unit, _ in told])
    found = []
    for (unit, held), near in zip(told, means, strict=True):
        cue = bool(set(unit.stems) & roots)
        score = THING * held + CUE * cue + NEAR * spread(near)
        found.append(candidate(unit, score, lex=held, dense=near))
    found.sort(key=lambda c: (-c["score"], c["start"], c["id"]))
    best = found[0]
    if best["score"] < ENOUGH:
        return None
    name = name_in(best["quote"], asked)
    return finding("found", [sentence(at(best), 0)], [best], confidence=round(min(0.9, best["score"]), 3),
                   short=name)  # fmt: skip


def _near_the_thing(desk: Desk, part: Part, thing: Sequence[Term]) -> list[tuple[Unit, float]]:
    """Sentences and lines with the share of the thing that they hold, or that the one before does.

    What stands beside counts a little less, and only for a sentence that points back to it.
    """
    found: dict[str, tuple[Unit, float]] = {}
    for unit in desk.corpus.holding(thing):
        if unit.source not in ("speech", "screen") or not desk.in_scope(part, unit.record):
            continue
        held = coverage(thing, [unit])
        if held >= HOLDS:
            _keep(found, unit, held)
        if unit.source != "speech":
            continue
        for other in desk.lane(unit.record.video, "speech").after(unit.record.span.end - 0.3, 1):
            both = coverage(thing, [unit, other])
            if both >= HOLDS and _HE.search(other.record.text):
                _keep(found, other, 0.8 * both)
    return list(found.values())


def _keep(found: dict[str, tuple[Unit, float]], unit: Unit, held: float) -> None:
    known = found.get(unit.record.id)
    if known is None or known[1] < held:
        found[unit.record.id] = (unit, held)


def _named(unit: Unit, asked: set[str]) -> bool:
    return name_in(unit.record.text, asked) is not None


def name_in(quote: str, asked: set[str]) -> str | None:
    """The person whom a sentence names, and who is not the thing asked about.

    >>> name_in("The brass orchestra is conducted by Mirela Voss.", {"brass", "orchestra"})
    'Mirela Voss'
    >>> name_in("The old ferry is painted every spring.", {"ferr"}) is None
    True
    """
    for match in re.finditer(r"\bby (?:the |a )?((?:[A-Z][\w'’-]+ ?){1,3})", quote):
        if not {stem(w) for w in tokens(match.group(1))} <= asked:
            return match.group(1).strip()
    for match in () if headline(quote) else _CAPITALS.finditer(quote):
        if _is_somebody(match.group(), asked) and not _place(quote, match.start()):
            return re.sub(r"['’]s$", "", match.group())
    described = _DESCRIBED.search(quote)
    if described and not {stem(w) for w in tokens(described.group(1))} <= asked:
        return described.group(1)
    return None


_NOBODY = frozenset(
    """the a an it this that these those there here we i you he she they one two three so but and
    now then well today in on at for from with by of to as if when while after before since every each
    all some many most please no not nobody what who where how her his its our my their once later
    still only also even look listen without under over between through for above near beside
    behind out up down any both another other such last next first second""".split()  # noqa: SIM905
)


def _is_somebody(name: str, asked: set[str]) -> bool:
    """Whether a run of capitals names somebody: no common word, and nothing that was asked about."""
    words = tokens(name)
    if not words or len(words[0]) < 3 or words[0] in _DAYS:
        return False
    return not any(w in _NOBODY or stem(w) in asked for w in words)


_DAYS = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june
    july august september october november december""".split()  # noqa: SIM905
)


def _place(quote: str, start: int) -> bool:
    """Whether a preposition of place stands before it: "in Porthen"."""
    return bool(re.search(r"\b(?:in|at|from|near|on|into|through) (?:the )?$", quote[:start]))


def _means(desk: Desk, text: str, units: Sequence[Unit]) -> list[float]:
    """Cosines of the question with each sentence."""
    desk.count("searches")
    rows = np.asarray(desk.toolbox.embed([text, *(u.record.text for u in units)]), np.float32)
    return [round(float(v), 4) for v in rows[1:] @ rows[0]]
