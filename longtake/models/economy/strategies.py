"""Strategies that make fewer tokens of many, ``Tokens -> Tokens``.

======== ======== ============================================================== ==============
name     does     how                                                            paper
======== ======== ============================================================== ==============
drop     evicts   what is like the last KEPT token at its place, with a refresh  TimeChat, S10
distinct evicts   whole frames of which little differs from the last kept one    TimeChat, S10
prune    evicts   what is most like its frame and the frames before              STC, S1
static   merges   patches that stand still, over the windows that save most      HoliTom, S33
merge    merges   the most alike pairs, round after round, with masses           AIM, S50
pool     merges   neighbours in a frame                                          Slow-Fast, S22
carrier  merges   one token a frame                                              VideoScan, S39
======== ======== ============================================================== ==============

`drop` against the frame before (the control) never sees a slow fade; against the last kept token it
does. `static` compares all frames of a window with its first for the same reason, and never holds
more than one window of comparisons. The contract is that of `longtake.models.economy.tokens`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from longtake.models.economy.groups import ROUND, cells, paired
from longtake.models.economy.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor


def by_frame(tokens: Tokens) -> Iterator[Tensor]:
    """Give the tokens of each picture that has any, in order."""
    import torch

    if tokens.n:
        _, counts = torch.unique_consecutive(tokens.frame, return_counts=True)
        yield from torch.split(torch.arange(tokens.n), counts.tolist())


class Drop:
    """Differential token drop: keep a token when it differs from what was kept at its place.

    It remembers from call to call, so a stream may come in any stretches.

    Args:
        threshold: the cosine from which two tokens are the same.
        refresh: pictures after which one is kept whole; 0: never.
        against: `kept`, the last kept token; `previous`, the picture before (the control: blind
            to slow change).
    """

    def __init__(
        self, threshold: float = 0.9, refresh: int = 64,
        against: Literal["kept", "previous"] = "kept",
    ) -> None:  # fmt: skip
        self.threshold, self.refresh, self.against = threshold, refresh, against
        self._reference: Tensor | None = None
        self._since = 0

    def __call__(self, tokens: Tokens) -> Tokens:
        """Keep what changed."""
        import torch

        unit = tokens.unit()
        places = tokens.grid[0] * tokens.grid[1]
        if self._reference is None:
            self._reference = torch.zeros(places, unit.shape[1], dtype=unit.dtype)
        kept = torch.zeros(tokens.n, dtype=torch.bool)
        for rows in by_frame(tokens):
            cell = tokens.cell[rows]
            # A reference of zeros is like nothing: what was never seen is kept.
            fresh = (unit[rows] * self._reference[cell]).sum(1) < self.threshold
            self._since = 0 if bool(fresh.all()) else self._since + 1
            if self.refresh and self._since >= self.refresh:
                fresh[:] = True
                self._since = 0
            renewed = fresh if self.against == "kept" else torch.ones_like(fresh)
            self._reference[cell[renewed]] = unit[rows[renewed]]
            kept[rows] = fresh
        return tokens.chosen(kept.nonzero()[:, 0])


def distinct(tokens: Tokens, share: float = 0.25, threshold: float = 0.9) -> Tokens:
    """Keep the pictures of which more than a share of tokens differs from the last kept picture."""
    import torch

    unit = tokens.unit()
    reference = torch.zeros(tokens.grid[0] * tokens.grid[1], unit.shape[1], dtype=unit.dtype)
    kept: list[Tensor] = []
    for rows in by_frame(tokens):
        cell = tokens.cell[rows]
        fresh = (unit[rows] * reference[cell]).sum(1) < threshold
        if not kept or float(fresh.double().mean()) > share:
            reference[cell] = unit[rows]
            kept.append(rows)
    return tokens.chosen(torch.cat(kept)) if kept else tokens


def kept_shares(before: Tokens, after: Tokens) -> Tensor:
    """The share of each picture's tokens that a strategy kept, [frames]; 1 where all is new.

    After `drop` its peaks are the cuts of the video (S10), free of charge.
    """
    import torch

    first = int(before.frame[0])
    counts = [torch.bincount(one.frame - first, minlength=before.frames).double()
              for one in (before, after)]  # fmt: skip
    return counts[1] / counts[0].clamp_min(1)


def cuts(shares: Tensor, level: float = 0.7) -> list[int]:
    """The pictures at which another scene begins: most of their tokens are new."""
    found = (shares >= level).nonzero()[:, 0].tolist()
    return [one for one in found if one]


class Prune:
    """Keep of each picture the tokens least like its mean and the mean of those before it.

    Args:
        keep: the share of a picture's tokens that stays.
        history: pictures remembered; the release remembers all, for ever.
    """

    def __init__(self, keep: float = 0.25, history: int = 16) -> None:
        self.keep = keep
        self._means: deque[Tensor] = deque(maxlen=history)

    def __call__(self, tokens: Tokens) -> Tokens:
        """Keep the most novel of each picture."""
        import torch

        unit = tokens.unit()
        kept = []
        for rows in by_frame(tokens):
            mean = unit[rows].mean(0)
            past = torch.stack([*self._means]).mean(0) if self._means else mean
            ties = torch.nn.functional.normalize(torch.stack((mean, past)), dim=1)
            alike = (unit[rows] @ ties.T).sum(1)
            m = max(1, int(self.keep * len(rows) + 0.5))
            kept.append(rows[alike.sort(stable=True).indices[:m]])
            self._means.append(mean)
        return tokens.chosen(torch.cat(kept)) if kept else tokens


def pool(tokens: Tokens, k: int) -> Tokens:
    """Make at most k tokens of each picture, each the mean of neighbours."""
    count = max(1, k)
    cell = cells(*tokens.grid, count)[tokens.cell]
    return tokens.grouped(tokens.frame * (int(cell.max()) + 1) + cell) if tokens.n else tokens


def carrier(tokens: Tokens) -> Tokens:
    """Make one token of each picture."""
    return pool(tokens, 1)


def merge(tokens: Tokens, m: int) -> Tokens:
    """Merge the most alike pairs of the whole stretch until m tokens are left."""
    import torch

    m = max(1, m)
    while tokens.n > m:
        kind = torch.zeros(tokens.n, dtype=torch.int64)
        most = max(1, tokens.n // ROUND)
        tokens = tokens.grouped(paired(tokens.unit(), kind, min(most, tokens.n - m)))
    return tokens


def static(tokens: Tokens, threshold: float = 0.8, longest: int = 64) -> Tokens:
    """Make one token of each patch that stands still, over the windows of time that save most.

    Args:
        threshold: the cosine to the window's first picture from which a patch stands still.
        longest: pictures of a window at most.
    """
    import torch

    if not tokens.n:
        return tokens
    table = _table(tokens)
    still = _still(tokens.unit(), table, threshold, longest)
    saved = [row.sum(1) * torch.arange(len(row)) for row in still]
    group = torch.arange(tokens.n)
    for begin, end in windows(saved):
        index = table[begin:end, still[begin][end - begin - 1]]
        group[index] = index[:1].expand_as(index)
    return tokens.grouped(group)


def windows(saved: list[Tensor]) -> list[tuple[int, int]]:
    """Cut time into the windows that save most, by dynamic programming.

    Args:
        saved: for each picture, what windows that begin there save, of 1, 2, … pictures.

    Returns:
        Begins and ends of half-open windows that follow each other; of equals, the earliest begin
        for each end, so that windows are long.
    """
    count = len(saved)
    best, back = [0.0] + [float("-inf")] * count, [0] * (count + 1)
    for begin in range(count):
        for length, value in enumerate(saved[begin].tolist(), 1):
            end = begin + length
            if best[begin] + value > best[end]:
                best[end], back[end] = best[begin] + value, begin
    made, end = [], count
    while end:
        made.append((back[end], end))
        end = back[end]
    return made[::-1]


def _table(tokens: Tokens) -> Tensor:
    """The token at each picture and place [T, P], -1 where it was taken away."""
    import torch

    _, frame = torch.unique_consecutive(tokens.frame, return_inverse=True)
    table = torch.full((int(frame.max()) + 1, tokens.grid[0] * tokens.grid[1]), -1)
    table[frame, tokens.cell] = torch.arange(tokens.n)
    return table


def _still(unit: Tensor, table: Tensor, threshold: float, longest: int) -> list[Tensor]:
    """For each picture bool [L, P]: which places stand still for 1, 2, … L pictures from there."""
    made = []
    for begin in range(len(table)):
        rows = table[begin : begin + longest]
        alike = (unit[rows] * unit[rows[0]]).sum(-1) >= threshold
        there = (rows >= 0) & (rows[:1] >= 0)
        still = (alike & there).cummin(0).values
        still[0] = there[0]
        made.append(still)
    return made


def uniform(tokens: Tokens, frames: int) -> Tokens:
    """Keep so many whole pictures, evenly spread (a control)."""
    import torch

    have = torch.unique_consecutive(tokens.frame)
    m = max(1, min(frames, len(have)))
    picked = have[torch.arange(m) * len(have) // m]
    return tokens.chosen(torch.isin(tokens.frame, picked).nonzero()[:, 0])


def chance(tokens: Tokens, m: int, seed: int = 0) -> Tokens:
    """Keep m tokens by chance, from a seed (a control)."""
    import torch

    by = torch.Generator().manual_seed(seed)
    return tokens.chosen(torch.randperm(tokens.n, generator=by)[: max(1, m)])
