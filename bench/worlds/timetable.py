"""The lecture world's timetable: which sentence is said and which picture is seen when.

A lecture is a welcome, topics (three slides each, facts among small talk), camera scenes and
breaks, and a goodbye. Lengths come from the spoken sentences themselves, pauses from the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.worlds.draw import THEMES, Slide, Theme, draw_slide
from bench.worlds.film import Format, Line, Shot
from bench.worlds.lecture_script import FILLERS, REFRAINS, TOPICS, Topic
from bench.worlds.pictures import available, camera
from bench.worlds.voice import speak_all

TOPIC_SECONDS = 320.0
BREAKS = (150.0, 95.0)
SCENE_SECONDS = (18.0, 42.0, 25.0, 33.0, 21.0, 28.0, 37.0, 23.0, 30.0)
WELCOME = (
    "Good morning everybody, and welcome to the long lecture.",
    "We have many subjects today, so let us begin.",
)
GOODBYE = ("That is all for today.", "Thank you for your attention, and goodbye.")
OPENING, FILM_OPENING = "Our next subject is {topic}.", "Please look at this short film."
BREAK_OPENING = "Let us take a break now."

Sounds = dict[str, NDArray[np.float32]]
Times = tuple[float, float]


@dataclass
class Timetable:
    """What happens when; the spans are what `questions` asks about."""

    form: Format
    sounds: Sounds
    clock: float = 0.0
    shots: list[Shot] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    topics: list[tuple[Topic, Times]] = field(default_factory=list)
    said: dict[str, list[Times]] = field(default_factory=dict)
    shown: dict[tuple[str, str], Times] = field(default_factory=dict)  # (slide title, line)
    scenes: list[tuple[str, Times]] = field(default_factory=list)
    breaks: list[Times] = field(default_factory=list)

    def say(self, text: str, pause: float) -> None:
        """Say one sentence now, then be silent for `pause` seconds."""
        line = Line(self.clock, self.sounds[text], text)
        end = line.end(self.form.sound_rate)
        self.lines.append(line)
        self.said.setdefault(text, []).append((self.clock, end))
        self.clock = end + pause

    def snap(self) -> float:
        """Move the clock to the next frame and return it."""
        self.clock = math.ceil(self.clock * self.form.fps - 1e-6) / self.form.fps
        return self.clock


def lay_out(
    minutes: float, seed: int, engine: str, form: Format, *, camera_share: float | None = None
) -> Timetable:
    """Speak everything and lay it out over `minutes`.

    With `camera_share`, camera scenes fill that share of the time and are talked over.
    """
    chance = Random(seed)
    total = minutes * 60
    count = max(2, min(len(TOPICS), round(total / (TOPIC_SECONDS + 35))))
    topics = chance.sample(TOPICS, count)
    breaks = BREAKS if count >= 6 else (BREAKS[1] / 4,)
    scenes = _scenes(count, chance)
    if camera_share is not None:
        scenes = [(name, total * camera_share / len(scenes)) for name, _ in scenes]
    scene_time = sum(seconds + 4 for _, seconds in scenes)
    budget = (total - sum(breaks) - scene_time - 30) / count
    pauses = {round((index + 1) * count / (len(breaks) + 1)): length
              for index, length in enumerate(breaks)}  # fmt: skip
    after: dict[int, list[tuple[str, float]]] = {}
    for index, scene in enumerate(scenes):
        place = round(index * (count - 1) / max(1, len(scenes) - 1))
        after.setdefault(place, []).append(scene)
    table = Timetable(form, speak_all(_texts(topics), engine=engine, rate=form.sound_rate))
    _talk(table, WELCOME, Slide("The long lecture", subtitle="Twenty subjects in one day"))
    for number, topic in enumerate(topics):
        _topic(table, topic, max(45.0, budget), chance, THEMES[number % len(THEMES)])
        for name, seconds in scenes[number::count]:
            _scene(table, name, seconds, topic if camera_share is not None else None)
        if number + 1 in pauses and number + 1 < count:
            _break(table, pauses[number + 1])
    _talk(table, GOODBYE, Slide("The end", subtitle="Slides will be online"))
    return table


def _scenes(count: int, chance: Random) -> list[tuple[str, float]]:
    """Choose camera scenes; the balloon comes back at the end of a lecture of many topics."""
    names = list(available())
    chance.shuffle(names)
    names = names[: max(2, count)]
    if count >= 6:
        names = ["balloon", *(name for name in names if name != "balloon"), "balloon"]
    return list(zip(names, SCENE_SECONDS, strict=False))


def _texts(topics: list[Topic]) -> list[str]:
    texts = [*WELCOME, *GOODBYE, FILM_OPENING, BREAK_OPENING, *REFRAINS.values()]
    for topic in topics:
        texts += [OPENING.format(topic=topic.name), *topic.said]
        texts += [filler.format(topic=topic.name) for filler in FILLERS]
    return texts


def _talk(table: Timetable, texts: tuple[str, ...], slide: Slide) -> None:
    begin = table.snap()
    table.clock += 1.5
    for text in texts:
        table.say(text, 1.5)
    _still(table, begin, table.snap(), slide, THEMES[0])


def _topic(table: Timetable, topic: Topic, budget: float, chance: Random, theme: Theme) -> None:
    """Say the topic's sentences, with small talk between them, over its slides."""
    begin = table.snap()
    table.clock += 1.0
    table.say(OPENING.format(topic=topic.name), 1.0)
    fillers = [filler.format(topic=topic.name) for filler in FILLERS]
    chance.shuffle(fillers)
    refrain = chance.choice([*REFRAINS.values(), None, None])
    facts = list(topic.said) + ([refrain] if refrain else [])
    step = budget / (len(facts) + 0.5)
    used = 0
    for number, fact in enumerate(facts):
        while table.clock < begin + number * step and used < 3 * len(fillers):
            table.say(fillers[used % len(fillers)], chance.uniform(0.7, 4.5))
            used += 1
        table.say(fact, chance.uniform(0.9, 2.5))
    while table.clock < begin + budget - 5:
        table.say(fillers[used % len(fillers)], chance.uniform(0.7, 4.5))
        used += 1
    end = table.snap()
    table.topics.append((topic, (begin, end)))
    _cards(table, topic, begin, end, chance, theme)


def _cards(
    table: Timetable, topic: Topic, begin: float, end: float, chance: Random, theme: Theme
) -> None:
    """Show the topic's slides one after another, their bullets appearing in turn."""
    fps = table.form.fps
    third = (end - begin) / len(topic.cards)
    cuts = [begin + third * i + chance.uniform(-0.15, 0.15) * third * (i > 0)
            for i in range(len(topic.cards))]  # fmt: skip
    cuts = [round(cut * fps) / fps for cut in cuts] + [end]
    for card, a, b in zip(topic.cards, cuts, cuts[1:], strict=False):
        step = min(12.0, (b - a) / 5)
        appear = [round((a + step * n) * fps) / fps for n in range(len(card.bullets))]
        table.shown[card.title, card.title] = (a, b)
        for bullet, time in zip(card.bullets, appear, strict=True):
            table.shown[card.title, bullet] = (time, b)
        for shown, (low, high) in enumerate(zip(appear, [*appear[1:], b], strict=True), 1):
            slide = Slide(card.title, card.bullets[:shown], foot="The long lecture")
            _still(table, low, high, slide, theme)


def _still(table: Timetable, begin: float, end: float, slide: Slide, theme: Theme) -> None:
    def draw(_time: float) -> Image.Image:
        return draw_slide(slide, table.form.size, theme)

    table.shots.append(Shot(begin, end, draw))


def _scene(table: Timetable, name: str, seconds: float, topic: Topic | None) -> None:
    """Say that a film comes, then show it; silent, or talked over about `topic`."""
    begin = table.snap()
    table.say(FILM_OPENING, 0.8)
    start = table.snap()
    _still(table, begin, start, Slide("", subtitle=" "), THEMES[0])
    for filler in FILLERS if topic is not None else ():
        if topic is None or table.clock > start + seconds - 6:
            break
        table.say(filler.format(topic=topic.name), 1.5)
    table.clock = start + seconds
    end = table.snap()
    draw: Callable[[float], Image.Image] = partial(camera, name, table.form.size)
    table.shots.append(Shot(start, end, draw, moving=True))
    table.scenes.append((name, (start, end)))


def _break(table: Timetable, seconds: float) -> None:
    begin = table.snap()
    table.clock += 0.5
    table.say(BREAK_OPENING, 0.0)
    table.clock = begin + seconds
    end = table.snap()
    _still(table, begin, end, Slide("Break", subtitle="Coffee is in the hall"), THEMES[1])
    table.breaks.append((begin, end))
