"""A summary of a video, a part of it, or what bears on something: sentences that cite themselves.

The drill goes from the coarse to the fine: chapters say how the time is divided (scenes, where one
chapter is asked about; the span itself, where neither is known yet), and from each the sentences
worth most are taken, so that a long chapter does not drown a short one. A summary about something
takes the moments that bear on it and the section named after it, in order of time, and not whole
chapters. The budget is in sentences or in words; a sentence is never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from longtake.memory.fusion import grain
from longtake.storage.records import Level, Record, Video
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Corpus, Term, coverage, is_described
from longtake.tools.digest import ALIKE, Digest, Told, centred, like, pick
from longtake.tools.jsonable import jsonable, record_row
from longtake.tools.topic import content_words
from longtake.tools.words import stem

if TYPE_CHECKING:
    from longtake.memory.windows import Window
    from longtake.tools.registry import Toolbox

SENTENCES = 12
"""Of a whole, unless something else is asked for."""
MOST = 24
"""The most that a summary is long by itself, however many parts there are."""
ABOUT = 6
"""Sentences about something."""
NAMED = 0.75
"""Share of a topic's words that a title must hold to be its section."""
BEARS = 0.6
"""Share of the best window's confidence from which another one bears too."""
DWELT = 2
"""Sentences of a scene that name a topic, from which the scene is about it."""
IN_SECTION = 0.8
"""What a sentence counts that stands in a topic's section without naming it."""
SHOWN = 0.45
"""What a line or picture counts that bears on a topic; a sentence says more of it."""
IDLE = 0.12
"""Worth of small talk."""
FAINT = 0.4
"""Share of the best sentence's worth below which others are left out."""
PARTS = 12
SPOKEN = 2.5
"""Words a second that people read aloud; a length in seconds becomes one in words."""


@dataclass(frozen=True, slots=True)
class Item:
    """One sentence of a summary, under the part of the video that it stands for."""

    told: Told
    part: Record | None = None
    home: Record | None = None

    @property
    def titled(self) -> Record | None:
        """The part whose name may stand over it; None where the name would only say it twice."""
        one = self.home or self.part
        title = str(one.data.get("title") or "").strip() if one else ""
        twice = title.rstrip("…. ").lower() in self.told.text.lower()
        return one if title and not title.endswith("…") and not twice else None


@dataclass(frozen=True, slots=True)
class Summary:
    """Sentences in order of video and time; `parts` are the chapters or scenes of the outline."""

    items: list[Item]
    parts: list[Record]
    spans: dict[str, Span]

    def to_json(self) -> dict[str, Any]:
        """Sentences that cite records by id, and the parts it goes through."""
        rows = [
            {"video": i.told.video, **jsonable(i.told.span), "source": i.told.source}
            | {"text": i.told.text, "cites": [r.id for r in i.told.records]}
            | {"part": str(i.titled.data["title"]) if i.titled else None}
            for i in self.items
        ]
        return {"sentences": rows, "parts": [record_row(r) for r in self.parts]}

    def outline(self, video: str) -> list[tuple[str, Record]]:
        """The names of the parts of one video, as their records write them."""
        named: dict[str, Record] = {}
        for part in self.parts:
            title = str(part.data.get("title") or "").strip().rstrip("….")
            if part.video == video and title and title in part.text:
                named.setdefault(title, part)
        return list(named.items())[:PARTS]


def summarize(
    box: Toolbox,
    videos: Sequence[Video],
    *,
    span: Span | None = None,
    about: str = "",
    sentences: int | None = None,
    words: int | None = None,
    as_of: Seconds | None = None,
    spoken: bool = False,
) -> Summary:
    """Summarise videos; without `sentences` and `words`, as long as there are parts.

    Args:
        box: the tools.
        videos: which; each gets its share.
        span: only this stretch of each.
        about: only what bears on this.
        sentences, words: how long at most.
        as_of: nothing known later is used.
        spoken: only what was said.
    """
    digest = Digest(box, as_of)
    items: list[Item] = []
    parts: list[Record] = []
    spans: dict[str, Span] = {}
    for video in videos:
        limit = video.duration if as_of is None else min(video.duration, as_of)
        low, high = (span.start, span.end) if span else (0.0, limit)
        if min(high, limit) <= low:
            continue
        asked = Span(low, min(high, limit))
        spans[video.id] = asked
        outline = outline_of(box, video.id, asked, as_of)
        parts += outline
        if about:
            items += _about(box, digest, video.id, asked, about, outline, spoken)
        else:
            items += _whole(box, digest, video.id, asked, outline)
    whole = max(SENTENCES * max(1, len(spans)), min(len(parts), MOST))
    default = ABOUT * max(1, len(spans)) if about else whole
    most = sentences if sentences is not None else (10_000 if words is not None else default)
    order = {video.id: n for n, video in enumerate(videos)}
    kept = _within(_turns(items, bool(about)), most, words)
    kept.sort(key=lambda i: (order[i.told.video], i.told.span, i.told.records[0].id))
    return Summary(kept, parts, spans)


def outline_of(box: Toolbox, video: str, span: Span, as_of: Seconds | None) -> list[Record]:
    """The parts that a stretch is divided into: chapters, or scenes of a short one."""
    levels: tuple[Level, ...] = ("chapter", "scene")
    for level in levels:
        rows = box.timeline(video, zoom=level, span=span, as_of=as_of)
        rows = [r for r in rows if r.span.overlap(span) >= 0.25 * min(r.span.duration, 120.0)]
        if len(rows) >= 2 or (rows and level == "scene"):
            return rows if len(rows) <= PARTS or level == "chapter" else _longest(rows, PARTS)
    return []


def section_named(
    box: Toolbox, video: str, about: str, as_of: Seconds | None = None
) -> list[Record]:
    """The chapters, else the scenes, whose titles name a topic; neighbours belong together."""
    terms = _terms(box, video, about, as_of)
    known = {u.record.id: u for u in box.corpus([video], as_of=as_of).of("caption")}
    best: list[Record] = []
    for level in ("chapter", "scene"):
        titled = [u.record for u in known.values() if u.record.level == level]
        fits = [r for r in titled if _title_share(terms, r) >= NAMED]
        best = best or fits
    return sorted(best, key=lambda r: (r.span, r.id))


def _terms(box: Toolbox, video: str, about: str, as_of: Seconds | None) -> list[Term]:
    words = content_words(about) or about.lower().split()
    return box.corpus([video], as_of=as_of).terms(words)


def _title_share(terms: Sequence[Term], record: Record) -> float:
    title = str(record.data.get("title") or "")
    named = Corpus([replace(record, text=title)], [record.video]).units
    return coverage(terms, named) if named else 0.0


def _longest(rows: Sequence[Record], k: int) -> list[Record]:
    kept = sorted(rows, key=lambda r: (-r.span.duration, r.span.start))[:k]
    return sorted(kept, key=lambda r: (r.span, r.id))


def _whole(
    box: Toolbox, digest: Digest, video: str, span: Span, outline: Sequence[Record]
) -> list[Item]:
    """For each part its best sentences, its best lines where nothing is said, else what is seen."""
    if not outline:
        found = pick(digest.sentences(video, span), SENTENCES) or digest.lines(video, span)
        return [Item(one) for one in found[:SENTENCES]]
    items: list[Item] = []
    for part in outline:
        inside = Span(max(span.start, part.span.start), min(span.end, part.span.end))
        said = [t for t in digest.sentences(video, inside) if t.worth > IDLE]
        silent = not digest.sentences(video, inside)
        best = pick(centred(said), 4) or (_seen(box, part, digest.as_of) if silent else [])
        items += [Item(one, part, _home(box, one, [part], digest.as_of)) for one in best]
    return items


def _seen(box: Toolbox, part: Record, as_of: Seconds | None) -> list[Told]:
    """What is seen in a part: a model's captions of its scenes, else what was made of labels."""
    captions = box.store.records(
        video=part.video, level="moment", channel="caption", span=part.span, as_of=as_of
    )
    scenes = [one for one in captions if grain(one) == "scene"]
    told = scenes or [one for one in captions if is_described(one)] or [part]
    texts = [(one, " ".join(one.text.split())) for one in told]
    return [Told(one.video, one.span, t, (one,), "caption", 0.15) for one, t in texts if t][:4]


def _about(
    box: Toolbox, digest: Digest, video: str, span: Span, about: str,
    outline: Sequence[Record], spoken: bool,
) -> list[Item]:  # fmt: skip
    """The sentences of the moments that bear on it, and of the section that has its name."""
    within = ["speech"] if spoken else None
    windows = box.locate(about, video=video, span=span, within=within, as_of=digest.as_of).windows
    least = BEARS * max((one.p for one in windows), default=0.0)
    found: dict[str, Told] = {}
    for window in windows:
        if window.p >= least:
            for told in quoted_in(digest, video, window):
                found.setdefault(told.records[0].id, told)
    for told in _of_section(box, digest, video, span, about):
        found.setdefault(told.records[0].id, told)
    top = max((told.worth for told in found.values()), default=0.0)
    found = {name: told for name, told in found.items() if told.worth >= FAINT * top}
    chosen = pick(list(found.values()), 2 * ABOUT)
    return [Item(told, None, _home(box, told, outline, digest.as_of)) for told in chosen]


def _of_section(box: Toolbox, digest: Digest, video: str, span: Span, about: str) -> list[Told]:
    """What is said where a topic is dwelt on: scenes that it names, or that speak of it twice."""
    terms = _terms(box, video, about, digest.as_of)
    rows: list[Told] = []
    for scene in box.timeline(video, zoom="scene", span=span, as_of=digest.as_of):
        inside = Span(max(span.start, scene.span.start), min(span.end, scene.span.end))
        said = digest.sentences(video, inside) if inside.duration > 0 else []
        held = [_held(terms, told) for told in said]
        dwelt = sum(share >= NAMED for share in held) >= DWELT
        if dwelt or _title_share(terms, scene) >= NAMED:
            rows += [
                replace(t, worth=round(IN_SECTION * t.worth, 4)) for t in said if t.worth > IDLE
            ]
    return rows


def _held(terms: Sequence[Term], told: Told) -> float:
    """Share of a topic that a sentence names; "honeybees" names honey bees."""
    units = Corpus(told.records, [told.video]).units
    whole = stem("".join(term.text for term in terms))
    return 1.0 if any(whole in unit.bag for unit in units) else coverage(terms, units)


def _home(
    box: Toolbox, told: Told, outline: Sequence[Record], as_of: Seconds | None
) -> Record | None:
    """The part that a sentence stands in: its scene where a slide names that, else the chapter."""
    at = Span(told.span.start, told.span.start + 0.001)
    scenes = box.timeline(told.video, zoom="scene", span=at, as_of=as_of)
    named = [s for s in scenes if s.data.get("title_from") in (None, "screen")]
    named = [s for s in named if s.data.get("title")]
    return next(iter(named), None) or next((p for p in outline if p.span.contains(at.start)), None)


def quoted_in(digest: Digest, video: str, window: Window) -> list[Told]:
    """What a window quotes: the sentences said in it, or the line or picture it rests on."""
    if window.source == "speech":
        said = [t for t in digest.sentences(video) if t.span.overlap(window.span) > 0.3]
        said = [t for t in said if t.worth > IDLE] or said[:1]
        return [replace(t, worth=round(window.p * (0.15 + t.worth), 4)) for t in said]
    if not window.record or window.source not in ("screen", "sight"):
        return []
    record = digest.box.store.record(window.record)
    text = _line(record, window.text)
    told = Told(video, record.span, text, (record,), window.source, round(SHOWN * window.p, 4))
    return [told] if text else []


def _line(record: Record, text: str) -> str:
    """What is quoted of a record: of a page its longest line, which says more than its title."""
    rows = [" ".join(row.split()) for row in text.splitlines() if row.strip()]
    page = (record.level, record.channel) == ("frame", "screen")
    return max(rows, key=lambda row: (len(row.split()), row)) if page and rows else " ".join(rows)


def _turns(items: Sequence[Item], ranked: bool) -> list[Item]:
    """In what order sentences enter the budget: the best of each part first, then the seconds."""
    if ranked:
        return sorted(items, key=_best)
    groups: dict[tuple[str, str], list[Item]] = {}
    for one in items:
        key = (one.told.video, one.part.id if one.part else "")
        groups.setdefault(key, []).append(one)
    rounds = max((len(group) for group in groups.values()), default=0)
    found: list[Item] = []
    for n in range(rounds):
        found += sorted((g[n] for g in groups.values() if n < len(g)), key=_best)
    return found


def _best(item: Item) -> tuple[float, Span, str]:
    return (-item.told.worth, item.told.span, item.told.records[0].id)


def _within(items: Sequence[Item], most: int, words: int | None) -> list[Item]:
    """The first items that the budget holds; at least one, if it alone is not too long."""
    kept: list[Item] = []
    left = words
    for one in items:
        if len(kept) >= most:
            break
        if any(like(one.told, other.told) >= ALIKE for other in kept):
            continue  # said already, in another part
        if left is not None:
            if one.told.words > left:
                continue
            left -= one.told.words
        kept.append(one)
    if not kept and items and most > 0:
        kept = [min(items, key=lambda i: (i.told.words, _best(i)))]
    return kept
