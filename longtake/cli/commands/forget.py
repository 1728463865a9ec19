"""`longtake forget`: give up detail of a video, pictures first, text last."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from longtake.cli.output import clean, emit
from longtake.cli.session import common, complete_video, current
from longtake.cli.times import TIME
from longtake.errors import UsageError


@click.command("forget")
@click.argument("video", shell_complete=complete_video)
@click.option("--before", type=TIME, metavar="TIME", help="Only what ended before this time.")
@click.option("--keep-text", is_flag=True, help="Give up pictures and fine vectors alone.")
@click.option(
    "--to-bytes", "budget", type=click.IntRange(min=0), metavar="N",
    help="Instead, oldest first until no more than N bytes are kept.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Tell what would go, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@common()
def forget_command(
    video: str, before: float | None, keep_text: bool, budget: int | None, dry_run: bool, yes: bool
) -> None:
    """Give up detail of a video: pictures first, text last.

    All of it, or what ended before a time; then vectors of frames and clips go, then records, words
    last. The file stays; the recording of a stream goes first. A key–value memory is dropped by `kv drop`, and the video as a whole by
    `videos rm`.
    """
    library = current().open()
    known = library.video(video)
    if not (yes or dry_run):
        if not sys.stdin.isatty():
            raise UsageError(
                f"detail of {known.name} would be lost", fix="say --yes, or --dry-run to see"
            )
        click.confirm(f"Forget detail of {clean(known.name)}?", abort=True, err=True)
    made = library.forget(known, before=before, budget=budget, keep_text=keep_text, dry_run=dry_run)
    row: dict[str, Any] = {"video": known.id, "dry_run": dry_run, **asdict(made)}
    row["bytes"] = {"before": made.before.total, "after": made.after.total}
    emit(row, lambda: _text(row))


def _text(row: dict[str, Any]) -> str:
    verb = "would forget" if row["dry_run"] else "forgot"
    size = row["bytes"]
    raw = f"{row['recording']:,} bytes of the recording, " if row["recording"] else ""
    return (
        f"{verb} {raw}{row['pictures']} pictures, {row['vectors']} vectors and {row['records']} records; "
        f"{size['before']:,} bytes before, {size['after']:,} after"
    )
