"""From frames to the vectors and positions a model family reads.

A unit (`FrameTokens`) is the least a family can look at: one frame, or two where its encoder joins
frames in pairs. It begins at position 0 of its own, so that it can be put anywhere; `lead` tells
where the model itself would put it after the first unit of the same video, so that

    positions in one pass = start of the video + lead + places

whatever chunks the frames came in. Shapes: n tokens, d width, A axes of position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from longtake.errors import UsageError
from longtake.models.kv.adapters.pixels import Look
from longtake.models.kv.refusals import decoder_of, layers_of
from longtake.models.protocols import Image

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class FrameTokens:
    """One unit as a model reads it.

    Attributes:
        embeds: [1, n, d] input vectors.
        places: int32 [A, n] positions inside the unit, from 0.
        tokens: int64 [n] token ids; -1 for tokens of a picture.
        start: seconds; the span is half-open.
        end: seconds.
        lead: for each axis, how far after the first unit of its video the model puts it.
        extras: more arguments of the text model for these tokens.
    """

    embeds: Tensor
    places: Tensor
    tokens: Tensor
    start: float
    end: float
    lead: tuple[int, ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """How many positions it takes."""
        return int(self.places.max()) + 1


class Adapter(Protocol):
    """What the memory asks of a family."""

    name: ClassVar[str]
    group: int
    axes: int
    decoder: Any
    layers: list[Any]
    embeddings: Any
    head: Any

    def words(self, ids: Sequence[int], start: float = 0.0, end: float = 0.0) -> FrameTokens:
        """Return text as a unit."""

    def see(
        self, frames: Sequence[Image], times: Sequence[float], step: float
    ) -> list[FrameTokens]:
        """Return units for frames at these times, each shown for `step` seconds."""

    def lead(self, passed: int, seconds: float) -> tuple[int, ...]:
        """Where a unit begins, `passed` positions and `seconds` after the first of its video."""

    def after(self, passed: int, unit: FrameTokens) -> int:
        """How many positions have passed after this unit."""

    def opening(self) -> FrameTokens | None:
        """Return what stands before the first frame of a video, once."""

    def closing(self) -> FrameTokens | None:
        """Return what stands after the last frame of a video, once."""

    def extras(self, units: Sequence[FrameTokens]) -> dict[str, Any]:
        """Return the further arguments for units that are run together."""


class Family:
    """What most families share; those that differ say so."""

    name: ClassVar[str] = ""
    look: ClassVar[Look] = Look()
    writes: ClassVar[bool] = False

    def __init__(
        self, model: Any, tokenizer: Any = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        if self.writes and tokenizer is None:
            raise UsageError(f"{self.name} writes times beside its frames and needs its tokenizer")
        self.model, self.config, self.tokenizer = model, model.config, tokenizer
        self.scaling = self.look.changed(settings or {})
        self.decoder = decoder_of(model)
        self.layers = layers_of(self.decoder)
        self.embeddings = model.get_input_embeddings()
        self.head = model.get_output_embeddings()
        rope = getattr(self.decoder.config, "rope_parameters", None) or {}
        self.axes = 3 if "mrope_section" in rope else 1
        self.group = 1

    def words(self, ids: Sequence[int], start: float = 0.0, end: float = 0.0) -> FrameTokens:
        """Return text as a unit."""
        import torch

        tokens = torch.tensor(list(ids), dtype=torch.long)
        with torch.no_grad():
            embeds = self.embeddings(tokens.to(self.embeddings.weight.device))[None]
        places = torch.arange(len(tokens), dtype=torch.int32).expand(self.axes, -1)
        return FrameTokens(embeds, places, tokens, start, end)

    def see(
        self, frames: Sequence[Image], times: Sequence[float], step: float
    ) -> list[FrameTokens]:
        """Return units for frames; a family for text has none."""
        raise UsageError(
            f"{self.name} reads no frames", fix="give it text, or use a model that sees"
        )

    def picture(self, vectors: Tensor, grid: tuple[int, int] | None = None) -> FrameTokens:
        """Return the tokens of one picture [n, d]; with a grid, by row and column."""
        import torch

        n = vectors.shape[0]
        if grid is None:
            places = torch.arange(n, dtype=torch.int32)[None]
        else:
            rows = torch.arange(grid[0], dtype=torch.int32).repeat_interleave(grid[1])
            columns = torch.arange(grid[1], dtype=torch.int32).repeat(grid[0])
            places = torch.stack((torch.zeros_like(rows), rows, columns))
        tokens = torch.full((n,), -1, dtype=torch.long)
        return FrameTokens(vectors[None].to(self.embeddings.weight), places, tokens, 0.0, 0.0)

    def lead(self, passed: int, seconds: float) -> tuple[int, ...]:
        """One unit after the other."""
        return (passed,) * self.axes

    def after(self, passed: int, unit: FrameTokens) -> int:
        """One unit after the other."""
        return passed + unit.width

    def opening(self) -> FrameTokens | None:
        """Nothing."""
        return None

    def closing(self) -> FrameTokens | None:
        """Nothing."""
        return None

    def extras(self, units: Sequence[FrameTokens]) -> dict[str, Any]:
        """Nothing."""
        return {}


def joined(parts: Sequence[FrameTokens], start: float, end: float) -> FrameTokens:
    """Return parts as one unit, each placed after the one before."""
    import torch

    places, at = [], 0
    for part in parts:
        places.append(part.places + at)
        at += part.width
    return FrameTokens(
        torch.cat([part.embeds for part in parts], dim=1),
        torch.cat(places, dim=1),
        torch.cat([part.tokens for part in parts]),
        start,
        end,
    )


class Reader:
    """Turns the frames of one video into units, in whatever chunks they come.

    Args:
        adapter: of the model that will read them.
        step: seconds from one frame to the next.
    """

    def __init__(self, adapter: Adapter, step: float) -> None:
        self._adapter, self._step = adapter, step
        self._frames: list[Image] = []
        self._times: list[float] = []
        self._zero: float | None = None
        self.width = 0  # How many positions the video takes so far in one pass of the model.

    def feed(self, frames: Sequence[Image], times: Sequence[float]) -> list[FrameTokens]:
        """Return the units that are complete; frames that want a partner wait for it."""
        if len(frames) != len(times):
            raise UsageError(f"{len(times)} times were given for {len(frames)} frames")
        self._frames += frames
        self._times += times
        whole = len(self._frames) - len(self._frames) % self._adapter.group
        if not whole:
            return []
        units = self._adapter.see(self._frames[:whole], self._times[:whole], self._step)
        del self._frames[:whole], self._times[:whole]
        return [self._placed(unit) for unit in units]

    def close(self) -> list[FrameTokens]:
        """Return what waited, its last frame shown again as the models do."""
        missing = -len(self._frames) % self._adapter.group
        return self.feed(self._frames[-1:] * missing, self._times[-1:] * missing)

    def _placed(self, unit: FrameTokens) -> FrameTokens:
        self._zero = unit.start if self._zero is None else self._zero
        lead = self._adapter.lead(self.width, unit.start - self._zero)
        self.width = self._adapter.after(self.width, unit)
        return replace(unit, lead=lead)
