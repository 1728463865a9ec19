"""What a person marked: kept for good, searchable, and listed.

A mark is a record of channel ``event``, made by a person: a span and a note. It is the one truth of
what is marked: whoever merges or forgets asks for the spans of a video's marks and leaves alone
what touches them, so a mark counts as well for what is recorded in its span later, and no more
once it is removed. What is marked comes on top of a capacity.

>>> mark(store, video, Span(61.0, 71.0), "the red van")                # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
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
        UsageError: it begins after the end of a video that does not grow, or the note is too long.
    """
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
    held = marks(store, video.id)
    text = f"Marked: {said}" if said else "Marked"
    for one in held:
        if one.span == span and one.text == text:
            return one
    taken = {one.id for one in held}
    name = next(name for n in range(len(held) + 1) if (name := _name(video, span, n)) not in taken)
    # It was not known before what is there now was seen.
    record = Record(name, video.id, "moment", "event", span, max(span.end, video.duration), text,
                    MAKER, (), {"kind": "mark", "note": said})  # fmt: skip
    store.put_records([record])
    return record


def marks(store: Store, video: str, as_of: Seconds | None = None) -> list[Record]:
    """Return a video's marks, in order of time."""
    found = store.records(video=video, level="moment", channel="event", as_of=as_of)
    return [one for one in found if one.maker == MAKER]


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


def _name(video: Video, span: Span, n: int) -> str:
    return record_id(video.ordinal, span.start, "moment", "event", n)
