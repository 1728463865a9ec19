"""`longtake doctor`: is everything here, and which command mends what is not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longtake.cli.output import clean, emit, style
from longtake.cli.session import Session, common, current
from longtake.errors import LongtakeError, MissingError

if TYPE_CHECKING:
    from longtake.config import Settings


@click.command("doctor")
@common()
def doctor_command() -> None:
    """Check this machine, and say what mends it."""
    from longtake.models.doctor import check

    session = current()
    settings = session.settings()
    rows = [
        {"name": one.name, "ok": one.ok, "detail": one.detail, "fix": one.fix}
        for one in check(settings.models_dir)
    ]
    rows += _profile(settings)
    rows += [_ffmpeg(settings.ffmpeg), _disk(settings.library), _library(session)]
    data = {"checks": rows, "ok": all(row["ok"] for row in rows)}
    session.partial = data
    bad = [row for row in rows if not row["ok"]]
    if bad and session.json:
        raise _missing(bad)
    emit(data, lambda: "\n".join(_line(row) for row in rows), count=len(rows))
    if bad:
        raise _missing(bad)


def _missing(bad: list[dict[str, Any]]) -> LongtakeError:
    return MissingError(
        f"{len(bad)} of the checks failed: {', '.join(row['name'] for row in bad)}",
        fix=next((row["fix"] for row in bad if row["fix"]), None),
    )


def _row(name: str, ok: bool, detail: str, fix: str | None = None) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail, "fix": None if ok else fix}


def _profile(settings: Settings) -> list[dict[str, Any]]:
    """The models that the profile takes from the hub, or from folders."""
    from longtake.cli.commands.models import size
    from longtake.models.inventory import needed
    from longtake.models.profiles import Models
    from longtake.models.store import ModelStore

    try:
        found = needed(Models(settings, ModelStore(settings.models_dir)))
    except LongtakeError as error:
        return [_row("profile", False, error.message, error.fix)]
    return [
        _row(one.name, one.here, f"{one.about}, {size(one)}", f"longtake models pull {one.name}")
        for one in found
        if one.source != "package"
    ]


def _ffmpeg(configured: str | None) -> dict[str, Any]:
    from longtake.perception.cut import find_ffmpeg

    try:
        return _row("ffmpeg", True, str(find_ffmpeg(configured)))
    except LongtakeError as error:
        return _row("ffmpeg", False, error.message, error.fix)


def _disk(library: Path) -> dict[str, Any]:
    folder = library
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free at {folder}"
    return _row("disk", free > 1e9, detail, "make room, or set LONGTAKE_LIBRARY to another disk")


def _library(session: Session) -> dict[str, Any]:
    path = session.settings().library
    if not path.exists():
        return _row("library", True, f"none yet; the first video makes it at {path}")
    try:
        count = len(session.open().videos())
    except LongtakeError as error:
        return _row("library", False, error.message, error.fix or "longtake db check --repair")
    return _row("library", True, f"{count} videos at {path}")


def _line(row: dict[str, Any]) -> str:
    mark = style("ok", fg="green") if row["ok"] else style("no", fg="red", bold=True)
    fix = f"\n      fix: {clean(row['fix'])}" if row["fix"] and not row["ok"] else ""
    return f"{mark}  {clean(row['name'])}: {clean(row['detail'])}{fix}"
