"""Each mechanism of the agent on and off, in one run: is it worth what it costs?

    python -m bench.mechanisms [--rows hops,walk] [--minutes 120] [--folder DIR] [--log FILE]

Scripted worlds are written into libraries with the offline profile's text vectors (kept in
`--folder`, so that a second run starts at once); for labels that are seen for half a second a
silent film is drawn and watched. Prints one JSON object: for every row what was wanted, the
figures on and off, and whether it was met. `--log` writes every question with its answer and
trace, one JSON line each. The rows are `bench.rows`; numbers are those of the table of papers that the
mechanisms come from, and name rows as well (`--rows 15,49`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.machine import emit, machine, say
from bench.rows import anchors, choices, consensus, counts, details, followups, hops, reuse, walk
from bench.rows.common import Bench, Row

ROWS: dict[str, Callable[[Bench], Row]] = {
    "followups": followups.run,
    "choices": choices.run,
    "consensus": consensus.run,
    "hops": hops.run,
    "counts": counts.run,
    "anchors": anchors.run,
    "walk": walk.run,
    "details": details.run,
    "reuse": reuse.run,
}
NUMBERS = {"11": "followups", "13": "consensus", "15": "hops", "47": "counts", "48": "anchors",
           "49": "walk", "51": "details"}  # fmt: skip


def measure(bench: Bench, names: Sequence[str]) -> dict[str, Any]:
    """Run the rows, one after another."""
    rows: dict[str, Any] = {}
    for name in names:
        say(f"row {name}")
        began = time.monotonic()
        row = ROWS[name](bench)
        rows[name] = row.to_dict() | {"seconds": round(time.monotonic() - began, 1)}
        say(f"  {'met' if row.met else 'NOT MET'}: {row.wanted}")
    return {
        "bench": "mechanisms",
        "machine": machine(),
        "minutes": bench.minutes,
        "met": sum(row["met"] for row in rows.values()),
        "of": len(rows),
        "rows": rows,
    }


def chosen(text: str | None) -> list[str]:
    """Names of rows from a list of names and numbers; all of them from none.

    >>> chosen("15,walk")
    ['hops', 'walk']
    """
    names = [NUMBERS.get(one.strip(), one.strip()) for one in text.split(",")] if text else []
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise SystemExit(f"no row is called {unknown[0]!r}; rows: {', '.join(ROWS)}")
    return names or list(ROWS)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", help="names or numbers, with commas between")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--folder", type=Path, help="where the worlds are kept")
    parser.add_argument("--log", type=Path, help="write every answer here, as JSON lines")
    parser.add_argument("--text-film", action="store_true", help="do not draw the film of labels")
    given = parser.parse_args()
    names = chosen(given.rows)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if given.log is not None:
            given.log.unlink(missing_ok=True)
        bench = Bench(folder, given.minutes, log=given.log, drawn=not given.text_film)
        try:
            emit(measure(bench, names))
        finally:
            bench.close()


if __name__ == "__main__":
    main()
