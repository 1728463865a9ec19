"""The text of a stream: what was heard, read and seen of one video, as lines in order of time.

::

    [00:12:03] speaker: the exam will be on the fourteenth of March
    [00:12:05] screen: Exam | 14 March | room B2
    [00:12:10] picture: notebook, desk; white, blue

Lines of a screen that appear together are one line. What was on screen or in the picture lately is
not told again; derived texts (captions, summaries) repeat the records and are left out. A line
knows the records it was made of: what a model says of it is only believed when they say so.

A streamer with eyes is shown the frames that were kept, between the lines of what was heard and
read; what was recognised in a picture is then left out (`items_of`).

The text depends on the records alone, so a video that was not watched further has the same lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from longtake.storage.records import Record
from longtake.storage.store import Store
from longtake.timecode import Seconds, format_time

AGAIN: Seconds = 120.0
"""A screen line or picture is told again when it was not there for so long."""
QUICK = "quick:"
"""Makers of the first pass; the deep pass replaces what they wrote."""
WORDS = 60
"""The most words of one line: a page of a newspaper must not fill a whole stream."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its time, its text with the time in front, and the records it tells of."""

    start: Seconds
    end: Seconds
    text: str
    refs: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Names its content: text, span and records."""
        return _digest(self.start, self.end, self.text, self.refs)


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame that is shown to the streamer: from when to when it stood, and its records."""

    start: Seconds
    end: Seconds
    refs: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Names it: span and records."""
        return _FRAME + _digest(self.start, self.end, "", self.refs)


Item: TypeAlias = Line | Shown
"""What a stream is made of."""
_FRAME = "frame:"


def shows_frames(digests: Iterable[str]) -> bool:
    """Whether frames are among the items that were read."""
    return any(one.startswith(_FRAME) for one in digests)


def items_of(store: Store, video: str, *, seeing: bool) -> Sequence[Item]:
    """Return what the streamer reads of a video, by time; with eyes, frames in place of labels.

    A frame's records are what was seen in it and what stood on screen at that moment; at one time
    it comes after the lines.
    """
    if not seeing:
        return lines_of(store, video)
    rows = [r for r in store.records(video=video) if not r.maker.startswith(QUICK)]
    sight = [r for r in rows if (r.level, r.channel) == ("frame", "sight")]
    screen = [r for r in rows if (r.level, r.channel) == ("moment", "screen")]
    labels = {r.id for r in sight}
    made: list[Item] = [one for one in lines_of(store, video) if not labels & set(one.refs)]
    for row in sight:
        beside = [r for r in screen if r.span.start <= row.span.start < r.span.end]
        refs = (row.id, *(r.id for r in _ordered(beside)))
        made.append(Shown(row.span.start, row.span.end, refs))
    return sorted(made, key=lambda one: (one.start, isinstance(one, Shown)))


def lines_of(store: Store, video: str) -> list[Line]:
    """Return the lines of a video, by time; at one time speech, then screen, then picture."""
    rows = [r for r in store.records(video=video) if not r.maker.startswith(QUICK)]
    speech = [r for r in rows if (r.level, r.channel) == ("moment", "speech")]
    screen = [r for r in rows if (r.level, r.channel) == ("moment", "screen")]
    screen = screen or [r for r in rows if (r.level, r.channel) == ("frame", "screen")]
    sight = [r for r in rows if (r.level, r.channel) == ("frame", "sight")]
    made = [(0, _line("speaker", [r])) for r in speech if r.text.strip()]
    made += [(1, one) for one in _pages(screen)]
    made += [(2, one) for one in _pictures(sight)]
    return [one for _, one in sorted(made, key=lambda pair: (pair[1].start, pair[0], pair[1].refs))]


def _pages(rows: Sequence[Record]) -> Iterable[Line]:
    """What appears together on screen, without what stood there a moment ago."""
    seen: dict[str, Seconds] = {}
    for _, together in groupby(_ordered(rows), key=lambda r: r.span.start):
        fresh = []
        for row in together:
            plain = " ".join(row.text.lower().split())
            last = seen.get(plain)
            seen[plain] = max(row.span.end, last or 0.0)
            if plain and (last is None or row.span.start - last > AGAIN):
                fresh.append(row)
        if fresh:
            yield _line("screen", fresh)


def _pictures(rows: Sequence[Record]) -> Iterable[Line]:
    """What frames show, when it is something else than what was told last."""
    told, until = "", float("-inf")
    for row in _ordered(rows):
        what = row.text.partition(";")[0].strip() if row.data.get("tags", True) else ""
        if not what or (what == told and row.span.start - until <= AGAIN):
            until = row.span.end if what else until
            continue
        told, until = what, row.span.end
        yield _line("picture", [row], what)


def _ordered(rows: Sequence[Record]) -> list[Record]:
    return sorted(rows, key=lambda r: (r.span.start, r.id))


def _digest(start: Seconds, end: Seconds, text: str, refs: tuple[str, ...]) -> str:
    told = "\x1f".join((f"{start:.3f}", f"{end:.3f}", text, *refs))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _line(who: str, rows: Sequence[Record], said: str | None = None) -> Line:
    start = rows[0].span.start
    told = [" ".join(r.text.split()) for r in rows] if said is None else [said]
    words = " | ".join(told).split(" ")
    text = " ".join(words[:WORDS])
    return Line(
        start, max(r.span.end for r in rows), f"[{format_time(start, millis=False)}] {who}: {text}",
        tuple(dict.fromkeys(r.id for r in rows)),
    )  # fmt: skip
