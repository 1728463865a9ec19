"""`longtake demo`: a first look, without a video of one's own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from longtake.cli.output import emit, talk, write
from longtake.cli.progress import reporter
from longtake.cli.session import common, current


@click.command("demo")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Keep the library here; by default it is made in a temporary folder.",
)
@common()
def demo_command(keep: Path | None) -> None:
    """Watch a short built-in lecture and ask about it."""
    from longtake.demo import run

    session = current()
    with ExitStack() as stack:
        mode = "none" if session.quiet else "auto"
        every = session.settings().progress.every
        report = stack.enter_context(reporter(mode, every=every, name="demo"))

        def say(line: str) -> None:
            stack.close()  # Bars and lines do not share a terminal.
            if not session.json:
                write(line)

        answers = run(library_path=keep, out=say, on_progress=report)
    data = {"answers": [answer.to_dict() for answer in answers]}
    emit(data, lambda: None, count=len(answers))
    if keep is not None:
        talk(f"the library is kept: longtake --library {keep} chat")
