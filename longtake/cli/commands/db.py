"""`longtake db`: check, repair and back up the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from longtake.cli.output import clean, emit
from longtake.cli.session import common, current
from longtake.cli.subgroup import subgroup
from longtake.errors import Corrupt, NotFound


@subgroup("db")
def db_command() -> None:
    """Check, repair or back up the library."""


@db_command.command("check")
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@common()
def check_command(repair: bool) -> None:
    """Check that the library's files agree with each other."""
    _check(repair)


@db_command.command("repair")
@common()
def repair_command() -> None:
    """Check, and mend what can be mended."""
    _check(True)


@db_command.command("backup")
@click.argument("dest", type=click.Path(path_type=Path))
@common()
def backup_command(dest: Path) -> None:
    """Copy the library to DEST, consistent even while a video is being watched."""
    from longtake.storage.backup import backup

    library = _library()
    made = backup(library, dest) or dest
    emit({"library": str(library), "path": str(made)}, lambda: str(made))


@db_command.command("path")
@common()
def path_command() -> None:
    """Print the library's folder."""
    path = current().settings().library
    emit({"path": str(path), "exists": path.exists()}, lambda: str(path))


def _library() -> Path:
    path = current().settings().library
    if not path.exists():
        raise NotFound(f"there is no library at {path}", fix="longtake ingest VIDEO makes it")
    return path


def _check(repair: bool) -> None:
    from longtake.storage.check import check, notes

    problems = check(_library(), repair=repair)
    lying = [] if problems else notes(_library())
    rows: list[dict[str, Any]] = [
        {"kind": one.kind, "detail": one.detail, "repaired": one.repaired} for one in problems
    ]
    left = [row for row in rows if not row["repaired"]]
    loose = [{"kind": one.kind, "detail": one.detail} for one in lying]
    data = {"problems": rows, "ok": not left, "notes": loose}
    current().partial = data
    if left:
        listed = "; ".join(f"{row['kind']}: {row['detail']}" for row in left[:5])
        fix = "restore a backup" if repair else "longtake db check --repair"
        raise Corrupt(f"{len(left)} problems in the library: {listed}", fix=fix)
    mended = [f"mended {row['kind']}: {clean(row['detail'])}" for row in rows]
    mended += [f"note: {clean(note['detail'])}; db check --repair removes it" for note in loose]
    emit(data, lambda: "\n".join([*mended, "the library is sound"]), count=len(rows))
