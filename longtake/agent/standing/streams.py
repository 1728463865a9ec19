"""What a person names, as a stream to watch: a file, a folder of segments, an address, a video.

An address or camera is recorded first, by a process of its own (`longtake.perception.recorder`), or
joined where it is recorded already; the watch reads the recording's files. A file is
replayed from its start, unless it was written to a moment ago: then it is watched from now on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from longtake.agent.standing.watcher import PREROLL
from longtake.errors import MediaError, NoSuchFile, NotFound, Unreadable
from longtake.perception.devices import open_device
from longtake.perception.newest import newest
from longtake.perception.recorder import KEEP_BYTES, Recording
from longtake.perception.segments import SegmentFolder, edge, is_folder, recording
from longtake.perception.sources import IDLE, GrowingFile, Live
from longtake.storage.records import Video
from longtake.timecode import Seconds

Begin: TypeAlias = Literal["now", "start"]
LEASH: Seconds = 60.0
"""A recording that a watch began ends so many seconds after the last reader has gone."""
LATELY: Seconds = 5.0
"""A file that was written to so many seconds ago is still being written."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream, from where it is read, and from when on something counts.

    `edge` tells how far it has come by now, None where only reading tells. `fresh`: it begins at
    `start`, so that nothing can have been there before. `live`: it is watched from now on, and
    must not be left behind.
    """

    path: Path | Live
    name: str
    begin: Seconds
    start: Seconds
    fresh: bool
    live: bool
    edge: Callable[[], Seconds] | None = None


@contextmanager
def opened(
    source: str | Path, raw: Path, *, begin: Begin | None = None, idle: Seconds = IDLE,
    find: Callable[[str], Video] | None = None, keep_bytes: int = KEEP_BYTES,
) -> Iterator[Stream]:  # fmt: skip
    """Open what a person named.

    Args:
        source: a file, a folder of segments, an address, ``-``, a camera, or a video's name.
        raw: the library's folder of recordings.
        begin: from now on or from the start; None is now for what is still being made.
        idle: a stream from which nothing came for so long has ended.
        find: finds a video of the library by its name.
        keep_bytes: the most that a recording may take.

    Raises:
        MediaError, UsageError, NotFound: there is nothing that can be watched.
    """
    if "://" in str(source) or open_device(str(source), idle) is not None:
        recorded = Recording.start(str(source), raw, idle=idle, keep_bytes=keep_bytes, leash=LEASH)
        with recorded.attended():
            yield _folder(recorded.folder, begin, idle)
        return
    path = Path(source).expanduser()
    if not path.exists() and find is not None:
        try:
            path = _of_video(find(str(source)), raw)
        except NotFound as error:
            raise NoSuchFile(
                f"there is no file, folder of segments or video {str(source)!r}",
                fix="check the path, or `longtake videos list`",
            ) from error
    if path.is_dir():
        yield _folder(path, begin, idle)
        return
    yield _file(path, begin, idle)


def _of_video(video: Video, raw: Path) -> Path:
    """Where a video's stream lies: its recording, or its file."""
    folder = raw / video.fingerprint[:16]
    if is_folder(folder):
        return folder
    path = Path(video.path)
    if not path.exists():
        raise NoSuchFile(
            f"the file of {video.name} is no longer there, and it is not being recorded",
            fix="name a file, a folder of segments or an address",
        )
    return path


def _folder(path: Path, begin: Begin | None, idle: Seconds) -> Stream:
    """A folder: from now on while it is being recorded, else from its first segment."""
    about = recording(path)
    over = about is not None and about.ended is not None
    begin = begin or ("start" if over else "now")
    live = SegmentFolder(path, idle)
    if begin == "start":
        return Stream(live, live.name, 0.0, 0.0, True, False, lambda: edge(path))
    now = edge(path)
    return Stream(live, live.name, max(0.0, now - PREROLL), now, False, True, lambda: edge(path))


def _file(path: Path, begin: Begin | None, idle: Seconds) -> Stream:
    if not path.is_file():
        raise NoSuchFile(f"there is no file {path}", fix="check the path")
    growing = _grows(path)
    begin = begin or ("now" if growing else "start")
    if begin == "start":
        source: Path | Live = GrowingFile(path, idle) if growing else path
        return Stream(source, path.name, 0.0, 0.0, True, False)
    try:
        now = newest(path, 1.0).edge
    except MediaError:  # nothing that can be decoded has been written yet
        return Stream(GrowingFile(path, idle), path.name, 0.0, 0.0, True, True)
    return Stream(GrowingFile(path, idle), path.name, max(0.0, now - PREROLL), now, False, True)


def _grows(path: Path) -> bool:
    """Whether it may still be written: lately, and in a form that can be read meanwhile."""
    if time.time() - path.stat().st_mtime >= LATELY:
        return False
    try:
        GrowingFile(path).stream().close()
    except Unreadable:  # such as an MP4 whose index comes last: it is there, so it is finished
        return False
    return True
