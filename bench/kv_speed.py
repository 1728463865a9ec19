"""Speed and memory of the key–value memory: encoding, one stream's peak, search, first word, forks.

    python -m bench.kv --rows speed --folder DIR [--parts encode,flat,search,first,forks] [--long]

encode
    SmolLM2-135M reads random tokens in chunks, by turns with transformers' own forward pass, which
    is the control: a `DynamicCache` cut before each chunk to the sink and the newest 1,024 tokens,
    plain positions that run on, no scores of words. The ratio is the median over pairs.
flat
    Peak of memory of a process that reads, searches and asks 20,000 and 200,000 tokens, a small
    model of random weights (`bench.kv_flat`); the control keeps its blocks. `--long`: SmolLM2, too.
search
    Exact search over index keys of 1, 10 and 100 hours of talk (15,000 tokens each) on disk. The
    keys are random, as many heads of as many numbers as the profile of SmolLM2-135M has.
first
    Time to the first word from stored blocks, in parts, and from one forward pass over as many
    tokens. Blocks are those of a short stream again and again: times do not depend on words.
forks
    Memory of one session and of 100 forks, and what a question and an answer of its own adds.

Times are medians of five after one that does not count, but for the pass over all (one).
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.kv_flat import QUESTION
from bench.kv_model import loaded
from bench.machine import child, say
from longtake.memory.kv.heads import Profile, profile_of
from longtake.memory.kv.mass import MassIndex
from longtake.memory.kv.session import MARK, Session, Wording, ids_of
from longtake.memory.kv.tiers import Tiers
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.kv.tap import RopeTap
from longtake.models.quiet import large_apart
from longtake.storage.kv.block import Block
from longtake.storage.kv.manifest import Fingerprint
from longtake.storage.kv.segments import Segments

WINDOW, BLOCK, HOUR, TIMES = 1024, 64, 15_000, 5
EVIDENCE, STORED = 8_192, 100_000
PARTS = ("encode", "flat", "search", "first", "forks")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of the parts asked for."""
    import torch

    torch.set_num_threads(args.threads)
    large_apart()
    asked = args.parts.split(",")
    if unknown := sorted(set(asked) - set(PARTS)):
        raise SystemExit(f"no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    folder = Path(args.folder)
    model, tokenizer = loaded()
    made: dict[str, Any] = {}
    with RopeTap(model) as tap:
        steps: dict[str, Callable[[], dict[str, Any]]] = {
            "encode": lambda: {n: encode(tap, tokenizer, int(n), args.pairs)
                               for n in args.chunks.split(",")},
            "flat": lambda: flat(real=args.long),
            "search": lambda: search(profile_of(tap), folder, args.hours),
            "first": lambda: first(tap, tokenizer, folder),
            "forks": lambda: forks(tap, tokenizer, folder),
        }  # fmt: skip
        for name in asked:
            say(name)
            made[name] = steps[name]()
            say(f"{made[name]}")
    return made


# -- encoding --------------------------------------------------------------------------------


class Plain:
    """Chunked prefill by transformers alone, over the sink and the newest tokens."""

    def __init__(self, model: Any, sink: Any) -> None:
        from transformers import DynamicCache

        self._decoder, self._cache = model.get_decoder(), DynamicCache()
        self._at, self._sink = 0, len(sink)
        self.feed(sink)

    def feed(self, ids: Any) -> None:
        """Read a chunk."""
        import torch

        with torch.no_grad():
            for layer in self._cache.layers:
                layer.keys, layer.values = self._cut(layer.keys), self._cut(layer.values)
            at = torch.arange(self._at, self._at + len(ids))[None]
            self._decoder(ids[None], past_key_values=self._cache, position_ids=at, use_cache=True)
        self._at += len(ids)

    def _cut(self, kept: Any) -> Any:
        import torch

        if kept.shape[2] <= self._sink + WINDOW:
            return kept
        return torch.cat((kept[:, :, : self._sink], kept[:, :, -WINDOW:]), dim=2)


def encode(tap: RopeTap, tokenizer: Any, chunk: int, pairs: int) -> dict[str, Any]:
    """Tokens a second of both, by turns, once the window is full."""
    import torch

    sink = ids_of(tokenizer, Wording.of(tokenizer).before)
    encoder = StreamEncoder(tap, sink, window=WINDOW, chunk=chunk, block=BLOCK)
    plain = Plain(tap.model, sink)
    fill = -(-WINDOW // chunk) + 1
    made = torch.Generator().manual_seed(0)
    ids = torch.randint(100, 40_000, ((fill + pairs) * chunk,), generator=made)

    def ours(some: Any) -> None:
        encoder.feed(Unit(0.0, 1.0, some))

    parts = [ids[at : at + chunk] for at in range(0, len(ids), chunk)]
    for some in parts[:fill]:
        plain.feed(some)
        ours(some)
    rows = []
    for n, some in enumerate(parts[fill:]):
        # Who goes first changes, so that neither has the warmer machine.
        order = [(0, plain.feed), (1, ours)] if n % 2 else [(1, ours), (0, plain.feed)]
        took = dict.fromkeys((0, 1), (0.0, 0.0))
        for which, feed in order:
            wall, cpu = time.perf_counter(), time.process_time()
            feed(some)
            took[which] = (time.perf_counter() - wall, time.process_time() - cpu)
        rows.append(took)
    told = {
        f"{name}_tokens_per_second": round(chunk / median(row[which][0] for row in rows), 1)
        for which, name in ((0, "plain"), (1, "ours"))
    }
    by = {name: [row[0][n] / row[1][n] for row in rows] for n, name in enumerate(("wall", "cpu"))}
    return {**told, "pairs": pairs, **{f"ratio_{name}": round(median(some), 3)
                                       for name, some in by.items()},
            "ratios_cpu": [round(one, 2) for one in sorted(by["cpu"])]}  # fmt: skip


def flat(*, real: bool) -> dict[str, Any]:
    """Peaks of memory at 20,000 and 200,000 tokens, and with all blocks kept."""
    ways = {"20k": ["--tokens", "20000"], "200k": ["--tokens", "200000"],
            "200k kept": ["--tokens", "200000", "--keep"]}  # fmt: skip
    if real:
        ways |= {f"{name} real": [*ways[name], "--real"] for name in ("20k", "200k")}
    told: dict[str, Any] = {}
    for name, given in ways.items():
        made = child("bench.kv_flat", given)
        told[name] = {"peak_mib": made.peak_mib, **made.result}
    first = told["20k"]["peak_mib"]
    told["ratio"] = round(told["200k"]["peak_mib"] / first, 3)
    told["ratio_kept"] = round(told["200k kept"]["peak_mib"] / first, 3)
    return told


# -- search ----------------------------------------------------------------------------------


def search(profile: Profile, folder: Path, hours: str) -> dict[str, Any]:
    """Milliseconds to open an index on disk and to search it."""
    import torch

    heads, dim, group = len(profile.keys), 64, profile.group
    # The same heads, as if their keys were all of one layer.
    asking = tuple((0, profile.keys.index((layer, head // group)) * group + head % group)
                   for layer, head in profile.heads)  # fmt: skip
    made = Profile("random", "-", asking, group)
    ask = {0: torch.randn(heads * group, 12, dim, generator=torch.Generator().manual_seed(2))}
    told: dict[str, Any] = {"heads": len(asking), "key_heads": heads, "question_tokens": 12}
    for some in hours.split(","):
        place = folder / f"hours-{some}-{heads}"
        _random_keys(place, int(float(some) * HOUR), heads, dim)
        with Segments(place, None) as memory:
            began = time.perf_counter()
            index = MassIndex.over(memory, made)
            opened = time.perf_counter() - began
            told[some] = {
                "tokens": index.tokens, "bytes": memory.sizes()["index"],
                "open_ms": round(1000 * opened, 1), **_timed(partial(index.search, ask, 9)),
            }  # fmt: skip
    return told


def _random_keys(place: Path, tokens: int, heads: int, dim: int) -> None:
    """A stream of one layer whose key heads are all indexed; segments share one draw of keys."""
    import torch

    if (place / "whole").is_file():
        return
    who = Fingerprint("random", "-", "float32", "-", "-", 1, heads, dim)
    draw = torch.randn(64, 1, heads, BLOCK, dim, generator=torch.Generator().manual_seed(3))
    at, ids = torch.arange(BLOCK, dtype=torch.int32)[None], torch.zeros(BLOCK, dtype=torch.int64)
    with Segments(place, who, write=True, heads=tuple((0, n) for n in range(heads))) as memory:
        for n in range(memory.next_id, tokens // BLOCK):
            keys = draw[n % 64]
            memory.append(Block(n, 16.0 * n, 16.0 * (n + 1), keys, keys, at, ids), "k4v4")
    (place / "whole").touch()


def _timed(run: Callable[[], Any], name: str = "ms") -> dict[str, Any]:
    took = []
    for _ in range(TIMES + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        took.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = (median(one[n] for one in took[1:]) for n in (0, 1))
    return {name: round(1000 * wall, 1), f"cpu_{name}": round(1000 * cpu, 1)}


# -- first word ------------------------------------------------------------------------------


def stored(tap: RopeTap, tokenizer: Any, folder: Path) -> Segments:
    """A memory of 100,000 tokens: blocks of a short stream again and again."""
    import torch

    place = folder / "repeated"
    wording = Wording.of(tokenizer)
    who = Fingerprint("repeated", "-", "float32", "-", "-", tap.layers, tap.kv_heads, tap.head_dim)
    if not (place / "whole").is_file():
        made = torch.Generator().manual_seed(4)
        encoder = StreamEncoder(tap, ids_of(tokenizer, wording.before), window=WINDOW,
                                chunk=256, block=BLOCK)  # fmt: skip
        ids = torch.randint(100, 40_000, (WINDOW,), generator=made)
        blocks = [*encoder.feed(Unit(0.0, 1.0, ids)), *encoder.close()]
        with Segments(place, who, write=True, heads=profile_of(tap).keys) as memory:
            for n in range(memory.next_id, STORED // BLOCK):
                one = blocks[n % len(blocks)]
                memory.append(replace(one, id=n, start=16.0 * n, end=16.0 * (n + 1)), "k8v4")
        (place / "whole").touch()
    return Segments(place, who)


def first(tap: RopeTap, tokenizer: Any, folder: Path) -> dict[str, Any]:
    """Time to the first word at 100,000 stored tokens and at 8,192 tokens of evidence."""
    with stored(tap, tokenizer, folder) as memory:
        rows = memory.rows()
        recent = memory.get([row.id for row in rows[-WINDOW // BLOCK :]])
        tiers = Tiers(memory)
        session = Session.over(tap, tokenizer, tiers.get, recent=recent)
        index = MassIndex.over(memory, profile_of(tap))
        told = _parts(session, index, tiers)
        many = [row.id for row in rows[: EVIDENCE // BLOCK]]
        took = []
        for _ in range(TIMES + 1):
            tiers.clear()
            took.append(session.ask(QUESTION, many, max_tokens=1).first_seconds)
        reread = _reread(tap, session, [tiers.get([one])[0].tokens for one in many])
        from_stored = median(took[1:])
        return {
            "stored_tokens": sum(row.n for row in rows), "parts_ms": told,
            "evidence_tokens": len(many) * BLOCK, "from_stored_ms": round(1000 * from_stored),
            "reread_ms": round(1000 * reread), "times_faster": round(reread / from_stored, 1),
        }  # fmt: skip


def _parts(session: Session, index: MassIndex, tiers: Tiers) -> dict[str, Any]:
    """A question to the whole stream, one block read: each step, and all of them."""
    rows = []
    for n in range(TIMES + 1):
        tiers.clear()
        at = [time.perf_counter()]
        queries = session.queries(f"{QUESTION} {n}", index.layers)
        at.append(time.perf_counter())
        hits = index.search(queries, 2)
        at.append(time.perf_counter())
        (one,) = tiers.get([hits[0].block])
        at.append(time.perf_counter())
        session.ask(QUESTION, [one.id], max_tokens=0)
        at.append(time.perf_counter())
        rows.append([b - a for a, b in pairwise(at)] + [at[-1] - at[0]])
    names = ("queries", "search", "read", "first_word", "all")
    return {name: round(1000 * median(row[n] for row in rows[1:]), 1)
            for n, name in enumerate(names)}  # fmt: skip


def _reread(tap: RopeTap, session: Session, tokens: list[Any]) -> float:
    """Seconds of one pass of the model, as transformers makes it, up to the first word."""
    import torch

    asked = ids_of(session.tokenizer, session.wording.after.replace(MARK, QUESTION))
    every = torch.cat([session.sink.tokens, *tokens, asked])[None]
    began = time.perf_counter()
    with torch.no_grad():
        tap.model(every, use_cache=True, logits_to_keep=1).logits[0, -1].argmax()
    return time.perf_counter() - began


# -- forks -----------------------------------------------------------------------------------


def forks(tap: RopeTap, tokenizer: Any, folder: Path, many: int = 100) -> dict[str, Any]:
    """Resident memory and unique storage of one session and of many forks."""
    with stored(tap, tokenizer, folder) as memory:
        ids = [row.id for row in memory.rows()][-WINDOW // BLOCK :]
        session = Session.over(tap, tokenizer, memory.get, recent=memory.get(ids))
        session.ask(QUESTION, ids[:2], max_tokens=2)
        gc.collect()
        one, alone = _resident(), _storage([session])
        made = [session.fork() for _ in range(many)]
        for fork in made:
            fork.ask(QUESTION, ids[:1], max_tokens=1)
        gc.collect()
        all_of_them, shared = _resident(), _storage([session, *made])
        told = [fork.tell(QUESTION, ids[:1], max_tokens=8)[1] for fork in made[:TIMES]]
        own = (_storage([session, *told]) - alone) / len(told)
        return {
            "resident_mib": [round(one / 2**20, 1), round(all_of_them / 2**20, 1)],
            "ratio_resident": round(all_of_them / one, 3), "storage_mib": round(alone / 2**20, 1),
            "ratio_storage": round(shared / alone, 3), "told_mib_each": round(own / 2**20, 2),
            "told_tokens_each": told[0].talk[0].n,
        }  # fmt: skip


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("/proc/self/status does not tell resident memory")


def _storage(sessions: list[Session]) -> int:
    """Bytes of all tensors that sessions hold, each storage once."""
    held = {}
    for session in sessions:
        for block in (session.sink, *session.recent, *session.talk):
            for one in (block.keys, block.values, block.places, block.tokens):
                storage = one.untyped_storage()
                held[storage.data_ptr()] = storage.nbytes()
    return sum(held.values())


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this row can be told."""
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--chunks", default="64,256", help="tokens of a chunk, with commas")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--hours", default="1,10,100")
    parser.add_argument("--long", action="store_true", help="the flat part with SmolLM2-135M, too")
