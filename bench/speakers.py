"""Whether voices are told apart: ``python -m bench.speakers --recordings DIR`` prints JSON.

DIR holds a folder for each voice with recordings of it alone. Speech is cut into stretches of about
2.5 s, at most ten of a recording, which are then told apart in shuffled portions as the pass
`speakers` does. The figure is the adjusted Rand index against the folders: 1 is every stretch with
its own voice and no other, 0 is chance. Controls: no two stretches joined, and all of them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from longtake.models.profiles import open_models
from longtake.models.protocols import Vectors
from longtake.perception.media import probe
from longtake.perception.turns import Known, assign, sound_of
from longtake.timecode import Span

LENGTH, LEAST, MOST = 2.5, 1.0, 10
THRESHOLDS = (0.60, 0.64, 0.68, 0.72, 0.76)
CONTROLS = {"none joined": 1.1, "all joined": -1.1}


def stretches(spans: Sequence[Span]) -> list[Span]:
    """Cut spans of speech into about equal stretches."""
    found = []
    for span in spans:
        n = max(1, round(span.duration / LENGTH))
        each = span.duration / n
        found += [Span(span.start + i * each, span.start + (i + 1) * each) for i in range(n)]
    return [span for span in found if span.duration >= LEAST][:MOST]


def told_apart(
    vectors: Vectors, truth: Sequence[str], same: float, *, portions: int = 4, runs: int = 20
) -> dict[str, float]:
    """Tell shuffled stretches apart, portion by portion; mean and least over the runs."""
    from sklearn.metrics import adjusted_rand_score

    names = np.asarray(truth)
    scores, counts = [], []
    for seed in range(runs):
        order = np.random.default_rng(seed).permutation(len(names))
        known, who = Known(np.zeros((0, vectors.shape[1]), np.float32)), list[int]()
        for part in np.array_split(order, portions):
            found, known = assign(vectors[part], [True] * len(part), known, same)
            who += found
        scores.append(float(adjusted_rand_score(names[order], who)))
        counts.append(len(known.counts))
    return {
        "mean": round(float(np.mean(scores)), 3), "least": round(min(scores), 3),
        "voices": round(float(np.mean(counts)), 1),
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, required=True)
    given = parser.parse_args(argv)
    models = open_models("offline", threads=1)
    ears = models.diarizer
    if ears is None:
        parser.error("first: longtake models pull speaker-ge2e")
    rows, truth, took, heard = [], list[str](), 0.0, 0.0
    for path in sorted(given.recordings.glob("*/*")):
        samples = sound_of(path, 0.0, probe(path).duration)
        spans = stretches(models.voice_activity.speech(samples))
        began = time.process_time()
        rows.append(ears.voices(samples, spans))
        took += time.process_time() - began
        heard += sum(span.duration for span in spans)
        truth += [path.parent.name] * len(spans)
    vectors = np.concatenate(rows)
    tries = {f"{same:.2f}": same for same in THRESHOLDS} | CONTROLS
    found = {
        "model": ears.name,
        "voices": len(set(truth)),
        "stretches": len(truth),
        "same": ears.same,
        "speech for a second of one core": round(heard / took, 1),
        "adjusted_rand": {k: told_apart(vectors, truth, same) for k, same in tries.items()},
    }
    print(json.dumps(found, indent=1))
    return found


if __name__ == "__main__":
    main()
