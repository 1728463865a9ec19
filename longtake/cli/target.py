"""From what a person points at (video and time, record, piece of evidence) to video and span."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from longtake.cli.last import evidence
from longtake.cli.session import Session
from longtake.cli.times import parse_span
from longtake.errors import NoSuchMoment, UsageError
from longtake.timecode import Span, format_time, parse_time

if TYPE_CHECKING:
    from longtake.storage.records import Record, Video

_RECORD = re.compile(r"^\d{5}-\d{11}-[a-z]+-[a-z]+-\d+$")
_NUMBER = re.compile(r"^\[?(\d{1,3})\]?$")


def find_target(
    session: Session, words: Sequence[str]
) -> tuple[Video, Span | float, Record | None]:
    """Return (video, span or time, record if one was named).

    One word is a record's id or the number of a piece of the last answer's evidence; two words
    are a video and a time or span.

    Raises:
        UsageError: neither.
        NoSuchMoment: there is no such record or evidence, or the time lies beyond the end.
    """
    library = session.open()
    if len(words) == 1:
        if match := _NUMBER.match(words[0]):
            name, span = evidence(session.settings().library, int(match[1]))
            return library.video(name), span, None
        if _RECORD.match(words[0]):
            record = library.store.record(words[0])
            return library.video(record.video), record.span, record
    if len(words) != 2:
        raise UsageError(
            "name a video and a time, a record's id, or the number of a piece of evidence",
            fix="longtake show lecture.mp4 12:31",
        )
    video = library.video(words[0])
    where: Span | float = (
        parse_span(words[1]) if re.search(r"[-–]", words[1].strip()[1:]) else parse_time(words[1])
    )
    start = where.start if isinstance(where, Span) else where
    if start >= video.duration:
        raise NoSuchMoment(
            f"{format_time(start)} lies beyond the end of {video.name} "
            f"({format_time(video.duration)})",
            fix=f"longtake timeline {video.id}",
        )
    if isinstance(where, Span):
        where = Span(where.start, min(where.end, video.duration))
    return video, where, None
