"""What lies in a folder of segments, and when: `recording`, `parts`, `edge`.

A recording of our own has `about.json` and ``%012d.mkv``, named by their start in milliseconds of
stream time. Of any other folder the numbered media files are the segments (see `segment_times`).
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from longtake.errors import SourceGone
from longtake.perception.segment_names import is_segment, natural
from longtake.perception.segment_times import Times, measured
from longtake.perception.sources import Break
from longtake.timecode import Seconds, format_time

FORMAT = "longtake-recording@1"
ABOUT = "about.json"
HOLE: Seconds = 1.0
"""So much time without a segment is a break."""
OWN = re.compile(r"\d{12}\.mkv")


@dataclass(frozen=True, slots=True)
class About:
    """What a recording says of itself; times are ISO 8601 in UTC, `edge` stream seconds."""

    source: str
    name: str
    began: str | None
    ended: str | None
    edge: Seconds
    edge_wall: str | None
    bytes: int
    breaks: tuple[Break, ...]
    pid: int
    error: str | None = None
    """Why it ended, when not for its source's end."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment, from `start` to `end` in stream time; the newest one may have no end yet."""

    path: Path
    start: Seconds
    end: Seconds | None


def recording(folder: Path | str) -> About | None:
    """Read a recording's `about.json`; None where there is none, or something else."""
    try:
        told = json.loads((Path(folder) / ABOUT).read_text(encoding="utf-8"))
        if told.get("format") != FORMAT:
            return None
        return About(
            str(told["source"]), str(told["name"]), told["began"], told["ended"],
            float(told["edge"]), told["edge_wall"], int(told["bytes"]),
            tuple(Break(b["at"], b["wall"], b["seconds"], b["why"]) for b in told["breaks"]),
            int(told["pid"]), told.get("error"),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def files(folder: Path | str) -> list[Path]:
    """The segments of a folder, oldest first."""
    try:
        names = [one.name for one in Path(folder).iterdir()]
    except OSError:
        return []
    if ABOUT in names and recording(folder):
        return [Path(folder) / name for name in sorted(names) if OWN.fullmatch(name)]
    chosen = [name for name in names if is_segment(name)]
    return [Path(folder) / name for name in sorted(chosen, key=natural)]


def is_folder(path: Path | str) -> bool:
    """Whether this is a folder that holds a recording or segments."""
    return Path(path).is_dir() and bool(recording(path) or files(path))


def parts(folder: Path | str) -> list[Part]:
    """The segments of a folder with their times. Those of others are measured, each once."""
    folder = Path(folder)
    about, found = recording(folder), files(folder)
    if about is None:
        times = Times(folder)
        timed = {row.name: row for row in times.each(found[:-1])}
        known = [Part(p, timed[p.name].start, timed[p.name].end) for p in found if p.name in timed]
        return known + [Part(path, times.start([], path), None) for path in found[-1:]]
    starts = [own_start(path) for path in found]
    ends: list[Seconds | None] = [*starts[1:], max(about.edge, *starts) if about.ended else None]
    return [Part(*one) for one in zip(found, starts, ends, strict=False)]


def own_start(path: Path) -> Seconds:
    """The stream time that the name of a recording's segment tells."""
    return int(path.stem) / 1000


def edge(folder: Path | str) -> Seconds:
    """How far a folder's stream has come; the newest segment of others is measured for it."""
    about = recording(folder)
    if about:
        return about.edge
    found = parts(folder)
    return round(found[-1].start + measured(found[-1].path)[1], 6) if found else 0.0


def kept_from(source: Path, start: Seconds) -> Seconds:
    """The first time from `start` on of which a source still holds pictures and sound.

    That is `start` itself, but in a folder whose oldest segments were deleted.
    """
    found = parts(source) if source.is_dir() else []
    return max(start, found[0].start) if found else start


def check_kept(folder: Path, name: str, start: Seconds, until: Seconds) -> None:
    """Refuse a stretch of which segments are no longer there.

    Raises:
        SourceGone: it begins before the first segment that is kept, or one in it is missing.
    """
    found = parts(folder)
    if not found:
        raise SourceGone(f"no segment of {name} is kept any more")
    since = format_time(found[0].start, millis=False)
    if start < found[0].start - 1e-3:
        raise SourceGone(
            f"{name} is kept from {since} on; what came before has been deleted",
            fix="no finer look is possible there",
        )
    at = start
    for part in found:
        end = _whole_end(part, at, found[-1])
        if part.start > at + HOLE and at < until:
            break
        at = max(at, end)
    else:
        return
    raise SourceGone(
        f"a segment of {name} at {format_time(at, millis=False)} is no longer there",
        fix="no finer look is possible there",
    )


def _whole_end(part: Part, at: Seconds, last: Part) -> Seconds:
    """Where a segment ends; one in which a time lies is measured, as the next may be missing."""
    if part.end is None or part is last:
        return math.inf
    inside = part.start <= at < part.end and OWN.fullmatch(part.path.name)
    return part.start + measured(part.path)[1] if inside else part.end
