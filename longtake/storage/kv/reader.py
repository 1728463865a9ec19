"""Reading the key–value memory of one stream: blocks, spans, index keys, soundness.

A reader sees what was flushed. A block is found through the manifest at each call, so a writer may
move blocks meanwhile: what is asked again after a move comes from the new place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from longtake.errors import KVDamaged, KVError, KVMissing
from longtake.storage.kv.block import Block
from longtake.storage.kv.files import (
    REBUILD,
    Header,
    names,
    read_header,
    read_record,
    sound_size,
    tensors_of,
)
from longtake.storage.kv.manifest import BlockRow, FileRow, Fingerprint, Manifest
from longtake.storage.kv.quantize import unpack
from longtake.storage.kv.shelf import Heads, KeyRows, Shelf, chosen, stretches

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FILES = ("seg-*.safetensors", "idx-*.safetensors", ".*.tmp")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Packed:
    """A block as it is stored: its row and its packed tensors."""

    row: BlockRow
    tensors: dict[str, Tensor]

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return sum(t.numel() * t.element_size() for t in self.tensors.values())


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong: `kind` is orphan, missing or damaged; `blocks` are those that it touches."""

    kind: str
    file: str
    detail: str
    blocks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` saw: blocks and bytes that it read, and what was wrong."""

    blocks: int
    bytes: int
    faults: tuple[Fault, ...]

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults


class Reader:
    """The blocks of one stream; `dropped` says what was given up when they were opened."""

    write = False

    def __init__(self, folder: Path, manifest: Manifest, print: Fingerprint, heads: Heads) -> None:
        self.folder = folder
        self.print = print
        self.heads = heads
        self.dropped: list[str] = []
        self._manifest = manifest
        self._inode = _inode(manifest.path)
        self._told: dict[str, FileRow] = {}
        self._headers: dict[str, Header] = {}
        self._shelves: dict[str, Shelf] = {}
        self._hidden: set[str] = set()
        self._pending: dict[int, Packed] = {}
        self._hide_torn()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the manifest; a second call does nothing."""
        self._manifest.close()

    def __len__(self) -> int:
        return len(self.rows())

    def rows(self, ids: Iterable[int] | None = None) -> list[BlockRow]:
        """Return what is known of blocks, by id: of all, or of `ids` as far as they are here."""
        wanted = None if ids is None else set(ids)
        kept = [r for r in self._manifest.rows(wanted) if r.segment not in self._hidden]
        fresh = [one.row for one in self._pending.values()]
        return kept + [row for row in fresh if wanted is None or row.id in wanted]

    def spans(self) -> list[tuple[int, float, float]]:
        """Return (id, start, end) of every block, by id."""
        return [(row.id, row.start, row.end) for row in self.rows()]

    def get(self, ids: Iterable[int], *, verify: bool = False) -> list[Block]:
        """Return blocks in the order asked for.

        Args:
            verify: compare what is read with its hash.

        Raises:
            KVMissing: a block is not here, or is a ghost, or its file is gone.
            KVDamaged: its file is cut off, or (with `verify`) another than was written.
        """
        return [self.opened(one) for one in self.packed(ids, verify=verify)]

    def packed(self, ids: Iterable[int], *, verify: bool = False) -> list[Packed]:
        """Return blocks as they are stored, in the order asked for; raises as `get` does."""
        wanted = list(ids)
        if _inode(self._manifest.path) != self._inode:
            # File numbers start again in a memory that is built anew: nothing may be mixed up.
            raise KVMissing(
                f"the memory in {self.folder} was removed or built anew", fix="open it again"
            )
        for _ in range(_TRIES):
            before = self._manifest.state()
            rows = {row.id: row for row in self.rows(wanted)}
            try:
                near = sorted(set(wanted), key=lambda one: _nearness(rows.get(one)))
                found = {one: self._packed(one, rows.get(one), verify) for one in near}
            except KVMissing:
                # A writer may have moved the block between the look and the read.
                if self._manifest.state() == before:
                    raise
                continue
            return [found[one] for one in wanted]
        raise KVMissing(f"the blocks in {self.folder} are being rewritten", fix="ask again")

    def opened(self, one: Packed) -> Block:
        """Return a packed block's keys and values in the model's dtype."""
        parts = unpack(one.tensors, one.row.scheme, self._dtype())
        row = one.row
        return Block(
            row.id, row.start, row.end, parts.keys, parts.values, parts.places, parts.tokens,
            parts.sizes, row.refs,
        )  # fmt: skip

    def tokens(self, ids: Iterable[int]) -> list[Tensor]:
        """Return the token ids of blocks, ghosts too, in the order asked for: int64 [n] each.

        Raises:
            KVMissing: a block is not here.
            KVDamaged: its shelf cannot be read.
        """
        wanted = list(ids)
        rows = {row.id: row for row in self.rows(wanted)}
        return [self._shelf(there(one, rows)).tokens(rows[one]) for one in wanted]

    def index_rows(
        self,
        heads: Heads | None = None,
        *,
        ids: Iterable[int] | None = None,
        chunk: int = 16384,
    ) -> Iterator[KeyRows]:
        """Yield index keys of all blocks, ghosts too, in order of ids and `chunk` tokens at a time.

        Args:
            heads: which (layer, key head); None: all that are indexed. Heads that are not indexed
                are read from the blocks themselves, which is slow and which ghosts do not have.
            ids: only these blocks.

        Raises:
            KVMissing: a shelf is gone, or a ghost has no keys of these heads.
            KVDamaged: a shelf cannot be read.
        """
        asked = self.heads if heads is None else tuple(heads)
        if not asked:
            raise KVMissing("no heads are indexed here, and none were named", fix=REBUILD)
        indexed = set(asked) <= set(self.heads)
        columns = [self.heads.index(head) for head in asked] if indexed else []
        for rows in stretches(self.rows(ids), chunk):
            if indexed:
                yield self._shelf(rows[0]).read(rows, columns)
            else:
                yield self._slow_keys(rows, asked)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of the files: `segments` with scales, `index`, `manifest`."""
        kinds = {"segments": "seg-*", "index": "idx-*"}
        sizes = {
            kind: sum(max(0, sound_size(path)) for path in names(self.folder, [pattern]))
            for kind, pattern in kinds.items()
        }
        return {**sizes, "manifest": self._manifest.size()}

    def bytes(self) -> int:
        """Return the bytes of all files, scales and index included."""
        return sum(self.sizes().values())

    def verify(self) -> Report:
        """Read every file and hold it against its hash."""
        rows, faults, read = self.rows(), [], 0
        known = {one.name: one for one in self._manifest.files()}
        for path in names(self.folder, FILES):
            if path.name not in known:
                faults.append(Fault("orphan", path.name, f"no manifest names {path.name}"))
        for name, told in known.items():
            of = tuple(row.id for row in rows if name in (row.segment, row.shelf))
            try:
                if name.startswith("idx-"):
                    Shelf(self.folder, told).verify()
                elif sound_size(self.folder / name) not in (-1, told.size):
                    raise KVDamaged(f"{name} has another size than was written")
                else:
                    self._headers.pop(name, None)
                    self._header(name)
                read += told.size
            except KVError as error:
                kind = "missing" if isinstance(error, KVMissing) else "damaged"
                faults.append(Fault(kind, name, error.message, of))
        bad = {one.file for one in faults}
        for row in rows:
            if row.ghost or row.segment is None or row.segment in bad:
                continue
            try:
                self._read(row, verify=True)
            except KVError:
                detail = f"block {row.id} in {row.segment} is not what was written"
                faults.append(Fault("damaged", row.segment, detail, (row.id,)))
        return Report(len(rows), read, tuple(faults))

    # -- files -----------------------------------------------------------------------------

    def _packed(self, one: int, row: BlockRow | None, verify: bool) -> Packed:
        if row is None:
            raise KVMissing(f"there is no block {one} in {self.folder}", fix=REBUILD)
        if row.ghost:
            raise KVMissing(
                f"block {one} is a ghost: its keys and values were given up",
                fix="read it through tiers that can rebuild it, or: longtake kv build VIDEO",
            )
        return self._pending[one] if one in self._pending else self._read(row, verify=verify)

    def _read(self, row: BlockRow, *, verify: bool) -> Packed:
        name = row.segment or ""
        header, path = self._header(name), self.folder / name
        parts = header.parts.get(str(row.id))
        if parts is None:
            raise KVDamaged(f"{name} does not hold block {row.id}", fix=REBUILD)
        content = read_record(path, header.data, row.place, check=verify)
        return Packed(row, tensors_of(content, parts, path=path))

    def _header(self, name: str) -> Header:
        if name not in self._headers:
            self._headers[name] = read_header(self.folder / name, self._file(name).sha)
        return self._headers[name]

    def _file(self, name: str) -> FileRow:
        if name not in self._told:
            self._told = {one.name: one for one in self._manifest.files()}
        if name not in self._told:
            raise KVMissing(f"the manifest does not name {name}", fix=REBUILD)
        return self._told[name]

    def _shelf(self, row: BlockRow) -> Shelf:
        if row.shelf not in self._shelves:
            self._shelves[row.shelf] = Shelf(self.folder, self._file(row.shelf))
        return self._shelves[row.shelf]

    def _slow_keys(self, rows: Sequence[BlockRow], heads: Heads) -> KeyRows:
        import torch

        blocks = self.get(row.id for row in rows)
        keys = torch.cat([chosen(block.keys, heads).float() for block in blocks], dim=1)
        counts = torch.tensor([block.n for block in blocks])
        return KeyRows(keys, torch.tensor([b.id for b in blocks]).repeat_interleave(counts))

    def _dtype(self) -> torch.dtype:
        import torch

        kind: torch.dtype = getattr(torch, self.print.dtype)
        return kind

    def _hide_torn(self) -> None:
        """Leave out the last blocks when their file is not whole: a power cut may do that."""
        bad = self._unsound()
        if not bad:
            return
        torn: dict[str, list[int]] = {}
        for row in reversed(self._manifest.rows()):
            if row.segment is not None and row.segment not in bad:
                break
            if row.segment is not None:
                torn.setdefault(row.segment, []).append(row.id)
        for name, ids in torn.items():
            self.dropped.append(
                f"{name} is not whole: blocks {min(ids)} to {max(ids)} are left out"
            )
        self._hidden = set(torn)

    def _unsound(self) -> set[str]:
        """Return the segments that are gone or have another size, unless a writer took them."""

        def look() -> set[str]:
            return {
                one.name
                for one in self._manifest.files()
                if one.name.startswith("seg-") and sound_size(self.folder / one.name) != one.size
            }

        bad = look()
        return bad & look() if bad else bad


def there(one: int, rows: dict[int, BlockRow]) -> BlockRow:
    """Return the row of a block.

    Raises:
        KVMissing: it is not here.
    """
    if one not in rows:
        raise KVMissing(f"there is no block {one} in this key–value memory", fix=REBUILD)
    return rows[one]


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1


def _nearness(row: BlockRow | None) -> tuple[str, int]:
    """Order reads as they lie on disk."""
    return (row.segment or "", row.place.begin) if row else ("", 0)
