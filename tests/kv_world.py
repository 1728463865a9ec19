"""Blocks of a made-up stream, the same in every process, and what tests ask of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from longtake.storage.kv.block import Block
from longtake.storage.kv.files import raw_bytes
from longtake.storage.kv.manifest import Fingerprint

if TYPE_CHECKING:
    import torch

LAYERS, HEADS, DIM = 3, 2, 16
INDEXED = ((0, 1), (2, 0))


def made_by(**changes: object) -> Fingerprint:
    told = {
        "model": "tiny", "weights": "w1", "dtype": "float32", "tokenizer": "t1", "prefix": "p1",
        "layers": LAYERS, "kv_heads": HEADS, "head_dim": DIM,
    } | changes  # fmt: skip
    return Fingerprint(**told)  # type: ignore[arg-type]


def block(number: int, n: int | None = None, dtype: torch.dtype | None = None) -> Block:
    """Return block `number`: channels with offsets and sizes of their own, as keys have them."""
    import torch

    maker = torch.Generator().manual_seed(number)
    n = 5 + number % 9 if n is None else n
    shape = (LAYERS, HEADS, n, DIM)
    channels = torch.Generator().manual_seed(1)
    offset = torch.randn(LAYERS, HEADS, 1, DIM, generator=channels) * 8
    keys = torch.randn(shape, generator=maker) + offset
    values = torch.randn(shape, generator=maker)
    kind = dtype or torch.float32
    return Block(
        number, number * 10.0, number * 10.0 + 10, keys.to(kind), values.to(kind),
        torch.arange(n, dtype=torch.int32)[None], torch.arange(n) + 100 * number,
        torch.rand(n, generator=maker) + 1 if number % 2 else None, (f"v1:clip:{number}",),
    )  # fmt: skip


def same(one: Block, two: Block) -> bool:
    """Tell whether two blocks are the same in every bit."""
    return digest(one) == digest(two)


def digest(one: Block) -> str:
    told = hashlib.sha256(repr((one.id, one.start, one.end, one.n, one.refs)).encode())
    for tensor in (one.keys, one.values, one.places, one.tokens, one.sizes):
        if tensor is not None:
            told.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            told.update(raw_bytes(tensor))
    return told.hexdigest()
