"""Fit long evidence into what a model was trained on: places, tokens and frames, without training.

* `fitted`: places of picture tokens are drawn together until the last place is within the trained
  maximum; words keep their steps of one (visual context window extension, S16). `windowed` reads
  blocks at such places.
* `progressive`: the first frame of each group stays full, the others are pooled to a quarter: with
  groups of four, 43.75 % of the tokens (S16).
* `strided`: an encoder that takes exactly n frames sees interleaved subsequences, each spanning the
  whole clip; what it makes is put back into the order of time (S35).
* `ntk_base`: the base of the rotation for a longer context, refused beyond what it can bear (S35).

Shapes: A axes of position (1, or 3: time, row, column), n tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from longtake.errors import UsageError
from longtake.memory.kv.compress import Compress, strategy
from longtake.models.kv.held import Held, assemble, layout
from longtake.storage.kv.block import Block

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.tap import RopeTap

Frame = TypeVar("Frame")
Made = TypeVar("Made")
GROUP = 4
QUARTER = strategy("pooled", keep=0.25)
NTK_MOST = 4.0
"""Beyond this many times the trained length, scaling the base alone is not trusted."""


def fitted(places: Tensor, sight: Tensor, limit: int) -> Tensor:
    """Return places [A, n] in float64, at most `limit` - 1, in the same strict order on each axis.

    The line of places is drawn together evenly wherever a picture lies on it, by one factor for all
    axes, so that rows and columns of a frame keep their proportions. Nothing changes where all
    fits. Fractions are what makes any length fit: a rotation takes them as well as whole numbers.

    Args:
        places: [A, n], whole numbers from 0.
        sight: bool [n], tokens of pictures.
        limit: how many places the model was trained on.

    Raises:
        UsageError: the words alone do not fit.
    """
    import torch

    line = places.to(torch.int64)
    last = int(line.max())
    if last < limit:
        return line.double()
    steps = torch.ones(last + 1, dtype=torch.float64)
    drawn = torch.zeros(last + 1, dtype=torch.bool)
    drawn[line[:, sight].flatten()] = True
    drawn[line[:, ~sight].flatten()] = False
    drawn[last] = False  # No step follows the last place.
    words = last - int(drawn.sum())
    if words >= limit - 1 or not bool(drawn.any()):
        raise UsageError(
            f"{words + 1} places of words do not fit into the {limit} a model was trained on",
            fix="read fewer blocks",
        )
    steps[drawn] = (limit - 1 - words) / int(drawn.sum())
    start = torch.cat((steps.new_zeros(1), steps[:-1].cumsum(0))).clamp(max=limit - 1)
    return start[line]


def windowed(tap: RopeTap, sink: Block | None, blocks: Sequence[Block], limit: int) -> Held:
    """Assemble blocks at places drawn together to fit `limit`; words of a question come after.

    Leave room for the question and its answer: `limit` is what the stream may take.
    """
    import torch

    held = assemble(tap, sink, blocks)
    every = [*([] if sink is None else [sink]), *sorted(blocks, key=lambda block: block.id)]
    # One after the other, as `assemble` puts them: the sink first.
    places = fitted(layout(every), torch.cat([block.tokens for block in every]) < 0, limit)
    keys = tap.rotate(torch.cat([block.keys for block in every], dim=2), places)
    return replace(held, keys=[one[None] for one in keys], next=int(places.max()) + 1)


def progressive(
    frames: Sequence[Block], *, group: int = GROUP, pool: Compress = QUARTER
) -> list[Block]:
    """Return frames with the first of each group as it is and the others pooled."""
    return [one if n % group == 0 else pool(one) for n, one in enumerate(frames)]


def progressive_tokens(frames: int, tokens: int, *, group: int = GROUP, times: int = 4) -> int:
    """How many tokens `progressive` leaves of so many frames of `tokens` tokens."""
    full = -(-frames // group)
    return full * tokens + (frames - full) * -(-tokens // times)


def strided(
    frames: Sequence[Frame], n: int, encode: Callable[[Sequence[Frame]], Sequence[Made]]
) -> list[Made]:
    """Encode any number of frames with an encoder of exactly n; one result a frame, in order.

    Call j of k takes frames j, j + k, j + 2k, …, so every call spans the clip. A call that has
    too few frames gets its last one again, and what comes of the repeats is dropped.

    Raises:
        UsageError: n is less than one, or the encoder did not give one result a frame.
    """
    if n < 1:
        raise UsageError("an encoder takes at least one frame")
    calls = -(-len(frames) // n)
    made: dict[int, Made] = {}
    for call in range(calls):
        index = range(call, len(frames), calls)
        shown = [frames[i] for i in index]
        results = encode([*shown, *[shown[-1]] * (n - len(shown))])
        if len(results) != n:
            raise UsageError(f"an encoder of {n} frames gave {len(results)} results")
        made.update(zip(index, results, strict=False))
    return [made[i] for i in range(len(frames))]


def ntk_base(
    base: float, head_dim: int, trained: int, wanted: int, *, most: float = NTK_MOST
) -> float:
    """Return the base of the rotation that lets `wanted` places be read (NTK-aware scaling).

    Raises:
        UsageError: more than `most` times the trained length is wanted.
    """
    times = wanted / trained
    if times > most:
        raise UsageError(
            f"{wanted} places are {times:.1f} times the {trained} the model was trained on, "
            f"more than {most:g}",
            fix="read fewer blocks, or pool them",
        )
    return base * float(max(1.0, times) ** (head_dim / (head_dim - 2)))
