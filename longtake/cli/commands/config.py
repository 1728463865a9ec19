"""`longtake config`: what is set, from where, and how to change it."""

from __future__ import annotations

import click

from longtake import config, config_file
from longtake.cli.output import emit, table, write
from longtake.cli.session import common, current
from longtake.cli.subgroup import subgroup


@subgroup("config", alone="show")
def config_command() -> None:
    """Show or change the configuration.

    `longtake config` alone shows it.
    """


@config_command.command("show")
@click.argument("key", required=False)
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@common()
def show_command(key: str | None, origin: bool) -> None:
    """Show the options that are in force."""
    settings = current().settings()
    origins = config.origins(settings)
    known = {option.key: option for option in config.options()}
    if key is not None and key not in config.SECRETS:
        config.check_key(key)
    rows = {
        name: {"value": _plain(config.value_of(settings, name)), "origin": origins[name]}
        for name in known
        if key in (None, name)
    }
    cells = [
        [name, "" if row["value"] is None else str(row["value"]), str(row["origin"])][: 2 + origin]
        for name, row in rows.items()
    ]
    emit({"options": rows}, lambda: table(cells), count=len(rows))


@config_command.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--project", is_flag=True, help="Write ./longtake.toml, not the user's file.")
@common()
def set_command(key: str, value: str, project: bool) -> None:
    """Set an option in the user's file; comments there are kept."""
    path = config.project_file() if project else config.user_file()
    stored = _plain(config_file.set_option(path, key, value))
    data = {"key": key, "value": stored, "path": str(path)}
    emit(data, lambda: f"{key} = {stored} in {path}")


@config_command.command("path")
@click.option("--project", is_flag=True, help="The file of this folder.")
@common()
def path_command(project: bool) -> None:
    """Print where the user's configuration file is."""
    path = config.project_file() if project else config.user_file()
    emit({"path": str(path), "exists": path.exists()}, lambda: str(path))


@config_command.command("sample")
@common(json=False)
def sample_command() -> None:
    """Print a commented file with every option."""
    write(config_file.sample().rstrip("\n"))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float) else str(value)
