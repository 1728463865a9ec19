"""Check every sentence of an answer against the evidence it cites, after it was written.

A sentence that code made must quote its evidence word for word and name its times; a sentence
that a model made may use only words and numbers of its evidence (and words, not numbers, of the
question). Sentences that fail are dropped. Wrong grounding is worse than a missing sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.timecode import format_time
from longtake.tools.topic import FUNCTION
from longtake.tools.words import stem, tokens, with_digits

_QUOTE = re.compile(r"“([^”]*)”")
_CLOCK = re.compile(r"\b\d{2}:\d{2}:\d{2}\b")
_NEGATIONS = frozenset("no not never none nothing nobody neither nor without cannot".split())  # noqa: SIM905
_LINKS = frozenset("say said speaker lecturer screen slide show video mention state".split())  # noqa: SIM905


def ground(
    sentences: Sequence[dict[str, Any]], evidence: Sequence[dict[str, Any]], question: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split sentences into those that stand and those that do not."""
    kept, dropped = [], []
    for one in sentences:
        cited = [evidence[n] for n in one["cites"] if 0 <= n < len(evidence)]
        why = _fault(one, cited, question)
        if why is None:
            kept.append(one)
        else:
            dropped.append(one | {"why": why})
    return kept, dropped


def _fault(one: dict[str, Any], cited: Sequence[dict[str, Any]], question: str) -> str | None:
    """Why a sentence does not stand, or None."""
    if one["by"] == "note":
        return None
    if not cited:
        return "cites nothing"
    if one["by"] == "model":
        return _invented(one["text"], cited, question)
    return _misquoted(one["text"], cited) or _mistimed(one["text"], cited)


def _misquoted(text: str, cited: Sequence[dict[str, Any]]) -> str | None:
    all_words = " ".join(" ".join(e["quote"].split()) for e in cited)
    named = all_words.lower()
    for quote in _QUOTE.findall(text):
        piece = quote.removesuffix(" …").strip()
        if " ".join(piece.lower().split()) not in named and not _is_name(piece, text):
            return f"“{piece[:40]}” is not in the evidence"
    return None


def _is_name(piece: str, text: str) -> bool:
    """What the question called a thing is quoted in comparisons: "“A” comes first"."""
    return bool(
        re.search(rf"“{re.escape(piece)}” (?:comes|earlier|later)|before “|after “|, “", text)
    )


def _mistimed(text: str, cited: Sequence[dict[str, Any]]) -> str | None:
    known = {format_time(time, millis=False) for e in cited for time in (e["start"], e["end"])}
    plain = _QUOTE.sub("", text)
    wrong = [clock for clock in _CLOCK.findall(plain) if clock not in known]
    return f"{wrong[0]} is no time of the evidence" if wrong else None


def _invented(text: str, cited: Sequence[dict[str, Any]], question: str) -> str | None:
    held = {stem(w) for e in cited for w in with_digits(tokens(e["quote"]))}
    asked = {stem(w) for w in with_digits(tokens(question))}
    for word in with_digits(tokens(text)):
        root = stem(word)
        if any(c.isdigit() for c in word):
            if root not in held:
                return f"number {word} is not in the evidence"
        elif word in _NEGATIONS:
            if root not in held:
                return f"“{word}” is not in the evidence"
        elif word not in FUNCTION and root not in held | asked and root not in _LINKS:
            return f"“{word}” is not in the evidence"
    return None
