"""What a person marked: kept for good, searchable, and listed.

A mark is a caption of a moment that a person made: a span and a note. It is the one truth of what
is marked: whoever merges or forgets asks for the spans of a video's marks and leaves alone
what touches them, so a mark counts as well for what is recorded in its span later, and no more
once it is removed. What is marked comes on top of a capacity.

>>> mark(store, video, Span(61.0, 71.0), "the red van")                # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING

from longtake.errors import NoSuchMoment, UsageError
from longtake.storage.records import Record, Video, record_id
from longtake.timecode import Seconds, Span, format_time

if TYPE_CHECKING:
    from longtake.storage.store import Store

MAKER = "person"
LENGTH: Seconds = 10.0
"""How long a mark is that was given no end."""
LONGEST_NOTE = 500


def mark(store: Store, video: Video, span: Span, note: str = "") -> Record:
    """Keep a mark; the same span and note twice is one mark.

    Raises:
        UsageError: it is empty, begins after the end of a video that does not grow, or its note is
            too long.
    """
    if span.duration <= 0:
        raise UsageError("a mark must have some length", fix="end it after its start")
    live = video.media.get("live")
    if not (live and not live.get("ended")) and span.start >= video.duration:
        raise UsageError(
            f"{format_time(span.start)} lies beyond the end of {video.name} "
            f"({format_time(video.duration)})",
            fix="mark a time before the end",
        )
    said = " ".join(note.split())
    if len(said) > LONGEST_NOTE:
        raise UsageError(f"a note of {len(said)} letters is too long", fix="write 500 or fewer")
    text = f"Marked: {said}" if said else "Marked"
    for one in marks(store, video.id):
        if one.span == span and one.text == text:
            return one
    names = (record_id(video.ordinal, span.start, "moment", "caption", n) for n in count())
    name = next(name for name in names if not store.records(ids=[name]))
    # It was not known before what is there now was seen.
    record = Record(name, video.id, "moment", "caption", span, max(span.end, video.duration), text,
                    MAKER, (), {"of": "mark", "note": said})  # fmt: skip
    store.put_records([record])
    return record


def marks(store: Store, video: str, as_of: Seconds | None = None) -> list[Record]:
    """Return a video's marks, in order of time."""
    # By an index of their own: there may be many captions, and each step of a stream asks this.
    rows = store.database.rows(
        "SELECT r.id FROM records r INDEXED BY records_marked WHERE r.maker = 'person' "
        "AND r.ordinal = (SELECT ordinal FROM videos WHERE id = ?)",
        (video,),
    )
    return store.records(ids=[row[0] for row in rows], as_of=as_of) if rows else []


def unmark(store: Store, video: Video, at: Seconds) -> list[Record]:
    """Remove the marks that a time lies in, and return them.

    Raises:
        NoSuchMoment: nothing is marked there.
    """
    there = [one for one in marks(store, video.id) if one.span.contains(at)]
    if not there:
        raise NoSuchMoment(
            f"nothing is marked at {format_time(at)} of {video.name}",
            fix=f"longtake mark {video.id} lists its marks",
        )
    store.delete_records(video.id, ids=[one.id for one in there])
    return there


def marked(store: Store, video: str) -> list[Span]:
    """Return the spans that a person marked."""
    return [one.span for one in marks(store, video)]


def touches(record: Record, spans: Sequence[Span]) -> bool:
    """Whether a record, or anything it stands for, lies in one of the spans."""
    if not spans:
        return False
    told = record.data.get("spans") or [[record.span.start, record.span.end]]
    return any(start < one.end and end > one.start for start, end in told for one in spans)
