"""What belongs to a clip: its caption, the words spoken in it, the lines shown in it.

A word belongs to the clip that holds its middle, so an utterance over a clip border is divided and
no word is filed twice. The text made here is what is embedded for the clip; raw words and lines
keep records of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from longtake.memory.terms import words_of
from longtake.storage.records import Record
from longtake.timecode import Seconds, Span

_LINES = 400
"""Characters of screen text in a clip's text: encoders read about 250 tokens."""


def spoken_in(span: Span, utterances: Sequence[Record]) -> str:
    """Return the words whose middles lie in the span."""
    said: list[str] = []
    for one in utterances:
        if one.span.end < span.start or one.span.start >= span.end:
            continue
        words = one.data.get("words") or []
        if words:
            said += [
                str(word[2]).strip() for word in words if span.contains((word[0] + word[1]) / 2)
            ]
        elif span.contains(one.span.middle):
            said.append(one.text)
    return " ".join(part for part in said if part)


def clip_text(
    clip: Record,
    utterances: Sequence[Record],
    lines: Sequence[Record],
    *,
    caption: str | None = None,
) -> tuple[str, Seconds]:
    """Return the text a clip is found by, and when all of it could be known.

    `lines` are lines or pages of screen text; those known later than the words are left out.

    A clip in which nothing changed and nothing was said gives "": the clip it equals stands for it.
    """
    said = spoken_in(clip.span, utterances)
    told = clip.text if caption is None else caption
    if clip.data.get("same_as") and not said:
        return "", clip.known_at
    used = [one.known_at for one in utterances if spoken_in(clip.span, [one])]
    known = max([clip.known_at, *used])
    shown = _shown(clip.span, [line for line in lines if line.known_at <= known], told)
    parts = (told.rstrip(". "), said.rstrip(". "), shown)
    return ". ".join(part for part in parts if part), known


def _shown(span: Span, lines: Sequence[Record], told: str) -> str:
    """Return the distinct lines shown in the span that the caption does not hold."""
    have = f" {' '.join(words_of(told))} "
    shown: list[str] = []
    for record in lines:
        if record.span.overlap(span) <= 0:
            continue
        for line in record.text.splitlines():
            words = " ".join(words_of(line))
            if words and f" {words} " not in have:
                shown.append(" ".join(line.split()))
                have += words + " "
    return "; ".join(shown)[:_LINES]
