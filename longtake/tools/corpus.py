"""Every remembered text of some videos, ready to be scanned.

Counting, "first", "last", "every" and above all "it is not there" are claims about everything
that was remembered, so they are answered by a scan and never from the top of a ranking. A
`Corpus` holds the units that can be quoted: one utterance, one line of screen text, what one
frame shows, one caption.

Terms of a question are matched in the steps of `longtake.tools.words`; a term that the videos
never hold exactly may match words that sound or look nearly the same, at a lower weight.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Literal, TypeAlias

from longtake.storage.records import Record
from longtake.tools.words import NEAR, likeness, near_words, stem, tokens, with_digits

Source: TypeAlias = Literal["speech", "screen", "sight", "caption"]

_SOURCES: dict[tuple[str, str], Source] = {
    ("moment", "speech"): "speech",
    ("moment", "screen"): "screen",
    ("frame", "sight"): "sight",
    ("moment", "caption"): "caption",
    ("clip", "caption"): "caption",
    ("scene", "caption"): "caption",
    ("chapter", "caption"): "caption",
    ("video", "caption"): "caption",
}
_FLOOR_IDF = 0.35
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
OUTLIVED = 6
"""A screen line that saw so many others come and go belongs to the frame, not to a page."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One quotable text and its stems."""

    record: Record
    source: Source
    stems: tuple[str, ...]
    bag: frozenset[str]
    pairs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a question: its weight, and the forms under which the videos hold it.

    `forms` maps stems, and `joined` maps two neighbouring words written as one, to a likeness.
    A term without both is nowhere in the videos: `absent`.
    """

    text: str
    stem: str
    weight: float
    forms: dict[str, float] = field(default_factory=dict)
    joined: dict[str, float] = field(default_factory=dict)

    @property
    def absent(self) -> bool:
        """Whether no unit holds this term, not even nearly."""
        return not self.forms and not self.joined

    @property
    def exact(self) -> bool:
        """Whether the term occurs as it was asked for."""
        return self.forms.get(self.stem, 0.0) == 1.0

    def match(self, unit: Unit) -> float:
        """How well a unit holds this term, 0 to 1."""
        best = max((p for form, p in self.forms.items() if form in unit.bag), default=0.0)
        if best < 1.0 and self.joined:
            best = max([best, *(p for pair, p in self.joined.items() if pair in unit.pairs)])
        return best


class Corpus:
    """Units of some videos in order of (video as given, start, id), with an inverted index."""

    def __init__(
        self, records: Iterable[Record], videos: Sequence[str], *, known: Corpus | None = None
    ) -> None:
        units: dict[str, Unit] = {u.record.id: u for u in known.units} if known else {}
        order = {video: n for n, video in enumerate(videos)}
        kept = [r for r in _quotable(list(records)) if r.text.strip() and r.video in order]
        kept.sort(key=lambda r: (order[r.video], r.span.start, r.id))
        self.videos = tuple(videos)
        self.units: list[Unit] = [
            one if (one := units.get(r.id)) is not None and one.record is r else _unit(r)
            for r in kept
        ]
        self._posting: dict[str, list[int]] = {}
        self._pairs: dict[str, list[int]] = {}
        self._words: dict[str, str] = {}
        for n, unit in enumerate(self.units):
            for word in unit.bag:
                self._posting.setdefault(word, []).append(n)
            for word in tokens(unit.record.text):
                self._words.setdefault(word, stem(word))
            for pair in unit.pairs:
                self._pairs.setdefault(pair, []).append(n)

    def of(self, *sources: Source) -> list[Unit]:
        """Return the units of some sources; captions only when asked for."""
        wanted = sources or ("speech", "screen", "sight")
        return [unit for unit in self.units if unit.source in wanted]

    @cached_property
    def described(self) -> list[Unit]:
        """What a model saw happen: its captions of clips, not those composed of labels."""
        return [unit for unit in self.units if is_described(unit.record)]

    @cached_property
    def furniture(self) -> frozenset[str]:
        """Ids of screen lines that stay while page after page comes and goes beneath them.

        A footer, a channel's logo, a window's menu: it is on screen at every moment, so being
        near to a question by it says nothing of the moment.
        """
        lines: dict[str, list[Unit]] = {}
        for unit in self.units:
            if unit.source == "screen":
                lines.setdefault(unit.record.video, []).append(unit)
        found: list[str] = []
        for units in lines.values():
            starts = sorted(unit.record.span.start for unit in units)
            ends = sorted(unit.record.span.end for unit in units)
            for unit in units:
                span = unit.record.span
                gone = bisect_left(ends, span.end) - bisect_right(ends, span.start)
                come = bisect_left(starts, span.end) - bisect_right(starts, span.start)
                if min(gone, come) >= OUTLIVED:
                    found.append(unit.record.id)
        return frozenset(found)

    @cached_property
    def _frequency(self) -> Counter[str]:
        """How many quotable moments hold a stem; derived captions do not count twice."""
        counts: Counter[str] = Counter()
        for unit in self.units:
            if unit.source != "caption":
                counts.update(unit.bag)
        return counts

    @cached_property
    def size(self) -> int:
        """How many moments there are, captions aside."""
        return sum(unit.source != "caption" for unit in self.units)

    def weight(self, word: str) -> float:
        """How telling a stem is: log of how rare, never quite nothing; absent ones tell most.

        Rarity is that of Robertson and Spärck Jones; it is divided by the greatest possible so
        that short and long videos weigh alike.
        """
        most = math.log(1 + self.size)
        if most <= 0:
            return 1.0
        return max(_FLOOR_IDF, math.log((1 + self.size) / (1 + self._frequency[word])) / most)

    def terms(self, words: Sequence[str], *, blur: bool = True) -> list[Term]:
        """Look words up: exact stems, words written apart or joined, then near ones."""
        plain = with_digits(list(words))
        joined = {i: plain[i] + plain[i + 1] for i in range(len(plain) - 1)}
        found = []
        for i, word in enumerate(plain):
            root = stem(word)
            forms: dict[str, float] = {}
            pairs: dict[str, float] = {}
            if root in self._posting:
                forms[root] = 1.0
            elif blur:
                pairs = self._apart(word)
                for both in (joined.get(i - 1), joined.get(i)):
                    if both and stem(both) in self._posting:
                        forms[stem(both)] = 1.0
                if not forms and not pairs:
                    forms, pairs = self._near(word)
            found.append(Term(word, root, self.weight(root), forms, pairs))
        return found

    def _apart(self, word: str) -> dict[str, float]:
        return {pair: 1.0 for pair in (word, stem(word)) if pair in self._pairs}

    def _near(self, word: str) -> tuple[dict[str, float], dict[str, float]]:
        if len(word) < 5:
            return {}, {}
        forms: dict[str, float] = {}
        for other, p in near_words(word, self._words).items():
            form = self._words[other]
            if form in self._posting:
                forms[form] = max(forms.get(form, 0.0), 0.95 * p)
        pairs = {} if forms else near_words(word, self._pairs) if len(word) >= 7 else {}
        return forms, {pair: 0.95 * p for pair, p in pairs.items()}

    def holding(self, terms: Sequence[Term]) -> list[Unit]:
        """Return the units that hold at least one of the terms, in order."""
        hits: set[int] = set()
        for term in terms:
            for form in term.forms:
                hits.update(self._posting.get(form, ()))
            for pair in term.joined:
                hits.update(self._pairs.get(pair, ()))
        return [self.units[n] for n in sorted(hits)]


def coverage(terms: Sequence[Term], units: Sequence[Unit]) -> float:
    """Share of the terms' weight that these units hold together, 0 to 1."""
    whole = sum(term.weight for term in terms)
    if not whole:
        return 0.0
    held = sum(term.weight * max((term.match(u) for u in units), default=0.0) for term in terms)
    return held / whole


def is_described(record: Record) -> bool:
    """Whether a record is a model's caption of what is seen in a clip, or a person's mark."""
    return (record.maker.startswith("captions:") and record.data.get("of") == "clip") or (
        record.data.get("of") == "mark"
    )


def alike(one: str, other: str) -> bool:
    """Whether two words may be the same: one stem, or nearly the same letters or sound."""
    return stem(one) == stem(other) or likeness(stem(one), stem(other)) >= NEAR


def _quotable(records: Sequence[Record]) -> list[Record]:
    """Drop screen pages of videos whose lines are remembered one by one."""
    lined = {r.video for r in records if (r.level, r.channel) == ("moment", "screen")}
    return [
        r
        for r in records
        if (r.level, r.channel) in _SOURCES
        or ((r.level, r.channel) == ("frame", "screen") and r.video not in lined)
    ]


def _unit(record: Record) -> Unit:
    words = tokens(record.text)
    roots = tuple(stem(word) for word in with_digits(words))
    pairs = frozenset(a + b for a, b in pairwise(words))
    source = _SOURCES.get((record.level, record.channel), "screen")
    return Unit(record, source, roots, frozenset([*roots, *_humps(record.text)]), pairs)


def _humps(text: str) -> list[str]:
    """Stems of the words inside names of code: "SQLException", "avg_speed"."""
    names = re.findall(r"\b\w*(?:[a-z][A-Z]|[A-Z]{2,}[a-z]|_)\w*", text)
    return [stem(h.lower()) for name in names for h in _HUMP.findall(name) if len(h) > 2]
