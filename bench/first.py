"""The first agent, out of the history of this repository: what a newer one must beat.

It is checked out beside, and asked by a process of its own over the same library, so that both
agents stand in one table of one run. Needs git and the history; nothing else of it is used.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.scoring import Prediction
from longtake.errors import UsageError

FIRST = "e919d7fd6a"
"""The last commit of the first agent: one pass from question to quotation."""

_ASK = """
import json, sys, time
import longtake
given = json.load(sys.stdin)
with longtake.open(given["library"], profile="offline") as library:
    for text in given["questions"]:
        started = time.monotonic()
        answer = library.ask(text, video=given["video"])
        row = answer.to_dict() | {"seconds": time.monotonic() - started}
        print(json.dumps(row), flush=True)
"""


def ask_first(
    library: Path, video: str, texts: Sequence[str], folder: Path, commit: str = FIRST
) -> tuple[list[Prediction], list[float]]:
    """Ask the first agent every question; return its predictions and the seconds each took.

    Raises:
        UsageError: this is no clone with the commit in it.
    """
    code = _checked_out(commit, folder)
    given = {"library": str(library.resolve()), "video": video, "questions": list(texts)}
    done = subprocess.run(
        [sys.executable, "-c", _ASK], input=json.dumps(given), text=True, check=True,
        stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(code)}, cwd=code,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [_prediction(row) for row in rows], [row["seconds"] for row in rows]


def _checked_out(commit: str, folder: Path) -> Path:
    target = folder / f"first-{commit}"
    if target.exists():
        return target
    here = Path(__file__).resolve().parent.parent
    packed = subprocess.run(
        ["git", "-C", str(here), "archive", commit, "longtake"], capture_output=True, check=False
    )
    if packed.returncode:
        raise UsageError(
            f"commit {commit} of the first agent is not in this clone",
            fix="clone the repository with its whole history",
        )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(target, filter="data")
    return target


def _prediction(row: dict[str, Any]) -> Prediction:
    spans = tuple((proof["start"], proof["end"]) for proof in row["evidence"])
    return Prediction(row["text"], row["status"], row["value"], spans, row["confidence"])
