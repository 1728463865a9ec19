"""Where in a film is it: moment retrieval against plain ways of finding a stretch of time.

    python -m bench.moments [--world seminar] [--library KEPT] [--folder DIR] [--minutes 120]

Makes the world of `bench.answers` (or takes a kept one), ingests it with the offline profile, and
asks every question whose answer is said, shown or seen at one place for its windows. Systems, on
one ingest and the same curve:

* ``top_clip``: the ten nearest clips of about 10 s, as plain retrieval gives them;
* ``fixed_windows``: the ten best of windows of 30 s, a new one every 15 s, by mean relevance;
* ``curve``: `locate` from the curve alone, without the records' own times;
* ``locate``: as it is.

R1 and mIoU are of the first window; mAP is that of moment retrieval benchmarks (IoU 0.5 to 0.95 in
steps of 0.05, the first ten windows). ``none`` is how often nothing is offered for what is not in
the film.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.answers import chosen_world, watch, world_arguments
from bench.machine import emit, machine
from bench.worlds.make import World
from bench.worlds.truth import Question, Truth
from longtake.timecode import Span

if TYPE_CHECKING:
    from longtake.library import Library
    from longtake.storage.records import Video

Windows = list[tuple[Span, float]]
Find = Callable[[str], Windows]
KINDS = ("speech", "screen", "sight")
THRESHOLDS = tuple(round(0.5 + 0.05 * n, 2) for n in range(10))
MOST = 10
FIXED, STEP = 30.0, 15.0


def average_precision(found: Windows, golds: Sequence[Span], iou: float) -> float:
    """Return the interpolated average precision of ranked windows at one IoU.

    >>> average_precision([(Span(0, 10), 0.9), (Span(50, 60), 0.8)], [Span(50, 60)], 0.5)
    0.5
    """
    if not golds or not found:
        return 0.0
    free = set(range(len(golds)))
    hits = []
    for span, _ in found[:MOST]:
        best = max(free, key=lambda n: (span.iou(golds[n]), -n), default=None)
        hit = best is not None and span.iou(golds[best]) >= iou
        if hit and best is not None:
            free.discard(best)
        hits.append(hit)
    right = np.cumsum(hits)
    precision = right / (np.arange(len(hits)) + 1)
    recall = right / len(golds)
    rows = zip(precision, np.diff(recall, prepend=0.0), strict=True)
    above = np.maximum.accumulate(precision[::-1])[::-1]
    return float(sum(a * step for a, (_, step) in zip(above, rows, strict=True)))


def figures(rows: Sequence[tuple[Windows, Sequence[Span]]]) -> dict[str, float | int | None]:
    """Return R1, mIoU and mAP of several queries."""
    if not rows:
        return {"queries": 0, "R1@0.5": None, "R1@0.7": None, "mIoU": None, "mAP": None}
    first = [max((found[0][0].iou(g) for g in golds), default=0.0) if found else 0.0
             for found, golds in rows]  # fmt: skip
    areas = [np.mean([average_precision(f, g, t) for t in THRESHOLDS]) for f, g in rows]
    return {
        "queries": len(rows),
        "R1@0.5": round(float(np.mean([one >= 0.5 for one in first])), 4),
        "R1@0.7": round(float(np.mean([one >= 0.7 for one in first])), 4),
        "mIoU": round(float(np.mean(first)), 4),
        "mAP": round(float(np.mean(areas)), 4),
    }


def systems(library: Library, video: Video) -> dict[str, Find]:
    """Return the ways of finding windows that are compared."""
    from longtake.memory.locate import locate

    recall = library.recall

    def top_clip(text: str) -> Windows:
        found = recall.search(text, videos=[video.id], level="clip", k=MOST)
        return [(one.span, one.score) for one in found.moments]

    def fixed(text: str) -> Windows:
        curve = recall.curve(text, video.id)
        rows = np.asarray(curve.scores)
        scored = [
            (Span(t, min(t + FIXED, video.duration)), float(rows[int(t) : int(t + FIXED)].mean()))
            for t in np.arange(0.0, max(STEP, video.duration - STEP), STEP).tolist()
            if len(rows[int(t) : int(t + FIXED)])
        ]
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:MOST]

    return {
        "top_clip": top_clip,
        "fixed_windows": fixed,
        "curve": lambda text: locate(recall, text, video.id, closely=False).spans,
        "locate": lambda text: locate(recall, text, video.id).spans,
    }


def compared(find: Find, questions: Sequence[Question]) -> dict[str, Any]:
    """Ask one system everything; return its figures, by kind and of all."""
    rows = [(one.kind, find(one.text), [Span(*s) for s in one.spans])
            for one in questions if one.kind in KINDS and one.spans]  # fmt: skip
    absent = [find(one.text) for one in questions if one.kind == "absent"]
    by_kind = {k: figures([(f, g) for kind, f, g in rows if kind == k]) for k in KINDS}
    none = round(sum(not found for found in absent) / len(absent), 4) if absent else None
    return {**by_kind, "all": figures([(f, g) for _, f, g in rows]), "absent": {"none": none}}


def measure(world: World, path: Path) -> dict[str, Any]:
    """Ingest the world if need be, and compare."""
    import longtake

    truth = Truth.load(world.truth)
    with longtake.open(path, profile="offline") as library:
        video, _ = watch(library, world)
        found = {name: compared(find, truth.questions)
                 for name, find in systems(library, video).items()}  # fmt: skip
    return {
        "bench": "moments",
        "machine": machine(),
        "world": {"name": world.video.stem} | truth.settings | {"duration": truth.duration},
        "systems": found,
    }


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    world_arguments(parser, "lecture", 120.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        world = chosen_world(given, folder)
        emit(measure(world, given.library or Path(temporary) / "moments.longtake"))


if __name__ == "__main__":
    main()
