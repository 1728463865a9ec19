"""`longtake watch`: be told when something comes in a stream, once and on time."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import click

from longtake.cli.answers import answer_text
from longtake.cli.output import clean, dim, emit, style, talk, warn, write
from longtake.cli.session import Session, common, current
from longtake.cli.stopping import stoppable
from longtake.cli.times import TIME
from longtake.errors import BackendError, UsageError
from longtake.timecode import format_time

if TYPE_CHECKING:
    from longtake.agent.standing.actions import Outlet
    from longtake.agent.standing.watcher import Alert
    from longtake.agent.standing.watching import Options


CHANNELS = ("spoken", "screen", "seen", "sound", "black", "freeze", "cut")


@click.command("watch")
@click.argument("source", metavar="SOURCE")
@click.option("--tell-me", "tell_me", multiple=True, metavar="WORDS",
              help="What to be told of; may be given several times.")  # fmt: skip
@click.option("--ask", "question", metavar="QUESTION",
              help="Instead: answer this about a video, and again when the answer changes.")  # fmt: skip
@click.option(
    "--not", "nots", multiple=True, metavar="WORDS", help="An example of what is not meant."
)
@click.option("--from", "begin", type=click.Choice(["now", "start"]),
              help="Default: now for what is still being made, else the start.")  # fmt: skip
@click.option("--within", multiple=True, type=click.Choice(CHANNELS),
              help="Where it may show; default: as the words tell.")  # fmt: skip
@click.option("--cooldown", type=click.FloatRange(min=0), default=15.0, metavar="SECONDS",
              help="Say nothing more for so long after an alert; default 15.")  # fmt: skip
@click.option("--k", type=click.IntRange(1, 100), metavar="K", help="So many …")
@click.option("--of", type=click.IntRange(1, 100), metavar="N",
              help="… of the last N decisions (two a second) must agree.")  # fmt: skip
@click.option("--exec", "command", metavar="COMMAND",
              help="Run this for each alert; its JSON is on standard input.")  # fmt: skip
@click.option("--webhook", metavar="URL", help="POST each alert's JSON to this address.")
@click.option("--allow-remote", is_flag=True, help="Allow a webhook on another machine.")
@click.option(
    "--for", "duration", type=TIME, metavar="TIME", help="End after so much of the stream."
)
@click.option("--once", is_flag=True, help="End after the first alert.")
@click.option("--idle", type=click.FloatRange(min=0, min_open=True), default=30.0, metavar="SECONDS",
              help="The stream has ended when nothing came for so long; default 30.")  # fmt: skip
@common()
def watch_command(
    source: str, tell_me: tuple[str, ...], question: str | None, nots: tuple[str, ...],
    begin: str | None, within: tuple[str, ...], cooldown: float, k: int | None, of: int | None,
    command: str | None, webhook: str | None, allow_remote: bool, duration: float | None,
    once: bool, idle: float,
) -> int:  # fmt: skip
    """Be told when something comes in a stream.

    SOURCE is a file (replayed from its start), a file that is being written, a folder of segments,
    an address, or a video that is being followed. An address is recorded into the library, or
    joined where it is recorded already. "Quoted words" must come as they are written; of other
    words all that carry meaning must come. Each event is told once: a line for people, with --json
    one line of JSON for each alert and the envelope at the end. Ctrl-C ends the watch.

    With --ask, SOURCE is a video of the library that is being followed: the question is answered,
    and asked again when what its answer rests on may have changed; another answer is printed.
    """
    from longtake.agent.standing.watching import Options

    session = current()
    if question is not None:
        if tell_me:
            raise UsageError("--ask and --tell-me are two kinds of watch", fix="run one of each")
        return _keep_posted(session, source, question, duration)
    options = Options(nots, within, cooldown, k, of, cast(Any, begin), idle, duration)
    with ExitStack() as stack:
        outlets = _outlets(stack, command, webhook, remote=allow_remote)
        summary = _watch(stack, session, (source, tell_me, options), outlets, once=once)
    summary["outlets"] = [_outcome(name, one) for name, one in outlets.items()]
    return _end(summary)


def _watch(
    stack: ExitStack, session: Session, asked: tuple[str, Sequence[str], Options],
    outlets: Mapping[str, Outlet], *, once: bool,
) -> dict[str, Any]:  # fmt: skip
    """Watch to the end, and say what was watched."""
    watch = stack.enter_context(_opened(session, *asked))
    stopped = stack.enter_context(stoppable("stopping; Ctrl-C again leaves", then=watch.halt))
    for text in watch.watcher.warnings:
        warn(text)
    talk(dim(f"watching {clean(watch.stream.name)} from {format_time(watch.stream.start)}"))
    for alert in watch:
        _tell(session, alert, outlets)
        if once or stopped():
            break
    watch.halt()
    summary: dict[str, Any] = watch.summary()
    return summary | {"interrupted": stopped()}


def _keep_posted(session: Session, video: str, question: str, duration: float | None) -> int:
    """Answer a question, and again when the answer changes."""
    from longtake.agent.standing.posted import Posted, keep_posted

    library = session.open()
    names = {one.id: one.name for one in library.videos()}
    posted, halt = Posted(library, question, library.video(video).id), threading.Event()
    told = 0
    with stoppable("stopping; Ctrl-C again leaves", then=halt.set) as stopped:
        for answer in keep_posted(posted, halt, duration=duration):
            told += 1
            data = answer.to_dict()
            if session.json:
                write(json.dumps({"answer": data}, ensure_ascii=False))
            else:
                write(answer_text(data, names, seconds=0.0))
    done = {"asked": posted.asked, "looks": posted.looks, "answers": told}
    emit(done, lambda: None, count=told)
    talk(dim(f"looked {posted.looks} times, asked {posted.asked} times, {told} answers"))
    return 130 if stopped() else 0


def _opened(session: Session, source: str, tell_me: Sequence[str], options: Options) -> Any:
    if not tell_me:
        raise UsageError("there is nothing to tell", fix='--tell-me "the exam is announced"')
    return session.open().watching(source, tell_me, options)


def _outlets(
    stack: ExitStack, command: str | None, webhook: str | None, *, remote: bool
) -> dict[str, Outlet]:
    from longtake.agent.standing import actions

    made: dict[str, Outlet] = {}
    if command is not None:
        made["exec"] = actions.command(command)
        stack.callback(made["exec"].close)
    if webhook is not None:
        made["webhook"] = actions.webhook(webhook, remote=remote)
        stack.callback(made["webhook"].close)
    return made


def _tell(session: Session, alert: Alert, outlets: Mapping[str, Outlet]) -> None:
    data = alert.to_dict()
    if session.json:
        write(json.dumps({"alert": data}, ensure_ascii=False))
    else:
        write(line(alert))
    for one in outlets.values():
        one.put(data)


_HOW = {"spoken": "said", "screen": "on screen", "seen": "seen"}


def line(alert: Alert) -> str:
    """One alert for people."""
    how = _HOW.get(alert.channel, alert.channel)
    quote = f" “{clean(alert.quote)}”" if alert.channel in ("spoken", "screen") else (
        f" {clean(alert.quote)}" if alert.channel == "seen" else "")  # fmt: skip
    return (
        f"{format_time(alert.onset)} ({alert.delay:.1f} s later) "
        f"{style(clean(alert.query), bold=True)}: {how}{quote}, p {alert.p:.2f}"
    )


def _outcome(name: str, one: Outlet) -> dict[str, Any]:
    return {"name": name, "done": one.done, "lost": one.lost, "failed": one.failures}


def _end(summary: dict[str, Any]) -> int:
    """Print what was watched; return the exit code, which a failed outlet decides, too."""
    for one in summary["outlets"]:
        if one["failed"]:
            warn(f"{one['name']}: {len(one['failed'])} alerts were not taken ({one['failed'][-1]})")
        if one["lost"]:
            warn(f"{one['name']}: {one['lost']} alerts waited too long and were let go")
    emit(summary, lambda: None, count=summary["alerts"])
    told = f"{summary['alerts']} alert{'' if summary['alerts'] == 1 else 's'}"
    span = f"{format_time(summary['from'])} to {format_time(summary['to'])}"
    skipped = summary["skipped_seconds"]
    more = f"; {skipped:g} s were skipped, the machine was too slow" if skipped else ""
    talk(dim(f"watched {span}: {told}{more}"))
    failed = [one["name"] for one in summary["outlets"] if one["failed"] and not one["done"]]
    if failed:
        raise BackendError(f"no alert reached: {', '.join(failed)}", fix="try it by hand")
    return 130 if summary["interrupted"] else 0
