"""docs/cli.md, made from the commands themselves: ``python -m longtake.cli.reference``.

A test compares the file with what this module writes, so that the two cannot part.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from longtake import config, config_file
from longtake.cli.main import cli

INTRO = """# The command line

*Made by `python -m longtake.cli.reference > docs/cli.md`; a test keeps it in step.*

Data goes to stdout, talk (progress, notes, warnings) to stderr. VIDEO is a path, an id or a
unique part of a name. Times are written `1:02:03.5`, `62m` or `3723.5`, spans `1:00-1:20`.
`--library`, `--profile`, `-q`, `-v`, `--debug` and `--json` may stand before or after a
command's name. `NO_COLOR` is obeyed.

## Exit codes

| code | meaning |
|---|---|
| 0 | done; an empty result or "not in the video" too |
| 1 | a bug; `--debug` shows the traceback |
| 2 | wrong usage |
| 3 | a model, an endpoint or the library failed |
| 4 | something is missing; the message names the command that brings it |
| 5 | no such video or moment |
| 6 | the media cannot be read |
| 7 | done in part; the rest is listed |
| 130 | interrupted; what was done is kept, and the same command goes on |

An answer is found and proved without a language model. So when the model of an endpoint fails, the
answer stands, made of quotes alone: exit code 0, and a warning (on stderr, and in `warnings`).

## JSON

With `--json` every command prints one object: `{"ok", "command", "data", "count",
"duration_ms", "warnings", "error": {"code", "message", "fix"}}`, on stdout, also when it fails.
Times are seconds. The schemas are [envelope](schema/envelope.json), [ask](schema/ask.json) and
[search](schema/search.json). `longtake ingest --progress json` writes one event a line to stderr.
"""


def reference() -> str:
    """Return the whole document."""
    return "\n".join([INTRO, "## Commands\n", *_commands(), *_configuration()])


def _commands() -> Iterator[str]:
    root = click.Context(
        cli, info_name="longtake", terminal_width=96, help_option_names=["-h", "--help"]
    )
    yield from _help("longtake", cli, root)
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None, "the table names only commands that exist"
        here = click.Context(command, info_name=name, parent=root, terminal_width=96)
        yield from _help(f"longtake {name}", command, here)
        if isinstance(command, click.Group):
            for inner in command.list_commands(here):
                sub = command.commands[inner]
                below = click.Context(sub, info_name=inner, parent=here, terminal_width=96)
                yield from _help(f"longtake {name} {inner}", sub, below)


def _help(title: str, command: click.Command, ctx: click.Context) -> Iterator[str]:
    yield f"### {title}\n\n```text\n{command.get_help(ctx)}\n```\n"


def _configuration() -> Iterator[str]:
    yield (
        "## Configuration\n\nFlag > environment `LONGTAKE_*` (`__` between levels) > "
        "`./longtake.toml` > the user's file (`longtake config path`) > profile > default.\n"
        "`longtake config show --origin` says where each value came from. The key of an endpoint "
        "is read\nfrom `LONGTAKE_API_KEY` alone.\n\n"
        "`./longtake.toml` may have come with the folder, so it is not trusted with what starts a "
        "program, opens\nor writes files, or sends: "
        f'{", ".join(f"`{key}`" for key in sorted(config.USER_ONLY))} and `profile = "api"` are '
        "not\nused from there. A warning names each; put them into your own file (`longtake config "
        "set KEY VALUE`), a\nvariable or a flag.\n\nA file with every option "
        "(`longtake config sample`):\n"
    )
    yield f"```toml\n{config_file.sample()}```\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
