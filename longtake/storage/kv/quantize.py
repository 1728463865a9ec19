"""How a block's keys and values become bytes: four schemes, from exact to small.

========= ============================= ============================= ======================
scheme    keys                          values                        bits of a pair, D = 64
========= ============================= ============================= ======================
raw       as the model made them        as the model made them        32 (16-bit models)
q8        8 bits, channel × 64 tokens   8 bits, token × 64 channels   17
k8v4      8 bits, channel × 64 tokens   4 bits, token × 32 channels   13.5
k4v4      4 bits, channel × 32 tokens   4 bits, token × 32 channels   10
========= ============================= ============================= ======================

Keys have channels that are large in every token, values do not: so keys share a scale along a
channel and values along a token (KIVI, arXiv 2402.02750). The last group may be shorter. Each
group keeps two fp16 numbers, the value of its code 0 (`zero`) and that of its highest code
(`top`); the scale is (top - zero) / levels. The top is kept in place of the scale because then
both ends of a group come back as they are, and packing what was unpacked gives the same bits in
any dtype.

Contract: |x - unpacked| ≤ scale / 2 + the rounding of zero and top to fp16 + the rounding to the
dtype asked for, element by element. 4-bit codes lie two in a byte, even channels low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from longtake.errors import KVError

if TYPE_CHECKING:
    from torch import Tensor, dtype

    from longtake.storage.kv.block import Block

SCHEMES = ("raw", "q8", "k8v4", "k4v4")
"""From the most bytes to the fewest; what was demoted never goes back."""

_TOKENS, _CHANNELS = -2, -1
_LARGEST = 65504.0  # of fp16
# Half-precision codes settle at once but for ties; what is left after this many rounds is a bug.
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Grid:
    """How finely numbers are kept: `bits` each, a scale for every `group` of them along `axis`."""

    bits: int
    axis: int
    group: int

    @property
    def levels(self) -> int:
        """The highest code."""
        return (1 << self.bits) - 1


_GRIDS: dict[str, tuple[Grid, Grid]] = {
    "q8": (Grid(8, _TOKENS, 64), Grid(8, _CHANNELS, 64)),
    "k8v4": (Grid(8, _TOKENS, 64), Grid(4, _CHANNELS, 32)),
    "k4v4": (Grid(4, _TOKENS, 32), Grid(4, _CHANNELS, 32)),
}


class Parts(NamedTuple):
    """The tensors of a block; shapes and dtypes as in `Block`."""

    keys: Tensor
    values: Tensor
    places: Tensor
    tokens: Tensor
    sizes: Tensor | None


class Coded(NamedTuple):
    """Numbers on a grid: uint8 codes in the shape of the numbers, and fp16 ends of each group."""

    codes: Tensor
    zero: Tensor
    top: Tensor


def pack(block: Block, scheme: str) -> dict[str, Tensor]:
    """Return a block's tensors as they are stored: keys `k`, values `v`, places, tokens, sizes.

    Raises:
        KVError: there is no such scheme, or the block has numbers that it cannot keep.
    """
    import torch

    need(scheme)
    small = {"tokens": block.tokens.to(torch.int32), "pos": block.places.to(torch.int32)}
    if block.sizes is not None:
        small["sizes"] = block.sizes.to(torch.float32)
    if scheme == "raw":
        big = {"k": block.keys.contiguous(), "v": block.values.contiguous()}
        return big | small
    packed: dict[str, Tensor] = {}
    for name, x, grid in zip("kv", (block.keys, block.values), _GRIDS[scheme], strict=True):
        coded = encode(x, grid)
        packed[name] = _folded(coded.codes) if grid.bits == 4 else coded.codes
        packed[f"{name}z"], packed[f"{name}t"] = coded.zero, coded.top
    return packed | small


def unpack(packed: dict[str, Tensor], scheme: str, dtype: dtype) -> Parts:
    """Return what `pack` was given, as near as the scheme keeps it."""
    import torch

    need(scheme)
    keys, values = packed["k"], packed["v"]
    if scheme != "raw":
        keys, values = (
            decode(_coded(packed, name, grid), grid, dtype)
            for name, grid in zip("kv", _GRIDS[scheme], strict=True)
        )
    return Parts(keys, values, packed["pos"], packed["tokens"].to(torch.int64), packed.get("sizes"))


def need(scheme: str) -> None:
    """Make sure that there is such a scheme.

    Raises:
        KVError: there is none.
    """
    if scheme not in SCHEMES:
        raise KVError(f"there is no scheme {scheme!r}", fix=f"one of: {', '.join(SCHEMES)}")


def encode(x: Tensor, grid: Grid) -> Coded:
    """Put numbers on a grid.

    Raises:
        KVError: some are not finite, or too large for fp16.
    """
    import torch

    codes, zero, top = _once(x, grid)
    if x.element_size() > 2:
        return Coded(codes, zero, top)
    # Numbers of 16 bits may lie further apart than codes do: of the codes that unpack to one
    # number, keep the one that packs again to itself.
    for _ in range(_ROUNDS):
        again = _once(decode(Coded(codes, zero, top), grid, x.dtype), grid).codes
        if torch.equal(again, codes):
            break
        codes = again
    return Coded(codes, zero, top)


def decode(coded: Coded, grid: Grid, dtype: dtype) -> Tensor:
    """Return the numbers that codes stand for."""
    import torch

    work = torch.float64 if dtype == torch.float64 else torch.float32
    size = coded.codes.shape[grid.axis]
    zero, scale = (p.unsqueeze(grid.axis) for p in _scales(coded, grid, work))
    x = torch.addcmul(zero, _grouped(coded.codes, grid).to(work), scale)
    return _merged(x, grid, size).to(dtype)


def scale_of(packed: dict[str, Tensor], scheme: str) -> tuple[Tensor, Tensor]:
    """Return the scale of each key and of each value, float64 in the shape of the numbers."""
    import torch

    found = []
    for name, grid in zip("kv", _GRIDS[scheme], strict=True):
        coded = _coded(packed, name, grid)
        scale = _scales(coded, grid, torch.float64)[1]
        found.append(_spread(scale, grid, coded.codes.shape[grid.axis]))
    return found[0], found[1]


def _once(x: Tensor, grid: Grid) -> Coded:
    import torch

    work = torch.float64 if x.dtype == torch.float64 else torch.float32
    grouped = _grouped(x, grid).to(work)
    low, high = grouped.amin(grid.axis, keepdim=True), grouped.amax(grid.axis, keepdim=True)
    _bounded(low, high)
    # + 0 makes -0 to 0: what is too small for fp16 has no sign, now or when it is packed again.
    zero, top = (end.squeeze(grid.axis).to(torch.float16) + 0.0 for end in (low, high))
    base, scale = (p.unsqueeze(grid.axis) for p in _scales(Coded(x, zero, top), grid, work))
    flat = scale == 0
    codes = (grouped - base).div_(scale.masked_fill(flat, 1)).round_().clamp_(0, grid.levels)
    # The ends are what the next packing finds its grid by; rounding must not move them inward. It
    # can only where fp16 is coarser than the scale, and there it is said what their codes are.
    off = torch.maximum((low - base).abs(), (high - base - scale * grid.levels).abs())
    if bool((off >= 0.49 * scale).any()):
        codes.masked_fill_(grouped >= high, grid.levels)
        codes.masked_fill_((grouped <= low) | flat, 0)
    return Coded(_merged(codes.to(torch.uint8), grid, x.shape[grid.axis]), zero, top)


def _bounded(low: Tensor, high: Tensor) -> None:
    # A number that is none makes an end of its group one as well.
    if not bool(((low >= -_LARGEST) & (high <= _LARGEST)).all()):
        raise KVError(
            "a block has numbers that are not finite, or beyond what fp16 can tell",
            fix="keep this memory with the scheme raw",
        )


def _grouped(x: Tensor, grid: Grid) -> Tensor:
    """Cut an axis into groups; the last one repeats its last member, which changes neither end."""
    import torch

    size = x.shape[grid.axis]
    groups = -(-size // grid.group)
    if size % grid.group:
        filled = torch.arange(groups * grid.group, device=x.device).clamp(max=size - 1)
        x = x.index_select(grid.axis, filled)
    shape = list(x.shape)
    shape[grid.axis : grid.axis + 1 or None] = [groups, grid.group]
    return x.reshape(shape)


def _merged(grouped: Tensor, grid: Grid, size: int) -> Tensor:
    """Take groups back to one axis."""
    merged = grouped.flatten(grid.axis - 1, grid.axis)
    return merged.narrow(grid.axis, 0, size).contiguous()


def _scales(coded: Coded, grid: Grid, work: dtype) -> tuple[Tensor, Tensor]:
    zero, top = coded.zero.to(work), coded.top.to(work)
    return zero, (top - zero) / grid.levels


def _spread(p: Tensor, grid: Grid, size: int) -> Tensor:
    """Give each number its group's parameter."""
    return p.repeat_interleave(grid.group, dim=grid.axis).narrow(grid.axis, 0, size)


def _coded(packed: dict[str, Tensor], name: str, grid: Grid) -> Coded:
    codes = _unfolded(packed[name]) if grid.bits == 4 else packed[name]
    return Coded(codes, packed[f"{name}z"], packed[f"{name}t"])


def _folded(codes: Tensor) -> Tensor:
    if codes.shape[-1] % 2:
        raise KVError(
            f"heads of {codes.shape[-1]} numbers cannot be kept two in a byte",
            fix="keep this memory with the scheme q8 or raw",
        )
    return codes[..., 0::2] | (codes[..., 1::2] << 4)


def _unfolded(folded: Tensor) -> Tensor:
    import torch

    return torch.stack((folded & 15, folded >> 4), dim=-1).flatten(-2)
