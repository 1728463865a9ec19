"""Measure a model: which of its heads find facts, and how sure its right answers are.

About a minute on a quiet machine for 135 M weights: a text of a few thousand tokens is encoded as a
stream, its sixteen facts are asked for, half of them rank the heads and half tell how many are
kept (`heads.choose`). Then every question is answered from the best block, those about nothing,
too, and the thresholds of `recall` are put where they part right answers from all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from longtake.memory.kv.heads import Profile, choose
from longtake.memory.kv.mass import MassIndex
from longtake.memory.kv.practice import Question, practice
from longtake.memory.kv.recall import margin
from longtake.memory.kv.session import Session, Wording, ids_of
from longtake.models.kv.stream import StreamEncoder, Unit

if TYPE_CHECKING:
    from longtake.models.kv.tap import RopeTap
    from longtake.storage.kv.block import Block

TOKENS = 8000
"""Length of the text that heads are chosen on."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An answer from the best block: right or not, its mean log-probability, its margin."""

    right: bool
    logprob: float
    margin: float


def calibrate(
    tap: RopeTap,
    tokenizer: Any,
    *,
    tokens: int = TOKENS,
    seed: int = 907,
    window: int = 1024,
    block: int = 64,
    name: str | None = None,
) -> Profile:
    """Measure a tapped model and return its profile, for `heads.save`."""
    lines, asks = practice(tokens, lambda line: len(ids_of(tokenizer, line + "\n")), seed=seed)
    wording = Wording.of(tokenizer)
    encoder = StreamEncoder(tap, ids_of(tokenizer, wording.before), window=window,
                            chunk=4 * block, block=block)  # fmt: skip
    blocks: list[Block] = []
    for n, line in enumerate(lines):
        unit = Unit(float(n), n + 1.0, ids=ids_of(tokenizer, line + "\n"), refs=(str(n),))
        blocks += encoder.feed(unit)
    blocks += encoder.close()
    session = Session.over(tap, tokenizer, lambda ids: [blocks[one] for one in ids],
                           wording=wording, recent=encoder.recent)  # fmt: skip
    known = [ask for ask in asks if ask.line is not None]
    gold = [_home(blocks, ask, tokenizer) for ask in known]
    queries = [session.queries(ask.text, range(tap.layers)) for ask in known]
    made = choose(tap, blocks, queries, gold)
    tried = _tried(session, made, blocks, asks)
    tau, rho = thresholds(tried)
    right = sum(one.right for one in tried) / len(known)
    found = {**(made.found or {}), "answers": round(right, 4),
             "accepted_wrong": float(sum(_in(one, tau, rho) and not one.right for one in tried)),
             "accepted_right": float(sum(_in(one, tau, rho) and one.right for one in tried))}  # fmt: skip
    return replace(made, model=name or made.model, tau=tau, rho=rho, found=found)


def thresholds(tried: Sequence[Tried]) -> tuple[float, float]:
    """Find tau and rho that part right answers from others best.

    A wrong answer that is accepted counts three times: one that is refused costs a second look, no
    more. Each threshold lies halfway between two that were seen, so that it has room on both sides.
    """
    taus = _between([one.logprob for one in tried])
    rhos = _between([one.margin for one in tried])

    def cost(pair: tuple[float, float]) -> tuple[float, float, float]:
        lost = sum(one.right and not _in(one, *pair) for one in tried)
        taken = sum(not one.right and _in(one, *pair) for one in tried)
        return lost + 3 * taken, pair[1], pair[0]

    tau, rho = min(((tau, rho) for tau in taus for rho in rhos), key=cost)
    return round(tau, 4), round(rho, 4)


def _in(one: Tried, tau: float, rho: float) -> bool:
    return one.logprob >= tau and one.margin >= rho


def _between(seen: Sequence[float]) -> list[float]:
    ordered = sorted(set(seen))
    return [ordered[0] - 1e-3, *((a + b) / 2 for a, b in pairwise(ordered))]


def _home(blocks: Sequence[Block], ask: Question, tokenizer: Any) -> int:
    """The block that holds the words that are asked about, where a line goes over two.

    Heads find these; the value, when the block ends before it, is in the next one.
    """
    ref = str(ask.line)
    holding = [n for n, block in enumerate(blocks) if ref in block.refs]
    words = [word for word in ask.text.rstrip("?").split() if len(word) > 3]

    def share(n: int) -> int:
        text = tokenizer.decode(blocks[n].tokens.tolist())
        return sum(word in text for word in words)

    return max(holding, key=lambda n: (share(n), -n))


def _tried(
    session: Session, profile: Profile, blocks: Sequence[Block], asks: Sequence[Question]
) -> list[Tried]:
    """Answer every question from its best block."""
    index = MassIndex(profile)
    for block in blocks:
        index.add(block)
    made = []
    for ask in asks:
        hits = index.search(session.queries(ask.text, profile.layers), 2)
        said = session.ask(ask.text, [hits[0].block], max_tokens=16)
        right = bool(ask.word) and ask.word.lower() in said.text.lower()
        made.append(Tried(right, said.logprob, margin(hits, 1)))
    return made
