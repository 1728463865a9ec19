"""Needles at several depths of streams of several lengths, under a capacity and a budget of bytes.

Every 20 s something is said, every minute a line is shown; scenes come and go. Four needles of each
kind lie about each depth: an odd word that is said, one that is shown for 4 s, and a thing that is
in the picture for 6 s. They are asked for through `Recall`, and found when one of the first ten
moments overlaps them. Control, for the longest stream: the same bytes, the oldest of everything
given up first.

The budget is one that the words of a day fit in: with a smaller one words go, the oldest first, and
before that all there is of pictures.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.bounded import directions
from bench.machine import say
from bench.streaming.drawn import HOUR, WORDS, visits
from bench.streaming.models import DIM
from bench.streaming.observed import Said, Stream, chunks
from longtake.memory.bounding import LEAST
from longtake.memory.recall import Recall
from longtake.models.protocols import Image, Vectors
from longtake.timecode import Span
from tests.fakes import FakeTextEncoder

LENGTHS, DEPTHS, EACH = (1, 4, 12, 24), (0.02, 0.25, 0.5, 0.75, 0.98), 4
SCENES = 40
STEP = 3
"""Seconds between frames."""
KINDS = ("said", "shown", "seen")
NEAR = 5.0


class Sight:
    """Knows what each scene and needle looks like by its number."""

    name, dim = "directions@1", DIM

    def __init__(self, rows: Vectors) -> None:
        self._rows = rows

    def encode_texts(self, texts: list[str]) -> Vectors:
        """Return the direction of what a text's last word numbers, else one of nothing here."""
        other = FakeTextEncoder(DIM).encode(texts)
        named = [text.rsplit(" ", 1)[-1] for text in texts]
        return np.stack([self._rows[int(name)] if name.isdigit() else other[n]
                         for n, name in enumerate(named)])  # fmt: skip

    def encode_images(self, images: list[Image]) -> Vectors:
        """Nobody asks by picture here."""
        raise NotImplementedError


def places(hours: int) -> dict[str, list[float]]:
    """Return the times of the needles of each kind, by depth; they lie apart from one another."""
    found: dict[str, list[float]] = {}
    for k, kind in enumerate(KINDS):
        found[kind] = [
            float(round(depth * (hours * HOUR - 120) + 30 * j + 10 * k))
            for depth in DEPTHS for j in range(EACH)
        ]  # fmt: skip
    return found


def odd(n: int, kind: str) -> str:
    """Return a word that nothing else holds."""
    letters = "bdfgklmnprstvz"
    first, last = letters[KINDS.index(kind)], letters[(3 * n + 5) % 14]
    return f"{first}o{letters[n % 14]}u{letters[n // 14]}a{last}i"


def script(hours: int, seed: int) -> tuple[list[int], list[Said]]:
    """Return the scene of every second, and what is said and shown."""
    drawn = np.random.default_rng(seed)
    scene = [v.scene for v in visits(hours, SCENES, seed) for _ in range(v.start, v.end)]
    said: list[Said] = []
    for t in range(0, hours * HOUR, 20):
        words = " ".join(WORDS[int(i)] for i in drawn.integers(0, len(WORDS), 8))
        said.append(Said(Span(t + 1.5, t + 6.0), f"we saw {words}"))
        if t % 60 == 0:
            line = " ".join(WORDS[int(i)] for i in drawn.integers(0, len(WORDS), 3))
            said.append(Said(Span(t + 2.5, t + 30.0), f"{line} {t}", line=True))
    spots = places(hours)
    for n, at in enumerate(spots["said"]):
        said.append(Said(Span(at + 0.25, at + 4.25), f"the password is {odd(n, 'said')}"))
    for n, at in enumerate(spots["shown"]):
        said.append(Said(Span(at + 0.75, at + 4.75), f"room code {odd(n, 'shown')}", line=True))
    for n, at in enumerate(spots["seen"]):
        for second in range(int(at), int(at) + 6):
            scene[second] = SCENES + n
    return scene, said


def _fifo(stream: Stream, budget: int) -> None:
    """Give up the oldest of everything until the bytes are within the budget."""
    store, video = stream.store, stream.video.id
    while store.sizes.of(video).total > budget:
        first = store.records(video=video, limit=1)[0].span.start
        store.delete_records(video, span=Span(0.0, first + 60.0))


def grid(hours: int, budget: int, seed: int, *, fifo: bool) -> dict[str, Any]:
    """Write one stream and ask for its needles; shares found by kind and depth."""
    rows = directions(SCENES + len(DEPTHS) * EACH, seed + 50, DIM)
    scene, said = script(hours, seed)
    encoder = FakeTextEncoder(DIM)
    capacity, limit = (0, 0) if fifo else (LEAST, budget)
    with tempfile.TemporaryDirectory() as place:
        stream = Stream(Path(place) / "n.longtake", len(scene), encoder, capacity=capacity,
                        budget=limit)  # fmt: skip
        with stream.store as store:
            for chunk in chunks(stream.video, scene, rows, STEP, said, seed, pictures=True):
                stream.writer.write(chunk)
                if fifo:
                    with store.transaction():
                        _fifo(stream, budget)
                over = [n for n in stream.levels().values() if capacity and n > capacity]
                if over or store.sizes.of(stream.video.id).total > budget:
                    raise AssertionError(f"at {chunk.span.end}: {stream.levels()}")
            held = store.sizes.of(stream.video.id)
            recall = Recall(store, encoder, Sight(rows))  # type: ignore[arg-type]
            found = {kind: _found(recall, kind, hours) for kind in KINDS}
    say(f"{hours} h {'fifo' if fifo else 'ours'}: {held} {found}")
    return {"bytes": held.total, "pictures": held.pictures, "found": found}


def _found(recall: Recall, kind: str, hours: int) -> list[float]:
    hits = []
    for n, t in enumerate(places(hours)[kind]):
        query = {"said": f"the password {odd(n, kind)}", "shown": f"room code {odd(n, kind)}",
                 "seen": f"view {SCENES + n}"}[kind]  # fmt: skip
        within = ["sight"] if kind == "seen" else None
        moments = recall.search(query, within=within, k=10).moments
        near = Span(t - NEAR, t + 6.0 + NEAR)
        hits.append(any(one.span.overlap(near) > 0 for one in moments))
    return [round(float(one), 3) for one in np.reshape(hits, (len(DEPTHS), EACH)).mean(axis=1)]


def run(lengths: tuple[int, ...], budget: int, seed: int = 0) -> dict[str, Any]:
    """Return the grids of ours and of the control, and the spread over depth."""
    told: dict[str, Any] = {"budget": budget, "capacity": LEAST, "depths": DEPTHS}
    for name, fifo in (("ours", False), ("fifo", True)):
        wanted = lengths[-1:] if fifo else lengths
        grids = {hours: grid(hours, budget, seed, fifo=fifo) for hours in wanted}
        every = np.array([[one["found"][kind] for kind in KINDS] for one in grids.values()])
        depth = every.mean(axis=(0, 1))
        told[name] = {
            "by_hours": grids, "recall": round(float(every.mean()), 3),
            "by_depth": [round(float(one), 3) for one in depth],
            "spread_points": round(100 * float(depth.max() - depth.min()), 1),
        }  # fmt: skip
    return told
