"""What frames show: does any frame show what was asked for?

Offline sight names objects with ImageNet's labels ("golden retriever") and colours. Only a name is
believed: a label that fits the asked word (`longtake.tools.naming`) with a probability of
`BELIEVED`. Frame vectors (ConSE: Norouzi et al., "Zero-Shot Learning by Convex Combination of
Semantic Embeddings") are not: of half an hour of real clips, things that are absent stand out of
the background by as much (mostly 3 to 5 robust deviations, at most 8) as things that are there.
They put candidates in order, together with the vector of the clip and the labels, and such
candidates are offered as places to look at, not as answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longtake.agent.desk import Desk, candidate
from longtake.agent.reading.sorts import COLOURS, sort_of
from longtake.agent.state import Part
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Term, Unit, coverage
from longtake.tools.words import stem, stems

BELIEVED = 0.5
"""Least probability of a fitting label; between 0.40 and 0.48 about half were wrong, of ten."""
AGREED, FRAMES = 0.35, 3
"""Less will do where so many frames in a row agree."""
UNNAMED, OTHER_HUE = 0.75, 0.55
"""What a label counts where other words of a description have no label; or a colour is not seen."""
HUES = {stem(word) for word in (*COLOURS, "gray", "golden", "beige")}
_COLOUR = {stem(word) for word in ("colour", "color", "coloured", "hue")}
STANDS_OUT, LEAST_COSINE = 3.0, 0.4
"""Robust deviations and cosine from which a frame is worth a look."""
AFTER_CARD, CARD_SCORE = 0.99, 0.55
"""Least share of the asked words on a card whose pictures follow; what these count."""
FOLLOWS, PICTURED = 8.0, 3
"""Seconds after a card within which its picture begins, and how many frames of it are taken."""
PAGE_HEIGHT = 0.6
"""Lines that begin above it belong to a page; a speaker's name stands lower, over the picture."""
SHORTEST = 1.0
LONGEST_HELD = 10.0


@dataclass(frozen=True, slots=True)
class Lift:
    """How far a frame stands out of its video, its clip too, and the cosine itself."""

    z: float = 0.0
    clip: float = 0.0
    cosine: float = 0.0


def sight_candidates(desk: Desk, part: Part, terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Frames that may show the part's words, as candidates; `sure` says which may be believed."""
    units = [u for u in desk.corpus.of("sight") if desk.in_scope(part, u.record)]
    if not part["words"] or not units:
        return []
    phrase = " ".join(part["words"])
    lifts = _lifts(desk, phrase)
    ends = _ends(desk)
    labels = _Labels(desk, part["words"], units)
    strengths = [labels.strength(unit) for unit in units]
    found = []
    for unit, strength, agreed in zip(units, strengths, _agreed(units, strengths), strict=True):
        whole = coverage(terms, [unit])
        if whole >= 0.99 and labels.colours_only(unit):
            strength = max(strength, BELIEVED)  # named colours carry no probability
        lift = lifts.get(unit.record.id, Lift())
        sure = agreed or strength >= BELIEVED
        stands = lift.z >= STANDS_OUT and lift.cosine >= LEAST_COSINE
        if strength < 0.1 and not stands:
            continue
        rank = lift.z + 0.5 * lift.clip + 6 * strength
        score = 0.45 + 0.5 * strength if sure else min(0.3, 0.015 * rank)
        if part["sources"][0] != "sight":
            score *= 0.8
        one = candidate(unit, score, lex=max(whole, strength), dense=lift.cosine)
        one |= {"sure": sure, "strength": round(strength, 4), "z": round(lift.z, 3)}
        found.append(one | {"end": ends[unit.record.id]})
    if desk.switches.sort and sort_of(part["text"]) == "colour":
        found += _after_cards(desk, part, terms, units, {c["id"] for c in found if c["sure"]})
    return found


def _after_cards(
    desk: Desk, part: Part, terms: Sequence[Term], units: Sequence[Unit], known: set[str]
) -> list[dict[str, Any]]:
    """Pictures that follow a card with the name of the thing whose colour is asked.

    Cut after "Milk jug", a picture shows the jug, though no label of the sight may fit it. What is
    only spoken of need not be in the picture, and what is on a page has the page's colours.
    """
    named = [t for t in terms if t.stem not in _COLOUR and t.stem not in HUES]
    if known or not named:
        return []
    found: dict[str, dict[str, Any]] = {}
    for line in desk.corpus.of("screen"):
        record = line.record
        names = len(set(line.stems)) <= len(named) + 1 and coverage(named, [line]) >= AFTER_CARD
        if not names or record.id in desk.corpus.furniture or not desk.in_scope(part, record):
            continue
        for unit in _pictured(desk, units, record.video, record.span.end):
            one = candidate(unit, CARD_SCORE, lex=AFTER_CARD)
            found[unit.record.id] = one | {"sure": True, "strength": 0.0, "z": 0.0}
    return list(found.values())


def _pictured(desk: Desk, units: Sequence[Unit], video: str, card: Seconds) -> list[Unit]:
    """The first frames after a card, up to the next page."""
    after = [u for u in units if u.record.video == video and u.record.span.start >= card]
    if not after or after[0].record.span.start > card + FOLLOWS:
        return []
    free = [u for u in after[:PICTURED] if u.record.data.get("colours") and not _paged(desk, u)]
    return free if free[:1] == after[:1] else []


def _paged(desk: Desk, unit: Unit) -> bool:
    """Whether a page of text is on screen with a frame."""
    lines = desk.lane(unit.record.video, "screen").at(unit.record.span)
    return any(u.record.data.get("box", (0, 0))[1] < PAGE_HEIGHT for u in lines)


def strengths(desk: Desk, words: Sequence[str], units: Sequence[Unit]) -> list[float]:
    """How surely each frame shows what was asked for, by its labels; colours alone are believed."""
    labels = _Labels(desk, words, units)
    found = [labels.strength(unit) for unit in units]
    return [
        max(p, BELIEVED) if words and labels.colours_only(unit) else p
        for unit, p in zip(units, found, strict=True)
    ]


class _Labels:
    """How surely the labels of a frame name what was asked for."""

    def __init__(self, desk: Desk, words: Sequence[str], units: Sequence[Unit]) -> None:
        seen = sorted({label for unit in units for label, _ in _tags(unit)})
        self.words = words
        self.whole = _fits(desk, " ".join(words), seen)
        self.each = [_fits(desk, word, seen) for word in words] if len(words) > 1 else []

    def strength(self, unit: Unit) -> float:
        """Probability of the best fitting label; of several things, that of the least sure."""
        tags = _tags(unit)
        whole = max((p for label, p in tags if label in self.whole), default=0.0)
        parts = [
            1.0 if _colour(unit, word) else max((p for t, p in tags if t in fits), default=0.0)
            for word, fits in zip(self.words, self.each, strict=False)
        ]
        return min(1.0, max(whole, min(parts, default=0.0), self._partly(unit, tags)))

    def _partly(self, unit: Unit, tags: Sequence[tuple[str, float]]) -> float:
        """The things that have names, where the rest of a description has none.

        Of "a black and white ball on the grass" only the ball can be named. Not where the sight
        has a name for the whole: a black bear is not to be answered by a bear.
        """
        if self.whole:
            return 0.0
        named = [fits for fits in self.each if fits]
        things = [max((p for t, p in tags if t in fits), default=0.0) for fits in named]
        colours = [word for word in self.words if stem(word) in HUES]
        wrong = any(not _colour(unit, word) for word in colours)
        return min(things, default=0.0) * (OTHER_HUE if wrong else UNNAMED)

    def colours_only(self, unit: Unit) -> bool:
        """Whether all that was asked for are colours of this frame."""
        return all(_colour(unit, word) for word in self.words)


def _fits(desk: Desk, phrase: str, seen: Sequence[str]) -> dict[str, float]:
    if desk.switches.names:
        return desk.toolbox.fitting_labels(phrase, seen)
    near = desk.toolbox.embed([*seen, phrase])
    return {
        label: float(p)
        for label, p in zip(seen, near[:-1] @ near[-1], strict=True)
        if p >= 0.5 or set(stems(phrase)) & set(stems(label))
    }


def _agreed(units: Sequence[Unit], strengths: Sequence[float]) -> list[bool]:
    """Which frames lie in a row of several that say the same."""
    agreed = [False] * len(units)
    row: list[int] = []
    for n, (unit, strength) in enumerate(zip(units, strengths, strict=True)):
        if row and units[row[-1]].record.video != unit.record.video:
            row = []
        row = [*row, n] if strength >= AGREED else []
        if len(row) >= FRAMES:
            for place in row:
                agreed[place] = True
    return agreed


def _colour(unit: Unit, word: str) -> bool:
    return stem(word) in {stem(str(colour)) for colour in unit.record.data.get("colours", [])}


def _tags(unit: Unit) -> list[tuple[str, float]]:
    return [(str(label), float(p)) for label, p in unit.record.data.get("tags", [])]


def _ends(desk: Desk) -> dict[str, Seconds]:
    """Where each frame's span ends: a frame stands for the time until the next that was kept."""
    found: dict[str, Seconds] = {}
    for video in desk.videos:
        units = desk.lane(video.id, "sight").units
        starts = [unit.record.span.start for unit in units]
        for n, unit in enumerate(units):
            span = unit.record.span
            after = starts[n + 1] if n + 1 < len(starts) else span.start + LONGEST_HELD
            held = min(after, span.start + LONGEST_HELD, desk.limit(video))
            short = span.duration < SHORTEST
            end = max(span.end, held) if short else span.end
            found[unit.record.id] = float(max(end, min(span.start + SHORTEST, desk.limit(video))))
    return found


def _lifts(desk: Desk, phrase: str) -> dict[str, Lift]:
    """How far each frame and its clip stand out from their video."""
    found: dict[str, Lift] = {}
    for video in desk.ids:
        frames = desk.toolbox.sight_curve(phrase, video, as_of=desk.as_of)
        clips = desk.toolbox.sight_curve(phrase, video, as_of=desk.as_of, level="clip")
        desk.count("searches")
        z = _robust([score for _, _, score in frames])
        spans = [span for _, span, _ in clips]
        around = _robust([score for _, _, score in clips])
        for (name, span, score), lift in zip(frames, z, strict=True):
            found[name] = Lift(lift, _clip_of(span, spans, around), round(float(score), 4))
    return found


def _robust(scores: Sequence[float]) -> list[float]:
    """Deviations from the median, in units of the median absolute deviation."""
    if len(scores) < 8:
        return [0.0] * len(scores)
    rows = np.array(scores, np.float64)
    away = rows - np.median(rows)
    scale = 1.4826 * float(np.median(np.abs(away)))
    return [round(float(x), 4) for x in away / scale] if scale > 1e-6 else [0.0] * len(scores)


def _clip_of(span: Span, clips: Sequence[Span], scores: Sequence[float]) -> float:
    over = [(clip.overlap(span), -n) for n, clip in enumerate(clips)]
    best = max(over, default=(0.0, 0))
    return scores[-best[1]] if best[0] > 0 else 0.0
