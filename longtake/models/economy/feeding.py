"""Read reduced tokens with the model's own text part: input vectors, positions, sizes, answers.

A `Line` is everything one call reads: words before, the video's units with the tokens that were
left, words after. Positions are those that the model itself gives the whole video, so a token that
was evicted leaves a gap, and the result is the model's own with that token masked. Merged tokens
add the log of their size to the scores of attention, as if each member stood there.

Where a video goes beyond what the model was trained on, `drawn` draws the positions of its pictures
together and leaves words one apart (VCWE, S16). `gaps=False` lets pictures follow each other as if
those of which nothing is left had never been; inside a picture places stay.

Shapes: n tokens, d width, A axes of position.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from longtake.errors import UsageError
from longtake.models.economy.tokens import Tokens, sizes, units
from longtake.models.kv.adapters.family import FrameTokens

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.adapters import Adapter
    from longtake.models.kv.tap import RopeTap


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What one call reads.

    Attributes:
        embeds: [1, n, d].
        positions: [A, n]; whole numbers unless they were drawn together.
        tokens: int64 [n], -1 for pictures.
        size: float64 [n], how many tokens each stands for.
        extras: further arguments of the text model.
    """

    embeds: Tensor
    positions: Tensor
    tokens: Tensor
    size: Tensor
    extras: dict[str, Any]


def line(
    adapter: Adapter, before: Sequence[int], whole: Sequence[FrameTokens], tokens: Tokens,
    after: Sequence[int], *, gaps: bool = True,
) -> Line:  # fmt: skip
    """Put a video's tokens between words.

    Args:
        adapter: of the model that will read.
        before: token ids.
        whole: the units of the video as they were seen, from its start.
        tokens: what is left of them.
        after: token ids.
        gaps: pictures of which nothing is left keep their positions.
    """
    import torch

    left = units(whole, tokens)
    parts: list[FrameTokens] = []
    places: list[Tensor] = []

    def stand(unit: FrameTokens | None, at: Tensor | int) -> int:
        if unit is None or not unit.tokens.numel():
            return 0
        parts.append(unit)
        places.append(unit.places.long() + at)
        return unit.width

    at = stand(adapter.words(before), 0)
    at += stand(adapter.opening(), at)
    leads, passed = _leads(adapter, whole, None if gaps else {unit.start for unit in left})
    for unit in left:
        stand(unit, torch.tensor(leads[unit.start])[:, None] + at)
    at += passed
    at += stand(adapter.closing(), at)
    stand(adapter.words(after), at)
    return _line(adapter, parts, torch.cat(places, dim=1), tokens)


def _leads(
    adapter: Adapter, whole: Sequence[FrameTokens], only: Collection[float] | None
) -> tuple[dict[float, tuple[int, ...]], int]:
    """Where each unit begins after the video's start, by its time, and how long the video is.

    A unit is as wide as it was, whatever is left of it; those that are not among `only` take none.
    """
    leads, passed = {}, 0
    for unit in whole:
        if only is None or unit.start in only:
            leads[unit.start] = adapter.lead(passed, unit.start - whole[0].start)
            passed = adapter.after(passed, unit)
    return leads, passed


def _line(adapter: Adapter, parts: list[FrameTokens], places: Tensor, tokens: Tokens) -> Line:
    import torch

    framed = [part for part in parts if part.lead]
    first = parts.index(framed[0]) if framed else 0
    lead = sum(len(part.tokens) for part in parts[:first])
    kept = sizes(framed, tokens) if framed else torch.zeros(0, dtype=torch.float64)
    whole = torch.ones(places.shape[1], dtype=torch.float64)
    whole[lead : lead + len(kept)] = kept
    return Line(
        torch.cat([part.embeds for part in parts], dim=1), places,
        torch.cat([part.tokens for part in parts]), whole, adapter.extras(parts),
    )  # fmt: skip


def drawn(made: Line, limit: int) -> Line:
    """Draw the positions of pictures together so that all positions are below `limit`.

    Words that follow words stay one apart; every other step shrinks by the same factor, alike on
    all axes, so whatever was before something else is so still.

    Raises:
        UsageError: the words alone take more positions.
    """
    import torch

    most = int(made.positions.max())
    if most < limit:
        return made
    words = torch.zeros(most + 1, dtype=torch.bool)
    words[made.positions[0, made.tokens >= 0]] = True
    stay = words[1:] & words[:-1]
    fixed = int(stay.sum())
    if fixed + 1 >= limit:
        raise UsageError(
            f"the words of this line take {fixed + 1} of {limit} positions",
            fix="ask in fewer words, or use a model with a longer context",
        )
    # A step on the last place before the limit is left to what is written.
    step = torch.where(stay, 1.0, (limit - 2 - fixed) / (most - fixed)).double()
    moved = torch.cat((torch.zeros(1, dtype=torch.float64), step.cumsum(0)))
    return replace(made, positions=moved[made.positions])


def scores(tap: RopeTap, made: Line) -> Tensor:
    """Return the scores of all words after each token, [1, n, vocabulary]."""
    return tap.logits(tap.run(**_given(made)).hidden)


def write(tap: RopeTap, made: Line, *, max_tokens: int, stops: Collection[int] = ()) -> list[int]:
    """Write greedily what follows a line; a stop ends it and is not part of it."""
    import torch

    run = tap.run(**_given(made))
    said: list[int] = []
    at = made.positions.max(dim=1).values.max() + 1
    while len(said) < max_tokens:
        best = int(tap.logits(run.hidden[:, -1:])[0, -1].argmax())
        if best in stops:
            break
        said.append(best)
        if len(said) < max_tokens:
            run = tap.run(torch.tensor([best]), positions=at.reshape(1, 1), held=run.held)
            at = at + 1
    return said


def _given(made: Line) -> dict[str, Any]:
    """The arguments of a tap's run."""
    alone = bool((made.size == 1).all())
    return {
        "embeds": made.embeds, "positions": made.positions, "extras": made.extras,
        "bias": None if alone else made.size.log(),
    }  # fmt: skip
