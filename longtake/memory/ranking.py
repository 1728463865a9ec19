"""From groups of records to moments: weigh, quote, thin out.

The score is calibrated evidence (three quarters) and fused rank (one quarter), so it is absolute
enough to compare across queries and still orders near ties by agreement between lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from longtake.memory.channels import Scope
from longtake.memory.disputes import reordered
from longtake.memory.evidence import Background, Lexicon, strength
from longtake.memory.fusion import Found, Group, grain, rank_worth
from longtake.memory.moments import Hit, How, Moment
from longtake.storage.records import Channel, Level, Record
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.storage.store import Store

CAP = 3
"""Moments of one scene that may be shown while other scenes have some."""
NOTHING = 0.02
"""Evidence up to which a record is only the nearest of what has nothing to do with it."""
_SCENE: Seconds = 120.0
_DEPTH: dict[Level, int] = {
    "moment": 0,
    "frame": 0,
    "clip": 0,
    "scene": 1,
    "chapter": 2,
    "video": 3,
}
_LONG_TEXT: dict[Level, float] = {"scene": 0.9, "chapter": 0.8, "video": 0.7}
"""Long texts hold many words that have nothing to do with each other: coverage counts less."""
_FINER = 0.97
"""A coarse moment goes when a finer one inside it has so much of its score."""
_QUOTABLE = 0.9
"""Raw words are quoted instead of a caption when they are at least so good."""


@dataclass(slots=True)
class Ranking:
    """Weighs the groups of one search."""

    store: Store
    scope: Scope
    lexicon: Lexicon
    lists: int
    backgrounds: dict[str, Background | None] = field(default_factory=dict)
    strongest: float = 0.0

    def best(self, groups: Sequence[Group], k: int) -> list[Moment]:
        """Return the `k` best moments, best first."""
        weighed = [self._moment(one) for one in self._hopeful(groups, max(30, 3 * k))]
        weighed = [one for one in weighed if one.evidence > NOTHING or self._near(one)]
        known = [video.id for video in self.scope.known]
        weighed = reordered(self.store, weighed, known, self.scope.as_of)
        weighed.sort(key=lambda m: (-m.score, _DEPTH[m.level], m.video, m.span, m.record))
        self.strongest = max((m.evidence for m in weighed), default=0.0)
        chosen = self._thin(weighed, k)
        return [self._quote(moment) for moment in chosen]

    def _near(self, moment: Moment) -> bool:
        """Whether a moment looks more like the picture that was asked for than most do."""
        pictured = any(one is not None and one.picture for one in self.backgrounds.values())
        return pictured and moment.sight > 0

    def _hopeful(self, groups: Sequence[Group], n: int) -> list[Group]:
        """Keep the groups that may be among the best by any measure.

        Fused rank alone would lose a code that only the words know: many groups of middling rank
        in three dense lists outweigh the first place in one.
        """
        if len(groups) <= n:
            return list(groups)
        keep: dict[tuple[str, str, float], Group] = {}
        for measure in (_fused, _worded, _cosine, self._sight):
            ranked = sorted(groups, key=lambda one: (-measure(one), one.key))
            keep |= {one.key: one for one in ranked[:n]}
            n = max(12, n // 2)
        return [keep[key] for key in sorted(keep)]

    def _sight(self, one: Group) -> float:
        return max((self._deviations(found) for found in one.found), default=0.0)

    def _moment(self, one: Group) -> Moment:
        hits = [hit for found in one.found for hit in self._hits(found)]
        cosine = max((h.score for h in hits if h.how in ("dense", "context")), default=0.0)
        coverage = self.lexicon.coverage([found.record.text for found in one.found])
        coverage *= _LONG_TEXT.get(grain(one.found[0].record), 1.0)
        sight = self._sight(one)
        evidence = strength(cosine, coverage, sight)
        fused = one.fused / (max(1, self.lists) * rank_worth(1))
        said = max(one.found, key=lambda f: (self._worth(f), f.record.id))
        raw = [f for f in one.found if f.record.channel in ("speech", "screen")]
        if raw and said.record.channel == "caption":
            other = max(raw, key=lambda f: (self._worth(f), f.record.id))
            if self._worth(other) >= _QUOTABLE * self._worth(said):
                said = other
        record = said.record
        return Moment(
            video=record.video,
            span=record.span,
            score=round(0.75 * evidence + 0.25 * min(1.0, fused), 6),
            source=record.channel,
            text=record.text,
            record=record.id,
            level=grain(record),
            parts=tuple(sorted(hits, key=lambda h: (-h.score, h.how, h.record))),
            cosine=round(cosine, 6),
            coverage=round(coverage, 6),
            sight=round(sight, 6),
            evidence=round(evidence, 6),
        )

    def _hits(self, found: Found) -> list[Hit]:
        record, hits = found.record, []
        for name, (_, score) in found.places.items():
            how = _how(name)
            channel: Channel = "sight" if how == "sight" else record.channel
            raw = self.lexicon.coverage([record.text]) if how == "words" else score
            hits.append(
                Hit(channel, record.id, record.span, record.text, round(float(raw), 6), how)
            )
        return hits

    def _deviations(self, found: Found) -> float:
        """Return how far a picture stands out; where few pictures are known, none does."""
        best = 0.0
        for name, (_, score) in found.places.items():
            usual = self.backgrounds.get(name)
            if usual is not None:
                best = max(best, usual.deviations(score))
        return best

    def _worth(self, found: Found) -> float:
        """How well one record alone speaks for the query."""
        cosines = [s for n, (_, s) in found.places.items() if _how(n) in ("dense", "context")]
        return strength(
            max(cosines, default=0.0),
            self.lexicon.coverage([found.record.text]),
            self._deviations(found),
        )

    def _thin(self, weighed: Sequence[Moment], k: int) -> list[Moment]:
        """Drop coarse moments that hold a fine one about as good, and the fourth of one scene."""
        chosen: list[Moment] = []
        spare: list[Moment] = []
        for moment in weighed:
            if len(chosen) >= k:
                break
            depth = _DEPTH[moment.level]
            if any(
                other.video == moment.video
                and _DEPTH[other.level] < depth
                and moment.span.contains(other.span.start)
                and other.score >= _FINER * moment.score
                for other in (weighed if depth else ())
            ):
                continue
            if depth == 0 and self._crowded(moment, chosen):
                spare.append(moment)
                continue
            chosen.append(moment)
        chosen += spare[: k - len(chosen)]
        return sorted(chosen, key=lambda m: (-m.score, _DEPTH[m.level], m.video, m.span, m.record))

    def _crowded(self, moment: Moment, chosen: Sequence[Moment]) -> bool:
        near = [
            other
            for other in chosen
            if other.video == moment.video
            and _DEPTH[other.level] == 0
            and abs(other.span.start - moment.span.start) < _SCENE
        ]
        if len(near) < CAP:
            return False
        scenes = self.store.records(
            video=moment.video, level="scene", span=moment.span, as_of=self.scope.as_of
        )
        if not scenes:
            return True
        home = max(scenes, key=lambda s: (s.span.overlap(moment.span), s.id)).span
        return sum(home.contains(other.span.start) for other in near) >= CAP

    def _quote(self, moment: Moment) -> Moment:
        """Quote words or screen text in place of a clip's caption that says less."""
        if moment.level != "clip" or self.scope.level is not None or moment.source != "caption":
            return moment
        inside = self.store.records(
            video=moment.video, level="moment", span=moment.span, as_of=self.scope.as_of
        )
        own = self.lexicon.coverage([moment.text])
        raw = [(self.lexicon.coverage([one.text]), one) for one in inside if self._may(one)]
        raw = [pair for pair in raw if pair[0] > own or (not moment.text and pair[1].text.strip())]
        if not raw:
            return moment
        share, said = max(raw, key=lambda pair: (pair[0], -pair[1].span.start, pair[1].id))
        hit = Hit(said.channel, said.id, said.span, said.text, round(share, 6), "words")
        return replace(
            moment,
            span=said.span,
            source=said.channel,
            text=said.text,
            record=said.id,
            level=said.level,
            parts=(*moment.parts, hit),
        )

    def _may(self, record: Record) -> bool:
        """Whether a record may be quoted: in a channel asked for, and inside the span asked for."""
        inside = self.scope.span is None or record.span.overlap(self.scope.span) > 0
        return record.channel in self.scope.within and inside


def _how(name: str) -> How:
    if name.startswith("words."):
        return "words"
    facet = name.split(".", 2)[2]
    if facet.startswith("sight"):
        return "sight"
    return "context" if facet == "context" else "dense"


def _fused(one: Group) -> float:
    return one.fused


def _worded(one: Group) -> float:
    return max(
        (
            rank_worth(rank)
            for found in one.found
            for name, (rank, _) in found.places.items()
            if _how(name) == "words"
        ),
        default=0.0,
    )


def _cosine(one: Group) -> float:
    return max(
        (
            score
            for found in one.found
            for name, (_, score) in found.places.items()
            if _how(name) in ("dense", "context")
        ),
        default=0.0,
    )
