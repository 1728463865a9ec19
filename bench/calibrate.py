"""Measure how often findings are right, and fit confidence to it.

    python -m bench.calibrate [--write] [--folder DIR] [--film LIBRARY TRUTH]...
    python -m bench.calibrate --chat [--endpoint NAME=URL]... [--sample N] [--write] [--folder DIR]

Makes the development worlds (`bench.worlds.dev`), asks all their questions in two processes, fits
on half one and prints what that is worth on half two, whose subjects and wordings were not seen,
and the other way round. What is packaged is fitted on both halves; what it is worth on films that
are named (kept libraries with the truth of `bench.answers`) is printed too. `--write`
updates the packaged file, ``longtake/agent/surety/weights/<profile>.json``. `--folder` keeps
worlds and rows: what is there is not made or asked again, and a new fit takes seconds.

With `--chat` the profile's own chat model judges a sample of passages, or those behind the
endpoints that are named do, and the file that `--write` makes says what that judgement is worth
(`bench.judging`): so a model of your own is taught how far it is to be heeded. NAME is the model's
name, as it is set for asking.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.asked import Row, asked, load_rows, save_rows
from bench.fitting import applied, figures, fit, shares, unchanged
from bench.machine import emit, machine, say
from bench.worlds.dev import RECIPES, Recipe, make_dev
from bench.worlds.truth import Question, Truth

if TYPE_CHECKING:
    from longtake.models.protocols import ChatModel

WORKERS = (("fit-long", "held-short"), ("held-long", "fit-short"))
"""Which worlds each of the two processes makes and asks: about as much work for both."""


def ask_world(recipe: Recipe, folder: Path, profile: str) -> list[Row]:
    """Make a world, ask its questions without calibration, and keep the rows."""
    rows_at = folder / f"{recipe.name}.jsonl"
    if rows_at.exists():
        return load_rows(rows_at)
    world = make_dev(recipe)
    path = folder / f"{recipe.name}.longtake"
    if not (path / "done").exists():
        remember(path, world, profile)
    more = [
        (one.question, {"hard": one.hard, "topic": one.topic, "world": recipe.name})
        for one in world.questions
    ]
    rows = ask_library(path, more, profile)
    save_rows(rows_at, rows)
    return rows


def remember(path: Path, world: Any, profile: str) -> None:
    """Write a world into a library; "done" says that it is whole."""
    from longtake.models.profiles import open_models
    from longtake.storage.store import Store

    started = time.monotonic()
    with Store.open(path, write=True, create=True) as store:
        world.remember(store, open_models(profile).text_encoder)
    (path / "done").touch()
    say(f"{path.stem}: remembered in {time.monotonic() - started:.0f} s")


def ask_library(path: Path, questions: Sequence[tuple[Question, Row]], profile: str) -> list[Row]:
    """Ask the questions of a library's only video; signals are told, nothing is declined."""
    from longtake.agent.agent import Agent
    from longtake.agent.surety.calibration import Calibration
    from longtake.config import load_settings
    from longtake.library import Library

    with Library(load_settings(library=path, profile=profile)) as library:
        agent = Agent(library.toolbox, None, None, calibration=Calibration.plain())
        started = time.monotonic()
        rows = list(asked(agent, library.videos()[0], questions))
        say(f"{path.stem}: {(time.monotonic() - started) / len(rows):.2f} s a question")
        return rows


def ask_everything(folder: Path, profile: str) -> dict[str, list[Row]]:
    """Ask all worlds, in two processes; return the rows of both halves."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.calibrate", "--folder", str(folder), "--profile", profile,
             "--ask", *names],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        for names in WORKERS
    ]  # fmt: skip
    codes = [process.wait() for process in started]
    if any(codes):
        raise SystemExit("a process that asked questions failed")
    halves: dict[str, list[Row]] = {"one": [], "two": []}
    for recipe in RECIPES:
        halves[recipe.half] += ask_world(recipe, folder, profile)
    return halves


def ask_film(library: Path, truth: Path, folder: Path, profile: str) -> list[Row]:
    """Ask a film's questions of a kept library, which is not written to but for its caches."""
    rows_at = folder / f"film-{library.stem}.jsonl"
    if not rows_at.exists():
        questions = Truth.load(truth).questions
        more = [
            (one, {"hard": one.kind, "topic": one.kind, "world": library.stem}) for one in questions
        ]
        save_rows(rows_at, ask_library(library, more, profile))
    return load_rows(rows_at)


def compared(rows: Sequence[Row], calibration: Any, *, weigh: bool) -> dict[str, Any]:
    """Figures before and after: the solvers' own numbers, and calibrated ones."""
    weights = shares(rows) if weigh else None
    return {
        "before": figures(unchanged(rows), weights),
        "after": figures(applied(rows, calibration), weights),
    }


def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ask, fit, check on the other half and on films; write the file when asked to."""
    from longtake.agent.surety.calibration import FOLDER, Calibration
    from longtake.models.profiles import open_models

    halves = ask_everything(folder, given.profile)
    names = {"text_encoder": open_models(given.profile).names()["text_encoder"]}
    every = halves["one"] + halves["two"]
    made: Calibration = fit(every, given.profile, names)
    report: dict[str, Any] = {"bench": "calibrate", "machine": machine(), "models": names}
    report["groups"] = {name: {"n": g.n, "temperature": round(g.temperature, 3)}
                        for name, g in made.groups.items()}  # fmt: skip
    for fitted, held in (("one", "two"), ("two", "one")):
        half = fit(halves[fitted], given.profile, names)
        report[f"held_out_{held}"] = compared(halves[held], half, weigh=True)
    for library, truth in given.film or ():
        rows = ask_film(Path(library), Path(truth), folder, given.profile)
        report.setdefault("films", {})[Path(library).stem] = compared(rows, made, weigh=False)
    if given.write:
        target = f"{given.profile}.json"
        kept = ("questions", "expected_error", "auroc", "accuracy_at_80%", "abstention")
        for held in ("held_out_one", "held_out_two"):
            made.figures[held] = {k: report[held]["after"][k] for k in kept}
        made.figures["fitted_on"] = len(every)
        made.save(FOLDER / target)
        say(f"wrote {FOLDER / target}")
    return report


def measure_chat(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Let models judge passages, fit each one's correction; write the files when asked to."""
    from bench.judging import corrected, sample, unsure, with_passages
    from longtake.models.profiles import open_models

    models = open_models(given.profile)
    every = unsure(ask_everything(folder, given.profile))
    rows = with_passages(sample(every, given.sample), folder, given.profile)
    chats = [endpoint(one) for one in given.endpoint or ()]
    if not chats and models.chat is not None:
        chats = [models.chat]
    report: dict[str, Any] = {"bench": "calibrate --chat", "machine": machine(),
                              "unsure": len(every), "sample": len(rows), "models": {}}  # fmt: skip
    for chat in chats:
        if chat is None:
            raise SystemExit(f"the profile {given.profile} has no chat model; name an --endpoint")
        made = corrected(chat, rows, models.names()["text_encoder"], folder)
        report["models"][chat.name] = asdict(made)
        if given.write:
            say(f"wrote {made.save()}")
    return report


def endpoint(named: str) -> ChatModel:
    """A model behind an OpenAI-compatible endpoint, given as NAME=URL."""
    from longtake.models.endpoint import EndpointChat

    name, _, url = named.partition("=")
    if not name or not url.startswith("http"):
        raise SystemExit(f"{named} is not NAME=URL, as in my-model=http://127.0.0.1:8080/v1")
    return EndpointChat(url, name)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="update the packaged file")
    parser.add_argument("--folder", type=Path, help="where worlds and rows are kept")
    parser.add_argument("--profile", default="offline")
    parser.add_argument(
        "--chat", action="store_true", help="fit what a chat model's judgement is worth"
    )
    parser.add_argument(
        "--endpoint", action="append", metavar="NAME=URL", help="the model, for --chat"
    )
    parser.add_argument("--sample", type=int, default=140, help="passages that a model judges")
    parser.add_argument("--film", nargs=2, action="append", metavar=("LIBRARY", "TRUTH"))
    parser.add_argument("--ask", nargs="+", metavar="WORLD", help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if given.ask:
            for recipe in RECIPES:
                if recipe.name in given.ask:
                    ask_world(recipe, folder, given.profile)
            return
        emit(measure_chat(given, folder) if given.chat else measure(given, folder))


if __name__ == "__main__":
    main()
