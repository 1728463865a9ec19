"""Who says it: a name that is told of the voice, and not one that the sentence speaks of.

"Who says ask not what your country can do for you?" is not answered by "my fellow Americans": a
name inside what is said is spoken to or spoken of. A voice has a name where it introduced itself
before ("I am Ben"), where one name stands on the screen meanwhile, or where the sentence itself
reports ("Marta says …"). Where nothing of the kind is there, the place is told, and that nobody's
name is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import Candidate, at, clock, finding, sentence
from longtake.agent.reading.evidence import enough
from longtake.agent.reading.extract import headline
from longtake.agent.state import Finding, Part
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Term, Unit

_SAYS = r"(?:says?|said|saying|asks?|asked|shouts?|shouted|sings?|sang|mentions?|mentioned|quotes?|quoted)"
_ASKED = re.compile(rf"^(?:and |so )*who (?:\w+ly |was it that |is it that |first )?{_SAYS}\b")
_REPORTS = re.compile(rf"\b([A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*) {_SAYS}\b")
_NOBODY = frozenset(
    "he she it they we you i who this that the everybody somebody nobody".split()  # noqa: SIM905
)
_TITLE = r"(?:(?:Dr|Prof|Professor|Mr|Mrs|Ms|Captain)\.? )?"
_INTRODUCES = re.compile(
    rf"\b(?:[Mm]y name is|I am|I['’]m|[Tt]his is|speaking is) ({_TITLE}[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)"
    r"(?=\s*(?:[.,;!?]|$|and\b|from\b|speaking\b|here\b))"
)
_NAME = re.compile(r"(?:[A-Z][\w'’.-]+ ){1,3}[A-Z][\w'’-]+(?:, .*)?")
"""A line that is a person's name, with a role behind; one word may be anything."""
BEFORE: Seconds = 300.0
"""A voice that introduced itself longer ago may have been followed by another."""


def asks_voice(part: Part) -> bool:
    """Whether it is asked whose words they are."""
    return bool(part["words"] and _ASKED.match(part["text"].lower()))


def solve_said_by(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding | None:
    """The name told of the voice, or that none is; None where the words are not found spoken."""
    said = next((c for c in found if c["source"] == "speech"), None)
    if said is None or not enough(said, terms):
        return None
    told = _reported(said) or _introduced(desk, said) or _shown(desk, said)
    if told is None:
        lead = f"It is said at {clock(said['start'])}, but nobody’s name is told there."
        return finding("weak", confidence=0.4, nearest=said, lead=lead)
    name, proof = told
    rest = [] if proof["id"] == said["id"] else [proof]
    sentences = [sentence(f"{name}.", len(rest)), sentence(at(said), 0)]
    sentences += [sentence(at(one), 1) for one in rest]
    return finding("found", sentences, [said, *rest], confidence=0.6, short=name)


def _reported(said: Candidate) -> tuple[str, Candidate] | None:
    """Who says it by the sentence's own report."""
    named = _REPORTS.search(said["quote"])
    if named is None or named.group(1).lower() in _NOBODY:
        return None
    return named.group(1), said


def _introduced(desk: Desk, said: Candidate) -> tuple[str, Candidate] | None:
    """Who last introduced themselves, up to the sentence itself."""
    lane = desk.lane(said["video"], "speech")
    for unit in reversed(lane.at(Span(max(0.0, said["start"] - BEFORE), said["end"]))):
        named = _INTRODUCES.search(unit.record.text)
        if named is not None and unit.record.span.start <= said["start"]:
            return named.group(1), candidate(unit, said["score"])
    return None


def _shown(desk: Desk, said: Candidate) -> tuple[str, Candidate] | None:
    """The one name on the screen while it is said."""
    lines = desk.lane(said["video"], "screen").at(Span(said["start"], said["end"]))
    named = [unit for unit in lines if _is_name(unit)]
    if len({unit.record.text.strip() for unit in named}) != 1:
        return None
    return named[0].record.text.strip().split(",")[0], candidate(named[0], said["score"])


def _is_name(unit: Unit) -> bool:
    text = unit.record.text.strip()
    return bool(_NAME.fullmatch(text)) and not headline(text)
