"""Records that a finer look contradicts: how they are read from then on.

What was written stays written: raw words and screen text keep their text and are only marked, so
that recall ranks them lower and shows what the finer look saw beside them. Derived text is made
again: a caption, scene, chapter or synopsis that repeats the disputed words is read with those of
the finer look in their place, each time it is read, without a writer. Its vector still speaks of
the old words until the video is watched again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from longtake.storage.observations import Dispute
from longtake.storage.records import Record
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.memory.moments import Moment
    from longtake.storage.store import Store

LOWER = 0.6
"""What a disputed record's score counts."""
_DERIVED = ("clip", "scene", "chapter", "video")


def settled(records: Iterable[Record], disputes: Sequence[Dispute]) -> list[Record]:
    """Return the records as they are to be read: raw ones marked, derived ones made again."""
    if not disputes:
        return list(records)
    named: dict[str, list[Dispute]] = {}
    for dispute in disputes:
        named.setdefault(dispute.record, []).append(dispute)
    return [_settled(record, named.get(record.id, []), disputes) for record in records]


def _settled(record: Record, own: Sequence[Dispute], every: Sequence[Dispute]) -> Record:
    if record.channel == "caption" and record.level in _DERIVED:
        around = [d for d in every if d.video == record.video and record.span.overlap(d.span) > 0]
        return renewed(record, [*own, *around])
    if not own:
        return record
    told = [{"observation": d.observation, "was": d.was, "now": d.now} for d in own]
    return replace(record, data=dict(record.data) | {"disputed": told})


def renewed(record: Record, disputes: Sequence[Dispute]) -> Record:
    """A derived record with the finer look's words for the disputed ones, if it holds these."""
    text, data, by = record.text, dict(record.data), list[str]()
    for one in disputes:
        pattern = _pattern(one)
        title = str(data.get("title", ""))
        tags = [tag for tag in data.get("tags", ()) if tag[0] != one.was]
        if not pattern.search(text) and not pattern.search(title):
            continue
        now = one.now.replace("\\", r"\\")  # a replacement reads backslashes
        text = pattern.sub(now, text)
        if title:
            data["title"] = pattern.sub(now, title)
        if one.kind == "sight" and "tags" in data:
            data["tags"] = tags
        by.append(one.observation)
    if not by:
        return record
    return replace(record, text=text, data=data | {"renewed": list(dict.fromkeys(by))})


def _pattern(one: Dispute) -> re.Pattern[str]:
    """The disputed words as they stand in a text; a label takes its probability along."""
    words = r"\s+".join(re.escape(word) for word in one.was.split())
    tail = r"(?:\s\(\d\.\d+\))?" if one.kind == "sight" else ""
    return re.compile(rf"(?<!\w){words}(?!\w){tail}")


def reordered(
    store: Store, moments: Sequence[Moment], videos: Sequence[str], as_of: Seconds | None
) -> list[Moment]:
    """Return the moments of a search with disputed ones lower and the finer look beside them."""
    disputes = store.observations.disputes(videos, as_of=as_of) if moments else []
    if not disputes:
        return list(moments)
    records = {r.id: r for r in store.records(ids=[m.record for m in moments], as_of=as_of)}
    found: list[Moment] = []
    for moment in moments:
        own = [d for d in disputes if d.record == moment.record]
        (read,) = settled([records[moment.record]], disputes)
        if moment.source == "caption":
            found.append(replace(moment, text=read.text))
            continue
        found.append(replace(moment, score=moment.score * LOWER) if own else moment)
        found += [replace(moment, text=d.now, record=d.observation, span=d.span) for d in own[:1]]
    return found
