"""Find the blocks of a stream that a question attends to: token-level attention mass.

For each retrieval head (`Profile`) the question's tokens attend to all stored tokens, by keys that
carry no position; a block's score is the softmax mass inside it, the most over the question's
tokens, summed over heads. One token is enough to find a block, where the mean of its keys would
drown it. What any question attends to is taken off: some blocks, the first above all, catch the
attention of "what", "is" and "the", whatever is asked, and would stand beside the one that answers
(measured: the answering block then has 8 times the score of the next, and 3 times without). Keys
lie in memory with 8 bits (`add`), or are streamed from disk (`MassIndex.over`).

Contract: the softmax is over all tokens that are scanned, with a running maximum and sum: memory is
that of one chunk of keys and of one number for each block, head and question token. The order in
which blocks are given does not matter, ties go to the earlier block. A span, or a candidate of a
coarse search, restricts what is scanned.

Shapes: M heads of the profile, q question tokens, n tokens of a chunk, B blocks, D head size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from longtake.errors import KVError
from longtake.storage.kv.quantize import Coded, Grid, encode
from longtake.storage.kv.shelf import KeyRows, chosen

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.memory.kv.heads import Profile
    from longtake.storage.kv.block import Block
    from longtake.storage.kv.segments import Segments

Spans = Sequence[tuple[float, float]]
CHUNK = 16384
"""Tokens whose keys are unpacked at a time."""
COARSE = 100_000
"""A stream of fewer tokens is scanned whole, whatever candidates a coarse search names."""
_GRID = Grid(bits=8, axis=-2, group=64)


@dataclass(frozen=True, slots=True)
class Hit:
    """A block that was found: its score summed over heads, and its mean over heads, 0 to 1."""

    block: int
    score: float
    p: float


class Ranker(Protocol):
    """What finds blocks of a stream for the queries of a question."""

    @property
    def layers(self) -> Sequence[int]:
        """The layers whose queries it needs."""

    def add(self, block: Block) -> None:
        """Take the next block."""

    def search(
        self, queries: Mapping[int, Tensor], k: int, spans: Spans | None = None
    ) -> list[Hit]:
        """Return the k best blocks, best first; `queries`: layer → [Hq, q, D], not rotated."""


@dataclass(slots=True)
class Times:
    """Which block is when, and which of them a search looks at."""

    of: dict[int, tuple[float, float]] = field(default_factory=dict)

    def add(self, one: int, start: float, end: float) -> None:
        """Note when a block is.

        Raises:
            KVError: it is here already.
        """
        if one in self.of:
            raise KVError(f"block {one} is indexed already", fix="add each block of a stream once")
        self.of[one] = (start, end)

    def within(self, *filters: Spans | None) -> list[int]:
        """Ids of blocks that touch a span of every filter that is given."""
        used = [spans for spans in filters if spans is not None]
        return [
            one for one, (start, end) in sorted(self.of.items())
            if all(any(start < b and a < end for a, b in spans) for spans in used)
        ]  # fmt: skip


class MassIndex:
    """Token-level attention mass over one stream.

    Args:
        profile: the heads.
        neutral: queries of questions about nothing in particular (`Session.neutral`), whose mass is
            taken off that of every question; None: nothing is.
        coarse_from: candidates restrict the scan from so many tokens on.
        chunk: tokens whose keys are unpacked at a time.
    """

    def __init__(
        self, profile: Profile, *, neutral: Mapping[int, Tensor] | None = None,
        coarse_from: int = COARSE, chunk: int = CHUNK,
    ) -> None:  # fmt: skip
        self.profile = profile
        self.neutral = neutral
        self.tokens = 0
        self.scanned = 0
        self._coarse_from = coarse_from
        self._chunk = chunk
        self._times = Times()
        self._own = _Own()
        self._plain: tuple[tuple[int, ...], Tensor] | None = None
        self._source: Callable[[list[int]], Iterator[KeyRows]] = self._from_memory

    @classmethod
    def over(
        cls, segments: Segments, profile: Profile, *, neutral: Mapping[int, Tensor] | None = None,
        until: float | None = None, coarse_from: int = COARSE,
    ) -> MassIndex:  # fmt: skip
        """Search the index keys of a stream on disk as it is now, without keeping them.

        Args:
            segments: the stream.
            profile: the heads.
            neutral: as of the index.
            until: blocks that end later are as if they were not there; None: all are.
            coarse_from: as of the index.
        """
        made = cls(profile, neutral=neutral, coarse_from=coarse_from)
        for row in segments.rows():
            if until is None or row.end <= until:
                made._times.add(row.id, row.start, row.end)
                made.tokens += row.n
        made._source = lambda ids: segments.index_rows(profile.keys, ids=ids, chunk=made._chunk)
        return made

    @property
    def layers(self) -> Sequence[int]:
        """The layers whose queries it needs."""
        return self.profile.layers

    def add(self, block: Block) -> None:
        """Take a block; only its keys of the profile's heads are kept, in 8 bits.

        Raises:
            KVError: it is here already.
        """
        self._times.add(block.id, block.start, block.end)
        self._own.add(block.id, encode(chosen(block.keys, self.profile.keys), _GRID))
        self.tokens += block.n

    def bytes(self) -> int:
        """How much memory its keys take."""
        return self._own.bytes()

    def search(
        self,
        queries: Mapping[int, Tensor],
        k: int,
        spans: Spans | None = None,
        candidates: Spans | None = None,
    ) -> list[Hit]:
        """Return the k blocks with the most mass beyond what any question gives them, best first.

        Args:
            queries: layer → [Hq, q, D], the question's queries, not rotated.
            spans: only blocks that touch one of these, in seconds.
            candidates: the same from a coarse search; it counts in long streams only.
        """
        ids, scores = self.scores(queries, spans, candidates)
        return best(ids, scores, k, len(self.profile.heads))

    def scores(
        self,
        queries: Mapping[int, Tensor],
        spans: Spans | None = None,
        candidates: Spans | None = None,
    ) -> tuple[list[int], Tensor]:
        """Return the ids of all scanned blocks and their scores [B]."""
        import torch

        long = self.tokens >= self._coarse_from
        ids = self._times.within(spans, candidates if long else None)
        self.scanned = len(ids)
        if not ids:
            return [], torch.zeros(0)
        most = self._most(ids, queries)
        if self.neutral is not None:
            if self._plain is None or self._plain[0] != tuple(ids):
                self._plain = tuple(ids), self._most(ids, self.neutral)
            most = (most - self._plain[1].to(most)).clamp_(min=0.0)
        return ids, most.sum(dim=0)

    def _most(self, ids: list[int], queries: Mapping[int, Tensor]) -> Tensor:
        """Return the most mass that any token gives each block [M, B]."""
        import torch

        asked = torch.stack([queries[layer][head] for layer, head in self.profile.heads])
        found, mass = masses(asked, self._spread(ids))
        if found != ids:
            raise KVError("the index keys of some blocks are missing", fix="longtake kv verify")
        return mass.amax(dim=1)

    def _spread(self, ids: list[int]) -> Iterator[KeyRows]:
        """Yield keys with one row for each head of the profile [M, n, D]."""
        keys = self.profile.keys
        places = [keys.index((layer, head // self.profile.group))
                  for layer, head in self.profile.heads]  # fmt: skip
        for rows in self._source(ids):
            yield KeyRows(rows.keys[places], rows.blocks)

    def _from_memory(self, ids: list[int]) -> Iterator[KeyRows]:
        sizes = {one: self._own.sizes[one] for one in ids}
        for few in _few(ids, sizes, self._chunk):
            yield self._own.read(few)


class _Own:
    """Keys in 8 bits, one long row for each key head; new ones are joined when they are read."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self._first: dict[int, tuple[int, int]] = {}
        self._parts: list[Coded] = []
        self._rows = self._groups = 0

    def add(self, one: int, coded: Coded) -> None:
        self.sizes[one] = coded.codes.shape[1]
        self._first[one] = self._rows, self._groups
        self._rows += self.sizes[one]
        self._groups += coded.zero.shape[1]
        self._parts.append(coded)

    def bytes(self) -> int:
        return sum(t.numel() * t.element_size() for one in self._parts for t in one)

    def read(self, ids: Sequence[int]) -> KeyRows:
        import torch

        whole = self._joined()
        sizes = torch.tensor([self.sizes[one] for one in ids])
        first = torch.tensor([self._first[one] for one in ids])
        inside = torch.arange(int(sizes.sum())) - (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
        row, group = (first[:, n].repeat_interleave(sizes) for n in (0, 1))
        row, group = row + inside, group + inside // _GRID.group
        low = whole.zero.float()
        scale = (whole.top.float() - low) / _GRID.levels
        keys = torch.addcmul(low[:, group], whole.codes[:, row].float(), scale[:, group])
        return KeyRows(keys, torch.tensor(ids).repeat_interleave(sizes))

    def _joined(self) -> Coded:
        import torch

        if len(self._parts) > 1:
            joined = [torch.cat(some, dim=1) for some in zip(*self._parts, strict=True)]
            self._parts = [Coded(*joined)]
        return self._parts[0]


def masses(queries: Tensor, rows: Iterable[KeyRows]) -> tuple[list[int], Tensor]:
    """Return block ids in the order met, and the softmax mass of each [M, q, B].

    Args:
        queries: [M, q, D]; their dtype is computed in.
        rows: keys [M, n, D] of whole blocks, chunk after chunk.
    """
    import torch

    ids: list[int] = []
    parts: list[Tensor] = []
    top = queries.new_full(queries.shape[:2], float("-inf"))
    total = torch.zeros_like(top)
    for chunk in rows:
        names, owner = torch.unique_consecutive(chunk.blocks, return_inverse=True)
        logits = queries @ chunk.keys.to(queries).transpose(1, 2) * queries.shape[-1] ** -0.5
        high = logits.amax(dim=-1)
        inside = queries.new_zeros(*top.shape, len(names))
        inside.index_add_(2, owner, (logits - high[..., None]).exp_())
        new = torch.maximum(top, high)
        total = total * (top - new).exp() + inside.sum(dim=-1) * (high - new).exp()
        top = new
        # As logarithms, since what they are a share of is known at the end only.
        parts.append(inside.log_().add_(high[..., None]))
        ids += names.tolist()
    if len(set(ids)) < len(ids):
        raise KVError("a block of the index was given twice, or in pieces")
    return ids, (torch.cat(parts, dim=2) - (top + total.log())[..., None]).exp_()


def best(ids: Sequence[int], scores: Tensor, k: int, heads: int) -> list[Hit]:
    """Return the k highest scores, ties to the earlier block."""
    told = sorted(zip(ids, scores.tolist(), strict=True), key=lambda one: (-one[1], one[0]))
    return [Hit(one, score, score / heads) for one, score in told[:k]]


def drift(scores: Tensor) -> float:
    """Spearman's correlation of scores with their place in the stream: 0 without a drift.

    Equal scores share a rank. Scores that rise with time favour late blocks whatever is asked
    (MemStream, arXiv 2602.18434).
    """
    import torch

    n = len(scores)
    if n < 2:
        return 0.0
    _, which, counts = torch.unique(scores, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return 0.0
    rank = (counts.cumsum(0) - (counts - 1) / 2).double()[which]
    place = torch.arange(n, dtype=torch.float64)
    return float(torch.corrcoef(torch.stack((rank, place)))[0, 1])


def _few(ids: Sequence[int], sizes: Mapping[int, int], tokens: int) -> Iterator[list[int]]:
    """Cut ids into runs of at most so many tokens, or of one block."""
    run: list[int] = []
    held = 0
    for one in ids:
        if run and held + sizes[one] > tokens:
            yield run
            run, held = [], 0
        run.append(one)
        held += sizes[one]
    if run:
        yield run
