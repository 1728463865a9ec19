"""`longtake chat`: one question after another; works from a pipe as well."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longtake.agent.turns import Kept, Turns
from longtake.cli.answers import shorten
from longtake.cli.commands.ask import answer
from longtake.cli.commands.clip import cut
from longtake.cli.output import clean, dim, table, talk, write
from longtake.cli.session import Session, common, complete_video, current
from longtake.cli.threads import Thread, Threads
from longtake.cli.times import TIME
from longtake.cli.walk import cost_table, tree, why_lines
from longtake.errors import LongtakeError, NoSuchMoment, NoSuchVideo, UsageError
from longtake.storage.state import state_folder
from longtake.timecode import Span

if TYPE_CHECKING:
    from longtake.library import Library
    from longtake.storage.records import Video

HELP = """Ask anything about the video, or:
  /why [N]    how the last answer, or that of question N, came about
  /cost       what the answers of this thread cost
  /trace on   show the walk to each answer; /trace off
  /threads    list the threads
  /clip N     cut evidence N into a file
  /play N     play evidence N
  /help       this
  /quit       leave (Ctrl-D too)"""


_POLITE = re.compile(
    r"(?:ok(?:ay)?[, ]+)?(?:thanks?|thank you|thx|cheers)(?: (?:a lot|very much|so much|you))?|"
    r"ok(?:ay)?|great|good|fine|cool|nice|perfect|hello|hi|hey|i see|got it|yes|no",
    re.IGNORECASE,
)
_PARTING = re.compile(r"(?:good ?)?bye|see you|that(?:'s| is| was) all", re.IGNORECASE)
_SURE = re.compile(
    r"(?:and )?(?:are you (?:really |quite )?(?:sure|certain)(?: (?:about|of) (?:that|it|this))?|"
    r"how (?:sure|certain) are you(?: (?:about|of) (?:that|it|this))?|how do you know(?: that)?|"
    r"is (?:that|this) (?:true|right|correct)|really)",
    re.IGNORECASE,
)


def courtesy(line: str) -> str | None:
    """What a line is that asks nothing of the video: "polite", "parting" or "sure"; else None.

    >>> courtesy("Thanks!"), courtesy("are you sure?"), courtesy("What is sure to come?")
    ('polite', 'sure', None)
    """
    bare = line.strip().strip("?!. ")
    for kind, pattern in (("polite", _POLITE), ("parting", _PARTING), ("sure", _SURE)):
        if pattern.fullmatch(bare):
            return kind
    return None


def how_sure(data: Mapping[str, Any]) -> str:
    """How sure an answer is, and what it rests on."""
    proofs = [
        f"  [{n}] {shorten(one['quote'], 90)}" for n, one in enumerate(data["evidence"][:3], 1)
    ]
    lead = f"{data['status']}, right with a probability of {data['confidence']:.2f}"
    rests = "; it rests on:" if proofs else "; it rests on no evidence."
    return "\n".join([lead + rests, *proofs, "  /why shows how it came about"])


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

    Questions may also come from a pipe, one a line. /why [N], /cost, /trace on, /threads, /clip N,
    /play N, /help, /quit. Each chat is a thread with a name, shown at the start and at the end;
    --thread NAME goes on. Ctrl-C while an answer is worked out gives the best one so far.
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
    chosen = _about(library, name, known if not video else None)
    title = chosen.name if chosen else "the whole library"
    about = Thread(thread or threads.new_name(title), chosen.id if chosen else None, title)
    if known:
        about = replace(about, questions=known.questions, last=known.last)
    if sys.stdin.isatty():
        talk(greeting(about))
    Chat(session, threads, about, at).run()


def _about(library: Library, name: str | None, thread: Thread | None) -> Video | None:
    """The video to talk about; that of a thread may be gone meanwhile.

    Raises:
        NoSuchVideo: there is none of this name any more.
    """
    try:
        return library.video(name) if name else None
    except NoSuchVideo as error:
        if thread is None:
            raise
        raise NoSuchVideo(
            f"{clean(thread.title)}, which thread {clean(thread.name)} is about, is no longer in the library",
            fix=f"longtake chat VIDEO --thread {clean(thread.name)} goes on about another one",
        ) from error


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
        self.said: list[tuple[str, Mapping[str, Any]]] = []
        self.tracing = False
        self.lines: Iterator[str] = iter(())
        self.commands: Mapping[str, Callable[[str], None]] = {
            "/why": self.why,
            "/cost": self.cost,
            "/trace": self.trace,
            "/threads": lambda _: write(_list(self.threads.all())),
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
        self.lines = lines()
        for line in self.lines:
            if line in ("/quit", "/exit", "/q") or courtesy(line) == "parting":
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
        said = courtesy(line)
        if said == "sure" and self.last is not None:
            write(clean(how_sure(self.last)) + "\n")
            return
        if said == "polite":
            talk("ask on; /help, /quit")
            return
        if not line.startswith("/"):
            about = self.thread
            self.last = answer(line, about.video, at=self.at, thread=about.name, on_ask=self.asked)
            self.said.append((line, self.last))
            self.thread = about.asked(line)
            self.threads.keep(self.thread)
            for step in tree(self.last["trace"]) if self.tracing else []:
                talk(dim(step))
            write("")
            return
        name, _, rest = line.partition(" ")
        command = self.commands.get(name)
        if command is None:
            raise UsageError(f"there is no command {name}", fix="/help lists them")
        command(rest.strip())

    def asked(self, ask: Mapping[str, Any]) -> int | str | None:
        """Ask back which of several things is meant; the next line is the reply.

        A number chooses, words are taken as they are, nothing leaves the likelier one.
        """
        choices = ask["choices"]
        talk(clean(str(ask["text"])))
        for number, one in enumerate(choices, 1):
            talk(f"  {number}. {clean(str(one['label']))}")
        reply = next(self.lines, "").strip()
        if reply.isdigit():
            n = int(reply) - 1
            return n if 0 <= n < len(choices) else None
        return reply or None

    def why(self, rest: str) -> None:
        """Show how an answer came about: the last one's, or that of question N.

        Raises:
            NoSuchMoment: there was no such question.
        """
        names = {video.id: video.name for video in self.session.open().videos()}
        question, data = self._turn(rest)
        write("\n".join(why_lines(question, data, names)))

    def cost(self, _: str) -> None:
        """Show what each answer of the thread cost."""
        rows = [(one.turn, one.question, one.answer["cost"]) for one in self._kept()]
        rows = rows or [(n, q, data["cost"]) for n, (q, data) in enumerate(self.said, 1)]
        if not rows:
            self._last()
        write(cost_table(rows))

    def trace(self, rest: str) -> None:
        """Show the walk to each answer from now on, or no more.

        Raises:
            UsageError: neither on nor off.
        """
        if rest not in ("on", "off", ""):
            raise UsageError(f"/trace takes on or off, not {rest!r}", fix="/trace on")
        self.tracing = rest == "on" or (rest == "" and not self.tracing)
        talk(f"the walk is {'shown' if self.tracing else 'not shown'} from now on")

    def _kept(self) -> list[Kept]:
        return Turns(self.session.open().path).of(self.thread.name)

    def _turn(self, number: str) -> tuple[str, Mapping[str, Any]]:
        """A turn of the thread by its number, from what is kept; the last without one."""
        if not number:
            return (self.said[-1][0] if self.said else ""), self._last()
        kept = [(one.question, one.answer) for one in self._kept()] or self.said
        if not number.isdigit() or not 1 <= int(number) <= len(kept):
            raise NoSuchMoment(
                f"this thread has {len(kept)} answers, not {number!r}", fix="/why explains the last"
            )
        return kept[int(number) - 1]

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
        if source.is_dir():
            source, span = _within(source, span)
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


def _within(folder: Path, span: Span) -> tuple[Path, Span]:
    """The segment in which a span begins, and the span by that file's own time."""
    from longtake.perception.segment_list import check_kept, parts

    check_kept(folder, folder.name, span.start, span.end)
    found = next(part for part in reversed(parts(folder)) if part.start <= span.start)
    return found.path, Span(span.start - found.start, span.end - found.start)


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
