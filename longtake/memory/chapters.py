"""Chapters (M3): 4-15 min of whole scenes, cut at the deepest change of topic; and the video (M4).

Each time a chapter closes, a new synopsis of the video is written with a later `known_at` and an
id of its own; `synopsis` returns the newest that was known at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from longtake.memory import summaries
from longtake.memory.levels import FOREVER, Memory, mean_unit
from longtake.memory.segment import Rule, Unit, cuts
from longtake.memory.terms import stem, stems_of
from longtake.storage.records import Record, Video
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.store import Store

RULE = Rule(least=240.0, most=900.0, aim=600.0, pull=1.0, window=3, lag=3, alpha=2.0)
_LOOK_BACK = 2400.0


def close_chapters(memory: Memory, *, final: bool = False) -> list[Record]:
    """Write the chapters that can be closed by now, in order, and return them."""
    begin = memory.end_of("chapter")
    scenes = memory.deep("scene", "caption", Span(max(0.0, begin - _LOOK_BACK), FOREVER), None)
    first = next((i for i, one in enumerate(scenes) if one.span.start >= begin - 1e-6), None)
    if first is None:
        return []
    written: list[Record] = []
    for cut in cuts(_units(memory, scenes), first, RULE, final=final):
        known = max(scene.known_at for scene in scenes[: cut.seen + 1])
        written.append(_close(memory, scenes[first : cut.index], known))
        first = cut.index
    if final:
        written.append(_close(memory, scenes[first:], max(one.known_at for one in scenes)))
    return written


def _units(memory: Memory, scenes: Sequence[Record]) -> list[Unit]:
    """Stand for each scene by the mean of its clips: steadier than its summary's vector."""
    _, clips = memory.units("clip", Span(scenes[0].span.start, FOREVER))
    return [
        Unit(
            scene.span,
            tuple(
                mean_unit([c.vectors[kind] for c in clips if scene.span.contains(c.span.start)])
                for kind in (0, 1)
            ),
        )
        for scene in scenes
    ]


_WEIGHTS = {"screen": 1.5, "speech": 1.0, "caption": 1.0, "quote": 0.6, "sight": 0.3}
"""How much a scene's title counts for its chapter, by where it was taken from."""
_PARTS = 12
"""Titles that a list in a text names."""


def _names(scene: Record) -> bool:
    """Whether a scene's title says something of its own."""
    return bool(scene.data["title"]) and scene.data.get("title_from") != "pictures"


def _listed(what: str, names: Sequence[str]) -> str:
    """List titles: each once, so many, with a full stop at the end."""
    once = list(dict.fromkeys(name for name in names if name))
    rest = f"; and {len(once) - _PARTS} more" if len(once) > _PARTS else ""
    ending = "" if once and not rest and once[-1].endswith((".", "!", "?", "…")) else "."
    return f"{what}: {'; '.join(once[:_PARTS])}{rest}{ending}" if once else ""


def _close(memory: Memory, scenes: Sequence[Record], known: Seconds) -> Record:
    span = Span(scenes[0].span.start, max(scene.span.end for scene in scenes))
    outline = list(dict.fromkeys(str(s.data["title"]) for s in scenes if _names(s)))
    marks = _common(scenes)
    quotes = summaries.central(_quotes(scenes), memory.encoder, k=3, marks=marks)
    name = _title(memory, scenes, span, marks)
    # Sentences are quoted already; as parts they would say a scene's rarest words once more.
    spoken = {str(s.data["title"]) for s in scenes if s.data.get("title_from") == "quote"}
    parts = [part for part in outline if part not in name.split(" / ") and part not in spoken]
    body = [summaries.in_a_row(quotes), _listed("Parts", parts)]
    text = summaries.compose(name, " ".join(part for part in body if part))
    record = memory.record(
        "chapter",
        span,
        known,
        text,
        scenes,
        {
            "title": name,
            "keywords": marks,
            "outline": outline,
            "quotes": [quote.to_json() for quote in quotes],
        },
    )
    memory.write(record)
    return record


def _quotes(parts: Sequence[Record]) -> list[summaries.Quote]:
    return [
        summaries.Quote(Span(float(q[0]), float(q[1])), str(q[2]), str(q[3]))
        for part in parts
        for q in part.data.get("quotes", [])
    ]


def _common(parts: Sequence[Record], k: int = 10) -> list[str]:
    """Return the keywords that most parts share, then those of the first parts."""
    counts = Counter(word for part in parts for word in part.data.get("keywords", []))
    order = {word: i for i, word in reversed(list(enumerate(counts)))}
    return sorted(counts, key=lambda word: (-counts[word], order[word]))[:k]


def _title(memory: Memory, scenes: Sequence[Record], span: Span, marks: Sequence[str]) -> str:
    """Name a chapter by the scene title nearest to all it says and its keywords, slides first.

    Where two titles share the chapter about evenly, both stand, in order of time.
    """
    shares: dict[str, float] = {}
    weights: dict[str, float] = {}
    for scene in [scene for scene in scenes if _names(scene)] or scenes:
        if name := str(scene.data["title"]):
            weight = _WEIGHTS.get(str(scene.data.get("title_from")), 1.0)
            weights[name] = max(weight, weights.get(name, 0.0))
            shares[name] = shares.get(name, 0.0) + weight * scene.span.duration / span.duration
    if not shares:
        return ""
    names = list(shares)
    middle = mean_unit([unit.vectors[0] for unit in _units(memory, scenes)])
    near = memory.encoder.encode(names) @ middle if middle is not None else np.zeros(len(names))
    roots = {stem(mark) for mark in marks}
    worth: dict[str, float] = {}
    for name, cosine in zip(names, near, strict=True):
        held = 0.1 * min(4, len(roots & set(stems_of(name))))
        worth[name] = round(weights[name] * (float(cosine) + held) + shares[name], 6)
    ranked = sorted(names, key=lambda name: (-worth[name], names.index(name)))
    total = sum(shares.values())
    even = [name for name in ranked[:2] if 0.3 <= shares[name] / total <= 0.7]
    return " / ".join(sorted(even, key=names.index)) if len(even) == 2 else ranked[0]


def refresh_synopsis(memory: Memory, closed: Sequence[Record], *, final: bool = False) -> None:
    """Write a new synopsis for each chapter that has closed, of the chapters up to it.

    Each its own, so that the same are written however many close at once.
    """
    chapters = memory.deep("chapter", "caption", Span(0.0, FOREVER), None) if closed else []
    for one in closed:
        known = [other for other in chapters if other.span.start <= one.span.start]
        _sum_up(memory, known, complete=final and one is closed[-1])


def _sum_up(memory: Memory, chapters: Sequence[Record], *, complete: bool) -> None:
    span = Span(0.0, max(one.span.end for one in chapters))
    name = video_title(memory.video)
    marks = _common(chapters, k=12)
    quotes = summaries.central(_quotes(chapters), memory.encoder, k=3, marks=marks)
    outline = [[one.span.start, one.span.end, one.data["title"]] for one in chapters]
    body = [
        f"{_length(span.duration)}{'' if complete else ' so far'}.",
        _listed("Chapters", [str(one.data["title"]) for one in chapters]),
        summaries.in_a_row(quotes),
    ]
    text = summaries.compose(name, " ".join(part for part in body if part))
    data = {
        "title": name,
        "keywords": marks,
        "outline": outline,
        "quotes": [quote.to_json() for quote in quotes],
        "complete": complete,
    }
    known = max(one.known_at for one in chapters)
    memory.write(memory.record("video", span, known, text, chapters, data, n=len(chapters)))


def _length(seconds: Seconds) -> str:
    """Say how long something is, as people do.

    >>> _length(42.4), _length(1850.2), _length(5400.0), _length(7200.0)
    ('42 s', '31 min', '1 h 30 min', '2 h')
    """
    if seconds < 59.5:
        return f"{round(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0)
    return " ".join(parts)


def video_title(video: Video) -> str:
    """Name a video by its file, without the extension and separators.

    >>> video_title(Video("v1", 1, "f", "/a/intro_to-KV.caches.mp4", "intro_to-KV.caches.mp4", 9.0))
    'intro to KV.caches'
    """
    stem = re.sub(r"\.[A-Za-z0-9]{2,4}$", "", video.name)
    return " ".join(re.sub(r"[_-]+", " ", stem).split())


def synopsis(store: Store, video: str, as_of: Seconds | None = None) -> Record | None:
    """Return the newest synopsis of a video that was known at a time."""
    found = store.records(video=video, level="video", channel="caption", as_of=as_of)
    return max(found, key=lambda one: (one.known_at, one.id), default=None)
