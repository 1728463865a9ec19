"""`longtake ingest --estimate`: what a watch will take, from the length of the videos.

The rates are rough ones for the offline profile on two cores (bench/ingest.py prints what a
machine really does) and are scaled by its cores; the result is a guess and is printed as one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.cli.output import clean, table, warn
from longtake.cli.session import Session
from longtake.cli.times import clock
from longtake.errors import MediaError
from longtake.planning import Plan, added, plans

if TYPE_CHECKING:
    from longtake.perception.media import MediaInfo

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
    later = passes[1] and start is None and until is None
    rows = list(_each(files, lambda path: _one(session, path, start, until, passes, later)))
    folder = session.settings().library
    while not folder.exists():
        folder = folder.parent
    fetch = sum(size or 0 for _, size in missing_models(session))
    asked = added(plan for row in rows for plan in row.pop("plans"))
    return {
        "videos": rows,
        "passes": [name for name, on in zip(("quick", "deep"), passes, strict=True) if on],
        "video_seconds": sum(row["video_seconds"] for row in rows),
        "seconds": sum(row["seconds"] for row in rows),
        "bytes": sum(row["bytes"] for row in rows),
        "later": [asdict(plan) for plan in asked],
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
    later: bool,
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
        "plans": _plans(session, path, media) if later else [],
    }


def _plans(session: Session, path: Path, media: MediaInfo) -> list[Plan]:
    """What later passes will ask of models in words, for one file."""
    library = session.open()
    known = {video.path: video for video in library.videos()}.get(str(path.resolve()))
    return plans(
        library.store if known else None, known.id if known else None, library.models,
        seconds=media.duration, size=(media.width or 1280, media.height or 720),
    )  # fmt: skip


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


def missing_models(session: Session) -> list[tuple[str, int | None]]:
    """Names and sizes (None: unknown) of the weights that a watch would fetch first."""
    from longtake.models.inventory import entry
    from longtake.models.profiles import FURTHER, WATCHING

    models = session.open().models
    names = [*models.missing(WATCHING), *models.absent((*WATCHING, *FURTHER))]
    return [(name, entry(models.store, name).bytes) for name in names]


def estimate_text(found: Mapping[str, Any]) -> str:
    """Write the estimate as a small table."""
    rows = [
        (row["path"], clock(row["video_seconds"]), f"about {clock(row['seconds'])}", megabytes(row))
        for row in found["videos"]
    ]
    lines = [table(rows, right=(1, 2, 3)), ""]
    lines.append(f"passes: {', '.join(found['passes'])}")
    lines.append(f"in all: about {clock(found['seconds'])} of work, {megabytes(found)} on disk")
    lines += [_asked(plan) for plan in found["later"]]
    if found["download_bytes"]:
        lines.append(f"first fetches {found['download_bytes'] / 1e6:.0f} MB of models")
    lines.append(f"free on that disk: {found['free_bytes'] / 1e9:.1f} GB")
    return "\n".join(line if "\n" in line else clean(line) for line in lines)


def megabytes(row: Mapping[str, Any]) -> str:
    """The row's bytes in MB, never as 0."""
    return f"{max(row['bytes'] / 1e6, 0.1):.1f} MB"


def _asked(plan: Mapping[str, Any]) -> str:
    """One later pass in a line: calls, tokens, and the cost where it is known."""
    seen = f" with {plan['images']} pictures" if plan["images"] else ""
    cost = f", cost about {plan['cost']:.2f}" if plan["cost"] else ""
    if plan["cost"] is None:
        cost = ", cost unknown (set api_price_read and api_price_written)"
    return (
        f"{plan['name']} by {plan['model']}: about {plan['calls']} calls{seen}, "
        f"{plan['tokens_read'] / 1000:.0f} k tokens read, "
        f"{plan['tokens_written'] / 1000:.0f} k written{cost}"
    )
