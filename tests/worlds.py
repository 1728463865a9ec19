"""A small lecture that was never filmed: records put straight into a library.

For tests of tools and agent, which need a memory and not a video. Sections follow one another;
each has a slide whose lines appear in turn ("a | b" are cells of one row), sentences that are spoken with small talk between
them, and what the camera saw. The truth stands in the script below, where tests can read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longtake.models.protocols import Vectors
from longtake.storage.records import Level, Progress, Record, VectorRow, Video, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from longtake.tools.topic import FUNCTION
from longtake.tools.words import stem, tokens
from tests.fakes import FakeTextEncoder

SMALL_TALK = (
    "Please stop me if anything is unclear.",
    "Let us take it one step at a time.",
    "I find this rather beautiful.",
    "Some of you asked about this last week.",
    "It sounds simple, but it took years.",
)


class ContentEncoder(FakeTextEncoder):
    """A bag of content words: texts are not near because both say "the" and "is"."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        plain = [" ".join(stem(w) for w in tokens(t) if w not in FUNCTION) or "-" for t in texts]
        return super().encode(plain)


@dataclass(frozen=True)
class Section:
    """One part of the lecture; `said` are (seconds into the section, sentence)."""

    title: str
    lines: tuple[str, ...]
    said: tuple[tuple[float, str], ...]
    sight: tuple[str, ...] = ("lectern", "projector")
    seconds: float = 120.0


SECTIONS: tuple[Section, ...] = (
    Section(
        "Welcome",
        ("Long context models", "Autumn course, lecture nine"),
        ((5, "Welcome everybody to the ninth lecture of this course."),
         (20, "Today we look at memory in very long sequences."),
         (50, "Professor Ilse Marquardt prepared the figures for today.")),
    ),
    Section(
        "Quantization",
        ("Quantization", "Eight bits are enough", "Error below 0.3 percent"),
        ((8, "Quantization stores every weight with fewer bits."),
         (40, "We measured a speed of forty two tokens per second on the old laptop."),
         (80, "The calibration set holds five hundred sentences from newspapers.")),
    ),
    Section(
        "Attention sinks",
        ("Attention sinks", "Keep the first four tokens", "Window of 1024 tokens"),
        ((10, "Now we come to attention sinks, which surprised all of us."),
         (45, "The first tokens soak up attention although they mean nothing."),
         (85, "Entropy drops sharply when the sinks are removed.")),
    ),
    Section(
        "Harbour",
        (),
        ((6, "Here is a short film from the harbour."),),
        ("golden retriever", "pier", "boathouse"),
        60.0,
    ),
    Section(
        "Pruning",
        ("Pruning", "Remove the smallest weights", "Sparsity of 60 percent"),
        ((9, "Pruning removes weights that hardly matter."),
         (50, "Remember attention sinks, they must never be pruned."),
         (90, "The reference implementation is called Kestrel.")),
    ),
    Section(
        "The exam",
        ("The exam", "Friday 12 June, room 214", "Bring a pocket calculator"),
        ((7, "A word about the exam, it takes place on Friday the twelfth of June."),
         (30, "You may bring one sheet of handwritten notes."),
         (70, "Questions about attention sinks will certainly be asked.")),
    ),
    Section(
        "Farewell",
        ("Thank you",),
        ((10, "Thank you for listening, and see you next week."),),
        ("lectern", "projector"),
        60.0,
    ),
)  # fmt: skip


@dataclass
class World:
    """A library with the lecture in it."""

    path: Path
    store: Store
    video: Video
    starts: dict[str, float] = field(default_factory=dict)
    toolbox: Any = None

    def at(self, title: str, seconds: float = 0.0) -> float:
        """A time in the video: so many seconds into a section."""
        return self.starts[title] + seconds


def lecture(
    folder: Path,
    encoder: Any,
    sections: tuple[Section, ...] = SECTIONS,
    *,
    name: str = "lecture.mp4",
    until: float | None = None,
    fingerprint: str = "ab" * 32,
) -> World:
    """Put the lecture into a library; `until` makes the deep pass stop there."""
    path = folder / "world.longtake"
    total = sum(section.seconds for section in sections)
    with Store.open(path, write=True, create=True) as store:
        video = store.add_video(
            fingerprint, str(folder / name), name, total, {"has_video": True, "has_audio": True}
        )
        records, starts = script_records(sections, video)
        if until is not None:
            records = [r for r in records if r.span.start < until]
        with store.transaction():
            store.put_records(records)
            store.put_vectors(_vectors(records, encoder))
            done = total if until is None else until
            store.set_progress(video.id, "deep", Progress(done, until is None, b""))
    store = Store.open(path)
    return World(path, store, store.video(video.id), starts)


def script_records(
    sections: tuple[Section, ...], video: Video
) -> tuple[list[Record], dict[str, float]]:
    """All records of the script, as perception and memory would have written them."""
    records: list[Record] = []
    starts: dict[str, float] = {}
    clock = 0.0
    for section in sections:
        starts[section.title] = clock
        span = Span(clock, clock + section.seconds)
        records += _speech(section, video, clock)
        records += _screen(section, video, span)
        records += _sight(section, video, span)
        records += _levels(section, video, span)
        clock += section.seconds
    whole = "A lecture about memory in long sequences."
    records.append(
        _record(video, "video", "caption", Span(0, clock), whole, 0, {"title": "Long context"})
    )
    return records, starts


def _record(
    video: Video, level: Level, channel: Any, span: Span, text: str, n: int = 0,
    data: dict[str, Any] | None = None,
) -> Record:  # fmt: skip
    name = record_id(video.ordinal, span.start, level, channel, n)
    known = span.start if channel in ("screen", "sight") else span.end
    return Record(name, video.id, level, channel, span, known, text, "script@1", (), data or {})


def _speech(section: Section, video: Video, clock: float) -> list[Record]:
    said = list(section.said)
    step = 15.0
    taken = [(at - 6, at + 8) for at, _ in said]
    fill = 0
    at = 1.0
    while at < section.seconds - 6:
        if not any(low <= at <= high for low, high in taken):
            said.append((at, SMALL_TALK[fill % len(SMALL_TALK)]))
            fill += 1
        at += step
    return [
        _record(
            video, "moment", "speech", Span(clock + at, clock + at + 0.4 * len(text.split())), text
        )
        for at, text in sorted(said)
    ]


def _screen(section: Section, video: Video, span: Span) -> list[Record]:
    records = []
    for n, text in enumerate(section.lines):
        begin = Span(span.start + 4.0 * n, span.end)
        high = min(0.2, 0.8 / len(section.lines))
        for m, cell in enumerate(text.split(" | ")):
            box = [0.1 + 0.3 * m, 0.1 + high * n, 0.35 + 0.3 * m, 0.1 + high * (n + 0.5)]
            data = {"score": 0.98, "box": box}
            records.append(_record(video, "moment", "screen", begin, cell, 10 * n + m, data))
        until = span.start + 4.0 * (n + 1) if n + 1 < len(section.lines) else span.end
        page = "\n".join(section.lines[: n + 1])
        records.append(_record(video, "frame", "screen", Span(begin.start, until), page))
    return records


def _sight(section: Section, video: Video, span: Span) -> list[Record]:
    records = []
    for n in range(int(span.duration // 10)):
        part = Span(span.start + 10 * n, span.start + 10 * (n + 1))
        tags = [[tag, round(0.7 / (i + 1), 3)] for i, tag in enumerate(section.sight)]
        text = ", ".join(section.sight) + "; grey"
        data = {"tags": tags, "colours": ["grey"], "thumb": None}
        records.append(_record(video, "frame", "sight", part, text, 0, data))
    return records


def _levels(section: Section, video: Video, span: Span) -> list[Record]:
    """Clips of 10 s that name the title and the picture, one scene and one chapter."""
    records = []
    for n in range(int(span.duration // 10)):
        part = Span(span.start + 10 * n, span.start + 10 * (n + 1))
        text = f"{section.title}. Shows perhaps {section.sight[0]}." if n == 0 else ""
        data = (
            {} if n == 0 else {"same_as": record_id(video.ordinal, span.start, "clip", "caption")}
        )
        records.append(_record(video, "clip", "caption", part, text, 0, data))
    title = {"title": section.title, "keywords": section.title.lower().split()}
    first = section.said[0][1]
    records.append(_record(video, "scene", "caption", span, f"{section.title}: {first}", 0, title))
    records.append(_record(video, "chapter", "caption", span, first, 0, title))
    return records


def _vectors(records: list[Record], encoder: Any) -> list[VectorRow]:
    worded = [r for r in records if r.text and r.channel != "sight"]
    rows = [
        VectorRow(r.id, "text", vector, r.known_at)
        for r, vector in zip(worded, encoder.encode([r.text for r in worded]), strict=True)
    ]
    seen = [r for r in records if r.channel == "sight"]
    labels = [str(r.data["tags"][0][0]) for r in seen]
    rows += [
        VectorRow(r.id, "sight", vector, r.known_at)
        for r, vector in zip(seen, encoder.encode(labels), strict=True)
    ]
    return rows
