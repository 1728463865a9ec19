"""Scenes (level M2): 20-120 s, cut between clips where what is said, shown or seen changes.

A scene closes three clips after its border, so the lag is about half a minute. Its record holds a
title, keywords and the sentences that stand for it, quoted, with times in ``data["quotes"]``;
``data["title_from"]`` is the source of the title (see `titles.Title`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from longtake.memory import seen, summaries, titles
from longtake.memory.levels import FOREVER, Memory
from longtake.memory.segment import Rule, cuts
from longtake.storage.records import Record
from longtake.timecode import Seconds, Span

RULE = Rule(least=20.0, most=120.0, aim=70.0, window=2, lag=3, alpha=1.5)
_LOOK_BACK = 700.0
"""Seconds of earlier clips that the statistics of change are taken from."""
_BACKGROUND = 600.0
"""Seconds before a scene against which its words are weighed."""

_QUOTES = 3
"""Sentences that stand for a scene."""
_SPARSE = 0.15
"""Share of a scene below which speech alone does not say what it is about."""


def close_scenes(memory: Memory, *, final: bool = False) -> list[Record]:
    """Write the scenes that can be closed by now, in order, and return them."""
    begin = memory.end_of("scene")
    clips, units = memory.units("clip", Span(max(0.0, begin - _LOOK_BACK), FOREVER))
    first = next((i for i, clip in enumerate(clips) if clip.span.start >= begin - 1e-6), None)
    if first is None:
        return []
    written: list[Record] = []
    for cut in cuts(units, first, RULE, final=final):
        known = max(clip.known_at for clip in clips[: cut.seen + 1])
        written.append(_close(memory, clips[first : cut.index], known))
        first = cut.index
    if final:
        written.append(_close(memory, clips[first:], max(clip.known_at for clip in clips)))
    return written


def _close(memory: Memory, clips: Sequence[Record], known: Seconds) -> Record:
    span = Span(clips[0].span.start, max(clip.span.end for clip in clips))
    said = summaries.sentences(memory.utterances(span, known))
    lines = memory.deep("moment", "screen", span, known)
    sight = seen.look(_shown_by(memory, clips, known))
    background = _background(memory, span, known)
    texts = [quote.text for quote in said]
    name = titles.title(span, lines, texts, sight, background)
    shown = summaries.shown_lines(lines, span)
    marks = summaries.keywords([*texts, *shown] or sight.told, background)
    marks = marks or [word for label in sight.things for word in label.lower().split()][:8]
    quotes = summaries.central(said, memory.encoder, k=_QUOTES, marks=marks)
    record = memory.record(
        "scene",
        span,
        known,
        summaries.compose(name.text, _body(quotes, lines, name, sight, span)),
        clips,
        {
            "title": name.text,
            "title_from": name.source,
            "keywords": list(dict.fromkeys(marks)),
            "quotes": [quote.to_json() for quote in quotes],
        },
    )
    memory.write(record)
    return record


def _body(
    quotes: Sequence[summaries.Quote],
    lines: Sequence[Record],
    name: titles.Title,
    sight: seen.Seen,
    span: Span,
) -> str:
    """Say what was said; where little was, also what was shown; else what was seen."""
    shown = summaries.shown_lines(lines, span, but=name.text)
    screen = f"On screen: {'; '.join(shown)}." if shown else ""
    if not quotes:
        titled = name.source == "screen"
        shows = sight.sentence(speech=False, text=bool(screen) or titled)
        return screen if screen and titled else f"{screen} {shows}".strip()
    said = summaries.in_a_row(quotes)
    spoken = sum(quote.span.overlap(span) for quote in quotes)
    few = len(quotes) < _QUOTES and spoken < _SPARSE * span.duration
    return f"{said} {screen}".rstrip() if few else said


def _shown_by(memory: Memory, clips: Sequence[Record], known: Seconds) -> list[Record]:
    """Return clips with the data of the clips that they repeat."""
    same = {str(clip.data["same_as"]) for clip in clips if clip.data.get("same_as")}
    found = memory.store.records(ids=sorted(same), as_of=known) if same else []
    first = {one.id: one for one in found}
    shown: list[Record] = []
    for clip in clips:
        stands = first.get(str(clip.data.get("same_as", "")), clip)
        shown.append(replace(clip, text=stands.text, data=stands.data))
    return shown


def _background(memory: Memory, span: Span, known: Seconds) -> dict[str, int]:
    if span.start <= 0:
        return {}
    before = Span(max(0.0, span.start - _BACKGROUND), span.start)
    return summaries.count_stems(one.text for one in memory.utterances(before, known))
