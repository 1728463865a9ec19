"""The sentences of a video with what each is worth to somebody who was not there.

Extractive, like the summaries that memory keeps, but chosen when they are asked for and from the
raw words: a sentence is worth much when its words are rare in this video, when it holds a number or
a name, when the speaker says that it matters, when it was heard clearly. It is worth little when it
comes again and again ("please stop me if anything is unclear"), when it only points ("this one
here") or asks. Vectors are those that were kept at ingest; nothing is embedded again.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from longtake.storage.records import Floats, Record
from longtake.timecode import Seconds, Span
from longtake.tools.topic import FUNCTION, WATCHING
from longtake.tools.words import stem, tokens

if TYPE_CHECKING:
    from longtake.tools.reading import Reader

ALIKE = 0.9
"""Cosine from which two sentences say the same."""
OFTEN = 2
"""How often a sentence must come again to be small talk."""
STOCK = 0.4
"""Share of a sentence's runs of three words that come in others too, from which it is a phrase
with a gap: "if you look at … closely, you find many small surprises"."""
MOST_COMPARED = 6000
"""Sentences that are compared with each other; beyond it only equal ones count as repeats."""
PAUSE: Seconds = 2.0
CLEAR = 0.7
"""Mean probability of the least sure words of a sentence that was heard well."""
LONGEST = 45
"""Words at which a sentence without a full stop is closed."""
_END = re.compile(r"[.!?…][\"'”’)]*$")
_CUE = re.compile(
    r"\b(?:important\w*|remember\w*|the (?:main|key|whole) (?:point|idea|thing|reason)|"
    r"in (?:summary|short|conclusion)|to sum up|note that|keep in mind|the reason|"
    r"which means|we (?:found|learned|measured|decided|agreed)|announce\w*|deadline|exam|"
    r"first of all|finally|surpris\w+|warning|decision|result|discover\w*|invent\w*|prove[sdn]?)\b"
)
_POINTS = re.compile(
    r"^(?:(?:and|so|but|well|ok|okay|yes|no|wait)[, ]+)*(?:he|she|it|they|this|that|these|those|here|"
    r"there|i|you|we|let us|let's|please)\b"
)
_FIGURE = re.compile(r"\d|\b(?:hundred|thousand|million|percent|dozen|twice|half)\b")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}")


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence, line or picture that may stand in a summary, with the records it is in."""

    video: str
    span: Span
    text: str
    records: tuple[Record, ...]
    source: str = "speech"
    worth: float = 0.0
    why: tuple[str, ...] = ()
    vector: Floats | None = field(default=None, compare=False, repr=False)

    @property
    def words(self) -> int:
        """How long it is, in words."""
        return len(self.text.split())


class Digest:
    """The sentences of videos; each video is read once."""

    def __init__(self, box: Reader, as_of: Seconds | None = None, *, repeats: bool = True) -> None:
        self.box = box
        self.as_of = as_of
        self.repeats = repeats
        """Whether what is said again and again is small talk; off is the control in tests."""
        self._told: dict[str, list[Told]] = {}

    def sentences(self, video: str, span: Span | None = None) -> list[Told]:
        """What was said in a video, sentence by sentence, each with its worth."""
        if video not in self._told:
            spoken = self.box.transcript(video, as_of=self.as_of)
            self._told[video] = self._weighed(video, joined(spoken))
        every = self._told[video]
        return every if span is None else [t for t in every if span.contains(t.span.start)]

    def lines(self, video: str, span: Span) -> list[Told]:
        """The lines that stood on screen longest in a span, without what stands there always."""
        idle = self.box.corpus([video], as_of=self.as_of).furniture
        rows = self.box.screen_text(video, span=span, as_of=self.as_of)
        rows = [r for r in rows if r.id not in idle and sum(c.isalpha() for c in r.text) >= 4]
        rows.sort(key=lambda r: (-r.span.overlap(span), r.span.start, r.id))
        kept: dict[str, Told] = {}
        for r in rows:
            text = " ".join(r.text.split())
            share = r.span.overlap(span) / max(1.0, span.duration)
            told = Told(video, r.span, text, (r,), "screen", round(0.3 + 0.2 * share, 4))
            kept.setdefault(text.lower(), told)
        return list(kept.values())

    def _weighed(self, video: str, groups: Sequence[tuple[Record, ...]]) -> list[Told]:
        if not groups:
            return []
        texts = [" ".join(" ".join(r.text.split()) for r in group) for group in groups]
        bags = [_content(text) for text in texts]
        rarity = _Rarity(bags)
        rows = self._vectors(video, groups)
        again = _repeats(texts, rows, self.repeats)
        made = []
        for n, (group, text) in enumerate(zip(groups, texts, strict=True)):
            worth, why = _worth(text, rarity.of(bags[n]), _clarity(group), again[n])
            span = Span(group[0].span.start, max(r.span.end for r in group))
            vector = rows[n] if rows is not None else None
            made.append(Told(video, span, text, group, "speech", worth, why, vector))
        return made

    def _vectors(self, video: str, groups: Sequence[tuple[Record, ...]]) -> Floats | None:
        ids, _, matrix = self.box.store.vectors(
            "moment", "text", video=video, channel="speech", as_of=self.as_of
        )
        if not ids:
            return None
        place = {name: n for n, name in enumerate(ids)}
        rows = np.zeros((len(groups), matrix.shape[1]), np.float32)
        for row, group in zip(rows, groups, strict=True):
            for r in group:
                if r.id in place:
                    row += matrix[place[r.id]]
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-9), np.float32)


def joined(spoken: Sequence[Record]) -> list[tuple[Record, ...]]:
    """Join utterances into sentences at full stops and pauses."""
    found: list[tuple[Record, ...]] = []
    open_: list[Record] = []
    words = 0
    for one in spoken:
        if not one.text.strip():
            continue
        if open_ and one.span.start - open_[-1].span.end > PAUSE:
            found.append(tuple(open_))
            open_, words = [], 0
        open_.append(one)
        words += len(one.text.split())
        if _END.search(one.text.strip()) or words >= LONGEST:
            found.append(tuple(open_))
            open_, words = [], 0
    return [*found, tuple(open_)] if open_ else found


def pick(told: Sequence[Told], k: int, *, redundancy: float = 0.5) -> list[Told]:
    """The `k` sentences worth most that say different things (maximal marginal relevance)."""
    chosen: list[Told] = []
    rest = list(told)
    while rest and len(chosen) < k:
        best = max(
            rest,
            key=lambda t: (
                round(t.worth - redundancy * max((like(t, c) for c in chosen), default=0.0), 6),
                -t.span.start,
                t.records[0].id,
            ),
        )
        rest.remove(best)
        if all(like(best, c) < ALIKE for c in chosen):
            chosen.append(best)
    return chosen


def centred(told: Sequence[Told], share: float = 0.3) -> list[Told]:
    """The same sentences, worth more the nearer they are to what these are about together."""
    rows = [t.vector for t in told if t.vector is not None and t.worth > 0.1]
    if len(rows) < 3:
        return list(told)
    middle = np.mean(np.stack(rows), axis=0)
    middle = middle / max(1e-9, float(np.linalg.norm(middle)))
    return [
        t if t.vector is None
        else replace(t, worth=round(min(1.0, t.worth * (1 + share * float(t.vector @ middle))), 4))
        for t in told
    ]  # fmt: skip


def like(one: Told, other: Told) -> float:
    """How far two sentences say the same, 0 to 1."""
    if one.vector is not None and other.vector is not None:
        return max(0.0, float(one.vector @ other.vector))
    mine, theirs = set(_content(one.text)), set(_content(other.text))
    return len(mine & theirs) / max(1, len(mine | theirs))


class _Rarity:
    """How rare words are among the sentences of a video."""

    def __init__(self, bags: Sequence[Sequence[str]]) -> None:
        self.counts = Counter(word for bag in bags for word in set(bag))
        self.whole = len(bags)

    def of(self, bag: Sequence[str]) -> float:
        """Mean rarity of the words, less when there are few, 0 to 1."""
        most = math.log(1 + self.whole)
        rare = [math.log((1 + self.whole) / self.counts[word]) / most for word in set(bag)]
        return sum(rare) / max(5.0, len(rare)) if rare else 0.0


def _content(text: str) -> list[str]:
    return [stem(w) for w in tokens(text) if w not in FUNCTION and w not in WATCHING and len(w) > 2]


def _clarity(group: Sequence[Record]) -> float:
    """How well it was heard: the mean of the least sure third of its words."""
    heard = sorted(float(w[3]) for r in group for w in r.data.get("words", ()))
    low = heard[: max(2, len(heard) // 3)]
    return sum(low) / len(low) if low else CLEAR


def _worth(text: str, rare: float, clear: float, again: int) -> tuple[float, tuple[str, ...]]:
    """What a sentence is worth, 0 to 1, and what speaks for it."""
    low = text.lower()
    why = []
    worth = 0.55 * rare
    if match := _CUE.search(low):
        why.append(f"“{match.group()}”")
        worth += 0.15
    if _FIGURE.search(low):
        why.append("a figure")
        worth += 0.1
    if _NAME.search(text):
        why.append("a name")
        worth += 0.08
    if _POINTS.search(low):
        worth -= 0.08
    if text.rstrip().endswith("?"):
        worth -= 0.15
    if not _END.search(text):
        worth -= 0.1
    if text[:1].islower():
        worth -= 0.05
    worth *= min(1.0, 0.4 + 0.6 * clear / CLEAR) * (0.5 if len(text.split()) < 5 else 1.0)
    if again >= OFTEN:
        worth *= 0.25
    return round(max(0.0, min(1.0, worth)), 4), tuple(why)


def _repeats(texts: Sequence[str], rows: Floats | None, look: bool) -> list[int]:
    """How many other sentences say the same, or nearly so in the same words."""
    if not look:
        return [0] * len(texts)
    words = [tokens(text) for text in texts]
    counts = Counter(tuple(row) for row in words)
    found = [counts[tuple(row)] - 1 for row in words]
    runs = [set(zip(row, row[1:], row[2:], strict=False)) for row in words]
    held = Counter(run for row in runs for run in row)
    for n, row in enumerate(runs):
        stock = sum(held[run] > OFTEN + 1 for run in row)
        if row and stock >= STOCK * len(row):
            found[n] = max(found[n], OFTEN)
    if rows is not None and len(rows) <= MOST_COMPARED:
        for start in range(0, len(rows), 512):
            near = (rows[start : start + 512] @ rows.T >= ALIKE).sum(1) - 1
            for n, count in enumerate(near.tolist()):
                found[start + n] = max(found[start + n], int(count))
    return found
