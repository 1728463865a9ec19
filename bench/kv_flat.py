"""One stream of the key–value memory from end to end in a process of its own: peak of memory, times.

    python -m bench.kv_flat --tokens 200000

A small model of random weights (or, with `--real`, SmolLM2-135M) reads random tokens, blocks go to
disk, and the stream is then searched and asked. With `--keep` all blocks stay in memory too: the
control, of which the peak has to grow.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.kv_model import loaded
from bench.machine import finish
from longtake.memory.kv.heads import fallback, profile_of
from longtake.memory.kv.mass import MassIndex
from longtake.memory.kv.session import Session, Wording, ids_of
from longtake.memory.kv.tiers import Tiers
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.kv.tap import RopeTap
from longtake.models.quiet import large_apart
from longtake.storage.kv.manifest import Fingerprint
from longtake.storage.kv.segments import Segments

BLOCK, LINE, LETTERS = 64, 32, 250
QUESTION = "What was it that the heron did?"


class Letters:
    """A tokenizer of letters for models that know no language."""

    chat_template = None
    eos_token_id = 1

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        """One token a letter."""
        return [2 + ord(letter) % LETTERS for letter in text]

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """Letters again, not those that they were."""
        return "".join(chr(97 + one % 26) for one in ids)


def small() -> tuple[Any, Any]:
    """A model of random weights that reads 200,000 tokens in seconds."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=LETTERS + 2, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, head_dim=64, eos_token_id=1, bos_token_id=1,
        pad_token_id=0,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval(), Letters()


def stream(tap: RopeTap, tokenizer: Any, memory: Segments, args: argparse.Namespace) -> list[Any]:
    """Read random tokens into the memory; return what was kept beside it."""
    import torch

    kept: list[Any] = []
    made = torch.Generator().manual_seed(1)
    most = min(LETTERS, tap.model.config.vocab_size)
    before = ids_of(tokenizer, Wording.of(tokenizer).before)
    encoder = StreamEncoder(tap, before, window=args.window, chunk=args.chunk, block=BLOCK)
    for n in range(args.tokens // LINE):
        ids = torch.randint(2, most, (LINE,), generator=made)
        for block in encoder.feed(Unit(2.0 * n, 2.0 * n + 2, ids, refs=(f"v1:clip:{n:08d}",))):
            memory.append(block, "k8v4")
            kept += [block] if args.keep else []
    for block in encoder.close():
        memory.append(block, "k8v4")
    return kept


def asked(tap: RopeTap, tokenizer: Any, memory: Segments, times: int) -> dict[str, Any]:
    """Search, read four blocks and answer, so many times; medians in milliseconds."""
    profile = profile_of(tap)
    profile = profile if profile.measured else fallback(tap)
    index, tiers = MassIndex.over(memory, profile), Tiers(memory)
    recent = memory.get([row.id for row in memory.rows()][-4:])
    session = Session.over(tap, tokenizer, tiers.get, recent=recent)
    search, tokens = [], []
    for n in range(times + 1):
        tiers.clear()
        queries = session.queries(f"{QUESTION} {n}", index.layers)
        began = time.perf_counter()
        hits = index.search(queries, 4)
        search.append(time.perf_counter() - began)
        said = session.ask(QUESTION, [hit.block for hit in hits], max_tokens=16)
        if said.tokens:
            tokens.append((said.seconds - said.first_seconds) / said.tokens)
    return {
        "search_ms": round(1000 * median(search[1:]), 1),
        "token_ms": round(1000 * median(tokens), 2) if tokens else None,
    }


def main() -> None:
    """Run one stream."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--window", type=int, default=1024)
    parser.add_argument("--chunk", type=int, default=256)
    parser.add_argument("--asks", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="keep all blocks in memory, too")
    parser.add_argument("--real", action="store_true", help="SmolLM2-135M")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    large_apart()  # As building and asking do.
    model, tokenizer = loaded() if args.real else small()
    with RopeTap(model) as tap, tempfile.TemporaryDirectory() as place:
        who = Fingerprint("bench", "-", "float32", "-", "-", tap.layers, tap.kv_heads, tap.head_dim)
        with Segments(Path(place), who, write=True, heads=profile_of(tap).keys) as memory:
            began = time.perf_counter()
            kept = stream(tap, tokenizer, memory, args)
            memory.flush()
            seconds = time.perf_counter() - began
            told = asked(tap, tokenizer, memory, args.asks)
            finish({
                "tokens": args.tokens, "blocks": len(memory), "kept": len(kept),
                "tokens_per_second": round(args.tokens / seconds), "bytes": memory.bytes(), **told,
            })  # fmt: skip


if __name__ == "__main__":
    main()
