"""Where a block is read from: memory when it was wanted lately, else disk, else made again.

======= ==========================================================================================
hot     the newest blocks, and what was read last: keys and values ready for use
warm    blocks packed as they are on disk, hot ones too; least recently used ones leave first
cold    on disk (`longtake.storage.kv.segments`)
ghost   index keys and references only: `rebuild` is asked, and what it gives is kept warm
======= ==========================================================================================

Contract: what is read does not depend on what was evicted (InfLLM's test, S21). So a hot block is
not what the model made but what the disk would give back, and a rebuilt one has gone through the
scheme that it is kept in. Blocks in memory never take more bytes than their caps, not even while
one is put in.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from longtake.errors import KVDamaged, KVMissing
from longtake.storage.kv.block import Block
from longtake.storage.kv.quantize import pack
from longtake.storage.kv.reader import Packed
from longtake.storage.kv.segments import Segments

if TYPE_CHECKING:
    from longtake.storage.kv.manifest import BlockRow

Rebuild = Callable[["BlockRow"], Block]
_HOT_BYTES = 64 << 20
_WARM_BYTES = 256 << 20

Key = TypeVar("Key", bound=Hashable)
Kept = TypeVar("Kept")


class ByteLru(Generic[Key, Kept]):
    """Keeps what was used last, within a number of bytes."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.held = 0
        self.peak = 0
        self._kept: OrderedDict[Key, tuple[Kept, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def get(self, key: Key) -> Kept | None:
        """Return what is kept under `key` and count it as used now."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: Key, kept: Kept, size: int) -> None:
        """Keep something; what is larger than the cap is not kept."""
        self.drop(key)
        if size > self.cap:
            return
        while self.held + size > self.cap:
            self.held -= self._kept.popitem(last=False)[1][1]
        self._kept[key] = (kept, size)
        self.held += size
        self.peak = max(self.peak, self.held)

    def drop(self, key: Key) -> None:
        """Forget what is kept under `key`."""
        if key in self._kept:
            self.held -= self._kept.pop(key)[1]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.held = 0


@dataclass(frozen=True, slots=True)
class Reads:
    """How many blocks were read from where, since the tiers were made."""

    hot: int
    warm: int
    cold: int
    rebuilt: int

    @property
    def rate(self) -> float:
        """The share of reads that memory served; 0 before the first."""
        total = self.hot + self.warm + self.cold + self.rebuilt
        return (self.hot + self.warm) / total if total else 0.0


class Tiers:
    """Reads blocks of one stream through memory; any number of threads may.

    Args:
        segments: the blocks on disk.
        hot_bytes: the most that blocks ready for use may take.
        warm_bytes: the most that packed blocks may take.
        rebuild: makes the keys and values of a ghost again, from its row's refs and span.
        rebuilt_scheme: how rebuilt blocks are packed while they are warm.
    """

    def __init__(
        self,
        segments: Segments,
        *,
        hot_bytes: int = _HOT_BYTES,
        warm_bytes: int = _WARM_BYTES,
        rebuild: Rebuild | None = None,
        rebuilt_scheme: str = "k8v4",
    ) -> None:
        self.segments = segments
        self.rebuild = rebuild
        self._scheme = rebuilt_scheme
        self._hot: ByteLru[int, Block] = ByteLru(hot_bytes)
        self._warm: ByteLru[int, Packed] = ByteLru(warm_bytes)
        self._reads: Counter[str] = Counter()
        self._lock = threading.RLock()

    def append(self, block: Block, scheme: str = "raw") -> None:
        """Add a block to the stream; it is hot from now on. Raises as `Segments.append` does."""
        with self._lock:
            self.segments.append(block, scheme)
            (packed,) = self.segments.packed([block.id])
            self._warm.put(block.id, packed, packed.bytes)
            self._heat(self.segments.opened(packed))

    def get(self, ids: Iterable[int], *, verify: bool = False) -> list[Block]:
        """Return blocks in the order asked for.

        Args:
            verify: compare what is read from disk with its hash.

        Raises:
            KVMissing: a block is not here, or is a ghost that nothing can rebuild.
            KVDamaged: its file is damaged, or what was rebuilt is another block.
        """
        with self._lock:
            return [self._one(one, verify) for one in ids]

    def demote(self, ids: Iterable[int], scheme: str) -> int:
        """Pack blocks smaller on disk, or make ghosts of them, and forget them here."""
        told = list(ids)
        with self._lock:
            changed = self.segments.demote(told, scheme)
            for one in told:
                self._hot.drop(one)
                self._warm.drop(one)
        return changed

    def clear(self) -> None:
        """Forget all that is in memory."""
        with self._lock:
            self._hot.clear()
            self._warm.clear()

    @property
    def reads(self) -> Reads:
        """How many blocks were read from where."""
        with self._lock:
            return Reads(*(self._reads[name] for name in ("hot", "warm", "cold", "rebuilt")))

    def residents(self) -> dict[str, int]:
        """Return the bytes in memory: of `hot` and `warm` blocks, and the most there ever were."""
        with self._lock:
            hot, warm = self._hot, self._warm
            return {
                "hot": hot.held, "warm": warm.held, "hot_peak": hot.peak, "warm_peak": warm.peak
            }  # fmt: skip

    def where(self, one: int) -> str:
        """Tell where a block would be read from: hot, warm, cold or ghost.

        Raises:
            KVMissing: it is not here.
        """
        with self._lock:
            rows = self.segments.rows([one])
            if not rows:
                raise KVMissing(f"there is no block {one}", fix="longtake kv build VIDEO")
            if one in self._hot or one in self._warm:
                return "hot" if one in self._hot else "warm"
            return "ghost" if rows[0].ghost else "cold"

    # -- one block -------------------------------------------------------------------------

    def _one(self, one: int, verify: bool) -> Block:
        hot = self._hot.get(one)
        if hot is not None:
            self._reads["hot"] += 1
            self._warm.get(one)  # Used now, though it was not needed.
            return hot
        warm = self._warm.get(one)
        if warm is not None:
            self._reads["warm"] += 1
        else:
            warm = self._fetched(one, verify)
        block = self.segments.opened(warm)
        self._heat(block)
        return block

    def _fetched(self, one: int, verify: bool) -> Packed:
        rows = self.segments.rows([one])
        if rows and rows[0].ghost and self.rebuild is not None:
            made = self._rebuilt(rows[0], self.rebuild)
            self._reads["rebuilt"] += 1
        else:
            (made,) = self.segments.packed([one], verify=verify)
            self._reads["cold"] += 1
        self._warm.put(one, made, made.bytes)
        return made

    def _rebuilt(self, row: BlockRow, rebuild: Rebuild) -> Packed:
        block = rebuild(row)
        if (block.id, block.n) != (row.id, row.n):
            raise KVDamaged(
                f"block {row.id} of {row.n} tokens was made again as block {block.id} of "
                f"{block.n}: its source has changed",
                fix="longtake kv build VIDEO builds the memory anew",
            )
        return Packed(replace(row, scheme=self._scheme), pack(block, self._scheme))

    def _heat(self, block: Block) -> None:
        self._hot.put(block.id, block, _size(block))


def _size(block: Block) -> int:
    kept = [block.keys, block.values, block.places, block.tokens]
    kept += [block.sizes] if block.sizes is not None else []
    return sum(t.numel() * t.element_size() for t in kept)
