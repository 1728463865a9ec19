"""The names that the offline sight can give to what it sees, and which of them fit a word.

A label fits when its meaning is near *and* hardly any other name of the vocabulary is nearer:
"bird" is not the answer to "penguin" where the sight knows "king penguin", but "boat" is the
answer to "yacht", for which it has no nearer name. The limits were chosen by eye from half an
hour of real clips with MiniLM; they were not swept, nor tried on other clips.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from longtake.storage.records import Floats

NEAR_ENOUGH = 0.72
"""Least cosine of a word and a label that may stand for it ("kitten" and "cat" 0.79)."""
SAME_THING = 0.45
"""Least cosine of a label and another name of its class ("beacon" and "lighthouse" 0.6)."""
SLACK = 0.1
"""How much nearer another name of the vocabulary may be."""

Encode = Callable[[Sequence[str]], Floats]


class Cache(Protocol):
    """Keeps bytes; a library's store does."""

    def cache_get(self, key: str) -> bytes | None: ...  # noqa: D102
    def cache_put(self, key: str, value: bytes) -> None: ...  # noqa: D102


def vocabulary(store: Cache, maker: str, encode: Encode) -> tuple[list[str], Floats]:
    """Return all labels, once for each of their names, with the names' vectors.

    The vectors are kept with the library.
    """
    from longtake.models.efficientnet import labels

    known = labels()
    names = sorted({*known.labels, *(group for group, _ in known.groups)})
    others = [
        (label, lemma)
        for label, lemmas in zip(known.labels, known.lemmas, strict=True)
        for lemma in lemmas
        if lemma != label and lemma.islower()
    ]
    owners = [*names, *(label for label, _ in others)]
    key = f"labels:{maker}:{len(owners)}"
    kept = store.cache_get(key)
    if kept is not None:
        rows = np.frombuffer(kept, np.float32)
        if len(rows) and len(rows) % len(owners) == 0:
            return _meant(owners, rows.reshape(len(owners), -1), len(names))
    made = np.asarray(encode([*names, *(lemma for _, lemma in others)]), np.float32)
    store.cache_put(key, made.tobytes())
    return _meant(owners, made, len(names))


def _meant(owners: list[str], vectors: Floats, names: int) -> tuple[list[str], Floats]:
    """Leave out other names of a label that mean something else at first: "head" of promontory."""
    place = {name: n for n, name in enumerate(owners[:names])}
    kept = [
        n for n, owner in enumerate(owners)
        if n < names or float(vectors[n] @ vectors[place[owner]]) >= SAME_THING
    ]  # fmt: skip
    return [owners[n] for n in kept], vectors[kept]


def fitting(word: Floats, names: Sequence[str], vectors: Floats) -> dict[str, float]:
    """Return the labels that may stand for a word, with their likeness.

    >>> fitting(np.eye(2, dtype=np.float32)[0], ["cat", "dog"], np.eye(2, dtype=np.float32))
    {'cat': 1.0}
    """
    near = vectors @ word
    least = max(NEAR_ENOUGH, float(near.max(initial=0.0)) - SLACK)
    found: dict[str, float] = {}
    for name, p in zip(names, near, strict=True):
        if p >= least:
            found[name] = max(found.get(name, 0.0), round(float(p), 4))
    return found
