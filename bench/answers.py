"""Questions about a scripted film: the program against two baselines, on one ingest.

    python -m bench.answers [--world seminar] [--minutes 120] [--rows rows.jsonl] [--folder DIR]

Makes the world (`bench.worlds.lecture`, on which answers were tuned, or one that is held out:
`bench.worlds.seminar`, `auction`, `regatta` or `kitchen`), ingests it with the offline profile,
asks every question through `Library.ask` and through the baselines of `bench.baselines`, and only
then opens the truth to mark the answers (`bench.scoring`). `--rows` writes every question with
its answers and marks, one JSON line for each system.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.baselines import CLIPS, PlainRag, thin_library
from bench.first import ask_first
from bench.machine import emit, machine, say
from bench.scoring import Prediction, mark, row, summary
from bench.worlds.auction import AUCTION
from bench.worlds.kitchen import KITCHEN
from bench.worlds.lecture import LECTURE
from bench.worlds.make import World, make_world
from bench.worlds.regatta import REGATTA
from bench.worlds.seminar import SEMINAR
from bench.worlds.truth import Question, Truth

if TYPE_CHECKING:
    from longtake.library import Library
    from longtake.storage.records import Video

Ask = Callable[[str], Prediction]
WORLDS = {recipe.name: recipe for recipe in (LECTURE, SEMINAR, AUCTION, REGATTA, KITCHEN)}


def put_questions(ask: Ask, texts: Sequence[str]) -> tuple[list[Prediction], dict[str, float]]:
    """Ask every question; return the predictions and how long answers took."""
    predictions: list[Prediction] = []
    seconds: list[float] = []
    for text in texts:
        started = time.monotonic()
        predictions.append(ask(text))
        seconds.append(time.monotonic() - started)
    return predictions, spent(seconds)


def spent(seconds: Sequence[float]) -> dict[str, float]:
    """How long answers took: the median and the slowest twentieth."""
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3)}


def marked(
    name: str, questions: Sequence[Question], predictions: Sequence[Prediction]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Mark one system's predictions; return its figures and its rows."""
    pairs = list(zip(questions, predictions, strict=True))
    figures = summary([mark(question, given) for question, given in pairs])
    return figures, [dict(row(question, given, name)) for question, given in pairs]


def measure(
    world: World,
    folder: Path,
    *,
    k: int,
    rows: Path | None,
    kept: Path | None = None,
    first: bool = False,
) -> dict[str, Any]:
    """Ingest the world, ask every system every question, mark, and return the figures."""
    import longtake

    # The texts of the questions only; what is right is read after everything is answered.
    texts = [question.text for question in Truth.load(world.truth).questions]
    path = kept or folder / "answers.longtake"
    asked: dict[str, tuple[list[Prediction], dict[str, float]]] = {}
    with longtake.open(path, profile="offline") as library:
        video, ingest = watch(library, world)
        asked["longtake"] = put_questions(asker(library, video), texts)
        plain = PlainRag(library.store, video, library.models.text_encoder, k)
        asked["plain_rag"] = put_questions(plain.ask, texts)
        models = library.models
    asked["uniform_clips"] = _thin(path, folder / "thin.longtake", video, texts, models)
    if first:
        predictions, seconds = ask_first(path, video.id, texts, folder)
        asked["first_agent"] = predictions, spent(seconds)
    return _report(world, video, ingest, asked, rows) | {"plain_rag_k": k}


def watch(library: Library, world: World) -> tuple[Video, float | None]:
    """Ingest the world's film; return it with the seconds that took, none if it was known."""
    known = {video.id for video in library.videos()}
    started = time.monotonic()
    video = library.ingest(world.video, on_progress=_tell())
    seconds = time.monotonic() - started
    if video.id in known:
        return video, None
    say(f"ingested at {video.duration / seconds:.1f} x real time")
    return video, seconds


def asker(library: Library, video: Video) -> Ask:
    """Return a way to ask the program about one video."""
    return lambda text: Prediction.of(library.ask(text, video=video))


def _thin(
    path: Path, target: Path, video: Video, texts: Sequence[str], models: Any
) -> tuple[list[Prediction], dict[str, float]]:
    from longtake.config import load_settings
    from longtake.library import Library

    thin_library(path, target, video, CLIPS)
    with Library(load_settings(library=target, profile="offline"), models=models) as library:
        return put_questions(asker(library, library.video(video.id)), texts)


def _report(
    world: World,
    video: Video,
    ingest: float | None,
    asked: dict[str, tuple[list[Prediction], dict[str, float]]],
    rows: Path | None,
) -> dict[str, Any]:
    truth = Truth.load(world.truth)
    systems: dict[str, Any] = {}
    lines: list[str] = []
    for name, (predictions, seconds) in asked.items():
        figures, details = marked(name, truth.questions, predictions)
        systems[name] = figures | {"seconds_each": seconds}
        lines += [json.dumps(detail) for detail in details]
    if rows is not None:
        rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {
        "bench": "answers",
        "machine": machine(),
        "world": {"name": world.video.stem} | truth.settings | {"duration": truth.duration},
        "ingest": _speed(video, ingest),
        "uniform_clips": CLIPS,
        "systems": systems,
    }


def _speed(video: Video, seconds: float | None) -> dict[str, float] | None:
    if seconds is None:
        return None
    return {"seconds": round(seconds, 1), "x_real_time": round(video.duration / seconds, 2)}


def only_ingest(world: World, path: Path) -> dict[str, Any]:
    """Fill the library that a later run is to ask."""
    import longtake

    with longtake.open(path, profile="offline") as library:
        video, seconds = watch(library, world)
        return {"bench": "answers", "library": str(path), "ingest": _speed(video, seconds)}


def _tell(every: float = 300.0) -> Callable[[dict[str, Any]], None]:
    told = [0.0]

    def tell(event: dict[str, Any]) -> None:
        if event.get("stage") == "deep" and event["done"] >= told[0] + every:
            told[0] = event["done"]
            say(f"watched {event['done'] / 60:.0f} min at {event['speed']:.1f} x real time")

    return tell


def world_arguments(parser: argparse.ArgumentParser, world: str, minutes: float) -> None:
    """Let a bench be told which film to make or ask, and where it and its library are kept."""
    parser.add_argument("--world", choices=WORLDS, default=world)
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--voice", choices=("festival", "flite", "espeak"))
    parser.add_argument("--folder", type=Path, help="where the world is made and kept")
    parser.add_argument("--library", type=Path, help="keep the library here, or ask a kept one")


def chosen_world(given: argparse.Namespace, folder: Path) -> World:
    """Make the film that `world_arguments` named, or take it where it was made before."""
    return make_world(
        WORLDS[given.world], folder / f"{given.world}-{given.minutes:g}-{given.seed}",
        minutes=given.minutes, seed=given.seed, engine=given.voice, say=say,
    )  # fmt: skip


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    world_arguments(parser, "lecture", 120.0)
    parser.add_argument("--k", type=int, default=10, help="clips that plain retrieval takes")
    parser.add_argument("--rows", type=Path, help="write every answer here, as JSON lines")
    parser.add_argument("--first", action="store_true", help="ask the first agent, too")
    parser.add_argument("--only-ingest", action="store_true", help="fill --library, ask nothing")
    given = parser.parse_args()
    if given.only_ingest and given.library is None:
        parser.error("--only-ingest needs --library")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        world = chosen_world(given, folder)
        if given.only_ingest:
            emit(only_ingest(world, given.library))
            return
        with tempfile.TemporaryDirectory(dir=folder) as libraries:
            emit(measure(world, Path(libraries), k=given.k, rows=given.rows,
                         kept=given.library, first=given.first))  # fmt: skip


if __name__ == "__main__":
    main()
