"""A second look at a span of the source: finer in time, full resolution, closer up.

The deepest tier of memory is the source itself. Frames are decoded again and those that repeat are
left out. Text is read, and the tagger looks, on whole frames, on enlarged overlapping quarters
(where text is small, or edges promise text that was not read), or on a grid of crops at full
resolution, enlarged (`longtake.perception.zoom`): IVA's zoom, frames by the question and then
regions of them (S30). With a captioner the frames are described with the question in mind (S37).

A look also says where it could not see well: `changes` between frames, and `unread` regions whose
edges promise text that was not read surely. The next, finer look goes there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias

from longtake.errors import MissingError
from longtake.models.protocols import Captioner, Image, ImageTagger, Tag, TextLine, TextReader
from longtake.perception.changes import (
    MOST_READINGS,
    Change,
    Fresh,
    Swept,
    changing,
    sweep_of,
    telling,
)
from longtake.perception.channels import PerceptionModels, open_channels
from longtake.perception.distinct import distinct
from longtake.perception.economy import Economy, shrink
from longtake.perception.edges import Box
from longtake.perception.lines import overlap, readable, similarity
from longtake.perception.reading import crop, is_torn, placed
from longtake.perception.sight import colours
from longtake.perception.sources import Live
from longtake.perception.zoom import MOST_INK, better, enlarged, read_grid, unread_parts
from longtake.storage.records import Video
from longtake.timecode import Seconds, Span

MOST_FRAMES = 120
MOST_LOOKS = 24
SMALL_TEXT = 24
"""Pixels: text lower than this is read again, enlarged."""
LEAST_TAG = 0.1
MOST_CAPTIONED = 8
MOST_OF_IT = 0.5
"""Share of a frame from which all of it is read, and not what is new alone."""
Crops: TypeAlias = Literal["changed", "whole", "quarters", "grid"]
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


@dataclass(frozen=True, slots=True)
class Hues:
    """The named colours that a frame mostly shows."""

    time: Seconds
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """A region whose edges promise text that was not read, or not surely; `weight` 0 to 1."""

    start: Seconds
    end: Seconds
    box: Box
    weight: float


@dataclass(frozen=True)
class Look:
    """What a second look found.

    `size` is the frames' width and height; `cost` counts frames decoded, readings, tagged images
    and captions.
    """

    span: Span
    lines: tuple[SeenLine, ...]
    tags: tuple[SeenTag, ...]
    frames: tuple[Seconds, ...]
    cost: dict[str, int] = field(default_factory=dict)
    caption: str = ""
    colours: tuple[Hues, ...] = ()
    changes: tuple[Change, ...] = ()
    unread: tuple[Unread, ...] = ()
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Rung:
    """How closely a rung of the ladder looks.

    `crops` is which parts are read and tagged beside or instead of the whole frame; `longest` and
    `frames` bound the span and the frames decoded, `readings` the frames on which text is read.
    """

    fps: float
    crops: Crops
    longest: Seconds
    frames: int
    readings: int


RUNGS: dict[str, Rung] = {
    "R4": Rung(2.0, "whole", 12.0, 24, 8),
    "R4s": Rung(4.0, "changed", 90.0, 360, 8),
    "R5": Rung(8.0, "quarters", 4.0, 32, 4),
    "R6": Rung(4.0, "grid", 2.0, 8, 2),
}
"""The rungs that decode: 10 s at 2 fps; a page that stands at 4 fps, of which only what changes
is read; 2-4 s at 8 fps and double size; crops at full resolution."""


def look(
    source: Path | Live,
    video: Video,
    span: Span,
    models: PerceptionModels,
    *,
    fps: float = 2.0,
    question: str | None = None,
    closer: bool = True,
    crops: Crops | None = None,
    boxes: Sequence[Box] = (),
    readings: int = MOST_READINGS,
    text: bool = True,
    warnings: list[str] | None = None,
) -> Look:
    """Look at a span again.

    Args:
        source: the video file, or what is newest of one that grows (`newest`).
        video: its entry in the library.
        span: what to look at.
        models: `text_reader` and `image_tagger` are used, and `captioner` where there is one.
        fps: frames per second to decode; lowered so that no more than 120 are decoded, raised
            so that a short span has one.
        question: what the look is for; models that cannot use it leave it aside.
        closer: False leaves the enlarged quarters out (the control in tests).
        crops: which parts to read and tag; by default quarters, or the whole without `closer`.
        boxes: with ``grid``, the parts of the frame to look at; none lets edges choose them.
        readings: frames on which text is read, at most.
        text: False leaves reading out, which is most of the work.
        warnings: gets one sentence for each channel that is skipped.

    Raises:
        MediaError: the file cannot be read.
    """
    from longtake.perception.frames import frames_in

    if crops == "changed":
        return _sweep(sweep_of(source, span, fps), span, models, readings, text, warnings)
    length = max(span.duration, 1e-6)
    frames = list(frames_in(source, span, max(min(fps, MOST_FRAMES / length), 1.0 / length)))
    channels = open_channels(models, picture=True, sound=False, text=text, warnings=warnings)
    how: Crops = crops or ("quarters" if closer else "whole")
    worth, changes = changing(frames, readings)
    read = _Text(channels.reader, how, boxes)
    for time, image, until in worth if channels.reader is not None else ():
        read.read(image, time, min(until, span.end))
    tags: list[SeenTag] = []
    tagged = 0
    if channels.tagger is not None:
        tags, tagged = tag_closely(channels.tagger, frames, crops=how, boxes=boxes)
    told, captions = captioned(models, frames, question)
    cost = {"frames": len(frames), "readings": read.readings, "tagged": tagged}
    return Look(
        span=span,
        lines=tuple(sorted(read.lines, key=lambda o: (o.start, o.box[1], o.box[0], o.text))),
        tags=tuple(tags),
        frames=tuple(time for time, _ in frames),
        cost=cost | ({"captions": captions} if captions else {}),
        caption=told,
        colours=hues(frames),
        changes=changes,
        unread=tuple(read.unread),
        size=(int(frames[0][1].shape[1]), int(frames[0][1].shape[0])),
    )


def _sweep(
    seen: Swept, span: Span, models: PerceptionModels, readings: int, text: bool,
    warnings: list[str] | None,
) -> Look:  # fmt: skip
    """Read what is new in the frames that a sweep kept; where that cannot be read, point there."""
    channels = open_channels(
        models, picture=True, sound=False, text=text, tags=not text, warnings=warnings
    )
    read, kept = _Text(channels.reader, "changed", ()), seen.fresh
    missed = list(kept[1:])
    for n in telling([one.new for one in kept], readings) if channels.reader else ():
        if read.part(kept[n]) and kept[n] in missed:
            missed.remove(kept[n])
    frames = [(one.time, one.image) for one in kept]
    tags: list[SeenTag] = []
    tagged = 0
    if channels.tagger is not None:
        tags, tagged = tag_closely(channels.tagger, frames, crops="whole")
    return Look(
        span=span,
        lines=tuple(sorted(read.lines, key=lambda o: (o.start, o.box[1], o.box[0], o.text))),
        tags=tuple(tags),
        frames=seen.times,
        cost={"frames": len(seen.times), "readings": read.readings, "tagged": tagged},
        colours=hues(frames),
        changes=tuple(Change(one.time, one.share) for one in missed),
        unread=tuple(read.unread),
        size=(int(frames[0][1].shape[1]), int(frames[0][1].shape[0])),
    )


_ONE_AT_A_TIME = Lock()
"""Looks run in parallel, but a text reader keeps the size of its picture while it reads."""


class _Text:
    """Reads the frames of one look, and keeps what was read and what could not be."""

    def __init__(self, reader: TextReader | None, how: Crops, boxes: Sequence[Box]) -> None:
        self._reader = reader
        self._how = how
        self._boxes = boxes
        self.lines: list[SeenLine] = []
        self.unread: list[Unread] = []
        self.readings = 0

    def read(self, image: Image, time: Seconds, until: Seconds) -> None:
        """Read one frame, which stands until a time."""
        assert self._reader is not None
        with _ONE_AT_A_TIME:
            if self._how == "grid":
                found, count = read_grid(self._reader, image, self._boxes)
            else:
                closer = self._how == "quarters"
                found, count = read_closely(self._reader, image, closer=closer)
        self.readings += count
        self.lines = merge(self.lines, found, time, until)
        for box, weight in unread_parts(image, found):
            self.unread.append(Unread(time, until, box, weight))

    def part(self, one: Fresh) -> bool:
        """Read the part of a frame that is new; whether there was anything to read."""
        assert self._reader is not None
        x0, y0, x1, y1 = one.box
        with _ONE_AT_A_TIME:
            if (x1 - x0) * (y1 - y0) > MOST_OF_IT:
                found, count = read_closely(self._reader, one.image, closer=False)
            else:
                found, count = read_grid(self._reader, one.image, [one.box])
        self.readings += count
        self.lines = merge(self.lines, found, one.time, one.until)
        for box, weight in unread_parts(one.image, found):
            if weight > MOST_INK:  # the rest of the frame was not meant to be read
                self.unread.append(Unread(one.time, one.until, box, weight))
        return bool(found)


def hues(frames: Sequence[tuple[Seconds, Image]]) -> tuple[Hues, ...]:
    """Name the colours of the frames, each time that they change."""
    found: list[Hues] = []
    for time, image in frames:
        names = colours(shrink(image))
        if names and (not found or found[-1].names != names):
            found.append(Hues(time, names))
    return tuple(found)


def captioned(
    models: Any, frames: Sequence[tuple[Seconds, Image]], question: str | None
) -> tuple[str, int]:
    """Describe some frames with the question in mind, where a captioner is there."""
    try:
        captioner: Captioner | None = getattr(models, "captioner", None) if question else None
    except MissingError:  # Planned, and not here: the look goes on with what there is.
        captioner = None
    if captioner is None:
        return "", 0
    every = [image for _, image in frames]
    shown = [every[n] for n in distinct(every)]
    step = max(1, -(-len(shown) // MOST_CAPTIONED))
    return captioner.caption(shown[::step], question).strip(), 1


def read_whole(reader: TextReader, image: Image) -> list[TextLine]:
    """Read a frame as it is."""
    with _ONE_AT_A_TIME:
        return read_closely(reader, image, closer=False)[0]


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
            lines = better(lines, placed(line, exact))
    return sorted(lines, key=lambda one: (round(one.box[1], 2), one.box[0], one.text)), count


def _needs_closer(image: Image, lines: Sequence[TextLine]) -> bool:
    if not lines:
        return True
    heights = sorted((line.box[3] - line.box[1]) * image.shape[0] for line in lines)
    return heights[0] < SMALL_TEXT or min(line.score for line in lines) < 0.9


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
    tagger: ImageTagger,
    frames: Sequence[tuple[Seconds, Image]],
    *,
    crops: Crops = "quarters",
    boxes: Sequence[Box] = (),
) -> tuple[list[SeenTag], int]:
    """Tag the frames that differ and, on a few of them, their parts."""
    kept = [stretch[0] for stretch in alike(frames)]
    if len(kept) > MOST_LOOKS:
        kept = [kept[round(i * (len(kept) - 1) / (MOST_LOOKS - 1))] for i in range(MOST_LOOKS)]
    best: dict[tuple[Seconds, str], float] = {}
    count = 0
    for n, (time, image) in enumerate(kept):
        images = [image]
        if crops != "whole" and n % max(1, len(kept) // 6) == 0:
            images += [crop(image, box)[0] for box in boxes or QUARTERS]
        count += len(images)
        for tags in tagger.look(images)[0]:
            _note(best, time, tags)
    order = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [SeenTag(time, label, round(p, 4)) for (time, label), p in order], count


def alike(
    frames: Sequence[tuple[Seconds, Image]],
) -> list[list[tuple[Seconds, Image]]]:
    """Put frames together that follow each other and look alike: naming one names them all."""
    economy = Economy(keep_share=0.03, patience=0)
    found: list[list[tuple[Seconds, Image]]] = []
    for time, image in frames:
        if economy.offer(shrink(image)).keep:
            found.append([])
        found[-1].append((time, image))
    return found


def _note(best: dict[tuple[Seconds, str], float], time: Seconds, tags: Sequence[Tag]) -> None:
    for tag in tags[:5]:
        if tag.p >= LEAST_TAG:
            key = (time, tag.label)
            best[key] = max(best.get(key, 0.0), float(tag.p))
