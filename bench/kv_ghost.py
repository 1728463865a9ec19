"""Ghosts: what answers lose when keys and values are not kept but made again.

    python -m bench.kv --rows ghost --streams 4000,6000 --folder DIR

Streams of `bench.kv_needles` are encoded once and kept as k8v4; a copy of each is turned into
ghosts, of which index keys and token ids are left. Every question reads the blocks that the index
puts first, from the stored stream and from ghosts that are made again after so many tokens before
them. No context at all is the control. `beside stored blocks` is what a block costs and gives that
was lost alone, among blocks that are there.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

from bench.kv_needles import Setting, setting
from bench.machine import say
from bench.worlds.needles import Ask
from longtake.memory.kv.build import LIVE
from longtake.memory.kv.ghost import CONTEXT, Ghosts
from longtake.memory.kv.mass import MassIndex
from longtake.memory.kv.tiers import Tiers
from longtake.storage.kv.block import Block
from longtake.storage.kv.segments import Segments

KINDS = ("needle", "fact", "paraphrase")
HOURLY = 15_000
"""Tokens of an hour of talk."""
GATE = 0.95


class Tried(NamedTuple):
    """One question: right, right from stored blocks, equal words, and how likely those were."""

    kind: str
    right: bool
    stored: bool
    equal: bool
    logprob: float


class Made(NamedTuple):
    """One ghost: seconds to make it and to read it again, and its distance from the stored."""

    first: float
    again: float
    keys: float
    values: float


Read = Callable[[Sequence[int]], Sequence[Block]]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Answers from stored blocks and from ghosts, what making one takes, and bytes."""
    tried: dict[str, list[Tried]] = {}
    made: dict[str, list[Made]] = {}
    streams = []
    for tokens in map(int, args.streams.split(",")):
        say(f"stream of {tokens} tokens")
        given = argparse.Namespace(**{**vars(args), "tokens": tokens})
        with setting(given) as one, tempfile.TemporaryDirectory() as place:
            streams.append(_stream(one, Path(place) / "copy", args, tried, made))
    ways = {way: _told(some) | _cost(made.get(way, [])) for way, some in tried.items()}
    ours = ways.get(_after(CONTEXT))
    return {
        "k": args.k, "streams": streams, "context": CONTEXT, "ways": ways,
        "gate": None if ours is None else ours["of_stored"] >= GATE,
    }  # fmt: skip


def _stream(
    made: Setting, copy: Path, args: argparse.Namespace, tried: dict[str, list[Tried]],
    took: dict[str, list[Made]],
) -> dict[str, Any]:  # fmt: skip
    """Ask one stream each way; return its sizes."""
    asks = [ask for ask in made.world.asks if ask.kind in KINDS]
    found = _found(made, made.memory, asks, args.k)
    stored = _answers(made, asks, found, made.memory.get)
    tried.setdefault("stored", []).extend(_tried(made, asks, found, stored, made.memory.get))
    tokens = sum(row.n for row in made.memory.rows())
    shutil.copytree(made.memory.folder, copy)
    with Segments(copy, made.memory.print, write=True) as memory:
        figures = {
            "tokens": tokens, "blocks": len(memory), "bytes_per_hour": _weighed(memory, tokens),
            "same_blocks": _found(made, memory, asks, args.k) == found,
        }  # fmt: skip
        sink, contexts = made.session.sink, list(map(int, args.contexts.split(",")))
        rebuilds = {
            _after(n): Ghosts(made.tap, sink, memory, context=n) for n in contexts
        } | {"beside stored blocks": Ghosts(made.tap, sink, made.memory)}  # fmt: skip
        for way, rebuild in rebuilds.items():
            say(way)
            tiers = Tiers(memory, rebuild=rebuild)
            took.setdefault(way, []).extend(_made(made, tiers, found))
            tried.setdefault(way, []).extend(_tried(made, asks, found, stored, tiers.get))
            say(f"{_told(tried[way])} {_cost(took[way])}")
    return figures


def _after(context: int) -> str:
    return f"after {context}"


def _found(
    made: Setting, memory: Segments, asks: Sequence[Ask], k: int
) -> dict[str, list[int]]:  # fmt: skip
    """The blocks that the index of this memory puts first for each question."""
    index = MassIndex.over(memory, made.profile)
    return {
        ask.id: [hit.block for hit in index.search(made.session.queries(ask.text, index.layers), k)]
        for ask in asks
    }


def _answers(
    made: Setting, asks: Sequence[Ask], found: dict[str, list[int]], read: Read
) -> dict[str, str]:
    session = replace(made.session, read=read)
    return {ask.id: session.ask(ask.text, found[ask.id]).text for ask in asks}


def _tried(
    made: Setting, asks: Sequence[Ask], found: dict[str, list[int]], stored: dict[str, str],
    read: Read,
) -> list[Tried]:  # fmt: skip
    """Every question asked this way, beside what was answered from stored blocks."""
    texts, session = _answers(made, asks, found, read), replace(made.session, read=read)
    return [
        Tried(ask.kind, ask.is_in(texts[ask.id]), ask.is_in(stored[ask.id]),
              texts[ask.id] == stored[ask.id],
              session.score(ask.text, found[ask.id], stored[ask.id]))
        for ask in asks
    ]  # fmt: skip


def _made(made: Setting, tiers: Tiers, found: dict[str, list[int]]) -> list[Made]:
    """Make every block that is read; how long that took, and how far it is from the stored one."""
    told = []
    blocks = sorted(set().union(*found.values()))
    for one in blocks:
        began = time.perf_counter()
        (block,) = tiers.get([one])
        first = time.perf_counter()
        tiers.get([one])
        again = time.perf_counter()
        (true,) = made.memory.get([one])
        told.append(Made(first - began, again - first, _off(block.keys, true.keys),
                         _off(block.values, true.values)))  # fmt: skip
    assert tiers.reads.rebuilt == len(blocks), "each was made once and then read from memory"
    return told


def _told(tried: Sequence[Tried]) -> dict[str, Any]:
    """Right answers of each kind, their share of those from stored blocks, and what is equal."""
    right, stored = sum(one.right for one in tried), sum(one.stored for one in tried)
    kinds = {kind: [one.right for one in tried if one.kind == kind] for kind in KINDS}
    return {
        "right": f"{right}/{len(tried)}",
        **{kind: f"{sum(some)}/{len(some)}" for kind, some in kinds.items()},
        "of_stored": round(right / max(1, stored), 3),
        "kept": f"{sum(one.right and one.stored for one in tried)}/{stored}",
        "equal": f"{sum(one.equal for one in tried)}/{len(tried)}",
        "logprob_of_stored": round(fmean(one.logprob for one in tried), 3),
    }  # fmt: skip


def _cost(made: Sequence[Made]) -> dict[str, Any]:
    if not made:
        return {}
    first, again, keys, values = (median(column) for column in zip(*made, strict=True))
    return {"seconds_made": round(first, 3), "seconds_again": round(again, 5),
            "keys_off": round(keys, 4), "values_off": round(values, 4)}  # fmt: skip


def _off(made: Any, true: Any) -> float:
    """How far a tensor is from another, as a share of its size."""
    return float((made - true).norm() / true.norm())


def _weighed(memory: Segments, tokens: int) -> dict[str, Any]:
    """Bytes of an hour of talk as each scheme; the memory is ghosts in the end."""
    every = [row.id for row in memory.rows()]
    told = {}
    for scheme in ("k8v4", "k4v4", "ghost"):
        memory.demote(every, scheme)
        memory.compact()
        told[scheme] = round(memory.bytes() / tokens * HOURLY)
        if scheme == "k4v4":
            live = sum(one.bytes for one in memory.packed(every[-LIVE:]))
    return {**told, f"ghost, with the newest {LIVE} blocks": told["ghost"] + live}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this bench can be told."""
    parser.add_argument("--streams", default="4000,6000", help="tokens of each stream")
    parser.add_argument("--k", type=int, default=1, help="blocks that are read")
    parser.add_argument("--chunk", type=int, default=256, help="tokens encoded in one pass")
    parser.add_argument("--contexts", default=f"0,256,{CONTEXT}",
                        help="tokens read before a ghost")  # fmt: skip
    parser.add_argument("--profiles", help="a folder of head profiles to look in first")
