"""What worlds for standing queries share: wishes, their truth, spoken lines, and a static stream.

The watch begins at `START`: what is said and shown before is no event. A change's time is exact: a
picture's frame, or the last sample of a phrase (each spoken line is made of two pieces that are set
together, so that the end of the phrase inside it is known). Times are seconds of the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.worlds.draw import Slide, draw_slide
from bench.worlds.film import Format, Line, Shot, write_film
from bench.worlds.voice import Sound, choose_engine, speak_all

FORM = Format(size=(960, 540), fps=10, crf=26, sound_rate=16_000, room_noise=0.0008)
START = 20.0
"""The watch begins here."""
EARLY = 0.3
"""Seconds before a change at which it may be told; a word's end is not exact."""


@dataclass(frozen=True, slots=True)
class Say:
    """A line: `phrase` ends it, or `rest` goes on without a pause."""

    at: float
    phrase: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A query, and the change that it is to be told of: a `Say`, or a time on screen.

    `early` is how long before its time a slow change may be told; `nots` are examples of what is
    not meant.
    """

    query: str
    at: float = 0.0
    said: float | None = None
    until: float = 0.0
    nots: tuple[str, ...] = ()
    early: float = EARLY


@dataclass(frozen=True, slots=True)
class Event:
    """A change that is to be told of, when it becomes true, and when it is over."""

    query: str
    onset: float
    until: float
    nots: tuple[str, ...] = ()
    early: float = EARLY


@dataclass(frozen=True, slots=True)
class World:
    """A stream that was made, and its truth; `never` are queries that never come true."""

    name: str
    path: Path
    events: tuple[Event, ...]
    near_misses: tuple[str, ...]
    seconds: float
    photographs: bool = field(default=False)
    never: tuple[str, ...] = ()


def events_of(wishes: Sequence[Wish], ends: dict[float, float]) -> tuple[Event, ...]:
    """The truth: `ends` tells when the phrase of the `Say` at a time is out."""
    events = []
    for wish in wishes:
        onset = wish.at if wish.said is None else ends[wish.said]
        until = wish.until or onset + 8.0
        events.append(Event(wish.query, onset, until, wish.nots, wish.early))
    return tuple(events)


def spoken(
    says: Sequence[Say], filler: Sequence[str], end: float
) -> tuple[list[Line], dict[float, float]]:
    """All that is spoken, and when the phrase of each `Say` ends; filler where there is room."""
    texts = [part for say in says for part in (say.phrase, say.rest) if part]
    made = speak_all([*texts, *filler], engine=choose_engine())
    sounds = {text: _trimmed(samples) for text, samples in made.items()}
    rate, lines, ends = FORM.sound_rate, [], {}
    for say in says:
        parts = [sounds[part] for part in (say.phrase, say.rest) if part]
        ends[say.at] = say.at + len(parts[0]) / rate
        whole = np.concatenate(parts)
        lines.append(Line(say.at, whole, f"{say.phrase} {say.rest}".strip()))
    return [*lines, *_between(lines, filler, end, sounds)], ends


def make_static(folder: Path, seconds: float = 600.0) -> Path:
    """Ten minutes in which nothing happens: a slide, and the noise of a room."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "static.mp4"
    slide = draw_slide(Slide("Please wait", ("The stream begins soon",)), FORM.size)
    write_film(path, [Shot(0.0, seconds, lambda time: slide)], [], FORM)
    return path


def _between(
    lines: Sequence[Line], filler: Sequence[str], end: float, sounds: dict[str, Sound]
) -> list[Line]:
    """Lines of no interest, where none of interest is within two seconds."""
    rate, found, n, at = FORM.sound_rate, [], 0, 2.0
    taken = sorted((one.start - 2.0, one.end(rate) + 2.0) for one in lines)
    while at < end - 6.0:
        text = filler[n % len(filler)]
        over = at + len(sounds[text]) / rate
        clash = next((b for a, b in taken if a < over and b > at), None)
        if clash is not None:
            at = clash
            continue
        found.append(Line(at, sounds[text], text))
        n, at = n + 1, over + 3.0
    return found


def _trimmed(samples: Sound, quiet: float = 0.01) -> Sound:
    """Without the silence that a voice begins and ends with."""
    loud = np.flatnonzero(np.abs(samples) > quiet)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples
