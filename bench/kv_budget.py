"""What is still answered when only a part of the keys and values is kept, for each strategy.

    python -m bench.kv --rows budget [--tokens 4000] [--questions 11] [--planted-only]

Two worlds. Planted: blocks of 64 tokens, 60 of them near one of four plain directions and four
unlike anything; the question is the key of one of the four, and the answer is right if what is read
is nearest to its value among all 200. Real: SmolLM2-135M reads a stream of notes
(`bench.worlds.needles`) once, and each block is compressed as it is handed out. A question is right
if, given the sentence of the fact up to its answer, every token of the answer is the likeliest one.
It is read in three ways:

* near: the blocks that hold the fact and their neighbours, all compressed;
* all: the whole stream, compressed (at one budget);
* two levels: the whole stream, the blocks of the fact dense (found by an oracle) and the first and
  last, the rest pooled.

Controls: everything kept, no block at all, every so many-th token whatever it says (`thinned`), and
merged tokens read without their sizes.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.kv_model import loaded
from bench.machine import say
from bench.worlds.needles import SECONDS, Stream, stream
from longtake.memory.kv.compress import NAMES, Compress, budget, chosen, strategy
from longtake.memory.kv.pooled import bilevel, cost
from longtake.memory.kv.session import MARK, Session, ids_of
from longtake.models.kv.held import Held, assemble
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block

SHARES = (1.0, 0.5, 0.25, 0.125, 0.05)
KINDS = ("needle", "fact")
WINDOW, BLOCK = 1024, 64
EVERY_SHARE = 0.25
"""The budget at which the whole stream is read too, and merged tokens also without sizes."""
Way = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """A question, the sentence that answers it up to the answer, the answer, and its blocks."""

    question: str
    lead: str
    answer: str
    blocks: tuple[int, ...]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return shares of right answers, for each strategy and budget."""
    import torch

    torch.set_num_threads(args.threads)
    shares = [float(one) for one in args.shares.split(",")]
    found: dict[str, Any] = {"planted": planted(shares)}
    if not args.planted_only:
        found["real"] = real(args.tokens, shares, args.questions)
    return found


def thinned(share: float) -> Compress:
    """Every so many-th token of a block."""
    import torch

    def small(block: Block) -> Block:
        m = budget(block.n, share)
        return chosen(block, torch.arange(m) * block.n // m)

    return small


def ways(shares: Sequence[float]) -> list[tuple[str, float, Compress]]:
    """Every strategy at every budget; those that have but one budget, once."""
    made = [("none", 1.0, strategy("none"))]
    for name in NAMES:
        if name == "carrier":
            made.append((name, 1 / BLOCK, strategy(name)))
        elif name != "none":
            made += [(name, share, strategy(name, keep=share)) for share in shares if share < 1]
    return made + [("thinned", share, thinned(share)) for share in shares if share < 1]


def planted(shares: Sequence[float], *, blocks: int = 50) -> list[Way]:
    """Right answers about tokens that are unlike their neighbours."""
    import torch

    maker = torch.Generator().manual_seed(3)

    def noise(*shape: int) -> Any:
        return torch.randn(*shape, generator=maker)

    dim, odd = 64, 4
    keys = (noise(4, dim) * 2)[torch.randint(0, 4, (blocks, BLOCK), generator=maker)]
    keys = keys + noise(blocks, BLOCK, dim) * 0.1
    values = noise(blocks, BLOCK, dim)
    at = torch.stack([torch.randperm(BLOCK, generator=maker)[:odd] for _ in range(blocks)])
    rows = torch.arange(blocks)[:, None]
    keys[rows, at] = noise(blocks, odd, dim) * 2
    asked, true = keys[rows, at] * 4, values[rows, at].reshape(-1, dim)
    line = torch.arange(BLOCK, dtype=torch.int32)[None]
    film = [Block(b, 0.0, 0.0, keys[b][None, None], values[b][None, None], line, line[0].long())
            for b in range(blocks)]  # fmt: skip
    made = []
    for name, share, small in ways(shares):
        kept = [small(block) for block in film]
        right = 0
        for b, block in enumerate(kept):
            scores = asked[b] @ block.keys[0, 0].T * dim**-0.5
            if block.sizes is not None:
                scores = scores + block.sizes.log()
            read = scores.softmax(-1) @ block.values[0, 0]
            near = torch.cdist(read, true).argmin(dim=1)
            right += int((near == b * odd + torch.arange(odd)).sum())
        made.append({"strategy": name, "share": share, "right": right / (blocks * odd),
                     "kept": round(cost(kept, film).share, 4)})  # fmt: skip
    return made


def real(tokens: int, shares: Sequence[float], most: int) -> dict[str, Any]:
    """Right answers of SmolLM2-135M about a stream of notes; `most` questions, evenly chosen."""
    model, tokenizer = loaded()
    world = stream(tokens, lambda text: len(ids_of(tokenizer, text + "\n")))
    with RopeTap(model) as tap:
        session = Session.over(tap, tokenizer, lambda _: ())
        began = time.monotonic()
        blocks = encoded(session, world.notes)
        say(f"{len(blocks)} blocks encoded in {time.monotonic() - began:.0f} s")
        items = _items(world, blocks)
        if most < len(items):
            items = [items[n * len(items) // most] for n in range(most)]
        made = []
        for name, share, small in sorted(ways(shares), key=lambda way: -way[1]):
            made.append(_way(session, blocks, items, name, share, small))
            say(str(made[-1]))
        made += _two_levels(session, blocks, items)
        made.append({"strategy": "no block at all", **_share(session, items, lambda _: [])})
    return {"tokens": sum(one.n for one in blocks), "questions": len(items), "ways": made}


def _way(
    session: Session, blocks: Sequence[Block], items: Sequence[Item],
    name: str, share: float, small: Compress,
) -> Way:  # fmt: skip
    began = time.monotonic()
    kept = [small(block) for block in blocks]
    took = time.monotonic() - began
    made: Way = {"strategy": name, "share": share, "kept": round(cost(kept, blocks).share, 4),
                 "seconds": round(took, 2)}  # fmt: skip

    def near(among: Sequence[Block]) -> Callable[[Item], Sequence[Block]]:
        return lambda item: [among[b] for b in _around(item.blocks, len(among))]

    made |= {f"near {k}": v for k, v in _share(session, items, near(kept)).items()}
    if share not in (1.0, EVERY_SHARE) and name != "carrier":
        return made
    held = assemble(session.tap, session.sink, kept)
    made |= {f"all {k}": v for k, v in _share(session, items, held).items()}
    if kept[0].sizes is not None:
        bare = [replace(one, sizes=None) for one in kept]
        off = _share(session, items, near(bare))
        made |= {f"near without sizes {k}": v for k, v in off.items()}
    return made


def _two_levels(session: Session, blocks: Sequence[Block], items: Sequence[Item]) -> list[Way]:
    made = []
    for keep in (0.25, 1 / 16, 1 / BLOCK):
        pool = strategy("pooled", keep=keep)
        # Pooled once; only which of them are read dense differs from question to question.
        small = {block.id: pool(block) for block in blocks}

        def read(item: Item, small: Mapping[int, Block] = small) -> Sequence[Block]:
            return bilevel(blocks, item.blocks, pool=lambda one: small[one.id])

        share = sum(cost(read(item), blocks).share for item in items) / len(items)
        made.append({"strategy": "two levels", "share": keep, "kept": round(share, 4),
                     **{f"all {k}": v for k, v in _share(session, items, read).items()}})  # fmt: skip
        say(str(made[-1]))
    return made


def _share(
    session: Session, items: Sequence[Item], read: Callable[[Item], Sequence[Block]] | Held
) -> dict[str, float]:
    """Share of right answers, and mean log-probability of an answer's tokens."""
    right, total = 0, 0.0
    for item in items:
        held = read
        if not isinstance(held, Held):
            held = assemble(session.tap, session.sink, held(item))
        ok, logprob = _said(session, item, held)
        right, total = right + ok, total + logprob
    return {"right": round(right / len(items), 3), "logprob": round(total / len(items), 2)}


def _said(session: Session, item: Item, held: Held) -> tuple[bool, float]:
    """Whether every token of the answer is the likeliest, and their mean log-probability."""
    import torch

    asked = session.wording.after.replace(MARK, item.question) + item.lead
    lead, said = (ids_of(session.tokenizer, text) for text in (asked, item.answer))
    every = torch.cat((lead, said))
    line = (torch.arange(len(every)) + held.next)[None]
    made = session.tap.run(every, positions=line, held=held)
    scores = session.tap.logits(made.hidden[:, len(lead) - 1 : -1])[0].log_softmax(-1)
    told = scores.gather(1, said[:, None])
    return bool((scores.argmax(-1) == said).all()), float(told.mean())


def _around(blocks: Sequence[int], n: int) -> list[int]:
    return list(range(max(0, min(blocks) - 1), min(n, max(blocks) + 2)))


def _items(world: Stream, blocks: Sequence[Block]) -> list[Item]:
    made = []
    for ask in world.asks:
        if ask.kind not in KINDS:
            continue
        (note,) = ask.gold
        told = world.notes[note]
        answer = re.search(rf" {re.escape(ask.accepts[0])}\w*", told)
        if answer is None:
            raise SystemExit(f"the note {told!r} does not hold {ask.accepts[0]!r}")
        at = tuple(block.id for block in blocks if str(note) in block.refs)
        made.append(Item(ask.text, told[: answer.start()], answer[0], at))
    return made


def encoded(session: Session, notes: Sequence[str]) -> list[Block]:
    """Read notes, one every few seconds; a block knows the numbers of its notes."""
    encoder = StreamEncoder(
        session.tap, ids_of(session.tokenizer, session.wording.before), window=WINDOW, chunk=256,
        block=BLOCK,
    )  # fmt: skip
    made: list[Block] = []
    for n, note in enumerate(notes):
        ids = ids_of(session.tokenizer, note + "\n")
        made += encoder.feed(Unit(n * SECONDS, (n + 1) * SECONDS, ids=ids, refs=(str(n),)))
    return made + encoder.close()


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this bench can be told."""
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--shares", default=",".join(f"{one:g}" for one in SHARES))
    parser.add_argument("--questions", type=int, default=11, help="the most questions, spread")
    parser.add_argument("--planted-only", action="store_true")
