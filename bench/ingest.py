"""Ingest against the naive pipeline: speed, text found, memory, time to the first answer.

    python -m bench.ingest [--minutes 20] [--naive-minutes 6] [--memory] [--folder DIR]

Makes a 720p video with speech, slides and camera scenes and runs, each in a process of its own,
the whole offline ingest and the naive pipeline (text on one frame a second, Whisper on all
sound; `bench.naive`). The naive run covers the first minutes only, as many as it takes to show
`ENOUGH_LINES` lines and no fewer than `LEAST_MINUTES`, unless told otherwise; its speed is that of
those minutes and only their lines are compared, which the JSON says. Beside the clock's times it
gives processor times, which other work on the machine disturbs less. `--memory` instead ingests
10 and 60 min and compares the peaks. Set OMP_NUM_THREADS or taskset to choose cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.lines import distinct, missing
from bench.machine import Run, child, emit, finish, machine, say
from bench.worlds.mixed import Facts, make_mixed

LEAST_MINUTES = 6.0
ENOUGH_LINES = 30


def naive_span(facts: Facts, minutes: float | None = None) -> float:
    """Return how many seconds the naive pipeline runs over.

    Lines come about evenly, so what `ENOUGH_LINES` take is told from what the whole shows.
    """
    if minutes is None:
        share = (ENOUGH_LINES + 1) / max(1, facts.lines_shown)
        minutes = max(LEAST_MINUTES, share * facts.duration / 60)
    return min(minutes * 60, facts.duration)


def compare(folder: Path, minutes: float, naive_minutes: float | None) -> dict[str, Any]:
    """Run both pipelines on one video and return the figures."""
    video, facts = make_mixed(folder, minutes=minutes, say=say)
    naive_seconds = naive_span(facts, naive_minutes)
    ours = _ours(video, folder)
    say(f"ours: {facts.duration / ours.result['seconds']:.1f} x real time")
    naive = child("bench.ingest", ["--child", "naive", str(video), str(naive_seconds)])
    speed = facts.duration / ours.result["seconds"]
    naive_speed = naive.result["seconds"] / (
        naive.result["read_seconds"] + naive.result["heard_seconds"]
    )
    ours_cpu = ours.result["processor_seconds"] / facts.duration
    naive_cpu = naive.result["processor_seconds"] / naive.result["seconds"]
    found = [text for text, start in ours.result["lines"] if start < naive_seconds]
    return {
        "bench": "ingest",
        "machine": machine(),
        "video": asdict(facts),
        "ours": {
            "seconds": ours.result["seconds"],
            "x_real_time": round(speed, 2),
            "processor_seconds": ours.result["processor_seconds"],
            "first_answerable_seconds": ours.result["first_answerable"],
            "peak_mib": ours.peak_mib,
            "records": ours.result["records"],
        },
        "naive": {
            "covers_seconds": naive.result["seconds"],
            "sampled": naive_seconds < facts.duration,
            "read_seconds": round(naive.result["read_seconds"], 1),
            "heard_seconds": round(naive.result["heard_seconds"], 1),
            "x_real_time": round(naive_speed, 2),
            "processor_seconds": naive.result["processor_seconds"],
            "distinct_lines": len(distinct(naive.result["lines"])),
            "peak_mib": naive.peak_mib,
        },
        "ratio": round(speed / naive_speed, 2),
        "processor_ratio": round(naive_cpu / ours_cpu, 2),
        "lines": _line_figures(naive.result["lines"], found),
    }


def _line_figures(naive: list[str], ours: list[str]) -> dict[str, Any]:
    """Count the naive pipeline's distinct lines, all and those read at least twice."""
    figures: dict[str, Any] = {"ours_distinct": len(distinct(ours))}
    for name, least in (("all", 1), ("read_twice", 2)):
        wanted = distinct(naive, seen_at_least=least)
        lost = missing(wanted, ours)
        share = round(1 - len(lost) / len(wanted), 4) if wanted else None
        figures[name] = {"naive_distinct": len(wanted), "found_share": share, "lost": lost[:20]}
    return figures


def memory(folder: Path, short: float, long: float) -> dict[str, Any]:
    """Ingest a short and a long video and compare the peaks of resident memory."""
    peaks: dict[str, float] = {}
    runs: dict[str, dict[str, Any]] = {}
    for minutes in (short, long):
        video, facts = make_mixed(folder, minutes=minutes, camera_share=0.1, say=say)
        run = _ours(video, folder)
        peaks[f"{minutes:g}"] = run.peak_mib
        runs[f"{minutes:g}"] = {
            "duration": facts.duration, "seconds": run.result["seconds"],
            "first_answerable_seconds": run.result["first_answerable"], "peak_mib": run.peak_mib,
        }  # fmt: skip
        say(f"{minutes:g} min: peak {run.peak_mib:.0f} MiB")
    ratio = peaks[f"{long:g}"] / peaks[f"{short:g}"]
    return {"bench": "ingest-memory", "machine": machine(), "runs": runs,
            "peak_ratio": round(ratio, 3)}  # fmt: skip


def _ours(video: Path, folder: Path) -> Run:
    with tempfile.TemporaryDirectory(dir=folder) as library:
        return child("bench.ingest", ["--child", "ours", str(video), f"{library}/bench.longtake"])


def child_ours(video: Path, library_path: Path) -> dict[str, Any]:
    """Ingest in this process."""
    import longtake

    started, spent = time.monotonic(), time.process_time()
    first: list[float] = []

    def note(event: dict[str, Any]) -> None:
        if event.get("askable") and not first:
            first.append(time.monotonic() - started)

    with longtake.open(library_path, profile="offline") as library:
        watched = library.ingest(video, on_progress=note)
        seconds = time.monotonic() - started
        spent = time.process_time() - spent
        records = library.store.records(video=watched.id)
    lines = [
        (r.text, r.span.start) for r in records if (r.level, r.channel) == ("moment", "screen")
    ]
    counts: dict[str, int] = {}
    for record in records:
        key = f"{record.level}.{record.channel}"
        counts[key] = counts.get(key, 0) + 1
    return {"seconds": round(seconds, 2), "processor_seconds": round(spent, 2),
            "lines": lines, "records": counts,
            "first_answerable": round(first[0], 2) if first else None}  # fmt: skip


def child_naive(video: Path, until: float) -> dict[str, Any]:
    """Run the naive pipeline in this process; loading the models is not counted."""
    from bench.naive import run_naive
    from longtake.config import load_settings
    from longtake.models.profiles import open_models

    settings = load_settings(profile="offline")
    models = open_models("offline", models_dir=settings.models_dir, threads=settings.threads)
    models.text_reader, models.transcriber  # noqa: B018 - loads them
    spent = time.process_time()
    found = asdict(run_naive(video, models, until))
    return found | {"processor_seconds": round(time.process_time() - spent, 2)}


def main() -> None:
    """Run the bench, or one of its children."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--naive-minutes", type=float, help="default: enough for 30 lines")
    parser.add_argument("--memory", action="store_true", help="compare the peaks of 10 and 60 min")
    parser.add_argument("--memory-minutes", type=float, nargs=2, default=(10.0, 60.0))
    parser.add_argument("--folder", type=Path, help="where videos are made and kept")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        kind, video, last = given.child
        run = (
            child_ours(Path(video), Path(last))
            if kind == "ours"
            else child_naive(Path(video), float(last))
        )
        finish(run)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if given.memory:
            emit(memory(folder, *given.memory_minutes))
        else:
            emit(compare(folder, given.minutes, given.naive_minutes))


if __name__ == "__main__":
    main()
