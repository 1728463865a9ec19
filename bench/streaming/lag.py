"""How far behind intake is while questions are answered: a drawn stream in real time.

A child draws 10 frames a second into a growing file and notes when each one was written. It is
followed as any file; when each picture reached perception is noted (`taken`), and when the chunk
that holds it could be asked about (`askable`). Meanwhile questions are put through `Library.ask`
with a chat model that takes 3 s for each reply: in a process of their own, or, as the control, in
intake's own thread. A growing file is its own recording, so a frame is recorded when it is written.
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

FPS, REPLY, IDLE = 10, 3.0, 4.0
QUESTION = "what does notice {} say?"


class SlowChat:
    """Takes its time for each reply, and has nothing to add."""

    name, scores = "slow@1", False

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """Wait, and say nothing."""
        time.sleep(REPLY)
        return ""

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """Have no probabilities."""
        raise NotImplementedError


def library(place: Path) -> Library:
    """Open the stream's library with a slow chat model."""
    settings = load_settings(library=place / "lag.longtake", profile="offline")
    return Library(settings, models=stand_ins(), chat=SlowChat())  # type: ignore[arg-type]


class Asker:
    """Puts one question after another; each another one, as replies are kept."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.seconds: list[float] = []

    def ask(self) -> None:
        """Put the next question."""
        began = time.monotonic()
        with library(self.place) as asked:
            asked.ask(QUESTION.format(f"{len(self.seconds):05d}"))
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
        take, last = pipeline._Pass._take, flow.finish

        def taken(run: Any, item: Any) -> None:
            if hasattr(item, "small"):
                self.taken.append((item.time, time.time()))
                self._ask(item.time)
            take(run, item)

        def finished(flow: Any, *more: Any) -> Any:
            self.frames += flow.frames
            return last(flow, *more)

        with patch.object(pipeline._Pass, "_take", taken), patch.object(flow, "finish", finished):
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
    lags = [wall - written[_shown(at)] for at, wall in intake.taken if _shown(at) in written]
    chunks, askable, before = iter(intake.askable), [], 0.0
    for done, wall in chunks:
        askable += [wall - when for at, when in written.items() if before <= at < done]
        before = max(before, done)
    return {
        "seconds": seconds, "written": len(written), "decoded": intake.frames,
        "lost": len(written) - intake.frames, "pictures": len(intake.taken),
        "taken_s": _spread(lags), "askable_s": _spread(askable),
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
