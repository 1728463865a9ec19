"""Compare two sets of read text lines, forgiving case, spacing and an odd wrong letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher

LIKENESS = 0.85


def distinct(lines: Iterable[str], *, seen_at_least: int = 1) -> list[str]:
    """Return lines in canonical spelling, the most frequent first, without near-duplicates.

    `seen_at_least` leaves out what was read fewer times: misreadings in noise do not repeat.

    >>> distinct(["The lens", "the  lens", "Fog signals", "The Iens"])
    ['the lens', 'fog signals']
    """
    counts = Counter(_plain(line) for line in lines if len(_plain(line)) >= 2)
    kept: list[str] = []
    totals: dict[str, int] = {}
    for line, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        twin = next((known for known in kept if alike(known, line)), None)
        if twin is None:
            kept.append(line)
        totals[twin or line] = totals.get(twin or line, 0) + count
    return [line for line in kept if totals[line] >= seen_at_least]


def alike(one: str, other: str) -> bool:
    """Whether two lines are the same line, read twice.

    >>> alike("Bell, horn and siren", "bell horn and siren"), alike("The lens", "The tides")
    (True, False)
    """
    matcher = SequenceMatcher(None, _plain(one), _plain(other), autojunk=False)
    return (
        matcher.real_quick_ratio() >= LIKENESS
        and matcher.quick_ratio() >= LIKENESS
        and matcher.ratio() >= LIKENESS
    )


def missing(wanted: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return the wanted lines that have no twin among those found."""
    pool = sorted({_plain(line) for line in found})
    return [line for line in wanted if not any(alike(line, other) for other in pool)]


def _plain(line: str) -> str:
    return " ".join(line.casefold().split())
