"""A programme: a day of sections in a fixed order, and its timetable.

Where `timetable` shuffles one lecturer's topics, a programme is told as written: sections with
their own openings, small talk and sheets, camera scenes and breaks at given places. Lengths come
from the spoken sentences, pauses and small talk from the seed. A shorter day has the first
sections only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from PIL import Image

from bench.worlds.draw import THEMES, Slide, Theme, draw_slide
from bench.worlds.film import Format, Shot
from bench.worlds.pictures import camera
from bench.worlds.sheets import Layout, Sheet, draw_sheet
from bench.worlds.timetable import Times, Timetable
from bench.worlds.voice import speak_all

SECTION_SECONDS = 322.0
PAUSES = (0.8, 5.0)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about the one sentence or line that holds `where`.

    `wrong` patterns mark an answer wrong where they come first: values corrected later, and
    neighbours in a table.
    """

    text: str
    where: str
    right: tuple[str, ...]
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A sheet on the screen; the cells of a table's rows are divided by ``|``."""

    title: str
    lines: tuple[str, ...]
    layout: Layout = "list"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the day; `pattern` is how an answer may name it."""

    name: str
    pattern: str
    opening: str
    said: tuple[str, ...]
    chat: tuple[str, ...]
    cards: tuple[Card, ...]
    heard: tuple[Ask, ...] = ()
    seen: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """A camera scene after section number `after`, silent or talked over."""

    name: str
    after: int
    seconds: float
    opening: str
    talked: bool


@dataclass(frozen=True, slots=True)
class Break:
    """A break after section number `after`, announced by a slide and one sentence."""

    title: str
    subtitle: str
    after: int
    seconds: float
    opening: str


@dataclass(frozen=True, slots=True)
class Programme:
    """All that is said and shown in one day."""

    title: str
    subtitle: str
    foot: str
    welcome: tuple[str, ...]
    goodbye: tuple[str, ...]
    sections: tuple[Section, ...]
    chat: tuple[str, ...]
    scenes: tuple[Scene, ...]
    breaks: tuple[Break, ...]

    def texts(self) -> Iterator[str]:
        """Yield every sentence that may be said."""
        yield from (*self.welcome, *self.goodbye, *self.chat)
        yield from (scene.opening for scene in self.scenes)
        yield from (pause.opening for pause in self.breaks)
        for section in self.sections:
            yield from (section.opening, *section.said, *section.chat)


@dataclass
class Day(Timetable):
    """The timetable of a programme."""

    sections: list[tuple[Section, Times]] = field(default_factory=list)
    pauses: dict[str, Times] = field(default_factory=dict)  # a break's title and span
    sheets: int = 0


def lay_out(programme: Programme, minutes: float, seed: int, engine: str, form: Format) -> Day:
    """Speak the programme and lay it out over `minutes`."""
    chance = Random(seed)
    total = minutes * 60
    count = max(2, min(len(programme.sections), round(total / (SECTION_SECONDS + 35))))
    scenes = [scene for scene in programme.scenes if scene.after < count]
    breaks = [pause for pause in programme.breaks if pause.after < count - 1]
    aside = sum(scene.seconds + 4 for scene in scenes) + sum(pause.seconds for pause in breaks)
    budget = max(45.0, (total - aside - 30) / count)
    day = Day(form, speak_all(list(programme.texts()), engine=engine, rate=form.sound_rate))
    _talk(day, programme.welcome, Slide(programme.title, subtitle=programme.subtitle))
    for number, section in enumerate(programme.sections[:count]):
        length = budget * chance.uniform(0.8, 1.2)
        _section(day, section, programme, length, chance, THEMES[(number + 2) % len(THEMES)])
        for scene in (scene for scene in scenes if scene.after == number):
            _scene(day, scene, programme.chat, chance)
        for pause in (pause for pause in breaks if pause.after == number):
            _break(day, pause)
    _talk(day, programme.goodbye, Slide("Goodbye", subtitle="See you next year"))
    return day


def _talk(day: Day, texts: tuple[str, ...], slide: Slide) -> None:
    begin = day.snap()
    day.clock += 1.5
    for text in texts:
        day.say(text, 1.5)
    _still(day, begin, day.snap(), partial(draw_slide, slide, day.form.size, THEMES[0]))


def _section(
    day: Day, section: Section, programme: Programme, length: float, chance: Random, theme: Theme
) -> None:
    """Say the section's sentences with small talk between them, over its sheets."""
    begin = day.snap()
    day.clock += 1.0
    day.say(section.opening, 1.2)
    talk = _small_talk(section, programme.chat, chance)
    step = (length - 8) / (len(section.said) + 1)
    for number, sentence in enumerate(section.said):
        _fill(day, talk, begin + (number + chance.uniform(0.4, 1.0)) * step, chance)
        day.say(sentence, chance.uniform(1.0, 3.0))
    _fill(day, talk, begin + length - 5, chance)
    end = day.snap()
    day.sections.append((section, (begin, end)))
    _cards(day, section, programme.foot, (begin, end), chance, theme)


def _small_talk(section: Section, common: tuple[str, ...], chance: Random) -> Iterator[str]:
    """Yield small talk without end: the section's own and the common, mixed anew each round."""
    while True:
        mixed = [*section.chat, *section.chat, *chance.sample(common, 24)]
        chance.shuffle(mixed)
        yield from mixed


def _fill(day: Day, talk: Iterator[str], until: float, chance: Random) -> None:
    while day.clock < until:
        day.say(next(talk), chance.uniform(*PAUSES))


def _cards(
    day: Day, section: Section, foot: str, span: Times, chance: Random, theme: Theme
) -> None:
    """Show the sheets one after another; the lines of a list appear in turn."""
    begin, end = span
    share = (end - begin) / len(section.cards)
    cuts = [begin + share * (i + chance.uniform(-0.2, 0.2) * (i > 0))
            for i in range(len(section.cards))]  # fmt: skip
    cuts = [_frame(cut, day.form) for cut in cuts] + [end]
    for card, low, high in zip(section.cards, cuts, cuts[1:], strict=False):
        day.sheets += 1
        count = len(card.lines)
        pace = min(14.0, (high - low) / 5) if card.layout == "list" else 0.0
        starts = [_frame(low + pace * n, day.form) for n in range(count)]
        day.shown[card.title, card.title] = (low, high)
        for line, start in zip(card.lines, starts, strict=True):
            day.shown[card.title, line] = (start, high)
        for n, (a, b) in enumerate(zip(starts, [*starts[1:], high], strict=True), 1):
            if b > a:
                sheet = Sheet(card.title, card.lines[:n], card.layout, f"{foot} {day.sheets}")
                _still(day, a, b, partial(draw_sheet, sheet, day.form.size, theme))


def _scene(day: Day, scene: Scene, chat: tuple[str, ...], chance: Random) -> None:
    """Announce a camera scene without naming what it shows, then show it."""
    begin = day.snap()
    day.say(scene.opening, 0.8)
    start = day.snap()
    blank = Slide("", subtitle=" ")
    _still(day, begin, start, partial(draw_slide, blank, day.form.size, THEMES[0]))
    end = start + scene.seconds
    day.clock += 1.5
    while scene.talked and day.clock < end - 7:
        day.say(chance.choice(chat), 2.0)
    day.clock = end
    end = day.snap()
    view: Callable[[float], Image.Image] = partial(camera, scene.name, day.form.size)
    day.shots.append(Shot(start, end, view, moving=True))
    day.scenes.append((scene.name, (start, end)))


def _break(day: Day, pause: Break) -> None:
    begin = day.snap()
    day.clock += 0.8
    day.say(pause.opening, 0.0)
    day.clock = max(day.clock, begin + pause.seconds)
    end = day.snap()
    slide = Slide(pause.title, subtitle=pause.subtitle)
    _still(day, begin, end, partial(draw_slide, slide, day.form.size, THEMES[3]))
    day.breaks.append((begin, end))
    day.pauses[pause.title] = (begin, end)


def _still(day: Day, begin: float, end: float, draw: Callable[[], Image.Image]) -> None:
    def seen(_time: float) -> Image.Image:
        return draw()

    day.shots.append(Shot(begin, end, seen))


def _frame(time: float, form: Format) -> float:
    return round(time * form.fps) / form.fps
