"""Command groups that import a command only when it is called.

`longtake --help` must answer in 0.3 s, so the list of commands is a table of names, modules and
one-line helps (a test keeps the helps equal to those of the commands).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from longtake.cli import edge
from longtake.cli.output import colour_wanted
from longtake.cli.session import Session
from longtake.errors import LongtakeError, NoSuchFile

# A first word that ends so was meant as a video, even when there is no such file.
MEDIA_ENDINGS = frozenset(
    {".3gp", ".aac", ".avi", ".flac", ".flv", ".m2ts", ".m4a", ".m4v", ".mkv", ".mov", ".mp3"}
    | {".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".oga", ".ogg", ".ogv", ".opus", ".ts", ".vob"}
    | {".wav", ".webm", ".wma", ".wmv"}
)


@dataclass(frozen=True)
class Entry:
    """A command: the module that holds it, under its own name, and its one-line help."""

    module: str
    name: str
    help: str
    section: str


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported when called."""

    def __init__(self, *args: Any, entries: Sequence[Entry] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.entries: Mapping[str, Entry] = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"longtake.cli.commands.{entry.module}")
        command: click.Command = getattr(module, entry.module + "_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section without importing any."""
        width = max(len(name) for name in self.entries)
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            rows = [
                (name.ljust(width), entry.help)
                for name, entry in self.entries.items()
                if entry.section == section
            ]
            with formatter.section(section):
                formatter.write_dl(rows)


class RootGroup(LazyGroup):
    """The program: exit codes, `longtake VIDEO QUESTION`, and nearest names for typos."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run, print what went wrong, and exit with the code that says how it ended."""
        import sys

        argv = list(sys.argv[1:] if args is None else args) or ["--help"]
        extra["standalone_mode"] = False
        # A flag that a broken command line never came to must still shape the error.
        flags = argv[: argv.index("--")] if "--" in argv else argv
        session = Session(argv=argv, json="--json" in flags, debug="--debug" in flags)
        extra["obj"] = session
        extra["color"] = colour_wanted()
        program = super().main
        sys.exit(edge.run(session, lambda: program(argv, *rest, **extra)))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that has gone (`| head`) is no failure."""
        import sys

        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            edge.hush_stdout()
            ctx.exit(0)
        return result

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown first word may be a video."""
        name = args[0]
        if name in self.entries:
            found = super().resolve_command(ctx, args)
        elif _is_video(ctx, name, alone=len(args) == 1):
            module = import_module("longtake.cli.commands.ask")
            found = ("ask", module.watch_and_ask_command, args)
        else:
            raise click.UsageError(_unknown(name, self.entries), ctx)
        session = ctx.find_object(Session)
        if session is not None:
            session.command = found[0] or ""
        return found


def _is_video(ctx: click.Context, name: str, *, alone: bool) -> bool:
    """Whether the first word names a video: a file, or one that the library knows."""
    if Path(name).expanduser().is_file():
        return True
    if "/" in name or Path(name).suffix.lower() in MEDIA_ENDINGS:
        raise NoSuchFile(f"there is no file {name}", fix="check the path")
    session = ctx.find_object(Session)
    if alone or session is None or not session.settings().library.exists():
        return False
    try:
        session.open().video(name)
    except LongtakeError:
        return False
    return True


def _unknown(name: str, entries: Mapping[str, Entry]) -> str:
    near = difflib.get_close_matches(name, entries, n=3, cutoff=0.6)
    near = near or [known for known in entries if known.startswith(name[:3])]
    guess = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"there is no command or video {name!r}{guess}"
