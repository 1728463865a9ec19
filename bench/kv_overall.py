"""What a stream is mostly about: read in two levels, from the best blocks, pooled, or summarised.

    python -m bench.kv --rows overall [--streams 12] [--tokens 4000] [--agent]

Each stream is of notes about five activities out of ten, in any order; half of them are about one,
and no note names it. "What were these notes mostly about?" is a choice of the ten: SmolLM2-135M's
mean log-probability of each, less what it gives without having read anything. It reads

* two levels: the blocks that the question finds, the first and the last whole, the rest pooled;
* dense: the blocks that the question finds, alone;
* pooled: everything, pooled;
* full: everything, whole;
* summary: the sentences that `summarize` takes from the memory's own chapters and scenes;
* spread: as many notes as the summary has sentences, evenly spaced: what no summary at all does.

`agent` is what the agent answers today with the ten as its options. Control: the same choice
without taking off what the model says unread (`plain`), and chance.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from bench.kv_budget import encoded
from bench.kv_model import loaded
from bench.machine import say
from bench.rows.common import Bench
from bench.worlds.dev import DevWorld
from bench.worlds.dev_script import Script
from bench.worlds.needles import SECONDS
from longtake.memory.kv.compress import strategy
from longtake.memory.kv.heads import profile_of
from longtake.memory.kv.mass import MassIndex
from longtake.memory.kv.pooled import bilevel
from longtake.memory.kv.session import MARK, Session, ids_of
from longtake.models.kv.held import Held, assemble
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block

QUESTION = "What were these notes mostly about?"
DENSE = 4
"""Blocks that the question finds."""
POOLED = 0.25
TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "gardening": (("waters", "digs up", "plants", "trims"),
                  ("the roses", "the tomatoes", "the hedge", "a row of tulips", "the compost"),
                  ("behind the greenhouse", "before the frost", "with a small spade")),
    "cooking": (("stirs", "tastes", "chops", "fries"),
                ("the onions", "the soup", "a handful of parsley", "the sauce", "the potatoes"),
                ("in the big pan", "over a low flame", "with a pinch of salt")),
    "sailing": (("hoists", "reefs", "trims", "lowers"),
                ("the jib", "the mainsail", "the anchor", "the spinnaker", "the halyard"),
                ("against the wind", "near the buoy", "as the hull heels over")),
    "painting pictures": (("mixes", "sketches", "varnishes", "touches up"),
                          ("the portrait", "a still life", "the canvas", "the watercolour",
                           "the blue of the sky"),
                          ("on the easel", "with a fine brush", "from the palette")),
    "repairing cars": (("changes", "tightens", "drains", "replaces"),
                       ("the oil filter", "the brake pads", "the spark plugs", "the exhaust",
                        "the clutch"),
                       ("under the bonnet", "on the lifting ramp", "with a torque wrench")),
    "playing music": (("tunes", "practises", "hums", "repeats"),
                      ("the cello", "the second violin part", "a scale", "the slow movement",
                       "the chorus"),
                      ("from the score", "with the metronome", "for the concert")),
    "building houses": (("pours", "lays", "plasters", "measures"),
                        ("the foundation", "the bricks", "the roof beams", "the north wall",
                         "the floor tiles"),
                        ("by the scaffold", "with a spirit level", "next to the concrete mixer")),
    "playing football": (("passes", "kicks", "heads", "saves"),
                         ("the ball", "a corner", "the free kick", "the penalty", "a long shot"),
                         ("past the goalkeeper", "into the box", "before the whistle")),
    "looking after animals": (("feeds", "brushes", "vaccinates", "weighs"),
                              ("the goat", "the old mare", "two calves", "the injured owl",
                               "the puppies"),
                              ("in the stable", "with some hay", "until the vet arrives")),
    "studying the stars": (("observes", "photographs", "catalogues", "points out"),
                           ("the comet", "a distant galaxy", "the moons of Jupiter",
                            "the crab nebula", "a double star"),
                           ("through the telescope", "in the dark of the dome",
                            "at low magnification")),
}  # fmt: skip
"""What notes are about → what somebody does, with what, and how; none of it names the topic."""
_WHO = ("Anna", "the woman in green", "an old man", "Peter", "one of the twins", "the trainee",
        "a visitor", "Mrs Lund", "the tall boy", "the one with the hat")  # fmt: skip
_SHARES = (0.5, 0.15, 0.15, 0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Day:
    """Notes of which half are about one thing."""

    notes: tuple[str, ...]
    topic: str
    counts: dict[str, int]


def day(seed: int, tokens: int, length: Any) -> Day:
    """Make notes of so many tokens; each topic is the main one in turn."""
    chance = Random(f"overall:{seed}")
    names = list(TOPICS)
    main = names[seed % len(names)]
    others = chance.sample([name for name in names if name != main], len(_SHARES) - 1)
    made: list[tuple[str, str]] = []
    total = 0
    while total < tokens:
        name = chance.choices([main, *others], _SHARES)[0]
        does, what, how = (chance.choice(part) for part in TOPICS[name])
        text = f"{chance.choice(_WHO).capitalize()} {does} {what} {how}."
        made.append((name, text))
        total += length(f"[00:00:00] {text}\n")
    at = [n * int(SECONDS) for n in range(len(made))]
    notes = tuple(f"[{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}] {text}"
                  for s, (_, text) in zip(at, made, strict=True))  # fmt: skip
    counts = {name: sum(one == name for one, _ in made) for name in (main, *others)}
    if max(counts, key=lambda name: counts[name]) != main:
        raise SystemExit(f"the notes of day {seed} are not mostly about {main}")
    return Day(notes, main, counts)


def scores(session: Session, held: Held) -> list[float]:
    """Mean log-probability of each topic as an answer."""

    def log(hidden: Any) -> Any:
        return session.tap.logits(hidden)[0].log_softmax(-1)

    asked = ids_of(session.tokenizer, session.wording.after.replace(MARK, QUESTION))
    out = session.tap.run(asked, positions=_line(asked, held), held=held)
    first, held = log(out.hidden[:, -1:])[0], out.held
    made = []
    for name in TOPICS:
        said = ids_of(session.tokenizer, name.capitalize())
        told = [first[said[0]]]
        if len(said) > 1:
            out = session.tap.run(said[:-1], positions=_line(said[:-1], held), held=held)
            told += list(log(out.hidden).gather(1, said[1:, None])[:, 0])
        made.append(float(sum(told)) / len(told))
    return made


def _line(ids: Any, held: Held) -> Any:
    import torch

    return (torch.arange(len(ids)) + held.next)[None]


def chosen(found: Sequence[float], unread: Sequence[float]) -> str:
    """The topic that reading raised most."""
    gain = [one - base for one, base in zip(found, unread, strict=True)]
    return list(TOPICS)[max(range(len(gain)), key=lambda n: gain[n])]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Shares of right choices for each way of reading, and what each read."""
    import torch

    torch.set_num_threads(args.threads)
    model, tokenizer = loaded(args.model)
    right: dict[str, list[bool]] = {}
    plain: dict[str, list[bool]] = {}
    read: dict[str, list[int]] = {}
    with RopeTap(model) as tap, tempfile.TemporaryDirectory() as place:
        session = Session.over(tap, tokenizer, lambda _: ())
        unread = scores(session, assemble(tap, session.sink, []))
        bench = Bench(Path(place))
        for seed in range(args.streams):
            made = day(seed, args.tokens, lambda text: len(ids_of(tokenizer, text)))
            contexts, said = _contexts(session, made, bench, seed, ask=args.agent)
            for way, blocks in contexts.items():
                found = scores(session, assemble(tap, session.sink, blocks))
                right.setdefault(way, []).append(chosen(found, unread) == made.topic)
                plain.setdefault(way, []).append(chosen(found, [0.0] * len(found)) == made.topic)
                read.setdefault(way, []).append(sum(one.n for one in blocks))
            if args.agent:
                right.setdefault("agent", []).append(made.topic in said)
            now = " ".join(f"{way} {sum(ok)}" for way, ok in right.items())
            say(f"{seed + 1} of {args.streams}: {now} (agent said {said!r})")
        bench.close()
    ways = {way: {"right": f"{sum(ok)}/{len(ok)}"} for way, ok in right.items()}
    for way, some in plain.items():
        ways[way] |= {"plain": f"{sum(some)}/{len(some)}",
                      "tokens": str(round(sum(read[way]) / len(read[way])))}  # fmt: skip
    return {"streams": args.streams, "tokens": args.tokens, "choices": len(TOPICS),
            "chance": round(1 / len(TOPICS), 3), "ways": ways}  # fmt: skip


def _contexts(
    session: Session, made: Day, bench: Bench, seed: int, *, ask: bool
) -> tuple[dict[str, list[Block]], str]:
    """What each way reads of a day, and what the agent says."""
    blocks = encoded(session, made.notes)
    profile = profile_of(session.tap)
    index = MassIndex(profile, neutral=session.neutral(profile.layers))
    for block in blocks:
        index.add(block)
    best = [hit.block for hit in index.search(session.queries(QUESTION, index.layers), DENSE)]
    pool = strategy("pooled", keep=POOLED)
    told, said = _remembered(bench, made, seed, ask=ask)
    step = max(1, len(made.notes) // len(told))
    return {
        "two levels": bilevel(blocks, best, pool=pool),
        "dense": [block for block in blocks if block.id in best],
        "pooled": [pool(block) for block in blocks],
        "full": blocks,
        "summary": encoded(session, told),
        "spread": encoded(session, made.notes[step // 2 :: step][: len(told)]),
    }, said


def _remembered(bench: Bench, made: Day, seed: int, *, ask: bool) -> tuple[list[str], str]:
    """The sentences of a summary by the memory's own levels, and the agent's answer if asked."""
    from longtake.tools.summary import summarize

    length = len(made.notes) * SECONDS
    said = [(n * SECONDS, (n + 1) * SECONDS - 0.5, text.partition("] ")[2])
            for n, text in enumerate(made.notes)]  # fmt: skip
    card = [(0.0, length, "Notes", (0.1, 0.1, 0.5, 0.18))]
    world = DevWorld(Script(f"day-{seed}", "one", length, said, card), ())
    place = bench.written(f"day-{seed}", world.remember)
    told = summarize(place.toolbox(), [place.video])
    said_by = place.library.ask(QUESTION, video=place.video, options=list(TOPICS)) if ask else None
    return [one.told.text for one in told.items], said_by.text if said_by else ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this bench can be told."""
    parser.add_argument("--streams", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--agent", action="store_true", help="ask the agent, too (slow)")
