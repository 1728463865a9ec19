"""How long the command line takes to say its help, against Python starting and doing nothing.

    python -m bench.startup [--runs 15]

Medians over interleaved runs, so that a busy moment of the machine touches all alike.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench.machine import emit, machine

COMMANDS: dict[str, tuple[str, ...]] = {
    "python_pass": ("-c", "pass"),
    "import_longtake": ("-c", "import longtake"),
    "help": ("-m", "longtake", "--help"),
    "version": ("-m", "longtake", "--version"),
}


def measure(runs: int, commands: dict[str, tuple[str, ...]] = COMMANDS) -> dict[str, Any]:
    """Time every command `runs` times after one run that warms the file cache."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, arguments in commands.items():
            seconds = _time(arguments)
            if number:
                times[name].append(seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    base = medians.get("python_pass", 0.0)
    return {
        name: {
            "median_seconds": round(medians[name], 4),
            "fastest_seconds": round(min(times[name]), 4),
            "over_python_seconds": round(medians[name] - base, 4),
        }
        for name in commands
    }


def _time(arguments: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    emit({"bench": "startup", "machine": machine(), "runs": given.runs,
          "commands": measure(given.runs)})  # fmt: skip


if __name__ == "__main__":
    main()
