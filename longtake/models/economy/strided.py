"""Encoders that take exactly n frames, for any number of frames (INTP, S35).

Each call gets frames spread over the whole clip (frame 0, k, 2k, …; then 1, k + 1, …), as such an
encoder was trained to see; what comes out is put back in order of time. Where frames are missing
the last one is shown again, and what comes of that is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from longtake.errors import UsageError

Frame = TypeVar("Frame")
Out = TypeVar("Out")


def strided(
    frames: Sequence[Frame],
    n: int,
    encode: Callable[[list[Frame]], Sequence[Out]],
    *,
    limit: int | None = None,
    each: int = 1,
) -> list[Out]:
    """Encode any number of frames with an encoder of n.

    Args:
        frames: of one clip, in order.
        n: how many frames the encoder takes.
        encode: n frames → what each became, in the same order.
        limit: positions the reader has for all of it; None: it does not matter.
        each: positions that a frame takes.

    Raises:
        UsageError: there would be more positions than the reader has, or the encoder answered for
            another number of frames.
    """
    if n < 1 or not frames:
        raise UsageError("an encoder of a fixed number of frames needs frames and a number")
    if limit is not None and len(frames) * each > limit:
        raise UsageError(
            f"{len(frames)} frames take {len(frames) * each} positions, the model has {limit}",
            fix="take fewer frames, or pool their tokens first (`fit`)",
        )
    calls = -(-len(frames) // n)
    made: dict[int, Out] = {}
    for call in range(calls):
        index = list(range(call, len(frames), calls))
        given = [frames[at] for at in index] + [frames[-1]] * (n - len(index))
        out = encode(given)
        if len(out) != n:
            raise UsageError(f"an encoder of {n} frames answered for {len(out)}")
        made.update(zip(index, out, strict=False))
    return [made[at] for at in range(len(frames))]
