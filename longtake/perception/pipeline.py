"""The deep pass: a video in, chunks of observations out, as a stream.

One decoder feeds pictures and sound. Clips are decided from the fine grid, seen by the `Eye`
one after another, and committed in chunks of about a minute: a clip is committed once its words
are known (no speech that began in it is still running) and its event changes are certain. The
chunk's `carry` holds the state at the last committed border; taken up from there, the pass gives
exactly the chunks that an undisturbed pass gives.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from longtake.perception.carry import pack, unpack
from longtake.perception.channels import PerceptionModels, open_channels
from longtake.perception.clips import clip_end, decided_at, rest_end, window
from longtake.perception.feed import Feed
from longtake.perception.glimpses import GlimpseTrack, rows
from longtake.perception.items import Picture, Sound
from longtake.perception.shots import ShotTrack
from longtake.perception.sources import Live
from longtake.perception.speech import Speech, listen
from longtake.perception.thrift import NOTHING
from longtake.perception.worker import BEHIND, Eye, Frame, Seen
from longtake.storage.records import Chunk, Record, Thumb, VectorRow, Video, record_id
from longtake.timecode import Seconds, Span

PREROLL = 2.0
OVERHEAR = 1.0
"""Seconds of sound heard beyond a chunk's border, to tell whether speech runs across it."""


def perceive(
    source: Path | Live,
    video: Video,
    models: PerceptionModels,
    *,
    carry: bytes | None = None,
    start: Seconds = 0.0,
    until: Seconds | None = None,
    chunk_seconds: Seconds = 60.0,
    first_chunk: Seconds | None = None,
    clip_seconds: Seconds = 10.0,
    stop: Callable[[], bool] = lambda: False,
    thrift: Callable[[Seconds], int] = lambda end: NOTHING,
    warnings: list[str] | None = None,
) -> Iterator[Chunk]:
    """Watch a video and yield what was perceived, chunk by chunk.

    Args:
        source: the video file, or a live source: then chunks come as it grows.
        video: its entry in the library (`ordinal`, `id` and `media` are used).
        models: `voice_activity`, `transcriber`, `text_reader`, `image_tagger`.
        carry: the last chunk's `carry`, to go on after it; `start` is then not used.
        start: where to begin without a carry.
        until: where to stop; the file's end if None.
        chunk_seconds: at least so much video in a chunk, save the last.
        first_chunk: the same for the very first chunk of a video, None for no difference.
        clip_seconds: the length that clips are given, ± 20 %.
        stop: asked between clips; True ends the pass at the last yielded chunk.
        thrift: asked before each clip, with its end, what to leave out of it; see `longtake.perception.thrift`.
        warnings: gets one sentence for each channel that is skipped.

    Raises:
        MediaError: the file cannot be read.
        Corrupt: `carry` is not a carry of this pass.
    """
    run = _Pass(source, video, models, start, until, chunk_seconds, clip_seconds, warnings)
    run.thrift = thrift
    run.first_chunk = first_chunk or chunk_seconds
    if carry:
        run.take_up(carry)
    yield from run.chunks(stop)


class _Pass:
    """One run of the deep pass."""

    def __init__(
        self,
        source: Path | Live,
        video: Video,
        models: PerceptionModels,
        start: Seconds,
        until: Seconds | None,
        chunk_seconds: Seconds,
        clip_seconds: Seconds,
        warnings: list[str] | None,
    ) -> None:
        from longtake.perception.media import probe
        from longtake.perception.sound import SoundTrack

        media = source.probe() if isinstance(source, Live) else probe(source)
        varies = isinstance(source, Live) and source.varies
        self.source, self.video, self.until = source, video, until
        self.chunk_seconds, self.clip_seconds = chunk_seconds, clip_seconds
        self.channels = open_channels(
            models, picture=media.has_video or varies, sound=media.has_audio or varies,
            warnings=warnings,
        )  # fmt: skip
        self.eye = Eye(video, self.channels)
        heard_by = self.channels.transcriber.name if self.channels.transcriber else ""
        self.speech = Speech(video, heard_by, start)
        self.sound = SoundTrack()
        self.track = ShotTrack()
        self.glimpses = GlimpseTrack()
        self.frames: list[Frame] = []
        self.seen: list[Seen] = []
        self.changes: list[tuple[Seconds, float]] = []
        self.committed = self.clip_start = start
        self.now = start
        self.first_chunk = chunk_seconds
        self.thrift: Callable[[Seconds], int] = lambda end: NOTHING
        self.length = media.duration  # a live source has none: nothing came, nothing is left
        self.open_end = isinstance(source, Live)

    def take_up(self, carry: bytes) -> None:
        """Go on after the chunk that `carry` came with."""
        arrays, facts = unpack(carry)
        self.committed = self.clip_start = self.now = facts["at"]
        self.speech.restore(facts["speech"])
        self.eye.restore(zlib.decompress(arrays["eye"].tobytes()))

    def chunks(self, stop: Callable[[], bool]) -> Iterator[Chunk]:
        """Yield chunks until the stream ends or `stop` says so."""
        from longtake.perception.decode import Decoder

        begin = max(0.0, self.committed - PREROLL)
        decoder = Decoder(self.source, start=begin, until=self.until)
        feed: Feed[Picture | Sound] = Feed(decoder, _weight)
        try:
            for item in feed:
                self._take(item)
                while self.now >= decided_at(self.clip_start, self.clip_seconds):
                    if stop():
                        return
                    self._see_clip(self._next_end())
                    if self._is_full():
                        yield from self._commit()
            yield from self._finish(stop)
        finally:
            feed.close()

    # -- taking in -------------------------------------------------------------------------

    def _take(self, item: Picture | Sound) -> None:
        if isinstance(item, Sound):
            self.now = max(self.now, item.start)
            if self.channels.hears:
                self.sound.add(item)
            return
        self.now = max(self.now, item.time)
        if item.small is not None:
            self.track.add(item.time, item.small)
            self.glimpses.add(item.time, item.small)
        if item.full is not None and item.time >= self.clip_start:
            self.frames.append((item.time, item.full))

    def _next_end(self) -> Seconds:
        low, high = window(self.clip_start, self.clip_seconds)
        return clip_end(self.clip_start, self.track.cuts(low, high), self.clip_seconds)

    def _see_clip(self, end: Seconds, *, last: bool = False) -> None:
        """Look at the clip from `clip_start` to `end`."""
        span = Span(self.clip_start, end)
        inside = [frame for frame in self.frames if frame[0] < end]
        self.frames = [frame for frame in self.frames if frame[0] >= end]
        decided = end if last else decided_at(self.clip_start, self.clip_seconds)
        seen = self.eye.see(span, inside, self.track, decided, thrift=self.thrift(end))
        seen.glimpses = rows(self.glimpses.between(span.start, math.inf if last else end))
        self.seen.append(seen)
        self.changes += seen.changes
        self.clip_start = end
        self.track.forget_before(end - PREROLL)
        self.glimpses.forget_before(end)

    def _is_full(self) -> bool:
        least = self.chunk_seconds if self.committed else self.first_chunk
        return self.clip_start - self.committed >= least + BEHIND

    # -- giving out ------------------------------------------------------------------------

    def _commit(self) -> Iterator[Chunk]:
        """Yield what is certain as one chunk."""
        clear = self._listen(self.clip_start)
        border = min(self.clip_start - BEHIND, clear)
        ready = [one for one in self.seen if one.facts.span.end <= border + 1e-6]
        if ready:
            yield self._chunk(ready, last=False)

    def _finish(self, stop: Callable[[], bool]) -> Iterator[Chunk]:
        """See and yield what is left at the end of the stream."""
        end = self._end()
        while self.clip_start < end - 1e-6:
            if stop():
                return
            rest = rest_end(self.clip_start, end, self.clip_seconds)
            self._see_clip(rest if rest == end else self._next_end(), last=rest == end)
            if self.clip_start < end and self._is_full():
                yield from self._commit()
        self._listen(self.clip_start, last=True)
        self.changes += self.eye.tiling.flush()
        if self.seen:
            yield self._chunk(self.seen, last=True)

    def _end(self) -> Seconds:
        """Return where the stream ended."""
        ends = [self.sound.end if self.channels.hears else 0.0]
        if self.track.times:
            step = self.track.times[-1] - self.track.times[-2] if len(self.track.times) > 1 else 0.2
            ends.append(self.track.times[-1] + step)
        end = max(ends) if max(ends) > 0 else self.length
        return round(min(end, self.until) if self.until is not None else end, 3)

    def _listen(self, border: Seconds, *, last: bool = False) -> Seconds:
        """Hear speech up to `border`; return until when all words are known."""
        voice, transcriber = self.channels.voice, self.channels.transcriber
        if voice is None or transcriber is None:
            return border
        end = border if last else min(border + OVERHEAR, max(border, self.sound.end))
        if self.speech.pending >= end:
            return border
        samples = self.sound.cut(self.speech.pending, end)
        heard = listen(samples, self.speech.pending, border, voice, transcriber, last=last)
        self.speech.take(heard)
        return border if last else heard.clear

    def _chunk(self, ready: list[Seen], *, last: bool) -> Chunk:
        span = Span(ready[0].facts.span.start, ready[-1].facts.span.end)
        records: dict[str, Record] = {}
        vectors: list[VectorRow] = []
        thumbs: dict[str, Thumb] = {}
        for record in self.speech.records(span, last=last):
            records[record.id] = record
        for seen in ready:
            records |= {record.id: record for record in seen.records}
            vectors += seen.vectors
            thumbs |= {thumb.name: thumb for thumb in seen.thumbs}
            clip = self._clip(seen)
            records[clip.id] = clip
        records |= {record.id: record for record in ready[-1].open}
        ordered = sorted(records.values(), key=lambda r: (r.span.start, r.id))
        boundaries = self._boundaries(ready, span)
        self._forget(ready, span)
        whole = self.until is None or (not self.open_end and self.until >= self.length - 1e-3)
        return Chunk(
            span, tuple(ordered), tuple(vectors), tuple(thumbs.values()), boundaries,
            self._carry(ready[-1]), last and whole,
        )  # fmt: skip

    def _clip(self, seen: Seen) -> Record:
        """Compose a clip's record, now that its words are known."""
        facts = seen.facts
        words = self.speech.words_in(facts.span)
        parents = dict.fromkeys(self.speech.parents_in(facts.span))
        parents |= dict.fromkeys(
            record_id(self.video.ordinal, one.time, "frame", "sight") for one in facts.looks
        )
        known = max(seen.decided, facts.span.end, self.speech.known_at(facts.span))
        return Record(
            seen.id, self.video.id, "clip", "caption", facts.span, round(known, 3), seen.caption,
            "composed", tuple(parents), clip_data(seen, words),
        )  # fmt: skip

    def _boundaries(self, ready: list[Seen], span: Span) -> tuple[tuple[Seconds, float], ...]:
        """Join cuts and event changes; a change right after a cut is that cut."""
        cuts = {time: strength for seen in ready for time, strength in seen.facts.cuts}
        for time, strength in self.changes:
            near = [at for at in cuts if abs(at - time) <= 2.0]
            if span.contains(time) and not near:
                cuts[time] = strength
            elif near:
                at = min(near, key=lambda t: (abs(t - time), t))
                cuts[at] = round(min(1.0, cuts[at] + strength), 4)
        return tuple(sorted(cuts.items()))

    def _forget(self, ready: list[Seen], span: Span) -> None:
        self.seen = self.seen[len(ready) :]
        self.changes = [change for change in self.changes if change[0] >= span.end]
        self.speech.forget(span.end)
        self.sound.drop_before(min(span.end, self.speech.pending) - PREROLL)
        self.committed = span.end

    def _carry(self, seen: Seen) -> bytes:
        eye = np.frombuffer(zlib.compress(seen.state, 1), np.uint8)
        return pack({"eye": eye}, {"at": self.committed, "speech": self.speech.state()})


def clip_data(seen: Seen, words: list[Any]) -> dict[str, Any]:
    """Return the facts that a clip's record lists."""
    from longtake.perception.captions import best_tags, colours_of

    facts = seen.facts
    data: dict[str, Any] = {
        "tags": [[tag.label, tag.p] for tag in best_tags(facts.looks)[:8]],
        "colours": colours_of(facts.looks),
        "motion": facts.motion,
        "cuts": [time for time, _ in facts.cuts],
        "new_lines": [[time, text] for time, text in facts.new_lines],
        "gone_lines": [[time, text] for time, text in facts.gone_lines],
        "speech": " ".join(word.text.strip() for word in words),
        "speech_seconds": round(sum(word.end - word.start for word in words), 2),
        "frames": [one.time for one in facts.looks],
        "thumb": facts.looks[0].thumb.name if facts.looks else None,
        "still": facts.still,
        "readings": round(seen.readings / 100, 2),
    }
    if seen.glimpses:
        data["glimpses"] = seen.glimpses
    if seen.same_as:
        data["same_as"] = seen.same_as
    if seen.left_out:
        data["left_out"] = [seen.left_out]
    return data


def _weight(item: Picture | Sound) -> int:
    """Bytes of a decoded item."""
    parts = (getattr(item, name, None) for name in ("samples", "small", "full"))
    return sum(int(part.nbytes) for part in parts if part is not None)
