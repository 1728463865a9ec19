"""Write the script of a development world: what is said, shown and seen, when, and the truth.

A world is a talk through several subjects. Of each thing a few attributes are told, aloud or on
screen, and others never: those are the near misses. See `bench.worlds.dev`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from bench.worlds.dev_noise import cut, heard, seen
from bench.worlds.dev_topics import (
    REFRAIN_SAID,
    REFRAINS,
    SIGHTS,
    SUBJECTS,
    TALK,
    Half,
    Subject,
    Thing,
)
from bench.worlds.dev_wording import MENTIONED, Attribute, Value, attributes_of

Times = tuple[float, float]
PACE = 0.36
"""Seconds for a spoken word."""
TABLES: dict[Half, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "one": (
        "Shift",
        ("Morning", "Noon", "Evening"),
        ("Visitors", "Complaints", "Repairs", "Letters"),
    ),
    "two": ("Room", ("Cellar", "Gallery", "Office"), ("Lamps", "Chairs", "Windows", "Keys")),
}
OPENING: dict[Half, str] = {"one": "Now we come to {x}.", "two": "The next part is about {x}."}
PAUSE: dict[Half, tuple[str, str]] = {
    "one": ("Break", "Please be back in time"), "two": ("Pause", "There is tea outside"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """An attribute that was told, where, and when it was heard or shown."""

    subject: Subject
    thing: Thing
    attribute: Attribute
    value: Value
    shown: bool
    spans: tuple[Times, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in a table: of which subject, row and column; with the other numbers of both."""

    subject: Subject
    row: str
    column: str
    number: int
    others: tuple[int, ...]
    span: Times


@dataclass
class Script:
    """A world without pixels, and what is true of it."""

    name: str
    half: Half
    duration: float = 0.0
    said: list[tuple[float, float, str]] = field(default_factory=list)
    shown: list[tuple[float, float, str, tuple[float, float, float, float]]] = field(
        default_factory=list
    )
    sights: list[tuple[float, float, str, float]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    sections: list[tuple[Subject, Times]] = field(default_factory=list)
    pages: list[tuple[str, Times]] = field(default_factory=list)
    breaks: list[Times] = field(default_factory=list)
    refrains: dict[str, list[Times]] = field(default_factory=dict)
    unused: tuple[Subject, ...] = ()

    def told(self, thing: Thing) -> set[str]:
        """Names of the attributes of a thing that the world tells."""
        return {fact.attribute.name for fact in self.facts if fact.thing == thing}


def write_script(name: str, half: Half, subjects: int, minutes: float, seed: int) -> Script:
    """Write a world of so many subjects and about so many minutes."""
    chance = Random(f"{name}:{seed}")
    order = list(SUBJECTS[half])
    chance.shuffle(order)
    script = Script(name, half, unused=tuple(order[subjects:]))
    refrains = _refrain_places(half, subjects, chance)
    sights = list(SIGHTS[half])
    chance.shuffle(sights)
    pauses = set(chance.sample(range(2, subjects), max(1, subjects // 4)))
    each = 60 * minutes / subjects
    for number, subject in enumerate(order[:subjects]):
        if number in pauses:
            _pause(script, chance)
        if number < len(sights) - 4 and chance.random() < 0.6:
            _sight(script, sights[number][0], chance)
        _section(script, subject, each * chance.uniform(0.8, 1.2), refrains[number], chance)
    return script


def _refrain_places(half: Half, subjects: int, chance: Random) -> list[list[str]]:
    """Which refrains come in which section; the last one never comes."""
    places: list[list[str]] = [[] for _ in range(subjects)]
    for number, refrain in enumerate(REFRAINS[half][:-1]):
        for place in chance.sample(range(subjects), min(subjects, number + 1)):
            places[place].append(refrain)
    return places


def _pause(script: Script, chance: Random) -> None:
    start, end = script.duration, script.duration + chance.randrange(50, 140)
    title, line = PAUSE[script.half]
    for n, text in enumerate((title, line)):
        script.shown.append((start, end, text, (0.1, 0.1 + 0.15 * n, 0.5, 0.18 + 0.15 * n)))
    script.breaks.append((start, end))
    script.duration = end


def _sight(script: Script, label: str, chance: Random) -> None:
    start, end = script.duration, script.duration + chance.randrange(14, 40)
    script.sights.append((start, end, label, chance.choice((0.15, 0.3, 0.45, 0.6, 0.75, 0.9))))
    script.duration = end


def _section(
    script: Script, subject: Subject, seconds: float, refrains: Sequence[str], chance: Random
) -> None:
    """One subject: its facts are told aloud or on one of its two pages."""
    begin = script.duration
    aloud: list[tuple[str, tuple[Thing, Attribute, Value] | str | None]] = []
    lines: list[tuple[Thing, Attribute, Value]] = []
    for thing in subject.things:
        some = chance.sample(attributes_of(thing.sort), 3)
        for attribute in some[: chance.choice((1, 2, 2, 3))]:
            value = attribute.value(chance, script.half)
            if chance.random() < 0.3 and len(lines) < 4:
                lines.append((thing, attribute, value))
            else:
                said = chance.choice(attribute.wording(script.half).said)
                aloud.append((_filled(said, thing, value), (thing, attribute, value)))
        said = chance.choice(MENTIONED[script.half][thing.sort])
        aloud.append((_filled(said, thing, None), None))
    aloud += [(chance.choice(REFRAIN_SAID[script.half]).format(r=r), r) for r in refrains]
    aloud += [(text, None) for text in subject.chat]
    free = int(seconds / 5.5) - len(aloud)
    aloud += [(chance.choice(TALK[script.half]), None) for _ in range(max(4, free))]
    chance.shuffle(aloud)
    aloud.insert(0, (OPENING[script.half].format(x=subject.about), None))
    for text, what in aloud:
        spans = _speak(script, text, chance)
        if isinstance(what, str):
            script.refrains.setdefault(what, []).append((spans[0][0], spans[-1][1]))
        elif what is not None:
            script.facts.append(Fact(subject, *what, False, tuple(spans)))
    script.duration += 2.0
    script.sections.append((subject, (begin, script.duration)))
    middle = begin + (script.duration - begin) * chance.uniform(0.4, 0.6)
    _slide(script, subject, lines, (begin, middle), chance)
    _table(script, subject, (middle, script.duration), chance)


def _filled(text: str, thing: Thing, value: Value | None) -> str:
    the = thing.the
    name = thing.name
    return text.format(
        t=the, T=the[0].upper() + the[1:], k=name, K=name[0].upper() + name[1:], a=thing.other,
        v=value.said if value else "",
    )  # fmt: skip


def _speak(script: Script, text: str, chance: Random) -> list[Times]:
    spans = []
    for piece in cut(text, chance):
        start = round(script.duration + chance.uniform(0.2, 0.8), 3)
        end = round(start + PACE * len(piece.split()) + 0.4, 3)
        script.said.append((start, end, heard(piece, chance)))
        script.duration = end
        spans.append((start, end))
    script.duration += chance.uniform(0.4, 3.4)
    return spans


def _slide(
    script: Script,
    subject: Subject,
    lines: Sequence[tuple[Thing, Attribute, Value]],
    span: Times,
    chance: Random,
) -> None:
    """A title, and lines that come one after the other."""
    script.pages.append((subject.title, span))
    _line(script, subject.title, span, (0.08, 0.08, 0.5, 0.16), chance)
    texts: list[tuple[str, tuple[Thing, Attribute, Value] | None]] = [
        (_written(one, script.half), one) for one in lines
    ]
    texts.append(("Questions are welcome" if script.half == "one" else "Please ask", None))
    chance.shuffle(texts)
    for n, (text, what) in enumerate(texts):
        start = min(span[0] + 12.0 * n, span[1] - 10.0)
        top = 0.25 + 0.11 * n
        _line(
            script, text, (start, span[1]), (0.08, top, 0.1 + 0.012 * len(text), top + 0.06), chance
        )
        if what is not None:
            script.facts.append(Fact(subject, *what, True, ((start, span[1]),)))


def _written(one: tuple[Thing, Attribute, Value], half: Half) -> str:
    thing, attribute, value = one
    shown = Value(value.written, value.written, value.right)
    return _filled(attribute.wording(half).line, thing, shown)


def _table(script: Script, subject: Subject, span: Times, chance: Random) -> None:
    corner, rows, columns = TABLES[script.half]
    chosen = sorted(chance.sample(columns, 2))
    numbers = chance.sample(range(13, 990), 2 * len(rows))
    title = f"Table {len(script.sections)}, {chosen[0].lower()} and {chosen[1].lower()}"
    script.pages.append((title, span))
    _line(script, title, span, (0.08, 0.08, 0.6, 0.16), chance)
    _line(script, f"Counted by {subject.title.lower()}", span, (0.08, 0.85, 0.4, 0.9), chance)
    for m, head in enumerate((corner, *chosen)):
        _line(script, head, span, (0.1 + 0.25 * m, 0.25, 0.2 + 0.25 * m, 0.31), chance)
    for n, row in enumerate(rows):
        top = 0.38 + 0.12 * n
        _line(script, row, span, (0.1, top, 0.2, top + 0.06), chance)
        for m, column in enumerate(chosen):
            number = numbers[2 * n + m]
            box = (0.35 + 0.25 * m, top, 0.4 + 0.25 * m, top + 0.06)
            _line(script, str(number), span, box, None)
            others = tuple(x for x in numbers if x != number)
            script.cells.append(Cell(subject, row, column, number, others, span))


def _line(
    script: Script,
    text: str,
    span: Times,
    box: tuple[float, float, float, float],
    chance: Random | None,
) -> None:
    read = text if chance is None else seen(text, chance)
    script.shown.append((*span, read, box))
