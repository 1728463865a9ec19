"""Kill an ingest at random moments, run it again, and compare what is remembered.

    python -m bench.resume [--kills 20] [--seed 1] [--chain] [--video FILE]

One undisturbed ingest gives the records, vectors and progress to expect. Then, for each kill, a
new library is begun, the process gets SIGKILL at a random moment between its first progress and
its end, the same command runs to the end, and everything is compared by id and content. With
`--chain` one library suffers all kills before it may finish. The packaged demo lecture is used
unless a video is named; chunks are short, so that many transactions lie between the kills.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from random import Random
from typing import Any

from bench.machine import emit, machine, say

CHUNK_SECONDS = 20.0

Command = Callable[[Path], Sequence[str]]
"""The command line that ingests into the library at a path; it prints a line per progress."""


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """An ingest nobody disturbed: seconds to its first progress and its end, and its progresses."""

    first: float
    end: float
    progresses: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: so many seconds after so many progresses, by the victim's own clock."""

    progresses: int
    seconds: float


def run(command: Sequence[str], *, kill_at: Moment | None = None) -> Undisturbed | None:
    """Run an ingest to the end, or kill it; None if it was killed.

    Raises:
        SystemExit: it ended by itself with an error.
    """
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    first, seen = 0.0, 0
    while kill_at is None or seen < kill_at.progresses:
        if not process.stdout.readline():
            break
        seen += 1
        first = first or time.monotonic() - started
    if kill_at is not None:
        try:
            process.communicate(timeout=kill_at.seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return None
    process.wait()
    return _ended(process, Undisturbed(first, time.monotonic() - started, seen))


def moments_of(clock: Undisturbed, kills: int, *, seed: int, chain: bool) -> list[Moment]:
    """Draw moments between first progress and end; in a chain each run gets one step further."""
    chance = Random(seed)
    step = (clock.end - clock.first) / max(1, clock.progresses)
    last = 1 if chain else max(1, clock.progresses - 1)
    return [
        Moment(chance.randint(1, last), round(chance.uniform(0.0, step), 3)) for _ in range(kills)
    ]


def _ended(process: subprocess.Popen[bytes], clock: Undisturbed) -> Undisturbed:
    if process.returncode != 0:
        raise SystemExit(f"the ingest failed by itself with exit code {process.returncode}")
    return clock


def snapshot(library: Path) -> dict[str, str]:
    """Return everything remembered: names of records, vectors and progress, and their digests."""
    from longtake.storage.store import Store

    found: dict[str, str] = {}
    with Store.open(library) as store:
        for record in store.records():
            text = json.dumps(asdict(record), sort_keys=True)
            found[f"record {record.id}"] = _digest(text.encode())
        for key in store.index_keys():
            level, channel, facet = key.split(".")
            ids, _, matrix = store.vectors(level, facet, channel=channel)  # type: ignore[arg-type]
            for name, vector in zip(ids, matrix, strict=True):
                found[f"vector {key} {name}"] = _digest(vector.tobytes())
        for video in store.videos():
            for pass_ in ("quick", "deep"):
                progress = store.progress(video.id, pass_)
                told = (progress.done, progress.finished) if progress else None
                found[f"progress {video.id} {pass_}"] = _digest(repr(told).encode())
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def difference(expected: dict[str, str], found: dict[str, str]) -> dict[str, list[str]]:
    """Return names that are missing, too many, or of other content."""
    return {
        "missing": sorted(set(expected) - set(found)),
        "extra": sorted(set(found) - set(expected)),
        "changed": sorted(n for n in set(expected) & set(found) if expected[n] != found[n]),
    }


def twice(library: Path) -> int:
    """Count records that say the same of the same span, level and channel as another one."""
    from longtake.storage.store import Store

    with Store.open(library) as store:
        keys = [
            (r.video, r.level, r.channel, r.span, r.text, json.dumps(r.data, sort_keys=True))
            for r in store.records()
        ]
    return len(keys) - len(set(keys))


def problems(library: Path) -> list[str]:
    """Return what the store's own check complains of."""
    from longtake.storage.check import check

    return [f"{problem.kind}: {problem.detail}" for problem in check(library)]


def measure(
    command: Command, folder: Path, *, kills: int, seed: int, chain: bool
) -> dict[str, Any]:
    """Do the whole experiment and return its figures."""
    clock = run(command(folder / "calm.longtake"))
    assert clock is not None
    expected = snapshot(folder / "calm.longtake")
    same_twice = twice(folder / "calm.longtake")
    say(f"undisturbed: {clock.end:.1f} s, {len(expected)} things remembered")
    moments = moments_of(clock, kills, seed=seed, chain=chain)
    rounds = [moments] if chain else [[moment] for moment in moments]
    rows: list[dict[str, Any]] = []
    for number, kills_here in enumerate(rounds):
        library = folder / f"killed-{number}.longtake"
        hit = sum(run(command(library), kill_at=moment) is None for moment in kills_here)
        run(command(library))
        wrong = difference(expected, snapshot(library))
        rows.append(
            {"kills": hit, "moments": [astuple(m) for m in kills_here], "twice": twice(library) - same_twice,
             "problems": problems(library)} | {name: len(ids) for name, ids in wrong.items()}
        )  # fmt: skip
        if any(wrong.values()):
            rows[-1]["examples"] = {name: ids[:5] for name, ids in wrong.items()}
        say(f"{number + 1}/{len(rounds)}: {rows[-1]}")
    clean = [r for r in rows if not any(r[n] for n in
             ("missing", "extra", "changed", "twice", "problems"))]  # fmt: skip
    return {
        "undisturbed_seconds": round(clock.end, 2),
        "remembered": len(expected),
        "rounds": len(rows),
        "kills": sum(r["kills"] for r in rows),
        "same_as_undisturbed": len(clean),
        "rows": rows,
    }


def child(video: Path, library_path: Path) -> None:
    """Ingest in this process, a printed line for each progress."""
    import longtake

    def tell(event: dict[str, Any]) -> None:
        print(event.get("stage"), event.get("done"), flush=True)

    with longtake.open(library_path, profile="offline", chunk_seconds=CHUNK_SECONDS) as library:
        library.ingest(video, on_progress=tell)


def main() -> None:
    """Run the bench, or one of its children."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chain", action="store_true", help="all kills on one library")
    parser.add_argument("--video", type=Path)
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    from longtake.demo import write_video

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        video = given.video or write_video(folder)

        def command(library: Path) -> list[str]:
            python = [sys.executable, "-m", "bench.resume"]
            return [*python, "--child", str(video), str(library)]

        figures = measure(command, folder, kills=given.kills, seed=given.seed, chain=given.chain)
    emit({"bench": "resume", "machine": machine(), "chain": given.chain} | figures)
    if figures["same_as_undisturbed"] != figures["rounds"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
