"""An auction evening: lots, talks, views and breaks in a fixed order, and their timetable.

What is told and bid is written down; lengths come from the spoken sentences, pauses and small
talk from the seed. Several people speak, each with a pitch of their own, and most with their name
on the screen. Small talk stretches the evening to the wished length; it is never cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.worlds.cards import LotCard, draw_card, draw_dark, draw_name
from bench.worlds.draw import THEMES, Slide, draw_slide
from bench.worlds.film import Format, Line, Shot
from bench.worlds.pictures import camera
from bench.worlds.programme import Card
from bench.worlds.sheets import Sheet, draw_sheet
from bench.worlds.timetable import Sounds, Times, Timetable
from bench.worlds.voice import bend, speak_all

Speech = tuple[str, str]
"""Who says it, and what."""
PAUSES = (0.9, 3.6)
OPENINGS = ("Now for lot {n}, {name}.", "We go on with lot {n}, {name}.", "Lot {n} is {name}.")
CALLS = ("{bid} crowns, from paddle {who}.", "I have {bid} from paddle {who}.",
         "Paddle {who} says {bid}.")  # fmt: skip
SOLD = "Sold, for {bid} crowns, to paddle {who}."
RUNG = "And there goes the bell."


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who speaks; `known` ones have their name shown only when they speak first."""

    name: str
    role: str
    pitch: float = 1.0
    known: bool = False


@dataclass(frozen=True, slots=True)
class Lot:
    """A thing for sale: its card, what is told of it, its bids (sum, paddle) and how they end.

    `rung`: the bell is rung for the price. `dark_after`: the bid at which the lights fail.
    """

    key: str
    number: int
    title: str
    pattern: str
    colour: str
    lines: tuple[str, ...]
    spoken: str
    story: tuple[Speech, ...]
    chat: tuple[str, ...]
    bids: tuple[tuple[int, int], ...] = ()
    asides: tuple[Speech, ...] = ()
    verdict: tuple[Speech, ...] = ()
    ending: Literal["Sold", "Not sold", "Withdrawn"] = "Sold"
    view: str = ""
    sheet: Card | None = None
    rung: bool = False
    dark_after: int = 0
    weight: float = 1.0

    @property
    def price(self) -> int:
        """Return what it was sold for, 0 if it was not."""
        return self.bids[-1][0] if self.ending == "Sold" else 0


@dataclass(frozen=True, slots=True)
class Talk:
    """People talk over sheets; each sheet comes with its own lines."""

    key: str
    pages: tuple[tuple[Card, tuple[Speech, ...]], ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class View:
    """The camera looks elsewhere, with small talk or in silence."""

    name: str
    seconds: float
    talked: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A break: a sheet is shown, and a view in its middle."""

    key: str
    sheet: Card
    lines: tuple[Speech, ...]
    view: View
    seconds: float


@dataclass(frozen=True, slots=True)
class Tally:
    """The board of the fund; `gift` is money that came in other ways than by a sale."""

    lines: tuple[Speech, ...]
    gift: int = 0


Step = Lot | Talk | View | Pause | Tally


@dataclass(frozen=True, slots=True)
class Script:
    """All that is said and shown in one evening; `dark` is said while the lights are out."""

    title: str
    subtitle: str
    people: dict[str, Person]
    host: str
    guide: str
    welcome: tuple[Speech, ...]
    goodbye: tuple[Speech, ...]
    steps: tuple[Step, ...]
    chat: tuple[Speech, ...]
    calls: tuple[str, ...]
    dark: tuple[Speech, ...]
    light: Speech
    fund: int

    @property
    def lots(self) -> tuple[Lot, ...]:
        """Return the lots in the order in which they are offered."""
        return tuple(step for step in self.steps if isinstance(step, Lot))

    def speeches(self) -> Iterator[Speech]:
        """Yield every sentence that may be said, with who says it."""
        yield from (*self.welcome, *self.goodbye, *self.chat, *self.dark, self.light)
        yield from ((self.host, text) for text in (*self.calls, RUNG))
        for step in self.steps:
            if isinstance(step, Lot):
                yield from _lot_speeches(step, self)
            elif isinstance(step, Talk):
                yield from (line for _, lines in step.pages for line in lines)
            elif not isinstance(step, View):
                yield from step.lines


def _lot_speeches(lot: Lot, script: Script) -> Iterator[Speech]:
    yield from (*lot.story, *lot.asides, *lot.verdict)
    yield from ((script.guide, text) for text in lot.chat)
    yield from ((script.host, text) for text in (opening(lot), *calls(lot)))
    if lot.ending == "Sold":
        yield script.host, sold(lot)


def opening(lot: Lot) -> str:
    """Return how a lot is announced."""
    return OPENINGS[lot.number % len(OPENINGS)].format(n=lot.number, name=lot.spoken)


def calls(lot: Lot) -> list[str]:
    """Return how its bids are called."""
    return [CALLS[(lot.number + index) % len(CALLS)].format(bid=bid, who=who)
            for index, (bid, who) in enumerate(lot.bids)]  # fmt: skip


def sold(lot: Lot) -> str:
    """Return the sentence that sells it."""
    bid, who = lot.bids[-1]
    return SOLD.format(bid=bid, who=who)


@dataclass
class LotTimes:
    """When a lot is offered, on cards and on camera, and when each bid and the end come."""

    span: Times = (0.0, 0.0)
    cards: list[Times] = field(default_factory=list)
    view: Times | None = None
    bids: list[Times] = field(default_factory=list)
    end: Times = (0.0, 0.0)


@dataclass
class Base:
    """What is on the screen from `start` on, names of speakers aside."""

    start: float
    draw: Callable[[float], Image.Image]
    moving: bool = False


@dataclass
class Evening(Timetable):
    """The timetable of a script."""

    people: dict[str, Person] = field(default_factory=dict)
    bases: list[Base] = field(default_factory=list)
    names: list[tuple[Times, Person]] = field(default_factory=list)
    lots: dict[str, LotTimes] = field(default_factory=dict)
    parts: dict[str, Times] = field(default_factory=dict)  # talks and breaks
    boards: list[tuple[int, Times]] = field(default_factory=list)  # the fund and when it is shown
    dark: Times = (0.0, 0.0)

    def show(self, draw: Callable[[float], Image.Image], *, moving: bool = False) -> float:
        """Change the picture now; return when."""
        start = self.snap()
        self.bases.append(Base(start, draw, moving))
        return start

    def tell(self, speech: Speech, pause: float) -> Times:
        """Let somebody say a sentence; return its span."""
        who, text = speech
        start = self.clock
        self.say(text, pause)
        span = self.said[text][-1]
        person = self.people[who]
        if not person.known or all(one is not person for _, one in self.names):
            self.names.append(((start, max(span[1], start + 3.0)), person))
        return span

    def ring(self) -> None:
        """Ring the bell."""
        self.lines.append(Line(self.clock, bell(self.form.sound_rate)))
        self.clock += 1.6

    def close(self) -> None:
        """Turn pictures and names into shots."""
        end = self.snap()
        spans = [(frame(a, self.form), frame(b, self.form), person)
                 for (a, b), person in self.names]  # fmt: skip
        changes = {0.0, end, *(base.start for base in self.bases)}
        changes |= {time for a, b, _ in spans for time in (a, b) if time < end}
        for low, high in pairwise(sorted(changes)):
            base = [one for one in self.bases if one.start <= low][-1]
            named = [person for a, b, person in spans if a <= low < b]
            draw = partial(_named, base, low, named[-1] if named else None)
            self.shots.append(Shot(low, high, draw, base.moving))


def _named(base: Base, low: float, person: Person | None, time: float) -> Image.Image:
    image = base.draw(time + low - base.start)
    return draw_name(image, person.name, person.role) if person else image


def bell(rate: int) -> NDArray[np.float32]:
    """Return one stroke of a hand bell."""
    time = np.arange(round(1.5 * rate)) / rate
    tones = sum(np.sin(2 * np.pi * pitch * time) / n
                for n, pitch in enumerate((1320.0, 2640.0, 3564.0), 1))  # fmt: skip
    return (0.25 * tones * np.exp(-3.5 * time)).astype(np.float32)


def frame(time: float, form: Format) -> float:
    """Return the time of the nearest frame."""
    return round(time * form.fps) / form.fps


def lay_out(script: Script, minutes: float, seed: int, engine: str, form: Format) -> Evening:
    """Speak the script and lay it out over `minutes`."""
    chance = Random(seed)
    evening = Evening(form, _sounds(script, engine, form), people=script.people)
    aside = sum(step.seconds + 2 for step in script.steps if isinstance(step, Talk | View | Pause))
    aside += 66 + 30 + 11 * sum(isinstance(step, Tally) for step in script.steps)
    share = (minutes * 60 - aside) / sum(lot.weight for lot in script.lots)
    _title(evening, script.welcome, Slide(script.title, subtitle=script.subtitle))
    fund = script.fund
    for step in script.steps:
        if isinstance(step, Lot):
            _lot(evening, step, script, share * step.weight * chance.uniform(0.88, 1.12), chance)
            fund += step.price
        elif isinstance(step, Talk):
            _talk(evening, step, script, chance)
        elif isinstance(step, View):
            _view(evening, step, script, chance)
        elif isinstance(step, Pause):
            _pause(evening, step)
        else:
            fund += step.gift
            _tally(evening, step, fund)
    _title(evening, script.goodbye, Slide("Good night", subtitle=script.subtitle))
    evening.close()
    return evening


def _sounds(script: Script, engine: str, form: Format) -> Sounds:
    speakers = {text: script.people[who] for who, text in script.speeches()}
    plain = speak_all(list(speakers), engine=engine, rate=form.sound_rate)
    return {text: bend(plain[text], person.pitch) for text, person in speakers.items()}


def _title(evening: Evening, lines: tuple[Speech, ...], slide: Slide) -> None:
    picture = draw_slide(slide, evening.form.size, THEMES[0])
    evening.show(lambda _time: picture)
    evening.clock += 1.5
    for line in lines:
        evening.tell(line, 1.4)


def _fill(evening: Evening, talk: Iterator[Speech], until: float, chance: Random) -> None:
    while evening.clock < until:
        evening.tell(next(talk), chance.uniform(*PAUSES))


def _mixed(lines: list[Speech], chance: Random) -> Iterator[Speech]:
    """Yield small talk without end, mixed anew each round."""
    while True:
        yield from chance.sample(lines, len(lines))


def _lot(evening: Evening, lot: Lot, script: Script, length: float, chance: Random) -> None:
    times = evening.lots.setdefault(lot.key, LotTimes())
    begin = _card(evening, lot, times, ("Bid", "-", ""))
    evening.clock += 0.8
    evening.tell((script.host, opening(lot)), 1.2)
    evening.clock += 2.0
    _story(evening, lot, times, script, begin + 0.45 * length, chance)
    _card(evening, lot, times, ("Bid", "-", ""))
    last = (evening.clock, evening.clock)
    if lot.ending != "Withdrawn":
        last = _bidding(evening, lot, times, script, begin + length - 9, chance)
    box = (lot.ending, str(lot.price or "-"), f"paddle {lot.bids[-1][1]}" if lot.price else "")
    start = _card(evening, lot, times, box)
    for line in lot.verdict:
        last = evening.tell(line, 1.2)
    times.end = (start, last[1]) if lot.verdict else times.end
    if lot.rung:
        evening.ring()
        evening.tell((script.host, RUNG), 1.0)
    evening.clock += 4.0
    times.span = (begin, evening.snap())
    times.cards = _merged(times, evening)


def _merged(times: LotTimes, evening: Evening) -> list[Times]:
    """Return when any card of the lot is seen; a changed bid does not end a span."""
    own = {start for start, _ in times.cards}
    later = sorted({base.start for base in evening.bases if base.start not in own})
    ends = [min((b for b in later if b > a), default=times.span[1]) for a in sorted(own)]
    return [(min(a for a, b in zip(sorted(own), ends, strict=True) if b == end), end)
            for end in sorted(set(ends))]  # fmt: skip


def _card(evening: Evening, lot: Lot, times: LotTimes, box: tuple[str, str, str]) -> float:
    card = LotCard(f"Lot {lot.number}", lot.title, lot.lines, lot.colour, box)
    picture = draw_card(card, evening.form.size)
    start = evening.show(lambda _time: picture)
    times.cards.append((start, start))
    return start


def _story(
    evening: Evening, lot: Lot, times: LotTimes, script: Script, until: float, chance: Random
) -> None:
    """Tell of the lot while its view or its sheet is seen, with small talk between."""
    start = evening.clock
    if lot.view:
        start = evening.show(partial(camera, lot.view, evening.form.size), moving=True)
    elif lot.sheet is not None:
        start = _sheet(evening, lot.sheet)
    chat = [(script.guide, text) for text in lot.chat]
    talk = _mixed([*chat, *chance.sample(script.chat, 5)], chance)
    step = (until - start) / (len(lot.story) + 1)
    for number, line in enumerate(lot.story):
        _fill(evening, talk, start + (number + chance.uniform(0.3, 0.9)) * step, chance)
        evening.tell(line, chance.uniform(*PAUSES))
        if lot.view and number == len(lot.story) // 2:
            times.view = (start, _card(evening, lot, times, ("Bid", "-", "")))
    if lot.sheet is not None:
        evening.shown[lot.sheet.title, lot.sheet.title] = (start, evening.snap())
    _fill(evening, talk, until, chance)


def _bidding(
    evening: Evening, lot: Lot, times: LotTimes, script: Script, until: float, chance: Random
) -> Times:
    """Call the bids with asides and small talk between; return the span of the last words."""
    talk = _mixed([(script.host, text) for text in script.calls], chance)
    start, last = evening.clock, (evening.clock, evening.clock)
    count = len(lot.bids) + 1
    asides = list(lot.asides)
    evening.tell(next(talk), chance.uniform(*PAUSES))
    for number, (text, (bid, who)) in enumerate(zip(calls(lot), lot.bids, strict=True), 1):
        _card(evening, lot, times, ("Bid", str(bid), f"paddle {who}"))
        times.bids.append(evening.tell((script.host, text), chance.uniform(*PAUSES)))
        if bid == lot.dark_after:
            _dark(evening, script)
            until += evening.dark[1] - evening.dark[0]
            start += evening.dark[1] - evening.dark[0]
            _card(evening, lot, times, ("Bid", str(bid), f"paddle {who}"))
        if asides and number >= 2:
            evening.tell(asides.pop(0), chance.uniform(*PAUSES))
        _fill(evening, talk, start + (until - start) * number / count, chance)
    for aside in asides:
        evening.tell(aside, chance.uniform(*PAUSES))
    _fill(evening, talk, until, chance)
    if lot.ending == "Sold":
        last = times.end = evening.tell((script.host, sold(lot)), 0.4)
    return last


def _dark(evening: Evening, script: Script) -> None:
    """Let the lights fail for a while, with a candle in the middle."""
    picture = draw_dark(evening.form.size)
    start = evening.show(lambda _time: picture)
    evening.clock += 3.0
    half = len(script.dark) // 2
    for line in script.dark[:half]:
        evening.tell(line, 3.0)
    seen = evening.show(partial(camera, "candle", evening.form.size), moving=True)
    for line in script.dark[half:]:
        evening.tell(line, 4.0)
    evening.clock = max(evening.clock, seen + 22.0)
    evening.scenes.append(("candle", (seen, evening.show(lambda _time: picture))))
    evening.clock = max(evening.clock + 3.0, start + 64.0)
    evening.dark = (start, evening.snap())
    evening.tell(script.light, 1.5)


def _sheet(evening: Evening, card: Card) -> float:
    """Show a sheet whole; return when."""
    sheet = Sheet(card.title, card.lines, card.layout, "Boat house auction")
    picture = draw_sheet(sheet, evening.form.size, THEMES[len(evening.bases) % len(THEMES)])
    return evening.show(lambda _time: picture)


def _talk(evening: Evening, talk: Talk, script: Script, chance: Random) -> None:
    begin = evening.snap()
    share = talk.seconds / len(talk.pages)
    for number, (card, lines) in enumerate(talk.pages, 1):
        small = _mixed([line for line in script.chat if line[0] == script.host], chance)
        start = _sheet(evening, card)
        evening.clock += 1.0
        step = share / (len(lines) + 0.5)
        for index, line in enumerate(lines):
            evening.tell(line, chance.uniform(*PAUSES))
            _fill(evening, small, min(start + step * (index + 1), begin + share * number), chance)
        evening.clock = max(evening.clock, start + 8.0)
        evening.shown[card.title, card.title] = (start, evening.snap())
    evening.parts[talk.key] = (begin, evening.snap())


def _view(evening: Evening, view: View, script: Script, chance: Random) -> None:
    start = evening.show(partial(camera, view.name, evening.form.size), moving=True)
    evening.clock += 1.5
    if view.talked:
        lines = [line for line in script.chat if line[0] == script.host]
        _fill(evening, _mixed(lines, chance), start + view.seconds - 6, chance)
    evening.clock = max(evening.clock, start + view.seconds)
    evening.scenes.append((view.name, (start, evening.snap())))


def _pause(evening: Evening, pause: Pause) -> None:
    """Announce a break, show its sheet, a view, and its sheet again."""
    begin = _sheet(evening, pause.sheet)
    evening.clock += 0.8
    for line in pause.lines:
        evening.tell(line, 1.5)
    evening.clock = max(evening.clock, begin + 0.4 * pause.seconds)
    seen = evening.show(partial(camera, pause.view.name, evening.form.size), moving=True)
    evening.clock = seen + pause.view.seconds
    back = _sheet(evening, pause.sheet)
    evening.scenes.append((pause.view.name, (seen, back)))
    evening.clock = max(back + 5.0, begin + pause.seconds)
    evening.shown[pause.sheet.title, pause.sheet.title] = (begin, seen)
    evening.parts[pause.key] = (begin, evening.snap())
    evening.breaks.append(evening.parts[pause.key])


def _tally(evening: Evening, tally: Tally, fund: int) -> None:
    card = Card("Roof fund", (f"{fund:,} crowns", "Goal: 3,000 crowns"), "poster")
    start = _sheet(evening, card)
    evening.clock += 1.0
    for line in tally.lines:
        evening.tell(line, 1.5)
    evening.clock = max(evening.clock, start + 11.0)
    evening.boards.append((fund, (start, evening.snap())))
