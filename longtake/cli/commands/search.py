"""`longtake search`: moments by words or by a picture, without a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from longtake.cli.answers import searched_lines, shorten
from longtake.cli.output import clean, dim, emit, style, warn
from longtake.cli.session import common, current
from longtake.cli.times import TIME, check_order, clock
from longtake.errors import NoSuchVideo, UsageError

CHANNELS = ("speech", "screen", "sight", "caption")
ALIASES = {"text": "screen", "visual": "sight", "picture": "sight", "summary": "caption"}


@click.command("search")
@click.argument("query", default="")
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Moments that look like this picture; with words, too, or alone.",
)
@click.option("-k", type=click.IntRange(1, 1000), help="How many moments.  [default: 10]")
@click.option(
    "--in",
    "within",
    multiple=True,
    metavar="CHANNELS",
    help=f"Where to look, with commas: {', '.join(CHANNELS)}.",
)
@click.option("--from", "start", type=TIME, metavar="TIME", help="Not before this time.")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Not after this time.")
@click.option("--at", type=TIME, metavar="TIME", help="Only what was known at this time.")
@click.option("--video", multiple=True, metavar="VIDEO", help="Only in this video (repeatable).")
@common()
def search_command(
    query: str,
    image: Path | None,
    k: int | None,
    within: tuple[str, ...],
    start: float | None,
    end: float | None,
    at: float | None,
    video: tuple[str, ...],
) -> None:
    """Find moments; no language model."""
    session = current()
    if not query.strip() and image is None:
        raise UsageError(
            "the query is empty", fix="say what to look for, or name a picture with --image"
        )
    check_order(start, end)
    channels = read_channels(within)
    library = session.open()
    names = {one.id: one.name for one in library.videos()}
    if not names:
        raise NoSuchVideo("the library holds no video yet", fix="longtake ingest VIDEO")
    found = library.search(
        query,
        video=list(video) or None,
        within=channels or None,
        k=k or session.settings().search.k,
        start=start,
        end=end,
        at=at,
        image=image,
    )
    for note in found.notes:
        warn(note)
    data = search_data(found)
    emit(data, lambda: _text(data, names), count=len(data["moments"]))


def read_channels(given: Sequence[str]) -> list[str]:
    """Read `--in speech,screen`.

    Raises:
        UsageError: there is no such channel.
    """
    channels: dict[str, None] = {}
    for name in (one.strip().lower() for text in given for one in text.split(",")):
        channel = ALIASES.get(name, name)
        if channel not in CHANNELS:
            known = ", ".join(CHANNELS)
            raise UsageError(f"there is no channel {name!r} to search in", fix=f"one of: {known}")
        channels.setdefault(channel)
    return list(channels)


def search_data(found: Any) -> dict[str, Any]:
    """Return what was recalled as the JSON of docs/schema/search.json."""
    moments = [
        {
            "video": moment.video,
            "start": round(moment.span.start, 3),
            "end": round(moment.span.end, 3),
            "score": round(float(moment.score), 4),
            "source": moment.source,
            "text": moment.text,
            "level": moment.level,
            "record": moment.record,
        }
        for moment in found.moments
    ]
    searched = [
        {
            "video": one.video,
            "start": round(one.start, 3),
            "end": round(one.end, 3),
            "level": one.level,
        }
        for one in found.searched
    ]
    return {
        "moments": moments,
        "searched": searched,
        "best": round(float(found.best), 4),
        "hint": found.hint,
    }


def _text(data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if not data["moments"]:
        lines = ["Nothing found."]
        lines += [f"  searched: {line}" for line in searched_lines(data["searched"])]
        lines.append(f"  best score: {data['best']:.2f}")
        return "\n".join([*lines, f"  {clean(data['hint'])}"] if data["hint"] else lines)
    several = len(names) > 1
    lines = []
    for number, moment in enumerate(data["moments"], 1):
        name = f"  {clean(names.get(moment['video'], moment['video']))}" if several else ""
        lines.append(
            f"{style(f'{number:>3}', fg='cyan')}  {clock(moment['start'])}–{clock(moment['end'])}"
            f"  {dim(format(moment['score'], '.3f'))}  {moment['source']:<7}{name}"
            f"  {shorten(moment['text'], 120)}"
        )
    return "\n".join(lines)
