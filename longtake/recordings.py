"""The recordings in a library's folder ``raw``: which is a video's, and giving them up.

A recording goes with its video. Of what is forgotten it goes first: it takes the most room, and
all that was read from it stays. While it is being made its newest minute stays.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from longtake.perception.recorder import Recording
from longtake.perception.ring import NEWEST
from longtake.perception.segments import parts, recording
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.storage.records import Video


def folder_of(raw: Path, video: Video) -> Path | None:
    """The recording in a library's folder that a video was read from, also if both have moved."""
    if "live" not in video.media or Path(video.path).parent.name != raw.name:
        return None
    folder = raw / Path(video.path).name
    return folder if recording(folder) else None


def delete(raw: Path, video: Video) -> None:
    """Delete a video's recording, ending it first if it is still being made."""
    if folder := folder_of(raw, video):
        if Recording(folder).alive():
            Recording(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def size(folder: Path | None) -> int:
    """Bytes that a recording takes; 0 for none."""
    return sum(_bytes(part.path) for part in parts(folder)) if folder else 0


def give_up(
    folder: Path | None, *, before: Seconds | None = None, most: int = 0, dry_run: bool = False
) -> int:
    """Delete segments, oldest first, until no more than so many bytes are left.

    Args:
        folder: the recording; None is none.
        before: only what ended before this time.
        most: bytes that may stay.
        dry_run: tell how many bytes would go, and change nothing.
    """
    about = recording(folder) if folder else None
    if folder is None or about is None:
        return 0
    limit = (about.edge if about.ended else about.edge - NEWEST) if before is None else before
    found, gone = parts(folder), 0
    left = sum(_bytes(part.path) for part in found)
    for part in found:
        if left - gone <= most or part.end is None or part.end > limit + 1e-6:
            break
        gone += _bytes(part.path)
        if not dry_run:
            with suppress(OSError):  # the recorder deleted it in this instant
                part.path.unlink()
    return gone


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
