"""Development worlds: talks made from templates, put into a library without pixels.

Confidence is fitted on them (`bench.calibrate`), so that no film is needed and none is fitted
on. The words of half one and half two are disjoint: subjects, people, statements and the way of
asking. Same settings, same worlds. What a recogniser and a reader of screens get wrong is put in
on purpose (`bench.worlds.dev_noise`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.worlds.dev_ask import DevQuestion, questions_of
from bench.worlds.dev_script import Script, write_script
from bench.worlds.dev_topics import Half
from longtake.storage.records import Channel, Chunk, Level, Record, VectorRow, Video, record_id
from longtake.timecode import Span

if TYPE_CHECKING:
    from longtake.models.protocols import TextEncoder
    from longtake.storage.store import Store

CHUNK, CLIP, FRAME = 60.0, 10.0, 4.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A world: its half, how many subjects and minutes."""

    name: str
    half: Half
    subjects: int
    minutes: float


RECIPES = (
    Recipe("fit-long", "one", 11, 80.0),
    Recipe("fit-short", "one", 6, 30.0),
    Recipe("held-long", "two", 11, 80.0),
    Recipe("held-short", "two", 6, 30.0),
)


@dataclass(frozen=True, slots=True)
class DevWorld:
    """A script, its questions, and how to put it into a library."""

    script: Script
    questions: tuple[DevQuestion, ...]

    def remember(self, store: Store, encoder: TextEncoder) -> Video:
        """Write the world into a store through the memory's own writer."""
        from longtake.memory.writer import MemoryWriter

        video = _add(store, self.script)
        writer = MemoryWriter(store, video, encoder)
        for chunk in chunks(video, self.script, encoder):
            writer.write(chunk)
        writer.finish()
        return video


def make_dev(recipe: Recipe, seed: int = 1) -> DevWorld:
    """Write one world and ask about it."""
    script = write_script(recipe.name, recipe.half, recipe.subjects, recipe.minutes, seed)
    return DevWorld(script, tuple(questions_of(script, seed)))


def _add(store: Store, script: Script) -> Video:
    name = f"{script.name}.mp4"
    return store.add_video(
        fingerprint=hashlib.sha256(name.encode()).hexdigest(),
        path=f"/nowhere/{name}",
        name=name,
        duration=script.duration,
        media={"has_video": True, "has_audio": True},
    )


def chunks(video: Video, script: Script, encoder: TextEncoder) -> Iterator[Chunk]:
    """Cut what was heard, read and seen into chunks; a record comes when it is known."""
    found = [*_speech(video, script), *_screen(video, script), *_sight(video, script, encoder)]
    found += _clips(video, script)
    found.sort(key=lambda pair: (pair[0].known_at, pair[0].id))
    for start in np.arange(0.0, script.duration, CHUNK).tolist():
        end = min(start + CHUNK, script.duration)
        last = end >= script.duration
        inside = [pair for pair in found
                  if start < pair[0].known_at <= end or (last and pair[0].known_at > end)
                  or (start == 0.0 and pair[0].known_at <= 0.0)]  # fmt: skip
        records = tuple(record for record, _ in inside)
        rows = tuple(row for _, row in inside if row is not None)
        yield Chunk(Span(start, end), records, rows, (), (), b"carry", last)


Observed = tuple[Record, VectorRow | None]


def _record(
    video: Video, level: Level, channel: Channel, span: Span, text: str, known: float,
    n: int = 0, **data: Any,
) -> Record:  # fmt: skip
    name = record_id(video.ordinal, span.start, level, channel, n)
    return Record(name, video.id, level, channel, span, known, text, "script@1", (), data)


def _speech(video: Video, script: Script) -> Iterator[Observed]:
    for start, end, text in script.said:
        words = text.split()
        step = (end - start) / len(words)
        times = [[round(start + i * step, 3), round(start + (i + 1) * step, 3), word, 0.9]
                 for i, word in enumerate(words)]  # fmt: skip
        yield _record(video, "moment", "speech", Span(start, end), text, end, words=times), None


def _screen(video: Video, script: Script) -> Iterator[Observed]:
    for n, (start, end, text, box) in enumerate(script.shown):
        data = {"score": 0.97, "box": [round(x, 3) for x in box]}
        yield _record(video, "moment", "screen", Span(start, end), text, start + 1, n, **data), None
    starts = sorted({one[0] for one in script.shown})
    for start, after in zip(starts, [*starts[1:], script.duration], strict=True):
        lines = [one for one in script.shown if one[0] <= start < one[1]]
        end = min([after, *(one[1] for one in lines)])
        page = "\n".join(one[2] for one in lines)
        span = Span(start, end)
        yield _record(video, "frame", "screen", span, page, start + 1, lines=len(lines)), None


def _sight(video: Video, script: Script, encoder: TextEncoder) -> Iterator[Observed]:
    """Frames of the scenes, and of the room between them; vectors as ConSE makes them."""
    noise = np.random.default_rng(7)
    room = ("lakeside", "web site", "envelope", "menu", "screen")
    backdrop = encoder.encode(list(room)).mean(0)
    scenes = [(start, end, label, p) for start, end, label, p in script.sights]
    scenes += [(start, end, "web site", 0.3) for _, (start, end) in script.pages]
    for start, end, label, p in sorted(scenes):
        own = encoder.encode([label])[0]
        times = np.arange(start, end, FRAME if label != "web site" else 30.0).tolist()
        for time in times:
            sure = float(np.clip(p + noise.normal(0.0, 0.08), 0.05, 0.98))
            vector = sure * own + (1 - sure) * backdrop + 0.02 * noise.standard_normal(len(own))
            tags = [[label, round(sure, 4)]] if sure >= 0.1 else []
            span = Span(time, min(time + FRAME, end))
            text = f"{label}; grey" if tags else "grey"
            one = _record(video, "frame", "sight", span, text, time + 1, tags=tags,
                          colours=["grey"], thumb=None)  # fmt: skip
            unit = (vector / np.linalg.norm(vector)).astype(np.float32)
            yield one, VectorRow(one.id, "sight", unit, one.known_at)


def _clips(video: Video, script: Script) -> Iterator[Observed]:
    start = 0.0
    while start < script.duration:
        span = Span(start, min(start + CLIP, script.duration))
        new = [text for begin, _, text, _ in script.shown if span.contains(begin)]
        tags = [
            [label, p] for low, high, label, p in script.sights if span.overlap(Span(low, high)) > 0
        ]
        told = [f"Screen text: {', '.join(f'“{line}”' for line in new)}."] if new else []
        told += [f"Shows {label} ({p:.2f})." for label, p in tags]
        data: dict[str, Any] = {
            "tags": tags,
            "colours": ["grey"],
            "new_lines": [[start, line] for line in new],
        }
        known = min(span.end + 4, script.duration + 4)
        yield _record(video, "clip", "caption", span, " ".join(told), known, **data), None
        start = span.end
