"""Make a world in a folder: a film, and the truth about it for a scorer's eyes only.

A `Recipe` names a world and knows its timetable and its questions; `lecture`, `seminar`,
`auction`, `regatta` and `kitchen` each have one. The same arguments and the same voice give the same world.
A film that is there is not made again; when only the questions have changed, they are asked anew
of the same timetable.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.worlds.film import Format, write_film
from bench.worlds.timetable import Timetable
from bench.worlds.truth import Question, Thread, Truth
from bench.worlds.voice import ENGINES, choose_engine

FORM = Format(size=(854, 480), fps=5, crf=26, preset="veryfast", key_seconds=8.0, room_noise=0.0008)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class World:
    """Where a world's video and truth are."""

    video: Path
    truth: Path


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one world is made; raise `film` or `questions` when they come out differently."""

    name: str
    plan: Callable[[float, int, str, Format], tuple[Timetable, tuple[Question, ...]]]
    film: int = 1
    questions: int = 1
    threads: Callable[[Timetable], tuple[Thread, ...]] = lambda table: ()


def make_world(
    recipe: Recipe,
    folder: Path,
    *,
    minutes: float = 120.0,
    seed: int = 1,
    engine: str | None = None,
    say: Say = lambda text: None,
) -> World:
    """Make the world in `folder`, or find it there if it was made with the same arguments."""
    voice = choose_engine(engine)
    filmed = {"minutes": minutes, "seed": seed, "voice": voice, "version": recipe.film}
    settings = filmed | {"questions": recipe.questions}
    world = World(folder / f"{recipe.name}.mp4", folder / "truth.json")
    known = _known(world)
    if known == settings:
        return world
    started = time.monotonic()
    table, questions = recipe.plan(minutes, seed, voice, FORM)
    say(f"spoken and laid out in {time.monotonic() - started:.0f} s")
    if {name: known.get(name) for name in filmed} != filmed:
        world.truth.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        write_film(world.video, table.shots, table.lines, FORM, on_progress=_every(say))
        say(f"filmed in {time.monotonic() - started:.0f} s")
    truth = Truth(table.shots[-1].end, questions, settings, recipe.threads(table))
    truth.save(world.truth)
    return world


def _known(world: World) -> dict[str, Any]:
    """Return the settings of the world that is there, none if it is not whole."""
    if world.video.exists() and world.truth.exists():
        return Truth.load(world.truth).settings
    return {}


def _every(say: Say, seconds: int = 600) -> Callable[[float, float], None]:
    def tell(done: float, total: float) -> None:
        if done and round(done) % seconds == 0:
            say(f"filming: {done / 60:.0f} of {total / 60:.0f} min")

    return tell


def main(recipe: Recipe, about: str) -> None:
    """Make a world and print where it is."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--voice", choices=ENGINES)
    given = parser.parse_args()
    world = make_world(
        recipe, given.folder, minutes=given.minutes, seed=given.seed, engine=given.voice,
        say=lambda text: print(text, file=sys.stderr),
    )  # fmt: skip
    truth = Truth.load(world.truth)
    print(json.dumps({"video": str(world.video), "duration": truth.duration,
                      "bytes": world.video.stat().st_size,
                      "questions": Counter(one.kind for one in truth.questions)}))  # fmt: skip
