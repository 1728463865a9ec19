"""Is a confidence worth its number?  Calibration of answers, one film or several together.

    python -m bench.surety ROWS.jsonl [ROWS.jsonl ...] [--system longtake]

reads rows that `bench.answers --rows` wrote and prints one JSON object. The expected calibration
error of few answers is large by chance alone: of 50 answers whose confidence is exactly right it
is about 0.08. So what chance gives stands beside what was measured, and films are pooled.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.machine import emit, machine

Sure = tuple[float, bool]
"""A confidence, and whether the answer was right."""


def expected_error(sure: Sequence[Sure], bins: int = 10) -> float | None:
    """Return the expected calibration error (arXiv:1706.04599); None of no answers.

    Answers are put into equal bins by confidence; the gap between a bin's mean confidence and its
    share of right answers is weighed by its size.
    """
    if not sure:
        return None
    groups: dict[int, list[Sure]] = {}
    for confidence, right in sure:
        groups.setdefault(min(bins - 1, int(confidence * bins)), []).append((confidence, right))
    gaps = [abs(sum(c for c, _ in some) - sum(right for _, right in some))
            for some in groups.values()]  # fmt: skip
    return round(sum(gaps) / len(sure), 4)


def by_chance(confidences: Sequence[float], draws: int = 2000, seed: int = 1) -> dict[str, float]:
    """Return the error that these confidences would show if each were exactly right.

    Answers are drawn right with their own confidence: the mean of many draws, and the value that
    one draw in twenty exceeds. A measured error below the latter does not refute the confidences.
    """
    if not confidences:
        return {}
    dice = random.Random(seed)
    errors = sorted(
        expected_error([(c, dice.random() < c) for c in confidences]) or 0.0 for _ in range(draws)
    )
    return {"mean": round(sum(errors) / draws, 4), "one_in_twenty": errors[int(0.95 * draws)]}


def figures(sure: Sequence[Sure]) -> dict[str, Any]:
    """Return the error, what chance gives, and whether all in all they are too sure or too shy."""
    n = len(sure)
    return {
        "answers": n,
        "expected_error": expected_error(sure),
        "by_chance": by_chance([confidence for confidence, _ in sure]),
        "mean_confidence": round(sum(c for c, _ in sure) / n, 4) if n else None,
        "right": round(sum(right for _, right in sure) / n, 4) if n else None,
    }


def read(path: Path, system: str) -> list[Sure]:
    """Return one system's answers out of a file of rows; declined questions are left out."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["confidence"], row["right"]) for row in rows
            if row["system"] == system and not row["declined"]
            and row["confidence"] is not None]  # fmt: skip


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", type=Path, metavar="ROWS")
    parser.add_argument("--system", default="longtake")
    given = parser.parse_args()
    films = {path.stem: read(path, given.system) for path in given.rows}
    emit({
        "bench": "surety",
        "machine": machine(),
        "system": given.system,
        "films": {name: figures(sure) for name, sure in films.items()},
        "pooled": figures([one for sure in films.values() for one in sure]),
    })  # fmt: skip


if __name__ == "__main__":
    main()
