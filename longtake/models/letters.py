"""Labels' log-probabilities out of the likeliest first words that servers tell.

Chat servers that give log-probabilities give them for the few likeliest tokens of a place; a
label that is not among them can only be bounded from above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

FLOOR = 1e-9


def first_tokens(logprobs: Any) -> dict[str, float] | None:
    """Token → log-probability at the first place of a reply, from the chat completions' shape.

    Takes objects and plain dictionaries; None when the server told none.
    """
    content = _at(logprobs, "content")
    if not isinstance(content, Sequence) or isinstance(content, str) or not content:
        return None
    rows = _at(content[0], "top_logprobs")
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return None
    told: dict[str, float] = {}
    for row in rows:
        token, value = _at(row, "token"), _at(row, "logprob")
        if not isinstance(token, str) or not isinstance(value, int | float):
            continue
        if not math.isnan(value):
            told[token] = min(0.0, float(value))
    return told or None


def label_scores(tokens: Mapping[str, float], labels: Sequence[str]) -> list[float] | None:
    """The log-probability of each label; None when no label is among the tokens.

    Spellings of a label with a space before it count together. A token that begins one label
    alone counts for it; a label that is not there gets the most it could have.

    >>> [round(x, 2) for x in label_scores({"A": -0.1, " A": -3.0, "B": -2.9}, ["A", "B"])]
    [-0.05, -2.9]
    >>> label_scores({"Sure": -0.1}, ["A", "B"]) is None
    True
    """
    shares = [0.0] * len(labels)
    for token, value in tokens.items():
        word = token.strip()
        heads = [n for n, label in enumerate(labels) if word and label.strip().startswith(word)]
        exact = [n for n in heads if labels[n].strip() == word]
        for n in exact or (heads if len(heads) == 1 else []):
            shares[n] += math.exp(value)
    if not any(shares):
        return None
    rest = max(FLOOR, 1.0 - sum(math.exp(value) for value in tokens.values()))
    # Less than the least that was told: a label that is there must win against one that is not.
    most = min(rest, math.exp(min(tokens.values()) - 1.0))
    return [min(0.0, math.log(share or max(FLOOR, most))) for share in shares]


def _at(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
