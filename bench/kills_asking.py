"""Kill who asks: questions that look again at the film, in a process that gets SIGKILL.

    python -m bench.kills --only reasoning

What reasoning writes are observations (what second looks saw) and turns of a conversation; all else
it reads only. After a kill at a random instant everything that an answered question wrote must be
on disk, and after the same questions are asked again the library must hold what that of an
undisturbed asker does: records, vectors and observations, nothing twice.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from bench.machine import say
from bench.resume import difference, problems, snapshot

QUESTIONS = (
    "what does the screen show at 00:00:15?",
    "what is written on the red slide?",
    "which colour is the car at 00:00:35?",
    "what does the slide say about epsilon?",
    "what does the screen show at 00:00:45?",
    "what was said in the lecture?",
)
CHILD = (sys.executable, "-W", "ignore", "-m", "bench.kills_asking")


def ask_all(library: Path, thread: str, models: Any) -> None:
    """Ask every question in this process; a line of JSON for each answer."""
    from longtake.config import load_settings
    from longtake.library import Library

    with Library(load_settings(library=library, profile="offline"), models=models) as opened:
        for question in QUESTIONS:
            answer = opened.ask(question, thread=thread)
            print(json.dumps([answer.text, sorted(observed(library))]), flush=True)


def observed(library: Path) -> dict[str, str]:
    """What second looks saw, by id."""
    rows = _rows(library / "observations.sqlite", "select id, seen, asked from observations")
    return {f"observation {name}": json.dumps(rest) for name, *rest in rows}


def turns(library: Path, thread: str) -> list[str]:
    """The questions of a conversation that were kept, in order."""
    told = "select question from turns where thread = ? order by turn"
    return [question for (question,) in _rows(library / "turns.sqlite", told, thread)]


def lost(library: Path, told: Sequence[Any]) -> list[str]:
    """What answers that were told had written and is not there: observations, turns."""
    kept = set(observed(library))
    gone = {name for _, names in told for name in names} - kept
    return sorted(gone) + list(QUESTIONS[len(turns(library, "t")) : len(told)])


def damaged(library: Path) -> list[str]:
    """The files of a library that SQLite calls damaged."""
    return [path.name for path in sorted(library.glob("*.sqlite")) if not _sound(path)]


def _sound(path: Path) -> bool:
    try:
        return _rows(path, "pragma integrity_check") == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def _rows(path: Path, sql: str, *given: str) -> list[tuple[Any, ...]]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql, given).fetchall()


def killed(command: Sequence[str], lines: int, seconds: float) -> tuple[bool, list[str]]:
    """Kill a process so many seconds after so many lines; whether it was, and all lines it told."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(lines)]
    try:
        told += process.communicate(timeout=seconds)[0].splitlines()
        hit = False
    except subprocess.TimeoutExpired:
        process.kill()
        told += process.communicate()[0].splitlines()
        hit = True
    return hit, told


def _answers(told: Sequence[str]) -> list[Any]:
    """What `ask_all` printed; a kill may have cut the last line off."""
    return [json.loads(line) for line in told if line.strip().endswith("]")]


def reasoning(calm: Path, folder: Path, instants: int, seed: int) -> list[dict[str, Any]]:
    """Kill an asker once in each round, over copies of a library; a row for each round."""
    chance, whole = Random(seed), folder / "asked.longtake"
    shutil.copytree(calm, whole)
    before = snapshot(whole)
    began = time.monotonic()
    told = _answers(killed([*CHILD, str(whole), "t"], len(QUESTIONS), 60.0)[1])
    step = (time.monotonic() - began) / len(QUESTIONS)
    expected = snapshot(whole) | observed(whole)
    assert len(told) == len(QUESTIONS)
    assert len(expected) > len(before), "no second look was made"
    rows = []
    for number in range(instants):
        library = folder / f"asked-{number}.longtake"
        shutil.copytree(calm, library)
        lines = chance.randint(0, len(QUESTIONS) - 1)
        hit, had = killed([*CHILD, str(library), "t"], lines, chance.uniform(0.0, step))
        rows.append(_row(library, expected, _answers(had), hit))
        say(f"reasoning {number + 1}/{instants}: {rows[-1]}")
        shutil.rmtree(library)
    return rows


def _row(library: Path, expected: dict[str, str], had: list[Any], hit: bool) -> dict[str, Any]:
    """What a kill left, and what the same questions make of it."""
    left = {"lost": lost(library, had), "damaged": damaged(library)}
    killed([*CHILD, str(library), "u"], len(QUESTIONS), 60.0)
    wrong = difference(expected, snapshot(library) | observed(library))
    return {
        "kills": int(hit), "answered": len(had), "problems": problems(library), **left,
        **{name: len(ids) for name, ids in wrong.items()},
    }  # fmt: skip


def main() -> None:
    """Be the process that asks."""
    from bench.kills import drawn_models

    ask_all(Path(sys.argv[1]), sys.argv[2], drawn_models())


if __name__ == "__main__":
    main()
