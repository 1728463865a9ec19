"""Packing of keys and values: how far off, how small, and the same bits when packed again (E10)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from longtake.errors import KVError
from longtake.storage.kv.block import Block
from longtake.storage.kv.files import raw_bytes
from longtake.storage.kv.quantize import (
    SCHEMES,
    Grid,
    decode,
    encode,
    pack,
    scale_of,
    unpack,
)
from tests.kv_world import block

LOSSY = SCHEMES[1:]
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
STEP = {torch.float64: 2**-53, torch.float32: 2**-24, torch.bfloat16: 2**-8, torch.float16: 2**-11}


def stream(kind: str, n: int, dtype: torch.dtype) -> Block:
    """Return a block with numbers of one kind, 48 channels so that groups of 32 are ragged."""
    maker = torch.Generator().manual_seed(n)
    x = torch.randn(3, 2, n, 48, dtype=torch.float64, generator=maker)
    changed = {
        "plain": lambda: x,
        "offset": lambda: x * 0.01 + 200,
        "tiny": lambda: x * 1e-6,
        "outliers": lambda: x * (1 + 50 * (torch.arange(48) % 17 == 3)) + torch.arange(48) * 3,
        "constant": lambda: torch.full_like(x, -1.37),
        "zeros": lambda: torch.zeros_like(x),
    }[kind]()
    base = replace(block(0, n), places=torch.arange(n, dtype=torch.int32)[None])
    return replace(
        base,
        keys=changed.to(dtype),
        values=changed.flip(-1).contiguous().to(dtype),
        tokens=torch.arange(n),
    )


KINDS = ("plain", "offset", "tiny", "outliers", "constant", "zeros")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 33, 100])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_error_is_half_a_scale_and_packing_again_changes_no_bit(
    kind: str, n: int, dtype: torch.dtype
) -> None:
    one = stream(kind, n, dtype)
    for scheme in LOSSY:
        packed = pack(one, scheme)
        parts = unpack(packed, scheme, dtype)
        for x, found, scale in zip(
            (one.keys, one.values), parts[:2], scale_of(packed, scheme), strict=True
        ):
            exact = x.double()
            # fp16 is 2^-11 of a number off, or 2^-25 where it is almost none.
            coarse = (exact.abs() * 2**-11).clamp(min=2**-25)
            rounding = coarse + exact.abs() * STEP[dtype] + scale * 2**-11
            off = (exact - found.double()).abs()
            assert bool((off <= scale / 2 + rounding).all()), scheme
            assert found.dtype == dtype
        again = pack(replace(one, keys=parts.keys, values=parts.values), scheme)
        assert {k: raw_bytes(t) for k, t in again.items()} == {
            k: raw_bytes(t) for k, t in packed.items()
        }, scheme


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_raw_is_exact_and_small_tensors_always_are(dtype: torch.dtype) -> None:
    one = block(3, 9, dtype)
    for scheme in SCHEMES:
        parts = unpack(pack(one, scheme), scheme, dtype)
        assert torch.equal(parts.places, one.places)
        assert torch.equal(parts.tokens, one.tokens)
        assert parts.tokens.dtype == torch.int64
        assert parts.sizes is not None
        assert one.sizes is not None
        assert torch.equal(parts.sizes, one.sizes)
        if scheme == "raw":
            assert raw_bytes(parts.keys) == raw_bytes(one.keys)
            assert raw_bytes(parts.values) == raw_bytes(one.values)


def test_bytes_are_what_the_table_says() -> None:
    one = replace(block(0, 64), keys=torch.randn(3, 2, 64, 64), values=torch.randn(3, 2, 64, 64))
    pairs = 3 * 2 * 64 * 64
    bits = {"raw": 64, "q8": 17, "k8v4": 13.5, "k4v4": 10}
    for scheme, told in bits.items():
        packed = pack(one, scheme)
        big = [t for name, t in packed.items() if name[0] in "kv"]
        assert 8 * sum(t.numel() * t.element_size() for t in big) / pairs == told


def test_each_finer_scheme_is_nearer() -> None:
    one = block(0, 64)
    off = {
        scheme: [
            float((x - y).abs().mean())
            for x, y in zip(
                (one.keys, one.values),
                unpack(pack(one, scheme), scheme, torch.float32)[:2],
                strict=True,
            )
        ]
        for scheme in SCHEMES
    }
    assert off["raw"] == [0, 0]
    assert off["q8"][0] == off["k8v4"][0] < off["k4v4"][0] / 8
    assert off["q8"][1] < off["k8v4"][1] / 8
    assert off["k8v4"][1] == off["k4v4"][1]


def test_keys_need_a_scale_by_channel() -> None:
    """OFF: keys with a scale by token are further off, for their channels have offsets."""
    keys = stream("outliers", 64, torch.float32).keys

    def off(grid: Grid) -> float:
        return float((decode(encode(keys, grid), grid, torch.float32) - keys).abs().mean())

    assert off(Grid(4, -2, 32)) < off(Grid(4, -1, 32)) / 3


def test_a_channel_alone_keeps_its_neighbours_fine() -> None:
    """OFF: with one grid for all tokens of a longer block, one loud stretch coarsens the rest."""
    keys = torch.randn(1, 1, 64, 8)
    keys[:, :, 40:] *= 100

    def off(group: int) -> float:
        grid = Grid(4, -2, group)
        return float(
            (decode(encode(keys, grid), grid, torch.float32) - keys)[:, :, :32].abs().max()
        )

    assert off(32) < off(64) / 20


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e6])
def test_numbers_that_no_scheme_can_keep_are_refused(bad: float) -> None:
    one = block(0)
    one.keys[1, 1, 2, 3] = bad
    for scheme in LOSSY:
        with pytest.raises(KVError, match="not finite, or beyond") as caught:
            pack(one, scheme)
        assert "raw" in str(caught.value.fix)
    assert raw_bytes(unpack(pack(one, "raw"), "raw", torch.float32).keys) == raw_bytes(one.keys)


def test_unknown_scheme_and_odd_heads() -> None:
    with pytest.raises(KVError, match="k2v2"):
        pack(block(0), "k2v2")
    odd = replace(block(0), keys=torch.randn(1, 1, 4, 7), values=torch.randn(1, 1, 4, 7))
    assert unpack(pack(odd, "q8"), "q8", torch.float32).keys.shape == (1, 1, 4, 7)
    with pytest.raises(KVError, match="two in a byte"):
        pack(odd, "k4v4")
