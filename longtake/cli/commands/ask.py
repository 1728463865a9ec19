"""`longtake ask` and the bare `longtake VIDEO QUESTION`, which watches first if needed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import click

from longtake.cli.answers import answer_markdown, answer_text
from longtake.cli.last import remember
from longtake.cli.output import clean, emit, talk, warn
from longtake.cli.session import Session, common, complete_video, current
from longtake.cli.stopping import stoppable
from longtake.cli.times import TIME
from longtake.cli.walk import tree
from longtake.errors import LongtakeError, NoSuchVideo, UsageError

Form = Literal["text", "json", "md"]
OnAsk = Callable[[dict[str, Any]], "int | str | None"]
"""Asked back with ``{"text", "choices"}``; returns a choice's position, words, or None."""


@click.command("ask")
@click.argument(
    "words", nargs=-1, required=True, metavar="[VIDEO] QUESTION", shell_complete=complete_video
)
@click.option("--all", "everywhere", is_flag=True, help="Ask about every video of the library.")
@click.option("--at", type=TIME, metavar="TIME", help="Answer as things were known at this time.")
@click.option("--thread", metavar="NAME", help="Go on with an earlier answer's thread.")
@click.option("--trace", is_flag=True, help="Show the walk to the answer as a tree.")
@click.option("--no-kv", is_flag=True, help="Answer without key–value memories.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "md"]),
    default="text",
    help="Default text.",
)
@common()
def ask_command(
    words: tuple[str, ...],
    everywhere: bool,
    at: float | None,
    thread: str | None,
    trace: bool,
    no_kv: bool,
    form: Form,
) -> None:
    """Answer a question, with the spans it rests on.

    Without VIDEO the whole library is asked. A QUESTION of `-` is read from standard input.
    """
    video, question = split(words)
    if everywhere and video is not None:
        raise UsageError("both a video and --all are given", fix="leave out one")
    answer(question, video, at=at, thread=thread, trace=trace, form=form, kv=not no_kv)


@click.command("ask")
@click.argument("video", metavar="VIDEO")
@click.argument("question", metavar="QUESTION")
@click.option("--at", type=TIME, metavar="TIME", help="Answer as things were known at this time.")
@click.option("--thread", metavar="NAME", help="Go on with an earlier answer's thread.")
@click.option("--trace", is_flag=True, help="Show the walk to the answer as a tree.")
@click.option("--no-kv", is_flag=True, help="Answer without key–value memories.")
@click.option("--format", "form", type=click.Choice(["text", "json", "md"]), default="text")
@common()
def watch_and_ask_command(
    video: str,
    question: str,
    at: float | None,
    thread: str | None,
    trace: bool,
    no_kv: bool,
    form: Form,
) -> None:
    """Watch a video if that was not done yet, then answer a question about it."""
    from longtake.cli.commands.ingest import watch

    session = current()
    session.json = session.json or form == "json"
    if not question.strip():
        raise UsageError("the question is empty", fix="say what you want to know")
    path = Path(video).expanduser()
    if path.is_file() and not watched(session, path):
        talk(f"watching {clean(path.name)} first; Ctrl-C keeps what is done")
        if left := watch(session, path, "auto").get("unfinished"):
            warn(f"{clean(left['message'])}; {clean(left['fix'] or '')}")
    answer(question, video, at=at, thread=thread, trace=trace, form=form, kv=not no_kv)


def watched(session: Session, path: Path) -> bool:
    """Whether the library has this file's content watched to the end."""
    library = session.open()
    if not library.videos():
        return False
    try:
        known = library.video(str(path))
    except NoSuchVideo:
        return False
    progress = library.store.progress(known.id, "deep")
    return progress is not None and progress.finished


def split(words: tuple[str, ...]) -> tuple[str | None, str]:
    """Tell the video from the question.

    Raises:
        UsageError: more than two words, or no question.
    """
    if len(words) > 2:
        raise UsageError(
            f"there are {len(words)} words where VIDEO and QUESTION are expected",
            fix='put the question in quotes: longtake ask VIDEO "when is the exam?"',
        )
    video, question = (words[0], words[1]) if len(words) == 2 else (None, words[0])
    if question == "-":
        question = sys.stdin.read()
    if not question.strip():
        raise UsageError("the question is empty", fix="say what you want to know")
    return video, question.strip()


def answer(
    question: str,
    video: str | None,
    *,
    at: float | None = None,
    thread: str | None = None,
    trace: bool = False,
    form: Form = "text",
    on_ask: OnAsk | None = None,
    kv: bool = True,
) -> dict[str, Any]:
    """Ask, remember the evidence for `clip N` and `show N`, and print.

    Ctrl-C while it works gives the best answer so far; a second one leaves.
    """
    session = current()
    session.json = session.json or form == "json"
    library = session.open()
    names = {one.id: one.name for one in library.videos()}
    if not names:
        raise NoSuchVideo("the library holds no video yet", fix="longtake ingest VIDEO")
    began = time.perf_counter()
    with stoppable() as stop:
        more: dict[str, Any] = {} if kv else {"kv": False}
        got = library.ask(question, video, thread=thread, at=at, stop=stop, on_ask=on_ask, **more)
    seconds = time.perf_counter() - began
    data: dict[str, Any] = got.to_dict()
    remember(session.settings().library, question, data)
    _tell_failed_model(got.trace, library.chat_trouble)
    for text in dict.fromkeys(t for s in got.trace for t in s.get("trouble") or ()):
        warn(f"answered without the key–value memory: {clean(str(text))}")
    if trace:
        data["trace"] = list(got.trace)
        for line in tree(got.trace):
            talk(line)
    emit(data, lambda: _shown(question, data, names, seconds, form), count=len(data["evidence"]))
    return {**data, "trace": list(got.trace)}


def _tell_failed_model(trace: Iterable[Mapping[str, Any]], trouble: LongtakeError | None) -> None:
    """Warn when a language model was to phrase the answer and failed: the agent did without.

    That is no failure of the command: the answer is found and proved by rules, and a model only
    puts it into other words.
    """
    said = next((str(one["phrase"]) for one in trace if one.get("phrase")), "")
    if "the model failed" in said:
        why, fix = said, "see `longtake config show --origin`"
        if trouble is not None:
            why, fix = trouble.message, trouble.fix or fix
        warn(f"{clean(why)}; the answer is made of quotes alone; {clean(fix)}")


def _shown(
    question: str, data: Mapping[str, Any], names: Mapping[str, str], seconds: float, form: Form
) -> str:
    if form == "md":
        return answer_markdown(question, data, names)
    return answer_text(data, names, seconds=seconds)
