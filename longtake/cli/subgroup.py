"""Groups of commands (`longtake videos list`): nearest names, and the full name in the envelope."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from typing import Any

import click

from longtake.cli.session import Session, common, current


class SubGroup(click.Group):
    """A group below the root."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or give the nearest names."""
        name = args[0]
        if name not in self.commands:
            near = difflib.get_close_matches(name, self.commands, n=2, cutoff=0.5)
            guess = f"; did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"there is no command {ctx.info_name} {name!r}{guess}", ctx)
        session = ctx.find_object(Session)
        if session is not None:
            session.command = f"{self.name} {name}"
        return super().resolve_command(ctx, args)


def subgroup(name: str, *, alone: str | None = None) -> Callable[[Callable[..., Any]], SubGroup]:
    """Make a group of commands that takes the common flags too.

    `alone` is the command that the group's bare name stands for; without it, the help is shown.
    """

    def make(body: Callable[..., Any]) -> SubGroup:
        @functools.wraps(body)
        def run() -> None:
            ctx = click.get_current_context()
            if alone is not None and ctx.invoked_subcommand is None:
                assert isinstance(ctx.command, click.Group)
                current().command = f"{name} {alone}"
                ctx.invoke(ctx.command.commands[alone])

        bare = alone is not None
        return click.group(name, cls=SubGroup, invoke_without_command=bare)(common()(run))

    return make
