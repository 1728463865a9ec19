"""`longtake chat`: one question after another; works from a pipe as well."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from longtake.cli.answers import evidence_lines, refusal_lines, shorten
from longtake.cli.commands.ask import answer, step_line
from longtake.cli.commands.clip import cut
from longtake.cli.last import state_folder
from longtake.cli.output import clean, dim, table, talk, write
from longtake.cli.session import Session, common, complete_video, current
from longtake.cli.threads import Thread, Threads
from longtake.cli.times import TIME
from longtake.errors import LongtakeError, NoSuchMoment, NoSuchVideo, UsageError
from longtake.timecode import Span

HELP = """Ask anything about the video, or:
  /why        how the last answer came about
  /clip N     cut evidence N into a file
  /play N     play evidence N
  /help       this
  /quit       leave (Ctrl-D too)"""


@click.command("chat")
@click.argument("video", required=False, shell_complete=complete_video)
@click.option(
    "--thread", metavar="NAME", help="Go on with this thread, about its video, or begin it."
)
@click.option("--list", "listed", is_flag=True, help="List the threads, the latest last.")
@click.option("--at", type=TIME, metavar="TIME", help="Answer as things were known at this time.")
@common(json=False)
def chat_command(video: str | None, thread: str | None, listed: bool, at: float | None) -> None:
    """Ask one question after another about a video.

    Questions may also come from a pipe, one a line. /why, /clip N, /play N, /help, /quit. Each
    chat is a thread with a name, shown at the start and at the end; --thread NAME goes on.
    """
    session = current()
    threads = Threads(session.settings().library)
    if listed:
        write(_list(threads.all()))
        return
    library = session.open()
    if not library.videos():
        raise NoSuchVideo("the library holds no video yet", fix="longtake ingest VIDEO")
    known = threads.find(thread) if thread else None
    name = video or (known.video if known else None)
    chosen = library.video(name) if name else None
    title = chosen.name if chosen else "the whole library"
    about = Thread(thread or threads.new_name(title), chosen.id if chosen else None, title)
    if known:
        about = replace(about, questions=known.questions, last=known.last)
    if sys.stdin.isatty():
        talk(greeting(about))
    Chat(session, threads, about, at).run()


def greeting(thread: Thread) -> str:
    """What is talked about, in which thread, and what was asked last."""
    lines = [f"{clean(thread.title)}, thread {clean(thread.name)}: ask away; /help, /quit"]
    if thread.questions:
        lines.append(f"  asked before: {thread.questions}; the last: {shorten(thread.last, 100)}")
    return "\n".join(lines)


def _list(threads: Sequence[Thread]) -> str:
    if not threads:
        return "No chat yet.\n  try: longtake chat VIDEO"
    rows = [(one.name, str(one.questions), one.title, shorten(one.last, 60)) for one in threads]
    return table([("thread", "asked", "about", "last question"), *rows], right=(1,))


class Chat:
    """One conversation: the thread, and the last answer for `/why`, `/clip` and `/play`."""

    def __init__(
        self, session: Session, threads: Threads, thread: Thread, at: float | None
    ) -> None:
        self.session = session
        self.threads = threads
        self.thread = thread
        self.at = at
        self.last: Mapping[str, Any] | None = None
        self.commands: Mapping[str, Callable[[str], None]] = {
            "/why": self.why,
            "/clip": self.clip,
            "/play": self.play,
            "/help": lambda _: write(HELP),
        }

    def run(self) -> None:
        """Take lines until `/quit` or the end; a line that fails does not end the chat."""
        try:
            self._talk()
        finally:
            if self.last is not None:
                talk(f"go on with: {self.again()}")

    def again(self) -> str:
        """Return the command that goes on with this thread."""
        flags = [("--library", self.session.library), ("--profile", self.session.profile)]
        given = [part for flag, value in flags if value for part in (flag, str(value))]
        return shlex.join(["longtake", *given, "chat", "--thread", self.thread.name])

    def _talk(self) -> None:
        failed: LongtakeError | None = None
        for line in lines():
            if line in ("/quit", "/exit", "/q"):
                break
            try:
                self.take(line)
            except LongtakeError as error:
                failed = error
                talk(
                    f"error: {clean(error.message)}"
                    + (f"\n  fix: {error.fix}" if error.fix else "")
                )
        if failed is not None and not sys.stdin.isatty():
            raise failed

    def take(self, line: str) -> None:
        """Answer a question or obey a command.

        Raises:
            UsageError: there is no such command.
        """
        if not line.startswith("/"):
            about = self.thread
            self.last = answer(line, about.video, at=self.at, thread=about.name, trace=False)
            self.thread = about.asked(line)
            self.threads.keep(self.thread)
            write("")
            return
        name, _, rest = line.partition(" ")
        command = self.commands.get(name)
        if command is None:
            raise UsageError(f"there is no command {name}", fix="/help lists them")
        command(rest.strip())

    def why(self, _: str) -> None:
        """Show the steps, the evidence and what was searched."""
        data = self._last()
        names = {video.id: video.name for video in self.session.open().videos()}
        steps = [f"  {number}. {step_line(step)}" for number, step in enumerate(data["trace"], 1)]
        shown = ["steps:", *steps] if steps else []
        shown += ["evidence:", *evidence_lines(data["evidence"], names)]
        write("\n".join([*shown, *refusal_lines({**data, "status": ""})]))

    def clip(self, rest: str) -> None:
        """Cut a piece of evidence into the current folder."""
        video, span = self._evidence(rest)
        known = self.session.open().video(video)
        write(str(cut(self.session, known, span, None, exact=False, force=True)))

    def play(self, rest: str) -> None:
        """Play a piece of evidence, or say where it is when there is no player."""
        video, span = self._evidence(rest)
        library = self.session.open()
        source = library.source_of(library.video(video))
        command = player(source, span)
        if command is None or not sys.stdout.isatty():
            write(f"{source}#t={span.start:.3f},{span.end:.3f}")
            return
        talk(dim(" ".join(command)))
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)

    def _last(self) -> Mapping[str, Any]:
        if self.last is None:
            raise NoSuchMoment("nothing was asked yet", fix="ask a question first")
        return self.last

    def _evidence(self, text: str) -> tuple[str, Span]:
        pieces = self._last()["evidence"]
        if not text.isdigit() or not 1 <= int(text) <= len(pieces):
            raise NoSuchMoment(
                f"the last answer has {len(pieces)} pieces of evidence, not {text!r}"
            )
        piece = pieces[int(text) - 1]
        return piece["video"], Span(piece["start"], piece["end"])


def lines() -> Iterator[str]:
    """Yield what the person types, with history on a terminal; empty lines are left out."""
    if not sys.stdin.isatty():
        yield from (line.strip() for line in sys.stdin if line.strip())
        return
    history = _history()
    try:
        while True:
            try:
                line = input("? ").strip()
            except EOFError:
                write("")
                return
            if line:
                yield line
    finally:
        if history is not None:
            _keep_history(history)


def _history() -> Path | None:
    """Load the history of earlier chats; a Python without readline has none."""
    try:
        import readline
    except ImportError:
        return None
    path = state_folder() / "chat-history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            readline.read_history_file(path)
    except OSError:
        return None
    readline.set_history_length(1000)
    return path


def _keep_history(path: Path) -> None:
    import readline

    try:
        readline.write_history_file(path)
        path.chmod(0o600)
    except OSError as error:
        talk(f"the history was not kept: {error.strerror}", level=1)


def player(source: Path, span: Span) -> list[str] | None:
    """Return the command that plays a span with the first player found."""
    start, length = f"{span.start:.3f}", f"{max(span.duration, 1.0):.3f}"
    name = source.absolute().as_posix()
    known = {
        "mpv": [f"--start={start}", f"--length={length}", "--", name],
        "ffplay": ["-autoexit", "-loglevel", "error", "-ss", start, "-t", length, "-i", name],
        "vlc": [f"--start-time={start}", f"--stop-time={span.end:.3f}", "--play-and-exit", name],
    }
    return next(([path, *rest] for one, rest in known.items() if (path := shutil.which(one))), None)
