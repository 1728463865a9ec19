"""What packing keys and values costs and saves: bytes for a token, and what the model then says.

    python -m bench.kv_bytes [--windows 6] [--prefix 1024] [--next 384]

Bytes are those of files: a stream of blocks is written by `Segments` with each scheme, scales,
index keys of ten heads and manifest included. Agreement: the real SmolLM2-135M reads a prefix of
this repository's own texts, its keys and values are packed and unpacked in blocks of 64 tokens,
and its next tokens are predicted from that; the figures are the mean Kullback–Leibler divergence
from the unpacked run, in nats, and the share of tokens whose likeliest successor is the same.

Controls stand beside: four bits with a scale by token for keys too, four bits by channel over 64
tokens for both (StreamingTOM's layout), fp8 with one scale for a layer's tensor, and k4v4 with
keys packed after rotation. `--more` adds the other way round (keys by token, values by channel)
and two bits. The scheme raw is exact, which tests hold bit by bit; no window is spent on it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.kv_model import loaded
from bench.machine import emit, machine, say
from longtake.storage.kv.block import Block
from longtake.storage.kv.quantize import SCHEMES, Grid, decode, encode, pack, unpack
from longtake.storage.kv.segments import Fingerprint, Segments

BLOCK = 64
INDEXED = 10
GATES = {"k8v4": (10_500, 0.003), "k4v4": (8_000, 0.012)}
TEXTS = ("docs/architecture.md", "docs/agent.md", "docs/cli.md", "README.md", "LICENSE")
Kv = tuple[Any, Any]  # keys and values [L, H, n, D]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return bytes and agreement of every scheme and control."""
    import torch

    torch.set_num_threads(args.threads)
    model, tokenizer = loaded()
    ids = tokenizer("\n\n".join(_texts()), return_tensors="pt").input_ids[0]
    span = args.prefix + args.next
    if len(ids) < args.windows * span:
        raise SystemExit(f"the texts have {len(ids)} tokens, {args.windows * span} are needed")
    stride = len(ids) // args.windows
    sums: dict[str, list[float]] = {}
    sample: Kv | None = None
    for number in range(args.windows):
        window = ids[number * stride : number * stride + span]
        sample, found = window_figures(model, window, args.prefix, more=args.more)
        for name, pair in found.items():
            held = sums.setdefault(name, [0.0, 0.0])
            held[:] = [held[0] + pair[0], held[1] + pair[1]]
        so_far = {name: round(kl / (number + 1), 6) for name, (kl, _) in sums.items()}
        say(f"window {number + 1} of {args.windows}: {so_far}")
    assert sample is not None
    stored = bytes_per_token(sample)
    rows = {
        name: {"kl": round(kl / args.windows, 6), "top1": round(top / args.windows, 4)}
        for name, (kl, top) in sums.items()
    }
    for name, sizes in stored.items():
        rows[name] = {**sizes, **rows.get(name, {})}
    for name, (most, kl) in GATES.items():
        rows[name]["gate"] = rows[name]["total"] <= most and rows[name]["kl"] <= kl
    return {"tokens": [args.prefix, args.next], "windows": args.windows, "schemes": rows}


def bytes_per_token(kv: Kv, *, indexed: int = INDEXED, blocks: int = 256) -> dict[str, Any]:
    """Write a stream made of these keys and values with each scheme and weigh its files."""
    # As a 16-bit model would make them: that is what the raw row has to be.
    kv = kv[0].half(), kv[1].half()
    layers, heads, n, dim = kv[0].shape
    chosen = tuple((7 * i % layers, i % heads) for i in range(indexed))
    made = Fingerprint("bench", "-", "float16", "-", "-", layers, heads, dim)
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for scheme in SCHEMES:
            with Segments(Path(place) / scheme, made, write=True, heads=chosen) as memory:
                for number in range(blocks):
                    memory.append(_block(kv, number, number * BLOCK % (n - BLOCK + 1)), scheme)
                memory.flush()
                tokens = blocks * BLOCK
                sizes = {k: round(v / tokens, 1) for k, v in memory.sizes().items()}
                found[scheme] = {**sizes, "total": round(memory.bytes() / tokens, 1)}
                if scheme == SCHEMES[-1]:
                    memory.demote(range(blocks), "ghost")
                    found["ghost"] = {"total": round(memory.bytes() / tokens, 1)}
    return found


def window_figures(
    model: Any, window: Any, prefix: int, *, more: bool
) -> tuple[Kv, dict[str, tuple[float, float]]]:
    """Return the unrotated prefix and, for each way of packing it, divergence and agreement."""
    import torch

    with torch.inference_mode():
        cache = model.model(window[None, :prefix], use_cache=True).past_key_values
        rotated = torch.stack([layer.keys[0] for layer in cache.layers])
        values = torch.stack([layer.values[0] for layer in cache.layers])
        cos, sin = model.model.rotary_emb(values, torch.arange(prefix)[None])
        keys = _turned(rotated, cos, -sin)
        true = _predicted(model, window, rotated, values)
        found = {}
        for name, change in _ways(more).items():
            k, v = change((keys, values))
            found[name] = _compared(true, _predicted(model, window, _turned(k, cos, sin), v))
        k, v = _scheme("k4v4")((rotated, values))
        found["k4v4, keys rotated"] = _compared(true, _predicted(model, window, k, v))
    return (keys, values), found


def _predicted(model: Any, window: Any, keys: Any, values: Any) -> Any:
    """Return log-probabilities [next, vocabulary] of what follows a prefix held as keys, values."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (k, v) in enumerate(zip(keys, values, strict=True)):
        cache.update(k[None].clone(), v[None].clone(), layer)
    rest = window[None, keys.shape[2] :]
    return model(rest, past_key_values=cache).logits[0].float().log_softmax(-1)


def _compared(true: Any, found: Any) -> tuple[float, float]:
    divergence = (true.exp() * (true - found)).sum(-1).mean()
    same = (true.argmax(-1) == found.argmax(-1)).float().mean()
    return float(divergence), float(same)


def _ways(more: bool) -> dict[str, Callable[[Kv], Kv]]:
    ways = {name: _scheme(name) for name in SCHEMES[1:]}
    ways["k4v4, both by token"] = _grids(Grid(4, -1, 32), Grid(4, -1, 32))
    ways["4 bits, both by channel over 64"] = _grids(Grid(4, -2, 64), Grid(4, -2, 64))
    ways["fp8, one scale a tensor"] = lambda kv: (_fp8(kv[0]), _fp8(kv[1]))
    if more:
        ways["q8, keys by token, values by channel"] = _grids(Grid(8, -1, 64), Grid(8, -2, 64))
        ways["k4 by token, v4 by channel"] = _grids(Grid(4, -1, 32), Grid(4, -2, 32))
        ways["2 bits"] = _grids(Grid(2, -2, 32), Grid(2, -1, 16))
    return ways


def _scheme(name: str) -> Callable[[Kv], Kv]:
    def change(kv: Kv) -> Kv:
        import torch

        blocks = [_block(kv, i, at) for i, at in enumerate(range(0, kv[0].shape[2], BLOCK))]
        parts = [unpack(pack(one, name), name, kv[0].dtype) for one in blocks]
        keys = torch.cat([part[0] for part in parts], dim=2)
        return keys, torch.cat([part[1] for part in parts], dim=2)

    return change


def _grids(keys: Grid, values: Grid) -> Callable[[Kv], Kv]:
    def change(kv: Kv) -> Kv:
        k, v = (
            decode(encode(x, grid), grid, x.dtype)
            for x, grid in zip(kv, (keys, values), strict=True)
        )
        return k, v

    return change


def _fp8(x: Any) -> Any:
    """E4M3 with one scale for each layer's tensor, as fp8 caches keep it."""
    import torch

    scale = x.abs().amax(dim=(1, 2, 3), keepdim=True) / 448
    return (x / scale).to(torch.float8_e4m3fn).to(x.dtype) * scale


def _block(kv: Kv, number: int, at: int) -> Block:
    import torch

    k, v = (x[:, :, at : at + BLOCK] for x in kv)
    n = k.shape[2]
    return Block(
        number, 20.0 * number, 20.0 * (number + 1), k, v, torch.arange(n, dtype=torch.int32)[None],
        torch.arange(n), refs=(f"v1:clip:{number:08d}",),
    )  # fmt: skip


def _turned(x: Any, cos: Any, sin: Any) -> Any:
    """Rotate by the model's own angles; with -sin, take a rotation back."""
    import torch

    one, two = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-two, one), dim=-1) * sin


def _texts() -> Iterator[str]:
    root = Path(__file__).resolve().parent.parent
    for name in TEXTS:
        yield (root / name).read_text()


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this bench can be told."""
    parser.add_argument("--windows", type=int, default=6)
    parser.add_argument("--prefix", type=int, default=1024)
    parser.add_argument("--next", type=int, default=384)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--more", action="store_true", help="more controls")


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments(parser)
    given = parser.parse_args()
    emit({"bench": "kv_bytes", "machine": machine(), **measure(given)})


if __name__ == "__main__":
    main()
