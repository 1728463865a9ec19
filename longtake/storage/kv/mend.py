"""Find and mend what is wrong with key–value memories on disk.

What can be kept is kept: a block whose keys and values are lost, but not its index keys, becomes a
ghost that can be made again; a lost shelf of index keys is filled from the blocks that are there;
a lost manifest is written anew from what the files say of themselves. The rest is forgotten, and
`longtake kv build` makes it again from the video.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from longtake.errors import KVDamaged, KVError, KVMissing, Locked, NewerSchema
from longtake.storage.kv.files import (
    Place,
    file_hash,
    names,
    read_header,
    read_record,
    sound_size,
)
from longtake.storage.kv.manifest import BlockRow, FileRow, Fingerprint, Manifest
from longtake.storage.kv.reader import FILES, Fault
from longtake.storage.kv.segments import Segments
from longtake.storage.lock import WriterLock


def streams(root: Path) -> list[Path]:
    """Return the folders below `root`, ``<video>/<streamer>``, in which a memory lies."""
    found = {
        path.parent for name in ("manifest.sqlite", *FILES) for path in root.glob(f"*/*/{name}")
    }
    return sorted(found)


def faults(folder: Path) -> list[Fault]:
    """Return what is wrong with the memory in `folder`.

    What a writer has not named yet is nobody's only when no writer is there.
    """
    try:
        with Segments(folder, None) as memory:
            lost = [Fault("damaged", one.partition(" ")[0], one) for one in memory.dropped]
            found = [
                one for one in memory.verify().faults if one.kind != "orphan" or _quiet(folder)
            ]
    except NewerSchema:
        raise
    except KVError as error:
        if not names(folder, ["manifest.sqlite*", *FILES]):
            return []
        kind = "missing" if isinstance(error, KVMissing) else "damaged"
        return [Fault(kind, "manifest.sqlite", error.message)]
    seen = {one.file for one in found}
    return [*(one for one in lost if one.file not in seen), *found]


def mend(folder: Path) -> None:
    """Make the memory in `folder` sound with as much as can be kept.

    Raises:
        Locked: another process writes to it.
    """
    try:
        Segments(folder, None).close()
    except (KVMissing, KVDamaged):
        _refound(folder)
        if not (folder / "manifest.sqlite").is_file():
            return
    with Segments(folder, None, write=True) as memory:
        found = memory.verify().faults
        _mend_shelves(memory, [one for one in found if one.file.startswith("idx-")])
        _mend_segments(memory, [one for one in found if one.file.startswith("seg-")])


def _mend_segments(memory: Segments, found: Sequence[Fault]) -> None:
    bad = {one for fault in found for one in fault.blocks}
    rows = memory.rows()
    tail = set()
    for row in reversed(rows):
        if row.id not in bad and not row.ghost:
            break
        tail.add(row.id)
    # A build goes on behind the last block: lost last ones are forgotten, so that it makes them.
    if bad & tail:
        first = min(bad & tail)
        memory.forget(row.id for row in rows if row.id >= first)
        bad = {one for one in bad if one < first}
    memory.demote(bad, "ghost")


def _mend_shelves(memory: Segments, found: Sequence[Fault]) -> None:
    for fault in found:
        rows = memory.rows(fault.blocks)
        memory.forget(row.id for row in rows if row.ghost)
        kept = [row for row in rows if not row.ghost]
        memory.reshelve(row.id for row in _readable(memory, kept))


def _readable(memory: Segments, rows: Sequence[BlockRow]) -> list[BlockRow]:
    """Return the blocks that can be read, and forget the rest: nothing is left of them."""
    good, lost = [], []
    for row in rows:
        try:
            memory.packed([row.id], verify=True)
            good.append(row)
        except (KVDamaged, KVMissing):
            lost.append(row.id)
    memory.forget(lost)
    return good


def _quiet(folder: Path) -> bool:
    try:
        WriterLock.take(folder / "writer.lock").release()
    except Locked:
        return False
    return True


# -- a lost manifest -----------------------------------------------------------------------


def _refound(folder: Path) -> None:
    """Write a manifest from what the files in `folder` say of themselves."""
    lock = WriterLock.take(folder / "writer.lock")
    try:
        for path in names(folder, ["manifest.sqlite*"]):
            path.unlink()
        told = list(_told(folder))
        if not told:
            for path in names(folder, FILES):
                path.unlink()
            return
        print, heads = _maker(told[-1][1])
        manifest = Manifest.open(folder / "manifest.sqlite", write=True)
        try:
            manifest.found(print, heads)
            for path, note in told:
                blocks, files = _as_written(path, note, print)
                manifest.put(blocks, files, used=int(path.stem.partition("-")[2]))
        finally:
            manifest.close()
    finally:
        lock.release()


def _told(folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield segments with what they say of themselves, in the order in which they were written."""
    for path in names(folder, ["seg-*.safetensors"]):
        try:
            note = read_header(path).note
            _maker(note)
        except (KVError, ValueError, KeyError, TypeError):
            continue
        yield path, note


def _maker(note: dict[str, str]) -> tuple[Fingerprint, tuple[tuple[int, int], ...]]:
    heads = tuple((int(a), int(b)) for a, b in json.loads(note["heads"]))
    return Fingerprint(**json.loads(note["print"])), heads


def _as_written(
    path: Path, note: dict[str, str], print: Fingerprint
) -> tuple[list[BlockRow], list[FileRow]]:
    """Return the rows of a segment's blocks as far as they are there in full."""
    if _maker(note)[0] != print:
        return [], []
    header, blocks = read_header(path), []
    begin = 0
    for id_, start, end, n, scheme, shelf, row, part, refs in json.loads(note["blocks"]):
        parts = header.parts.get(str(id_), {})
        length = max((one.offset + one.length for one in parts.values()), default=0)
        try:
            content = read_record(path, header.data, Place(begin, length, b""), check=False)
        except KVDamaged:
            break
        place = Place(begin, length, hashlib.sha256(content).digest())
        begin += length
        if sound_size(path.parent / shelf) >= 0:
            blocks.append(BlockRow(id_, start, end, n, False, scheme, path.name, place, shelf,
                                   row, part, tuple(refs)))  # fmt: skip
    size = sound_size(path)
    files = [FileRow(path.name, size, header.sha)]
    files += [_shelf_row(path.parent / name) for name in sorted({one.shelf for one in blocks})]
    return blocks, files


def _shelf_row(path: Path) -> FileRow:
    return FileRow(path.name, sound_size(path), file_hash(path))
