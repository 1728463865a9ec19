"""Decode once: one pass over a file that yields its pictures and its sound in order of time.

>>> for item in Decoder("lecture.mp4"):                               # doctest: +SKIP
...     match item:
...         case Picture(time, small, full): ...
...         case Sound(start, samples, rate): ...

Pictures stand on a grid of instants (see `pictures`), sound where its timestamps say (see
`hearing`). When a picture for time t arrives, all sound that begins before t has arrived, unless
the file itself holds the two far apart. A run from a later `start` yields bit for bit what a run
from 0 yields from there on, and sound from one second before.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from longtake.errors import EmptyMedia, MediaError, Unreadable
from longtake.perception.clock import Clock
from longtake.perception.hearing import SoundFlow, first_needed
from longtake.perception.items import Image, Picture, Samples, Sound
from longtake.perception.media import (
    Streams,
    choose_streams,
    formats,
    longest_credible,
    open_media,
    read_packets,
    stated_duration,
    zero_of,
)
from longtake.perception.pictures import NEAR, Grid, PictureFlow
from longtake.perception.segments import SegmentFolder
from longtake.perception.sources import Live
from longtake.timecode import Seconds, format_time

__all__ = ["Decoder", "Image", "Item", "Picture", "Samples", "Sound"]

Item: TypeAlias = Picture | Sound

_INDEXED = {"mov", "matroska", "webm"}  # seeking lands where asked, timestamps stay the same
_RUN_UP = 2.0  # pictures are decoded from a keyframe at least this long before the start
_MOST_HELD_BYTES = 64 << 20


class Decoder:
    """Iterate over it; each iteration is one pass. `warnings` tells what was mended or left out.

    Args:
        path: a local file, a folder of segments as it stands, or a live source.
        start: yield from the first grid instant at or after this time.
        until: stop before this time; None is the end of the file.
        fine_fps: rate of the small pictures.
        coarse_fps: rate of the full ones, at most `fine_fps`.
        small: width and height of the small pictures (aspect is not kept).
        max_side: the longest side of a full picture; larger ones are scaled down.
        sound: False leaves the sound out.
        picture: False leaves the pictures out.

    Raises (while iterating):
        NoSuchFile, Unreadable, EmptyMedia: the file cannot be read at all.
        SourceGone: what is wanted of a folder is no longer there.
    """

    def __init__(
        self, path: Path | str | Live, *, start: Seconds = 0.0, until: Seconds | None = None,
        fine_fps: float = 5.0, coarse_fps: float = 1.0, small: tuple[int, int] = (160, 90),
        max_side: int = 1920, sound: bool = True, picture: bool = True,
    ) -> None:  # fmt: skip
        if not isinstance(path, Live) and Path(path).is_dir():
            path = SegmentFolder(path, idle=0.0)
        self.live = path if isinstance(path, Live) else None
        self.path = Path(path.path if isinstance(path, Live) else path)
        self.start = max(0.0, start)
        self.until = math.inf if until is None else until
        self.small = small
        self.max_side = max_side
        self.sound = sound
        self.picture = picture
        self.grid = Grid(fine_fps, coarse_fps)
        self.warnings: list[str] = []
        self.end: Seconds = 0.0
        self.enough = False

    def __iter__(self) -> Iterator[Item]:
        """Decode from `start` to `until`."""
        self.warnings.clear()
        self.enough = False
        if self.live is None:
            with open_media(self.path) as container:
                yield from self._one(container)
            return
        self.live.begin_at(self.start, self.until)
        with closing(self.live.legs()) as legs:
            for container in legs:
                try:
                    yield from self._one(container)
                except MediaError as error:
                    if not self.live.spoilt(error):
                        raise
                if self.enough:  # it did not break off
                    return

    def _one(self, container: Any) -> Iterator[Item]:
        one = _Pass(self, container)
        if self.live and not (one.pictures or one.sounds):
            return  # other legs may have what is wanted
        try:
            yield from one.run()
        finally:
            one.close()

    def stop(self) -> None:
        """End a live source where it is; a file needs no stopping."""
        if self.live:
            self.live.stop()


class _Pass:
    """One pass: feeds packets to the two flows and merges what they yield."""

    def __init__(self, decoder: Decoder, container: Any) -> None:
        self._decoder = decoder
        self._container = container
        self._streams: Streams = choose_streams(container, decoder.path.name)
        if not decoder.sound:
            self._streams.audio = None
        if not decoder.picture:
            self._streams.video = None
        live = decoder.live
        self._stated = stated_duration(container) if live is None or live.whole else None
        self._begins = begins = live.begins if live else 0.0
        self._start = start = max(decoder.start, begins)
        self._zero = zero_of(container) - Fraction(begins).limit_denominator(1_000_000)
        longest = 0.0 if live else longest_credible(container)
        self._clock = Clock(self._zero, longest, decoder.warnings, self._broke if live else None)
        video, audio = self._streams.video, self._streams.audio
        self.pictures = video and PictureFlow(
            video, decoder.grid, start=start, small=decoder.small,
            max_side=decoder.max_side, opens=begins,
        )  # fmt: skip
        again = live.again if live else decoder.path
        self.sounds = audio and SoundFlow(again, audio, start=start)
        self._merge = Merge(self)
        self._until = decoder.until
        self._end = begins
        self._held: list[Any] = []
        self._held_bytes = 0
        self._running = start <= begins  # else what comes before the start is passed over

    def _broke(self, why: str) -> None:
        assert self._decoder.live
        self._decoder.live.note(why, at=self._clock.broke)

    def close(self) -> None:
        if self.sounds:
            self.sounds.close()

    def run(self) -> Iterator[Item]:
        for item in self._items():
            time = item.time if isinstance(item, Picture) else item.start
            if time < (self._until if isinstance(item, Picture) else self._decoder.until):
                self._decoder.end = max(
                    self._decoder.end, item.end if isinstance(item, Sound) else time
                )
                if self._decoder.live:
                    self._decoder.live.now = self._decoder.end
                yield item
            elif time >= self._decoder.until:
                self._decoder.enough = True
        if self._decoder.live:
            self._decoder.live.now = max(self._decoder.live.now, self._reached())
        self._report()

    def _reached(self) -> Seconds:
        """Where the leg ended, also where nothing was yielded: there the next one begins."""
        return max([self._end, *(flow.end for flow in (self.pictures, self.sounds) if flow)])

    def _items(self) -> Iterator[Item]:
        chosen = [s for s in (self._streams.video, self._streams.audio) if s is not None]
        self._seek()
        for packet in read_packets(self._container, chosen, self._decoder.warnings):
            time = self._clock.set(packet)
            if packet.pts is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                self._end = max(self._end, end)
            self._feed(packet, time)
            yield from self._merge.ready()
            if self._merge.past(self._decoder.until):
                self._decoder.enough = True
                return
        self._release()
        if self.sounds:
            self._merge.add(self.sounds.drain())
        if self._decoder.live:  # the next leg has its own picture at that time
            self._until = min(self._until, self._decoder.live.leg_ends() - NEAR)
        if self.pictures:
            heard = min(self.sounds.end if self.sounds else 0.0, self._until)
            yield from self._merge.last(self.pictures.finish(heard, self._until))
        yield from self._merge.last(iter(()))

    def _feed(self, packet: Any, time: Seconds | None) -> None:
        if self.sounds and packet.stream.index == self._streams.audio.index:  # type: ignore[union-attr]
            self._merge.add(self.sounds.push(packet))
            if self.pictures and self._running:
                self._merge.add(self.pictures.catch_up(self.sounds.end))
        elif self.pictures:
            if self._running:
                self._merge.add(self.pictures.push(packet))
            else:
                self._hold(packet, time)

    def _hold(self, packet: Any, time: Seconds | None) -> None:
        """Before the start: keep the packets since the last keyframe, undecoded."""
        early = self._decoder.start - _RUN_UP
        if packet.is_keyframe and (time is None or time <= early):
            self._held.clear()
            self._held_bytes = 0
        self._held.append(packet)
        self._held_bytes += packet.size
        if (time is not None and time > early) or self._held_bytes > _MOST_HELD_BYTES:
            self._release()

    def _release(self) -> None:
        self._running = True
        held, self._held = self._held, []
        for packet in held:
            self._merge.add(self.pictures.push(packet))  # type: ignore[union-attr]

    def _seek(self) -> None:
        """Jump near the start where the container can; else the packets are read through."""
        import av

        start = self._decoder.start
        target = min(start - _RUN_UP, first_needed(start)) if self.sounds else start - _RUN_UP
        target -= 2.0
        if (
            target <= self._begins
            or self._stated is None
            or not formats(self._container) & _INDEXED
        ):
            return
        try:
            self._container.seek(int((target + float(self._zero)) * 1_000_000), backward=True)
        except av.error.FFmpegError:
            self._container.seek(int(float(self._zero) * 1_000_000), backward=True)

    def _report(self) -> None:
        say = self._decoder.warnings.append
        failures = sum(flow.failures for flow in (self.pictures, self.sounds) if flow)
        got = (self.pictures and self.pictures.frames) or (self.sounds and self.sounds.end > 0)
        if not got and self._start <= self._begins < self._decoder.until:
            name = self._decoder.path.name
            if failures:
                raise Unreadable(
                    f"nothing in {name!r} could be decoded", fix="copy or download it again"
                )
            raise EmptyMedia(f"{name!r} lasts no time", fix="copy or download it again")
        if failures:
            say(f"{failures} damaged packets were left out")
        say_unknown = ", ".join(self._streams.unknown)
        if say_unknown:
            say(f"left out, as the codec is not known: {say_unknown}")
        end, stated = self._decoder.end - self._begins, self._stated
        if stated and math.isinf(self._decoder.until) and end < stated * 0.98 - 1.5:
            say(f"the file ends at {format_time(end)} although it states {format_time(stated)}")


class Merge:
    """Puts pictures and sound in order of time; sound that starts before a picture comes first.

    Where one track has no data for long, the other does not wait for it beyond `*_LAG` seconds.
    """

    PICTURE_LAG = 10.0
    SOUND_LAG = 120.0

    def __init__(self, flows: _Pass) -> None:
        self._flows = flows
        self._pictures: deque[Picture] = deque()
        self._sounds: deque[Sound] = deque()

    def add(self, items: Iterator[Picture] | Iterator[Sound]) -> None:
        """Take items of one track, in order."""
        for item in items:
            if isinstance(item, Picture):
                self._pictures.append(item)
            else:
                self._sounds.append(item)

    def _marks(self) -> tuple[Seconds, Seconds]:
        flows = self._flows
        seen = flows.pictures.mark if flows.pictures else math.inf
        heard = flows.sounds.mark if flows.sounds else math.inf
        return seen, heard

    def past(self, time: Seconds) -> bool:
        """Whether nothing before `time` is still to come."""
        seen, heard = self._marks()
        waiting = bool(self._pictures or self._sounds)
        late = min(seen, heard) >= time or (
            not waiting and max(m for m in (seen, heard) if m < math.inf) >= time + self.SOUND_LAG
        )
        return late and math.isfinite(time)

    def ready(self) -> Iterator[Item]:
        """Yield what nothing earlier can precede any more."""
        seen, heard = self._marks()
        while self._pictures or self._sounds:
            picture = self._pictures[0].time if self._pictures else math.inf
            sound = self._sounds[0].start if self._sounds else math.inf
            if sound < picture:
                if sound > seen and heard - sound <= self.SOUND_LAG:
                    return
                yield self._sounds.popleft()
            else:
                if picture > heard and seen - picture <= self.PICTURE_LAG:
                    return
                yield self._pictures.popleft()

    def last(self, pictures: Iterator[Picture]) -> Iterator[Item]:
        """Yield all that is left, with the last `pictures` as they are drawn."""
        for picture in pictures:
            self._pictures.append(picture)
            yield from self._flush(picture.time)
        yield from self._flush(math.inf)

    def _flush(self, until: Seconds) -> Iterator[Item]:
        while self._pictures or self._sounds:
            picture = self._pictures[0].time if self._pictures else math.inf
            sound = self._sounds[0].start if self._sounds else math.inf
            if min(picture, sound) > until:
                return
            yield self._sounds.popleft() if sound < picture else self._pictures.popleft()
