"""Measure a model: which of its heads find facts, and how sure its right answers are.

A text of 20,000 tokens is encoded as a stream and its facts are asked for, which chooses the heads
(`heads.choose`). Then every question is answered from the best block and from the best two, those
about nothing, too, and a logistic line through all these answers tells from how likely their words
are and how clearly their blocks stand out how likely they are right (`recall.confidence`). Two
minutes on a quiet machine for 135 M weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from longtake.memory.kv.heads import Profile, choose
from longtake.memory.kv.mass import MassIndex
from longtake.memory.kv.practice import Question, practice
from longtake.memory.kv.recall import clearness, margin
from longtake.memory.kv.session import Session, Wording, ids_of
from longtake.models.kv.stream import StreamEncoder, Unit

if TYPE_CHECKING:
    from longtake.models.kv.tap import RopeTap
    from longtake.storage.kv.block import Block

TOKENS = 20_000
"""Length of the text that heads are chosen on. In a short one heads find facts by chance."""
READ = (1, 2)
"""How many blocks an answer is read from, for its confidence."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An answer from the best blocks: right or not, its mean log-probability, its margin."""

    right: bool
    logprob: float
    margin: float
    blocks: int = 1


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
                           wording=wording, recent=encoder.recent,
                           words=lambda ids: [blocks[one].tokens for one in ids])  # fmt: skip
    known = [ask for ask in asks if ask.line is not None]
    gold = [_home(blocks, ask, tokenizer) for ask in known]
    queries = [session.queries(ask.text, range(tap.layers)) for ask in known]
    made = choose(tap, blocks, queries, gold)
    tried = _tried(session, made, blocks, asks)
    sure = fitted(tried)
    first = tried[:: len(READ)]
    found = {
        **(made.found or {}),
        "answers": round(sum(one.right for one in first) / len(known), 4),
    }
    return replace(made, model=name or made.model, sure=sure, found=found)


def fitted(tried: Sequence[Tried]) -> tuple[float, float, float, float]:
    """Fit the weights of `recall.confidence`.

    Logistic regression by Newton's method. The weights are held back a little (their prior has a
    standard deviation of 3), so that few answers that happen to part well do not make it certain.
    """
    import numpy as np

    rows = np.array([(1.0, one.logprob, clearness(one.margin), math.log(one.blocks))
                     for one in tried])  # fmt: skip
    right = np.array([float(one.right) for one in tried])
    hold = np.diag([1e-6, 1 / 9, 1 / 9, 1 / 9])
    weights = np.zeros(4)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (right - p) - hold @ weights
        bend = (rows * (p * (1 - p))[:, None]).T @ rows + hold + 1e-9 * np.eye(4)
        weights = weights + np.linalg.solve(bend, slope)
    base, words, place, read = (round(float(one), 4) for one in weights)
    return base, words, place, read


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
    """Answer every question from its best block, and from its best two."""
    index = MassIndex(profile, neutral=session.neutral(profile.layers))
    for block in blocks:
        index.add(block)
    made = []
    for ask in asks:
        hits = index.search(session.queries(ask.text, profile.layers), max(READ) + 1)
        for k in READ:
            said = session.ask(ask.text, [hit.block for hit in hits[:k]], max_tokens=16)
            right = bool(ask.word) and ask.word.lower() in said.text.lower()
            made.append(Tried(right, said.logprob, margin(hits, k), k))
    return made
