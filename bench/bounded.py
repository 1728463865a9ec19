"""What a level of fixed capacity still holds of a stream: closest-pair merging and its controls.

    python -m bench.bounded [--hours 24] [--capacity 64]

Drawn vectors alone, no video. `heavy_tailed`: 12,000 frames of 58 scenes whose lengths fall off by
a power law; a scene is represented when an entry is nearer to its true direction than `ALIKE`.
`stream`: a day at one frame a second, work and state of every hour, masses checked at each step.
`needles`: a glimpse of three frames, hidden at several depths of streams of several lengths.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.machine import emit, machine
from longtake.memory.capacity import Bounded, Entry
from longtake.timecode import Span

Rows = NDArray[np.float32]
DIM, NOISE, ALIKE = 64, 0.45, 0.8
WIDTH = 384
"""Numbers in a vector of text, and of the stream's frames."""
LENGTHS, DEPTHS = (1, 4, 12, 24), (0.02, 0.25, 0.5, 0.75, 0.98)


def unit(rows: Rows) -> Rows:
    """Scale rows to length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def seen(directions: Rows, which: NDArray[np.int64], seed: int) -> Rows:
    """Draw a frame for each scene number: its direction, with noise of length `NOISE`."""
    noise = np.random.default_rng(seed).standard_normal((len(which), directions.shape[1]))
    spread = NOISE / np.sqrt(directions.shape[1])
    return unit(np.asarray(directions[which] + spread * noise, np.float32))


def visits(scenes: int, frames: int, seed: int) -> NDArray[np.int64]:
    """Return the scene of every frame: lengths by a power law, cut into visits, in any order."""
    drawn = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, scenes + 1) ** 1.6
    lengths = np.maximum(3, np.floor(share / share.sum() * frames)).astype(int)
    runs: list[NDArray[np.int64]] = []
    for scene, length in enumerate(lengths):
        while length > 0:
            run = int(min(length, drawn.integers(20, 200)))
            runs.append(np.full(run, scene))
            length -= run
    order = drawn.permutation(len(runs))
    return np.concatenate([runs[i] for i in order])[:frames]


def directions(count: int, seed: int, dim: int = DIM) -> Rows:
    """Draw directions that have nothing in common."""
    drawn = np.random.default_rng(seed).standard_normal((count, dim))
    return unit(np.asarray(drawn, np.float32))


def merged(rows: Rows, capacity: int, seed: int = 0) -> Rows:
    """Closest-pair merging."""
    level = Bounded(capacity)
    for n, row in enumerate(rows):
        level.add(frame(n, row))
        check(level, n)
    return np.stack([entry.vector for entry in level.entries])


def check(level: Bounded, n: int) -> None:
    """Make sure that after frame `n` the level is within capacity and all frames are counted."""
    if level.mass != n + 1 or len(level) > level.capacity:
        raise AssertionError(f"after frame {n}: mass {level.mass}, {len(level)} entries")


def fifo(rows: Rows, capacity: int, seed: int = 0) -> Rows:
    """Keep the newest."""
    return rows[-capacity:]


def uniform(rows: Rows, capacity: int, seed: int = 0) -> Rows:
    """Keep frames at equal distances."""
    return np.asarray(rows[np.linspace(0, len(rows) - 1, capacity).astype(int)])


def kmeans(rows: Rows, capacity: int, seed: int = 0, *, spread: bool = False) -> Rows:
    """Run ten rounds of k-means over all frames at once, from random or far-apart starts."""
    drawn = np.random.default_rng(seed)
    if spread:
        chosen = [int(drawn.integers(len(rows)))]
        apart = 1.0 - rows @ rows[chosen[0]]
        while len(chosen) < capacity:
            weight = np.maximum(apart, 0.0).astype(np.float64)
            chosen.append(int(drawn.choice(len(rows), p=weight / weight.sum())))
            apart = np.minimum(apart, 1.0 - rows @ rows[chosen[-1]])
        centres = rows[chosen]
    else:
        centres = rows[drawn.choice(len(rows), capacity, replace=False)]
    for _ in range(10):
        home = np.argmax(rows @ centres.T, axis=1)
        sums = np.stack([
            rows[home == k].sum(axis=0) if (home == k).any() else centres[k]
            for k in range(capacity)
        ])  # fmt: skip
        centres = unit(sums)
    return centres


def kmeans_spread(rows: Rows, capacity: int, seed: int = 0) -> Rows:
    """Start k-means from far-apart frames (k-means++)."""
    return kmeans(rows, capacity, seed, spread=True)


WAYS: dict[str, Callable[..., Rows]] = {
    "closest_pair": merged, "fifo": fifo, "uniform": uniform, "kmeans": kmeans,
    "kmeans_plus": kmeans_spread,
}  # fmt: skip


def frame(n: int, row: Rows) -> Entry:
    """Return the entry of one frame a second."""
    return Entry(f"{n:08d}", row, (Span(float(n), n + 1.0),))


def represented(kept: Rows, true: Rows) -> float:
    """Return the share of scenes to which something that was kept is alike."""
    return float(((kept @ true.T).max(axis=0) >= ALIKE).mean())


def heavy_tailed(
    capacity: int, frames: int = 12_000, scenes: int = 58, seeds: int = 3
) -> dict[str, list[float]]:
    """Return the share of scenes that each way represents, for each seed."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for seed in range(seeds):
        true = directions(scenes, seed)
        rows = seen(true, visits(scenes, frames, seed), seed)
        for name, way in WAYS.items():
            found[name].append(round(represented(way(rows, capacity, seed), true), 3))
    return found


def day(hours: int, seed: int, dim: int) -> Iterator[tuple[int, Rows]]:
    """Yield (second, frame) of a stream: 40 scenes come again and again, a minute at a time."""
    true = directions(40, seed, dim)
    drawn = np.random.default_rng(seed + 1)
    for hour in range(hours):
        rows = seen(true, np.repeat(drawn.integers(0, 40, 60), 60), seed + 100 + hour)
        yield from ((hour * 3600 + n, row) for n, row in enumerate(rows))


def stream(hours: int, capacity: int) -> dict[str, Any]:
    """Return pairs compared in, and bytes kept after, each hour; every step is checked."""
    level = Bounded(capacity)
    work, size, before = [], [], 0
    for second, row in day(hours, seed=5, dim=WIDTH):
        level.add(frame(second, row))
        check(level, second)
        if second % 3600 == 3599:
            work.append(level.compared - before)
            size.append(level.nbytes)
            before = level.compared
    return {
        "hours": hours, "compared_per_hour": work, "bytes_after_hour": size,
        "work_last_over_second": round(work[-1] / work[1], 4),
        "bytes_last_over_second": round(size[-1] / size[1], 4), "mass": level.mass,
    }  # fmt: skip


def found(hours: int, capacity: int, seed: int, way: str) -> list[bool]:
    """Tell of each depth whether a glimpse of three frames there is still held at the end."""
    rows = np.stack([row for _, row in day(hours, seed, DIM)])
    true = directions(len(DEPTHS), seed + 1000)
    for n, depth in enumerate(DEPTHS):
        at = int(depth * len(rows))
        rows[at : at + 3] = seen(true, np.full(3, n), seed + n)
    kept = WAYS[way](rows, capacity, seed)
    return [bool(one) for one in (kept @ true.T).max(axis=0) >= ALIKE]


def needles(lengths: tuple[int, ...], capacity: int, tries: int, way: str) -> dict[str, Any]:
    """Return the share of glimpses found, by length in hours and depth, and its spread."""
    grid = {
        hours: np.mean([found(hours, capacity, seed, way) for seed in range(tries)], axis=0)
        for hours in lengths
    }
    by_depth = np.mean(list(grid.values()), axis=0)
    return {
        "depths": DEPTHS,
        "recall": {hours: [round(float(one), 3) for one in row] for hours, row in grid.items()},
        "spread_points": round(100 * float(by_depth.max() - by_depth.min()), 1),
    }


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--capacity", type=int, default=64)
    parser.add_argument("--tries", type=int, default=4)
    given = parser.parse_args()
    lengths = tuple(hours for hours in LENGTHS if hours <= given.hours)
    emit({
        "bench": "bounded", "machine": machine(), "capacity": given.capacity,
        "heavy_tailed": heavy_tailed(given.capacity),
        "stream": stream(given.hours, given.capacity),
        "needles": {
            way: needles(lengths, given.capacity, given.tries, way)
            for way in ("closest_pair", "fifo", "uniform")
        },
    })  # fmt: skip


if __name__ == "__main__":
    main()
