"""Visual key–value memory, measured: a small model that sees, on streams it was not trained for.

    python -m bench.kv --rows tinyvlm --folder DIR [--weights FILE]

The model (`bench.tinyvlm`) was trained on streams of at most 24 frames. Here it reads streams of up
to ten times that, frame by frame through the adapter, and every question needs one moment of two
frames. Three tables, all from the same weights and seeds:

* lengths: answers by how blocks are found, for streams of 1, 2, 5 and 10 windows;
* budgets: answers from the event (12 frames) that holds the moment, when only a share of its tokens
  is kept, for each strategy; uniform thinning and everything kept are the controls;
* schemes: answers and bytes of blocks kept on disk by each scheme.

Heads are chosen on worlds of other seeds. Chance is a quarter of each kind's, and is measured too:
the same questions with their moment taken away.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.kv_budget import thinned
from bench.machine import say
from bench.tinyvlm.model import TOKENS, WEIGHTS, WINDOW, loaded, sha256
from bench.tinyvlm.read import REACH, Told, encoded, gold, right
from bench.tinyvlm.worlds import FRAMES, KINDS, Question, questions, world
from longtake.memory.kv.baselines import baseline
from longtake.memory.kv.compress import NAMES, Compress, joined, strategy
from longtake.memory.kv.heads import Profile, choose, fallback, fingerprint
from longtake.memory.kv.mass import MassIndex, Ranker, drift
from longtake.memory.kv.pooled import cost
from longtake.memory.kv.recall import Recall
from longtake.memory.kv.recall import chosen as believed
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block
from longtake.storage.kv.quantize import SCHEMES
from longtake.storage.kv.segments import Fingerprint, Segments

TIMES = (1, 2, 5, 10)
"""Lengths of streams in windows."""
SHARES = (0.5, 0.25, 0.125, 0.05)
EVENT = 12
"""Frames of an event."""
SEED, OTHER = 7001, 9001
"""Worlds that are measured, and those that heads are chosen on: neither is trained on."""
BASELINES = ("rekv_mean", "infllm_repr4", "quest")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """An encoded world and the questions about it."""

    told: Told
    questions: list[Question]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return all three tables."""
    import torch

    torch.set_num_threads(args.threads)
    weights = Path(args.weights) if args.weights else WEIGHTS
    with RopeTap(loaded(weights)) as tap:
        profile = calibrated(tap)
        say(f"heads {profile.heads}, {profile.found}")
        figures: Row = {
            "weights": sha256(weights), "parameters": tap.model.num_parameters(),
            "window_frames": WINDOW, "reach_frames": REACH, "tokens_of_a_frame": TOKENS,
            "chance": round(sum(1 / n for n in KINDS.values()) / len(KINDS), 4),
            "heads": [list(one) for one in profile.heads], "of_heads": tap.layers * tap.heads,
            "calibration": profile.found, "lengths": [],
        }  # fmt: skip
        longest: list[Asked] = []
        for times in TIMES:
            longest = worlds(tap, times, args.questions)
            figures["lengths"].append(_length(longest, times, profile))
            say(str(figures["lengths"][-1]))
        figures["alone"] = _alone(tap, longest)
        figures["budgets"] = list(_budgets(longest, profile))
        figures["schemes"] = list(_schemes(tap, longest, profile, Path(args.folder)))
    return figures


def calibrated(tap: RopeTap) -> Profile:
    """Choose the heads by 48 questions about a stream of another seed."""
    (one,) = worlds(tap, 5, 48, seed=OTHER)
    session = one.told.session()
    asked = [session.queries(question.text, range(tap.layers)) for question in one.questions]
    # The second frame saw the first, so it holds what the moment is about.
    places = [gold(question)[-1] for question in one.questions]
    return choose(tap, one.told.blocks, asked, places)


def worlds(tap: RopeTap, times: int, n: int, *, seed: int = SEED) -> list[Asked]:
    """Encode as many worlds of this length as it takes for n different questions."""
    moments = times * WINDOW // FRAMES
    each = min(n, moments * len(KINDS) // 4 * 4)
    made = []
    for number in range(-(-n // each)):
        here = seed + 100 * times + number
        told = encoded(tap, world(moments, here))
        made.append(Asked(told, questions(told.moments, each, here)))
    return made


def _length(asked: Sequence[Asked], times: int, profile: Profile) -> Row:
    """One length of stream: every way of finding blocks, and the controls."""
    made: Row = {"frames": times * WINDOW, "worlds": len(asked),
                 "questions": sum(len(one.questions) for one in asked), "ways": {}}  # fmt: skip
    ways = made["ways"]
    ways["oracle"] = _share(asked, lambda told: lambda question, _: gold(question))
    ways["taken away"] = _share(asked, _without)
    ways["full"] = _share(asked, lambda told: lambda *_: range(len(told.blocks)))
    ways["window"] = _share(asked, _window)
    found: list[tuple[str, Callable[[int], Ranker]]] = [
        ("token_mass", lambda _: MassIndex(profile)),
        ("token_mass, all middle heads", lambda _: MassIndex(fallback(asked[0].told.tap))),
        *((name, lambda layers, name=name: baseline(name, layers=layers)) for name in BASELINES),
    ]  # fmt: skip
    for name, maker in found:
        ways[name] = _found(asked, maker)
    ways["token_mass"]["adaptive"] = _adaptive(asked, profile)
    ways["token_mass"]["drift"] = _drift(asked, profile)
    return made


Find = Callable[[Question, Any], Sequence[int]]


def _share(asked: Sequence[Asked], way: Callable[[Told], Find]) -> Row:
    """Share of right answers, over all and by kind."""
    hits: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for one in asked:
        session, find = one.told.session(), way(one.told)
        for question in one.questions:
            hits[question.kind].append(right(session, question, find(question, session)))
    every = [hit for row in hits.values() for hit in row]
    return {"right": round(sum(every) / len(every), 3),
            **{kind: round(sum(row) / len(row), 3) for kind, row in hits.items()}}  # fmt: skip


def _without(told: Told) -> Find:
    """The blocks around the moment, without it."""
    n = len(told.blocks)
    return lambda question, _: [
        block for block in range(max(0, gold(question)[0] - 8), min(n, gold(question)[-1] + 9))
        if block not in gold(question)
    ]  # fmt: skip


def _window(told: Told) -> Find:
    """The newest blocks, as many as a stream of training has."""
    n = len(told.blocks)
    return lambda *_: range(max(0, n - WINDOW), n)


def _found(asked: Sequence[Asked], maker: Callable[[int], Ranker]) -> Row:
    """R@1 and R@4 (a frame of the moment is among the first), and answers from k blocks."""
    ranks: dict[int, list[bool]] = {1: [], 4: []}
    hits: dict[int, list[bool]] = {1: [], 2: [], 4: []}
    for one in asked:
        session, index = one.told.session(), maker(one.told.tap.layers)
        for block in one.told.blocks:
            index.add(block)
        for question in one.questions:
            asks = session.queries(question.text, index.layers)
            got = [hit.block for hit in index.search(asks, 4)]
            for k, row in ranks.items():
                row.append(bool(set(got[:k]) & set(gold(question))))
            for k, row in hits.items():
                row.append(right(session, question, got[:k]))
    return {**{f"R@{k}": round(sum(row) / len(row), 3) for k, row in ranks.items()},
            **{f"k={k}": round(sum(row) / len(row), 3) for k, row in hits.items()}}  # fmt: skip


def _adaptive(asked: Sequence[Asked], profile: Profile) -> Row:
    """Answers when as few blocks are read as an answer takes, by the default thresholds."""
    hits, read = [], []
    for one in asked:
        index = MassIndex(profile)
        for block in one.told.blocks:
            index.add(block)
        times = {block.id: (block.start, block.end) for block in one.told.blocks}
        recall = Recall(one.told.session(), index, profile, times)
        for question in one.questions:
            tried = recall.recall(question.text, max_tokens=2)
            last = believed(tried)
            hits.append(last is not None and last.text == question.answer)
            read.append(sum(len(attempt.blocks) for attempt in tried))
    return {"right": round(sum(hits) / len(hits), 3),
            "blocks_read": round(sum(read) / len(read), 2)}  # fmt: skip


def _drift(asked: Sequence[Asked], profile: Profile) -> float:
    """Mean correlation of scores with time over the questions."""
    seen = []
    for one in asked:
        session, index = one.told.session(), MassIndex(profile)
        for block in one.told.blocks:
            index.add(block)
        seen += [drift(index.scores(session.queries(question.text, profile.layers))[1])
                 for question in one.questions]  # fmt: skip
    return round(sum(seen) / len(seen), 3)


def _alone(tap: RopeTap, asked: Sequence[Asked]) -> Row:
    """The oracle's blocks, and their second frame alone, encoded in context and without any."""
    last: Callable[[Told], Find] = lambda told: lambda question, _: gold(question)[-1:]
    both: Callable[[Told], Find] = lambda told: lambda question, _: gold(question)
    bare = [replace(one, told=encoded(tap, one.told.moments, reach=0)) for one in asked]
    return {"in context, both frames": _share(asked, both),
            "in context, second frame": _share(asked, last),
            "alone, both frames": _share(bare, both),
            "alone, second frame": _share(bare, last)}  # fmt: skip


def ways() -> list[tuple[str, float, Compress]]:
    """Every strategy at every budget; the carrier, whose budget is its own, once."""
    made: list[tuple[str, float, Compress]] = [("none", 1.0, strategy("none"))]
    made.append(("carrier", 1 / TOKENS, strategy("carrier", frame=TOKENS)))
    for share in SHARES:
        made.append(("uniform", share, thinned(share)))
        made += [(name, share, strategy(name, keep=share, frame=TOKENS))
                 for name in NAMES if name not in ("none", "carrier")]  # fmt: skip
    return made


def _budgets(asked: Sequence[Asked], profile: Profile) -> Iterator[Row]:
    """Answers from compressed events: from the one that holds the moment, and from the one found."""
    for name, share, small in ways():
        hits: list[bool] = []
        told: list[bool] = []
        places: list[bool] = []
        read = [0, 0]
        for one in asked:
            whole = _events(one.told.blocks)
            kept = [small(event) for event in whole]
            spent = cost(kept, whole)
            read = [read[0] + spent.read, read[1] + spent.whole]
            session = one.told.session(lambda ids, kept=kept: [kept[at] for at in ids])  # type: ignore[misc]
            index = MassIndex(profile)
            for event in kept:
                index.add(event)
            for question in one.questions:
                mine = gold(question)[0] // EVENT
                asks = session.queries(question.text, index.layers)
                (hit,) = index.search(asks, 1)
                hits.append(right(session, question, [mine]))
                told.append(right(session, question, [hit.block]))
                places.append(hit.block == mine)
        row = {"strategy": name, "share": round(share, 4), "kept": round(read[0] / read[1], 4),
               "right": round(sum(hits) / len(hits), 3), "found": round(sum(places) / len(hits), 3),
               "right_of_found": round(sum(told) / len(hits), 3)}  # fmt: skip
        say(str(row))
        yield row


def _events(blocks: Sequence[Block]) -> list[Block]:
    """Stretches of `EVENT` frames as one block each, numbered anew."""
    made = [joined(blocks[at : at + EVENT]) for at in range(0, len(blocks), EVENT)]
    return [replace(block, id=n) for n, block in enumerate(made)]


@contextmanager
def _stored(
    tap: RopeTap, folder: Path, blocks: Sequence[Block], scheme: str, profile: Profile
) -> Iterator[Segments]:
    """Blocks on disk by one scheme."""
    place = folder / f"tinyvlm-{scheme}"
    shutil.rmtree(place, ignore_errors=True)
    print = Fingerprint(tap.model.config.model_type, fingerprint(tap.model), "float32", "words",
                        "tinyvlm", tap.layers, tap.kv_heads, tap.head_dim)  # fmt: skip
    with Segments(place, print, write=True, heads=profile.keys) as memory:
        for block in blocks:
            memory.append(block, scheme)
    with Segments(place, print) as memory:
        yield memory


def _schemes(tap: RopeTap, asked: Sequence[Asked], profile: Profile, folder: Path) -> Iterator[Row]:
    """Answers from disk, from the blocks that the index on disk finds; and bytes of a token."""
    first: list[str] = []
    for scheme in SCHEMES:
        said: list[str] = []
        hits: list[bool] = []
        size = tokens = 0
        for one in asked:
            with _stored(tap, folder, one.told.blocks, scheme, profile) as memory:
                session = one.told.session(memory.get)
                index = MassIndex.over(memory, profile)
                for question in one.questions:
                    asks = session.queries(question.text, index.layers)
                    found = [hit.block for hit in index.search(asks, 2)]
                    said.append(session.ask(question.text, found, max_tokens=2).text)
                    hits.append(said[-1] == question.answer)
                size, tokens = size + memory.bytes(), tokens + index.tokens
        first = first or said
        same = sum(a == b for a, b in zip(first, said, strict=True))
        row = {"scheme": scheme, "right": round(sum(hits) / len(hits), 3),
               "same_as_raw": round(same / len(said), 3),
               "bytes_of_a_token": round(size / tokens, 1)}  # fmt: skip
        say(str(row))
        yield row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this bench can be told."""
    parser.add_argument("--weights", help="a file of weights; none: those of the repository")
    parser.add_argument("--questions", type=int, default=120)
