"""The tool `objects`: questions to the object table, JSON in and JSON out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from longtake.errors import NoSuchMoment, NotFound, UsageError
from longtake.memory.objects import Box, ObjectTable, Place, Seen, where
from longtake.timecode import Seconds, Span, format_time
from longtake.tools.jsonable import jsonable, rounded

if TYPE_CHECKING:
    from longtake.tools import args as a
    from longtake.tools.reading import Reader
    from longtake.tools.registry import Toolbox


def objects(box: Toolbox, given: a.ObjectsArgs) -> dict[str, Any]:
    """Run the tool."""
    return look_up(
        box, box._video_id(given.video), label=given.label, at=given.at, inside=given.box,
        span=given.span(), as_of=given.as_of,
    )  # fmt: skip


def look_up(
    reader: Reader, video: str, *, at: Seconds | None = None, as_of: Seconds | None = None,
    **asked: Any,
) -> dict[str, Any]:  # fmt: skip
    """Ask the object table of a video; `asked` as of `told_of`.

    Raises:
        NotFound: no things were looked for in it.
        NoSuchMoment: it ends before `at`.
        UsageError: a box without a time, or one that is none.
    """
    known = reader.store.video(video)
    if at is not None and at > known.duration:
        raise NoSuchMoment(
            f"{format_time(at)} lies beyond the end of {known.name} "
            f"({format_time(known.duration)})",
            fix=f"longtake timeline {known.id}",
        )
    table = reader.objects(video, as_of=as_of)
    if not table and reader.store.progress(video, "objects") is None:
        raise NotFound(
            f"no things were looked for in {known.name}",
            fix=f"longtake ingest {known.id} --redo objects, with a profile that has a detector",
        )
    return {"video": video, "whole": table.whole} | told_of(table, at=at, **asked)


def told_of(
    table: ObjectTable,
    *,
    label: str | None = None,
    at: Seconds | None = None,
    inside: Box | None = None,
    span: Span | None = None,
) -> dict[str, Any]:
    """What a table says of a label, a time, a box at that time, or of all."""
    if inside is not None and at is None:
        raise UsageError("a box is asked about at a time", fix="add --at TIME")
    if inside is not None and not (inside[0] < inside[2] and inside[1] < inside[3]):
        raise UsageError("this box has no size", fix="write it as left,top,right,bottom in 0..1")
    labels = table.fitting(label) if label else None
    told: dict[str, Any] = {"labels": table.labels(), "label": labels}
    if at is not None:
        told |= {"at": rounded(at), **_then(table, labels, at, inside)}
        return told
    tracks = table.of(labels, span)
    told |= {"tracks": [_row(one) for one in tracks], "count": len({t.thing for t in tracks})}
    if labels and (first := table.first(labels)) and (last := table.last(labels)):
        most = table.most(labels)
        told |= {"first": rounded(first.span.start), "last": rounded(last.span.end)}
        if most is not None:
            told["most"] = {"count": most.count, **jsonable(most.span)}
    return told


def _then(
    table: ObjectTable, labels: Sequence[str] | None, at: Seconds, inside: Box | None
) -> dict[str, Any]:
    if inside is not None:
        found = [(p, share) for p, share in table.inside(inside, at)
                 if labels is None or p.seen.label in labels]  # fmt: skip
        places = [_place(place) | {"share": rounded(share)} for place, share in found]
    else:
        places = [_place(place) for place in table.at(at, labels)]
    told: dict[str, Any] = {"places": places, "count": len(places)}
    if not places and labels and (near := table.nearest(labels, at)):
        told["nearest"] = _row(near)
    return told


def _row(one: Seen) -> dict[str, Any]:
    row = {"track": one.n, "label": one.label, **jsonable(one.span), "p": rounded(one.p)}
    row |= {"record": one.record.id}
    return row | ({"same_as_track": one.thing} if one.thing != one.n else {})


def _place(one: Place) -> dict[str, Any]:
    return {
        "track": one.seen.n, "label": one.seen.label, "box": list(one.box),
        "where": where(one.box), "how": one.how, "sighted": [rounded(t) for t in one.sighted],
        "p": rounded(one.seen.p), "record": one.seen.record.id,
    }  # fmt: skip
