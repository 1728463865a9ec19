"""`longtake ingest --estimate`: what a watch will take, from the length of the videos.

The rates are rough ones for the offline profile on two cores (bench/ingest.py prints what a
machine really does) and are scaled by its cores; the result is a guess and is printed as one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from longtake.cli.output import clean, table, warn
from longtake.cli.session import Session
from longtake.cli.times import clock
from longtake.errors import MediaError

# Seconds of video per second of work on two cores, offline profile: 6.3 on a lecture,
# 3.6 on clips cut together with dense screencasts, both with other work running.
QUICK_SPEED = 80.0
DEEP_SPEED = 6.0
# Bytes of library per second of video: clips cut together; a slide lecture takes less.
BYTES_PER_SECOND = 9_000
# The quick pass has a budget of its own and takes no longer, whatever the length.
QUICK_BUDGET = 45.0


def estimate(
    session: Session,
    files: Sequence[Path],
    *,
    start: float | None,
    until: float | None,
    passes: tuple[bool, bool],
) -> dict[str, Any]:
    """Return time, disk and passes for each file and in all; nothing is watched."""
    rows = list(_each(files, lambda path: _one(session, path, start, until, passes)))
    folder = session.settings().library
    while not folder.exists():
        folder = folder.parent
    fetch = sum(size for _, size in missing_models(session))
    return {
        "videos": rows,
        "passes": [name for name, on in zip(("quick", "deep"), passes, strict=True) if on],
        "video_seconds": sum(row["video_seconds"] for row in rows),
        "seconds": sum(row["seconds"] for row in rows),
        "bytes": sum(row["bytes"] for row in rows),
        "download_bytes": fetch,
        "free_bytes": shutil.disk_usage(folder).free,
    }


def _each(files: Sequence[Path], one: Callable[[Path], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Estimate each file; one that cannot be read is told, unless it is the only one."""
    for path in files:
        try:
            yield one(path)
        except MediaError as error:
            if len(files) == 1:
                raise
            warn(f"left out: {clean(error.message)}")


def _one(
    session: Session,
    path: Path,
    start: float | None,
    until: float | None,
    passes: tuple[bool, bool],
) -> dict[str, Any]:
    from longtake.perception.media import probe

    media = probe(path)
    begin, end = max(start or 0.0, already(session, path)), media.duration
    length = max(0.0, min(until or end, end) - begin)
    cores = (session.settings().threads or os.cpu_count() or 1) / 2
    whole = start is None and until is None and begin == 0.0
    quick = min(QUICK_BUDGET, media.duration / QUICK_SPEED) if passes[0] and whole else 0.0
    # Decoding is one thread's work, so more cores help less and less.
    deep = length / (DEEP_SPEED * min(cores, 2.0) ** 0.7) if passes[1] else 0.0
    return {
        "path": str(path),
        "video_seconds": length,
        "seconds": round(quick + deep, 1),
        "bytes": round(length * BYTES_PER_SECOND),
    }


def already(session: Session, path: Path) -> float:
    """Seconds of the deep pass that an earlier run has done on this file."""
    library = session.open()
    known = {video.path: video for video in library.videos()}.get(str(path.resolve()))
    if known is None:
        return 0.0
    progress = library.store.progress(known.id, "deep")
    if progress is None:
        return 0.0
    return known.duration if progress.finished else progress.done


def missing_models(session: Session) -> list[tuple[str, int]]:
    """Names and sizes of the weights that a watch would fetch first."""
    from longtake.models.catalog import CATALOG
    from longtake.models.profiles import WATCHING

    names = session.open().models.missing(WATCHING)
    return [(name, CATALOG[name].size if name in CATALOG else 0) for name in names]


def estimate_text(found: Mapping[str, Any]) -> str:
    """Write the estimate as a small table."""
    rows = [
        (row["path"], clock(row["video_seconds"]), f"about {clock(row['seconds'])}", megabytes(row))
        for row in found["videos"]
    ]
    lines = [table(rows, right=(1, 2, 3)), ""]
    lines.append(f"passes: {', '.join(found['passes'])}")
    lines.append(f"in all: about {clock(found['seconds'])} of work, {megabytes(found)} on disk")
    if found["download_bytes"]:
        lines.append(f"first fetches {found['download_bytes'] / 1e6:.0f} MB of models")
    lines.append(f"free on that disk: {found['free_bytes'] / 1e9:.1f} GB")
    return "\n".join(line if "\n" in line else clean(line) for line in lines)


def megabytes(row: Mapping[str, Any]) -> str:
    """The row's bytes in MB, never as 0."""
    return f"{max(row['bytes'] / 1e6, 0.1):.1f} MB"
