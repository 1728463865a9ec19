"""The best moments of a search, read again by a model that sees query and text together.

Encoders place a text without knowing what will be asked; a cross-encoder (Nogueira and Cho,
arXiv:1901.04085) reads both at once, better and far dearer, so it reads the best few only. It
judges words: a moment that was found by its picture keeps its place, and so does one whose words a
finer look disputes. Places keep their scores, which tell how sure a find is; moments change places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from longtake.memory.evidence import strength
from longtake.storage.records import Video
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.memory.moments import Moment
    from longtake.models.rerank import Reranker
    from longtake.storage.store import Store

DEPTH = 20
"""Moments that are read again."""


def reranked(
    query: str, moments: Sequence[Moment], reranker: Reranker, fixed: frozenset[str] = frozenset()
) -> list[Moment]:
    """Return the moments, best first, with those that words speak for in the reranker's order.

    Args:
        query: what was asked.
        moments: best first.
        reranker: judges each moment's text.
        fixed: records that keep their places.

    Raises:
        BackendError, MissingError: the reranker does not work.
    """
    places = [
        i for i, one in enumerate(moments[:DEPTH]) if _worded(one) and one.record not in fixed
    ]
    if len(places) < 2:
        return list(moments)
    marks = reranker.score(query, [moments[i].text for i in places])
    order = sorted(zip(places, marks, strict=True), key=lambda one: (-one[1], one[0]))
    found = list(moments)
    for place, (was, _) in zip(places, order, strict=True):
        found[place] = replace(moments[was], score=moments[place].score)
    return found


def _worded(moment: Moment) -> bool:
    """Whether its words speak for a moment at least as strongly as its picture."""
    words = strength(moment.cosine, moment.coverage, 0.0)
    return bool(moment.text.strip()) and words >= strength(0.0, 0.0, moment.sight)


def disputed(store: Store, videos: Sequence[Video], as_of: Seconds | None) -> frozenset[str]:
    """Return the records whose words a finer look disputes."""
    found = store.observations.disputes([one.id for one in videos], as_of=as_of)
    return frozenset(one.record for one in found)
