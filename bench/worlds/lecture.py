"""The lecture world: hours of slides, speech, camera scenes and breaks, with questions to ask.

    python -m bench.worlds.lecture FOLDER [--minutes 120] [--seed 1] [--voice flite]

Writes ``lecture.mp4`` and, for the scorer only, ``truth.json``. The same arguments and the same
voice give the same world. Content comes from `lecture_script`, time from `timetable`,
questions from `questions`; this module joins them and has them filmed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.worlds import questions
from bench.worlds.film import Format, write_film
from bench.worlds.timetable import lay_out
from bench.worlds.truth import Truth
from bench.worlds.voice import choose_engine

FORM = Format(size=(854, 480), fps=5, crf=26, preset="veryfast", key_seconds=8.0, room_noise=0.0008)


@dataclass(frozen=True, slots=True)
class World:
    """Where a world's video and truth are."""

    video: Path
    truth: Path


def make_world(
    folder: Path,
    *,
    minutes: float = 120.0,
    seed: int = 1,
    engine: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> World:
    """Make the world in `folder`, or find it there if it was made with the same arguments."""
    voice = choose_engine(engine)
    settings = {"minutes": minutes, "seed": seed, "voice": voice, "version": 2}
    world = World(folder / "lecture.mp4", folder / "truth.json")
    if world.video.exists() and world.truth.exists():
        if Truth.load(world.truth).settings == settings:
            return world
        world.truth.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    table = lay_out(minutes, seed, voice, FORM)
    say(f"spoken and laid out in {time.monotonic() - started:.0f} s")
    started = time.monotonic()
    duration = write_film(world.video, table.shots, table.lines, FORM, on_progress=_every(say))
    say(f"filmed {duration / 60:.1f} min in {time.monotonic() - started:.0f} s")
    Truth(duration, questions.ask_about(table, seed), settings).save(world.truth)
    return world


def _every(say: Callable[[str], None], seconds: int = 600) -> Callable[[float, float], None]:
    def tell(done: float, total: float) -> None:
        if done and round(done) % seconds == 0:
            say(f"filming: {done / 60:.0f} of {total / 60:.0f} min")

    return tell


def main() -> None:
    """Make a world and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--voice", choices=("festival", "flite", "espeak"))
    given = parser.parse_args()
    world = make_world(
        given.folder, minutes=given.minutes, seed=given.seed, engine=given.voice,
        say=lambda text: print(text, file=sys.stderr),
    )  # fmt: skip
    truth = Truth.load(world.truth)
    kinds: dict[str, Any] = {}
    for question in truth.questions:
        kinds[question.kind] = kinds.get(question.kind, 0) + 1
    size = world.video.stat().st_size
    print(json.dumps({"video": str(world.video), "duration": truth.duration, "bytes": size,
                      "questions": kinds}))  # fmt: skip


if __name__ == "__main__":
    main()
