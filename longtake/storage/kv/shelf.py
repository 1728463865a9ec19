"""Shelves of index keys: the few heads that retrieval reads, apart from keys and values.

A shelf is written beside each segment, ``idx-000001.safetensors``: for N tokens of some blocks
`rows` uint8 [N, heads, D], the ends of their grids `zero` and `top` fp16 [groups, heads, D] (keys
not rotated, 8 bits, one scale for a channel over at most 64 tokens of a block), and `tokens` int32
[N]. It is mapped into memory, read in chunks, and stays when a block becomes a ghost: token ids
and index keys are then all that is left of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from longtake.errors import KVDamaged, KVMissing
from longtake.storage.kv.files import (
    REBUILD,
    Records,
    Written,
    file_hash,
    read_header,
    sound_size,
)
from longtake.storage.kv.manifest import BlockRow, FileRow
from longtake.storage.kv.quantize import Grid, encode

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from longtake.storage.kv.block import Block

Heads = tuple[tuple[int, int], ...]
_GRID = Grid(bits=8, axis=-2, group=64)
_RECORD = "index"


@dataclass(frozen=True, slots=True)
class KeyRows:
    """Index keys of consecutive blocks: `keys` float32 [heads, m, D], `blocks` int64 [m] ids."""

    keys: Tensor
    blocks: Tensor


class ShelfWriter:
    """Collects the index keys of the blocks of one segment."""

    def __init__(self, heads: Heads) -> None:
        self.heads = heads
        self._parts: dict[str, list[Tensor]] = {"rows": [], "zero": [], "top": [], "tokens": []}
        self.row = self.part = 0

    def add(self, block: Block) -> tuple[int, int]:
        """Add a block and return its first row and its first group."""
        import torch

        at = self.row, self.part
        coded = encode(chosen(block.keys, self.heads), _GRID) if self.heads else None
        if coded:
            for name in ("codes", "zero", "top"):
                kept = getattr(coded, name).transpose(0, 1).contiguous()
                self._parts["rows" if name == "codes" else name].append(kept)
        self._parts["tokens"].append(block.tokens.to(torch.int32))
        self.row += block.n
        self.part += groups(block.n)
        return at

    def write(self, path: Path, note: Mapping[str, str]) -> Written:
        """Write the shelf."""
        import torch

        records = Records()
        filled = {name: torch.cat(parts) for name, parts in self._parts.items() if parts}
        records.add(_RECORD, filled)
        return records.write(path, note)


class Shelf:
    """One file of index keys; each read maps it for as long as it takes."""

    def __init__(self, folder: Path, told: FileRow) -> None:
        """Map it.

        Raises:
            KVMissing: it is gone.
            KVDamaged: it is cut off, or cannot be read.
        """
        path = folder / told.name
        found = sound_size(path)
        if found < 0:
            raise KVMissing(f"{told.name} is gone", fix=REBUILD)
        if found != told.size:
            raise KVDamaged(f"{told.name} has another size than was written", fix=REBUILD)
        self.path = path
        self._told = told
        self._header = read_header(path)
        if _RECORD not in self._header.parts:
            raise KVDamaged(f"{told.name} holds no index keys", fix=REBUILD)

    def verify(self) -> None:
        """Make sure that every bit is as it was written.

        Raises:
            KVDamaged: some is not.
        """
        if file_hash(self.path) != self._told.sha:
            raise KVDamaged(f"{self.path.name} is not what was written", fix=REBUILD)

    def tokens(self, row: BlockRow) -> Tensor:
        """Return the token ids of a block, int64 [n]."""
        import torch

        taken = self._map("tokens")[row.row : row.row + row.n].copy()
        return torch.from_numpy(taken).to(torch.int64)

    def read(self, rows: Sequence[BlockRow], columns: Sequence[int]) -> KeyRows:
        """Return the keys of some heads, by their place on the shelf, of blocks that lie here."""
        import numpy as np
        import torch

        counts = np.array([row.n for row in rows])
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat([row.row for row in rows], counts) + inside
        group = np.repeat([row.part for row in rows], counts) + inside // _GRID.group
        first, last = int(at[0]), int(at[-1]) + 1
        where = slice(first, last) if last - first == len(at) else at
        names = np.repeat([row.id for row in rows], counts)
        codes = torch.from_numpy(self._map("rows")[where][:, columns].copy())
        low, high = (
            torch.from_numpy(self._map(name)[:, columns].astype(np.float32).swapaxes(0, 1).copy())
            for name in ("zero", "top")
        )
        of = torch.from_numpy(group)
        scale = ((high - low) / _GRID.levels).index_select(1, of)
        keys = torch.addcmul(low.index_select(1, of), codes.transpose(0, 1).float(), scale)
        return KeyRows(keys, torch.from_numpy(names.astype(np.int64)))

    def _map(self, name: str) -> np.ndarray:
        import numpy as np

        part = self._header.parts[_RECORD].get(name)
        if part is None:
            raise KVMissing(f"{self.path.name} holds no index keys", fix=REBUILD)
        # Mapped for one read only: pages that stay mapped count as memory of the process.
        return np.memmap(
            self.path, dtype=part.kind, mode="r", offset=self._header.data + part.offset,
            shape=part.shape,
        )  # fmt: skip


def chosen(keys: Tensor, heads: Heads) -> Tensor:
    """Return the keys [heads, n, D] of some (layer, key head) out of [L, H, n, D]."""
    layers, places = zip(*heads, strict=True)
    return keys[list(layers), list(places)]


def groups(n: int) -> int:
    """Return how many groups the index keys of n tokens have."""
    return -(-n // _GRID.group)


def stretches(rows: Sequence[BlockRow], tokens: int) -> Iterator[list[BlockRow]]:
    """Cut blocks into stretches of one shelf, of at most so many tokens or one block."""
    stretch: list[BlockRow] = []
    held = 0
    for row in rows:
        if stretch and (row.shelf != stretch[0].shelf or held + row.n > tokens):
            yield stretch
            stretch, held = [], 0
        stretch.append(row)
        held += row.n
    if stretch:
        yield stretch
