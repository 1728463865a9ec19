"""Answers about the whole: summaries of videos, of parts of them and of what bears on something.

Every sentence quotes what was said, shown or noted, with its time, and cites it; the outline's
titles cite the chapters. A chat model, where there is one, may write prose from the very same
evidence; what it writes is kept sentence by sentence as far as `longtake.agent.surety.ground` accepts
it. Its prompt holds the outline as well as the quotations, both inside one budget: without the
outline a model sees trees and no wood, without the quotations it sees no tree (ST-LLM).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from longtake.agent.desk import Desk, row
from longtake.agent.findings import Candidate, clock, finding, sentence
from longtake.agent.question.whole import FOREVER, read, whole_kind
from longtake.agent.state import Finding, Part
from longtake.agent.writing.prose import written
from longtake.memory.chapters import synopsis
from longtake.memory.levels import MAKER
from longtake.storage.records import Record, Video
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Term
from longtake.tools.highlights import Highlight, highlights
from longtake.tools.summary import MOST, Item, Summary, section_named, summarize

SURE = 0.75
"""How sure a summary is: its quotations are true, what it leaves out is a matter of taste."""
HIGHLIGHTS = 5
SHORT: Seconds = 90.0
"""A named section shorter than this is taken as a topic."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a part asks for, read once; see `longtake.agent.question.whole`."""

    about: str
    section: str
    sentences: int | None
    words: int | None
    spoken: bool
    n: int | None

    @classmethod
    def of(cls, part: Part) -> tuple[Wish, dict[str, Any]]:
        """Read the part's own wish, or its text."""
        low = part["text"].lower()
        asked = part.get("whole") or whole_kind(low) or read(low)
        made = cls(
            str(asked.get("about") or ""),
            str(asked.get("section") or ""),
            asked.get("sentences"),
            asked.get("words"),
            bool(asked.get("spoken")),
            asked.get("n"),
        )
        return made, asked


def solve_summary(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Summarise the videos, a stretch or section of them, or what they say about something."""
    wish, asked = Wish.of(part)
    spans, gone = stretches(desk, part, asked, wish.section)
    if gone is not None:
        return gone
    if wish.section and all(span.duration < SHORT for _, span in spans):
        # A name that stands over half a minute names more than that: what bears on it, too.
        wish = replace(wish, about=wish.section)
        spans = [(video, Span(0.0, desk.limit(video))) for video, _ in spans]
    made = _summary(desk, wish, spans)
    desk.count("records_read", len(made.items))
    if not made.items:
        return _nothing(wish.about or wish.section, found)
    if asked.get("outline") and len(made.parts) > 1 and not wish.about and wish.words is None:
        return _outlined(desk, made, wish)
    told, evidence = _told(desk, made, wish)
    prose = written(desk, part["text"], _overview(desk, made), evidence, wish.sentences, wish.words)
    sure = SURE if not wish.about else round(min(SURE, max(i.told.worth for i in made.items)), 3)
    return finding("found", prose or told, evidence, confidence=sure)


def solve_highlights(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """The moments that stand out, in order of time, each with why."""
    wish, asked = Wish.of(part)
    spans, gone = stretches(desk, part, asked, wish.section)
    if gone is not None:
        return gone
    n = wish.n or HIGHLIGHTS
    rows: list[Highlight] = []
    for video, span in spans:
        rows += highlights(desk.toolbox, video, n=n, about=wish.about, span=span, as_of=desk.as_of)
    rows = sorted(rows, key=lambda h: (-h.score, h.span, h.records[0].id))[:n]
    if not rows:
        return _nothing(wish.about or wish.section, found)
    order = {video.id: place for place, video in enumerate(desk.videos)}
    rows.sort(key=lambda h: (order[h.records[0].video], h.span, h.records[0].id))
    said: list[dict[str, Any]] = []
    evidence: list[Candidate] = []
    for h in rows:
        cites = list(range(len(evidence), len(evidence) + len(h.records)))
        evidence += [row(r, h.source, h.score, lex=h.score) for r in h.records]
        name = _name(desk, h.records[0].video, len(spans) > 1)
        start = clock(h.records[0].span.start)
        why = f" ({', '.join(h.why)})" if h.why else ""
        gap = "\n" if said else ""
        said.append(sentence(f"{gap}{name}{start} {_said(h.text).rstrip('.')}{why}.", *cites))
    return finding("found", said, evidence, confidence=0.6)


def stretches(
    desk: Desk, part: Part, asked: dict[str, Any], section: str
) -> tuple[list[tuple[Video, Span]], Finding | None]:
    """Which part of each video is meant; a finding instead where there is no such part."""
    found: list[tuple[Video, Span]] = []
    for video in desk.videos:
        limit = desk.limit(video)
        span = _asked(part, asked, limit)
        if span is None:
            continue
        if section:
            named = section_named(desk.toolbox, video.id, section, desk.as_of)
            if not named:
                continue
            home = named[0].span
            for one in named[1:]:
                home = home.cover(one.span) if one.span.start - home.end < 1.0 else home
            span = home
        found.append((video, span))
    if found:
        return found, None
    if section and any(_asked(part, asked, desk.limit(v)) for v in desk.videos):
        return [], finding("absent", confidence=0.8, note=f"No part is about “{section}”.")
    ends = ", ".join(f"{v.name} ends at {clock(desk.limit(v))}" for v in desk.videos[:3])
    note = f"The time asked about lies beyond what has been watched: {ends}."
    return [], finding("absent", confidence=0.95, note=note)


def _asked(part: Part, asked: dict[str, Any], limit: Seconds) -> Span | None:
    """The stretch of one video that is meant, None when it lies outside."""
    low, high = 0.0, float(limit)
    if part.get("scope"):
        low, high = float(part["scope"][0]), min(high, float(part["scope"][1]))
    elif asked.get("half"):
        low, high = (0.0, high / 2) if asked["half"] == 1 else (high / 2, high)
    elif asked.get("when"):
        first, last = (float(one) for one in asked["when"])
        low = max(0.0, high + first) if first < 0 else first
        high = min(high, last if last < FOREVER else high)
    return Span(low, high) if high - low > 0 else None


def _summary(desk: Desk, wish: Wish, spans: Sequence[tuple[Video, Span]]) -> Summary:
    """One summary of several stretches: each video gets its share of the budget."""
    many = len(spans)
    items: list[Item] = []
    parts = []
    known: dict[str, Span] = {}
    for n, (video, span) in enumerate(spans):
        one = summarize(
            desk.toolbox,
            [video],
            span=span,
            about=wish.about,
            sentences=_share(wish.sentences, n, many),
            words=_share(wish.words, n, many),
            as_of=desk.as_of,
            spoken=wish.spoken,
        )
        items += one.items
        parts += one.parts
        known |= one.spans
    return Summary(items, parts, known)


def _share(whole: int | None, n: int, many: int) -> int | None:
    """The n-th of so many nearly equal shares."""
    return None if whole is None else whole // many + (1 if n < whole % many else 0)


def _told(desk: Desk, made: Summary, wish: Wish) -> tuple[list[dict[str, Any]], list[Candidate]]:
    """The sentences, a line each where the length is free, and what they cite."""
    sentences: list[dict[str, Any]] = []
    evidence: list[Candidate] = []
    title = ""
    for video in made.spans:
        items = [item for item in made.items if item.told.video == video]
        head = _name(desk, video, len(made.spans) > 1)
        items = _headed(desk, made, wish, video, items, sentences, evidence)
        for item in items:
            told = item.told
            cites = list(range(len(evidence), len(evidence) + len(told.records)))
            evidence += [row(r, told.source, min(1.0, told.worth), lex=1.0) for r in told.records]
            if wish.words is not None:
                sentences.append(sentence(head + _said(told.text), *cites))
                continue
            lead = f"{clock(told.records[0].span.start)} "
            over = item.titled if wish.sentences is None else None
            new = str(over.data["title"]).strip() if over is not None else title
            if over is not None and new != title:
                cites.append(len(evidence))
                evidence.append(row(over, "caption", min(1.0, told.worth), lex=1.0))
                lead += f"{new}: "
            title = new
            gap = "\n" if sentences else ""
            sentences.append(sentence(f"{gap}{head}{lead}{_said(told.text)}", *cites))
    return sentences, evidence


def _outlined(desk: Desk, made: Summary, wish: Wish) -> Finding:
    """The parts by name and time, a line each."""
    named = [part for part in made.parts if part.data.get("title")][: wish.sentences or MOST]
    evidence = [row(part, "caption", SURE, lex=1.0) for part in named]
    several = len(made.spans) > 1
    said = []
    for n, part in enumerate(named):
        head = ("\n" if n else "") + _name(desk, part.video, several) + clock(part.span.start)
        title = str(part.data["title"]).strip()
        said.append(sentence(f"{head} {title if title[-1] in '.!?…' else title + '.'}", n))
    return finding("found", said, evidence, confidence=SURE)


def _headed(
    desk: Desk, made: Summary, wish: Wish, video: str, items: list[Item],
    sentences: list[dict[str, Any]], evidence: list[Candidate],
) -> list[Item]:  # fmt: skip
    """Begin with the outline, which a summary in a few sentences needs most; the rest follows."""
    lead = _lead(desk, made, video)
    if lead is None or wish.about or wish.sentences == 1:
        return items
    text, parts = lead
    if wish.words is not None:
        left = wish.words // max(1, len(made.spans)) - len(text.split())
        if left < 0.4 * wish.words:
            return items
        items = _fitting(items, left)
    elif wish.sentences is not None and len(items) >= wish.sentences // max(1, len(made.spans)):
        items = sorted(sorted(items, key=lambda i: -i.told.worth)[: len(items) - 1],
                       key=lambda i: i.told.span)  # fmt: skip
    cites = list(range(len(evidence), len(evidence) + len(parts)))
    evidence += [row(part, "caption", SURE, lex=1.0) for part in parts]
    gap = "\n" if sentences and wish.words is None else ""
    sentences.append(sentence(gap + text, *cites))
    return items


def _lead(desk: Desk, made: Summary, video: str) -> tuple[str, list[Record]] | None:
    """What a whole video is, in a sentence: its synopsis where one was written, else its parts.

    The synopsis that memory puts together lists the chapters and quotes; that is said here anew.
    """
    name = desk.video(video).name
    whole = made.spans[video].duration >= 0.95 * desk.limit(desk.video(video))
    known = synopsis(desk.toolbox.store, video, desk.as_of) if whole else None
    if known is not None and known.text.strip() and not known.maker.startswith(MAKER.split("@")[0]):
        return f"{name}: {_said(known.text)}", [known]
    parts = made.outline(video)
    if len(parts) < 2:
        return None
    names = ", ".join(f"“{title}”" for title, _ in parts)
    return f"{name} goes through {names}.", [part for _, part in parts]


def _fitting(items: Sequence[Item], words: int) -> list[Item]:
    """The best items that so many words hold, in order of time."""
    kept: list[Item] = []
    for one in sorted(items, key=lambda i: (-i.told.worth, i.told.span)):
        if one.told.words <= words:
            kept.append(one)
            words -= one.told.words
    return sorted(kept, key=lambda i: i.told.span)


def _said(text: str) -> str:
    bare = text.strip().replace("“", '"').replace("”", '"') if "“" in text else text.strip()
    return f"“{bare}”" if bare.endswith((".", "!", "?", "…")) else f"“{bare}”."


def _name(desk: Desk, video: str, several: bool) -> str:
    return f"{desk.video(video).name} " if several else ""


def _overview(desk: Desk, made: Summary) -> list[Candidate]:
    """The outline as evidence for a model: what the parts are called."""
    return [
        row(part, "caption", 0.5) | {"quote": str(part.data.get("title") or "").strip()}
        for part in made.parts
        if part.data.get("title")
    ]


def _nothing(about: str, found: Sequence[Candidate]) -> Finding:
    note = f"Nothing that bears on “{about}” was found." if about else "Nothing is known of it yet."
    near = dict(found[0]) if found else None
    return finding("absent", confidence=0.7, nearest=near, note=note)
