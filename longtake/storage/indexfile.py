"""A FAISS index as a file: derived, checked on the way in, written whole or not at all.

One line of JSON stands before FAISS's own bytes: the generation of the vectors it holds, their
number, their dimension, and a checksum. A file that does not fit is as good as none.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longtake.storage.database import translated
from longtake.storage.dense import load_faiss

_MAGIC = b"longtake index 1 "


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an index file says of itself."""

    gen: int
    dim: int
    count: int
    crc: int


def index_path(folder: Path, key: str) -> Path:
    """Return where the file of one index lies."""
    return folder / f"{key}.faiss"


def write_index(path: Path, index: Any, gen: int, dim: int) -> None:
    """Write an index and its stamp."""
    faiss = load_faiss()
    content = faiss.serialize_index(index)
    stamp = {
        "gen": gen,
        "dim": dim,
        "count": int(index.ntotal),
        "crc": zlib.crc32(content.data),
    }
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                file.write(_MAGIC + json.dumps(stamp).encode() + b"\n")
                file.write(content.data)
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def read_stamp(path: Path) -> Stamp | None:
    """Return a file's stamp without reading the index, or None when it has no good one."""
    try:
        with path.open("rb") as file:
            return _stamp(file.readline(1000))
    except OSError:
        return None


def read_index(path: Path) -> tuple[Stamp, Any] | None:
    """Return a file's stamp and index, or None when the file is missing or damaged."""
    faiss = load_faiss()
    try:
        with path.open("rb") as file:
            stamp = _stamp(file.readline(1000))
            content = np.fromfile(file, dtype=np.uint8)
    except OSError:
        return None
    if stamp is None or zlib.crc32(content.data) != stamp.crc:
        return None
    index = faiss.deserialize_index(content)
    return stamp, index


def _stamp(line: bytes) -> Stamp | None:
    if not line.startswith(_MAGIC):
        return None
    try:
        return Stamp(**json.loads(line[len(_MAGIC) :]))
    except (ValueError, TypeError):
        return None
