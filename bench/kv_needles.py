"""Facts hidden in a long stream of notes: which blocks retrieval finds, and what is answered.

    python -m bench.kv --rows needles --tokens 20000 --folder DIR [--model GGUF-OR-FOLDER]

The stream (`bench.worlds.needles`) is encoded once, with a window of 1,024 tokens and blocks of 64,
and kept in the folder. Every question is then put to each way of retrieval over the same blocks.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.kv_model import loaded
from bench.machine import say
from bench.surety import expected_error
from bench.worlds.needles import SECONDS, Ask, Stream, stream
from longtake.memory.kv.baselines import BASELINES, baseline
from longtake.memory.kv.heads import Profile, fingerprint, profile_of
from longtake.memory.kv.mass import Hit, MassIndex, Ranker, drift
from longtake.memory.kv.recall import Recall, chosen
from longtake.memory.kv.session import Session, Wording, ids_of
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.segments import Fingerprint, Segments

WINDOW, BLOCK = 1024, 64


def world(tokens: int, tokenizer: Any) -> Stream:
    """The notes and questions at this length."""
    return stream(tokens, lambda text: len(ids_of(tokenizer, text + "\n")))


def stored(
    folder: Path, tap: RopeTap, tokenizer: Any, notes: Sequence[str], profile: Profile, chunk: int
) -> tuple[Segments, float]:
    """Encode the notes into segments, or open what an earlier run encoded; and the seconds."""
    wording = Wording.of(tokenizer)
    told = "\n".join([wording.before, *notes])
    prefix = hashlib.sha256(f"{told}{WINDOW}{BLOCK}{chunk}".encode()).hexdigest()[:16]
    config = tap.model.config
    made = Fingerprint(config.model_type, fingerprint(tap.model), "float32",
                       type(tokenizer).__name__, prefix, tap.layers, tap.kv_heads,
                       tap.head_dim)  # fmt: skip
    place = folder / f"{made.weights}-{prefix}"
    if (place / "whole").is_file():
        return Segments(place, made), 0.0
    began = time.monotonic()
    with Segments(place, made, write=True, heads=profile.keys) as memory:
        if len(memory):
            memory.forget([row.id for row in memory.rows()])
        encoder = StreamEncoder(tap, ids_of(tokenizer, wording.before), window=WINDOW,
                                chunk=chunk, block=BLOCK)  # fmt: skip
        for n, note in enumerate(notes):
            ids = ids_of(tokenizer, note + "\n")
            unit = Unit(n * SECONDS, (n + 1) * SECONDS, ids=ids, refs=(str(n),))
            for block in encoder.feed(unit):
                memory.append(block, "k8v4")
            if n % 100 == 99:
                rate = encoder.tokens / (time.monotonic() - began)
                say(f"note {n + 1} of {len(notes)}, {rate:.0f} tokens/s")
        for block in encoder.close():
            memory.append(block, "k8v4")
    (place / "whole").touch()
    return Segments(place, made), time.monotonic() - began


@dataclass(frozen=True, slots=True)
class Setting:
    """A stream that can be asked."""

    tap: RopeTap
    session: Session
    memory: Segments
    profile: Profile
    world: Stream
    seconds: float

    def gold(self, note: int) -> set[int]:
        """The blocks that hold some of a note."""
        return {row.id for row in self.memory.rows() if str(note) in row.refs}


@contextmanager
def setting(args: argparse.Namespace) -> Iterator[Setting]:
    """Load the model, encode or open the stream, and open a session over it."""
    import torch

    torch.set_num_threads(args.threads)
    model, tokenizer = loaded(args.model)
    told = world(args.tokens, tokenizer)
    with RopeTap(model) as tap:
        profile = profile_of(tap, Path(args.profiles) if args.profiles else None)
        memory, seconds = stored(Path(args.folder), tap, tokenizer, told.notes, profile, args.chunk)
        with memory:
            last = [row.id for row in memory.rows()][-WINDOW // BLOCK :]
            session = Session.over(tap, tokenizer, memory.get, recent=memory.get(last),
                                   words=memory.tokens)  # fmt: skip
            yield Setting(tap, session, memory, profile, told, seconds)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Retrieval and answers of token mass and of the baselines."""
    with setting(args) as made:
        tokens = sum(row.n for row in made.memory.rows())
        figures: dict[str, Any] = {
            "tokens": tokens, "blocks": len(made.memory), "encode_seconds": round(made.seconds, 1),
            "heads": len(made.profile.heads), "measured": made.profile.measured,
            "kv_bytes": made.memory.bytes(), "sure": made.profile.sure,
        }  # fmt: skip
        layers = range(made.tap.layers)
        queries = {ask.id: made.session.queries(ask.text, layers) for ask in made.world.asks}
        index = _index(made)
        say("token mass")
        hits = {one: index.search(asked, 9) for one, asked in queries.items()}
        figures["ways"] = {"token_mass": _found(made, hits)}
        figures["drift"] = round(_drift(index, queries, made), 4)
        figures["query_ms"] = round(_query_ms(index, queries), 1)
        if not args.only_find:
            say("answers from stored blocks, and from the same blocks read again")
            figures["equal_evidence"] = _again(made, hits, args)
            say("answers of adaptive k")
            figures["adaptive"], figures["misses"] = _adaptive(made, index, args)
        if args.oracle:
            figures["ways"]["oracle"] = {"answers": _answers(made, _oracle(made), 9, args)}
        for name in args.baselines.split(",") if args.baselines else ():
            say(name)
            figures["ways"][name] = _baseline(made, name, queries, args)
        return figures


def _index(made: Setting) -> MassIndex:
    neutral = made.session.neutral(made.profile.layers)
    return MassIndex.over(made.memory, made.profile, neutral=neutral)


def _asked(made: Setting, kinds: Sequence[str]) -> list[Ask]:
    return [ask for ask in made.world.asks if ask.kind in kinds]


def _found(made: Setting, hits: dict[str, list[Hit]]) -> dict[str, Any]:
    """R@1, R@4 and R@8 for each kind: all notes of a question are among the first blocks."""
    told: dict[str, Any] = {}
    for kind in ("needle", "fact", "paraphrase", "together", "order"):
        asks = _asked(made, (kind,))
        golds = {ask.id: [made.gold(note) for note in ask.gold] for ask in asks}
        for k in (1, 4, 8):
            if k < max((len(ask.gold) for ask in asks), default=0):
                continue
            got = [
                all(gold & {hit.block for hit in hits[ask.id][:k]} for gold in golds[ask.id])
                for ask in asks
            ]
            told.setdefault(kind, {})[f"R@{k}"] = f"{sum(got)}/{len(got)}"
    return told


def answered(made: Setting, kind: str, *, way: str = "token_mass", k: int = 1) -> int:
    """How many questions of a kind are answered right from the first k blocks."""
    if way == "token_mass":
        index: Ranker = _index(made)
    else:
        index = baseline(way, layers=made.tap.layers, window=WINDOW)
        for row in made.memory.rows():
            index.add(made.memory.get([row.id])[0])
    right = 0
    for ask in _asked(made, (kind,)):
        hits = index.search(made.session.queries(ask.text, index.layers), k)
        right += ask.is_in(made.session.ask(ask.text, [hit.block for hit in hits]).text)
    return right


def _answers(
    made: Setting, hits: dict[str, list[Hit]], k: int, args: argparse.Namespace
) -> dict[str, str]:
    """Right answers for each kind, from the first k blocks."""
    told = {}
    for kind in args.kinds.split(","):
        asks = _asked(made, (kind,))
        got = [
            ask.is_in(made.session.ask(ask.text, [h.block for h in hits[ask.id][:k]]).text)
            for ask in asks
        ]
        told[kind] = f"{sum(got)}/{len(got)}"
    return told


def _again(
    made: Setting, hits: dict[str, list[Hit]], args: argparse.Namespace
) -> dict[str, dict[str, str]]:
    """Right answers from the first blocks as they are stored, and from their text read anew."""
    kept = replace(made, session=replace(made.session, words=None))
    told = {}
    for k in (1, 2, 4):
        told[f"stored-{k}"] = _answers(kept, hits, k, args)
        told[f"read-again-{k}"] = _answers(made, hits, k, args)
    return told


def _oracle(made: Setting) -> dict[str, list[Hit]]:
    return {
        ask.id: [Hit(one, 0.0, 0.0) for one in sorted(set().union(*map(made.gold, ask.gold)))]
        for ask in made.world.asks
    }


def _adaptive(
    made: Setting, index: MassIndex, args: argparse.Namespace
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Answers with adaptive k, what they read, and every miss."""
    times = {one: (start, end) for one, start, end in made.memory.spans()}
    recall = Recall(made.session, index, made.profile, times)
    told: dict[str, Any] = {}
    misses = []
    seen: list[tuple[float, bool]] = []
    for kind in [*args.kinds.split(","), "nowhere"]:
        right, first, accepted, blocks, sure = [], [], [], [], []
        for ask in _asked(made, (kind,)):
            tried = recall.recall(ask.text)
            last = chosen(tried)
            assert last is not None
            right.append(bool(ask.accepts) and ask.is_in(last.text))
            first.append(bool(ask.accepts) and ask.is_in(tried[0].text))
            accepted.append(last.accepted)
            blocks.append(sum(len(one.blocks) for one in tried))
            sure.append(last.confidence)
            seen.append((last.confidence, right[-1]))
            say(f"{ask.id}: {last.text!r} {last.confidence:.2f} {'' if right[-1] else '(miss)'}")
            if not right[-1]:
                gold = sorted(set().union(*map(made.gold, ask.gold)))
                misses.append({
                    "ask": ask.text, "want": list(ask.accepts), "gold": gold,
                    "attempts": [[list(one.blocks), one.text, round(one.logprob, 3),
                                  round(one.margin, 2), round(one.confidence, 3)]
                                 for one in tried],
                })  # fmt: skip
        told[kind] = {
            "right": f"{sum(right)}/{len(right)}", "first_try": f"{sum(first)}/{len(first)}",
            "accepted": f"{sum(accepted)}/{len(accepted)}",
            "accepted_right": f"{sum(a and b for a, b in zip(right, accepted, strict=True))}",
            "blocks_read": round(sum(blocks) / len(blocks), 2),
            "confidence": round(sum(sure) / len(sure), 3),
        }  # fmt: skip
    told["calibration_error"] = expected_error(seen)
    return told, misses


def _baseline(
    made: Setting, name: str, queries: dict[str, Any], args: argparse.Namespace
) -> dict[str, Any]:
    """Retrieval of a baseline, and its answers from one block and from eight."""
    ranker = baseline(name, layers=made.tap.layers, window=WINDOW)
    rows = made.memory.rows()
    for at in range(0, len(rows), 32):
        for block in made.memory.get(row.id for row in rows[at : at + 32]):
            ranker.add(block)
    blind = name in ("streamingllm", "window", "full")
    hits = {one: ranker.search(asked, len(rows) if blind else 9) for one, asked in queries.items()}
    if not blind:
        told = _found(made, hits)
        if not args.only_find:
            told |= {f"top-{k}": _answers(made, hits, k, args) for k in (1, 8)}
        return told
    longest = int(getattr(made.tap.model.config, "max_position_embeddings", 0))
    if name == "full" and sum(row.n for row in rows) > min(longest, 8192):
        return {"answers": "does not fit"}
    asked = made
    if name == "window":  # As no session is: without what comes before the stream.
        bare = replace(made.session, sink=None)  # type: ignore[arg-type]
        asked = replace(made, session=bare)
    return {"answers": _answers(asked, hits, len(rows), args)}


def _drift(index: MassIndex, queries: dict[str, Any], made: Setting) -> float:
    """The largest drift of scores with time over questions that have no answer in the stream."""
    found = [drift(index.scores(queries[a.id])[1]) for a in _asked(made, ("nowhere",))]
    return max(found, key=abs)


def _query_ms(index: MassIndex, queries: dict[str, Any]) -> float:
    """The median time of a search."""
    took = []
    for asked in list(queries.values())[:9]:
        began = time.perf_counter()
        index.search(asked, 9)
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[len(took) // 2]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this bench can be told."""
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--chunk", type=int, default=256, help="tokens encoded in one pass")
    parser.add_argument("--only-find", action="store_true", help="retrieval alone, no answers")
    parser.add_argument("--baselines", default=",".join(BASELINES), help="names, or nothing")
    parser.add_argument("--oracle", action="store_true", help="answers from the gold blocks too")
    parser.add_argument("--kinds", default="needle,fact,paraphrase,together,order")
    parser.add_argument("--profiles", help="a folder of head profiles to look in first")
