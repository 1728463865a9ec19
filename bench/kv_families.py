"""Which decoders of transformers the key–value memory serves exactly, and why it refuses the rest.

    python -m bench.kv_families [--only llama,qwen3] [--write]

Every causal language model that transformers lists is built tiny, with random weights in norms and
biases too, in float64. It passes when
  - scores under the tap are bit-equal to the untouched model's, in float64 and float32 (`alone`);
  - run in pieces of 7 and of 16 tokens on held keys they equal one pass to 1e-9 (`held`), or,
    where the model itself does not (experts chosen in float32), the model's own cache (`cached`);
  - all positions later by 5000 change nothing beyond 1e-9 (`shifted`);
  - and they do change when the tap does not rotate (`control`), so that rotation mattered.
A model that is refused only for windows is tried once more with full attention in every layer.
`--write` renews docs/kv-families.md. Random weights show exactness, never quality.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from bench.kv_tiny_configs import causal_types, tiny_model
from bench.machine import emit, machine, say
from longtake.errors import UnsupportedModel

PAGE = Path(__file__).parent.parent / "docs" / "kv-families.md"
TOKENS, NEAR = 40, 1e-9
WINDOWS = ("sliding window", "another mask")
# Whatever stops a model from being made tiny or run is a finding, not an error of the bench.
ANY = (ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, RuntimeError,
       StrictDataclassError, TypeError, ValueError)  # fmt: skip


def measure(kind: str) -> dict[str, Any]:
    """Return what came of one model type: passes, refused, broken or not built."""
    found = _try(kind, full=False)
    if found["outcome"] == "refused" and any(why in found["why"] for why in WINDOWS):
        again = _try(kind, full=True)
        if again["outcome"] == "passes":
            return {**again, "as": "every layer on full attention", "as_it_is": found["why"]}
        if again["outcome"] == "refused" and again["why"] != found["why"]:
            found["why"] += f"; without it: {again['why']}"
    return found


def _try(kind: str, *, full: bool) -> dict[str, Any]:
    import torch

    try:
        model = tiny_model(kind, full=full)
    except ANY as error:
        return {"outcome": "not built", "why": f"{type(error).__name__}: {_line(error)}"}
    ids = torch.randint(2, 90, (1, TOKENS), generator=torch.Generator().manual_seed(3))
    try:
        with torch.no_grad():
            plain = model(ids, use_cache=False).logits
    except ANY as error:
        why = f"does not run by itself in this size: {type(error).__name__}: {_line(error)}"
        return {"outcome": "not built", "why": why}
    try:
        return _verdict(model, ids, plain)
    except UnsupportedModel as error:
        return {"outcome": "refused", "why": error.message}
    except ANY as error:
        return {"outcome": "broken", "why": f"{type(error).__name__}: {_line(error)}"}


def _verdict(model: Any, ids: Any, plain: Any) -> dict[str, Any]:
    import torch

    from longtake.models.kv.tap import RopeTap

    with RopeTap(model, trig64=False) as tap:
        alone = torch.equal(_scores(tap, ids, TOKENS), plain)
        pieces = {size: _scores(tap, ids, size) for size in (7, 16)}
        with _unturned():
            control = _worst(_scores(tap, ids, TOKENS), plain)
    own = {size: _own_cache(model, ids, size) for size in pieces}
    held = max(_worst(pieces[size], plain) for size in pieces)
    cached = max(_worst(pieces[size], own[size]) for size in pieces)
    drift = max(_worst(own[size], plain) for size in pieces)
    with RopeTap(model) as tap:
        shifted = _worst(_scores(tap, ids, 16), _scores(tap, ids, 16, shift=5000))
    alone = alone and _alone_in_float32(model, ids)
    exact = held <= NEAR or (cached <= NEAR < drift)
    good = alone and exact and shifted <= max(NEAR, drift) and control > 1e-6
    figures = {"alone": alone, "held": held, "cached": cached, "shifted": shifted}
    figures |= {"control": control}
    return {"outcome": "passes" if good else "broken", **figures}


def _alone_in_float32(model: Any, ids: Any) -> bool:
    import torch

    from longtake.models.kv.tap import RopeTap

    small = model.float()
    with torch.no_grad():
        plain = small(ids, use_cache=False).logits
    with RopeTap(small, trig64=False) as tap:
        return bool(torch.equal(_scores(tap, ids, TOKENS), plain))


def _scores(tap: Any, ids: Any, size: int, shift: int = 0) -> Any:
    """Scores of the tokens run `size` at a time, each piece reading all before it."""
    import torch

    from longtake.models.kv.held import Held

    empty: list[Any] = [None] * tap.layers
    held, keys, values, out = None, empty, empty, []
    for start in range(0, ids.shape[1], size):
        part = ids[:, start : start + size]
        places = torch.arange(part.shape[1])[None] + start + shift
        made = tap.run(part, positions=places, held=held)
        turned = tap.rotate(made.keys, places)
        keys = [_longer(old, new[None]) for old, new in zip(keys, turned, strict=True)]
        values = [_longer(old, new[None]) for old, new in zip(values, made.values, strict=True)]
        held = Held(keys, values, empty, start + shift + part.shape[1])
        out.append(tap.logits(made.hidden))
    return torch.cat(out, dim=1)


def _own_cache(model: Any, ids: Any, size: int) -> Any:
    """Scores of the tokens run `size` at a time by the untouched model on its own cache."""
    import torch

    cache, out = None, []
    with torch.no_grad():
        for part in ids.split(size, dim=1):
            made = model(part, past_key_values=cache, use_cache=True)
            cache = made.past_key_values
            out.append(made.logits)
    return torch.cat(out, dim=1)


def _longer(old: Any, new: Any) -> Any:
    import torch

    return new if old is None else torch.cat((old, new), dim=2)


@contextmanager
def _unturned() -> Iterator[None]:
    """Take the tap's rotation away."""
    from longtake.models.kv.rotary import Rotary

    own = Rotary.turn
    try:
        Rotary.turn = lambda self, query, key, angles: (query, key)  # type: ignore[method-assign]
        yield
    finally:
        Rotary.turn = own  # type: ignore[method-assign]


def _worst(a: Any, b: Any) -> float:
    return float((a - b).abs().max())


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def sweep(kinds: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Measure each type in turn."""
    found = {}
    for kind in kinds:
        found[kind] = measure(kind)
        say(f"{kind}: {found[kind]['outcome']} {found[kind].get('why', '')}")
    return found


def page(found: dict[str, dict[str, Any]], version: str) -> str:
    """Return docs/kv-families.md."""
    served = {k: v for k, v in found.items() if v["outcome"] == "passes"}
    rows = [
        f"| {kind} | {one.get('as', 'as it is')} | {one['held']:.0e} | {one['cached']:.0e} |"
        f" {one['shifted']:.0e} |"
        for kind, one in served.items()
    ]
    reasons: dict[str, list[str]] = {}
    for kind, one in found.items():
        if one["outcome"] != "passes":
            reasons.setdefault(f"{one['outcome']}: {one['why']}", []).append(kind)
    refused = [f"| {', '.join(kinds)} | {why} |" for why, kinds in sorted(reasons.items())]
    return "\n".join(
        [
            "# Model families of the key–value memory",
            "",
            "Written by `python -m bench.kv_families --write`; do not edit.",
            f"Tiny models with random weights, float64, transformers {version}: scores under the",
            "tap are bit-equal to the untouched model's; `held` is the largest difference between",
            "pieces of 7 or 16 tokens on held keys and one pass, `cached` the same against the",
            "model's own cache (models that choose experts in float32 differ from one pass",
            "themselves); `shifted` is what moving all positions by 5000 changes. Models that see",
            "(llava_onevision, qwen2_5_vl, qwen3_vl, smolvlm) have adapters and are tested with",
            "frames.",
            "",
            f"## Served ({len(served)} of {len(found)} causal models)",
            "",
            "| model type | how | held | cached | shifted |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "## Not served, and why",
            "",
            "A refusal is an error that says this before anything is read or written.",
            "",
            "| model types | why |",
            "|---|---|",
            *refused,
            "",
        ]
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Sweep and print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", help="model types, parted by commas; default: all")
    parser.add_argument("--write", action="store_true", help="renew docs/kv-families.md")
    args = parser.parse_args(argv)
    from transformers import __version__ as version

    from longtake.models.quiet import offline

    with offline(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = sweep(args.only.split(",") if args.only else causal_types())
    if args.write:
        PAGE.write_text(page(found, version), encoding="utf-8")
    counts: dict[str, int] = {}
    for one in found.values():
        counts[one["outcome"]] = counts.get(one["outcome"], 0) + 1
    emit({"machine": machine(), "transformers": version, "counts": counts, "families": found})


if __name__ == "__main__":
    main()
