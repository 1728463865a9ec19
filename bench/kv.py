"""Measures of the key–value memory: one JSON object for the rows asked for.

    python -m bench.kv --rows needles --tokens 20000 --folder streams

A row is a module `bench.kv_<row>` with `arguments(parser)`, which adds what it can be told, and
`measure(args)`, which returns its figures.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.machine import emit, machine, peak_mib, say

Row = Callable[[argparse.Namespace], dict[str, Any]]


def _loaded(name: str) -> Any:
    return importlib.import_module(f"bench.kv_{name}")


def _row(name: str) -> Row:
    """A row is loaded when it runs: they need not all be importable for one to be."""
    return lambda args: _loaded(name).measure(args)


ROWS: dict[str, Row] = {
    name: _row(name)
    for name in ("needles", "bytes", "budget", "ghost", "overall", "tinyvlm", "speed")
}
"""Row → what measures it."""


def main() -> None:
    """Run the rows that were asked for."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], conflict_handler="resolve"
    )
    first, _ = _shared().parse_known_args()
    asked = first.rows.split(",")
    if unknown := sorted(set(asked) - set(ROWS)):
        raise SystemExit(f"no row {', '.join(unknown)}; there are: {', '.join(ROWS)}")
    for name in asked:
        _loaded(name).arguments(parser)
    args = _shared(parser).parse_args()
    figures: dict[str, Any] = {}
    for name in asked:
        say(f"row {name}")
        began = time.monotonic()
        figures[name] = {**ROWS[name](args), "seconds": round(time.monotonic() - began, 1)}
    emit({"bench": "kv", "command": " ".join(sys.argv[1:]), "machine": machine(),
          "peak_mib": peak_mib(), "rows": figures})  # fmt: skip


def _shared(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """What every row may be told."""
    made = parser or argparse.ArgumentParser(add_help=False)
    made.add_argument("--rows", default="needles", help="names, with commas")
    made.add_argument("--model", help="a GGUF file or a folder; none: SmolLM2-135M")
    made.add_argument("--folder", default="streams", help="where encoded streams are kept")
    made.add_argument("--threads", type=int, default=1)
    return made


if __name__ == "__main__":
    main()
