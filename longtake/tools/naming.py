"""The names that the offline sight can give to what it sees, and which of them fit a word.

A label fits when its meaning is near *and* hardly any other name of the vocabulary is nearer:
"bird" is not the answer to "penguin" where the sight knows "king penguin", but "boat" is the
answer to "yacht", for which it has no nearer name. The limits were chosen by eye from half an
hour of real clips with MiniLM; they were not swept, nor tried on other clips.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from longtake.storage.records import Floats

if TYPE_CHECKING:
    from longtake.storage.store import Store

NEAR_ENOUGH = 0.72
"""Least cosine of a word and a label that may stand for it ("kitten" and "cat" 0.79)."""
SLACK = 0.1
"""How much nearer another name of the vocabulary may be."""

Encode = Callable[[Sequence[str]], Floats]


def vocabulary(store: Store, maker: str, encode: Encode) -> tuple[list[str], Floats]:
    """Return all labels with their vectors; the vectors are kept with the library."""
    from longtake.models.efficientnet import labels

    known = labels()
    names = sorted({*known.labels, *(group for group, _ in known.groups)})
    key = f"labels:{maker}:{len(names)}"
    kept = store.cache_get(key)
    if kept is not None:
        rows = np.frombuffer(kept, np.float32)
        if len(rows) and len(rows) % len(names) == 0:
            return names, rows.reshape(len(names), -1)
    made = np.asarray(encode(names), np.float32)
    store.cache_put(key, made.tobytes())
    return names, made


def fitting(word: Floats, names: Sequence[str], vectors: Floats) -> dict[str, float]:
    """Return the labels that may stand for a word, with their likeness.

    >>> fitting(np.eye(2, dtype=np.float32)[0], ["cat", "dog"], np.eye(2, dtype=np.float32))
    {'cat': 1.0}
    """
    near = vectors @ word
    least = max(NEAR_ENOUGH, float(near.max(initial=0.0)) - SLACK)
    return {n: round(float(p), 4) for n, p in zip(names, near, strict=True) if p >= least}
