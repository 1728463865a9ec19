"""`longtake kv`: the key–value memory of videos: status, build, drop, verify, calibrate."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import click

from longtake.cli.output import clean, emit, table, talk
from longtake.cli.progress import MODES, reporter
from longtake.cli.session import common, complete_video, current
from longtake.cli.stopping import stoppable
from longtake.cli.subgroup import subgroup
from longtake.cli.times import clock
from longtake.errors import Interrupted, KVDamaged, NoSuchVideo

_VIDEO = click.argument("video", required=False, shell_complete=complete_video)
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@subgroup("kv")
def kv_command() -> None:
    """Build, check or drop key–value memories of videos.

    A key–value memory is what a model made of a video's text while it read it.

    They are optional: with one, `ask` finds moments that are told in other words than the
    question's. Answers rest on records all the same.
    """


@kv_command.command("status")
@_VIDEO
@common()
def status_command(video: str | None) -> None:
    """Show the key–value memories of VIDEO, or of all videos."""
    rows = [row for one in _videos(video) for row in _status(one)]
    emit({"memories": rows}, lambda: _table(rows), count=len(rows))


@kv_command.command("build")
@_VIDEO
@click.option("--scheme", type=click.Choice(["k8v4", "k4v4", "ghost"]), help="How to keep blocks.")
@click.option(
    "--bytes-per-hour", "most", type=click.FloatRange(min=0, min_open=True), metavar="N",
    help="The most bytes for an hour of video; chooses the scheme.",
)  # fmt: skip
@click.option("--progress", "mode", type=click.Choice(MODES), default="auto",
              help="How to report progress on stderr.")  # fmt: skip
@common()
def build_command(video: str | None, scheme: str | None, most: float | None, mode: str) -> None:
    """Read the text of VIDEO, or of all videos, as a stream; go on where that was stopped.

    Needs the streamer (93 MB) and minutes of processor time for an hour of video. Ctrl-C keeps
    what was read; the same command goes on.
    """
    session = current()
    rows: list[dict[str, Any]] = []
    for one in _videos(video):
        made = build(one, mode, scheme=scheme, bytes_per_hour=most)
        rows.append({"video": one.id, "name": one.name} | made)
        session.partial = {"memories": rows}
    emit({"memories": rows}, lambda: _built(rows), count=len(rows))


@kv_command.command("drop")
@click.argument("video", shell_complete=complete_video)
@common()
def drop_command(video: str) -> None:
    """Remove the key–value memories of VIDEO; its records stay."""
    library = current().open()
    known = library.video(video)
    freed = library.kv_drop(known)
    data = {"video": known.id, "name": known.name, "freed": freed}
    emit(data, lambda: f"{clean(known.name)}: {size(freed)} freed")


@kv_command.command("verify")
@_VIDEO
@common()
def verify_command(video: str | None) -> None:
    """Hold every file of key–value memories against what was written."""
    library, session = current().open(), current()
    rows = [
        {"video": one.id, "name": one.name} | row
        for one in _videos(video)
        if video is not None or library.kv.has(one)
        for row in library.kv_verify(one)
    ]
    session.partial = {"memories": rows}
    bad = [row for row in rows if not row["ok"]]
    if bad:
        first = bad[0]["faults"][0]["detail"]
        raise KVDamaged(
            f"{len(bad)} of {len(rows)} memories are damaged: {bad[0]['name']}: {first}",
            fix="longtake db check --repair keeps what is good; "
            f"longtake kv drop {bad[0]['video']} and longtake kv build {bad[0]['video']} "
            "make it anew",
        )
    told = f"{len(rows)} checked, all sound" if rows else "there is none to check"
    emit({"memories": rows}, lambda: told, count=len(rows))


@kv_command.command("calibrate")
@common()
def calibrate_command() -> None:
    """Measure which heads of the streamer find facts; a minute or a few.

    Needed for models that come without a profile; memories are built anew afterwards.
    """
    library = current().open()
    talk("measuring the streamer's heads")
    profile, path = library.kv.calibrate()
    data = {
        "model": profile.model, "heads": [list(one) for one in profile.heads],
        "sure": profile.sure, "found": dict(profile.found or {}), "path": str(path),
    }  # fmt: skip
    emit(data, lambda: f"{profile.model}: {len(profile.heads)} heads; kept in {path}")


def build(video: Any, mode: str, **more: Any) -> dict[str, Any]:
    """Build one video's memory with progress; Ctrl-C keeps what was read."""
    session = current()
    library = session.open()
    again = shlex.join(["longtake", *session.argv])
    shown = "none" if session.quiet and mode == "auto" else mode
    every = session.settings().progress.every
    said = "stopping after this line; what was read is kept; Ctrl-C again leaves at once"
    try:
        with reporter(shown, every=every, name=video.name) as report, stoppable(said) as stop:
            return library.kv_build(video, report, stop=stop, **more)
    except Interrupted as stopped:
        raise Interrupted(stopped.message, fix=f"go on with: {again}") from stopped
    except KeyboardInterrupt as stopped:
        raise Interrupted(
            "interrupted; what was noted last is kept", fix=f"go on with: {again}"
        ) from stopped


def size(n: float) -> str:
    """Bytes in few digits.

    >>> size(1234567), size(12)
    ('1.2 MB', '12 B')
    """
    return next((f"{n / unit:.1f} {name}" for unit, name in _UNITS if n >= unit), f"{n:.0f} B")


def _videos(name: str | None) -> list[Any]:
    library = current().open()
    if name is not None:
        return [library.video(name)]
    if not (videos := library.videos()):
        raise NoSuchVideo("the library holds no video yet", fix="longtake ingest VIDEO")
    return list(videos)


def _status(video: Any) -> list[dict[str, Any]]:
    named = {"video": video.id, "name": video.name}
    rows = current().open().kv_status(video)
    return [named | row for row in rows] or [named | {"state": "none"}]


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    told = [("video", "state", "read", "blocks", "tokens", "kept as", "bytes", "by")]
    for row in rows:
        if row["state"] in ("none", "damaged"):
            why = row.get("why") or f"longtake kv build {row['video']}"
            told.append((row["name"], row["state"], "", "", "", "", "", why))
            continue
        ghosts = f" ({row['ghosts']} ghosts)" if row["ghosts"] else ""
        told.append((
            row["name"], row["state"], f"{row['lines']} of {row['of']} lines",
            f"{row['blocks']}{ghosts}", str(row["tokens"]), row["scheme"], size(row["bytes"]),
            row["streamer"],
        ))  # fmt: skip
    return table(told, right=(4, 6))


def _over(row: Mapping[str, Any]) -> str:
    """Tells of a budget that even the smallest way does not keep."""
    return f": {size(row['over'])} for an hour, and no way takes less" if row.get("over") else ""


def _built(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for row in rows:
        what = f"{row['read']} lines read" if row["read"] else "nothing new"
        anew = f", anew because {row['anew']}" if row["anew"] else ""
        lines.append(
            f"{clean(row['name'])}: {what}{clean(anew)}; {row['blocks']} blocks to "
            f"{clock(row['until'])}, {size(row['bytes'])} as {row['scheme']}"
            f"{_over(row)}"
        )
    return "\n".join(lines)
