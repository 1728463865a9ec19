"""All that is known of a video as one tree: chapters, their scenes, their clips.

A clip carries what was said and what stood on the screen while it lasted, and one thumbnail.
Levels that are not there yet (the deep pass is still running) are stood in for by one part that
spans what there is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longtake.storage.records import Record, Video
    from longtake.tools.reading import Reader

Tree = dict[str, Any]


def gather(reader: Reader, video: Video) -> Tree:
    """Return the tree of a video, ready for JSON."""
    status = reader.status(video.id)
    clips = _clips(reader, video)
    scenes = _nest(_parts(reader.timeline(video.id, zoom="scene")), clips, "clips")
    chapters = _nest(_parts(reader.timeline(video.id, zoom="chapter")), scenes, "scenes")
    whole = reader.timeline(video.id, zoom="video")
    return {
        "video": video.id,
        "name": video.name,
        "path": video.path,
        "duration": round(video.duration, 3),
        "media": dict(video.media),
        "covered": status["covered"],
        "passes": status["passes"],
        "synopsis": whole[-1].text if whole else "",
        "chapters": chapters,
    }


def _parts(records: Sequence[Record]) -> list[Tree]:
    return [
        _bounds(record)
        | {
            "title": str(record.data.get("title", "")),
            "text": record.text.removeprefix(f"{record.data.get('title')} — "),
            "keywords": [str(word) for word in record.data.get("keywords", ())],
        }
        for record in records
    ]


def _bounds(record: Record) -> Tree:
    return {"start": round(record.span.start, 3), "end": round(record.span.end, 3)}


def _clips(reader: Reader, video: Video) -> list[Tree]:
    clips = [
        _bounds(record) | {"text": record.text, "same_as": record.data.get("same_as")}
        for record in reader.timeline(video.id, zoom="clip")
    ]
    speech = _parts(reader.transcript(video.id))
    screen = _parts(reader.screen_text(video.id))
    frames = [
        (record.span.start, record.data["thumb"])
        for record in reader.timeline(video.id, zoom="frame")
        if record.data.get("thumb")
    ]
    if not clips and (speech or screen or frames):
        clips = [{"start": 0.0, "end": round(video.duration, 3), "text": "", "same_as": None}]
    for number, clip in enumerate(clips):
        begin = clip["start"] if number else float("-inf")
        end = clips[number + 1]["start"] if number + 1 < len(clips) else float("inf")
        clip["speech"] = _lines(_starting_in(speech, begin, end))
        clip["screen"] = _lines(_starting_in(screen, begin, end))
        clip["thumb"] = _shown(frames, clip["start"], clip["end"])
    return clips


def _lines(parts: Sequence[Tree]) -> list[Tree]:
    return [{key: part[key] for key in ("start", "end", "text")} for part in parts]


def _starting_in(parts: Sequence[Tree], begin: float, end: float) -> Sequence[Tree]:
    """The parts that begin in `[begin, end)`; so each belongs to one outer part only."""
    low = bisect_left(parts, begin, key=lambda part: part["start"])
    return parts[low : bisect_left(parts, end, key=lambda part: part["start"])]


def _shown(frames: Sequence[tuple[float, str]], start: float, end: float) -> str | None:
    """The first picture kept inside the span, or the last before it, which is still shown."""
    starts = [time for time, _ in frames]
    first = bisect_left(starts, start)
    if first < len(frames) and starts[first] < end:
        return frames[first][1]
    before = bisect_right(starts, start)
    return frames[before - 1][1] if before else None


def _nest(outer: list[Tree], inner: list[Tree], key: str) -> list[Tree]:
    """Put each inner part under the outer part that it begins in; none is lost."""
    if not inner and not outer:
        return []
    rest = {id(part): part for part in inner}
    for part in outer:
        part[key] = list(_starting_in(inner, part["start"], part["end"]))
        for one in part[key]:
            rest.pop(id(one), None)
    for run in _runs(inner, rest):
        bounds = {"start": run[0]["start"], "end": run[-1]["end"]}
        outer.append({**bounds, "title": "", "text": "", "keywords": [], key: run})
    return sorted(outer, key=lambda part: (part["start"], part["end"]))


def _runs(inner: list[Tree], rest: dict[int, Tree]) -> list[list[Tree]]:
    """Neighbours that have no outer part, as runs."""
    runs: list[list[Tree]] = []
    joined = False
    for part in inner:
        if id(part) not in rest:
            joined = False
        elif joined:
            runs[-1].append(part)
        else:
            runs.append([part])
            joined = True
    return runs
