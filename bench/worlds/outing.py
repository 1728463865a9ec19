"""A day out with a camera: looks at sheets and views in a fixed order, and their timetable.

An `Outing` is told as written. Lengths come from the spoken sentences and from the seconds that
the script gives every look, stretched to the wished length; pauses and small talk come from the
seed. A `Signal` is a sound that comes just before a sentence. `guests` are spoken by a second
engine where there is one, all others by the film's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from bench.worlds.draw import THEMES, Slide, draw_slide
from bench.worlds.evening import Evening, Person, Speech
from bench.worlds.film import Format, Line
from bench.worlds.pictures import camera
from bench.worlds.programme import Card
from bench.worlds.sheets import Sheet, draw_sheet
from bench.worlds.timetable import Sounds
from bench.worlds.voice import Sound, bend, second_engine, speak_all

PAUSES = (1.2, 5.4)


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen for a while: a sheet, a camera view or, with None, the title; and what is said.

    In a `quiet` one there is no small talk.
    """

    what: Card | str | None
    lines: tuple[Speech, ...]
    seconds: float
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the day; `rest` if it is a break."""

    key: str
    looks: tuple[Look, ...]
    chat: tuple[Speech, ...] = ()
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """A sound, made for a rate, the sentence it comes before, and the seconds between them."""

    sound: Callable[[int], Sound]
    line: Speech
    seconds: float


@dataclass(frozen=True, slots=True)
class Outing:
    """All that is said and shown on one day."""

    title: str
    subtitle: str
    people: dict[str, Person]
    parts: tuple[Part, ...]
    chat: tuple[Speech, ...]
    signal: Signal
    guests: frozenset[str] = frozenset()

    def speeches(self) -> Iterator[Speech]:
        """Yield every sentence that may be said, with who says it."""
        yield from self.chat
        for part in self.parts:
            yield from part.chat
            yield from (line for look in part.looks for line in look.lines)


def lay_out(outing: Outing, minutes: float, seed: int, engine: str, form: Format) -> Evening:
    """Speak the script and lay it out over `minutes`."""
    chance = Random(seed)
    day = Evening(form, _sounds(outing, engine, form), people=outing.people)
    written = sum(look.seconds for part in outing.parts for look in part.looks)
    for part in outing.parts:
        begin = day.snap()
        talk = _small_talk(outing, part, chance)
        for look in part.looks:
            _look(day, outing, look, talk, look.seconds * minutes * 60 / written, chance)
        day.parts[part.key] = (begin, day.snap())
        if part.rest:
            day.breaks.append(day.parts[part.key])
    day.close()
    return day


def _sounds(outing: Outing, engine: str, form: Format) -> Sounds:
    speakers = {text: who for who, text in outing.speeches()}
    plain: Sounds = {}
    for guests in (False, True):
        texts = [text for text, who in speakers.items() if (who in outing.guests) == guests]
        if texts:
            voice = second_engine(engine) if guests else engine
            plain |= speak_all(texts, engine=voice, rate=form.sound_rate)
    return {text: bend(plain[text], outing.people[who].pitch) for text, who in speakers.items()}


def _small_talk(outing: Outing, part: Part, chance: Random) -> Iterator[Speech]:
    """Yield small talk without end: the part's own and the common, mixed anew each round."""
    while True:
        mixed = [*part.chat, *chance.sample(outing.chat, 12)]
        chance.shuffle(mixed)
        yield from mixed


def _look(
    day: Evening, outing: Outing, look: Look, talk: Iterator[Speech], seconds: float, chance: Random
) -> None:
    """Show a sheet or a view, and say its lines with small talk between them."""
    start = _show(day, outing, look)
    day.clock += chance.uniform(0.8, 1.6)
    step = (seconds - 4) / (len(look.lines) + 1)
    for number, line in enumerate(look.lines):
        if look.quiet:
            day.clock = max(day.clock, start + number * step)
        elif number:
            _fill(day, talk, start + (number + chance.uniform(0.2, 0.9)) * step, chance)
        if line == outing.signal.line:
            day.lines.append(Line(day.clock, outing.signal.sound(day.form.sound_rate)))
            day.clock += outing.signal.seconds
        day.tell(line, chance.uniform(*PAUSES))
    if not look.quiet:
        _fill(day, talk, start + seconds - 5, chance)
    day.clock = max(day.clock, start + seconds)
    span = (start, day.snap())
    if isinstance(look.what, str):
        day.scenes.append((look.what, span))
    elif look.what is not None:
        for text in (look.what.title, *look.what.lines):
            day.shown[look.what.title, text] = span


def _fill(day: Evening, talk: Iterator[Speech], until: float, chance: Random) -> None:
    while day.clock < until:
        day.tell(next(talk), chance.uniform(*PAUSES))


def _show(day: Evening, outing: Outing, look: Look) -> float:
    """Change to the look's picture; return when."""
    size = day.form.size
    if isinstance(look.what, str):
        return day.show(partial(camera, look.what, size), moving=True)
    if isinstance(look.what, Card):
        card = look.what
        sheet = Sheet(card.title, card.lines, card.layout, outing.title)
        picture = draw_sheet(sheet, size, THEMES[len(day.bases) % len(THEMES)])
    else:
        picture = draw_slide(Slide(outing.title, subtitle=outing.subtitle), size, THEMES[0])
    return day.show(lambda _time: picture)
