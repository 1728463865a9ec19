"""`longtake summarize`: the sentences that stand for videos, a part, or what bears on a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from longtake.cli.output import clean, emit, style
from longtake.cli.session import common, complete_video, current
from longtake.cli.times import TIME, check_order, clock, window
from longtake.errors import UsageError
from longtake.timecode import Span


@click.command("summarize")
@click.argument(
    "videos", nargs=-1, required=True, metavar="VIDEO...", shell_complete=complete_video
)
@click.option("--about", default="", metavar="TOPIC", help="Only what bears on this.")
@click.option("--from", "start", type=TIME, metavar="TIME", help="Not before this time.")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Not after this time.")
@click.option("--at", type=TIME, metavar="TIME", help="Only what was known at this time.")
@click.option("--sentences", type=click.IntRange(1, 1000), help="At most so many sentences.")
@click.option("--words", type=click.IntRange(1, 100_000), help="At most so many words.")
@click.option("--seconds", type=click.IntRange(1, 36_000), help="As long as this is read aloud.")
@common()
def summarize_command(
    videos: tuple[str, ...],
    about: str,
    start: float | None,
    end: float | None,
    at: float | None,
    sentences: int | None,
    words: int | None,
    seconds: int | None,
) -> None:
    """Sum up videos, a part, or what bears on a topic.

    Every sentence is quoted and has its time. `longtake ask VIDEO "summarise …"` takes the same
    in words, and lets a chat model write where there is one.
    """
    session = current()
    if sum(one is not None for one in (sentences, words, seconds)) > 1:
        raise UsageError("a summary has one length", fix="--sentences, --words or --seconds")
    check_order(start, end)
    library = session.open()
    known = [library.video(one) for one in dict.fromkeys(videos)]
    for one in known if len(known) == 1 else ():
        window(start, end, one)
    span = None
    if start is not None or end is not None:
        longest = max(one.duration for one in known)
        span = Span(start or 0.0, max(end if end is not None else longest, start or 0.0))
    made = library.toolbox.summarize(
        [one.id for one in known],
        span=span,
        about=about,
        sentences=sentences,
        words=words if seconds is None else round(2.5 * seconds),
        as_of=at,
    )
    names = {one.id: one.name for one in known}
    data = {"videos": list(names), "about": about or None, **made.to_json()}
    emit(data, lambda: _text(data, names), count=len(data["sentences"]))


def _text(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    lines: list[str] = []
    over = part = ""
    for one in data["sentences"]:
        name = names[one["video"]]
        if len(names) > 1 and name != over:
            lines += (
                ["", style(clean(name), bold=True)] if lines else [style(clean(name), bold=True)]
            )
            over, part = name, ""
        if one["part"] and one["part"] != part:
            lines.append(style(clean(one["part"]), bold=True))
            part = one["part"]
        lines.append(f"{style(clock(one['start']), fg='cyan')}  {clean(one['text'])}")
    about = f" that bears on “{clean(data['about'])}”" if data["about"] else ""
    return "\n".join(lines) if lines else f"Nothing{about} is known there."
