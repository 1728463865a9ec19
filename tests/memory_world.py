"""Chunks of made-up observations, for tests of memory without perception."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from longtake.storage.records import Channel, Chunk, Level, Record, VectorRow, Video, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.fakes import FakeTextEncoder


class Encoder(FakeTextEncoder):
    """The fake encoder with a memory: tests embed the same texts many times."""

    known: ClassVar[dict[tuple[int, str], Any]] = {}

    def encode(self, texts: Sequence[str]) -> Any:
        new = [text for text in texts if (self.dim, text) not in self.known]
        for text, row in zip(new, super().encode(new), strict=True):
            self.known[self.dim, text] = row
        rows = [self.known[self.dim, text] for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)


@dataclass
class Script:
    """What happens in a video, by spans; observations are derived from it."""

    duration: float
    said: list[tuple[float, float, str]] = field(default_factory=list)
    shown: list[tuple[float, float, str, float]] = field(default_factory=list)
    """(start, end, line, top of its box)."""
    seen: list[tuple[float, float, str]] = field(default_factory=list)
    """(start, end, words for what a camera shows)."""
    captions: list[tuple[float, float, str]] = field(default_factory=list)
    tags: list[tuple[float, float, list[Any]]] = field(default_factory=list)
    """(start, end, labels): what composed captions hold; without any, captions are told."""
    clip: float = 10.0
    sight_noise: float = 0.0
    frames: bool = True


def _record(
    video: Video, level: Level, channel: Channel, span: Span, text: str, **data: Any
) -> Record:
    n = int(data.pop("n", 0))
    known = float(data.pop("known_at", span.end))
    name = record_id(video.ordinal, span.start, level, channel, n)
    return Record(name, video.id, level, channel, span, known, text, "test@1", (), data)


def observe(video: Video, script: Script, dim: int = 64) -> list[tuple[Record, VectorRow | None]]:
    """Return every record of a script with its picture vector."""
    encoder = Encoder(dim)
    noise = np.random.default_rng(7)
    found: list[tuple[Record, VectorRow | None]] = []
    for start, end, text in script.said:
        words = text.split()
        step = (end - start) / len(words)
        spread = [[start + i * step, start + (i + 1) * step, w, 0.9] for i, w in enumerate(words)]
        found.append(
            (_record(video, "moment", "speech", Span(start, end), text, words=spread), None)
        )
    for n, (start, end, line, top) in enumerate(script.shown):
        box = [0.1, top, 0.9, top + (0.1 if top < 0.2 else 0.05)]
        found.append(
            (
                _record(
                    video,
                    "moment",
                    "screen",
                    Span(start, end),
                    line,
                    n=n,
                    box=box,
                    score=0.98,
                    known_at=start,
                ),
                None,
            )
        )
    for start in sorted({one[0] for one in script.shown}):
        lines = [one for one in script.shown if one[0] <= start < one[1]]
        end = min(one[1] for one in lines)
        page = "\n".join(one[2] for one in lines)
        found.append(
            (_record(video, "frame", "screen", Span(start, end), page, known_at=start), None)
        )
    for second in range(int(script.duration)) if script.frames else ():
        vector = np.zeros(dim, np.float32)
        for start, end, words in script.seen:
            if start <= second < end:
                vector += encoder.encode([words])[0]
        if vector.any() or script.sight_noise:
            vector += script.sight_noise * noise.standard_normal(dim).astype(np.float32)
            record = _record(video, "frame", "sight", Span(second, second + 1.0), "")
            row = VectorRow(record.id, "sight", _unit(vector), record.known_at)
            found.append((record, row))
    start = 0.0
    while start < script.duration:
        span = Span(start, min(start + script.clip, script.duration))
        told = [text for low, high, text in script.captions if span.overlap(Span(low, high)) > 0]
        data: dict[str, Any] = {}
        if script.tags:
            tags = [t for low, high, row in script.tags if low <= start < high for t in row]
            data = {"tags": tags, "colours": ["grey", "white"]}
        found.append((_record(video, "clip", "caption", span, " ".join(told), **data), None))
        start = span.end
    return found


def _unit(vector: Any) -> Any:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def chunks(video: Video, script: Script, size: float = 60.0, dim: int = 64) -> list[Chunk]:
    """Cut what was observed into chunks; a record comes in the chunk that knows it."""
    found = observe(video, script, dim)
    borders = np.arange(0.0, script.duration, size).tolist()
    made: list[Chunk] = []
    for start in borders:
        end = min(start + size, script.duration)
        last = end >= script.duration
        inside = [
            (record, row)
            for record, row in found
            if start < record.known_at <= end
            or (record.known_at <= 0 and start == 0)
            or (last and record.known_at > end)
        ]
        made.append(
            Chunk(
                Span(start, end),
                tuple(record for record, _ in inside),
                tuple(row for _, row in inside if row is not None),
                (),
                (),
                b"carry",
                last,
            )
        )
    return made


def add_video(store: Store, name: str, duration: float) -> Video:
    """Add a video that has no file."""
    return store.add_video(
        fingerprint=hashlib.sha256(name.encode()).hexdigest(),
        path=f"/nowhere/{name}",
        name=name,
        duration=duration,
        media={},
    )


def remember(
    store: Store, name: str, script: Script, *, size: float = 60.0, encoder: Any = None
) -> Video:
    """Write a whole script into a store."""
    from longtake.memory.writer import MemoryWriter

    video = add_video(store, name, script.duration)
    writer = MemoryWriter(store, video, encoder or Encoder())
    for chunk in chunks(video, script, size):
        writer.write(chunk)
    writer.finish()
    return video


def open_store(path: Path) -> Store:
    """A new library to write to."""
    return Store.open(path / "test.longtake", write=True, create=True)


TOPICS: dict[str, Sequence[str]] = {
    "Attention sinks": (
        "attention sinks keep the first tokens in the cache forever",
        "without sinks the attention of the window collapses",
        "four sink tokens are enough for a stable window",
    ),
    "Rotary positions": (
        "rotary positions turn every key by an angle",
        "the angle of a rotary position grows with distance",
        "keys are stored without rotation and turned when read",
    ),
    "Bread baking": (
        "flour water salt and yeast make simple bread",
        "let the dough rest until it doubles in size",
        "bake the loaf at high heat with steam in the oven",
    ),
    "Harbour history": (
        "the harbour was dug by hand two centuries ago",
        "ships carried coal and grain from the old harbour",
        "the lighthouse at the harbour still burns every night",
    ),
}


def lecture(minutes_each: float = 5.0, topics: Sequence[str] = tuple(TOPICS)) -> Script:
    """A talk that goes through topics, a slide title for each, with no pauses."""
    script = Script(duration=60 * minutes_each * len(topics))
    for i, topic in enumerate(topics):
        begin = 60 * minutes_each * i
        end = begin + 60 * minutes_each
        script.shown.append((begin, end, topic, 0.06))
        script.shown.append((begin, end, f"slide {i + 1} of {len(topics)}", 0.92))
        time, n = begin, 0
        while time + 5 <= end:
            script.said.append((time + 0.5, time + 4.5, TOPICS[topic][n % 3] + "."))
            time, n = time + 5, n + 1
        script.captions.append((begin, end, f"A slide titled {topic}."))
        script.seen.append((begin, end, topic))
    return script
