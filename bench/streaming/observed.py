"""Chunks as perception would hand them over, made up: for rows that ask about memory alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.bounded import seen
from longtake.memory.writer import MemoryWriter
from longtake.models.protocols import TextEncoder, Vectors
from longtake.settings import BudgetSettings
from longtake.storage.records import (
    Channel,
    Chunk,
    Level,
    Record,
    Thumb,
    VectorRow,
    Video,
    record_id,
)
from longtake.storage.store import Store
from longtake.timecode import Seconds, Span

CHUNK = 60
CLIP = 10
PICTURE = 2_000
"""Bytes of a made-up thumbnail."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text that was said or, where `line`, shown."""

    span: Span
    text: str
    line: bool = False


def record(
    video: Video, level: Level, channel: Channel, span: Span, text: str = "", **data: object
) -> Record:
    """Make a record that is known when its span ends."""
    name = record_id(video.ordinal, span.start, level, channel)
    return Record(name, video.id, level, channel, span, span.end, text, "drawn@1", (), data)


def chunks(
    video: Video, scene: Sequence[int], directions: Vectors, step: int, said: Sequence[Said],
    seed: int, *, pictures: bool = False,
) -> Iterator[Chunk]:  # fmt: skip
    """Yield chunks of 60 s: a frame every `step` seconds, clips of 10 s, words and lines."""
    texts = sorted(said, key=lambda one: one.span)
    for start in range(0, len(scene), CHUNK):
        end = min(start + CHUNK, len(scene))
        at = range(start, end, step)
        which = np.asarray([scene[t] for t in at], np.int64)
        vectors = seen(directions, which, seed + start)
        found: list[Record] = []
        thumbs: list[Thumb] = []
        for t in at:
            jpeg = hashlib.sha256(f"{seed} {t}".encode()).digest() * (PICTURE // 32)
            thumb = Thumb(hashlib.sha256(jpeg).hexdigest(), jpeg)
            more = {"thumb": thumb.name} if pictures else {}
            thumbs += [thumb] if pictures else []
            found.append(record(video, "frame", "sight", Span(t, t + step), **more))
        rows = [VectorRow(one.id, "sight", vector, one.known_at)
                for one, vector in zip(found, vectors, strict=True)]  # fmt: skip
        for t in range(start, end, CLIP):
            found.append(record(video, "clip", "caption", Span(t, min(t + CLIP, end)),
                                f"view {scene[t]}"))  # fmt: skip
        for one in texts:
            if start <= one.span.start < end:
                kind: Channel = "screen" if one.line else "speech"
                found.append(record(video, "moment", kind, one.span, one.text))
        yield Chunk(Span(start, end), tuple(found), tuple(rows), tuple(thumbs), (), b"",
                    end >= len(scene))  # fmt: skip


class Stream:
    """A made-up video being written."""

    def __init__(
        self, place: Path, seconds: Seconds, encoder: TextEncoder, *, capacity: int = 0,
        budget: int = 0,
    ) -> None:  # fmt: skip
        self.store = Store.open(place, write=True, create=True)
        print_ = hashlib.sha256(str(place).encode()).hexdigest()
        self.video = self.store.add_video(print_, "/nowhere", "drawn.ts", seconds, {})
        self.writer = MemoryWriter(self.store, self.video, encoder, capacity=capacity,
                                   budget=BudgetSettings(video_bytes=budget))  # fmt: skip

    def levels(self) -> dict[str, int]:
        """Return how many records each bounded level has."""
        kinds: tuple[tuple[Level, str], ...] = (
            ("frame", "sight"), ("clip", "caption"), ("scene", "caption"), ("chapter", "caption"),
        )  # fmt: skip
        return {one: self.store.count(video=self.video.id, level=one, channel=channel)
                for one, channel in kinds}  # fmt: skip
