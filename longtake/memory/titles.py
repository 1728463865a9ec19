"""Names for stretches of video: what a slide says, else what was said, else what was seen.

In order: the line of screen text that looks like a title; a phrase that was spoken repeatedly; the
most telling sentence, cut to a title's length; a line that stood only briefly; the things seen.
Nothing is made up, and no composed caption is a source (see `seen`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from longtake.memory.seen import Seen
from longtake.memory.summaries import box_of, content, keywords
from longtake.memory.terms import STOP_WORDS, stem, words_of
from longtake.storage.records import Record
from longtake.timecode import Span

NO_WORDS = "Pictures without words"
_STANDS = 0.2
"""Least score of a line that names its span before all else (see `screen_title`)."""
_FLASHES = 0.004
"""Least score of a line where nothing is said and nothing stands longer."""
_LONGEST = 9
"""Words of a sentence that a title keeps."""


@dataclass(frozen=True, slots=True)
class Title:
    """A short name and its source.

    ``screen``, ``speech`` (a phrase), ``quote`` (a sentence), ``sight`` (labels), ``caption`` (a
    captioner's words), ``pictures`` (nothing to name them by) or ``""``.
    """

    text: str
    source: str


def title(
    span: Span,
    lines: Sequence[Record],
    spoken: Sequence[str],
    seen: Seen,
    background: Mapping[str, int],
) -> Title:
    """Name a span; see the module for the order of sources."""
    if shown := screen_title(span, lines):
        return Title(shown, "screen")
    if phrase := key_phrase(spoken, background):
        return Title(_capital(phrase), "speech")
    if sentence := key_sentence(spoken, background):
        return Title(_capital(sentence), "quote")
    if shown := screen_title(span, lines, least=_FLASHES):
        return Title(shown, "screen")
    if seen.told:
        words = re.split(r"[.;:](?=\s|$)|\n", seen.told[0].strip())[0].split()
        return Title(" ".join(words[:_LONGEST]), "caption")
    if seen.things:
        return Title(_capital(", ".join(seen.things[:2])), "sight")
    return Title(NO_WORDS, "pictures") if seen.any else Title("", "")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def screen_title(span: Span, lines: Sequence[Record], least: float = _STANDS) -> str:
    """Return the line that is large, near the top, and stands long enough, or "".

    Below the usual `least` a name takes three words: single ones are signs and watermarks.
    """
    heights = sorted(box_of(line)[3] - box_of(line)[1] for line in lines)
    usual = heights[len(heights) // 2] if heights else 0.0
    scores: dict[str, float] = {}
    shapes: dict[str, Record] = {}
    for line in lines:
        text = tidy(line.text)
        key = " ".join(words_of(text))
        score = _standing(line, span) * _prominence(line, usual) * _wordiness(text)
        if key and score > 0 and (least >= _STANDS or len(text.split()) >= 3):
            scores[key] = scores.get(key, 0.0) + score
            shapes.setdefault(key, line)
    if not scores:
        return ""
    key = min(scores, key=lambda one: (-scores[one], one))
    return _whole(shapes[key], lines) if scores[key] >= least else ""


_HANGING = frozenset(
    "a an and as at but by for from in into is of on or the to towards upon via vs with without".split()  # noqa: SIM905
)
"""Words that no title ends in: the rest is on the next line."""


def tidy(text: str) -> str:
    """Strip what frames a line on a screen: bullets, stars, a colon at its end.

    >>> tidy("• Twin Study: Risk Factors:"), tidy("*Tiger barking*"), tidy("Why not?")
    ('Twin Study: Risk Factors', 'Tiger barking', 'Why not?')
    """
    return re.sub(r"^[^\w(\"'“<#]+|[\s:;,*_|=/\\–—-]+$", "", " ".join(text.split()))


def _hangs(text: str) -> bool:
    words = words_of(text)
    return bool(words) and (words[-1] in _HANGING or text.rstrip().endswith(("&", ",", "-")))


def _whole(line: Record, lines: Sequence[Record]) -> str:
    """Go on with the next lines of the page while a title ends in the middle."""
    text, last = " ".join(line.text.split()), line
    for _ in range(2):
        below = _next_line(last, lines)
        if not _hangs(text) or below is None:
            break
        text, last = f"{text} {' '.join(below.text.split())}", below
    text = tidy(text)
    while _hangs(text) and len(text.split()) > 1:
        text = tidy(text.rstrip("&,-").rsplit(maxsplit=1)[0] if words_of(text) else text)
    return text


def _next_line(line: Record, lines: Sequence[Record]) -> Record | None:
    """Return the line right below another on the same page."""
    left, top, right, bottom = box_of(line)
    height = bottom - top
    found = [
        (box_of(one)[1], one.id, one)
        for one in lines
        if one.span.overlap(line.span) > 0.5 * line.span.duration
        and top + 0.5 * height < box_of(one)[1] < bottom + height
        and box_of(one)[0] < right
        and left < box_of(one)[2]
    ]
    return min(found, key=lambda item: item[:2])[2] if found else None


def _standing(line: Record, span: Span) -> float:
    """Share of the span for which a line stands; lines of a quarter hour are furniture."""
    share = min(1.0, line.span.overlap(span) / max(1.0, span.duration))
    return share * (0.25 if line.span.duration > 900 else 1.0)


def _prominence(line: Record, usual: float) -> float:
    """How much a line looks like a title by its size and its place."""
    _, top, _, bottom = box_of(line)
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
    """Return the run of two or three content words that most marks these texts, or "".

    It must be said at least twice: once, two words that meet are seldom a name.
    """
    worth = _worth(texts, background)
    runs: Counter[tuple[str, ...]] = Counter()
    shapes: dict[tuple[str, ...], str] = {}
    for text in texts:
        words = words_of(text)
        for size in (2, 3):
            for i in range(len(words) - size + 1):
                run = words[i : i + size]
                if all(content(word) for word in run):
                    roots = tuple(stem(word) for word in run)
                    runs[roots] += 1
                    shapes.setdefault(roots, " ".join(run))
    scored = {
        run: sum(worth.get(root, 0) for root in run) * count**0.5
        for run, count in runs.items()
        if count >= 2 and all(root in worth for root in run)
    }
    return shapes[min(scored, key=lambda one: (-scored[one], one))] if scored else ""


def key_sentence(texts: Sequence[str], background: Mapping[str, int]) -> str:
    """Return the sentence that holds most keywords for its length, cut to a title, or ""."""
    worth = _worth(texts, background)
    best, most = "", 0.0
    for text in texts:
        words = words_of(text)
        held = sum(worth.get(root, 0) for root in {stem(word) for word in words if content(word)})
        score = round(held / max(6, len(words)) ** 0.5, 6) if len(words) >= 2 else 0.0
        if score > most:
            best, most = text, score
    return _cut(best)


def _worth(texts: Sequence[str], background: Mapping[str, int]) -> dict[str, int]:
    best = keywords(texts, background, k=20)
    return {stem(word): len(best) - rank for rank, word in enumerate(best)}


def _cut(sentence: str) -> str:
    """Shorten a sentence to a title: up to a clause's end, else with "…".

    >>> _cut("So attention sinks, as we saw, keep the first tokens in the cache.")
    'So attention sinks, as we saw…'
    >>> _cut("What's the weather like?"), _cut("It is simple.")
    ("What's the weather like?", 'It is simple')
    """
    words = sentence.split()
    if len(words) <= _LONGEST:
        return " ".join(words).rstrip(".,;:… ")
    ends = [i for i, word in enumerate(words[:_LONGEST], 1) if word[-1] in ",;:—" and i >= 3]
    kept = words[: ends[-1]] if ends else words[:_LONGEST]
    while len(kept) > 3 and kept[-1].lower().strip(",;:—") in STOP_WORDS:
        kept.pop()
    return " ".join(kept).rstrip(".,;:—… ") + "…"
