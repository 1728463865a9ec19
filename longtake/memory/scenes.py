"""Scenes (level M2): 20-120 s, cut between clips where what is said, shown or seen changes.

A scene closes three clips after its border, so the lag is about half a minute. Its record holds a
title, keywords and the sentences that stand for it, quoted, with times in ``data["quotes"]``.
"""

from __future__ import annotations

from collections.abc import Sequence

from longtake.memory import summaries
from longtake.memory.levels import FOREVER, Memory
from longtake.memory.segment import Rule, cuts
from longtake.storage.records import Record
from longtake.timecode import Seconds, Span

RULE = Rule(least=20.0, most=120.0, aim=70.0, window=2, lag=3, alpha=1.5)
_LOOK_BACK = 700.0
"""Seconds of earlier clips that the statistics of change are taken from."""
_BACKGROUND = 600.0
"""Seconds before a scene against which its words are weighed."""


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
    captions = [clip.text for clip in clips if clip.text] or _stands_for(memory, clips[0], known)
    background = _background(memory, span, known)
    texts = [quote.text for quote in said]
    name = summaries.title(span, lines, texts, captions, background)
    shown = summaries.shown_lines(lines, span)
    marks = summaries.keywords([*texts, *shown] or captions, background)
    quotes = summaries.central(said, memory.encoder, k=3, marks=marks)
    record = memory.record(
        "scene",
        span,
        known,
        summaries.compose(name.text, _body(quotes, shown, captions)),
        clips,
        {
            "title": name.text,
            "title_from": name.source,
            "keywords": marks,
            "quotes": [quote.to_json() for quote in quotes],
        },
    )
    memory.write(record)
    return record


def _body(quotes: Sequence[summaries.Quote], shown: Sequence[str], captions: Sequence[str]) -> str:
    """Say what was said; where nothing was, what was shown; else what was seen."""
    if quotes:
        return " ".join(quote.text for quote in quotes)
    if shown:
        return "; ".join(shown)
    return " ".join(dict.fromkeys([*captions[:1], *captions[-1:]]))


def _stands_for(memory: Memory, clip: Record, known: Seconds) -> list[str]:
    """Return the caption of the clip that a clip without change equals."""
    same = clip.data.get("same_as")
    found = memory.store.records(ids=[same], as_of=known) if same else []
    return [one.text for one in found if one.text]


def _background(memory: Memory, span: Span, known: Seconds) -> dict[str, int]:
    if span.start <= 0:
        return {}
    before = Span(max(0.0, span.start - _BACKGROUND), span.start)
    return summaries.count_stems(one.text for one in memory.utterances(before, known))
