"""One vector index in memory: FAISS beside the times it needs for filters.

Exact search is `IndexIDMap2(IndexFlatIP)`: 100,000 vectors of 384 numbers take about 15 ms on one
thread. Above `HNSW_ABOVE` rows a graph (HNSW, Malkov and Yashunin, arXiv:1603.09320) proposes
candidates; narrow filters, and searches that the graph answers with too few rows, stay exact.
Every score that leaves this module is computed again in float64 from the stored vector, so equal
vectors get equal scores and ties go by record id, whatever path found them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longtake.storage.records import Floats
from longtake.timecode import Seconds, Span

HNSW_ABOVE = 200_000
_LINKS, _EFFORT = 32, 128
# FAISS sums in float32: rows this near to the last one taken may belong before it.
_NEAR = 1e-5
_SPARE = 16

Ints = NDArray[np.int64]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Marks:
    """What filters and ties need of each vector, sorted by `vid`."""

    vids: Ints
    ids: NDArray[np.object_]
    start: Doubles
    end: Doubles
    known: Doubles

    @classmethod
    def of(cls, rows: Sequence[tuple[int, str, float, float, float]]) -> Marks:
        """Build from (vid, record id, start, end, known_at) rows."""
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * 5
        ids = np.empty(len(rows), dtype=np.object_)
        ids[:] = columns[1]
        times = [np.array(column, dtype=np.float64) for column in columns[2:]]
        marks = cls(np.array(columns[0], dtype=np.int64), ids, *times)
        return marks._picked(np.argsort(marks.vids, kind="stable"))

    def changed(self, drop: Ints, new: Marks) -> Marks:
        """Return these marks without `drop` and without what `new` replaces, and with `new`."""
        stay = ~np.isin(self.vids, np.concatenate([drop, new.vids]))
        joined = Marks(
            np.concatenate([self.vids[stay], new.vids]),
            np.concatenate([self.ids[stay], new.ids]),
            np.concatenate([self.start[stay], new.start]),
            np.concatenate([self.end[stay], new.end]),
            np.concatenate([self.known[stay], new.known]),
        )
        return joined._picked(np.argsort(joined.vids, kind="stable"))

    def allowed(
        self, ordinals: Sequence[int] | None, span: Span | None, as_of: Seconds | None
    ) -> Ints | None:
        """Return the vids that pass the filters, in order; None when all do."""
        keep = np.ones(len(self.vids), dtype=np.bool_)
        if ordinals is not None:
            keep[:] = False
            for ordinal in ordinals:
                low, high = np.searchsorted(self.vids, [ordinal << 32, (ordinal + 1) << 32])
                keep[low:high] = True
        if span is not None:
            keep &= self._overlap(span)
        if as_of is not None:
            keep &= self.known <= as_of
            if span is not None and span.start >= as_of:  # as in `filters.visible`
                keep &= self.start >= span.start
        return None if keep.all() else self.vids[keep]

    def names(self, vids: Ints) -> list[str]:
        """Return the record ids of vids that are here."""
        return [str(name) for name in self.ids[np.searchsorted(self.vids, vids)]]

    def has(self, vids: Ints) -> Flags:
        """Tell which vids are here."""
        if not len(self.vids):
            return np.zeros(len(vids), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self.vids, vids), len(self.vids) - 1)
        return np.asarray(self.vids[at] == vids, dtype=np.bool_)

    def _overlap(self, span: Span) -> Flags:
        # The same rule as `filters.overlapping`.
        if span.duration > 0:
            inside = (self.end > span.start) | (self.start >= span.start)
            return np.asarray((self.start < span.end) & inside, dtype=np.bool_)
        instant = (self.end == self.start) & (self.start == span.start)
        inside = (self.end > span.start) | instant
        return np.asarray((self.start <= span.start) & inside, dtype=np.bool_)

    def _picked(self, order: Ints) -> Marks:
        return Marks(
            self.vids[order], self.ids[order], self.start[order], self.end[order], self.known[order]
        )


class Dense:
    """A FAISS index of the vectors of one key, and how to change and search it."""

    def __init__(self, index: Any, marks: Marks, dim: int) -> None:
        self.index = index
        self.marks = marks
        self.dim = dim

    @classmethod
    def build(cls, vids: Ints, vectors: Floats, marks: Marks, dim: int) -> Dense:
        """Build an index of these vectors."""
        faiss = load_faiss()
        if len(vids) > HNSW_ABOVE:
            inner = faiss.IndexHNSWFlat(dim, _LINKS, faiss.METRIC_INNER_PRODUCT)
        else:
            inner = faiss.IndexFlatIP(dim)
        index = faiss.IndexIDMap2(inner)
        if len(vids):
            index.add_with_ids(vectors, vids)
        return cls(index, marks, dim)

    @property
    def graph(self) -> bool:
        """Whether candidates come from an HNSW graph."""
        faiss = load_faiss()
        return isinstance(faiss.downcast_index(self.index.index), faiss.IndexHNSW)

    @property
    def worn(self) -> bool:
        """Whether a rebuild would be better: of another kind, or a graph full of dead rows."""
        live = len(self.marks.vids)
        if not self.graph:
            return live > HNSW_ABOVE
        return live <= HNSW_ABOVE // 2 or self.index.ntotal > live * 1.2

    def change(self, drop: Ints, vids: Ints, vectors: Floats, new: Marks) -> None:
        """Remove `drop`, and add or replace `vids`."""
        faiss = load_faiss()
        self.marks = self.marks.changed(drop, new)
        if not self.graph:
            # A graph cannot forget: there dead rows stay and `search` passes over them.
            leaving = np.concatenate([drop, vids])
            if len(leaving):
                self.index.remove_ids(faiss.IDSelectorBatch(leaving))
        if len(vids):
            self.index.add_with_ids(vectors, vids)

    def vectors(self, vids: Ints) -> Floats:
        """Return the stored vectors of `vids`."""
        if not len(vids):
            return np.zeros((0, self.dim), dtype=np.float32)
        return np.asarray(self.index.reconstruct_batch(vids), dtype=np.float32)

    def search(self, query: Floats, k: int, allowed: Ints | None) -> list[tuple[str, float]]:
        """Return (record id, inner product) of the best `k` among `allowed`, ties by id."""
        total = len(self.marks.vids) if allowed is None else len(allowed)
        k = min(k, total)
        if k <= 0:
            return []
        narrow = total < max(1000, len(self.marks.vids) // 5)
        found = self._proposed(query, k, allowed, total) if self.graph and not narrow else None
        if found is None:
            found = self._exact(query, k, allowed, total)
        vectors = self.vectors(found).astype(np.float64)
        scores = (vectors * query.astype(np.float64)).sum(axis=1)
        pairs = zip(self.marks.names(found), scores.tolist(), strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]

    def _exact(self, query: Floats, k: int, allowed: Ints | None, total: int) -> Ints:
        faiss = load_faiss()
        if self.graph:
            flat = faiss.downcast_index(faiss.downcast_index(self.index.index).storage)
            places, vids = self._places(self.marks.vids if allowed is None else allowed)
            selector: Any = faiss.IDSelectorBatch(places)
        else:
            flat, vids, selector = self.index, None, self._selector(allowed)
        params = faiss.SearchParameters(sel=selector) if selector is not None else None
        want = min(total, k + _SPARE)
        while True:
            scores, found = _one(flat, query, want, params)
            if want >= total or scores[k - 1] - scores[-1] > _NEAR:
                break
            want = min(total, want * 4)
        return found if vids is None else vids[np.searchsorted(places, found)]

    def _proposed(self, query: Floats, k: int, allowed: Ints | None, total: int) -> Ints | None:
        """Ask the graph; None when it gave too few rows."""
        faiss = load_faiss()
        want = min(self.index.ntotal, 2 * k + 4 * _SPARE)
        params = faiss.SearchParametersHNSW(efSearch=max(_EFFORT, 2 * want))
        if allowed is not None:
            selector = self._selector(allowed)
            params.sel = selector
        _, found = _one(self.index, query, want, params)
        found = np.unique(found[found >= 0])
        found = found[self.marks.has(found)]
        return found if len(found) >= min(total, k + _SPARE) else None

    def _selector(self, allowed: Ints | None) -> Any:
        faiss = load_faiss()
        if allowed is None:
            return None
        low, high = np.searchsorted(self.marks.vids, [allowed[0], allowed[-1]])
        if high - low + 1 == len(allowed):
            return faiss.IDSelectorRange(int(allowed[0]), int(allowed[-1]) + 1)
        return faiss.IDSelectorBatch(allowed)

    def _places(self, vids: Ints) -> tuple[Ints, Ints]:
        """Return where `vids` lie in a graph's storage, ascending, and the vids in that order."""
        faiss = load_faiss()
        stored = faiss.vector_to_array(self.index.id_map)
        order = np.argsort(stored, kind="stable")
        # A replaced vector was added again: the last of equal ids is the one that counts.
        places = order[np.searchsorted(stored[order], vids, side="right") - 1]
        rank = np.argsort(places)
        return places[rank].astype(np.int64), vids[rank]


def load_faiss() -> Any:
    """Import FAISS; its bindings are generated and have no types worth reading."""
    import faiss

    return faiss


def _one(index: Any, query: Floats, want: int, params: Any) -> tuple[Floats, Ints]:
    faiss = load_faiss()
    # One query gains nothing from more threads: measured 70 ms with two, 14 ms with one.
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        scores, found = index.search(query[None, :], want, params=params)
    finally:
        faiss.omp_set_num_threads(threads)
    return scores[0], found[0]
