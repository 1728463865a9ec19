"""The quick pass: the whole timeline roughly, before the deep pass has got far.

First a handful of frames spread evenly over the whole video, then keyframes in order, those
that the frame economy finds new. Reading text is dear: it is spread over the video by pacing it
against the clock, so a slow machine reads less but never only the beginning. Makers begin with
`quick:`; the deep pass replaces what is written here. This is the one pass whose records depend
on the machine's speed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from longtake.models.protocols import Image, TextLine
from longtake.perception.carry import pack
from longtake.perception.channels import Channels, PerceptionModels, open_channels
from longtake.perception.economy import Economy, shrink
from longtake.perception.lines import readable
from longtake.perception.sight import look, sight_record
from longtake.storage.records import Chunk, Record, Thumb, VectorRow, Video, record_id
from longtake.timecode import Seconds, Span

QUICK = "quick:"
FIRST_SWEEP = 16
FIRST_SHARE = 0.4
"""Share of the budget that the first, coarse sweep may take."""
EVERY = 10.0
MOST_KEYFRAMES = 360
PER_CHUNK = 8


def skim(
    source: Path,
    video: Video,
    models: PerceptionModels,
    *,
    budget_seconds: float,
    carry: bytes | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    warnings: list[str] | None = None,
) -> Iterator[Chunk]:
    """Look through a video quickly and yield what was seen; the last chunk has `last` set.

    Args:
        source: the video file.
        video: its entry in the library.
        models: `text_reader` and `image_tagger` are used.
        budget_seconds: about how long it may take.
        carry: ignored; a broken-off skim starts again.
        stop: asked between frames; True ends the pass.
        clock: seconds that pass, for the budget.
        warnings: gets one sentence for each channel that is skipped.

    Raises:
        MediaError: the file cannot be read.
    """
    from longtake.perception.media import probe

    media = probe(source)
    if not media.has_video:
        return
    channels = open_channels(models, picture=True, sound=False, warnings=warnings)
    run = _Skim(source, video, channels, media.duration, budget_seconds, clock)
    yield from run.first_sweep(stop)
    yield from run.keyframes(stop)


class _Skim:
    """One run of the quick pass."""

    def __init__(
        self,
        source: Path,
        video: Video,
        channels: Channels,
        duration: Seconds,
        budget: float,
        clock: Callable[[], float],
    ) -> None:
        self.source, self.video, self.channels = source, video, channels
        self.duration, self.budget, self.clock = duration, budget, clock
        self.began = clock()
        self.done: set[int] = set()

    def spent(self) -> float:
        """Share of the budget that is gone."""
        return (self.clock() - self.began) / self.budget if self.budget > 0 else 1.0

    def first_sweep(self, stop: Callable[[], bool]) -> Iterator[Chunk]:
        """Look at a few frames all over the video."""
        from longtake.perception.frames import frame_at

        count = max(1, min(FIRST_SWEEP, int(self.duration // EVERY)))
        step = self.duration / count
        batch: list[tuple[Seconds, Image]] = []
        for i in _spread(count):
            if stop() or self.spent() > FIRST_SHARE:
                break
            at = round((i + 0.5) * step, 3)
            batch.append((at, frame_at(self.source, at)))
            if len(batch) == PER_CHUNK // 2:
                yield self._chunk(batch, step, read=True)
                batch = []
        if batch:
            yield self._chunk(batch, step, read=True)

    def keyframes(self, stop: Callable[[], bool]) -> Iterator[Chunk]:
        """Go through the keyframes and look at those that are new."""
        from longtake.perception.frames import keyframes

        every = max(EVERY, self.duration / MOST_KEYFRAMES)
        economy = Economy(patience=0)
        batch: list[tuple[Seconds, Image]] = []
        for at, image in keyframes(self.source, every):
            if stop() or self.spent() > 1.0:
                break
            if economy.offer(shrink(image)).keep:
                batch.append((at, image))
            if len(batch) == PER_CHUNK:
                yield self._chunk(batch, every, read=self._on_pace(at))
                batch = []
        yield self._chunk(batch, every, read=self._on_pace(self.duration), last=True)

    def _on_pace(self, at: Seconds) -> bool:
        """Whether reading keeps the pass on its way to the end within the budget."""
        way = at / self.duration if self.duration > 0 else 1.0
        return self.spent() <= FIRST_SHARE + (1 - FIRST_SHARE) * way * 0.9

    def _chunk(
        self, frames: list[tuple[Seconds, Image]], step: Seconds, *, read: bool, last: bool = False
    ) -> Chunk:
        records: list[Record] = []
        vectors: list[VectorRow] = []
        thumbs: list[Thumb] = []
        frames = [f for f in frames if round(f[0] * 1000) not in self.done]
        self.done |= {round(at * 1000) for at, _ in frames}
        tagger, reader = self.channels.tagger, self.channels.reader
        maker = QUICK + (tagger.name if tagger else "colours")
        for seen in look(frames, tagger):
            until = min(self.duration, seen.time + step)
            record, rows = sight_record(seen, self.video, maker, max(seen.time, until))
            records.append(record)
            vectors += rows
            thumbs.append(seen.thumb)
        if read and reader is not None:
            for at, image in frames:
                lines = readable(reader.read([image])[0])
                until = max(at, min(self.duration, at + step))
                records += self._text(at, until, lines, QUICK + reader.name)
        span = Span(0.0, self.duration)
        ordered = sorted(records, key=lambda r: (r.span.start, r.id))
        return Chunk(span, tuple(ordered), tuple(vectors), tuple(thumbs), (), pack({}, {}), last)

    def _text(self, at: Seconds, until: Seconds, lines: list[TextLine], maker: str) -> list[Record]:
        """Return the records of a page and its lines."""
        if not lines:
            return []
        span, known = Span(at, until), at
        made = [
            Record(
                record_id(self.video.ordinal, at, "moment", "screen", n), self.video.id, "moment",
                "screen", span, known, line.text, maker, (),
                {"score": round(line.score, 4), "box": [round(edge, 4) for edge in line.box]},
            )
            for n, line in enumerate(lines)
        ]  # fmt: skip
        text = "\n".join(line.text for line in lines)
        page = Record(
            record_id(self.video.ordinal, at, "frame", "screen"), self.video.id, "frame", "screen",
            span, known, text, maker, tuple(one.id for one in made), {"lines": len(lines)},
        )  # fmt: skip
        return [page, *made]


def _spread(count: int) -> list[int]:
    """Order 0..count-1 so that every beginning of the order is spread over the whole."""
    order: list[int] = []
    step = 1
    while step < count:
        step *= 2
    while step >= 1:
        order += [i for i in range(0, count, step) if i not in order]
        step //= 2
    return order
