"""A memory for streams that do not end: what a day costs, what is lost, what is still found.

    python -m bench.stream --rows day,lag,needles,represented

`day`: a 24 h drawn stream through the real path, work and memory of each hour (about 40 min of a
core). `lag`: two minutes in real time while questions are answered. `needles`: depth by length,
through search. `represented`: heavy-tailed scenes in the memory's writer. Models are stand-ins that
look at pixels. Each row runs in a process of its own.
"""

from __future__ import annotations

import argparse
from typing import Any

from bench.machine import child, emit, machine, say

ROWS = ("day", "lag", "needles", "represented")


def day(given: argparse.Namespace) -> dict[str, Any]:
    """Within a capacity and a budget, and a shorter control without either."""
    own = child("bench.streaming.day", [
        "--hours", str(given.hours), "--capacity", str(given.capacity),
        "--budget", str(given.budget),
    ])  # fmt: skip
    short = min(given.hours, given.control_hours)
    if not short:
        return {"bounded": own.result}
    control = child("bench.streaming.day", ["--hours", str(short), "--capacity", "0"])
    return {"bounded": own.result, "everything_kept": control.result}


def lag(given: argparse.Namespace) -> dict[str, Any]:
    """Answers beside intake, and in its own thread."""
    told = {}
    for name, more in (("beside", []), ("in_intakes_thread", ["--inside"])):
        arguments = ["--seconds", str(given.seconds), *more]
        told[name] = child("bench.streaming.lag", arguments).result
    return told


def needles(given: argparse.Namespace) -> dict[str, Any]:
    """Ask for needles."""
    from bench.streaming.needles import LENGTHS, run

    lengths = tuple(one for one in LENGTHS if one <= given.hours)
    return run(lengths, given.needle_budget)


def represented(given: argparse.Namespace) -> dict[str, Any]:
    """Count scenes."""
    from bench.streaming.represented import run

    return run(given.seeds)


def main() -> None:
    """Run the rows that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", default=",".join(ROWS), help="with commas")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--capacity", type=int, default=128)
    parser.add_argument("--budget", type=int, default=4_200_000)
    parser.add_argument("--control-hours", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--needle-budget", type=int, default=12_500_000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    rows = given.rows.split(",")
    if wrong := sorted(set(rows) - set(ROWS)):
        parser.error(f"no row {wrong[0]}; there are {', '.join(ROWS)}")
    made: dict[str, Any] = {}
    for name in rows:
        say(name)
        made[name] = {"day": day, "lag": lag, "needles": needles,
                      "represented": represented}[name](given)  # fmt: skip
    emit({"bench": "stream", "machine": machine(), **made})


if __name__ == "__main__":
    main()
