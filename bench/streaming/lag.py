"""How far behind intake is while questions are answered: a drawn stream in real time.

A child draws 10 frames a second into a growing file and notes when each one was written. It is
followed as any file; when each picture reached perception is noted (`taken`), and when the chunk
that that holds it could be asked about (`askable`). Meanwhile questions are put through `Library.ask`,
each of which takes 3 s of waiting besides its work: in a process of their own, or, as the control,
in intake's own thread. A growing file is its own recording, so a frame is recorded when it is
written. Opening a stream takes some seconds, in which frames wait: `settled` leaves the first 10 s
of the stream out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bench.machine import finish
from bench.streaming.models import stand_ins
from longtake.config import load_settings
from longtake.errors import LongtakeError
from longtake.library import Library

FPS, REPLY, IDLE, OPENING = 10, 3.0, 4.0, 10.0
QUESTION = "what does notice {} say?"


def library(place: Path) -> Library:
    """Open the stream's library."""
    settings = load_settings(library=place / "lag.longtake", profile="offline")
    return Library(settings, models=stand_ins())  # type: ignore[arg-type]


class Asker:
    """Puts one question after another."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.seconds: list[float] = []

    def ask(self) -> None:
        """Put the next question."""
        began = time.monotonic()
        waits = iter([REPLY])
        with library(self.place) as asked:
            asked.ask(QUESTION.format(f"{len(self.seconds):05d}"),
                      on_step=lambda step: time.sleep(next(waits, 0.0)))  # fmt: skip
        self.seconds.append(time.monotonic() - began)


def keep_asking(place: Path, seconds: float) -> None:
    """Ask again and again, from when there is something to ask about."""
    asker, end = Asker(place), time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            asker.ask()
        except LongtakeError:
            time.sleep(0.5)  # nothing is kept yet
    finish({"seconds": asker.seconds})


class Intake:
    """Notes when pictures reach perception and when they may be asked about."""

    def __init__(self, asker: Asker | None) -> None:
        self.taken: list[tuple[float, float]] = []
        self.askable: list[tuple[float, float]] = []
        self.frames = 0
        self.asker = asker
        self._due = 0.0

    @contextmanager
    def noted(self) -> Iterator[None]:
        """While this is open, notes are made."""
        from longtake.perception import pictures, pipeline

        flow: Any = pictures.PictureFlow
        take, push = pipeline._Pass._take, flow.push

        def taken(run: Any, item: Any) -> None:
            if hasattr(item, "small"):
                self.taken.append((item.time, time.time()))
                self._ask(item.time)
            take(run, item)

        def pushed(flow: Any, packet: Any) -> Any:
            self.frames += packet.size > 0
            return push(flow, packet)

        with patch.object(pipeline._Pass, "_take", taken), patch.object(flow, "push", pushed):
            yield

    def tell(self, event: dict[str, Any]) -> None:
        """Take note of a chunk."""
        if event["stage"] == "deep":
            self.askable.append((event["done"], time.time()))

    def _ask(self, at: float) -> None:
        """The control: answer here, when there is something to ask about, every 6 s."""
        if self.asker and self.askable and at >= self._due:
            self._due = at + 6.0
            self.asker.ask()


def run(seconds: int, *, inside: bool) -> dict[str, Any]:
    """Follow one stream; `inside` answers in intake's own thread."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source, log = place / "stream.ts", place / "written.txt"
        command = [sys.executable, "-m", "bench.streaming.drawn", "--seconds", str(seconds),
                   "--fps", str(FPS), "--out", str(source), "--log", str(log)]  # fmt: skip
        me = [sys.executable, "-m", "bench.streaming.lag", "--ask", str(place), str(seconds + 10)]
        intake = Intake(Asker(place) if inside else None)
        child = subprocess.Popen(command)
        other = None if inside else subprocess.Popen(me, stdout=subprocess.PIPE, text=True)
        try:
            with library(place) as watching, intake.noted():
                watching.ingest(source, follow=IDLE, later=False, on_progress=intake.tell)
            child.wait(60)
            said = other.communicate(timeout=120)[0] if other else ""
        finally:
            for one in (child, other):
                if one and one.poll() is None:
                    one.kill()
        times = intake.asker.seconds if intake.asker else _result(said)["seconds"]
        written = {float(a): float(b) for a, b in (row.split() for row in log.open())}
        return _told(intake, written, seconds) | {"answers": len(times),
                                                  "answer_s": _spread(times)}  # fmt: skip


def _result(said: str) -> dict[str, Any]:
    import json

    result: dict[str, Any] = json.loads(said.strip().splitlines()[-1])["result"]
    return result


def _told(intake: Intake, written: dict[float, float], seconds: int) -> dict[str, Any]:
    shown = [(at, wall - written[_shown(at)]) for at, wall in intake.taken if _shown(at) in written]
    lags, settled = [lag for _, lag in shown], [lag for at, lag in shown if at >= OPENING]
    chunks, askable, before = iter(intake.askable), [], 0.0
    for done, wall in chunks:
        askable += [wall - when for at, when in written.items() if before <= at < done]
        before = max(before, done)
    return {
        "seconds": seconds, "written": len(written), "taken": intake.frames,
        "lost": len(written) - intake.frames, "pictures": len(intake.taken),
        "taken_s": _spread(lags), "settled_s": _spread(settled), "askable_s": _spread(askable),
    }  # fmt: skip


def _shown(at: float) -> float:
    """The time of the frame that is on display at an instant."""
    return round(int(at * FPS + 1e-6) / FPS, 3)


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    told = np.percentile(np.asarray(values), (50, 95, 100))
    return {
        name: round(float(one), 3) for name, one in zip(("p50", "p95", "max"), told, strict=True)
    }


def main() -> None:
    """Run one stream, or ask."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--inside", action="store_true", help="answer in intake's own thread")
    parser.add_argument("--ask", nargs=2, metavar=("PLACE", "SECONDS"))
    given = parser.parse_args()
    if given.ask:
        keep_asking(Path(given.ask[0]), float(given.ask[1]))
    else:
        finish(run(given.seconds, inside=given.inside))


if __name__ == "__main__":
    main()
