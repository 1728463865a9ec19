"""What every bench shares: one JSON object on stdout, talk on stderr, measured child processes."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
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


def peak_mib() -> float:
    """Return this process's own peak of resident memory.

    VmHWM counts from the program's start; ru_maxrss would still hold the peak of the parent that
    forked it, which for a small child of a large bench is the larger.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    except OSError:
        pass
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, 1)


def child(module: str, arguments: Sequence[str]) -> Run:
    """Run `python -m MODULE ARGUMENTS`, which ends with `finish`.

    Raises:
        SystemExit: the child failed; its own words are on stderr.
    """
    started = time.monotonic()
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed ({done.returncode})")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return Run(result["result"], round(seconds, 2), result["peak_mib"])


def finish(result: dict[str, Any]) -> None:
    """Hand a child's result and its peak of memory to the parent."""
    print(json.dumps({"result": result, "peak_mib": peak_mib()}))
