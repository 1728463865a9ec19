"""Encode a stream once: sink, window and chunk; blocks come out as soon as they are complete.

The queries of a chunk see the sink (the prompt's first tokens, never evicted: StreamingLLM, S20),
every block whose last token is within the window of the chunk's first token, and each other
causally. Places are counted anew whenever the window has moved on by its own length (`Window`), so
they never exceed sink + two windows + block + chunk however long the stream is. Tokens of pictures
may have a shorter window than words (S34). Blocks are encoded in this context, always: one that is
encoded alone is of no use to its reader.

A `Unit` is what arrives: tokens of a line of text, or the input vectors of a frame. A block of text
is of whole lines, so that what a line says is found and read in one piece: it ends before a line
that does not fit, unless it is not half full. Only lines longer than a block are cut. A frame is a
block by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from longtake.errors import UsageError
from longtake.models.kv.window import Window
from longtake.storage.kv.block import Block
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.tap import Pass, RopeTap

SINK = -1
"""The id of the sink's block."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """What arrives: `ids` [n] of text, or `embeds` [1, n, d] of a frame with `places` [A, n]."""

    start: Seconds
    end: Seconds
    ids: Tensor | None = None
    embeds: Tensor | None = None
    places: Tensor | None = None
    extras: dict[str, Any] | None = None
    refs: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """How many tokens it has."""
        given = self.ids if self.ids is not None else self.embeds
        if given is None:
            raise UsageError("a unit of a stream has neither ids nor embeds")
        return int(given.shape[-1] if self.ids is not None else given.shape[1])


@dataclass(slots=True, eq=False)
class _Piece:
    """Tokens of one unit that wait to be encoded, or that were and wait for their block.

    `last` where the block ends with them.
    """

    unit: Unit
    tokens: Tensor
    last: bool = False


@dataclass(slots=True, eq=False)
class _Open:
    """The block that is being filled: what was encoded of it, and of which units."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    pieces: list[_Piece] = field(default_factory=list)

    @property
    def n(self) -> int:
        return sum(one.shape[2] for one in self.keys)


class StreamEncoder:
    """Feeds a stream to a tapped model and hands out its blocks.

    Args:
        tap: an installed tap.
        sink_ids: token ids [s] of the prompt that comes before the stream; it may be empty.
        window: tokens of the stream that a chunk sees before it.
        sight_window: the same for tokens of pictures, each kind then counting its own only; None:
            one window over both.
        chunk: text tokens that are encoded in one pass.
        block: text tokens of a block; half as many more where a line would be cut.
        compress: what is done to a block when it is handed out; the window keeps it whole.
    """

    def __init__(
        self,
        tap: RopeTap,
        sink_ids: Tensor,
        *,
        window: int = 1024,
        sight_window: int | None = None,
        chunk: int = 64,
        block: int = 64,
        compress: Callable[[Block], Block] | None = None,
    ) -> None:
        if min(window, chunk, block) < 1:
            raise UsageError("window, chunk and block of a stream are at least one token")
        self._tap = tap
        self._window, self._chunk, self._block = window, chunk, block
        self._sight_window = sight_window
        self._compress = compress
        self.sink = sink_block(tap, sink_ids) if sink_ids.numel() else None
        self._placed = Window(tap, self.sink, window)
        self._recent: list[Block] = []
        self._open = _Open()
        self._waiting: list[_Piece] = []
        self.blocks = 0
        self.tokens = 0

    @property
    def recent(self) -> list[Block]:
        """The blocks of the window, whole, oldest first."""
        return list(self._recent)

    def feed(self, unit: Unit) -> list[Block]:
        """Take the next unit; return the blocks that are complete, oldest first."""
        if unit.ids is None:
            return [*self.close(), self._frame(unit)]
        made: list[Block] = []
        for at in range(0, unit.n, self._block):
            made += self._queue(_Piece(unit, unit.ids[at : at + self._block]))
        while sum(len(piece.tokens) for piece in self._waiting) >= self._chunk:
            made += self._encode(self._chunk)
        return made

    def close(self) -> list[Block]:
        """Encode what waits and hand out the last block, however short."""
        made: list[Block] = []
        while waiting := sum(len(piece.tokens) for piece in self._waiting):
            made += self._encode(min(waiting, self._chunk))
        return made + self._shut() if self._open.n else made

    def _queue(self, piece: _Piece) -> list[Block]:
        """Let a line, or part of one, wait; return the open block if it ends before that."""
        filled, size = self._filled(), len(piece.tokens)
        ends = 2 * filled >= self._block and filled + size > self._block
        if ends and self._waiting:
            self._waiting[-1].last = True
        piece.last = (0 if ends else filled) + size >= self._block
        made = self._shut() if ends and not self._waiting else []
        self._waiting.append(piece)
        return made

    def _filled(self) -> int:
        """Tokens of the block that will be open once everything that waits is encoded."""
        filled = self._open.n
        for piece in self._waiting:
            filled = 0 if piece.last else filled + len(piece.tokens)
        return filled

    def _shut(self) -> list[Block]:
        """Hand out the open block as it is."""
        full, self._open = self._open, _Open()
        return [self._hand_out(self._whole(full))]

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that a later `restore` goes on from: tensors, and values for JSON."""
        import torch

        tensors: dict[str, Tensor] = {}
        rows: list[dict[str, Any]] = []
        for n, block in enumerate(self._recent):
            rows.append({"id": block.id, "start": block.start, "end": block.end,
                         "refs": list(block.refs)})  # fmt: skip
            for name in ("keys", "values", "places", "tokens"):
                tensors[f"recent.{n}.{name}"] = getattr(block, name).contiguous()
        if self._open.n:
            tensors["open.keys"] = torch.cat(self._open.keys, 2).contiguous()
            tensors["open.values"] = torch.cat(self._open.values, 2).contiguous()
        return tensors, {
            "recent": rows, "open": _rows(self._open.pieces), "waiting": _rows(self._waiting),
            "blocks": self.blocks, "tokens": self.tokens, "next": self._placed.next,
        }  # fmt: skip

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Go on where `state` was taken; the model, the sink and all sizes must be the same."""
        self._recent = [
            Block(row["id"], row["start"], row["end"], refs=tuple(row["refs"]),
                  **{name: tensors[f"recent.{n}.{name}"]
                     for name in ("keys", "values", "places", "tokens")})
            for n, row in enumerate(values["recent"])
        ]  # fmt: skip
        self._open = _Open(pieces=_pieces(values["open"]))
        if "open.keys" in tensors:
            self._open.keys, self._open.values = [tensors["open.keys"]], [tensors["open.values"]]
        self._waiting = _pieces(values["waiting"])
        self.blocks, self.tokens = values["blocks"], values["tokens"]
        self._placed = Window(self._tap, self.sink, self._window, next=values.get("next"))

    def _encode(self, n: int) -> list[Block]:
        """Encode n waiting tokens of text, and cut what is full into blocks."""
        import torch

        pieces = self._take(n)
        ids = torch.cat([piece.tokens for piece in pieces])
        made = self._run(torch.arange(n, dtype=torch.int32)[None], ids=ids)
        return self._cut(made, pieces)

    def _take(self, n: int) -> list[_Piece]:
        taken: list[_Piece] = []
        while n:
            piece = self._waiting[0]
            if len(piece.tokens) <= n:
                taken.append(self._waiting.pop(0))
            else:
                taken.append(_Piece(piece.unit, piece.tokens[:n]))
                self._waiting[0] = _Piece(piece.unit, piece.tokens[n:], piece.last)
            n -= len(taken[-1].tokens)
        return taken

    def _cut(self, made: Pass, pieces: Sequence[_Piece]) -> list[Block]:
        """Add what a pass made to the open block; return those that got full by it."""
        done: list[Block] = []
        at = 0
        for piece in pieces:
            size = len(piece.tokens)
            self._open.keys.append(made.keys[:, :, at : at + size])
            self._open.values.append(made.values[:, :, at : at + size])
            self._open.pieces.append(piece)
            at += size
            if piece.last:
                done += self._shut()
        return done

    def _whole(self, some: _Open) -> Block:
        """The open block as it is now."""
        import torch

        units = list(dict.fromkeys(piece.unit for piece in some.pieces))
        n = some.n
        return Block(
            self.blocks, units[0].start, max(unit.end for unit in units),
            torch.cat(some.keys, dim=2), torch.cat(some.values, dim=2),
            torch.arange(n, dtype=torch.int32)[None].expand(self._tap.axes, n).contiguous(),
            torch.cat([piece.tokens for piece in some.pieces]).long(),
            refs=tuple(dict.fromkeys(ref for unit in units for ref in unit.refs)),
        )  # fmt: skip

    def _frame(self, unit: Unit) -> Block:
        """Encode a frame: a block by itself, at an origin of its own on every axis."""
        import torch

        if unit.embeds is None or unit.places is None:
            raise UsageError("a frame needs its input vectors and their places")
        made = self._run(unit.places, embeds=unit.embeds, extras=unit.extras)
        return self._hand_out(Block(
            self.blocks, unit.start, unit.end, made.keys, made.values,
            unit.places.to(torch.int32), torch.full((unit.n,), -1), refs=unit.refs,
        ))  # fmt: skip

    def _hand_out(self, block: Block) -> Block:
        self.blocks += 1
        self._recent.append(block)
        return self._compress(block) if self._compress is not None else block

    def _in_reach(self) -> list[Block]:
        """The blocks that the next chunk sees; the others leave the window for good."""
        apart = self._sight_window is not None
        behind = {False: self._open.n, True: 0}
        kept: list[Block] = []
        for block in reversed(self._recent):
            sight = apart and int(block.tokens[0]) < 0
            if behind[sight] < (self._sight_window or 0 if sight else self._window):
                kept.append(block)
            behind[sight] += block.n
        self._recent = kept[::-1]
        return self._recent

    def _run(self, places: Tensor, **given: Any) -> Pass:
        """Read new tokens at places from 0 behind the sink, the window and the open block."""
        every = [*self._in_reach(), *([self._whole(self._open)] if self._open.n else [])]
        held = self._placed.reading(every, int(places.max()) + 1)
        made = self._tap.run(positions=places + (held.next if held else 0), held=held, **given)
        self._placed.read(made)
        self.tokens += places.shape[1]
        return made


def _rows(pieces: Sequence[_Piece]) -> list[dict[str, Any]]:
    return [{"start": one.unit.start, "end": one.unit.end, "refs": list(one.unit.refs),
             "ids": one.tokens.tolist(), "last": one.last} for one in pieces]  # fmt: skip


def _pieces(rows: Sequence[Mapping[str, Any]]) -> list[_Piece]:
    import torch

    made = []
    for row in rows:
        ids = torch.tensor(row["ids"], dtype=torch.int64)
        unit = Unit(row["start"], row["end"], ids, refs=tuple(row["refs"]))
        made.append(_Piece(unit, ids, row["last"]))
    return made


def sink_block(tap: RopeTap, ids: Tensor) -> Block:
    """Encode the prompt that comes before a stream, once."""
    import torch

    n = int(ids.numel())
    places = torch.arange(n, dtype=torch.int32)[None].expand(tap.axes, n).contiguous()
    made = tap.run(ids.reshape(-1), positions=places)
    return Block(SINK, 0.0, 0.0, made.keys, made.values, places, ids.reshape(-1).long())
