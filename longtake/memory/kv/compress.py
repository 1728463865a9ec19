"""Make a block smaller: seven strategies behind one interface, ``Compress = Block -> Block``.

========== ======== ================================================ =================
name       does     how                                              paper
========== ======== ================================================ =================
none       nothing  the block as it is
value_norm evicts   newest frames stay; then what is least like      InfiniPot-V
                    them at the same patch; then largest values
peak_end   evicts   the frame of greatest change and the last stay   LiveStar, S6
                    whole, the rest thins
bucketed   evicts   a share for each stretch of time, chosen by      LiveVLM, S7
                    attention among the block's own tokens
pooled     merges   means of neighbours, or of squares of patches    Video-XL-2, S55
carrier    merges   one mean token a frame                           VideoScan, S39
merge      merges   the most alike pairs, round after round          AIM, S50
========== ======== ================================================ =================

`value_norm` is InfiniPot-V's choice (temporal redundancy, then value norms), made on keys that are
NOT rotated: in the released code cosines are taken of rotated keys, so the same patch looks the
less like itself the older it is. A block has one set of tokens for all layers and heads, so scores
are means over both.

Contract: order, span, id and refs stay. Merging: each token is the mass-weighted mean of its
members, and `sizes` add up to what they were; reading adds log sizes to the scores. Evicting: what
stays is bit-equal and keeps its place; `sizes` are None as before. Words inside a block of pictures
(timestamps) are never pooled. Ties go to the earlier token. Nothing is random.

Shapes: L layers, H key heads, n tokens, D head size, F features = L · H · D.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isqrt, sqrt
from typing import TYPE_CHECKING

from longtake.errors import UsageError
from longtake.models.economy.groups import means, members, paired
from longtake.storage.kv.block import Block

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Compress = Callable[[Block], Block]
Choice = Callable[[Block, int], "Tensor"]
NAMES = ("none", "value_norm", "peak_end", "bucketed", "pooled", "carrier", "merge")
RECENT = 0.25
"""The share of a block's frames that `value_norm` compares the others with."""


def strategy(name: str, *, keep: float = 0.25, frame: int | None = None,
             buckets: int = 8) -> Compress:  # fmt: skip
    """Return the strategy of this name.

    Args:
        name: one of `NAMES`.
        keep: the share of tokens that stays, more than 0 and at most 1; `pooled` takes the mean of
            round(1 / keep) tokens, and `carrier` does not ask.
        frame: tokens of a frame where places do not tell (one axis); None: each token is a moment
            of its own, and to `carrier` the block is one frame.
        buckets: stretches of time of `bucketed`.
    """
    if not 0 < keep <= 1 or buckets < 1 or (frame is not None and frame < 1):
        raise UsageError(
            f"a strategy cannot keep {keep:g} of frames of {frame} tokens in {buckets} buckets",
            fix="keep is more than 0 and at most 1; the others are at least 1",
        )
    evicts: dict[str, Choice] = {
        "value_norm": lambda block, m: by_value(block, m, frame),
        "peak_end": lambda block, m: by_peak(block, m, frame),
        "bucketed": lambda block, m: by_bucket(block, m, frame, buckets),
    }
    if name in evicts:
        return _Evicting(keep, evicts[name])
    merges: dict[str, Compress] = {
        "none": lambda block: block,
        "pooled": lambda block: pooled(block, max(1, round(1 / keep)), frame),
        "carrier": lambda block: carrier(block, frame),
        "merge": lambda block: merged(block, budget(block.n, keep)),
    }
    if name not in merges:
        raise UsageError(f"there is no strategy {name!r}", fix=f"one of: {', '.join(NAMES)}")
    return merges[name]


@dataclass(frozen=True, slots=True)
class _Evicting:
    keep: float
    choose: Choice

    def __call__(self, block: Block) -> Block:
        m = budget(block.n, self.keep)
        return block if m >= block.n else chosen(block, self.choose(block, m))


def budget(n: int, keep: float) -> int:
    """How many of n tokens a share is; never none."""
    return max(1, int(keep * n + 0.5))


def chosen(block: Block, index: Tensor) -> Block:
    """The block with these tokens only, in their order."""
    index = index.sort().values
    return replace(
        block,
        keys=block.keys.index_select(2, index),
        values=block.values.index_select(2, index),
        places=block.places.index_select(1, index),
        tokens=block.tokens.index_select(0, index),
        sizes=None if block.sizes is None else block.sizes.index_select(0, index),
    )


def frames(block: Block, frame: int | None = None) -> Tensor:
    """The frame of each token [n], from 0: by time where there are three axes."""
    import torch

    if block.places.shape[0] == 1:
        return torch.arange(block.n) // (frame or 1)
    time = block.places[0]
    return torch.cat((time.new_zeros(1), time[1:] != time[:-1])).cumsum(0)


def joined(blocks: Sequence[Block]) -> Block:
    """One block of several that follow one another (an event): the first one's id, all refs."""
    import torch

    from longtake.models.kv.held import layout

    sizes = None
    if any(one.sizes is not None for one in blocks):
        sizes = torch.cat([_mass(one) for one in blocks])
    return Block(
        blocks[0].id, min(one.start for one in blocks), max(one.end for one in blocks),
        torch.cat([one.keys for one in blocks], dim=2),
        torch.cat([one.values for one in blocks], dim=2),
        layout(blocks).to(torch.int32), torch.cat([one.tokens for one in blocks]), sizes,
        tuple(dict.fromkeys(ref for one in blocks for ref in one.refs)),
    )  # fmt: skip


def by_value(block: Block, m: int, frame: int | None = None) -> Tensor:
    """Choose m tokens: the newest frames, half by being unlike them, the rest by their values."""
    import torch

    number = frames(block, frame)
    count = int(number[-1]) + 1
    newest = number >= count - max(1, int(count * RECENT))
    taken = torch.zeros(block.n, dtype=torch.bool)
    # A small budget would go to the newest frames alone: there they only serve to compare with.
    if int(newest.sum()) <= m // 2:
        taken |= newest
    alike = _likeness(directions(block.keys), number, newest)
    _take(taken, -alike, min(m // 2, m - int(taken.sum())), among=~newest)
    norms = block.values.to(_wide(block.values)).norm(dim=-1)
    norms = norms / norms.mean(dim=-1, keepdim=True).clamp_min(1e-12)
    _take(taken, norms.mean(dim=(0, 1)), m - int(taken.sum()))
    return taken.nonzero()[:, 0]


def by_peak(block: Block, m: int, frame: int | None = None) -> Tensor:
    """Choose the frame of greatest change and the last, whole, and of the rest every so many.

    The two stay even where they are more than m tokens.
    """
    import torch

    number = frames(block, frame)
    count = int(number[-1]) + 1
    unit = directions(block.keys)
    mean = torch.zeros(count, unit.shape[1], dtype=unit.dtype).index_add_(0, number, unit)
    mean = torch.nn.functional.normalize(mean, dim=1)
    change = 1 - (mean[1:] * mean[:-1]).sum(dim=1)
    peak = int(change.argmax()) + 1 if count > 1 else 0
    taken = (number == peak) | (number == count - 1)
    rest = (~taken).nonzero()[:, 0]
    more = min(m - int(taken.sum()), len(rest))
    if more > 0:
        taken[rest[torch.arange(more) * len(rest) // more]] = True
    return taken.nonzero()[:, 0]


def by_bucket(block: Block, m: int, frame: int | None = None, buckets: int = 8) -> Tensor:
    """Choose m tokens by the attention they get from the block's own tokens, a share a bucket.

    Blocks keep no queries; keys stand in for them. With one bucket the choice is the best m of all,
    which one scene may take whole.
    """
    import torch

    keys = block.keys.to(_wide(block.keys))
    scores = keys @ keys.transpose(-1, -2) * keys.shape[-1] ** -0.5
    got = scores.softmax(dim=-1).mean(dim=(0, 1, 2))
    number = frames(block, frame)
    count = int(number[-1]) + 1
    among = min(buckets, m, count)
    bucket = number * among // count
    taken = torch.zeros(block.n, dtype=torch.bool)
    for one in range(among):
        _take(taken, got, m // among, among=bucket == one)
    _take(taken, got, m - int(taken.sum()))
    return taken.nonzero()[:, 0]


def pooled(block: Block, times: int, frame: int | None = None) -> Block:
    """Means of so many neighbours in a frame, or of squares of patches where rows are known."""
    import torch

    if times == 1:
        return block
    sight = block.tokens < 0
    number = torch.zeros(block.n, dtype=torch.int64)
    if bool(sight.any()) and (frame is not None or block.places.shape[0] > 1):
        number = frames(block, frame)
    side = isqrt(times)
    if block.places.shape[0] > 1 and side * side == times and bool(sight.all()):
        rows, columns = (_inner(axis, number) // side for axis in block.places[1:])
        cell = rows * (int(columns.max()) + 1) + columns
    else:
        cell = _inner(torch.arange(block.n), number) // times
    group = number * (int(cell.max()) + 1) + cell
    if bool(sight.any()):
        # Words between pictures tell the time: each one stays by itself.
        group = torch.where(sight, group, int(group.max()) + 1 + torch.arange(block.n))
    return _grouped(block, group)


def carrier(block: Block, frame: int | None = None) -> Block:
    """One mean token for each frame."""
    import torch

    whole = block.places.shape[0] == 1 and frame is None
    if whole or bool((block.tokens >= 0).all()):
        return _grouped(block, torch.zeros(block.n, dtype=torch.int64))
    return _grouped(block, frames(block, frame))


def merged(block: Block, m: int) -> Block:
    """Merge the most alike pairs until m tokens are left: every other token into the rest.

    Tokens of pictures and words are never merged with each other; a merged token stands where the
    one it was merged into stood.
    """
    import torch

    while block.n > m:
        sight = (block.tokens < 0).long()
        target = paired(directions(block.keys), sight, block.n - m)
        if bool((target == torch.arange(block.n)).all()):
            break
        block = _grouped(block, target, stand=True)
    return block


def directions(keys: Tensor) -> Tensor:
    """Unit rows [n, F] whose products are the mean cosine over all heads of all layers."""
    import torch

    unit = torch.nn.functional.normalize(keys.to(_wide(keys)), dim=-1)
    heads = keys.shape[0] * keys.shape[1]
    return unit.permute(2, 0, 1, 3).reshape(keys.shape[2], -1) / sqrt(heads)


def _likeness(unit: Tensor, number: Tensor, newest: Tensor) -> Tensor:
    """Mean cosine of each token with the same patch of the newest frames [n]."""
    import torch

    patch = _inner(torch.arange(len(number)), number)
    total = torch.zeros(int(patch.max()) + 1, unit.shape[1], dtype=unit.dtype)
    total.index_add_(0, patch[newest], unit[newest])
    seen = torch.zeros(len(total), dtype=unit.dtype)
    seen.index_add_(0, patch[newest], torch.ones(int(newest.sum()), dtype=unit.dtype))
    return (unit * (total / seen.clamp_min(1)[:, None])[patch]).sum(dim=1)


def _take(taken: Tensor, scores: Tensor, m: int, among: Tensor | None = None) -> None:
    """Mark the m best of those that are not taken, the earlier first where scores are equal."""
    free = ~taken if among is None else ~taken & among
    index = free.nonzero()[:, 0]
    order = scores[index].sort(descending=True, stable=True).indices
    taken[index[order[: max(0, m)]]] = True


def _inner(line: Tensor, number: Tensor) -> Tensor:
    """Distance of each token from the least of its frame."""
    import torch

    line = line.to(torch.int64)
    least = torch.full((int(number[-1]) + 1,), int(line.max()), dtype=torch.int64)
    least = least.scatter_reduce(0, number, line, "amin")
    inner: Tensor = line - least[number]
    return inner


def _grouped(block: Block, group: Tensor, *, stand: bool = False) -> Block:
    """Mass-weighted means of tokens with the same group number, in the order of first members.

    Args:
        stand: group numbers are tokens; the merged one keeps that token's place, and the order is
            theirs. Otherwise it takes the mean place, rounded down.
    """
    import torch

    if stand:
        at, member = torch.unique(group, return_inverse=True)
    else:
        member, at = members(group)
    mass = _mass(block)
    sizes = torch.zeros(len(at)).index_add_(0, member, mass)
    keys, values = (means(x, member, mass, dim=2) for x in (block.keys, block.values))
    places = block.places.index_select(1, at) if stand else _mean_places(block, member)
    return replace(block, keys=keys, values=values, places=places,
                   tokens=block.tokens.index_select(0, at), sizes=sizes)  # fmt: skip


def _mean_places(block: Block, member: Tensor) -> Tensor:
    """Mean places [A, groups] of the members of each group, rounded down."""
    import torch

    count = member.bincount()
    total = torch.zeros(block.places.shape[0], len(count), dtype=torch.int64)
    total.index_add_(1, member, block.places.to(torch.int64))
    return (total // count).to(torch.int32)


def _mass(block: Block) -> Tensor:
    import torch

    return torch.ones(block.n) if block.sizes is None else block.sizes.to(torch.float32)


def _wide(x: Tensor) -> torch.dtype:
    import torch

    return torch.float64 if x.dtype == torch.float64 else torch.float32
