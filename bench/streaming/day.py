"""A day of a drawn stream through the real path: work, memory and disk of every hour.

After each chunk it is made sure that every level is within its capacity, that the video's bytes are
within its budget (once the first hour has passed: 60 s and the open chapter may be more than a
little budget), and that masses add up to the frames that were kept. What these checks cost is taken
out of the figures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bench.bounded import ALIKE, fifo, kmeans, kmeans_spread, uniform
from bench.machine import finish, say
from bench.streaming.drawn import visits
from bench.streaming.models import stand_ins, truth
from bench.streaming.replay import Replay
from longtake.models.protocols import Vectors
from longtake.storage.records import Chunk, Level
from longtake.storage.store import Store

HOUR = 3600
BOUNDED: tuple[tuple[Level, str], ...] = (
    ("frame", "sight"), ("clip", "caption"), ("scene", "caption"), ("chapter", "caption"),
)  # fmt: skip
WAYS = {"fifo": fifo, "uniform": uniform, "kmeans": kmeans, "kmeans_plus": kmeans_spread}


class Day(Replay):
    """Follows the stream, checks each step, and notes each hour."""

    def __init__(self, place: Path, arguments: list[str], given: argparse.Namespace) -> None:
        from longtake.config import load_settings

        budget = {"video_bytes": given.budget}
        settings = load_settings(library=place / "day.longtake", profile="offline",
                                 capacity=given.capacity, budget=budget)  # fmt: skip
        super().__init__(settings.library, arguments, stand_ins(), settings, self.note)
        self.given = given
        self.hours: list[dict[str, Any]] = []
        self.chunk_seconds = given.chunk
        self.steps = self.came = 0
        self.given_up, self.mass_until = False, 0.0
        self.frames = place / "frames.f32"
        self._file = self.frames.open("wb")
        self._since, self._checking = time.process_time(), 0.0

    def _keep(self, stage: Any, chunk: Chunk) -> None:
        super()._keep(stage, chunk)
        began = time.process_time()
        frames = {r.id for r in chunk.records if (r.level, r.channel) == ("frame", "sight")}
        self.came += len(frames)
        for row in chunk.vectors:
            if row.record in frames and row.facet == "sight":
                self._file.write(row.vector.astype("<f4").tobytes())
        self._check(chunk)
        self._checking += time.process_time() - began

    def _check(self, chunk: Chunk) -> None:
        self.steps += 1
        with Store.open(self.path) as store:
            for level, channel in BOUNDED if self.given.capacity else ():
                count = store.count(video=self.video.id, level=level, channel=channel)
                if count > self.given.capacity:
                    raise AssertionError(f"{count} records of level {level} at {chunk.span.end}")
            held = store.sizes.of(self.video.id)
            if self.given.budget and held.total > self.given.budget:
                raise AssertionError(f"{held.total} bytes are held at {chunk.span.end}")
            if not self.given.capacity:
                return
            frames = store.records(video=self.video.id, level="frame", channel="sight")
            mass = sum(int(one.data.get("mass", 1)) for one in frames)
            # The budget comes to the frames themselves when their vectors have gone.
            vectors = store.vectors("frame", "sight", video=self.video.id)[0]
            self.given_up = self.given_up or len(vectors) < len(frames) // 2
            if mass != self.came and not self.given_up:
                raise AssertionError(f"mass {mass} for {self.came} frames at {chunk.span.end}")
            self.mass_until = self.mass_until if self.given_up else chunk.span.end

    def note(self, event: dict[str, Any]) -> None:
        """Note the hour that has just passed."""
        if event["stage"] != "deep" or event["done"] < HOUR * (len(self.hours) + 1):
            return
        used = time.process_time() - self._since - self._checking
        row = {"hour": len(self.hours) + 1, "work_s": round(used, 1), **_memory(),
               "frames": self.came, **self._kept()}  # fmt: skip
        self.hours.append(row)
        say(str(row))
        self._since, self._checking = time.process_time(), 0.0

    def _kept(self) -> dict[str, Any]:
        with Store.open(self.path) as store:
            held = store.sizes.of(self.video.id)
            rows = store.database.rows(
                "SELECT level, channel, count(*) FROM records GROUP BY level, channel"
            )
        files = [(p.relative_to(self.path).parts[0], p.stat().st_size)
                 for p in self.path.rglob("*") if p.is_file()]  # fmt: skip
        disk: Counter[str] = Counter()
        for name, size in files:
            disk[name.partition("-")[0]] += size
        return {
            "represented": self._represented(),
            "held": {"pictures": held.pictures, "vectors": held.vectors, "text": held.text},
            "disk": dict(disk), "disk_bytes": sum(disk.values()),
            "records": {f"{level}.{channel}": n for level, channel, n in rows},
        }  # fmt: skip

    def _represented(self) -> float:
        """The share of the scenes shown so far that what is kept represents."""
        end = HOUR * (len(self.hours) + 1) - 60
        plan = visits(self.given.hours, self.given.scenes, 0)
        true = truth(sorted({one.scene for one in plan if one.end <= end}))
        with Store.open(self.path) as store:
            return _share(store.vectors("frame", "sight", video=self.video.id)[2], true)

    def represented(self) -> dict[str, float]:
        """Return the share of the shown scenes that what is kept, and the controls, represent."""
        self._file.close()
        shown = sorted({one.scene for one in visits(self.given.hours, self.given.scenes, 0)})
        true = truth(shown)
        with Store.open(self.path) as store:
            _, _, kept = store.vectors("frame", "sight", video=self.video.id)
        rows = np.fromfile(self.frames, "<f4").reshape(-1, true.shape[1])
        size = self.given.capacity or len(kept)
        found = {"ours": _share(kept, true), "every_frame": _share(rows, true)}
        if size < len(rows):
            found |= {name: _share(way(rows, size), true) for name, way in WAYS.items()}
        return {"scenes": len(shown), "kept": len(kept), **found}


def _share(kept: Vectors, true: Vectors) -> float:
    """The share of scenes to which something that was kept is alike."""
    return round(float(((kept @ true.T).max(axis=0) >= ALIKE).mean()), 3) if len(kept) else 0.0


def _memory() -> dict[str, float]:
    """Resident memory now, and its peak since this was last asked."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    told = {"rss_mib": rows["VmRSS"], "peak_mib": rows["VmHWM"]}
    Path("/proc/self/clear_refs").write_text("5")
    return {name: round(int(value.split()[0]) / 1024, 1) for name, value in told.items()}


def run(given: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Follow the stream to its end."""
    arguments = ["--hours", str(given.hours), "--scenes", str(given.scenes)]
    day = Day(place, arguments, given)
    began = time.monotonic()
    day.follow()
    hours = day.hours
    last, second = hours[-1], hours[min(1, len(hours) - 1)]
    return {
        "hours": given.hours, "capacity": given.capacity, "budget": given.budget,
        "wall_s": round(time.monotonic() - began), "steps_checked": day.steps,
        "frames_kept": day.came, "masses_checked_until": day.mass_until,
        "work_last_over_second": round(last["work_s"] / second["work_s"], 3),
        "peak_last_over_second": round(last["peak_mib"] / second["peak_mib"], 3),
        "disk_last": last["disk_bytes"], "represented": day.represented(), "by_hour": hours,
    }  # fmt: skip


def main() -> None:
    """Run one day in this process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--capacity", type=int, default=128)
    parser.add_argument("--budget", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=104)
    parser.add_argument("--chunk", type=float, default=60.0, help="seconds kept at once")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        finish(run(given, Path(place)))


if __name__ == "__main__":
    main()
