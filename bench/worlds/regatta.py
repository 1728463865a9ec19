"""The regatta world: a third held-out film, an open day of a sailing club with one camera.

    python -m bench.worlds.regatta FOLDER [--minutes 60] [--seed 1] [--voice flite]

Writes ``regatta.mp4`` and, for the scorer only, ``truth.json``. Content comes from
`regatta_script`, questions from `regatta_questions`. Lengths come from the spoken sentences and
from the seconds that the script gives every look, stretched to the wished length; pauses and
small talk come from the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.worlds import regatta_questions
from bench.worlds.draw import THEMES, Slide, draw_slide
from bench.worlds.evening import Evening, Speech
from bench.worlds.film import Format, Line
from bench.worlds.make import Recipe, main
from bench.worlds.pictures import camera
from bench.worlds.programme import Card
from bench.worlds.regatta_script import BLOW, CHAT, HORN, PARTS, PEOPLE, SUBTITLE, TITLE, Look, Part
from bench.worlds.sheets import Sheet, draw_sheet
from bench.worlds.timetable import Sounds, Timetable
from bench.worlds.truth import Question
from bench.worlds.voice import bend, speak_all

PAUSES = (1.2, 5.4)


def lay_out(minutes: float, seed: int, engine: str, form: Format) -> Evening:
    """Speak the script and lay it out over `minutes`."""
    chance = Random(seed)
    day = Evening(form, _sounds(engine, form), people=PEOPLE)
    written = sum(look.seconds for part in PARTS for look in part.looks)
    for part in PARTS:
        begin = day.snap()
        talk = _small_talk(part, chance)
        for look in part.looks:
            _look(day, look, talk, look.seconds * minutes * 60 / written, chance)
        day.parts[part.key] = (begin, day.snap())
        if part.rest:
            day.breaks.append(day.parts[part.key])
    day.close()
    return day


def speeches() -> Iterator[Speech]:
    """Yield every sentence that may be said, with who says it."""
    yield from CHAT
    for part in PARTS:
        yield from part.chat
        yield from (line for look in part.looks for line in look.lines)


def horn(rate: int) -> NDArray[np.float32]:
    """Return one blow of a ship's horn."""
    time = np.arange(round(1.7 * rate)) / rate
    tones = sum(np.sin(2 * np.pi * pitch * time) / n
                for n, pitch in enumerate((196.0, 247.0, 392.0, 494.0), 1))  # fmt: skip
    swell = np.minimum(1.0, np.minimum(time / 0.08, (1.7 - time) / 0.25))
    return (0.22 * tones * swell).astype(np.float32)


def _sounds(engine: str, form: Format) -> Sounds:
    speakers = {text: PEOPLE[who] for who, text in speeches()}
    plain = speak_all(list(speakers), engine=engine, rate=form.sound_rate)
    return {text: bend(plain[text], person.pitch) for text, person in speakers.items()}


def _small_talk(part: Part, chance: Random) -> Iterator[Speech]:
    """Yield small talk without end: the part's own and the common, mixed anew each round."""
    while True:
        mixed = [*part.chat, *chance.sample(CHAT, 12)]
        chance.shuffle(mixed)
        yield from mixed


def _look(day: Evening, look: Look, talk: Iterator[Speech], seconds: float, chance: Random) -> None:
    """Show a sheet or a view, and say its lines with small talk between them."""
    start = _show(day, look)
    day.clock += chance.uniform(0.8, 1.6)
    step = (seconds - 4) / (len(look.lines) + 1)
    for number, line in enumerate(look.lines):
        if look.quiet:
            day.clock = max(day.clock, start + number * step)
        elif number:
            _fill(day, talk, start + (number + chance.uniform(0.2, 0.9)) * step, chance)
        if line == HORN:
            day.lines.append(Line(day.clock, horn(day.form.sound_rate)))
            day.clock += BLOW
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


def _show(day: Evening, look: Look) -> float:
    """Change to the look's picture; return when."""
    size = day.form.size
    if isinstance(look.what, str):
        return day.show(partial(camera, look.what, size), moving=True)
    if isinstance(look.what, Card):
        card = look.what
        sheet = Sheet(card.title, card.lines, card.layout, TITLE)
        picture = draw_sheet(sheet, size, THEMES[len(day.bases) % len(THEMES)])
    else:
        picture = draw_slide(Slide(TITLE, subtitle=SUBTITLE), size, THEMES[0])
    return day.show(lambda _time: picture)


def _plan(
    minutes: float, seed: int, voice: str, form: Format
) -> tuple[Timetable, tuple[Question, ...]]:
    day = lay_out(minutes, seed, voice, form)
    return day, regatta_questions.ask_about(day)


REGATTA = Recipe("regatta", _plan)

if __name__ == "__main__":
    main(REGATTA, __doc__.splitlines()[0])
