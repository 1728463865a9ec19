"""Keywords and summaries taken from what was said and shown, word for word.

Extractive throughout: a summary is the few most central sentences, quoted with their times.
Nothing is inferred, so nothing can be wrong that was right in the records. Centrality is the cosine to the mean of all sentences (the centroid
method of Radev et al.), with redundancy held down by maximal marginal relevance.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from longtake.memory.terms import STOP_WORDS, WEAK_WORDS, stem, words_of
from longtake.models.protocols import TextEncoder
from longtake.storage.records import Record
from longtake.timecode import Seconds, Span


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence as it was said, with its span and the record it begins in."""

    span: Span
    text: str
    record: str

    def to_json(self) -> list[float | str]:
        """Return `[start, end, text, record]`."""
        return [self.span.start, self.span.end, self.text, self.record]


_END = re.compile(r"[.!?…][\"'”’)]*$")
_FULL = 40
"""Words at which a sentence without a full stop is closed."""


def sentences(utterances: Sequence[Record], pause: Seconds = 2.0) -> list[Quote]:
    """Join utterances into sentences at full stops, pauses and `_FULL` words."""
    found: list[Quote] = []
    open_: Quote | None = None
    for one in utterances:
        text = " ".join(one.text.split())
        if not text:
            continue
        if open_ is not None and one.span.start - open_.span.end > pause:
            found.append(open_)
            open_ = None
        if open_ is None:
            open_ = Quote(one.span, text, one.id)
        else:
            open_ = Quote(open_.span.cover(one.span), f"{open_.text} {text}", open_.record)
        if _END.search(text) or len(open_.text.split()) >= _FULL:
            found.append(open_)
            open_ = None
    return [*found, open_] if open_ is not None else found


def keywords(texts: Iterable[str], background: Mapping[str, int], k: int = 8) -> list[str]:
    """Return the words that are more at home here than in `background`, best first.

    `background` counts stems elsewhere in the same video (see `count_stems`).
    """
    counts, forms = _counted(texts)
    here, there = sum(counts.values()), sum(background.values())

    def weight(root: str) -> float:
        rate = counts[root] / max(1, here)
        usual = (background.get(root, 0) + 1) / (there + 400)
        return (1 + math.log(counts[root])) * math.log(1 + rate / usual)

    ranked = sorted(counts, key=lambda root: (-weight(root), root))
    return [max(forms[root].items(), key=lambda item: (item[1], item[0]))[0] for root in ranked[:k]]


def count_stems(texts: Iterable[str]) -> Counter[str]:
    """Count the stems of the content words of texts."""
    return _counted(texts)[0]


def _counted(texts: Iterable[str]) -> tuple[Counter[str], dict[str, Counter[str]]]:
    counts: Counter[str] = Counter()
    forms: dict[str, Counter[str]] = {}
    for text in texts:
        for word in words_of(text):
            if content(word):
                root = stem(word)
                counts[root] += 1
                forms.setdefault(root, Counter())[word.removesuffix("'s")] += 1
    return counts, forms


_BARE = frozenset(
    """
    able actually although always anyway basically became become behind best better big biggest
    bye came come comes done else enough especially everybody everyone everything full gave getting
    give given gives good great guess happy hello hey inside instead keep keeps kinda least less
    literally long lots need needed needs never new nice nobody nothing number obviously often okay
    particular probably put puts second soon sorry still supposed tell thank thanks today together
    too took totally towards turn two upon wanna whether wow yesterday
    """.split()  # noqa: SIM905
)
"""Words that a title or keyword must not consist of, though a question may ask for them."""


def content(word: str) -> bool:
    """Whether a word may mark what a text is about."""
    return (
        len(word) > 2
        and not word[0].isdigit()
        and word not in STOP_WORDS
        and word not in WEAK_WORDS
        and word not in _BARE
        and word.removesuffix("'s") not in STOP_WORDS
    )


_SAME = 0.97
"""Cosine above which two sentences say the same; only one of them is quoted."""


def _worth_quoting(quotes: Sequence[Quote]) -> list[Quote]:
    """Leave out repeats, and fragments where there are sentences."""
    first: dict[str, Quote] = {}
    for quote in quotes:
        first.setdefault(" ".join(words_of(quote.text)), quote)
    once = list(first.values())
    full = [quote for quote in once if len(quote.text.split()) >= 5]
    telling = [quote for quote in once if any(content(word) for word in words_of(quote.text))]
    return full or telling or once


def central(
    quotes: Sequence[Quote], encoder: TextEncoder, k: int = 3, marks: Sequence[str] = ()
) -> list[Quote]:
    """Return the `k` sentences that stand for all, in order of time.

    Args:
        quotes: sentences in order of time.
        encoder: embeds them.
        k: how many to keep.
        marks: keywords; sentences that hold them are preferred.
    """
    full = _worth_quoting(quotes)
    if len(full) <= k:
        return full
    rows = encoder.encode([quote.text for quote in full])
    middle = rows.mean(axis=0)
    worth = rows @ (middle / max(1e-12, float(np.linalg.norm(middle))))
    roots = {stem(word) for word in marks}
    for i, quote in enumerate(full):
        held = len(roots & {stem(word) for word in words_of(quote.text)})
        worth[i] += 0.1 * (1 - i / len(full)) + 0.05 * min(held, 4)
    chosen: list[int] = []
    while len(chosen) < k:
        near = rows @ rows[chosen].T if chosen else np.zeros((len(full), 1), np.float32)
        rest = [i for i in range(len(full)) if i not in chosen and near[i].max() < _SAME]
        if not rest:
            break
        chosen.append(
            max(rest, key=lambda i: (round(float(worth[i] - 0.5 * near[i].max()), 6), -i))
        )
    return [full[i] for i in sorted(chosen)]


def shown_lines(lines: Sequence[Record], span: Span, k: int = 6, but: str = "") -> list[str]:
    """Return the distinct lines of screen text that stood longest in a span, in reading order.

    Numbers and icons tell nothing alone; `but` is what has been said already, the title.
    """
    said = f" {' '.join(words_of(but))} "
    seconds: dict[str, float] = {}
    first: dict[str, tuple[Seconds, float, str]] = {}
    for line in lines:
        key = " ".join(words_of(line.text))
        if sum(char.isalpha() for char in key) >= 3 and f" {key} " not in said:
            seconds[key] = seconds.get(key, 0.0) + line.span.overlap(span)
            first.setdefault(key, (line.span.start, box_of(line)[1], " ".join(line.text.split())))
    keep = sorted(seconds, key=lambda key: (-seconds[key], first[key]))[:k]
    return [first[key][2] for key in sorted(keep, key=lambda key: first[key])]


def box_of(line: Record) -> tuple[float, float, float, float]:
    """Return where a line of screen text stands: left, top, right, bottom in 0..1."""
    box = line.data.get("box") or (0.0, 0.4, 1.0, 0.45)
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])


def in_a_row(quotes: Sequence[Quote]) -> str:
    """Put sentences one after another; "…" parts those that have no full stop.

    >>> spans = [Span(0, 1), Span(1, 2)]
    >>> in_a_row([Quote(spans[0], "we start", "r0"), Quote(spans[1], "It works.", "r1")])
    'we start … It works.'
    >>> in_a_row([Quote(spans[0], "we start,", "r0")])
    'we start, …'
    """
    text = ""
    for quote in quotes:
        text += f"{quote.text} " if _END.search(quote.text) else f"{quote.text} … "
    return text.rstrip()


def compose(name: str, body: str) -> str:
    """Put a title before a body, unless the body says it itself.

    >>> compose("Rotary positions", "Keys are turned.")
    'Rotary positions — Keys are turned.'
    >>> compose("Keys are turned", "Keys are turned. Nothing else is.")
    'Keys are turned. Nothing else is.'
    """
    inside = f" {' '.join(words_of(name))} " in f" {' '.join(words_of(body))} "
    if not name or (body and inside):
        return body or name
    return f"{name} — {body}" if body else name
