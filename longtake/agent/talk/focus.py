"""What an answer names in the place of what was asked for: its focus.

Contract: `focus(question, sentence)` returns words of the sentence, or None. Who asks "which
company cleans the train?" goes on about the company, so the new name comes before everything that
the question had already said (the given-new rule of dialogue; Clark and Haviland, "Comprehension and
the given-new contract"). Nothing here reads a video.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longtake.tools.topic import FUNCTION, WATCHING
from longtake.tools.words import stem, tokens

ASKS = re.compile(
    r"^(?:and |so |but )*(?:(?:at|in|on|by|to|for|from|with|of) )?(?P<wh>who|whom|whose|what|which|where)\b"
    r"(?P<rest>.*)"
)
_CALLED = re.compile(
    r"\b(?:called|named|titled|entitled)\s+((?:the\s+)?[A-ZÀ-Þ][\w’'-]*(?:\s[A-ZÀ-Þ][\w’'-]*)*)"
)
_ARTICLES = frozenset("a an the his her its their our my this that these those".split())  # noqa: SIM905
_PREPOSITIONS = frozenset(
    "in at from to near beside under on behind inside above below with by of for".split()  # noqa: SIM905
)
_AUXILIARIES = frozenset(
    "do does did is are was were has have had can could will would must".split()  # noqa: SIM905
)
_VERBAL = ("s", "ed", "ing")
_LONGEST = 5
LEAST = 1.0
"""A run that scores less is no name of anything."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring words of a sentence that the question did not hold."""

    words: tuple[str, ...]
    before: tuple[str, ...]
    first: bool
    object: bool
    """It comes right after a word of the question: "collects old barometers"."""


def focus(question: str, sentence: str) -> str | None:
    """The new name or thing in a sentence that answers a question of who, what, which or where.

    >>> focus("Which farm does the cow Bella belong to?", "The cow Bella belongs to the Hartog farm.")
    'the Hartog farm'
    >>> focus("Who repaired the tower?", "The tower was repaired by the Abbas brothers.")
    'the Abbas brothers'
    >>> focus("When was it built?", "It was built in 1900 by Anna Berg.") is None
    True
    """
    match = ASKS.match(question.lower().strip())
    if match is None:
        return None
    asked = {stem(w) for w in tokens(question) if w not in FUNCTION}
    heads = _heads(match) & {stem(w) for w in tokens(sentence)}
    if not asked & {stem(w) for w in tokens(sentence)}:
        return None  # another sentence than the one asked about
    named = _CALLED.search(sentence)
    if named and not {stem(w) for w in tokens(named.group(1))} <= asked:
        return named.group(1)
    runs = _runs(sentence, asked - heads, asked)
    scored = [(_score(run, match.group("wh"), heads), -n, run) for n, run in enumerate(runs)]
    best = max(scored, default=None, key=lambda one: one[:2])
    if best is None or best[0] < LEAST:
        return None
    run = best[2]
    article = run.before[-1].lower() if run.before and run.before[-1].lower() in _ARTICLES else ""
    return " ".join([*(["the"] if article else []), *run.words])


def _heads(match: re.Match[str]) -> set[str]:
    """Nouns right after "which" and "what": what sort of thing is asked for."""
    if match.group("wh") not in ("what", "which"):
        return set()
    words = tokens(match.group("rest"))
    first = words[0] if words else ""
    if not first or first in FUNCTION or (match.group("wh") == "what" and first.endswith(_VERBAL)):
        return set()
    two = len(words) > 2 and words[1] not in FUNCTION and words[2] in _AUXILIARIES
    return {stem(w) for w in words[: 2 if two else 1]}


def _runs(sentence: str, given: set[str], asked: set[str]) -> list[_Run]:
    found: list[_Run] = []
    kept: list[str] = []
    pieces = re.findall(r"[^\W_][\w’'-]*|[^\w\s]", sentence)
    for n, word in enumerate([*pieces, "."]):
        low = word.lower()
        free = word[0].isalnum() and low not in FUNCTION and stem(low) not in given
        if kept and kept[-1][0].isupper() and word.islower() and low.endswith(("s", "ed")):
            led = pieces[n - len(kept) - 1].lower() if n > len(kept) else ""
            free = free and led in _ARTICLES  # "Anna Berg founded …": a name ends before the verb
        if free:
            kept.append(word)
            continue
        new = {stem(w.lower()) for w in kept} - asked
        if kept and new and len(kept) <= _LONGEST:
            begin = n - len(kept)
            before = tuple(pieces[max(0, begin - 3) : begin])
            object_ = any(stem(w.lower()) in asked for w in before[-2:])
            found.append(_Run(tuple(kept), before, begin == 0, object_))
        kept = []
    return found


def _score(run: _Run, wh: str, heads: set[str]) -> float:
    """How much a run looks like the name that was asked for."""
    capital = [w for w in run.words if w[:1].isupper()]
    named = len(capital) > (1 if run.first else 0)
    lows = [w.lower() for w in run.before]
    article = bool(lows) and lows[-1] in _ARTICLES
    placed = bool(set(lows[-2:]) & _PREPOSITIONS)
    done = "by" in lows[-2:] and (named or any(w.endswith(("ed", "en")) for w in lows))
    score = 2.0 * named + 1.0 * article + (2.0 if done else 0.5 * placed)
    score += 1.0 * bool({stem(w.lower()) for w in run.words} & heads)
    score += 1.0 * (placed and wh == "where") + 1.5 * (run.object and not named)
    score += 1.0 * (run.first and not named and len(run.words) > 1 and wh in ("what", "which"))
    low_words = [w for w in run.words if w.islower()]
    alone = len(low_words) == len(run.words) == 1 and not article and not run.object
    if alone and low_words[0].endswith(_VERBAL):
        score -= 2.0
    if wh in ("who", "whom", "whose") and not (named or article):
        score -= 2.0
    if {w.lower() for w in run.words} <= WATCHING or run.words[0].isdigit():
        score -= 2.0
    return score
