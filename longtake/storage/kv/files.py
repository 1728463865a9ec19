"""Safetensors files whose tensors lie in the order that we want, written whole or not at all.

The library that comes with the format sorts tensors by type, which would spread a block over its
file. Here a file is a row of records: the tensors of one record lie beside each other, the widest
type first so that each is aligned, and a record is one read. Any reader of safetensors can open
such a file: tensor ``7.k`` is ``k`` of record 7.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.errors import KVDamaged, KVMissing
from longtake.storage.database import translated

if TYPE_CHECKING:
    from torch import Tensor

REBUILD = "longtake db check --repair keeps what is good; longtake kv build VIDEO builds it anew"
_ALIGN = 8
# A header of 64 blocks is some 60 kB; a longer one is not ours.
_LONGEST_HEADER = 1 << 24
_NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
    "int64": "I64", "int32": "I32", "int8": "I8", "uint8": "U8",
}  # fmt: skip
_TYPES = {name: kind for kind, name in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies in its file, and what it is when it is whole."""

    begin: int
    length: int
    sha: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor of a record; `offset` counts from the record's begin."""

    kind: str
    shape: tuple[int, ...]
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself: `parts` by record and name; `data` is where records begin.

    `sha` is the hash of the header as it lies there.
    """

    data: int
    sha: bytes
    note: dict[str, str]
    parts: dict[str, dict[str, Part]]


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: its size, the hash of its header, and where each record lies."""

    size: int
    head: bytes
    places: dict[str, Place]


class Records:
    """The records of a file that is about to be written."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Any]] = {}
        self._chunks: list[bytes] = []
        self._places: dict[str, Place] = {}
        self._at = 0

    def add(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Add the tensors of one record."""
        begin, wide = self._at, sorted(tensors.items(), key=lambda one: -one[1].element_size())
        first = len(self._chunks)
        for part, tensor in wide:
            self._tensor(f"{name}.{part}", str(tensor.dtype).removeprefix("torch."),
                         list(tensor.shape), raw_bytes(tensor))  # fmt: skip
        self._end(name, begin, first)

    def copy(self, name: str, parts: Mapping[str, Part], content: bytes) -> None:
        """Add a record as it lies in another file."""
        begin, first = self._at, len(self._chunks)
        for part, one in sorted(parts.items(), key=lambda item: item[1].offset):
            if part != "pad":
                data = content[one.offset : one.offset + one.length]
                self._tensor(f"{name}.{part}", one.kind, list(one.shape), data)
        self._end(name, begin, first)

    def write(self, path: Path, note: Mapping[str, str]) -> Written:
        """Write the file: beside its place first, then moved there at once.

        Raises:
            DiskFull: there is no room; nothing is left behind.
        """
        head = json.dumps({"__metadata__": dict(note), **self._entries}, separators=(",", ":"))
        text = head.encode()
        text += b" " * (-len(text) % _ALIGN)
        first = len(text).to_bytes(8, "little") + text
        write_whole(path, [first, *self._chunks])
        return Written(len(first) + self._at, hashlib.sha256(first).digest(), self._places)

    def _end(self, name: str, begin: int, first: int) -> None:
        pad = -self._at % _ALIGN
        if pad:
            self._tensor(f"{name}.pad", "uint8", [pad], bytes(pad))
        digest = hashlib.sha256()
        for chunk in self._chunks[first:]:
            digest.update(chunk)
        self._places[name] = Place(begin, self._at - begin, digest.digest())

    def _tensor(self, name: str, kind: str, shape: list[int], data: bytes) -> None:
        ends = [self._at, self._at + len(data)]
        self._entries[name] = {"dtype": _NAMES[kind], "shape": shape, "data_offsets": ends}
        self._chunks.append(data)
        self._at += len(data)


def raw_bytes(tensor: Tensor) -> bytes:
    """Return a tensor's numbers as they lie in memory."""
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that after a kill, or a power cut, it is there in full or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with translated(path):
        try:
            with beside.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
            settle(path.parent)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def settle(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_header(path: Path, sha: bytes | None = None) -> Header:
    """Read what a file says of itself.

    Args:
        sha: the hash that the header must have.

    Raises:
        KVMissing: there is no such file.
        KVDamaged: it is cut off, changed, or no file of ours.
    """
    with _opened(path) as file:
        first = file.read(8)
        length = int.from_bytes(first, "little")
        if len(first) < 8 or not 2 <= length <= _LONGEST_HEADER:
            raise KVDamaged(f"{path.name} is no segment", fix=REBUILD)
        text = file.read(length)
        size = os.fstat(file.fileno()).st_size
    found = hashlib.sha256(first + text).digest()
    if sha is not None and found != sha:
        raise KVDamaged(f"the head of {path.name} is not what was written", fix=REBUILD)
    try:
        return _header(json.loads(text), 8 + length, found, size)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KVDamaged(f"the head of {path.name} cannot be read", fix=REBUILD) from None


def _header(told: dict[str, Any], data: int, sha: bytes, size: int) -> Header:
    note = {str(k): str(v) for k, v in told.pop("__metadata__", {}).items()}
    begins: dict[str, int] = {}
    for name, one in told.items():
        record = name.partition(".")[0]
        begins[record] = min(begins.get(record, size), int(one["data_offsets"][0]))
    parts: dict[str, dict[str, Part]] = {}
    for name, one in told.items():
        record, _, part = name.partition(".")
        begin, end = (int(offset) for offset in one["data_offsets"])
        if not 0 <= begin <= end:
            raise ValueError(name)
        shape = tuple(int(side) for side in one["shape"])
        found = Part(_TYPES[one["dtype"]], shape, begin - begins[record], end - begin)
        parts.setdefault(record, {})[part] = found
    return Header(data, sha, note, parts)


def read_record(path: Path, data: int, place: Place, *, check: bool) -> bytearray:
    """Read one record in one read.

    Raises:
        KVMissing: the file is gone.
        KVDamaged: it is cut off; with `check`, also when a bit of the record is another.
    """
    content = bytearray(place.length)
    with _opened(path) as file:
        file.seek(data + place.begin)
        got = file.readinto(content)
    if got != place.length:
        raise KVDamaged(f"{path.name} is cut off", fix=REBUILD)
    if check and hashlib.sha256(content).digest() != place.sha:
        raise KVDamaged(f"{path.name} is not what was written", fix=REBUILD)
    return content


def tensors_of(content: bytearray, parts: Mapping[str, Part], *, path: Path) -> dict[str, Tensor]:
    """View a record's bytes as its tensors."""
    import torch

    found: dict[str, Tensor] = {}
    for name, part in parts.items():
        if name == "pad":
            continue
        kind = getattr(torch, part.kind)
        count = part.length // kind.itemsize
        try:
            flat = torch.frombuffer(content, dtype=kind, count=count, offset=part.offset)
            found[name] = flat.reshape(part.shape)
        except (ValueError, RuntimeError):
            raise KVDamaged(f"{path.name} holds less than its head tells", fix=REBUILD) from None
    return found


def sound_size(path: Path) -> int:
    """Return how long a file is, -1 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def file_hash(path: Path) -> bytes:
    """Return the hash of a whole file.

    Raises:
        KVMissing: it is gone.
    """
    digest = hashlib.sha256()
    with _opened(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.digest()


def names(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Return the files of a folder that fit, by name."""
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[FileIO]:
    try:
        with path.open("rb", buffering=0) as file:
            yield file
    except FileNotFoundError:
        raise KVMissing(f"{path.name} is gone", fix=REBUILD) from None
    except OSError as error:
        raise KVDamaged(f"{path.name} cannot be read: {error}", fix=REBUILD) from error
