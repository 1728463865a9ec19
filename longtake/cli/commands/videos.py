"""`longtake videos`: list, show, relink, forget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from longtake.cli.commands.ingest import coverage
from longtake.cli.output import clean, emit, style, table, talk
from longtake.cli.session import Session, common, complete_video, current
from longtake.cli.sources import find_sources
from longtake.cli.subgroup import subgroup
from longtake.cli.times import clock
from longtake.errors import NoSuchVideo, UsageError


@subgroup("videos", alone="list")
def videos_command() -> None:
    """List, show, relink or forget videos.

    `longtake videos` alone lists them.
    """


@videos_command.command("list")
@common()
def list_command() -> None:
    """List the videos of the library."""
    session = current()
    rows = [video_row(session, video) for video in session.open().videos()]
    emit({"videos": rows}, lambda: _list_text(rows), count=len(rows))


@videos_command.command("show")
@click.argument("video", shell_complete=complete_video)
@common()
def show_command(video: str) -> None:
    """Show one video: its file, its media, what is known."""
    session = current()
    row = video_row(session, session.open().video(video))
    facts = {key: value for key, value in row.items() if key not in ("media", "levels", "covered")}
    facts |= {"duration": clock(row["duration"]), "passes": coverage(row)} | row["media"]
    emit(row, lambda: table((key, str(value)) for key, value in facts.items()))


@videos_command.command("rm")
@click.argument("video", shell_complete=complete_video)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@common()
def rm_command(video: str, yes: bool) -> None:
    """Forget a video and all that was derived from it; its file stays."""
    session = current()
    library = session.open()
    known = library.video(video)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{known.name} would be forgotten", fix="say --yes if you mean it")
        click.confirm(f"Forget {clean(known.name)} ({known.id})?", abort=True, err=True)
    library.remove(known)
    emit({"removed": known.id, "name": known.name}, lambda: f"forgot {clean(known.name)}")


@videos_command.command("relink")
@click.argument("words", nargs=-1, required=True, metavar="VIDEO PATH | PATH...")
@common()
def relink_command(words: tuple[str, ...]) -> None:
    """Say where moved files are now.

    VIDEO PATH names the video and its file. PATH... alone (files or folders) finds by their
    content which videos they are.
    """
    session = current()
    library = session.open()
    if len(words) == 2 and not Path(words[0]).expanduser().exists():
        moved = [library.relink(words[0], Path(words[1]).expanduser())]
    else:
        moved = find_moved(session, words)
    rows = [{"id": video.id, "name": video.name, "path": video.path} for video in moved]
    shown = "\n".join(f"{clean(row['name'])} is at {clean(row['path'])}" for row in rows)
    emit({"videos": rows}, lambda: shown, count=len(rows))


def find_moved(session: Session, words: tuple[str, ...]) -> list[Any]:
    """Relink every video of which one of these files has the content.

    Raises:
        NoSuchVideo: none of the files is a video of the library.
    """
    from longtake.perception.media import fingerprint

    library = session.open()
    known = {video.fingerprint: video for video in library.videos()}
    files, lost = find_sources(words)
    if lost:
        raise lost[0][1]
    moved = []
    for path in files:
        video = known.get(fingerprint(path))
        if video is None:
            talk(f"{clean(str(path))} is no video of this library")
        else:
            moved.append(library.relink(video, path))
    if not moved:
        raise NoSuchVideo("none of these files is a video of this library", fix="longtake ingest")
    return moved


def video_row(session: Session, video: Any) -> dict[str, Any]:
    """One video as JSON: its file, whether that is there, and what is covered."""
    status = session.reader().status(video.id)
    row = {
        "id": video.id,
        "name": video.name,
        "path": video.path,
        "present": Path(video.path).exists(),
        "fingerprint": video.fingerprint,
        "media": dict(video.media),
    }
    return row | {key: value for key, value in status.items() if key not in ("video", "name")}


def _list_text(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "The library holds no video yet.\n  try: longtake ingest VIDEO"
    cells = [
        (
            row["id"],
            clock(row["duration"]),
            _called(row),
            coverage(row) + ("" if row["present"] else "; the file is gone"),
        )
        for row in rows
    ]
    return style(table([("id", "length", "name", "watched"), *cells], right=(1,)))


def _called(row: dict[str, Any]) -> str:
    """A video's name, with the address of one that was recorded."""
    source = row.get("live", {}).get("source")
    return f"{row['name']} ({source})" if source and source != row["name"] else str(row["name"])
