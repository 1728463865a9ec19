"""A silent film of pages about buildings, on some of which a small label can be read for a while.

Labels are there for 60 s, 8 s or half a second, and each question asks for one of them. The same
film can be drawn to an mp4, or put into a library without pixels (`FilmWorld.remember`) together
with a stand-in for the second look (`FilmWorld.look`), which sees a label only when one of the
frames that it would decode shows it. Same settings, same film.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from bench.worlds.dev import DevWorld
from bench.worlds.dev_script import Script
from bench.worlds.truth import Question
from longtake.timecode import Span

PLACES = (
    "harbour", "foundry", "orchard", "archive", "brewery", "quarry", "glasshouse", "theatre",
    "mint", "shipyard", "aviary", "sawmill", "vineyard", "tannery", "observatory",
)  # fmt: skip
PARTS = {"entrance": "at", "cellar": "in", "workshop": "in", "roof": "on", "office": "in",
         "yard": "in", "stairs": "on", "attic": "in"}  # fmt: skip
LABELS = ("seal", "permit", "locker", "valve", "crate", "key")
LASTING = (60.0, 8.0, 0.5)
LINES = (
    "Built of brick", "Roofed with slate", "Painted last summer", "Walls of granite",
    "Oak beams throughout", "Closed in winter", "Heated by steam", "Floor of tiles",
    "Lit from above", "Cleaned every day", "Under repair", "Open to visitors",
)  # fmt: skip
KEEPERS = "heron otter badger lynx marten stork beaver hare plover grebe weasel newt".split()  # noqa: SIM905
SIZE, FPS = (640, 360), 4


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its title and lines, when it is up, and perhaps a label with its own times."""

    title: str
    lines: tuple[str, ...]
    start: float
    end: float
    label: str = ""
    label_start: float = 0.0
    label_end: float = 0.0


@dataclass(frozen=True, slots=True)
class Detail:
    """A question for a label that was there for so many seconds."""

    lasted: float
    question: Question


@dataclass(frozen=True)
class FilmWorld:
    """Pages, and what is asked about them."""

    name: str
    pages: tuple[Page, ...]
    details: tuple[Detail, ...]

    @property
    def duration(self) -> float:
        """Seconds of film."""
        return self.pages[-1].end

    def remember(self, store: Any, encoder: Any) -> Any:
        """Put into a library what one frame a second would have read."""
        script = Script(self.name, "one", duration=self.duration)
        for page in self.pages:
            for n, line in enumerate((page.title, *page.lines)):
                box = (0.08, 0.1 + 0.14 * n, 0.08 + 0.02 * len(line), 0.2 + 0.14 * n)
                script.shown.append((page.start, page.end, line, box))
            low, high = math.ceil(page.label_start), math.ceil(page.label_end)
            if page.label and high > low:
                box = (0.6, 0.85, 0.6 + 0.012 * len(page.label), 0.9)
                script.shown.append((float(low), float(high), page.label, box))
        return DevWorld(script, ()).remember(store, encoder)

    def look(
        self, source: Path, video: Any, span: Span, models: Any, *, fps: float = 2.0, **more: Any
    ) -> dict[str, Any]:
        """Read the frames of a span as `longtake.perception.look.look` would read the film."""
        del source, video, models, more
        count = max(1, round(span.duration * fps))
        times = [span.start + n / fps for n in range(count)]
        lines = []
        for page in self.pages:
            texts = [(text, page.start, page.end, 0.1 + 0.14 * n)
                     for n, text in enumerate((page.title, *page.lines))]  # fmt: skip
            if page.label:
                texts.append((page.label, page.label_start, page.label_end, 0.85))
            for text, start, end, top in texts:
                seen = [t for t in times if start <= t < end]
                if seen:
                    box = [0.08, top, 0.5, top + 0.06]
                    lines.append({"text": text, "start": seen[0], "end": seen[-1] + 1 / fps,
                                  "score": 0.96, "box": box})  # fmt: skip
        return {"lines": lines, "tags": [], "frames": count, "changes": [], "unread": []}

    def draw(self, path: Path, *, size: tuple[int, int] = SIZE, fps: int = FPS) -> None:
        """Draw the film to an mp4."""
        from bench.worlds.film import Format, Shot, write_film

        shots: list[Shot] = []
        for page in self.pages:
            cuts = [page.start, page.end]
            if page.label:
                cuts += [page.label_start, page.label_end]
            edges = sorted(set(cuts))
            for low, high in pairwise(edges):
                label = page.label if page.label_start <= low < page.label_end else ""
                shots.append(Shot(low, high, _drawn(page, label, size)))
        form = Format(size=size, fps=fps, crf=26, key_seconds=10.0)
        write_film(path, shots, (), form)


def make_film(
    name: str, *, minutes: float, each: int = 8, seed: int = 1, length: float = 80.0,
    early: bool = False,
) -> FilmWorld:  # fmt: skip
    """Make up a film of so many minutes with `each` labels of every duration.

    With `early` a label comes up within the first seconds of its page, where a look that begins
    with the page meets it; else anywhere on it.
    """
    chance = Random(f"{name}:{seed}")
    rooms = [(place, part) for place in PLACES for part in PARTS]
    chance.shuffle(rooms)
    count = min(len(rooms), max(3 * each, round(60 * minutes / length)))
    step = 60 * minutes / count
    if step < max(LASTING) + 12:
        raise ValueError(f"{minutes:g} minutes are too short for {count} pages with labels")
    labelled = sorted(chance.sample(range(count), 3 * each))
    lasting = [seconds for seconds in LASTING for _ in range(each)]
    chance.shuffle(lasting)
    held = dict(zip(labelled, lasting, strict=True))
    numbers = chance.sample(range(1021, 9970), 3 * each)
    pages: list[Page] = []
    details: list[Detail] = []
    for n, (place, part) in enumerate(rooms[:count]):
        start, end = round(step * n), round(step * (n + 1))
        title = f"{place.capitalize()}: {part}"
        lines = (*chance.sample(LINES, 2), f"Guarded by a {chance.choice(KEEPERS)}")
        if n not in held:
            pages.append(Page(title, lines, start, end))
            continue
        kind, number, seconds = LABELS[len(details) % len(LABELS)], numbers[len(details)], held[n]
        begin: float = start + (5 if early else chance.randrange(4, int(end - start - seconds) - 4))
        begin += 0.25 if seconds < 1 else 0.0
        label = f"{kind.capitalize()} no. {number}"
        pages.append(Page(title, lines, start, end, label, begin, begin + seconds))
        text = _asking(kind, place, part, len(details))
        right = Question(f"detail{len(details) + 1:02d}", "screen", text,
                         ((begin, begin + seconds),), (rf"\b{number}\b",),
                         tuple(rf"\b{m}\b" for m in numbers if m != number))  # fmt: skip
        details.append(Detail(seconds, right))
    return FilmWorld(name, tuple(pages), tuple(details))


def nowhere(film: FilmWorld, most: int = 4) -> list[Question]:
    """Questions for labels of pages that have none."""
    bare = [page.title for page in film.pages if not page.label][:most]
    found = []
    for n, title in enumerate(bare, 1):
        place, part = title.lower().split(": ")
        text = _asking(LABELS[n % len(LABELS)], place, part, n)
        found.append(Question(f"nowhere{n}", "absent", text))
    return found


WAYS = (
    "What is the number of the {what}?", "Which number is written on the {what}?",
    "What number can be read on the {what}?",
)  # fmt: skip


def _asking(kind: str, place: str, part: str, n: int) -> str:
    """One of several ways to ask, in turn."""
    return WAYS[n % len(WAYS)].format(what=f"{kind} {PARTS[part]} the {part} of the {place}")


def _drawn(page: Page, label: str, size: tuple[int, int]) -> Callable[[float], Any]:
    def draw(_: float) -> Any:
        return picture(page.title, page.lines, label, size)

    return draw


def picture(title: str, lines: Sequence[str], label: str, size: tuple[int, int]) -> Any:
    """One frame: a page and its label, if that is up."""
    from PIL import Image, ImageDraw

    from bench.worlds.draw import font

    wide, high = size
    image = Image.new("RGB", size, (250, 249, 246))
    pen = ImageDraw.Draw(image)
    pen.text((wide * 0.08, high * 0.1), title, fill=(0, 98, 155), font=font(high * 0.09))
    for n, line in enumerate(lines):
        pen.text((wide * 0.08, high * (0.32 + 0.13 * n)), line, fill=(28, 33, 40),
                 font=font(high * 0.065))  # fmt: skip
    if label:
        pen.text((wide * 0.6, high * 0.86), label, fill=(28, 33, 40), font=font(high * 0.05))
    return image
