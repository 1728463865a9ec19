"""Talks about a scripted film: does a question with pronouns find what the one before was about?

    python -m bench.threads [--world auction] [--minutes 60] [--library DIR] [--rows rows.jsonl]

Asks the turns of each of the truth's threads in order, under one thread's name, and marks every
turn. As a control it asks the later turns alone: what is right there needs no talk. Both work on
copies of the library, so neither sees what the other has asked. `--library` is one that
`bench.answers` keeps; without it, the film is ingested first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.answers import asker, chosen_world, watch, world_arguments
from bench.machine import emit, machine
from bench.scoring import Prediction, mark, row, summary
from bench.worlds.make import World
from bench.worlds.truth import Question, Thread, Truth

if TYPE_CHECKING:
    from longtake.library import Library
    from longtake.storage.records import Video

Turn = tuple[Question, Prediction]


def ask_thread(library: Library, video: Video, thread: Thread) -> list[Turn]:
    """Ask a thread's questions in order, each under the name that the first answer got."""
    name: str | None = None
    turns: list[Turn] = []
    for question in thread.turns:
        answer = library.ask(question.text, video=video, thread=name)
        name = answer.thread
        turns.append((question, Prediction.of(answer)))
    return turns


def figures(talks: Sequence[Sequence[Turn]], alone: Sequence[Turn]) -> dict[str, Any]:
    """Return how first and later turns did, how later ones did alone, and whole threads right."""
    parts = {
        "first": [talk[0] for talk in talks],
        "later": [turn for talk in talks for turn in talk[1:]],
        "later_alone": list(alone),
    }
    whole = [all(mark(question, given).right for question, given in talk) for talk in talks]
    told = {
        name: summary([mark(question, given) for question, given in turns])
        for name, turns in parts.items()
    }
    return {
        "threads": len(talks),
        "threads_all_right": sum(whole),
        **{name: one["answerable"] | {"kinds": one["kinds"]} for name, one in told.items()},
    }


def measure(world: World, path: Path, folder: Path, rows: Path | None) -> dict[str, Any]:
    """Ask all threads and their control on copies of the library at `path`; return the figures."""
    import longtake

    with longtake.open(path, profile="offline") as library:
        video, _ = watch(library, world)
    threads = Truth.load(world.truth).threads
    if not threads:
        raise SystemExit(f"the world {world.video.stem} has no threads")
    with longtake.open(_copy(path, folder / "talks.longtake"), profile="offline") as library:
        talks = [ask_thread(library, video, thread) for thread in threads]
    later = [question for thread in threads for question in thread.turns[1:]]
    with longtake.open(_copy(path, folder / "alone.longtake"), profile="offline") as library:
        ask = asker(library, video)
        alone = [(question, ask(question.text)) for question in later]
    if rows is not None:
        _write(rows, talks, alone)
    truth = Truth.load(world.truth)
    return {
        "bench": "threads",
        "machine": machine(),
        "world": {"name": world.video.stem} | truth.settings | {"duration": truth.duration},
        **figures(talks, alone),
    }


def _copy(path: Path, target: Path) -> Path:
    if path.is_dir():
        shutil.copytree(path, target)
    else:
        shutil.copy2(path, target)
    return target


def _write(rows: Path, talks: Sequence[Sequence[Turn]], alone: Sequence[Turn]) -> None:
    """Write every turn with its answer and marks, one JSON line each."""
    lines = [dict(row(*turn, "thread")) for talk in talks for turn in talk]
    lines += [dict(row(*turn, "alone")) for turn in alone]
    rows.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    world_arguments(parser, "auction", 60.0)
    parser.add_argument("--rows", type=Path, help="write every turn here, as JSON lines")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        world = chosen_world(given, folder)
        path = given.library or Path(temporary) / "threads.longtake"
        emit(measure(world, path, Path(temporary), given.rows))


if __name__ == "__main__":
    main()
