"""What the memory's own writer still holds of heavy-tailed scenes, against controls.

12,000 frames, one a second, of 58 scenes whose lengths fall off by a power law, drawn as in
`bench.bounded`. The writer has its smallest capacity of 128, of which the newest minute takes 60: so
the controls are given 64 entries, and 128 as well. After each chunk every level is within capacity
and masses add up.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.bounded import WAYS, directions, represented, seen, visits
from bench.streaming.models import DIM
from bench.streaming.observed import Stream, chunks
from longtake.memory.bounding import LEAST
from tests.fakes import FakeTextEncoder

FRAMES, SCENES = 12_000, 58
LIKE_OURS = 64
"""Entries beside the newest minute."""


def run(seeds: int = 3, frames: int = FRAMES, scenes: int = SCENES) -> dict[str, Any]:
    """Return the share of scenes that each way represents, for each seed."""
    found: dict[str, list[float]] = {"writer": []}
    for seed in range(seeds):
        true = directions(scenes, seed, DIM)
        which = visits(scenes, frames, seed)
        found["writer"].append(round(represented(_written(which, true, seed), true), 3))
        # The controls get the very frames that the writer got.
        rows = np.concatenate([
            seen(true, which[at : at + 60], seed + at) for at in range(0, len(which), 60)
        ])  # fmt: skip
        for name, way in WAYS.items():
            if name != "closest_pair":
                for size in (LIKE_OURS, LEAST):
                    share = represented(way(rows, size, seed), true)
                    found.setdefault(f"{name}_{size}", []).append(round(share, 3))
    return {"frames": frames, "scenes": scenes, "capacity": LEAST, "represented": found}


def _written(which: Any, true: Any, seed: int) -> Any:
    """Write the frames; return the vectors that are kept of them."""
    with tempfile.TemporaryDirectory() as place:
        stream = Stream(Path(place) / "s.longtake", len(which), FakeTextEncoder(), capacity=LEAST)
        with stream.store as store:
            for chunk in chunks(stream.video, which.tolist(), true, 1, (), seed):
                stream.writer.write(chunk)
                over = {k: n for k, n in stream.levels().items() if n > LEAST}
                kept = store.records(video=stream.video.id, level="frame", channel="sight")
                mass = sum(int(one.data.get("mass", 1)) for one in kept)
                if over or mass != chunk.span.end:
                    raise AssertionError(f"at {chunk.span.end}: {over}, mass {mass}")
            return store.vectors("frame", "sight", video=stream.video.id)[2]
