"""How many tokens each frame gets: slow and fast frames, windows of tokens, frames that stand out.

* `slow_fast`: the first frame and each that is another picture are slow; what resembles the last
  slow one is fast, with a share of its tokens; both so many that all frames together fill a budget
  (Keye-VL 1.5, S23).
* `fit`: groups of frames of which the first is sharper than the rest, pooled step by step until
  all frames fit into the model's window (VCWE, S16).
* `representative`: some frames evenly, and those that are least like any taken (D-CoDe, S15).
* `Tracks`: a small overview that is always read, and all tokens set aside for those who ask for a
  span, with a log of what was read (Slow-Fast, S22).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from longtake.errors import UsageError
from longtake.models.economy.groups import cells
from longtake.models.economy.strategies import by_frame
from longtake.models.economy.tokens import Tokens
from longtake.timecode import Span

if TYPE_CHECKING:
    from torch import Tensor

FAST = 0.3
"""Tokens of a fast frame, as a share of a slow one's."""
GROUP = 4
"""Frames of a group in `fit`."""
_STEPS = ((1, 1), (1, 1 / 4), (1, 1 / 16), (1 / 4, 1 / 16), (1 / 4, 1 / 64), (0, 0))
"""Shares of the first frame of a group and of the others; no share is one token."""


def slow_frames(tokens: Tokens, alike: float = 0.95) -> list[bool]:
    """Which pictures are slow: the mean cosine of their patches with the last slow one's is less."""
    import torch

    unit = tokens.unit()
    reference = torch.zeros(tokens.grid[0] * tokens.grid[1], unit.shape[1], dtype=unit.dtype)
    made: list[bool] = []
    for rows in by_frame(tokens):
        cell = tokens.cell[rows]
        slow = not made or float((unit[rows] * reference[cell]).sum(1).mean()) <= alike
        if slow:
            reference.zero_()
            reference[cell] = unit[rows]
        made.append(slow)
    return made


def slow_fast(tokens: Tokens, budget: int, alike: float = 0.95, fast: float = FAST) -> Tokens:
    """Give slow and fast frames so many tokens that all of them fill the budget.

    Raises:
        UsageError: there are more frames than tokens in the budget.
    """
    slow = slow_frames(tokens, alike)
    _check(len(slow), budget)
    most = tokens.grid[0] * tokens.grid[1]
    low, high = 1, most
    while low < high:  # The most tokens of a slow frame with which all fit.
        middle = (low + high + 1) // 2
        if sum(_given(slow, middle, fast)) <= budget:
            low = middle
        else:
            high = middle - 1
    given = _given(slow, low, fast)
    # A token more a frame, slow ones first, fills what the step from one number to the next left.
    left = budget - sum(given)
    for at in sorted(range(len(slow)), key=lambda n: not slow[n]):
        if left and given[at] < most:
            given[at], left = given[at] + 1, left - 1
    return _pooled(tokens, given)


def _given(slow: list[bool], k: int, fast: float) -> list[int]:
    few = max(1, int(k * fast))
    return [k if one else few for one in slow]


def fit(tokens: Tokens, budget: int) -> Tokens:
    """Pool frames step by step until all tokens fit; then carriers of neighbours are joined."""
    if budget < 1:
        raise UsageError(f"a budget of {budget} tokens holds nothing")
    places = tokens.grid[0] * tokens.grid[1]
    count = sum(1 for _ in by_frame(tokens))
    made = tokens
    for first, rest in _STEPS:
        given = [max(1, int(places * (rest if n % GROUP else first))) for n in range(count)]
        made = _pooled(tokens, given)
        if made.n <= budget:
            return made
    return made.grouped(_rank(made) * budget // count)


def _rank(tokens: Tokens) -> Tensor:
    """The number of each token's picture among those that have any."""
    import torch

    found: Tensor = torch.unique_consecutive(tokens.frame, return_inverse=True)[1]
    return found


def _pooled(tokens: Tokens, given: list[int]) -> Tokens:
    """Pool each picture to its own number of tokens."""
    import torch

    cut = {k: cells(*tokens.grid, k) for k in set(given)}
    most = tokens.grid[0] * tokens.grid[1]
    cell = torch.cat([cut[k][tokens.cell[rows]]
                      for k, rows in zip(given, by_frame(tokens), strict=True)])  # fmt: skip
    return tokens.grouped(tokens.frame * most + cell)


def _check(frames: int, budget: int) -> None:
    if budget < frames:
        raise UsageError(
            f"{frames} frames do not fit into {budget} tokens",
            fix="allow a token for each frame, or take fewer frames",
        )


def representative(tokens: Tokens, n: int, even: float = 0.8) -> Tokens:
    """Keep n whole pictures: a share of them evenly, then those least like any that is kept."""
    import torch

    rows = [*by_frame(tokens)]
    vectors = torch.stack([tokens.embeds[one.to(tokens.embeds.device)].mean(0) for one in rows])
    taken = torch.tensor(picked(vectors.cpu(), n, even))
    kept = torch.isin(_rank(tokens), taken)
    return tokens.chosen(kept.nonzero()[:, 0])


def picked(vectors: Tensor, n: int, even: float = 0.8) -> list[int]:
    """Which n of these frames [frames, d] are taken, in order; see `representative`."""
    import torch

    count = len(vectors)
    n = max(1, min(n, count))
    first = max(1, int(n * even + 0.5))
    taken = {at * count // first for at in range(first)}
    unit = torch.nn.functional.normalize(vectors.double(), dim=1)
    alike = (unit @ unit[sorted(taken)].T).amax(1)
    while len(taken) < n:
        alike[sorted(taken)] = float("inf")
        least = int(alike.argmin())
        taken.add(least)
        alike = torch.maximum(alike, unit @ unit[least])
    return sorted(taken)


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """An overview of fixed size that is always read, and all tokens, read only by span.

    `log` holds the spans that were asked for, in order.
    """

    overview: Tokens
    detail: Tokens
    log: list[Span] = field(default_factory=list)

    @classmethod
    def of(cls, tokens: Tokens, budget: int) -> Tracks:
        """Split what was encoded once; with more frames than tokens, neighbours share one."""
        many = sum(1 for _ in by_frame(tokens)) > budget
        return cls((fit if many else slow_fast)(tokens, budget), tokens)

    def read(self, span: Span) -> Tokens:
        """Return all tokens of the pictures that begin in a span."""
        self.log.append(span)
        time = self.detail.time
        inside = (time >= span.start) & (time < span.end)
        return self.detail.chosen(inside.nonzero()[:, 0])
