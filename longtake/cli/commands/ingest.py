"""`longtake ingest`: watch files, folders and patterns; go on where an earlier run stopped."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from longtake.cli.estimate import estimate, estimate_text
from longtake.cli.output import clean, dim, emit, talk, warn, write
from longtake.cli.progress import MODES, reporter
from longtake.cli.session import Session, common, current
from longtake.cli.sources import find_sources
from longtake.cli.times import TIME, check_order, clock
from longtake.errors import Interrupted, LongtakeError, MediaError, PartlyDone, UsageError
from longtake.perception.hushed import hushed
from longtake.perception.later import NAMES


@click.command("ingest")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--from", "start", type=TIME, metavar="TIME", help="Watch from this time on.")
@click.option("--to", "until", type=TIME, metavar="TIME", help="Watch up to this time.")
@click.option(
    "--quick/--no-quick", default=None, help="Only (or without) the quick pass over keyframes."
)
@click.option("--deep/--no-deep", default=None, help="Only (or without) the deep pass.")
@click.option(
    "--redo", metavar="NAMES",
    help=f"Make these anew, with the profile's models: {', '.join(NAMES)}.",
)  # fmt: skip
@click.option(
    "--kv/--no-kv", default=None, help="Also build the key–value memory; default: kv.build, off."
)
@click.option(
    "--kv-bytes-per-hour", "kv_bytes", type=click.FloatRange(min=0, min_open=True), metavar="N",
    help="The most bytes of it for an hour of video; chooses how it is kept.",
)  # fmt: skip
@click.option(
    "--follow",
    is_flag=True,
    help="Read what is still being written, as it grows; askable meanwhile.",
)
@click.option(
    "--idle", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="With --follow: it has ended when nothing came for so long; default 30.",
)  # fmt: skip
@click.option("--estimate", "only_estimate", is_flag=True, help="Print time and disk, and stop.")
@click.option(
    "--progress",
    "mode",
    type=click.Choice(MODES),
    default="auto",
    help="How to report progress on stderr; auto is bars on a terminal, lines elsewhere.",
)
@common()
def ingest_command(
    sources: tuple[str, ...],
    start: float | None,
    until: float | None,
    quick: bool | None,
    deep: bool | None,
    redo: str | None,
    kv: bool | None,
    kv_bytes: float | None,
    follow: bool,
    idle: float | None,
    only_estimate: bool,
    mode: str,
) -> None:
    """Watch videos: speech, screen text, sight. Resumable.

    SOURCE is a file, a folder or a pattern. A quick pass over the keyframes makes a video
    askable early; the deep pass reads everything; then come the passes of the bigger models that
    the profile has, such as captions (naming --quick or --deep leaves them out). Ctrl-C keeps
    what is done; the same command goes on from there.

    With --follow, SOURCE is still being made: a file that is written (MPEG-TS, Matroska, fragmented
    MP4), a folder to which numbered segments are added, an address (http, https, rtsp, rtsps, udp,
    tcp), a camera (camera:0) or - for standard input. What cannot be read twice is recorded into the
    library first, within live.keep_bytes. It is read as it comes, and has ended when nothing came for
    --idle seconds. Killed, the same command finds the recording again; Ctrl-C ends that, too. When it
    comes faster than it can be read, sight is left out for a while, never speech.
    """
    session = current()
    check_order(start, until)
    passes = which_passes(quick, deep)
    later = not quick and deep is None
    anew = _redone(session, redo)
    live = _followed(sources, follow, idle, only_estimate)
    found_files, lost = ([], []) if live else find_sources(sources)
    if only_estimate:
        if lost:
            raise lost[0][1]
        found = estimate(session, found_files, start=start, until=until, passes=passes)
        emit(found, lambda: estimate_text(found), count=len(found_files))
        return
    files: Sequence[Path | str] = sources if live else found_files
    watched, failed = [], [(name, error) for name, error in lost]
    for number, path in enumerate(files, 1):
        if len(files) > 1:
            talk(f"{number} of {len(files)}: {clean(str(path))}")
        try:
            one = watch(session, path, mode, start=start, until=until, passes=passes,
                        later=later, redo=anew, follow=live)  # fmt: skip
            if left := one.get("unfinished"):
                failed.append((str(path), PartlyDone(left["message"], fix=left["fix"])))
            if session.settings().kv.build if kv is None else kv:
                one |= {"kv": _kv(session, one["video"], mode, kv_bytes)}
            watched.append(one)
        except (MediaError, UsageError) as error:
            failed.append((str(path), error))
            if len(files) > 1:
                talk(f"{clean(str(path))}: {clean(error.message)}")
        finally:
            session.partial = _data(watched, failed)
    if failed:
        if watched and not session.json:
            write(_text(watched))
        raise _summary(watched, failed)
    emit(_data(watched, failed), lambda: _text(watched), count=len(watched))


def _followed(
    sources: Sequence[str], follow: bool, idle: float | None, estimating: bool
) -> float | None:
    """Read --follow and --idle: the seconds to wait for more, or None to watch what is there."""
    from longtake.perception.sources import IDLE

    if not follow:
        if idle is not None:
            raise UsageError("--idle goes with --follow", fix="add --follow")
        return None
    if estimating:
        raise UsageError("how long a stream lasts is not known", fix="leave out --estimate")
    if len(sources) > 1:
        raise UsageError("--follow follows one source", fix="start one longtake for each library")
    return idle or IDLE


def _redone(session: Session, names: str | None) -> tuple[str, ...]:
    """Read the list of passes to be made anew, and check that there are models for them."""
    from longtake.later import check_names, need

    if names is None:
        return ()
    found = check_names([name.strip() for name in names.split(",") if name.strip()])
    if not found:
        raise UsageError("--redo names no pass", fix=f"one or more of: {', '.join(NAMES)}")
    need(session.open().models, found)
    return found


def _kv(session: Session, video: str, mode: str, most: float | None) -> dict[str, Any]:
    """Read what was just remembered as a stream."""
    from longtake.cli.commands.kv import build

    return build(session.open().video(video), mode, bytes_per_hour=most)


def which_passes(quick: bool | None, deep: bool | None) -> tuple[bool, bool]:
    """Read the flags: naming one pass means that one alone, `--no-` leaves one out.

    >>> which_passes(None, None), which_passes(True, None), which_passes(None, False)
    ((True, True), (True, False), (True, False))
    """
    both = (quick if quick is not None else not deep, deep if deep is not None else not quick)
    if both == (False, False):
        raise UsageError("neither the quick nor the deep pass is left", fix="leave out one --no-")
    return both


def watch(
    session: Session,
    path: Path | str,
    mode: str,
    *,
    start: float | None = None,
    until: float | None = None,
    passes: tuple[bool, bool] = (True, True),
    later: bool = True,
    redo: tuple[str, ...] = (),
    follow: float | None = None,
) -> dict[str, Any]:
    """Watch one file with progress; return what the library then knows of it.

    ``unfinished`` is there when later passes failed: why, and how to make them.
    """
    library = session.open()
    again = shlex.join(["longtake", *session.argv])
    every = session.settings().progress.every
    shown = "none" if session.quiet and mode == "auto" else mode
    more: dict[str, Any] = {} if later else {"later": False}
    more |= {"redo": redo} if redo else {}
    more |= {"follow": follow} if follow else {}
    more |= {"kv": False} if session.settings().kv.build else {}  # built apart, afterwards
    left: PartlyDone | None = None
    name = Path(hushed(str(path))).name
    try:
        with reporter(shown, every=every, name=name) as report:

            def tell(event: dict[str, Any]) -> None:
                for text in event.get("warnings", ()):
                    warn(f"{clean(name)}: {clean(text)}")
                report(event)

            video = library.ingest(
                path, on_progress=tell, start=start, until=until, quick=passes[0], deep=passes[1],
                **more,
            )  # fmt: skip
    except PartlyDone as error:
        video, left = library.video(str(path)), error
    except Interrupted as stop:
        raise Interrupted(stop.message, fix=f"go on with: {again}") from stop
    except KeyboardInterrupt as stop:
        raise Interrupted(
            "interrupted; what was done is kept", fix=f"go on with: {again}"
        ) from stop
    library.close()  # What was open before does not see what was written since.
    known = {"name": video.name, "path": video.path} | session.reader().status(video.id)
    if left is not None:
        known["unfinished"] = {"code": left.code, "message": left.message, "fix": left.fix}
    return known


def _data(watched: list[dict[str, Any]], failed: list[tuple[str, LongtakeError]]) -> Any:
    lost = [
        {"source": name, "code": error.code, "message": error.message, "fix": error.fix}
        for name, error in failed
    ]
    return {"videos": watched, "failed": lost}


def _summary(watched: list[Any], failed: list[tuple[str, LongtakeError]]) -> LongtakeError:
    """The error of the whole run: the one error there was, or a list of them."""
    first = failed[0][1]
    lost = [(name, error) for name, error in failed if not isinstance(error, PartlyDone)]
    if len(failed) == 1 and (not watched or not lost):
        return first
    said = [error.message for _, error in failed if isinstance(error, PartlyDone)]
    if lost:
        listed = "; ".join(f"{name}: {error.message}" for name, error in lost)
        said.insert(0, f"{len(lost)} of {len(watched) + len(lost)} not watched: {listed}")
    message = "; ".join(said)
    if watched:
        return PartlyDone(message, fix=first.fix)
    return type(first)(message, fix=first.fix)


def _text(watched: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for video in watched:
        lines.append(f"{clean(video['name'])}  {video['video']}  {clock(video['duration'])}")
        lines.append(dim(f'  {coverage(video)}; ask: longtake ask {video["video"]} "…"'))
    return "\n".join(lines)


_WATCHING = ("quick", "deep")


def coverage(status: Mapping[str, Any]) -> str:
    """Say how far each pass has come, in a few words."""
    parts = []
    for name, done in status["passes"].items():
        if done["finished"]:
            parts.append(f"{name} pass done" if name in _WATCHING else f"{name} done")
        elif done["done"]:
            said = f"{name} pass" if name in _WATCHING else name
            parts.append(f"{said} {100 * done['share']:.0f} %, to {clock(done['done'])}")
    return ", ".join(parts) or "nothing watched yet"
