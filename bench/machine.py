"""What every bench shares: one JSON object on stdout, talk on stderr, measured child processes."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """A finished child: what it printed, how long it took, its peak of resident memory."""

    result: dict[str, Any]
    seconds: float
    peak_mib: float


def say(text: str) -> None:
    """Tell the person on stderr."""
    print(text, file=sys.stderr, flush=True)


def emit(figures: dict[str, Any]) -> None:
    """Print a bench's one JSON object."""
    print(json.dumps(figures, indent=1))


def machine() -> dict[str, Any]:
    """Describe where the figures come from."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def child(module: str, arguments: Sequence[str]) -> Run:
    """Run `python -m MODULE ARGUMENTS`; its last line of stdout is JSON.

    Raises:
        SystemExit: the child failed; its own words are on stderr.
    """
    reader, writer = os.pipe()
    started = time.monotonic()
    command = [sys.executable, "-m", module, *arguments]
    pid = os.posix_spawn(
        sys.executable, command, dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_CLOSE, reader)],
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status, usage = os.wait4(pid, 0)  # the child's own peak, unlike RUSAGE_CHILDREN
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)} failed ({os.waitstatus_to_exitcode(status)})")
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    result = json.loads(said.strip().splitlines()[-1])
    return Run(result, round(seconds, 2), round(usage.ru_maxrss / scale, 1))
