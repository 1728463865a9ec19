"""Whether words that were said or shown hold what is to be noticed.

A quoted phrase must come word by word, in order; function words may be others, as they are heard
and read badly. Of plain words every one must be held, near together: as it is written, in another
form, mis-heard by a letter, or by a word that means the same. `value` is 1 for words as they are
written, and below a half where one is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from itertools import accumulate

import numpy as np

from longtake.agent.standing.predicate import Predicate
from longtake.models.protocols import TextEncoder
from longtake.storage.records import Floats
from longtake.tools.topic import FUNCTION
from longtake.tools.words import likeness, stem, tokens, with_digits

MEANS = 0.72
"""Least cosine of two words that may stand for each other ("dog" and "puppy" 0.80, "exam" and "test" 0.67)."""
LETTERS = 0.9
"""Least likeness of a word that was mis-heard or mis-read."""
LONG = 6
"""Letters of a word that may be mis-heard."""
LETTERS_LONG, LETTERS_ALIKE, MISHEARD = 12, 0.93, 0.85
"""Letters of a phrase in which one may be wrong, how alike they must be, and what that counts."""
APART = 0.7
"""What a match counts in which words that belong together ("harbour master") stand apart."""
NEAR = 10
"""Words beside those asked for among which they must be."""
_CACHE = 4096


@dataclass(frozen=True, slots=True)
class Match:
    """How well words hold it, and which: the first and last place in what was given."""

    value: float
    first: int
    last: int


NOTHING = Match(0.0, 0, 0)


class Meanings:
    """Cosines of single words, by the text encoder; without one no word means another."""

    def __init__(self, encoder: TextEncoder | None) -> None:
        self._encoder = encoder
        self._known: dict[str, Floats] = {}

    def alike(self, one: str, others: Sequence[str]) -> list[float]:
        """How near each word is in meaning."""
        if self._encoder is None or not others:
            return [0.0] * len(others)
        wanted = [w for w in dict.fromkeys((one, *others)) if w not in self._known]
        if len(self._known) > _CACHE:
            self._known.clear()
            wanted = list(dict.fromkeys((one, *others)))
        if wanted:
            rows = self._encoder.encode(wanted)
            self._known |= dict(zip(wanted, rows, strict=True))
        own = self._known[one]
        return [float(np.dot(own, self._known[word])) for word in others]


def joined(words: Sequence[str]) -> list[tuple[str, int, int]]:
    """The words as they are compared, each with its first and last place: numbers as digits.

    >>> joined(["Room", "twenty", "seven,", "left"])
    [('room', 0, 0), ('27', 1, 2), ('left', 3, 3)]
    """
    flat = [(word, n) for n, text in enumerate(words) for word in tokens(text)]
    found: list[tuple[str, int, int]] = []
    at = 0
    while at < len(flat):
        size = next(
            (k for k in (4, 3, 2) if len(flat) - at >= k and _one_number([w for w, _ in flat[at : at + k]])),
            1,
        )  # fmt: skip
        text = with_digits([word for word, _ in flat[at : at + size]])[0]
        found.append((text, flat[at][1], flat[at + size - 1][1]))
        at += size
    return found


def _one_number(words: Sequence[str]) -> bool:
    made = with_digits(words)
    return len(made) == 1 and made[0] not in words


def matched(predicate: Predicate, words: Sequence[str], meanings: Meanings) -> Match:
    """The best match in words that follow each other; the newest of equal ones."""
    flat = joined(words)
    if not flat:
        return NOTHING
    if predicate.phrases:
        found = [_phrase(joined(tokens(one)), flat) for one in predicate.phrases]
        first, last = min(one.first for one in found), max(one.last for one in found)
        return Match(min(one.value for one in found), first, last)
    return _terms(predicate.terms, predicate.bound, flat, meanings)


Flat = Sequence[tuple[str, int, int]]


def _phrase(wanted: Flat, flat: Flat) -> Match:
    """Find a phrase; part of one counts as the share of its words, less than half."""
    best, size = NOTHING, len(wanted)
    for at in range(len(flat) - size + 1):
        like = [_same(w, flat[at + n][0]) for n, (w, _, _) in enumerate(wanted)]
        whole = float(np.mean(like)) if all(like) else 0.49 * sum(like) / size
        if whole > 0 and whole >= best.value:
            best = Match(round(whole, 4), flat[at][1], flat[at + size - 1][2])
    return best if best.value >= 0.5 else max(best, _spaced(wanted, flat), key=_value)


def _spaced(wanted: Flat, flat: Flat) -> Match:
    """Find a phrase heard with other blanks ("time table"), or with one letter of many wrong."""
    letters, size, best = "".join(word for word, _, _ in wanted), len(wanted), NOTHING
    for at in range(len(flat)):
        for end in range(max(at + 1, at + size - 1), min(len(flat), at + size + 2) + 1):
            value = _spelled(letters, "".join(word for word, _, _ in flat[at:end]))
            if value and value >= best.value:
                best = Match(value, flat[at][1], flat[end - 1][2])
    return best


def _spelled(wanted: str, found: str) -> float:
    if wanted == found:
        return 0.98
    digits = any(c.isdigit() for c in wanted + found)
    if digits or len(wanted) < LETTERS_LONG or abs(len(wanted) - len(found)) > 1:
        return 0.0
    alike = SequenceMatcher(None, wanted, found, autojunk=False).ratio()
    return MISHEARD if alike >= LETTERS_ALIKE else 0.0


def _value(match: Match) -> float:
    return match.value


def _same(wanted: str, word: str) -> float:
    if wanted == word or stem(wanted) == stem(word):
        return 1.0
    if wanted in FUNCTION and word in FUNCTION:
        return 0.95
    near = min(len(wanted), len(word)) >= LONG and likeness(wanted, word)
    return near if near >= LETTERS else 0.0


def _terms(terms: Sequence[str], bound: Sequence[bool], flat: Flat, meanings: Meanings) -> Match:
    """Find all terms near together; `bound` tells which belong to the term before."""
    held = [_held(term, flat, meanings) for term in terms]
    best, room = NOTHING, NEAR + 2 * len(terms)
    for low in range(max(1, len(flat) - room + 1)):
        part = range(low, min(len(flat), low + room))
        places = [max(part, key=partial(_best_of, row)) for row in held]
        values = [row[n] for row, n in zip(held, places, strict=True)]
        whole = float(np.mean(values)) if all(values) else 0.49 * float(np.mean(values))
        gaps = zip(places[1:], places[:-1], bound[1:], strict=True)
        if any(tied and not 0 <= n - before <= 2 for n, before, tied in gaps):
            whole *= APART
        if whole > 0 and whole >= best.value:
            used = [n for n, value in zip(places, values, strict=True) if value]
            best = Match(round(whole, 4), flat[min(used)][1], flat[max(used)][2])
    return best


def _best_of(row: Sequence[float], n: int) -> tuple[float, int]:
    return row[n], n


def _held(term: str, flat: Flat, meanings: Meanings) -> list[float]:
    """How well each word holds a term."""
    root = stem(with_digits([term])[0])
    words = [word for word, _, _ in flat]
    found = [_same_root(root, term, word) for word in words]
    if max(found, default=0.0) < 1.0 and not root.isdigit():
        for n, near in enumerate(meanings.alike(term, words)):
            plain = words[n] not in FUNCTION and not words[n].isdigit()
            found[n] = max(found[n], round(near, 4) if near >= MEANS and plain else 0.0)
    return found


def _same_root(root: str, term: str, word: str) -> float:
    if root == stem(word):
        return 1.0
    near = min(len(term), len(word)) >= LONG and likeness(term, word)
    return near if near >= LETTERS else 0.0


def compact(predicate: Predicate, text: str) -> bool:
    """Whether a line holds the phrases with the blanks left out, as readers leave them out.

    An edge of the phrase may lie inside a word of the line only where that word holds more of the
    phrase than its outer word: there the blanks are lost. "Follow tide" has its blank, and does
    not hold "low tide"; "thelowtide" does.
    """
    words = [one for word in text.lower().split() if (one := _letters(word))]
    return bool(predicate.phrases) and all(
        sum(map(len, wanted)) >= LONG and _holds(words, wanted)
        for wanted in (
            [_letters(word) for word in one.lower().split()] for one in predicate.phrases
        )
    )


def _holds(words: Sequence[str], wanted: Sequence[str]) -> bool:
    letters, phrase = "".join(words), "".join(wanted)
    ends = list(accumulate(map(len, words), initial=0))
    at = letters.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        next_blank = next(one for one in ends if one > at)
        last_blank = next(one for one in reversed(ends) if one < end)
        begins = at in ends or next_blank > at + len(wanted[0])
        if begins and (end in ends or last_blank < end - len(wanted[-1])):
            return True
        at = letters.find(phrase, at + 1)
    return False


def _letters(word: str) -> str:
    return "".join(c for c in word if c.isalnum())
