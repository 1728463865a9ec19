"""Ghosts: what answers lose when keys and values are not kept but made again.

    python -m bench.kv --rows ghost --tokens 8000 --folder DIR [--contexts 0,64,256,1024]

The stream of `bench.kv_needles` is encoded once and kept as k8v4; a copy of it is turned into
ghosts, of which index keys and token ids are left. Every question reads the one block that the
index puts first, from the stored stream and from ghosts that are made again after so many tokens
before them. No context at all is the control. `beside stored blocks` is what a block costs and
gives that was lost alone, among blocks that are there.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

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
Read = Callable[[Sequence[int]], Sequence[Block]]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Answers from stored blocks and from ghosts, what making one takes, and bytes."""
    with setting(args) as made, tempfile.TemporaryDirectory() as place:
        asks = [ask for ask in made.world.asks if ask.kind in KINDS]
        found = _found(made, made.memory, asks)
        say("stored")
        stored = _answers(made, asks, found, made.memory.get)
        tokens = sum(row.n for row in made.memory.rows())
        figures: dict[str, Any] = {"tokens": tokens, "blocks": len(made.memory)}
        copy = Path(place) / "copy"
        shutil.copytree(made.memory.folder, copy)
        with Segments(copy, made.memory.print, write=True) as memory:
            figures["bytes_per_hour"] = _weighed(memory, tokens)
            figures["same_blocks"] = _found(made, memory, asks) == found
            ways: dict[str, Any] = {"stored": _told(asks, stored, stored)}
            for context in map(int, args.contexts.split(",")):
                say(f"ghosts after {context} tokens")
                rebuild = Ghosts(made.tap, made.session.sink, memory, context=context)
                ways[f"after {context}"] = _of_ghosts(made, asks, found, stored, memory, rebuild)
            say("beside stored blocks")
            beside = Ghosts(made.tap, made.session.sink, made.memory)
            ways["beside stored blocks"] = _of_ghosts(made, asks, found, stored, memory, beside)
        figures["context"] = CONTEXT
        share = ways[f"after {CONTEXT}"]["of_stored"] if f"after {CONTEXT}" in ways else None
        return {**figures, "ways": ways, "gate": None if share is None else share >= GATE}


def _found(made: Setting, memory: Segments, asks: Sequence[Ask]) -> dict[str, int]:
    """The block that the index of this memory puts first for each question."""
    index = MassIndex.over(memory, made.profile)
    return {
        ask.id: index.search(made.session.queries(ask.text, index.layers), 1)[0].block
        for ask in asks
    }


def _answers(
    made: Setting, asks: Sequence[Ask], found: dict[str, int], read: Read
) -> dict[str, str]:
    session = replace(made.session, read=read)
    return {ask.id: session.ask(ask.text, [found[ask.id]]).text for ask in asks}


def _of_ghosts(
    made: Setting, asks: Sequence[Ask], found: dict[str, int], stored: dict[str, str],
    memory: Segments, rebuild: Ghosts,
) -> dict[str, Any]:  # fmt: skip
    """Answers from ghosts, beside the stored ones; what making one took, and how far off it is."""
    tiers = Tiers(memory, rebuild=rebuild)
    blocks = sorted(set(found.values()))
    took, again, off = [], [], []
    for one in blocks:
        began = time.perf_counter()
        (block,) = tiers.get([one])
        took.append(time.perf_counter() - began)
        began = time.perf_counter()
        tiers.get([one])
        again.append(time.perf_counter() - began)
        (true,) = made.memory.get([one])
        off.append([_off(block.keys, true.keys), _off(block.values, true.values)])
    texts = _answers(made, asks, found, tiers.get)
    assert tiers.reads.rebuilt == len(blocks), "each was made once and then read from memory"
    return {
        **_told(asks, texts, stored),
        "seconds_made": round(median(took), 3), "seconds_again": round(median(again), 5),
        "keys_off": round(median(one[0] for one in off), 4),
        "values_off": round(median(one[1] for one in off), 4),
    }  # fmt: skip


def _told(asks: Sequence[Ask], texts: dict[str, str], stored: dict[str, str]) -> dict[str, Any]:
    """Right answers of each kind, the share of those from stored blocks, and how many are equal."""
    right = {ask.id: _right(ask, texts[ask.id]) for ask in asks}
    base = sum(_right(ask, stored[ask.id]) for ask in asks)
    equal = sum(texts[one] == stored[one] for one in texts)
    kinds = {kind: [right[ask.id] for ask in asks if ask.kind == kind] for kind in KINDS}
    return {
        "right": f"{sum(right.values())}/{len(asks)}",
        **{kind: f"{sum(some)}/{len(some)}" for kind, some in kinds.items()},
        "of_stored": round(sum(right.values()) / max(1, base), 3),
        "equal": f"{equal}/{len(asks)}",
    }  # fmt: skip


def _right(ask: Ask, text: str) -> bool:
    return all(word.lower() in text.lower() for word in ask.accepts)


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
    parser.add_argument("--tokens", type=int, default=8000)
    parser.add_argument("--chunk", type=int, default=256, help="tokens encoded in one pass")
    parser.add_argument("--contexts", default=f"0,64,256,{CONTEXT}",
                        help="tokens read before a ghost")  # fmt: skip
    parser.add_argument("--profiles", help="a folder of head profiles to look in first")
