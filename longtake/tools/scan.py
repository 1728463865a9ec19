"""Find every place that speaks of something, by reading everything: never the top of a ranking.

A place is one unit, or two neighbouring utterances when a sentence was cut in two. What counts
as speaking of it is a share of the topic's weight (`coverage`) with its most telling word in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longtake.storage.records import Record
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Corpus, Source, Term, Unit, coverage

ENOUGH = 0.7
"""Least share of the topic's weight for a place to be a mention."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One place: the records that hold it, their common span, and how much of the topic."""

    units: tuple[Unit, ...]
    score: float

    @property
    def record(self) -> Record:
        """The record that holds most; the earlier of two equals."""
        return self.units[0].record

    @property
    def span(self) -> Span:
        """From the first record's start to the last one's end."""
        spans = [unit.record.span for unit in self.units]
        return Span(min(s.start for s in spans), max(s.end for s in spans))

    @property
    def source(self) -> Source:
        """Where it was said or shown."""
        return self.units[0].source

    @property
    def text(self) -> str:
        """The raw words, in order."""
        return " ".join(unit.record.text for unit in self.units)


def mentions(
    corpus: Corpus,
    terms: Sequence[Term],
    sources: Sequence[Source],
    *,
    least: float = ENOUGH,
    gap: Seconds = 3.0,
) -> list[Mention]:
    """Return every mention in order of time."""
    if not terms or all(term.absent for term in terms):
        return []
    rarest = max(terms, key=lambda term: term.weight)
    found: list[Mention] = []
    wanted = set(sources)
    units = [unit for unit in corpus.holding(terms) if unit.source in wanted]
    for n, unit in enumerate(units):
        alone = coverage(terms, [unit])
        if alone >= least and rarest.match(unit):
            found.append(Mention((unit,), alone))
            continue
        after = _next_utterance(units, n, gap)
        if after is None or coverage(terms, [after]) >= least:
            continue
        both = coverage(terms, [unit, after])
        if both >= least and (rarest.match(unit) or rarest.match(after)):
            found.append(Mention((unit, after), both * 0.95))
    return _apart(found)


def _next_utterance(units: Sequence[Unit], n: int, gap: Seconds) -> Unit | None:
    """The utterance that goes on after unit `n`, if the same video speaks on within `gap`."""
    here = units[n].record
    if units[n].source != "speech":
        return None
    for other in units[n + 1 :]:
        if other.record.video != here.video or other.record.span.start > here.span.end + gap:
            return None
        if other.source == "speech":
            return other
    return None


def _apart(found: list[Mention]) -> list[Mention]:
    """Drop a joined pair whose second half also begins the next mention."""
    kept: list[Mention] = []
    used: set[str] = set()
    for mention in found:
        ids = {unit.record.id for unit in mention.units}
        if not ids & used:
            kept.append(mention)
            used |= ids
    return kept


def occasions(found: Sequence[Mention], gap: Seconds) -> list[list[Mention]]:
    """Group mentions that lie within `gap` of each other: one occasion each."""
    groups: list[list[Mention]] = []
    for mention in found:
        last = groups[-1] if groups else None
        if (
            last
            and last[-1].record.video == mention.record.video
            and mention.span.start - max(m.span.end for m in last) <= gap
        ):
            last.append(mention)
        else:
            groups.append([mention])
    return groups
