"""`longtake completion`: the script that makes a shell complete commands and flags."""

from __future__ import annotations

import click

from longtake.cli.output import write
from longtake.cli.session import common
from longtake.errors import LongtakeError


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common(json=False)
def completion_command(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: `eval "$(longtake completion bash)"` in ~/.bashrc.
    """
    from click.shell_completion import get_completion_class

    from longtake.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise LongtakeError(f"click knows no shell {shell}")
    # `source` asks bash for its version; the script itself is the same for every version.
    maker = kind(cli, {}, "longtake", "_LONGTAKE_COMPLETE")
    write(maker.source_template % maker.source_vars())
