"""A second look at a span of the source: finer in time, full resolution, closer up.

The deepest tier of memory is the source itself. Frames are decoded again, those that repeat are
left out, text is read on whole frames and, where it is small or where edges promise text that
was not read, on enlarged overlapping quarters; the tagger sees the same crops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from longtake.models.protocols import Image, ImageTagger, Tag, TextLine, TextReader
from longtake.perception.channels import PerceptionModels, open_channels
from longtake.perception.economy import Economy, shrink
from longtake.perception.edges import OTHER, Box, EdgeMap, apart, edge_map, per_patch
from longtake.perception.reading import crop, is_torn, placed
from longtake.perception.screen import overlap, readable, similarity
from longtake.storage.records import Video
from longtake.timecode import Seconds, Span

MOST_FRAMES = 120
MOST_READINGS = 12
MOST_LOOKS = 24
SMALL_TEXT = 24
"""Pixels: text lower than this is read again, enlarged."""
LEAST_TAG = 0.1
QUARTERS: tuple[Box, ...] = (
    (0.0, 0.0, 0.58, 0.58),
    (0.42, 0.0, 1.0, 0.58),
    (0.0, 0.42, 0.58, 1.0),
    (0.42, 0.42, 1.0, 1.0),
)


@dataclass(frozen=True, slots=True)
class SeenLine:
    """A line of text, from the first to the last frame of the span that shows it."""

    start: Seconds
    end: Seconds
    text: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class SeenTag:
    """A thing that a frame, or a part of it, shows."""

    time: Seconds
    label: str
    p: float


@dataclass(frozen=True)
class Look:
    """What a second look found. `cost` counts frames decoded, readings and tagged images."""

    span: Span
    lines: tuple[SeenLine, ...]
    tags: tuple[SeenTag, ...]
    frames: tuple[Seconds, ...]
    cost: dict[str, int] = field(default_factory=dict)


def look(
    source: Path,
    video: Video,
    span: Span,
    models: PerceptionModels,
    *,
    fps: float = 2.0,
    question: str | None = None,
    closer: bool = True,
    warnings: list[str] | None = None,
) -> Look:
    """Look at a span again.

    Args:
        source: the video file.
        video: its entry in the library.
        span: what to look at.
        models: `text_reader` and `image_tagger` are used.
        fps: frames per second to decode; lowered so that no more than 120 are decoded.
        question: what the look is for; models that cannot use it leave it aside.
        closer: False leaves the enlarged quarters out (the control in tests).
        warnings: gets one sentence for each channel that is skipped.

    Raises:
        MediaError: the file cannot be read.
    """
    from longtake.perception.frames import frames_in

    rate = min(fps, MOST_FRAMES / max(span.duration, 1e-6))
    frames = list(frames_in(source, span, rate))
    channels = open_channels(models, picture=True, sound=False, warnings=warnings)
    lines: list[SeenLine] = []
    readings = tagged = 0
    if channels.reader is not None:
        worth = worth_reading(frames)
        for time, image, until in worth:
            found, count = read_closely(channels.reader, image, closer=closer)
            readings += count
            lines = merge(lines, found, time, min(until, span.end))
    tags: list[SeenTag] = []
    if channels.tagger is not None:
        tags, tagged = tag_closely(channels.tagger, frames, closer=closer)
    cost = {"frames": len(frames), "readings": readings, "tagged": tagged}
    times = tuple(time for time, _ in frames)
    ordered = sorted(lines, key=lambda one: (one.start, one.box[1], one.box[0], one.text))
    return Look(span, tuple(ordered), tuple(tags), times, cost)


def worth_reading(
    frames: Sequence[tuple[Seconds, Image]], most: int = MOST_READINGS
) -> list[tuple[Seconds, Image, Seconds]]:
    """Leave out frames whose edges were all there before; each stands until the next.

    When more differ than may be read, they are taken evenly over the span.
    """
    kept: list[tuple[Seconds, Image]] = []
    before: EdgeMap | None = None
    for time, image in frames:
        edges = edge_map(image)
        if before is None or before.shape != edges.shape or _is_new(edges, before):
            kept.append((time, image))
            before = edges
    if len(kept) > most:
        kept = [kept[round(i * (len(kept) - 1) / (most - 1))] for i in range(most)]
    step = frames[1][0] - frames[0][0] if len(frames) > 1 else 1.0
    ends = [time for time, _ in kept[1:]] + [frames[-1][0] + step if frames else 0.0]
    return [(time, image, end) for (time, image), end in zip(kept, ends, strict=True)]


def _is_new(edges: EdgeMap, before: EdgeMap) -> bool:
    other = apart(edges.grey, before.grey) > OTHER
    return bool((per_patch(other & (edges.strong | before.strong)) >= 8).any())


def enlarged(image: Image, times: int = 2) -> Image:
    """Return the picture that many times as large."""
    import cv2

    height, width = image.shape[:2]
    size = (width * times, height * times)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def read_closely(
    reader: TextReader, image: Image, *, closer: bool = True
) -> tuple[list[TextLine], int]:
    """Read a frame; read its quarters enlarged where text is small or seems to be missed."""
    lines = readable(reader.read([image])[0])
    if not closer or not _needs_closer(image, lines):
        return lines, 1
    count = 1
    for box in QUARTERS:
        part, exact = crop(image, box)
        found = readable(reader.read([enlarged(part)])[0])
        count += 1
        for line in found:
            if is_torn(line, part, exact):
                continue
            lines = _better(lines, placed(line, exact))
    return sorted(lines, key=lambda one: (round(one.box[1], 2), one.box[0], one.text)), count


def _needs_closer(image: Image, lines: Sequence[TextLine]) -> bool:
    if not lines:
        return True
    heights = sorted((line.box[3] - line.box[1]) * image.shape[0] for line in lines)
    return heights[0] < SMALL_TEXT or min(line.score for line in lines) < 0.9


def _better(lines: list[TextLine], new: TextLine) -> list[TextLine]:
    """Add a line read in a crop, in place of worse readings of the same text."""
    same = [line for line in lines if overlap(line.box, new.box) > 0.5]
    if not same:
        return [*lines, new]
    width = new.box[2] - new.box[0]
    shorter = width < 0.9 * max(line.box[2] - line.box[0] for line in same)
    if shorter or max(line.score for line in same) >= new.score:
        return lines
    return [*[line for line in lines if line not in same], new]


def merge(
    known: list[SeenLine], found: Sequence[TextLine], time: Seconds, until: Seconds
) -> list[SeenLine]:
    """Join the lines of one frame to those of the frames before."""
    merged = list(known)
    for line in found:
        for i, old in enumerate(merged):
            near = overlap(old.box, line.box) > 0.5 and old.end >= time - 1e-6
            if near and similarity(old.text, line.text) >= 0.9 and _same_number(old, line):
                best = (line.text, line.score) if line.score > old.score else (old.text, old.score)
                merged[i] = SeenLine(old.start, until, best[0], best[1], line.box)
                break
        else:
            merged.append(SeenLine(time, max(time, until), line.text, line.score, line.box))
    return merged


def _same_number(old: SeenLine, line: TextLine) -> bool:
    return [c for c in old.text if c.isdigit()] == [c for c in line.text if c.isdigit()]


def tag_closely(
    tagger: ImageTagger, frames: Sequence[tuple[Seconds, Image]], *, closer: bool = True
) -> tuple[list[SeenTag], int]:
    """Tag the frames that differ and, on a few of them, their quarters."""
    economy = Economy(keep_share=0.03, patience=0)
    kept = [(time, image) for time, image in frames if economy.offer(shrink(image)).keep]
    if len(kept) > MOST_LOOKS:
        kept = [kept[round(i * (len(kept) - 1) / (MOST_LOOKS - 1))] for i in range(MOST_LOOKS)]
    best: dict[tuple[Seconds, str], float] = {}
    count = 0
    for n, (time, image) in enumerate(kept):
        images = [image]
        if closer and n % max(1, len(kept) // 6) == 0:
            images += [crop(image, box)[0] for box in QUARTERS]
        count += len(images)
        for tags in tagger.look(images)[0]:
            _note(best, time, tags)
    order = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [SeenTag(time, label, round(p, 4)) for (time, label), p in order], count


def _note(best: dict[tuple[Seconds, str], float], time: Seconds, tags: Sequence[Tag]) -> None:
    for tag in tags[:5]:
        if tag.p >= LEAST_TAG:
            key = (time, tag.label)
            best[key] = max(best.get(key, 0.0), float(tag.p))
