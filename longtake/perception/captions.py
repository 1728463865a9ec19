"""Captions composed from what was detected, and only from that; nothing said twice (S52).

After ShareGPT4Video's differential captioning: a clip says what is new in it. A clip in which
nothing changed has no text and names the clip it repeats, so an hour of one slide is one caption.
Tags below `SURE` are said with "perhaps"; below the tagger's own floor they are not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from longtake.models.protocols import Tag
from longtake.perception.sight import STILL_BELOW, Look
from longtake.timecode import Seconds, Span, format_time

SURE = 0.5
MAYBE = 0.25
LEAST_LETTERS = 3
MOST_LINES = 12
LONGEST_LINE = 90
MOVES_ABOVE = 4.0


@dataclass
class Facts:
    """What was detected in one clip."""

    span: Span
    looks: list[Look] = field(default_factory=list)
    cuts: list[tuple[Seconds, float]] = field(default_factory=list)
    new_lines: list[tuple[Seconds, str]] = field(default_factory=list)
    gone_lines: list[tuple[Seconds, str]] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    motion: float = 0.0
    changed: bool = True
    has_picture: bool = True

    @property
    def still(self) -> bool:
        """Whether nothing visibly moved."""
        return self.motion < STILL_BELOW and not self.cuts


def best_tags(looks: Sequence[Look]) -> list[Tag]:
    """Return each label once with its highest probability, best first."""
    best: dict[str, float] = {}
    for seen in looks:
        for tag in seen.tags:
            best[tag.label] = max(best.get(tag.label, 0.0), tag.p)
    return [Tag(label, p) for label, p in sorted(best.items(), key=lambda item: (-item[1], item))]


def colours_of(looks: Sequence[Look]) -> list[str]:
    """Return the colours of the looks in order of how many looks have them."""
    count: dict[str, int] = {}
    for seen in looks:
        for name in seen.colours:
            count[name] = count.get(name, 0) + 1
    order = list(count)
    return sorted(count, key=lambda name: (-count[name], order.index(name)))[:3]


def compose(facts: Facts) -> str:
    """Write the caption; "" when nothing changed in the clip."""
    if not facts.changed or not facts.has_picture:
        return ""
    parts = [_screen(facts), _gone(facts), _shows(facts), _movement(facts)]
    return " ".join(part for part in parts if part)


def _screen(facts: Facts) -> str:
    new = [(at, text) for at, text in facts.new_lines if _says(text)]
    standing = [text for text in facts.standing if _says(text)]
    if not new and standing and facts.looks:
        return f"Screen text as before: {_quoted(standing[:3])}."
    if not new:
        return ""
    groups = _by_time(new)
    if len(groups) == 1 and groups[0][0] <= facts.span.start + 1.0:
        return f"Screen text: {_quoted(groups[0][1])}."
    said = "; ".join(f"{_clock(at)} {_quoted(texts)}" for at, texts in groups)
    return f"New screen text: {said}."


def _gone(facts: Facts) -> str:
    gone = [(at, text) for at, text in facts.gone_lines if _says(text)]
    if not gone or facts.new_lines:
        return ""  # new text says by itself that the old has gone
    groups = _by_time(gone)
    said = "; ".join(f"{_clock(at)} {_quoted(texts[:3])}" for at, texts in groups)
    return f"Text gone: {said}."


def _shows(facts: Facts) -> str:
    tags = best_tags(facts.looks)
    sure = [tag for tag in tags if tag.p >= SURE][:4]
    maybe = [tag for tag in tags if MAYBE <= tag.p < SURE][: max(0, 3 - len(sure))]
    parts = []
    if sure:
        parts.append("Shows " + ", ".join(f"{tag.label} ({tag.p:.2f})" for tag in sure))
    if maybe:
        word = "perhaps" if sure else "Perhaps"
        parts.append(word + " " + ", ".join(f"{tag.label} ({tag.p:.2f})" for tag in maybe))
    colours = colours_of(facts.looks)
    shows = ", ".join(parts) + "." if parts else ""
    mostly = f"Mostly {' and '.join(colours[:2])}." if colours else ""
    return " ".join(part for part in (shows, mostly) if part)


def _movement(facts: Facts) -> str:
    times = [at for at, _ in facts.cuts if at > facts.span.start]
    if times:
        shown = ", ".join(_clock(at) for at in times[:6])
        more = f" and {len(times) - 6} more" if len(times) > 6 else ""
        return f"Cut{'s' if len(times) > 1 else ''} at {shown}{more}."
    if facts.still:
        return "Still picture."
    return "Much movement." if facts.motion >= MOVES_ABOVE else "Some movement."


def _by_time(lines: Sequence[tuple[Seconds, str]]) -> list[tuple[Seconds, list[str]]]:
    """Group texts by the second, at most `MOST_LINES` in all, keeping their order."""
    groups: dict[int, tuple[Seconds, list[str]]] = {}
    for at, text in sorted(lines[:MOST_LINES], key=lambda line: int(line[0])):
        groups.setdefault(int(at), (at, []))[1].append(text)
    return list(groups.values())


def _says(text: str) -> bool:
    """Whether a line is worth quoting: line numbers and icons are not."""
    return sum(c.isalnum() for c in text) >= LEAST_LETTERS


def _quoted(texts: Sequence[str]) -> str:
    cut = [t if len(t) <= LONGEST_LINE else t[: LONGEST_LINE - 1].rstrip() + "…" for t in texts]
    return ", ".join(f"“{text}”" for text in cut)


def _clock(time: Seconds) -> str:
    return format_time(time, millis=False)
