"""What frames show: does any frame show what was asked for?

Offline sight names objects with ImageNet's labels ("golden retriever") and colours. A label bears
on "dog" when it shares the word or its meaning is near (cosine of the label's and the word's text
vectors). A frame's strength is the sum of its tags' probabilities weighted by how near their
labels are. The frame vectors (ConSE: Norouzi et al., "Zero-Shot Learning by Convex Combination of
Semantic Embeddings") give a second opinion: a frame that stands out from the whole video by
`STANDS_OUT` standard deviations. Classifiers see things everywhere, so neither is trusted low.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from longtake.agent.desk import Desk, candidate
from longtake.agent.state import Part
from longtake.tools.corpus import Term, Unit, coverage

LABEL_FROM, LABEL_FULL = 0.5, 0.75
STRONG = 0.3
STANDS_OUT = 3.5
LEAST_COSINE = 0.42


def sight_candidates(desk: Desk, part: Part, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Frames that may show the part's words, as candidates; `sure` says which may be believed."""
    words = part["words"]
    units = [u for u in desk.corpus.of("sight") if desk.in_scope(part, u.record)]
    if not words or not units:
        return []
    phrase = " ".join(words)
    nearness = _labels(desk, phrase, terms, units)
    lifts = _lifts(desk, phrase, units)
    found = []
    for unit in units:
        tags = _tags(unit)
        strength = min(1.0, sum(p * nearness.get(label, 0.0) for label, p in tags))
        whole = coverage(terms, [unit])
        if whole >= 0.99 and not any(term.match(unit) and _is_tag(term, tags) for term in terms):
            strength = max(strength, 0.5)  # named colours carry no probability
        z, cosine = lifts.get(unit.record.id, (0.0, 0.0))
        sure = strength >= STRONG or (z >= STANDS_OUT and cosine >= LEAST_COSINE)
        if strength < 0.08 and not sure:
            continue
        score = 0.45 + 0.5 * strength if sure else 0.4 * strength
        if part["sources"][0] != "sight":
            score *= 0.8
        one = candidate(unit, score, lex=max(whole, strength), dense=cosine)
        one |= {"sure": bool(sure), "strength": round(strength, 4), "z": round(z, 3)}
        found.append(one)
    return found


def _tags(unit: Unit) -> list[tuple[str, float]]:
    return [(str(label), float(p)) for label, p in unit.record.data.get("tags", [])]


def _is_tag(term: Term, tags: Sequence[tuple[str, float]]) -> bool:
    return any(term.stem in _stems(label) for label, _ in tags)


def _stems(label: str) -> set[str]:
    from longtake.tools.words import stems

    return set(stems(label))


def _labels(
    desk: Desk, phrase: str, terms: Sequence[Term], units: Sequence[Unit]
) -> dict[str, float]:
    """How near each label's meaning is to the phrase, 0 to 1."""
    labels = sorted({label for unit in units for label, _ in _tags(unit)})
    if not labels:
        return {}
    cosines = desk.toolbox.embed([*labels, phrase])
    near = cosines[:-1] @ cosines[-1]
    heads = {term.stem for term in terms}
    found = {}
    for label, cosine in zip(labels, near, strict=True):
        shared = len(heads & _stems(label)) / max(1, len(heads))
        by_meaning = (float(cosine) - LABEL_FROM) / (LABEL_FULL - LABEL_FROM)
        found[label] = max(shared, min(1.0, max(0.0, by_meaning)))
    return found


def _lifts(desk: Desk, phrase: str, units: Sequence[Unit]) -> dict[str, tuple[float, float]]:
    """How far each frame stands out from its video, in standard deviations, and its cosine."""
    found: dict[str, tuple[float, float]] = {}
    for video in sorted({unit.record.video for unit in units}):
        curve = desk.toolbox.sight_curve(phrase, video, as_of=desk.as_of)
        desk.count("searches")
        scores = np.array([score for _, _, score in curve], np.float64)
        if len(scores) < 8 or scores.std() < 1e-6:
            continue
        z = (scores - scores.mean()) / scores.std()
        found |= {
            name: (round(float(lift), 4), round(float(score), 4))
            for (name, _, score), lift in zip(curve, z, strict=True)
        }
    return found
