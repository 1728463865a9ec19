"""Titles, keywords and summaries taken from what was said and shown, word for word.

Extractive throughout: a title is a slide's title or a phrase that was spoken, a summary is the few
most central sentences, quoted with their times. Nothing is inferred, so nothing can be wrong that
was right in the records. Centrality is the cosine to the mean of all sentences (the centroid
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


@dataclass(frozen=True, slots=True)
class Title:
    """A short name, and where it was taken from: ``screen``, ``speech``, ``caption`` or ``""``."""

    text: str
    source: str


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
            if _content(word):
                root = stem(word)
                counts[root] += 1
                forms.setdefault(root, Counter())[word.removesuffix("'s")] += 1
    return counts, forms


def _content(word: str) -> bool:
    return (
        len(word) > 2
        and not word[0].isdigit()
        and word not in STOP_WORDS
        and word not in WEAK_WORDS
        and word.removesuffix("'s") not in STOP_WORDS
    )


def title(
    span: Span,
    lines: Sequence[Record],
    spoken: Sequence[str],
    captions: Sequence[str],
    background: Mapping[str, int],
) -> Title:
    """Name a span: the slide title that stood longest, else a spoken phrase, else a caption."""
    if shown := screen_title(span, lines):
        return Title(shown, "screen")
    if phrase := key_phrase(spoken, background):
        return Title(phrase[0].upper() + phrase[1:], "speech")
    for caption in captions:
        words = re.split(r"[.;:\n]", caption.strip())[0].split()
        if words:
            return Title(" ".join(words[:8]), "caption")
    return Title("", "")


def screen_title(span: Span, lines: Sequence[Record]) -> str:
    """Return the line that is large, near the top, and stands long enough, or ""."""
    heights = sorted(_box(line)[3] - _box(line)[1] for line in lines)
    usual = heights[len(heights) // 2] if heights else 0.0
    scores: dict[str, float] = {}
    shapes: dict[str, str] = {}
    for line in lines:
        text = " ".join(line.text.split())
        key = " ".join(words_of(text))
        score = _standing(line, span) * _prominence(line, usual) * _wordiness(text)
        if key and score > 0:
            scores[key] = scores.get(key, 0.0) + score
            shapes.setdefault(key, text)
    if not scores:
        return ""
    key = min(scores, key=lambda one: (-scores[one], one))
    return shapes[key] if scores[key] >= 0.2 else ""


def _box(line: Record) -> tuple[float, float, float, float]:
    box = line.data.get("box") or (0.0, 0.4, 1.0, 0.45)
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])


def _standing(line: Record, span: Span) -> float:
    """Share of the span for which a line stands; lines of a quarter hour are furniture."""
    share = min(1.0, line.span.overlap(span) / max(1.0, span.duration))
    return share * (0.25 if line.span.duration > 900 else 1.0)


def _prominence(line: Record, usual: float) -> float:
    """How much a line looks like a title by its size and its place."""
    _, top, _, bottom = _box(line)
    size = min(2.0, (bottom - top) / usual) if usual > 0 else 1.0
    place = 1.0 if 0.02 <= top < 0.3 else 0.6 if 0.3 <= top < 0.6 else 0.25
    return size * place * float(line.data.get("score", 1.0))


def _wordiness(text: str) -> float:
    """Whether a text could be a title: some words, mostly letters, no address."""
    words = text.split()
    letters = sum(char.isalpha() for char in text)
    if letters < 4 or letters < 0.6 * len(text.replace(" ", "")) or len(words) > 12:
        return 0.0
    if re.search(r"https?:|www\.|@\w|[/\\]{1}\w+[/\\]", text):
        return 0.0
    return 1.0 if len(words) >= 2 else 0.7


def key_phrase(texts: Sequence[str], background: Mapping[str, int]) -> str:
    """Return the run of one to three content words that most marks these texts, or "".

    A run of several words must be said at least twice; otherwise the two best words are named.
    """
    best = keywords(texts, background, k=20)
    worth = {stem(word): len(best) - rank for rank, word in enumerate(best)}
    runs: Counter[tuple[str, ...]] = Counter()
    shapes: dict[tuple[str, ...], str] = {}
    for text in texts:
        words = words_of(text)
        for size in (2, 3):
            for i in range(len(words) - size + 1):
                run = words[i : i + size]
                if all(_content(word) for word in run):
                    roots = tuple(stem(word) for word in run)
                    runs[roots] += 1
                    shapes.setdefault(roots, " ".join(run))
    scored = {
        run: (sum(worth.get(root, 0) for root in run), count)
        for run, count in runs.items()
        if count >= 2 and all(root in worth for root in run)
    }
    if scored:
        return shapes[min(scored, key=lambda one: (-scored[one][0] * scored[one][1] ** 0.5, one))]
    return ", ".join(best[:2])


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
    full = [quote for quote in quotes if len(quote.text.split()) >= 5] or list(quotes)
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
        rest = [i for i in range(len(full)) if i not in chosen]
        near = rows @ rows[chosen].T if chosen else np.zeros((len(full), 1), np.float32)
        chosen.append(
            max(rest, key=lambda i: (round(float(worth[i] - 0.5 * near[i].max()), 6), -i))
        )
    return [full[i] for i in sorted(chosen)]


def shown_lines(lines: Sequence[Record], span: Span, k: int = 6) -> list[str]:
    """Return the distinct lines of screen text that stood longest in a span, in reading order."""
    seconds: dict[str, float] = {}
    first: dict[str, tuple[Seconds, float, str]] = {}
    for line in lines:
        key = " ".join(words_of(line.text))
        if len(key) > 1:
            seconds[key] = seconds.get(key, 0.0) + line.span.overlap(span)
            first.setdefault(key, (line.span.start, _box(line)[1], " ".join(line.text.split())))
    keep = sorted(seconds, key=lambda key: (-seconds[key], first[key]))[:k]
    return [first[key][2] for key in sorted(keep, key=lambda key: first[key])]


def compose(name: str, body: str) -> str:
    """Join a title and a body, saying nothing twice."""
    if not name or body.lower().startswith(name.lower()):
        return body or name
    return f"{name}. {body}" if body else name
