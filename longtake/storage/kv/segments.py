"""The key–value memory of one stream on disk.

::

    kv/<video>/<streamer>/
        seg-000001.safetensors   up to 64 blocks, each one read for all layers (see `files`)
        idx-000001.safetensors   index keys of chosen heads, and token ids (see `shelf`)
        manifest.sqlite          which block lies where, its hash, who made it (see `manifest`)
        writer.lock              held by the one process that writes

Files are only added: a block that is packed smaller is written anew, and its old file goes when
nothing lives in it. A file stands under its name before the manifest names it, so a kill at any
instant leaves a prefix of the blocks that were appended, and at most a file that nobody names.

Contract: `get` returns the same tensors in every process for as long as nobody demotes the block.
One writer; any number of readers, who see what was flushed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType

from longtake.errors import KVDamaged, KVError, KVMismatch, KVMissing, StoreError
from longtake.storage.kv.block import Block
from longtake.storage.kv.files import REBUILD, Place, Records, file_hash, names, settle
from longtake.storage.kv.manifest import GHOST, VERSION, BlockRow, FileRow, Fingerprint, Manifest
from longtake.storage.kv.quantize import SCHEMES, need, pack
from longtake.storage.kv.reader import FILES, Fault, Packed, Reader, Report, there
from longtake.storage.kv.shelf import Heads, KeyRows, ShelfWriter
from longtake.storage.lock import WriterLock

__all__ = ["SEGMENT_BLOCKS", "Fault", "Fingerprint", "KeyRows", "Packed", "Report", "Segments"]

SEGMENT_BLOCKS = 64
# Blocks of large models are megabytes: do not hold 64 of them back.
_SEGMENT_BYTES = 64 << 20


class Segments(Reader):
    """The blocks of one stream, to read, and with `write` to add to.

    Args:
        folder: where the files lie.
        print: who makes or reads the memory; None takes whatever is there.
        write: become the writer.
        heads: (layer, key head) whose keys are indexed; told when the memory is made, and `heads`
            tells later what it was made with.

    Raises:
        KVMissing: there is no memory here, and this is no writer.
        KVMismatch: another model, or another prefix, made it.
        KVDamaged: its manifest cannot be read.
        Locked: another process writes.
    """

    def __init__(
        self,
        folder: Path,
        print: Fingerprint | None,
        *,
        write: bool = False,
        heads: Heads = (),
    ) -> None:
        self.write = write
        self._lock: WriterLock | None = None
        if write:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = WriterLock.take(folder / "writer.lock")
        manifest: Manifest | None = None
        try:
            manifest = Manifest.open(folder / "manifest.sqlite", write=write)
            made, indexed = _recognised(manifest, folder, print, heads, write=write)
            super().__init__(folder, manifest, made, indexed)
            self._shelf_writer = ShelfWriter(self.heads)
            if write:
                self._clear()
        except BaseException:
            if manifest is not None:
                manifest.close()
            self._release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except StoreError:
            if error is None:
                raise

    def close(self) -> None:
        """Flush what was appended and let others write; a second call does nothing."""
        try:
            if self._lock is not None:
                self.flush()
        finally:
            super().close()
            self._release()

    @property
    def next_id(self) -> int:
        """The id that the next block may have."""
        return max(self._pending) + 1 if self._pending else self._manifest.count()[1]

    def append(self, block: Block, scheme: str = "raw") -> None:
        """Add a block behind all others; it is on disk after the next `flush`.

        Raises:
            KVMismatch: it has other shapes than the memory.
            KVError: its id is taken, or its numbers do not fit the scheme.
            DiskFull: there is no room; what was flushed is kept, the rest waits in memory.
        """
        self._need_writer()
        self._fits(block)
        if block.id < self.next_id:
            raise KVError(
                f"block {block.id} cannot come after block {self.next_id - 1}",
                fix="append blocks in the order of the stream",
            )
        packed = pack(block, scheme)
        at, part = self._shelf_writer.add(block)
        row = BlockRow(
            block.id, block.start, block.end, block.n, False, scheme, None, _NOWHERE, "", at, part,
            tuple(block.refs),
        )  # fmt: skip
        self._pending[block.id] = Packed(row, packed)
        held = sum(one.bytes for one in self._pending.values())
        if len(self._pending) >= SEGMENT_BLOCKS or held >= _SEGMENT_BYTES:
            self.flush()

    def flush(self) -> None:
        """Put what was appended on disk, for good.

        Raises:
            DiskFull: there is no room; what was appended waits in memory.
        """
        self._need_writer()
        if not self._pending:
            return
        number = self._manifest.next_file()
        shelf = f"idx-{number:06d}.safetensors"
        packs = [replace(one, row=replace(one.row, shelf=shelf)) for one in self._pending.values()]
        note = self._note([one.row for one in packs])
        written = self._shelf_writer.write(self.folder / shelf, note)
        index = FileRow(shelf, written.size, file_hash(self.folder / shelf))
        moved, segment = self._segment(packs, number)
        self._manifest.put(moved, [index, segment], used=number)
        self._pending.clear()
        self._shelf_writer = ShelfWriter(self.heads)

    def demote(self, ids: Iterable[int], scheme: str) -> int:
        """Pack blocks smaller, or make ghosts of them: then only index keys and refs are left.

        What is as small already stays as it is. Returns how many blocks changed.

        Raises:
            KVMissing: a block is not here.
            KVDamaged: a block is not what was written.
            KVError: there is no such scheme.
        """
        self._need_writer()
        if scheme != GHOST:
            need(scheme)
        self.flush()
        wanted = sorted(set(ids))
        rows = {row.id: row for row in self.rows(wanted)}
        todo = [row for row in (there(one, rows) for one in wanted) if _rank(row) < _order(scheme)]
        if scheme == GHOST:
            gone = [replace(row, ghost=True, segment=None, place=_NOWHERE) for row in todo]
            self._manifest.put(gone, [], used=0)
        else:
            for few in _batches(todo):
                self._write(
                    Packed(replace(one.row, scheme=scheme), pack(self.opened(one), scheme))
                    for one in self.packed((row.id for row in few), verify=True)
                )
        self.compact(half=True)
        return len(todo)

    def compact(self, *, half: bool = False) -> int:
        """Write anew what lies in files with gaps, join short files, remove empty ones.

        Args:
            half: only files of which less than half is in use.

        Returns how many bytes were won.
        """
        self._need_writer()
        self.flush()
        before = self.bytes()
        self._sweep()
        lying: dict[str, list[BlockRow]] = {}
        for row in self.rows():
            if row.segment:
                lying.setdefault(row.segment, []).append(row)
        gaps = {name: self._gap(name, rows) for name, rows in lying.items()}
        loose = [
            name
            for name, gap in gaps.items()
            if gap > 0.5
            or (not half and gap >= 0 and (gap > 0 or len(lying[name]) < SEGMENT_BLOCKS))
        ]
        moving = sorted((row for name in loose for row in lying[name]), key=lambda row: row.id)
        batches = list(_batches(moving))
        if any(gaps[name] > 0 for name in loose) or len(batches) < len(loose):
            for few in batches:
                # What cannot be read is not copied: it stays where `verify` finds it.
                with contextlib.suppress(KVDamaged, KVMissing):
                    self._write(self.packed((row.id for row in few), verify=True))
        self._sweep()
        return before - self.bytes()

    def reshelve(self, ids: Iterable[int]) -> None:
        """Write the index keys of blocks anew, from the blocks as they are stored."""
        self._need_writer()
        self.flush()
        number, writer, moved = self._manifest.next_file(), ShelfWriter(self.heads), []
        name = f"idx-{number:06d}.safetensors"
        for row in self.rows(ids):
            (block,) = self.get([row.id], verify=True)
            at, part = writer.add(block)
            moved.append(replace(row, shelf=name, row=at, part=part))
        if moved:
            written = writer.write(self.folder / name, self._note(moved))
            index = FileRow(name, written.size, file_hash(self.folder / name))
            self._manifest.put(moved, [index], used=number)
        self._sweep()

    def forget(self, ids: Iterable[int]) -> None:
        """Remove blocks altogether, index keys too, and the files that this leaves empty."""
        self._need_writer()
        self.flush()
        self._manifest.forget(ids)
        self._sweep()

    def drop(self) -> None:
        """Remove the whole memory; this object can then only be closed."""
        self._need_writer()
        self._pending.clear()
        self._manifest.close()
        # The manifest first: without it the rest is nobody's, with it the rest would be missed.
        for path in [*names(self.folder, ["manifest.sqlite*"]), *names(self.folder, FILES)]:
            path.unlink(missing_ok=True)
        settle(self.folder)
        self._release()

    def index_rows(
        self, heads: Heads | None = None, *, ids: Iterable[int] | None = None, chunk: int = 16384
    ) -> Iterator[KeyRows]:
        """Yield index keys as `Reader.index_rows` does; what was appended is flushed first."""
        if self._pending:
            self.flush()
        return super().index_rows(heads, ids=ids, chunk=chunk)

    # -- writing ---------------------------------------------------------------------------

    def _write(self, packs: Iterable[Packed]) -> None:
        number = self._manifest.next_file()
        moved, segment = self._segment(list(packs), number)
        self._manifest.put(moved, [segment], used=number)

    def _segment(self, packs: Sequence[Packed], number: int) -> tuple[list[BlockRow], FileRow]:
        """Write a segment of these blocks; return their rows as they lie there now."""
        name, records = f"seg-{number:06d}.safetensors", Records()
        for one in packs:
            records.add(str(one.row.id), one.tensors)
        written = records.write(self.folder / name, self._note([one.row for one in packs]))
        moved = [
            replace(one.row, segment=name, place=written.places[str(one.row.id)]) for one in packs
        ]
        return moved, FileRow(name, written.size, written.head)

    def _note(self, rows: Sequence[BlockRow]) -> dict[str, str]:
        """What a file tells of itself, enough to make a lost manifest again."""
        told = [
            [r.id, r.start, r.end, r.n, r.scheme, r.shelf, r.row, r.part, list(r.refs)]
            for r in rows
        ]
        return {
            "longtake": f"kv {VERSION}",
            "print": json.dumps(asdict(self.print)),
            "heads": json.dumps(self.heads),
            "blocks": json.dumps(told, separators=(",", ":")),
        }

    def _gap(self, name: str, rows: Sequence[BlockRow]) -> float:
        """Return which share of a segment nothing lives in; -1 for one that cannot be read."""
        try:
            data = self._header(name).data
        except (KVDamaged, KVMissing):
            return -1.0
        whole = self._file(name).size - data
        return 1 - sum(row.place.length for row in rows) / whole

    def _sweep(self) -> None:
        for name in self._manifest.unused():
            (self.folder / name).unlink(missing_ok=True)
            self._headers.pop(name, None)
            self._shelves.pop(name, None)

    def _clear(self) -> None:
        """Give up what a killed writer left: torn last segments and files nobody names."""
        torn = [row.id for row in self._manifest.rows() if row.segment in self._hidden]
        if torn:
            self._manifest.forget(torn)
            self._hidden = set()
        self._sweep()
        known = {one.name for one in self._manifest.files()}
        for path in names(self.folder, FILES):
            if path.name not in known:
                path.unlink(missing_ok=True)
                self.dropped.append(f"{path.name} was not finished and is removed")

    def _fits(self, block: Block) -> None:
        shape = (self.print.layers, self.print.kv_heads, block.n, self.print.head_dim)
        for name, found in (("keys", block.keys), ("values", block.values)):
            kind = str(found.dtype).removeprefix("torch.")
            if tuple(found.shape) != shape or kind != self.print.dtype or not block.n:
                raise KVMismatch(
                    f"{name} of block {block.id} are {list(found.shape)} {kind}, and this memory "
                    f"keeps {list(shape)} {self.print.dtype}",
                    fix="longtake kv build VIDEO builds it anew",
                )

    def _need_writer(self) -> None:
        if self._lock is None:
            raise KVError(f"{self.folder} is open for reading only", fix="open it with write=True")

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


_NOWHERE = Place(0, 0, b"")


def _recognised(
    manifest: Manifest, folder: Path, print: Fingerprint | None, heads: Heads, *, write: bool
) -> tuple[Fingerprint, Heads]:
    """Return who made the memory and which heads it indexes; a new one is founded."""
    made = manifest.fingerprint()
    if made is None:
        if print is None or not write:
            raise KVMissing(f"the key–value memory in {folder} holds nothing yet", fix=REBUILD)
        manifest.found(print, heads)
        return print, tuple(heads)
    if print is not None:
        print.need(made)
    return made, manifest.heads()


def _order(scheme: str) -> int:
    return len(SCHEMES) if scheme == GHOST else SCHEMES.index(scheme)


def _rank(row: BlockRow) -> int:
    return _order(GHOST if row.ghost else row.scheme)


def _batches(rows: Iterable[BlockRow]) -> Iterator[list[BlockRow]]:
    """Cut blocks into what fits into one segment."""
    batch: list[BlockRow] = []
    held = 0
    for row in rows:
        if batch and (len(batch) == SEGMENT_BLOCKS or held + row.place.length > _SEGMENT_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(row)
        held += row.place.length
    if batch:
        yield batch
