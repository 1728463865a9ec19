"""What one run of the program knows: the common flags, the clock, the open library.

`open_library` is the one seam between the commands and the library: tests replace it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from longtake.config import Settings
    from longtake.library import Library
    from longtake.timecode import Span
    from longtake.tools.looking import Looker
    from longtake.tools.reading import Reader

Command = TypeVar("Command", bound=Callable[..., Any])


def open_library(settings: Settings) -> Library:
    """Open the library that the settings name; nothing is read before it is used."""
    from longtake.library import Library

    return Library(settings)


@dataclass
class Session:
    """The state of one run; commands get it with `current`."""

    argv: list[str] = field(default_factory=list)
    command: str = ""
    library: Path | None = None
    profile: str | None = None
    models: tuple[str, ...] = ()
    json: bool = False
    debug: bool = False
    quiet: bool = False
    verbose: int = 0
    started: float = field(default_factory=time.perf_counter)
    warnings: list[str] = field(default_factory=list)
    partial: Any = None
    _settings: Settings | None = None
    _opened: Library | None = None

    def settings(self) -> Settings:
        """The configuration, with the common flags on top."""
        if self._settings is None:
            from longtake.cli.naming import named_models
            from longtake.cli.output import clean, warn
            from longtake.config import load_settings

            named = named_models(self.models)
            self._settings = load_settings(library=self.library, profile=self.profile, **named)
            for text in self._settings.warnings:
                warn(clean(text))
        return self._settings

    def open(self) -> Library:
        """The library, opened once and closed when the command ends."""
        if self._opened is None:
            self._opened = open_library(self.settings())
            click.get_current_context().find_root().call_on_close(self._opened.close)
        return self._opened

    def reader(self) -> Reader:
        """What is remembered, to read; needs no model."""
        from longtake.tools.reading import Reader

        return Reader(self.open().store, None)

    def looker(self) -> Looker:
        """The way back to the videos' files, for pictures and cuts; needs no model."""
        from longtake.tools.looking import Looker

        library = self.open()
        return Looker(library.store, None, library.source_of, cut=self._cut)

    def _cut(self, source: Path, span: Span, out: Path, *, exact: bool) -> Path:
        from longtake.perception.cut import cut_clip

        return cut_clip(source, span, out, exact=exact, ffmpeg=self.settings().ffmpeg)


def current() -> Session:
    """The session of the command that runs."""
    session = click.get_current_context().find_object(Session)
    assert session is not None, "commands run under the root group"
    return session


def complete_video(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete VIDEO in the shell: names and ids of the library, else files."""
    from click.shell_completion import CompletionItem

    from longtake.config import load_settings
    from longtake.errors import LongtakeError

    root = ctx.find_root().params
    try:
        videos = open_library(load_settings(library=root.get("library"))).videos()
    except LongtakeError:
        videos = []
    names = [name for video in videos for name in (video.name, video.id)]
    items = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return items or [CompletionItem(incomplete, type="file")]


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Store a common flag's value in the session, if it was given."""

    def keep(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        session = ctx.find_object(Session)
        if session is not None and value:
            setattr(session, name, value)
        return value

    return keep


def common(*, shown: bool = False, json: bool = True) -> Callable[[Command], Command]:
    """Give a command the flags that every command takes, before or after its name."""

    def flag(*names: str, to: str, **more: Any) -> Callable[[Any], Any]:
        more = {"hidden": not shown, **more}
        return click.option(*names, callback=_keep(to), expose_value=False, is_eager=True, **more)

    profiles = click.Choice(["auto", "offline", "cpu", "gpu", "api"])
    flags = [
        flag("--library", to="library", type=click.Path(path_type=Path), metavar="PATH",
             help="The library folder to use."),
        flag("--profile", to="profile", type=profiles, help="Which models to use."),
        flag("--model", to="models", multiple=True, metavar="[PART=]NAME",
             help="A folder, a GGUF file or a hub model in place of the profile's."),
        flag("-q", "--quiet", to="quiet", is_flag=True, help="No progress and no notes."),
        flag("-v", "--verbose", to="verbose", count=True, help="More notes on stderr."),
        flag("--debug", to="debug", is_flag=True, help="Show the traceback of an error."),
    ]  # fmt: skip
    if json:
        text = "Print one JSON envelope."
        flags.append(flag("--json", to="json", is_flag=True, help=text, hidden=shown))

    def decorate(command: Command) -> Command:
        for add in reversed(flags):
            command = add(command)
        return command

    return decorate
