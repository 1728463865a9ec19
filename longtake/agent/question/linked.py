"""Take out of what one part found the value that the next part needs: a person, a thing, a number.

The short answer of the finding where there is one; else what stands in the sentence in the place
of what was asked: before the verb, or after "by" when the sentence is turned round. Only words of
the evidence are returned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.agent.findings import Candidate
from longtake.agent.reading.extract import best_sentence, short_answer
from longtake.agent.state import Finding, Part
from longtake.tools.topic import FUNCTION
from longtake.tools.words import stem, tokens

LONGEST = 4
"""Words of a thing's name."""
_BREAK = frozenset(
    """because so when while although but since then however and which that who after before if is
    are was were has have had will would can could may might""".split()  # noqa: SIM905
)
_DETERMINERS = frozenset("a an the this that our their his her its my some one another".split())  # noqa: SIM905
_CALLED = re.compile(r"\b(?:called|named|titled|entitled)\s+((?:[A-Z][\w-]*\s?)+|[\w-]+)")


def value_of(earlier: Part, made: Finding, bind: dict[str, Any]) -> tuple[str | None, Candidate]:
    """The value, and the piece of evidence that holds it; None when no value can be told."""
    wants = bind.get("wants") or earlier["wants"]
    if wants != "person":
        for proof in made["evidence"][:3]:
            line = best_sentence(proof["quote"], earlier["words"])
            found = beside_head(line, bind.get("head"), earlier["words"])
            found = found or (place_in(line, earlier["words"]) if wants == "place" else None)
            if found:
                return _bare(found), proof
    short = made.get("short")
    if short:
        proof = next((e for e in made["evidence"] if short.lower() in e["quote"].lower()),
                     made["evidence"][0])  # fmt: skip
        return _bare(short), proof
    for proof in made["evidence"][:3]:
        line = best_sentence(proof["quote"], earlier["words"])
        found = short_answer(line, "person", earlier["words"]) if wants == "person" else None
        found = found or thing_in(line, earlier["text"], bind.get("head"))
        if found:
            return _bare(found), proof
    return None, made["evidence"][0]


_NAME = r"(?:[A-Z][\w'’-]*|\d+)(?: (?:of |de |van |von )?(?:[A-Z][\w'’-]*|\d+))*"


def beside_head(line: str, head: str | None, words: Sequence[str]) -> str | None:
    """The name that stands beside the noun that was asked for, whatever the sentence asks of it.

    >>> beside_head("The roses come from the nursery Fennick.", "nursery", ["nursery", "roses"])
    'Fennick'
    >>> beside_head("The cow lives on the Hartog farm.", "farm", ["farm", "cow"])
    'Hartog'
    """
    noun = tokens(head or "")[-1:]
    if not noun:
        return None
    root = re.escape(noun[0].removesuffix("s"))
    known = {stem(w) for w in words}
    for pattern in (
        rf"\b(?i:{root})s? (?:called |named |of )?({_NAME})",
        rf"\b({_NAME}) (?i:{root})s?\b",
    ):
        for match in re.finditer(pattern, line):
            name = re.sub(r"^(?:The|A|An|This|Our|In|At|On|From) ", "", match.group(1))
            fresh = [w for w in tokens(name) if stem(w) not in known and w not in FUNCTION]
            if fresh:
                return name
    return None


def place_in(line: str, words: Sequence[str]) -> str | None:
    """The place that a sentence names.

    >>> place_in("The potter grew up in Tarnby, beside a mill.", ["potter", "grew"])
    'Tarnby'
    """
    known = {stem(w) for w in words}
    for match in re.finditer(rf"\b(?:in|at|from|near|to|on) (?:the )?({_NAME})", line):
        if not {stem(w) for w in tokens(match.group(1))} <= known:
            return match.group(1)
    return None


def thing_in(line: str, question: str, head: str | None) -> str | None:
    """What a sentence names in the place of what a question asks for.

    >>> thing_in("In 1950 the wooden mallet replaced the hammer.", "which tool replaced the hammer", "tool")
    'wooden mallet'
    >>> thing_in("The hammer was replaced by a mallet.", "which tool replaced the hammer", "tool")
    'mallet'
    """
    if match := _CALLED.search(line):
        return match.group(1).strip()
    asked = [w for w in tokens(question) if w not in FUNCTION]
    heads = {stem(w) for w in tokens(head or "")}
    roots = [stem(w) for w in asked if stem(w) not in heads]
    words = re.findall(r"[\w'’-]+|[.,;:!?]", line)
    places = [n for n, w in enumerate(words) if stem(w.lower()) in roots]
    if not places:
        return None
    verb = next((n for n in places if roots and stem(words[n].lower()) == roots[0]), places[0])
    rest = [n for n in places if n != verb]
    turned = bool(rest) and max(rest) < verb
    if turned:
        return _phrase_after(words, verb, set(roots))
    return _phrase_before(words, verb, set(roots)) or _phrase_after(words, verb, set(roots))


def _phrase_before(words: list[str], at: int, asked: set[str]) -> str | None:
    """The noun phrase that ends just before a verb."""
    kept: list[str] = []
    for word in reversed(words[:at]):
        low = word.lower()
        if low in _DETERMINERS and kept:
            break
        if not re.match(r"\w", word) or (low in _BREAK and kept) or stem(low) in asked:
            if kept:
                break
            continue
        if low in FUNCTION:
            if kept:
                break
            continue
        kept.insert(0, word)
        if len(kept) == LONGEST:
            break
    return " ".join(kept) or None


def _phrase_after(words: list[str], at: int, asked: set[str]) -> str | None:
    """The noun phrase after a verb, behind "by" where there is one."""
    tail = words[at + 1 :]
    lows = [w.lower() for w in tail]
    start = lows.index("by") + 1 if "by" in lows else 0
    kept: list[str] = []
    for word in tail[start:]:
        low = word.lower()
        if not re.match(r"\w", word) or low in _BREAK or stem(low) in asked:
            if kept:
                break
            continue
        if low in FUNCTION:
            if kept:
                break
            continue
        kept.append(word)
        if len(kept) == LONGEST:
            break
    return " ".join(kept) or None


def _bare(value: str) -> str:
    """A name without its title: the video may use another one, or none.

    >>> _bare("Professor Ilse Marquardt"), _bare("the mallet.")
    ('Ilse Marquardt', 'mallet')
    """
    plain = re.sub(r"^(?:(?:Dr|Prof|Professor|Mr|Mrs|Ms)\.?|[Tt]he|[Aa]n?)\s+", "", value)
    return plain.strip(" .,;:!?") or value
